"""How an elementwise operation is written: an empty function with its row above it.

`unary` and `binary` make the operation of the function's name and docstring,
with the types that an editor shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from micrograd.core.op import Derivative, Op, register
from micrograd.ops.axes import as_array
from micrograd.ops.kinds import A, N
from micrograd.ops.reach import SAME


class ElementwiseOp(Op):
    """An operation that broadcasts its arguments and acts on every element by itself."""

    def __init__(self, function: Callable[..., Any], *args: Any, **options: Any) -> None:
        options.setdefault("reach", SAME)
        options.setdefault("expects", "shapes that broadcast together")
        super().__init__(function.__name__, *args, **options)
        update_wrapper(self, function)


class UnaryOp(ElementwiseOp):
    """An elementwise operation on one argument."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, x: N, /) -> N: ...
        @overload
        def __call__(self, x: float, /) -> float: ...  # pyright: ignore[reportOverlappingOverload]
        @overload
        def __call__(self, x: A | ArrayLike, /) -> A: ...
        def __call__(self, *args: Any, **settings: Any) -> Any: ...


class BinaryOp(ElementwiseOp):
    """An elementwise operation on two arguments."""

    if TYPE_CHECKING:

        @overload
        def __call__(self, a: N, b: N | ArrayLike, /) -> N: ...
        @overload
        def __call__(  # pyright: ignore[reportOverlappingOverload]
            self, a: float, b: float, /
        ) -> float: ...
        @overload
        def __call__(self, a: A | ArrayLike, b: A | ArrayLike, /) -> A: ...
        def __call__(self, *args: Any, **settings: Any) -> Any: ...


def unary(
    forward: Callable[..., Any], derivative: Derivative, **options: Any
) -> Callable[[Callable[..., Any]], UnaryOp]:
    """Turn a documented, empty function into the elementwise operation of its name."""
    return lambda function: register(UnaryOp(function, forward, (derivative,), **options))


def binary(
    forward: Callable[..., Any], da: Derivative, db: Derivative, **options: Any
) -> Callable[[Callable[..., Any]], BinaryOp]:
    """Turn a documented, empty function into the elementwise operation of its name."""
    return lambda function: register(BinaryOp(function, forward, (da, db), **options))


BY_ELEMENT: dict[Any, Callable[[float], float]] = {}
"""By function of arrays that `by_element` made of one of `math`, that one."""


def by_element(function: Callable[[float], float]) -> Callable[..., Any]:
    """Return the forward function that calls one of `math` for each element of an array."""
    of_objects = np.frompyfunc(function, 1, 1)
    BY_ELEMENT[of_objects] = function

    def forward(x: Any) -> NDArray[Any]:
        array: Any = as_array(x)
        return as_array(of_objects(array)).astype(np.result_type(array, np.float16))

    return forward
