"""What nodes are called: by a mapping, by keywords, or by the variables of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from micrograd import Node
from micrograd.errors import ArgumentError, OperandError

CALLER = "caller"


def names_from(
    names: object, keywords: Mapping[str, object], frame: FrameType | None
) -> dict[str, Node]:
    """Return names and the nodes they are for.

    Args:
        names: a mapping from names to nodes; 'caller' for the variables of `frame`;
            or None.
        keywords: more names, which win over the others.
        frame: where to look for variables.

    Raises:
        ArgumentError: if `names` is another word, or no mapping.
        OperandError: if a keyword is not for a node.

    >>> from micrograd import Value
    >>> x = Value(3.0)
    >>> names_from({"apple": x}, {"a": x}, None)
    {'apple': Value(data=3.0, grad=0), 'a': Value(data=3.0, grad=0)}
    """
    if names == CALLER and isinstance(names, str):
        found = {} if frame is None else variables(frame)
    elif isinstance(names, Mapping):
        found: dict[str, Any] = dict(names)  # pyright: ignore[reportUnknownArgumentType]
    elif names is None:
        found = {}
    else:
        raise ArgumentError(
            f"names: came as {names!r}, expected a mapping such as {{'apple': apple}}, or "
            f"{CALLER!r} for the names of your variables."
        )
    for name, thing in keywords.items():
        if not isinstance(thing, Node) and not is_foreign(thing):
            raise OperandError(
                f"{name}: came as a {type(thing).__name__}, expected a node to be called {name!r}. "
                "draw() has no option of that name."
            )
        found[name] = thing
    return found


def variables(frame: FrameType) -> dict[str, Node]:
    """Return the variables of a frame that hold nodes, local ones before global ones.

    Those whose names begin with an underscore are left out, as are IPython's. Where
    two hold the same node, the one that was assigned to first counts.

    >>> import sys
    >>> from micrograd import Value
    >>> def shop():
    ...     apple = fruit = Value(100.0)
    ...     return variables(sys._getframe())
    >>> list(shop())
    ['apple']
    """
    found: dict[Node, str] = {}
    for scope in (frame.f_locals, frame.f_globals):
        for name, thing in list(scope.items()):
            is_node = isinstance(thing, Node) or is_foreign(thing)
            if is_node and not name.startswith("_"):
                found.setdefault(thing, name)
    taken: dict[str, Node] = {}
    for node, name in found.items():  # a local variable hides a global one
        taken.setdefault(name, node)
    return taken


def is_foreign(thing: object) -> bool:
    """Tell whether something is a node of another engine, made as karpathy/micrograd's are.

    >>> from micrograd import Value, plain
    >>> is_foreign(plain.Value(2.0)), is_foreign(Value(2.0)), is_foreign(2.0)
    (True, False, False)
    """
    # The class is looked at first: what else a variable may hold is left alone.
    kind = type(thing)
    if isinstance(thing, Node) or not (hasattr(kind, "backward") or hasattr(kind, "__add__")):
        return False
    return all(hasattr(thing, name) for name in ("data", "grad", "_prev", "_op"))


def not_a_node(what: str, thing: object) -> OperandError:
    """Return the error for what came in place of a node.

    >>> not_a_node("root:", 2.0)
    OperandError('root: came as a float, expected a node (a Value or Tensor).')
    """
    came, hint = type(thing).__name__, ""
    if is_foreign(thing):
        hint = " It is one of another engine, which draw() shows; compute it with ours for this."
    elif came in ("list", "tuple"):
        hint = " Pass several roots as draw(a, b)."
    elif came == "CompiledFunction":
        hint = " draw() shows its programs, such as .program(*args), and those in .programs."
    return OperandError(f"{what} came as a {came}, expected a node (a Value or Tensor).{hint}")
