"""Modules one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast, overload

from micrograd.errors import OperandError
from micrograd.nn.module import Module


class Sequential(Module):
    """Modules one after the other, each of which takes what the one before it gave.

    Args:
        modules: in the order of computation; none at all is the identity.

    Raises:
        OperandError: if something else came, such as the class ReLU for ReLU().

    >>> from micrograd.nn import Linear, ReLU
    >>> net = Sequential(Linear(784, 50), ReLU(), Linear(50, 10))
    >>> net
    Sequential(
      (0): Linear(784, 50)
      (1): ReLU()
      (2): Linear(50, 10)
    )
    >>> [name for name, parameter in net.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    >>> net[:2]
    Sequential(
      (0): Linear(784, 50)
      (1): ReLU()
    )
    """

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            if not isinstance(module, Module):
                raise OperandError(f"Sequential: argument {i} {_what_to_do(module)}")
        self._modules = list(modules)

    def forward(self, x: Any) -> Any:
        """Return what the last module gives."""
        for module in self._modules:
            x = module(x)
        return x

    def _members(self) -> Iterable[tuple[Any, Any]]:
        yield from enumerate(self._modules)
        yield from ((name, item) for name, item in vars(self).items() if name != "_modules")

    def _scope_of(self, module: Module) -> str | None:
        for i, other in enumerate(self._modules):
            if other is module:
                return f"{type(module).__name__.lower()}{i}"
        return super()._scope_of(module)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Module:
        """Return one of the modules, or those of a slice as a Sequential that shares them."""
        if isinstance(index, slice):
            return Sequential(*self._modules[index])
        return self._modules[index]


def _what_to_do(came: Any) -> str:
    if isinstance(came, type) and issubclass(came, Module):
        name = came.__name__
        return f"is the class {name}. Make a module of it: {name}(...)."
    if isinstance(came, (list, tuple)):
        kind = type(cast("Any", came)).__name__
        return f"is a {kind}. Unpack it: Sequential(*modules)."
    return f"has to be a Module, but came {came!r}. Derive one from Module, with a forward."


__all__ = ["Sequential"]
