"""Operations in copies and pickles, found again by name; that of a node that was overwritten."""

from __future__ import annotations

from typing import Any, NoReturn

from micrograd.core.node import Node, describe
from micrograd.core.op import Each, Op, registry
from micrograd.errors import ArgumentError, OperandError, StaleGraphError


def overwritten(op: Op, node: Node) -> Op:
    """Return an operation as it stands on a node whose data was assigned to."""
    return op if isinstance(op, Overwritten) else Overwritten(op, describe(node))


class Overwritten(Op):
    """An operation as it stands on a node whose data was overwritten: without derivative."""

    def __init__(self, op: Op, node: str) -> None:
        super().__init__(op.name, op.forward, Each(self._refuse), symbol=op.symbol)
        self._op = op
        self._node = node

    def guard(self) -> None:
        self.trust()

    def _refuse(self, *args: Any, **settings: Any) -> NoReturn:
        raise StaleGraphError(
            f"{self.name}: the data of its result was assigned to after it was recorded, so "
            f"its derivative is no longer that of the graph: {self._node}. Compute the result "
            "again, or assign to a leaf before the graph is built."
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Overwritten, (self._op, self._node)


def refuse_to_travel(op: Op, how: str) -> OperandError:
    """Return the error for an operation that cannot be found again by its name."""
    return OperandError(
        f"{how}: the operation {op.name!r} was not made by define_op, so that its derivative "
        "cannot be found again. Define it with define_op, or detach() what it computed."
    )


def _find(name: str) -> Op:
    if name not in registry:
        raise ArgumentError(
            f"op {name!r}: not defined here. Run the define_op call that made it before loading."
        )
    return registry[name]


def _reduced(op: Op) -> tuple[Any, ...]:
    """Return what pickle needs of an operation: its name."""
    if registry.get(op.name) is not op:
        raise refuse_to_travel(op, "pickle")
    return _find, (op.name,)


def _itself(op: Op, memo: Any = None) -> Op:
    return op


# All operations, also those of subclasses, which copyreg would not reach.
for _name, _method in {"reduce": _reduced, "copy": _itself, "deepcopy": _itself}.items():
    setattr(Op, f"__{_name}__", _method)
