"""What a compiled function refuses stays refused, also where the function catches the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from tests.twins import bits

Body = Callable[..., Any]


def same_as_eagerly(body: Body, *calls: tuple[Any, ...]) -> None:
    compiled = mg.compile(body)
    for args in calls * 2:
        got, expected = compiled(*args), body(*args)
        assert bits(got) == bits(expected)
        assert kinds(got) == kinds(expected)
    assert len(compiled.programs) == 1


def kinds(result: Any) -> list[type]:
    return [type(leaf) for leaf in (result if isinstance(result, tuple) else (result,))]  # pyright: ignore


# What transforms do inside


@pytest.mark.parametrize("kind", [np.asarray, lambda row: [Value(x) for x in row]])  # pyright: ignore
def test_a_checkpoint_gives_what_it_gives_eagerly(kind: Any) -> None:
    def loss(q: Any, x: Any) -> Any:
        block = mg.checkpoint(lambda z: mg.tanh(z * q) * x)
        return mg.checkpoint(lambda z: block(z) * z)(q * x)

    def gradient(row: Any, x: Any) -> Any:
        if isinstance(row, list):
            return mg.grad(loss)(row[0], x)
        return mg.grad(lambda q: loss(q, x).sum())(row)

    same_as_eagerly(gradient, *[(kind([0.5, 2.0]), x) for x in (1.0, 2.0, 3.0)])


def test_a_checkpoint_reaches_what_it_uses_from_outside() -> None:
    w = Tensor([1.0, 2.0])

    def step(x: Any) -> Any:
        w.zero_grad()
        loss = mg.checkpoint(lambda z: mg.tanh(z * w))(Tensor(x) * w).sum()
        loss.backward()
        return loss.item(), w.grad

    same_as_eagerly(step, *[(np.ones(2) * k,) for k in (1, 2, 3)])


@pytest.mark.parametrize(("kind", "given"), [(Value, 2.0), (Tensor, np.ones(2))])
def test_a_checkpoint_that_gives_something_else_is_noticed(kind: Any, given: Any) -> None:
    def gradient(x: Any, rng: np.random.Generator) -> Any:
        return mg.elementwise_grad(mg.checkpoint(lambda z: z * kind(x * rng.normal())))(x)  # pyright: ignore

    compiled = mg.compile(gradient)
    for f in (gradient, compiled, compiled):
        with pytest.raises(mg.GradientError, match=r"checkpoint: .*another result"):
            f(given, np.random.default_rng(0))


def test_the_tangent_of_one_number_is_a_scalar() -> None:
    same_as_eagerly(
        lambda x: mg.jvp(lambda q: (q**3).sum(), (x,), (x,))[1],
        *[(np.array([1.0, k]),) for k in (2.0, 3.0)],
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_number_beside_arrays_is_differentiated(dtype: Any) -> None:
    gradient = mg.grad(lambda p, x: ((x @ p["W"] + p["b"]) ** 2).sum())

    def slopes(b: float) -> Any:
        found = gradient({"W": np.ones(2, dtype), "b": b}, np.eye(2, dtype=dtype))
        return found["W"], found["b"]

    assert bits(slopes(0.5)) == bits((np.full(2, 3, dtype), 6.0))
    same_as_eagerly(slopes, (0.5,), (0.25,), (0.1,))


# Refusals that the function catches


def swallowing(body: Body) -> Body:
    def f(x: Any) -> Any:
        try:
            return body(x)
        except Exception:
            return -1.0

    return f


def raising_another(body: Body) -> Body:
    def f(x: Any) -> Any:
        try:
            return body(x)
        except Exception as error:
            raise KeyError("another") from error

    return f


W = Value(2.0)
OF_NUMBERS: dict[str, tuple[Body, str]] = {
    "float": (lambda x: float(x) > 3, r"float: .*micrograd.exp"),
    "float of a node": (lambda x: float((W * x).detach()) > 3, r"float: .*micrograd.exp"),
    "format": (lambda x: f"{x:.2f}", r"format: .*print what"),
    "a node's repr": (lambda x: repr(W * x), r"format|str: .*print what"),
    "dict": (lambda x: {1.0: 2.0}[x], r"hash.*micrograd.where"),
    "in a set": (lambda x: x in {1.0, 2.0}, r"hash.*micrograd.where"),
    "set": (lambda x: len({x}), r"hash.*list or a Tensor"),
    "complex factor": (lambda x: x * 1j, r"mul: .*real numbers"),
    "complex": (lambda x: complex(x), r"complex: .*real numbers"),
    "fraction of a negative": (lambda x: (-x) ** 0.5, r"power: .*micrograd.power\(x, y\)"),
    "is_integer": (lambda x: x.is_integer(), r"is_integer: .*functions of micrograd"),
    "getattr": (lambda x: getattr(x, "hex", None), r"hex: .*functions of micrograd"),
    "hasattr": (lambda x: hasattr(x, "as_integer_ratio"), r"as_integer_ratio: "),
    "an element": (lambda x: np.zeros(3).__setitem__(0, x), r"float: "),
    "an array": (lambda x: np.array([x, 1.0]), r"np.asarray: .*np.stack\(\[a, b\]\)"),
    "a list in an operation": (
        lambda x: mg.roll(Tensor([1.0]), [x]),
        r"np.asarray: ",
    ),
    "a sum": (lambda x: np.sum([x, x]), r"np.asarray: .*np.stack\(\[a, b\]\)"),
}
OF_ARRAYS: dict[str, tuple[Body, str]] = {
    "float": (lambda x: float(x[0]) > 3, r"float: .*np.exp for math.exp"),
    "complex": (lambda x: complex(x[0]), r"complex: .*astype\(complex\)"),
    "mask": (lambda x: x[x > 0], r"getitem: .*np.where"),
    "nonzero": (lambda x: x.nonzero(), r"nonzero: .*np.nonzero\(x\)"),
    "unique": (lambda x: np.unique(x), r"np.unique: .*masks"),
    "sort": (lambda x: x.sort(), r"sort: .*np.sort\(x\)"),
    "in a set": (lambda x: x in {1, 2}, r"hash.*np.where"),
    "an argument": (lambda x: x.fill(0.0), r"from outside, or a view of it, is written to"),
    "hasattr": (lambda x: hasattr(x, "strides"), r"strides: "),
    "getattr": (lambda x: getattr(x, "tobytes", None), r"tobytes: "),
    "in place": (lambda x: np.add(x, 1, out=np.zeros(2)), r"np.add: .*Tensor.*zeros_like"),
}


@pytest.mark.parametrize("how", [swallowing, raising_another])
@pytest.mark.parametrize("name", OF_NUMBERS)
def test_what_is_refused_of_numbers_stays_refused(name: str, how: Any) -> None:
    body, words = OF_NUMBERS[name]
    require_refused(how(body), words, 4.0)


@pytest.mark.parametrize("how", [swallowing, raising_another])
@pytest.mark.parametrize("name", OF_ARRAYS)
def test_what_is_refused_of_arrays_stays_refused(name: str, how: Any) -> None:
    body, words = OF_ARRAYS[name]
    require_refused(how(body), words, np.array([4.0, 5.0]))


def require_refused(body: Body, words: str, x: Any) -> None:
    compiled = mg.compile(body)
    for _ in range(3):
        with pytest.raises(mg.MicrogradError, match=words):
            compiled(x)
    assert not compiled.programs


def test_elements_are_not_set_in_arrays_of_numbers() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(3)
        y[0] = x
        return y

    for x in (1.0, np.ones(())):
        require_refused(f, r"setitem of an array of numbers: .*np.zeros_like\(x, shape", x)


def test_the_shape_is_not_set() -> None:
    def f(x: Any) -> Any:
        x.shape = (2, 1)
        return x

    require_refused(f, "shape: .*reshape", np.ones(2))


def test_integers_are_not_shifted() -> None:
    for body in (lambda x: x << 1, lambda x: 1 >> x):  # pyright: ignore
        require_refused(body, r"<< and >>: .*2\*\*n", 3)


def test_an_array_from_outside_is_not_written_to() -> None:
    moved, w = np.zeros(2), Tensor([1.0, 2.0])

    def step(x: Any) -> Any:
        nonlocal moved
        moved += w.data * x

    require_refused(step, r"data of a Tensor, as in `v.data \+= g`", 2.0)
    assert moved.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("array", [np.array([1.0], object), np.array(["ab"]), np.array([b"ab"])])
def test_arrays_of_objects_and_words_are_no_arguments(array: Any) -> None:
    require_refused(lambda x: x[0], "an argument is an array of dtype .*list or tuple", array)


def test_a_refusal_that_the_library_catches_is_none() -> None:
    square = mg.define_op("square_by_math", lambda x: float(x) ** 2, lambda g, y, x: g * 2 * x)  # pyright: ignore
    same_as_eagerly(lambda x: square(Value(x)).data, (2.0,), (3.0,))
    same_as_eagerly(lambda x: mg.stack([Tensor([x, 1.0]), Tensor([2.0, x])]).data, (2.0,), (3.0,))
    same_as_eagerly(lambda x: (Value(x) ** 0.5).data, (2.0,), (3.0,))


# What symbols have


def test_methods_of_numbers() -> None:
    same_as_eagerly(
        lambda x: (x.real, x.imag, x.conjugate(), hasattr(x, "ndim"), np.iscomplexobj(x)),
        (2.0,),
        (3.0,),
    )
    same_as_eagerly(lambda n: (n.real, n.imag, *divmod(n, 3), *divmod(20, n)), (7,), (-4,))
    same_as_eagerly(lambda x: (*divmod(x, 0.7), *divmod(-2.5, x)), (7.3,), (-4.1,))


def test_methods_of_arrays() -> None:
    def f(x: Any) -> Any:
        y = x.flatten()
        z = x.T.flatten("F")
        y[0] = 7
        return y, z, x.real + 0, x.imag, x.conj() + 0, x.conjugate() * 2, hasattr(x, "nothing")

    same_as_eagerly(f, *[(np.arange(6.0).reshape(2, 3) + k,) for k in range(3)])
    complex_numbers = np.array([1 + 2j, 3 - 1j])
    same_as_eagerly(
        lambda x: (x.real, x.imag, x.conj()), (complex_numbers,), (complex_numbers * 2,)
    )
    whole = np.array([3, 4, -5])
    same_as_eagerly(lambda n: (n << 2, n >> 1, 1 << (n & 3)), (whole,), (whole + 1,))
    same_as_eagerly(lambda n: (*divmod(n, 3), *divmod(7, n)), (whole,), (whole + 1,))


def test_lists_of_numbers_are_labels_and_indices() -> None:
    scores = np.array([[1.0, 2.0, 4.0], [0.5, 0.0, 0.25]])

    def f(labels: Any) -> Any:
        loss = mg.softmax_cross_entropy(Tensor(scores), labels)
        return loss.item(), Tensor(scores.T)[labels].data

    same_as_eagerly(f, ([0, 1],), ([2, 0],), ([1, 1],))
