"""The gradient check: reverse mode against numerical derivatives."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

import numpy as np

from micrograd.testing.comparison import Check
from micrograd.testing.inputs import arguments_of
from micrograd.testing.report import ArgumentReport, GradientReport
from micrograd.testing.verdict import Kinks, Options
from micrograd.transforms.differences import Method
from micrograd.transforms.transformed import Given, P


class CheckOptions(TypedDict, total=False):
    """The options of `gradcheck` and `assert_gradients`, for their types."""

    order: int
    rtol: float
    atol: float | None
    method: Method
    kinks: Kinks
    upcast: bool
    elements: int | None
    step: float | None
    seed: int


def gradcheck(
    f: Given[P],
    *inputs: Any,
    order: int = 1,
    rtol: float = 1e-8,
    atol: float | None = None,
    method: Method = "richardson",
    kinks: Kinks = "report",
    upcast: bool = False,
    elements: int | None = None,
    step: float | None = None,
    seed: int = 0,
) -> GradientReport:
    """Compare the gradients of `f` by reverse mode with numerical derivatives.

    The result of `f` may be a `Value`, a `Tensor` of any shape, or a tuple, list
    or dict of them: it is multiplied with random numbers and summed up, so that
    a large result costs no more than one number. An element fails if

        |reverse - numerical| > atol + rtol * |numerical| + error,

    where the error is the numerical derivative's own estimate. Where that is so
    large that a gradient off by a thousandth would pass, the element is
    uncertain, which fails too: the check says yes only if it knows. A gradient
    that is smaller throughout than that error, or than 1e-8 of the result, counts as zero.

    Args:
        f: a function of nodes. With the method "complex" it is also called with
            plain complex arrays or numbers.
        inputs: floats and `Value`s, which come to `f` as Values (as Tensors, if
            there are arrays too); floating arrays and Tensors, which come as
            Tensors; anything else (integers, labels, Tensors that require no
            gradient) comes as it is and is not differentiated. All are copied.
        order: 2 checks the gradient's gradient too, and so on.
        rtol: the relative tolerance, at most 5e-4.
        atol: the absolute tolerance; 1e-9 of the largest element when left out.
        method: "richardson", "central" or "complex", as `numerical_gradient` has
            them.
        kinks: what to do where the derivatives from the two sides differ, as at
            relu(0) or a tie of max, or where there is none. "report" counts them
            and asks only that the gradient lie between the two sides; "skip"
            leaves them out; "strict" makes them failures.
        upcast: check float32 and float16 inputs in float64. Otherwise they are
            refused, since differences in them are too coarse to tell anything.
        elements: how many elements of each argument to check, drawn at random;
            all when left out.
        step: of the differences; one that suits float64 when left out.
        seed: of the random numbers.

    Returns:
        A report, which is true if all gradients are right, and prints as a table.

    Raises:
        OperandError: if no input is a float, or one has too coarse a dtype.
        ArgumentError: if an option is out of its range.
        GradientError: if `f` returns plain numbers, so that its graph is lost.

    >>> from micrograd import tanh
    >>> print(gradcheck(lambda x, w: tanh(x @ w), np.ones((2, 3)), np.ones(3), order=2))
    The gradients of <lambda> are right.
    order  argument                shape   checked  wrong  kinks  uncertain  verdict
    1      x                       (2, 3)  6        0      0      0          right
    1      w                       (3,)    3        0      0      0          right
    2      x                       (2, 3)  6        0      0      0          right
    2      w                       (3,)    3        0      0      0          right
    2      gradient of the result  (2,)    2        0      0      0          right
    """
    options = Options(order, rtol, atol, method, kinks, elements, step)
    rng = np.random.default_rng(seed)
    function, arguments = arguments_of(f, inputs, upcast)
    found: list[ArgumentReport] = []
    scale = 0.0
    for current in range(1, order + 1):
        check = Check(function, arguments, current, rng, options, scale)
        found += check.reports()
        function, arguments = check.gradient_function()
        scale = check.scale
    return GradientReport(_name_of(f), tuple(found), kinks == "strict")


def assert_gradients(f: Given[P], *inputs: Any, **options: Unpack[CheckOptions]) -> None:
    """Raise an AssertionError that explains what is wrong with the gradients of `f`, if anything.

    Args:
        f: a function of nodes.
        inputs: as `gradcheck` takes them.
        options: those of `gradcheck`.

    Raises:
        AssertionError: if a gradient is wrong or cannot be judged. It names the
            argument, the element, both values and the error of the numerical
            one, and guesses at the cause.
        MicrogradError: as `gradcheck` does.

    >>> from micrograd import Op
    >>> half = Op("half", lambda x: x / 2, (lambda g, y, x: g * 2,))
    >>> assert_gradients(half, 3.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: The gradients of half are NOT right.
    order  argument  shape  checked  wrong  kinks  uncertain  verdict
    1      x         ()     1        1      0      0          WRONG
    The gradient of half with respect to x, shape (), is wrong at 1 of 1 element.
      The worst is the number: numerical 0.5 ± ..., reverse 2.
      The reverse gradient is 4 times the right one: look for a wrong factor.
    """
    report = gradcheck(f, *inputs, **options)
    if not report:
        raise AssertionError(str(report))


def _name_of(f: Any) -> str:
    return getattr(f, "__name__", None) or getattr(f, "name", None) or type(f).__name__
