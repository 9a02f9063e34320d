"""A function of an operation that a program calls as it is."""

from __future__ import annotations

from typing import Any

from micrograd.core.op import Op, Together, registry
from micrograd.errors import CompileError


class CallOf:
    """A function of an operation that is called as it is, since it cannot be told.

    Args:
        op: the operation.
        what: "forward" or "derivative".
        i: of which argument.
    """

    __slots__ = ("__name__", "i", "op", "what")
    __module__ = "micrograd"

    def __init__(self, op: Op, what: str, i: int = 0) -> None:
        self.op, self.what, self.i = op, what, i
        of = f" for argument {i}" if what == "derivative" else ""
        self.__name__ = f"the {what} of {op.name}{of}"

    def __call__(self, *args: Any, **settings: Any) -> Any:
        if self.what == "forward":
            return self.op.forward(*args, **settings)
        rules: Any = self.op.derivatives
        if isinstance(rules, Together):
            return rules.rule(*args, **settings)(self.i)
        return rules[self.i](*args, **settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallOf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Any:
        return id(self.op), self.what, self.i

    def __reduce__(self) -> Any:
        if registry.get(self.op.name) is not self.op:
            raise CompileError(
                f"compile: {self.__name__} is called as it is, and cannot be stored, since the "
                "operation is not one of define_op."
            )
        return _stored_call, (self.op.name, self.what, self.i)


def _stored_call(name: str, what: str, i: int) -> CallOf:
    if name not in registry:
        raise CompileError(
            f"compile: the stored program calls the operation {name}, which is not defined here. "
            "Import the module that defines it first."
        )
    return CallOf(registry[name], what, i)
