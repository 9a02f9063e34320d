"""What a wrong call of NumPy's, or of another library's, says: what keeps the gradient."""

from __future__ import annotations

import math
import operator
import pickle
import re
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, cast

import numpy as np
import pytest

import micrograd as mg
from micrograd import MicrogradError, OperandError, ShapeError, Tensor, Value
from micrograd.engine.forms import OF_DATA, OF_SHAPE, forms
from micrograd.engine.hints import HINTS, hint_for
from micrograd.engine.signatures import name_of

T = Tensor([1.0, 2.0, 3.0])
M = Tensor(np.arange(6.0).reshape(2, 3))
BIG = Tensor(np.ones((30, 30)))
V = Value(1.5)
PLAIN = np.zeros(3)


class Other:
    """A class from elsewhere that knows NumPy's protocol for arrays, and operators of its own."""

    def __init__(self, data: list[float]) -> None:
        self.data = np.array(data)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self.data

    def __sub__(self, other: Any) -> Any:
        return self.data - np.asarray(other)


class Framed(Other):
    """One that leaves an operator to whoever has a higher priority, as a Series of pandas does."""

    __pandas_priority__ = 4000

    def __sub__(self, other: Any) -> Any:
        if getattr(other, "__pandas_priority__", 0) > self.__pandas_priority__:
            return NotImplemented
        return super().__sub__(other)

    __rsub__ = __sub__


class Refusing:
    """One that refuses to become a plain array, as PyTorch's do that require a gradient."""

    shape = (3,)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def assign(array: Any, index: Any, value: Any) -> None:
    array[index] = value


SAYS: dict[str, tuple[Callable[[], Any], str]] = {
    "an array of Tensors": (
        lambda: np.array([T[0], T[1]]),
        r"Tensor\(\[a, b\]\) or micrograd\.stack.*\.data",
    ),
    "a mean of Tensors": (
        lambda: np.mean([T, T]),
        r"Tensor\(\[a, b\]\) or micrograd\.stack.*\.data",
    ),
    "Tensors written into an array": (
        lambda: assign(PLAIN, slice(2), T[:2]),
        r"t\.at\[index\]\.set\(value\).*\.data",
    ),
    "an element of a Tensor": (lambda: assign(T, 0, 1.0), r"t\.at\[index\]\.set\(value\)"),
    "an array of Values": (
        lambda: np.array([V, V]),
        r"in a list.*Tensor\(\[1\.0, 2\.0\]\).*\.data",
    ),
    "a Value written into an array": (lambda: assign(PLAIN, 0, V), r"keep Values in a list"),
    "a Tensor of Values": (lambda: Tensor([V, V]), r"Values stay in a list"),
    "a Tensor of a Tensor": (lambda: Tensor(T), r"Use a Tensor as it is"),
    "math of a Value": (lambda: math.exp(V), r"micrograd\.exp\(x\) for math\.exp\(x\).*\.data"),
    "math of a Tensor": (lambda: math.exp(T[0]), r"micrograd\.exp\(x\) for math\.exp\(x\).*\.data"),
    "rows of a large Tensor": (
        lambda: np.vstack(cast(Any, BIG)),
        r"a Tensor of shape \(30, 30\).*list\(x\)",
    ),
    "eig": (lambda: np.linalg.eig(M), r"np\.linalg\.eig: .*micrograd\.linalg\.eigh"),
    "cond": (lambda: np.linalg.cond(M), r"np\.linalg\.cond: .*micrograd\.linalg\.svdvals"),
    "real": (lambda: np.real(T), r"np\.real: .*use it as it is"),
    "spacing": (lambda: np.spacing(T), r"np\.spacing: .*rounding, which has no gradient"),
    "a method": (lambda: np.add.reduce(T), r"np\.add\.reduce: .*micrograd\.sum"),
    "a method of another": (
        lambda: np.subtract.outer(T, T),
        r"np\.subtract\.outer: .*a\[:, None\]",
    ),
    "a sum of a Value": (lambda: np.sum(V), r"a Value is one number.*Python's sum"),
    "copyto a Tensor": (
        lambda: np.copyto(cast(Any, T), 1.0),
        r"cannot write into a Tensor.*x\.at\[index\]",
    ),
    "add.at of a Tensor": (lambda: np.add.at(T, [0], 1.0), r"cannot write into a Tensor.*\.at\["),
    "out= of a Tensor": (
        lambda: np.argmax(M, 0, cast(Any, T)),
        r"np\.argmax: cannot write into a Tensor",
    ),
    "an array changed in place": (
        lambda: operator.iadd(PLAIN, T),
        r"np\.add with out=.*array = array \+ tensor",
    ),
    "a fill with a gradient": (
        lambda: np.full_like(T, T[0]),
        r"np\.full_like: .*micrograd\.broadcast_to\(value, x\.shape\)",
    ),
    "a setting with a gradient": (
        lambda: np.var(M, 0, ddof=cast(Any, T[0])),
        r"np\.var: ddof has no gradient, but came a Tensor of shape \(\) that requires one",
    ),
    "a dtype": (lambda: np.sum(T, dtype="f4"), r"np\.sum: dtype='f4' cannot.*x\.astype\(dtype\)"),
    "order": (lambda: np.ravel(M, "F"), r"np\.ravel: order='F' cannot.*Transpose first"),
    "a complex dtype": (lambda: T.astype(complex), r"dtype of real numbers, but came complex128"),
    "no dtype": (lambda: T.astype("no"), r"astype: 'no' is no dtype"),
    "parts that begin between": (
        lambda: np.split(M, cast(Any, [0.5])),
        r"split: indices are integers, but came float64",
    ),
    "a class from elsewhere on the left": (lambda: Other([1.0] * 3) - T, r"micrograd\.stack"),
    "one that refuses": (lambda: T - Refusing(), r"a Refusing of shape \(3,\).*It says: Can't"),
    "a comparison of other shapes": (
        lambda: T < [1.0, 2.0],
        r"comparison: cannot compare Tensor of shape \(3,\) with \[1\.0, 2\.0\]",
    ),
    "a comparison on the right": (lambda: np.ones(2) < T, r"np\.less: cannot be called like this"),
    "a comparison with text": (lambda: T < "a", r"cannot compare Tensor of shape \(3,\) with 'a'"),
    "None": (lambda: T + None, r"add: .*but came None of dtype object"),
}


