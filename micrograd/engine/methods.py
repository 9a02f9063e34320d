"""The methods that an array has, for a Tensor; each is the function of its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from numpy.typing import DTypeLike

from micrograd import ops
from micrograd.core.op import registry
from micrograd.engine.arithmetic import Arithmetic, reflected
from micrograd.ops.picking import Updates
from micrograd.ops.reductions import Axis


class ArrayMethods(Arithmetic):
    """NumPy's methods, without those that change the array in place."""

    __slots__ = ()

    @property
    def T(self) -> Self:
        """The tensor with its axes reversed."""
        return ops.transpose(self)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return the sum along `axis`; see `micrograd.sum`."""
        return ops.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return the mean along `axis`; see `micrograd.mean`."""
        return ops.mean(self, axis, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return the largest element along `axis`; see `micrograd.max`."""
        return ops.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return the smallest element along `axis`; see `micrograd.min`."""
        return ops.min(self, axis, keepdims)

    def prod(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Return the product along `axis`; see `micrograd.prod`."""
        return ops.prod(self, axis, keepdims)

    def var(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Self:
        """Return the variance along `axis`; see `micrograd.var`."""
        return ops.var(self, axis, ddof, keepdims)

    def std(self, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Self:
        """Return the standard deviation along `axis`; see `micrograd.std`."""
        return ops.std(self, axis, ddof, keepdims)

    def cumsum(self, axis: int | None = None) -> Self:
        """Return the sums up to each element; see `micrograd.cumsum`."""
        return ops.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Self:
        """Return the products up to each element; see `micrograd.cumprod`."""
        return ops.cumprod(self, axis)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return where the largest element is, a constant; see `micrograd.argmax`."""
        return ops.argmax(self, axis, keepdims)

    def argmin(self, axis: int | None = None, keepdims: bool = False) -> Any:
        """Return where the smallest element is, a constant; see `micrograd.argmin`."""
        return ops.argmin(self, axis, keepdims)

    def all(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Tell whether all elements are true; see `micrograd.all`."""
        return ops.all(self, axis, keepdims)

    def any(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """Tell whether an element is true; see `micrograd.any`."""
        return ops.any(self, axis, keepdims)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """Return the elements, kept between two bounds; see `micrograd.clip`."""
        return ops.clip(self, min, max)

    def round(self, decimals: int = 0) -> Self:
        """Return the elements, rounded; see `micrograd.round`."""
        return ops.round(self, decimals)

    def ravel(self) -> Self:
        """Return the elements along one axis; see `micrograd.ravel`."""
        return ops.ravel(self)

    def squeeze(self, axis: int | tuple[int, ...] | None = None) -> Self:
        """Return the tensor without axes of length 1; see `micrograd.squeeze`."""
        return ops.squeeze(self, axis)

    def repeat(self, repeats: int | Sequence[int], axis: int | None = None) -> Self:
        """Return the elements, each repeated; see `micrograd.repeat`."""
        return ops.repeat(self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None) -> Self:
        """Return the elements at some indices; see `micrograd.take`."""
        return ops.take(self, indices, axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """Return a diagonal; see `micrograd.diagonal`."""
        return ops.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """Return the sum of a diagonal; see `micrograd.trace`."""
        return ops.trace(self, offset, axis1, axis2)

    def dot(self, other: Any) -> Self:
        """Return the product, of matrices the matrix product; see `micrograd.dot`."""
        return ops.dot(self, other)

    def flatten(self) -> Self:
        """Return the elements along one axis, as `ravel` does."""
        return ops.ravel(self)

    @property
    def mT(self) -> Self:
        """The tensor with its last two axes exchanged."""
        return ops.matrix_transpose(self)

    @property
    def at(self) -> Updates[Self]:
        """Functional updates: `t.at[index].set(v)` and `.add(v)` give a changed copy."""
        return ops.at(self)

    def reshape(self, *shape: int | Sequence[int]) -> Self:
        """Return the elements in another shape, given as numbers or as one tuple."""
        lengths = shape[0] if len(shape) == 1 else shape
        return ops.reshape(self, cast("int | Sequence[int]", lengths))

    def transpose(self, *axes: int | Sequence[int] | None) -> Self:
        """Return the tensor with its axes in another order, reversed by default."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return ops.transpose(self, cast("Sequence[int] | None", order))

    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Return the tensor with two axes exchanged."""
        return ops.swapaxes(self, axis1, axis2)

    def astype(self, dtype: DTypeLike) -> Self:
        """Return the tensor with its elements in another dtype."""
        return ops.astype(self, dtype)

    if TYPE_CHECKING:

        def __matmul__(self, other: Any) -> Self: ...
        def __rmatmul__(self, other: Any) -> Self: ...

    else:
        __matmul__ = registry["matmul"].operator
        __rmatmul__ = reflected(registry["matmul"])

    def __getitem__(self, index: Any) -> Self:
        return ops.getitem(self, index)
