"""Functions of this library as text, for modules that need only NumPy."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.lowering.names import Names, array_text, known_name, literal
from micrograd.compiler.lowering.portable import MANY, WIDTH, Made, packed, require_own
from micrograd.compiler.recording.call_of import CallOf
from micrograd.compiler.recording.programs import is_a
from micrograd.core.node import Node
from micrograd.core.op import Each, Op
from micrograd.errors import CompileError, MicrogradError
from micrograd.ops.rows import BY_ELEMENT

_MODULES = ("base64", "zlib", "np", "math", "operator", "functools")


@lru_cache(maxsize=64)
def _definitions(path: str) -> list[Any]:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]


def _cast(kind: Any, x: Any) -> Any:
    return x


class Definitions:
    """What a module defines: functions of this library, each after those that it uses.

    Args:
        names: those that are taken in the module.

    Attributes:
        texts: the definitions, in order.

    >>> definitions = Definitions(Names())
    >>> definitions.word(np.tanh), definitions.texts
    ('np.tanh', [])
    """

    def __init__(self, names: Names) -> None:
        self.texts: list[str] = []
        self._names = names
        self._known: dict[Any, str] = {}

    def bind(self, name: str, thing: Any) -> None:
        """Define a name that stands for a thing."""
        word = self.word(thing, name)
        if word != name:
            self.texts.append(f"{name} = {word}")

    def word(self, thing: Any, bound: str = "") -> str:
        """Return how the module writes a thing: by a name that it defines, or that there is.

        Raises:
            CompileError: for what exists only here, or belongs to the user.
        """
        if is_a(thing, CallOf):
            return self._call_of(thing, bound)
        if is_a(thing, Op):  # which is called with arrays
            require_own(thing)
            return self.word(thing.forward, bound)
        if is_a(thing, Made):
            return self._made(thing)
        if is_a(thing, partial):
            return self._made(Made(partial, (thing.func, thing.keywords, *thing.args)))
        if is_a(thing, np.ufunc) and thing in BY_ELEMENT:
            return f"np.frompyfunc({self.word(BY_ELEMENT[thing])}, 1, 1)"
        if is_a(thing, np.ndarray) and thing.dtype.kind in "biufc":
            text = array_text(thing) if thing.size <= MANY else ""
            return text if text and len(text) < WIDTH else self._made(packed(thing))
        plain = _plain(thing)
        if plain is not None:
            return plain
        function: Any = _cast if thing is typing.cast else getattr(thing, "__wrapped__", thing)
        if not is_a(function, FunctionType) or not function.__module__.startswith("micrograd."):
            raise unwritable(thing)
        return self._function(function, bound)

    def _call_of(self, thing: CallOf, bound: str) -> str:
        """Return what is called as it is, as the module has it."""
        require_own(thing.op)
        rules: Any = thing.op.derivatives
        if thing.what == "derivative" and is_a(rules, Each):
            raise unwritable(thing)
        try:
            return self.word(thing.op.forward if thing.what == "forward" else rules[thing.i], bound)
        except CompileError as error:
            raise unwritable(thing) from error

    def _made(self, thing: Made) -> str:
        if thing.function is partial:
            function, settings, *args = thing.args
            given = [self.word(function), *map(self.word, args)]
            given += [f"{key}={self.word(value)}" for key, value in settings.items()]
            return f"functools.partial({', '.join(given)})"
        return f"{self.word(thing.function)}({', '.join(map(self.word, thing.args))})"

    def _function(self, function: FunctionType, bound: str) -> str:
        key = function.__code__
        if key not in self._known:
            node = _node_of(function)
            name = self._known[key] = bound or self._new_name(function.__name__)
            if node is None:
                raise unwritable(function)
            tree = _bare(node, name)
            _require_called(
                tree, [word for word, value in _outer(function, tree) if is_a(value, Op)]
            )
            words = {word: self._of_global(word, value) for word, value in _outer(function, tree)}
            self.texts.append(ast.unparse(_Renamed(words).visit(tree)))
        return self._known[key]

    def _new_name(self, wish: str) -> str:
        wish = "_function" if wish == "<lambda>" else wish
        name, count = wish, 1
        while name in self._names.taken:  # as it is, since there it is no name of a variable
            count += 1
            name = f"{wish}_{count}"
        self._names.taken.add(name)
        return name

    def _of_global(self, name: str, value: Any) -> str:
        return name if name in _MODULES and is_a(value, ModuleType) else self.word(value)


def _plain(thing: Any) -> str | None:
    """Return how Python writes what needs no definition; None for what does."""
    if thing is Symbolic or thing is Node:  # of which a module has none
        return "()"
    if thing is partial:
        return "functools.partial"
    if is_a(thing, type) and issubclass(thing, MicrogradError):
        return "ValueError"
    if is_a(thing, str) and "\n" in thing:
        return f'"""\n{thing}\n"""'
    if getattr(thing, "__module__", "") == "typing" and thing is not typing.cast:
        return "None"
    return known_name(thing) if callable(thing) else literal(thing)


def unwritable(thing: Any) -> CompileError:
    """Return the error that a thing cannot be written."""
    what = (
        thing
        if is_a(thing, str)
        else getattr(thing, "__name__", None) or f"a {type(thing).__name__}"
    )
    return CompileError(
        f"save: the program calls or holds {what}, which a module of NumPy calls cannot have. "
        "Pickle the program instead, or compute that outside of the compiled function."
    )


def _outer(function: FunctionType, tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names from outside that a function uses, and what they stand for."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    outside = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells}}
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own.update(function.__code__.co_varnames)
    used = {node.id: None for node in ast.walk(tree) if isinstance(node, ast.Name)}
    yield from [(name, outside[name]) for name in used if name in outside and name not in own]


def _node_of(function: FunctionType) -> Any:
    """Return the definition of a function, as a tree; None if it is not found."""
    code, found = function.__code__, list[Any]()
    for node in _definitions(inspect.getsourcefile(function) or ""):
        lines = [node.lineno, *[d.lineno for d in getattr(node, "decorator_list", ())]]
        name = getattr(node, "name", "<lambda>")
        if code.co_firstlineno in lines and name == code.co_name:
            found.append(node)
    if len(found) < 2:
        return found[0] if found else None
    alike = [node for node in found if _holds(node, code)]
    return alike[0] if alike else None


def _require_called(tree: Any, names: list[str]) -> None:
    """Raise an error for operations that are more to a function than something to call."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names and id(node) not in called:
            raise unwritable(tree.name)