@pytest.mark.parametrize("name", SAYS)
def test_a_wrong_call_says_what_keeps_the_gradient(name: str) -> None:
    attempt, words = SAYS[name]
    with pytest.raises(MicrogradError, match=words) as caught:
        attempt()

    assert len(str(caught.value)) < 600
    assert "\n" not in str(caught.value)
    assert T.data.tolist() == [1, 2, 3]
    assert PLAIN.tolist() == [0, 0, 0]


def test_numpy_hides_what_an_element_says_behind_its_own_error() -> None:
    with pytest.raises(ValueError, match="sequence") as caught:
        assign(PLAIN, 0, T[0])

    assert isinstance(caught.value.__cause__, OperandError)
    assert "t.at[index].set(value)" in str(caught.value.__cause__)
    assert "Tensor([a, b])" in str(caught.value.__cause__)


def test_a_series_and_a_tensor_make_a_tensor_on_either_side() -> None:
    series, t = Framed([1.0, 2.0, 3.0]), Tensor([3.0, 2.0, 1.0])

    for difference, sign in ((series - t, 1), (t - series, -1)):
        assert isinstance(difference, Tensor)
        assert difference.data.tolist() == [-2 * sign, 0, 2 * sign]
        t.zero_grad()
        difference.sum().backward()
        assert t.grad.tolist() == [-sign] * 3
    with pytest.raises(OperandError, match=r"one number, but came Framed|expected a real number"):
        _ = series - V
    assert (t - Other([1.0, 1.0, 1.0])).data.tolist() == [2, 1, 0]


def names_in(hint: str) -> Iterator[str]:
    """Yield the names that a hint gives, of this library's, NumPy's and methods of a Tensor."""
    yield from re.findall(r"\b((?:micrograd|np)(?:\.\w+)+)", hint)
    yield from (f"Tensor.{name}" for name in re.findall(r"\bx\.([a-z_]+)", hint))


@pytest.mark.parametrize("name", HINTS)
def test_every_name_in_a_hint_exists(name: str) -> None:
    for used in names_in(HINTS[name]):
        assert (
            attrgetter(used.partition(".")[2])(
                {"micrograd": mg, "np": np, "Tensor": Tensor}[used.partition(".")[0]]
            )
            is not None
        )
    assert HINTS[name].endswith(".")


