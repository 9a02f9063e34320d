"""What stands for a number or an array while it is told what is computed with it."""

from __future__ import annotations

from typing import Any

__all__ = ["Symbolic"]


class Symbolic:
    """The base of symbols, by which the engine knows them: see `micrograd.compiler`."""

    __slots__ = ()

    def example(self) -> Any:
        """Return the numbers that it stood for while it was told."""
        raise NotImplementedError

    def as_number(self) -> Any:
        """Return what a Value holds of it, a symbol too."""
        raise NotImplementedError

    def as_array(self) -> Any:
        """Return what stands for an array, where this stands for a number."""
        raise NotImplementedError

    def adopted(self) -> Any:
        """Return what stands for the data of a node that an operation gave."""
        raise NotImplementedError

    def as_owned(self) -> Any:
        """Return what stands for memory that nobody writes to: a copy, if it is a view of such."""
        raise NotImplementedError

    def as_float(self) -> Any:
        """Return the number as a float."""
        raise NotImplementedError

    def in_form_of(self, given: Any) -> Any:
        """Return another symbol for the same, as an array, or a scalar, as what was given."""
        raise NotImplementedError

    def as_operand(self, copied: bool) -> Any:
        """Return what a constant beside a Tensor holds of it.

        Args:
            copied: whether of an array it is a copy, laid out in memory as that is.
        """
        raise NotImplementedError
