"""One call of an operation, with what it should give: what laws are checked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd.engine.tensor import Tensor

Array = NDArray[Any]


@dataclass(frozen=True, repr=False)
class Sample:
    """One call of an operation: `call` and NumPy's `reference` are to agree on `args`.

    Args:
        call: a function of the data arguments, be they arrays or nodes.
        reference: the same with NumPy alone.
        args: the data arguments.
        settings: what was chosen beside them, for the message.
        constants: the positions of arguments that are not differentiated.
        step: of the differences, where the usual one does not suit.

    >>> Sample(np.exp, np.exp, (np.array([0.0]),), {"axis": 0})
    exp(array([0.]), axis=0)
    """

    call: Callable[..., Any]
    reference: Callable[..., Any]
    args: tuple[Array, ...]
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    constants: tuple[int, ...] = ()
    step: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", tuple(np.asarray(arg) for arg in self.args))

    def __repr__(self) -> str:
        name = self.name or getattr(self.call, "__name__", "call")
        words = [*map(repr, self.args), *(f"{k}={v!r}" for k, v in self.settings.items())]
        return " ".join(f"{name}({', '.join(words)})".split())

    def wanted(self) -> tuple[int, ...]:
        """Return the positions of the arguments that are differentiated."""
        return tuple(i for i in range(len(self.args)) if i not in self.constants)

    def cast(self, dtype: Any) -> tuple[Array, ...]:
        """Return the arguments with the floating ones in another dtype."""
        return tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in self.args)

    def leaves(self, args: Sequence[Array] | None = None) -> list[Tensor]:
        """Return a Tensor for each argument; those of constants require no gradient."""
        given = self.args if args is None else args
        return [Tensor(a, requires_grad=i in self.wanted()) for i, a in enumerate(given)]