def _holds(node: Any, code: CodeType) -> bool:
    """Tell whether code was made of what stands in a definition, of several in a line."""
    places = [p for p in code.co_positions() if None not in p and p[3] != p[2]]
    first = min([(p[0], p[2]) for p in places])
    last = max([(p[1], p[3]) for p in places])
    body = node.body
    return (body.lineno, body.col_offset) <= first and last <= (
        body.end_lineno,
        body.end_col_offset,
    )


def _bare(node: Any, name: str) -> ast.FunctionDef:
    """Return a definition without types and description, under another name."""
    body: Any = node.body if isinstance(node, ast.FunctionDef) else [ast.Return(node.body)]
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        body = body[1:]
    made = ast.FunctionDef(name, node.args, body, [], None, None, lineno=1, col_offset=0)
    return _Untyped().visit(ast.parse(ast.unparse(made)).body[0])


class _Untyped(ast.NodeTransformer):
    """Functions without types."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        value = node.value or ast.Constant(None)
        return self.generic_visit(ast.Assign([node.target], value, lineno=node.lineno))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self.generic_visit(node)


class _Renamed(ast.NodeTransformer):
    """Names from outside as the module has them."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def visit_Name(self, node: ast.Name) -> ast.expr:
        word = self._words.get(node.id, node.id)
        return node if word == node.id else ast.parse(word, mode="eval").body
