"""Tensor: a node that holds a NumPy array."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, Self, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from micrograd import ops
from micrograd.common.symbolic import Symbolic
from micrograd.core.node import CLOSED, Node, all_of
from micrograd.core.op import Op
from micrograd.core.passes import Pass
from micrograd.core.record import is_recording
from micrograd.core.user_rules import owned_copy
from micrograd.engine import autodiff
from micrograd.engine.arithmetic import FUNCTIONS_OF_OURS
from micrograd.engine.conversion import KINDS, as_array, as_kept
from micrograd.engine.fitting import fit_array
from micrograd.engine.methods import ArrayMethods
from micrograd.engine.one_off import record_closure
from micrograd.engine.protocol import call_numpy
from micrograd.engine.seals import (
    copy_out,
    hand_out,
    hand_out_symbol,
    is_copied,
    is_handed_out,
    is_written,
    keep_operand,
    secure,
    version_of,
)
from micrograd.errors import GradientError, MicrogradError, OperandError, ShapeError, describe
from micrograd.ops import axes
from micrograd.ops.axes import shown
from micrograd.ops.reach import MOVED

__all__ = ["Tensor"]


class Tensor(ArrayMethods):
    """An array that remembers how it was computed, and can be differentiated.

    It computes as a NumPy array does: broadcasting, promotion (float32 stays
    float32 beside a Python number), indexing. `backward()` leaves the gradient
    in every node's `grad`, an array that is None until then. The six
    comparisons give boolean arrays; the hash is that of the object.

    Args:
        data: numbers, nested lists of numbers or an array, which is copied. Tensors in
            a list are stacked, and the result can be differentiated through.
        dtype: the dtype; that of `data` when left out.
        requires_grad: False for a constant. A floating tensor is no constant
            unless told so; an integer or boolean one always is.
        label: the name that diagrams and messages show.
        parents: the Tensors that your own code computed `data` from; none for a leaf.
        op: what to call that code.
        backward: the derivative of that code: a function of the gradient, an
            array, that returns the gradient of its one parent, or a tuple with
            one for each. Second derivatives need `define_op` instead.

    Raises:
        OperandError: if `data` is not made of real numbers, or the parents are
            no Tensors, or if a gradient is asked for that integers cannot have.
        ShapeError: if the rows of `data` differ in length.

    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> (x * x).sum().backward()
    >>> x.grad
    array([2., 4., 6.])
    >>> y = Tensor(np.exp(x.data), parents=(x,), op="my exp", backward=lambda g: g * y.data)
    >>> y.sum().backward()
    >>> x.grad.round(1)
    array([ 4.7, 11.4, 26.1])
    """

    __slots__ = ()
    _is_number = False

    def __init__(
        self,
        data: Any,
        dtype: DTypeLike | None = None,
        *,
        requires_grad: bool | None = None,
        label: str | None = None,
        parents: Iterable[Tensor] = (),
        op: str = "",
        backward: Callable[[Any], Any] | None = None,
    ) -> None:
        if isinstance(data, Node):
            raise OperandError(
                f"Tensor: came a {type(data).__name__}, whose graph would be lost. Use a Tensor as "
                "it is, or t.astype(dtype) for another dtype; micrograd.stack makes one of "
                "several. For a constant, use .detach() or .data."
            )
        if _has_tensors(data):
            whole = _stacked(data) if dtype is None else ops.astype(_stacked(data), dtype)
            if whole.requires_grad and requires_grad is not False:
                self._become(whole)
                self.label = label
                return
            data = whole._data
            requires_grad = bool(requires_grad)  # of constants it is a constant
        array = as_array(data, "Tensor", dtype)
        floating = array.dtype.kind == "f"
        if requires_grad and not floating:
            raise OperandError(
                f"Tensor: dtype {array.dtype} has no gradient; only floating dtypes do. "
                "Give floats, or dtype=float."
            )
        fresh = isinstance(data, (list, tuple, float, int))  # what else gives may be its own
        copy = array if fresh and array.base is None else array.copy()
        self._set_leaf(copy, floating if requires_grad is None else requires_grad, label)
        if parents or backward is not None:
            record_closure(self, parents, op, backward)
            copy.flags.writeable = self.is_leaf

    @property
    def data(self) -> NDArray[Any]:
        """The array; after writing or assigning to it, records that used the old one are refused.

        That of a leaf is an array over the leaf's memory, the same one as long as somebody has
        it. That of a result is a copy, which cannot be written to.
        """
        data = self._data
        if data.__class__ is not np.ndarray:
            if isinstance(data, Symbolic):
                return hand_out_symbol(self, data)
            data = np.asarray(data)
        if self.op is None and data is self._data and data.flags.carray:
            return hand_out(self)
        return copy_out(data)

    @data.setter
    def data(self, new: Any) -> None:
        if self.is_leaf and (new is self._data or is_handed_out(self, new)):
            new = self._data  # as after `t.data -= ...`
        else:
            new = as_kept(as_array(new, "Tensor.data"), self.dtype)
            if new.shape != self.shape:
                raise ShapeError(
                    f"Tensor.data: expected shape {self.shape}, but came {new.shape} for "
                    f"{describe(self)}. Make a new Tensor for another shape."
                )
            new = new.copy()
            new.flags.writeable = self.is_leaf
        self._overwrite(new)

    @property
    def grad(self) -> Any:
        """The gradient: None until it is computed, then an array; a Tensor after create_graph.

        That of a leaf can be written to; that of a result cannot, as other nodes may share it.
        """
        grad: Any = self._grad
        if grad is None or self.op is None or isinstance(grad, Node):
            return grad
        if isinstance(grad, Pass):  # one that is under way has stored none yet
            return None
        if isinstance(grad, Symbolic):
            return hand_out_symbol(self, grad)
        return copy_out(np.asarray(grad))  # the sum of arrays without axes is a scalar to NumPy

    @grad.setter
    def grad(self, new: Any) -> None:
        if new is self._grad:  # after `t.grad *= ...` it is the array itself
            return
        if new is not None and not isinstance(new, Tensor):
            new = as_array(new, "Tensor.grad", self.dtype).copy()
        if new is not None and new.shape != self.shape:
            raise ShapeError(
                f"Tensor.grad: expected shape {self.shape}, but came {new.shape} for "
                f"{describe(self)}. Give a gradient of its shape, or None for none."
            )
        self._grad = new

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return getattr(self._data, "shape", ())

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return getattr(self._data, "ndim", 0)

    @property
    def size(self) -> int:
        """The number of elements."""
        return getattr(self._data, "size", 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the elements."""
        return axes.as_array(self._data).dtype

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """Compute the gradient of this tensor with respect to every node it came from.

        Leaves add it to their `grad`; call `zero_grad()` to start anew.

        Args:
            gradient: what to start from, in the shape of this tensor; 1 when
                left out, which a tensor of one element allows.
            create_graph: make the gradients Tensors with a graph of their own,
                so that they can be differentiated in turn.

        Raises:
            GradientError: if this tensor requires no gradient, or has several
                elements and no gradient came.
            ShapeError: if the gradient has another shape.
            StaleGraphError: if data was assigned to after it was recorded.

        >>> x = Tensor([1.0, 2.0])
        >>> (x * x).backward([1.0, 10.0])
        >>> x.grad
        array([ 2., 40.])
        """
        data = axes.as_array(self._data)
        if gradient is not None:
            gradient = self._start(gradient, create_graph)
        elif data.size == 1:
            gradient = np.array(1, data.dtype).reshape(data.shape)
        else:
            raise GradientError(
                f"backward: {describe(self)} has several elements. Reduce it to "
                "one element first, as with .sum(), or give backward a gradient of its shape."
            )
        if create_graph and not isinstance(gradient, Tensor):
            gradient = Tensor(gradient, requires_grad=False)
        autodiff.backward(self, gradient, create_graph)

    def _start(self, gradient: Any, create_graph: bool) -> Any:
        """Return a gradient that came from outside: an array of its own, or a node to record."""
        if isinstance(gradient, Tensor):
            if gradient.requires_grad and not create_graph:
                raise GradientError(
                    "backward: came a gradient that requires one itself. Use create_graph=True "
                    "to keep its graph, or give its .data."
                )
            start = gradient if create_graph else gradient._data.copy()
        else:
            start = as_array(gradient, "backward(gradient)", self.dtype).copy()
        if start.shape != self.shape:
            raise ShapeError(
                f"backward: the gradient has shape {start.shape}, but the Tensor has "
                f"{self.shape}: {describe(self)}. Give one of its shape."
            )
        return start

    def item(self) -> float:
        """Return the one element as a Python number, without its graph.

        Raises:
            ShapeError: if there are several.

        >>> Tensor([2.0]).item()
        2.0
        """
        if self.size != 1:
            raise ShapeError(
                f"item: expected one element, but came {describe(self)}. Take one by its index, or "
                "use .data for the array."
            )
        return axes.as_array(self._data).item()

    def detach(self) -> Tensor:
        """Return a constant with the same data, which a later write to a leaf does not change.

        >>> Tensor([2.0]).detach().requires_grad
        False
        """
        data = self._data.copy() if self.is_leaf else owned_copy(self._data)
        return _constant_tensor(data, self.label)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise OperandError(
            "Tensor: elements cannot be assigned to, since records may depend on them. Use "
            "t = t.at[index].set(value), which gives a changed copy with its gradients."
        )

    def __len__(self) -> int:
        if self.ndim == 0:
            raise OperandError(
                f"len: {describe(self)} without axes has no length. Use .item() for its number."
            )
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, element: Any) -> bool:
        return bool(np.any(self._data == _data_of(element)))

    def __lt__(self, other: Any) -> NDArray[np.bool_]:
        return _compared(operator.lt, self, other)

    def __le__(self, other: Any) -> NDArray[np.bool_]:
        return _compared(operator.le, self, other)

    def __gt__(self, other: Any) -> NDArray[np.bool_]:
        return _compared(operator.gt, self, other)

    def __ge__(self, other: Any) -> NDArray[np.bool_]:
        return _compared(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        return _compared(operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return _compared(operator.ne, self, other)

    __hash__ = object.__hash__

    def _compare(self, ufunc: Any, *args: Any) -> Any:
        return ufunc(*map(_data_of, args))

    def __array_function__(
        self, function: Any, types: Any, args: Any, options: dict[str, Any]
    ) -> Any:
        return call_numpy(function, args, options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._refuse_to_lose_graph("np.asarray", _AS_ARRAY)
        array = np.asarray(self.data, dtype=dtype)
        return array.copy() if copy else array

    def __float__(self) -> float:
        self._refuse_to_lose_graph("float", _AS_NUMBER)
        return float(self.item())

    def __int__(self) -> int:
        self._refuse_to_lose_graph("int", _AS_NUMBER)
        return int(self.item())

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ShapeError(
                f"bool: the truth of {describe(self)} is ambiguous. Use .data.any() "
                "or .data.all(), or micrograd.where to choose element by element."
            )
        return bool(axes.as_array(self._data))

    def __repr__(self) -> str:
        array = axes.as_array(self._data)
        if isinstance(array, Symbolic):
            return f"{array}"  # which is refused
        numbers = np.array2string(array, separator=", ", prefix="Tensor(")
        dtype = "" if array.dtype == np.float64 else f", dtype={array.dtype}"
        constant = "" if self.requires_grad or array.dtype.kind != "f" else ", requires_grad=False"
        return f"Tensor({numbers}{dtype}{constant})"

    def _fit(self, contribution: Any, node: Node) -> Any:
        data = self._data
        plain = contribution.__class__ is np.ndarray
        if plain and contribution.shape == data.shape and contribution.dtype is data.dtype:
            return contribution
        return fit_array(contribution, node, self)

    def _secure(self) -> None:
        secure(self)

    def _version_now(self) -> int:
        return version_of(self)

    def _is_written(self, version: int) -> bool:
        return is_written(self, version)

    @classmethod
    def _adopt(cls, op: Op, data: Any, first: Any, rest: Any) -> NDArray[Any]:
        if data.__class__ is not np.ndarray:
            if isinstance(data, Symbolic):
                return data.adopted()
            data = np.asarray(data)
        elif data is first._data or (
            any([data is parent._data for parent in rest])
            if rest.__class__ is tuple
            else rest is not None and data is rest._data
        ):
            data = data.view()  # the flag below is not for the array of the argument
        data.setflags(write=False)
        return data

    @classmethod
    def _recover(
        cls, op: Op, error: Exception, settings: dict[str, Any], first: Any, rest: Any
    ) -> NoReturn:
        op.refuse(all_of(first, rest), error)

    def _constant(self, other: Any, op: Op) -> Any:
        if isinstance(other, Tensor):
            return other
        return _operand(other, op, self.requires_grad)

    def _lift(self, op: Op, args: tuple[Any, ...]) -> tuple[Node, ...]:
        if len(args) == 1:
            return args  # the one that was asked
        wanted = any([isinstance(arg, Tensor) and arg.requires_grad for arg in args])
        return tuple(
            [arg if isinstance(arg, Tensor) else _operand(arg, op, wanted) for arg in args]
        )


Tensor._kind = Tensor

_AS_ARRAY = (
    "Make a Tensor of several with Tensor([a, b]) or micrograd.stack([a, b]), change elements "
    "with t.at[index].set(value), and call this library's functions, or NumPy's on a Tensor."
)
_AS_NUMBER = (
    f"{FUNCTIONS_OF_OURS}, make one of several with Tensor([a, b]) or micrograd.stack([a, b]), and "
    "change elements with t.at[index].set(value)."
)
"""What to do instead of making a plain array, or a Python number, of a Tensor."""


def _has_tensors(data: Any) -> bool:
    return isinstance(data, (list, tuple)) and any(
        isinstance(item, Tensor) or _has_tensors(item) for item in cast("list[Any]", data)
    )


def _stacked(data: Any) -> Tensor:
    """Return nested lists with Tensors in them as one Tensor, differentiable."""
    items = [_stacked(item) if _has_tensors(item) else item for item in data]
    return ops.stack(items)


def _operand(data: Any, op: Op, wanted: bool) -> Tensor:
    """Return what came beside a Tensor as a constant, for good if a gradient is `wanted`."""
    constant: Any = object.__new__(Tensor)
    if data.__class__ is float or data.__class__ is int:
        # A Python number stays one: NumPy promotes by the arrays beside it.
        constant._set_leaf(data, False, None, CLOSED)
    elif data.__class__ is np.ndarray and data.dtype.kind in KINDS:
        constant._set_leaf(data, False, None)
        if wanted and op.reach is not MOVED and is_recording():
            if constant._data is data:
                keep_operand(constant, data)
            else:  # a symbol that stands for it
                constant._data = constant._data.as_operand(is_copied(data))
    elif isinstance(data, Symbolic):
        kept = wanted and op.reach is not MOVED and bool(is_recording())
        constant._set_leaf(data.as_operand(kept and is_copied(data)), False, None, CLOSED)
    else:
        constant._set_leaf(as_array(data, op.name).copy(), False, None, CLOSED)
    return constant


def _constant_tensor(data: Any, label: str | None = None) -> Tensor:
    """Return a constant over the very array that came, which is not copied."""
    constant = object.__new__(Tensor)
    constant._set_leaf(data, False, label)
    return constant


def _compared(test: Callable[[Any, Any], Any], tensor: Tensor, other: Any) -> Any:
    try:
        return test(tensor._data, _data_of(other))
    except (TypeError, ValueError) as error:
        if isinstance(error, MicrogradError):
            raise
        kind = ShapeError if isinstance(error, ValueError) else OperandError
        raise kind(
            f"comparison: cannot compare {describe(tensor)} with {shown(other)}. Give a number, or "
            f"an array of a shape that broadcasts with it. NumPy says: {error!s:.200}"
        ) from error


def _data_of(other: Any) -> Any:
    """Return the other side of a comparison as NumPy takes it."""
    if isinstance(other, Node) and not isinstance(other, Tensor):
        return as_array(other, "comparison")
    return other._data if isinstance(other, Tensor) else other