@pytest.mark.parametrize("name", HINTS)
def test_a_hint_is_for_what_tensors_do_not_take(name: str) -> None:
    parts = name.split(".")[1:]
    function: Any = np
    for part in parts:
        function = getattr(function, part, None)

    assert function not in forms()
    assert function not in OF_DATA
    assert function not in OF_SHAPE or name == "np.full_like"


def test_the_hints_that_compute_are_right() -> None:
    x, y, a = np.array([1.0, 3.0, 4.0]), np.array([2.0, -1.0, 5.0]), np.array([[3.0, 1.0], [1, 2]])
    s = mg.linalg.svdvals(a)
    d = a - mg.mean(a, 1, keepdims=True)
    p, q = np.array([0.0, 1.0, 2.0]), np.array([1.0, 4.0, 2.0])
    z = np.array([0.25, 1.5])
    i = np.searchsorted(p, z) - 1
    pairs = [
        (s[..., 0] / s[..., -1], np.linalg.cond(a)),
        (mg.linalg.pinv(a) @ y[:2], np.linalg.lstsq(a, y[:2], rcond=None)[0]),
        (d @ d.T / (2 - 1), np.cov(a)),
        (((y[1:] + y[:-1]) / 2 * mg.diff(x)).sum(), 2 * 0.5 + 1 * 2),
        (q[i] + (z - p[i]) * (q[i + 1] - q[i]) / (p[i + 1] - p[i]), np.interp(z, p, q)),
        (mg.linalg.pinv(x[:, None] ** np.arange(2)) @ y, np.polyfit(x, y, 1)[::-1]),
        (x[:, None] ** np.arange(3), np.vander(x, 3, increasing=True)),
        (1 + (9 - 1) * np.linspace(0.0, 1.0, 5), np.linspace(1, 9, 5)),
        (1 * (9 / 1) ** np.linspace(0.0, 1.0, 5), np.geomspace(1, 9, 5)),
        (mg.at(np.zeros(3))[[0, 2, 0]].add(y), np.bincount([0, 2, 0], y)),
        (mg.trunc(y / 2), cast(Any, np.fix)(y / 2)),
        (mg.diff(mg.ravel(a)), np.ediff1d(a)),
    ]
    for ours, numpys in pairs:
        np.testing.assert_allclose(ours, numpys, rtol=1e-12)


def test_a_function_without_a_hint_is_led_to_the_operations_and_define_op() -> None:
    assert "micrograd.define_op" in hint_for("np.no_such_function")
    with pytest.raises(OperandError, match=r"np\.sort_complex: .*micrograd\.define_op"):
        np.sort_complex(T)


ERRORS: list[tuple[Callable[[Any], Any], Any]] = [
    (lambda x: np.sum(x, axis=2), np.exceptions.AxisError),
    (lambda x: np.expand_dims(x, 5), np.exceptions.AxisError),
    (lambda x: np.sum(x, axis=2), IndexError),
    (lambda x: np.linalg.inv(np.zeros((2, 2)) * x[0, 0]), np.linalg.LinAlgError),
    (lambda x: np.linalg.cholesky(x[:, :2]), np.linalg.LinAlgError),
    (lambda x: np.linalg.svd(x[:, :2] * np.nan), np.linalg.LinAlgError),
    (lambda x: np.take(x, [9]), IndexError),
    (lambda x: np.average(x, weights=np.zeros((2, 3))), ZeroDivisionError),
]


@pytest.mark.parametrize(("call", "kind"), ERRORS)
def test_an_error_is_of_numpys_class_too(call: Any, kind: type[Exception]) -> None:
    for x in (M.data, M):
        with pytest.raises(kind) as caught, np.errstate(all="ignore"):
            call(x)
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(caught.value, MicrogradError)
    assert type(again).__name__ == type(caught.value).__name__
    assert (str(again), isinstance(again, kind)) == (str(caught.value), True)


def test_a_name_of_numpys_is_what_users_write() -> None:
    assert {name_of(f) for f in (np.linalg.det, np.sum)} == {"np.linalg.det", "np.sum"}
    with pytest.raises(ShapeError):
        mg.concatenate([])
