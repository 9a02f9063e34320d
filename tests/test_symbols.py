"""Symbols tell what is computed with them, and the program computes the same bits for others."""

from __future__ import annotations

import math
import operator
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import FloatingError, OperandError, ShapeError, Tensor, Value
from micrograd.compiler.recording.programs import Form, Instruction, Slot, evaluate, written
from micrograd.compiler.recording.telling import tell
from micrograd.core.op import Op, define_op, registry
from tests.domains import calls_of

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

X = np.array([1.0, 2.0, 3.0])
FLOATS = Form((3,), np.dtype(float))


# By hand


def test_a_rule_becomes_instructions() -> None:
    program = tell(lambda g, y, a, b: g * b, X, X, X, X)
    assert program.names == ("g", "y", "a", "b")
    assert program.inputs == (FLOATS,) * 4
    assert program.instructions == (Instruction(operator.mul, (Slot(0), Slot(3)), {}, FLOATS),)
    assert program.result == Slot(4)


def test_a_program_is_written_as_python() -> None:
    def rule(g: Any, x: Any) -> Any:
        mask = (x > 0) & ~np.isnan(x)
        rows = np.add.reduce(np.where(mask, g, -np.inf), axis=0, keepdims=True)
        return [((-2) ** rows[0:1]) ** -2, x.astype(np.float32)[..., None].T, rows[::-1]]

    assert repr(tell(rule, X, X)).splitlines() == [
        "t1 = x > 0",
        "t2 = np.isnan(x)",
        "t3 = ~t2",
        "t4 = t1 & t3",
        "t5 = np.where(t4, g, -np.inf)",
        "t6 = np.add.reduce(t5, axis=0, keepdims=True)",
        "t7 = t6[0:1]",
        "t8 = (-2) ** t7",
        "t9 = t8 ** -2",
        "t10 = astype(x, np.float32, 'K')",
        "t11 = t10[..., None]",
        "t12 = np.transpose(t11)",
        "t13 = t6[::-1]",
        "return [t9, t12, t13]",
    ]


def test_a_program_computes_for_others() -> None:
    program = tell(lambda x: (x * x).sum() / 2, X)
    assert evaluate(program, np.array([2.0, 0.0, 4.0])) == 10


def test_what_is_computed_may_have_several_results() -> None:
    program = tell(lambda a: np.linalg.eigh(a).eigenvalues[::-1], np.eye(2))
    assert evaluate(program, np.diag([1.0, 3.0])).tolist() == [3, 1]


def test_a_python_number_stays_one() -> None:
    program = tell(lambda g, x: g * x**2 > 1, 2.0, 3)
    forms = [told.result for told in program.instructions]
    assert forms == [Form((), int), Form((), float), Form((), bool)]
    assert evaluate(program, 0.5, 1) is False


def test_a_symbol_has_a_form() -> None:
    seen: list[Any] = []

    def look(x: Any) -> Any:
        y = x[:, None].astype(np.float32)
        seen.append([y.shape, y.dtype, y.ndim, y.size, len(y), np.shape(y), np.result_type(y)])
        return [row for row in y]

    assert len(tell(look, X).result) == 3
    assert seen == [[(3, 1), np.float32, 2, 3, 3, (3, 1), np.float32]]


def test_a_program_can_be_pickled() -> None:
    program = tell(lambda x: np.maximum.reduce(x)[None] + np.array([1.0, 2.0]) * x[:2], X)
    twin = pickle.loads(pickle.dumps(program))
    assert repr(twin) == repr(program)
    assert evaluate(twin, X).tolist() == [4, 7]


def test_a_constant_is_that_of_the_telling() -> None:
    weights = np.ones(3)
    program = tell(lambda x: x * weights, X)
    weights[:] = 5
    assert evaluate(program, X).tolist() == [1, 2, 3]


# Operations


def test_an_operation_of_a_symbol_computes_and_records_nothing() -> None:
    program = tell(mg.tanh, X)
    assert [told.operation for told in program.instructions] == [np.tanh]
    assert evaluate(program, X).tobytes() == np.tanh(X).tobytes()


def test_a_users_operation_is_told(request: pytest.FixtureRequest) -> None:
    bell = define_op("symbols_bell", lambda x: np.exp(-x * x), lambda g, y, x: -2 * g * x * y)
    request.addfinalizer(lambda: registry.pop("symbols_bell"))
    assert repr(tell(bell, X)) == "t1 = -x1\nt2 = t1 * x1\nt3 = np.exp(t2)\nreturn t3"
    rule = tell(bell.derivatives[0], X, X, X)
    assert repr(rule) == "t1 = -2 * g\nt2 = t1 * x\nt3 = t2 * y\nreturn t3"


# What depends on numbers


def write_to_own(x: Any) -> Array:
    whole = np.zeros(3)
    np.add(x, 1, out=whole)
    return whole


def write_to_argument(x: Any) -> Any:
    x *= 2
    return x


def catch_overflow(x: Any) -> Any:
    with np.errstate(over="raise"):
        try:
            return np.exp(x)
        except FloatingPointError:
            return x


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x if x.any() else 0, "bool: came a symbol.*np.where"),
        (lambda x: float(x.sum()), "float: .*np.exp for math.exp"),
        (lambda x: math.exp(x[0]), "float: .*np.exp for math.exp"),
        (lambda x: int(x[0]), "int: .*astype"),
        (lambda x: range(x[0]), "index: .*np.take"),
        (lambda x: np.asarray(x), "array: .*takes the symbol as it is"),
        (lambda x: np.array([x, x]), "array: "),
        (lambda x: x[0].item(), "item: "),
        (lambda x: x.tolist(), "tolist: "),
        (lambda x: x[x > 1], "getitem: .*np.where"),
        (lambda x: np.nonzero(x), "np.nonzero: .*masks"),
        (lambda x: np.where(x), "np.where: .*masks"),
        (lambda x: np.allclose(x, 1), "np.allclose: "),
        (lambda x: x * Tensor(X), "data"),
        (lambda x: Value(2.0) * x, "Value: holds one number, but came <symbol"),
        (lambda x: mg.sum(Tensor(x)), "tell: the function returned a Tensor.*data"),
        (write_to_own, r"np.add: writes .*zeros_like\(symbol, shape=...\)"),
        (write_to_argument, "is an argument.*Copy it first"),
        (lambda x: catch_overflow(x * 1e6), "np.exp: .*after an error"),
    ],
)
def test_what_only_numbers_can_answer_is_refused(function: Function, words: str) -> None:
    with pytest.raises(OperandError, match=words):
        tell(function, X)


def test_an_argument_is_an_array_or_a_number() -> None:
    with pytest.raises(OperandError, match="tell: expected arrays or numbers, but came a Tensor"):
        tell(mg.exp, Tensor(X))


def test_a_symbol_belongs_to_one_telling() -> None:
    kept: list[Any] = []
    tell(kept.append, X)
    with pytest.raises(OperandError, match="another call of tell"):
        tell(lambda x: x + kept[0], X)


def test_other_forms_are_refused() -> None:
    program = tell(mg.exp, X)
    for given in (X[:2], X.astype(np.float32), 2.0):
        with pytest.raises(ShapeError, match="the program was told for"):
            evaluate(program, given)
    with pytest.raises(ShapeError, match="the program was told for"):
        evaluate(program)


def test_a_size_that_depends_on_numbers_is_noticed() -> None:
    program = tell(lambda x, n: np.repeat(x, n), X, np.array([1, 1, 2]))
    assert evaluate(program, X, np.array([0, 4, 0])).tolist() == [2, 2, 2, 2]
    with pytest.raises(ShapeError, match=r"np.repeat was told to give .*depends on numbers"):
        evaluate(program, X, np.array([1, 1, 1]))


def test_where_an_overflow_goes_another_way_is_noticed() -> None:
    program = tell(catch_overflow, X)
    assert program.instructions[0].raising == ("over",)
    assert evaluate(program, X).tobytes() == np.exp(X).tobytes()
    with pytest.raises(FloatingError, match=r"np.exp: overflow .*another way"):
        evaluate(program, X * 1000)


# Writing


def doubled_in_place(x: Any) -> Any:
    y = x + 0
    z = y
    y *= 2
    return z


def part_in_place(x: Any) -> Any:
    y = x * 1
    y[1:] += y[:2]
    y[0] += 7
    return y


def narrow_in_place(x: Any) -> Any:
    y = x.astype(np.float32)
    y += np.full(3, 1e-9)
    return y


def set_and_added(x: Any) -> Any:
    y = np.zeros_like(x, shape=(2, 3))
    y[0] = x
    np.add.at(y, (1, [0, 0, 2]), x)
    np.copyto(y, -1.0, where=y == 0)
    return y


def masked_out(x: Any) -> Any:
    y = np.full_like(x, 9)
    np.divide(6, x, out=y, where=x > 1)
    return y


@pytest.mark.parametrize(
    "function", [doubled_in_place, part_in_place, narrow_in_place, set_and_added, masked_out]
)
def test_writing_to_arrays_of_its_own_makes_other_values(function: Function) -> None:
    other = np.array([4.0, 1.0, -2.0])
    program = tell(function, X)
    assert_same(evaluate(program, other), function(other))
    assert_same(evaluate(program, X), function(X))  # and nothing was written to on the way


def test_a_part_is_written_to_once() -> None:
    program = tell(part_in_place, X)
    names = [told.arguments[0] for told in program.instructions if told.operation is written]
    assert names == [operator.setitem, operator.setitem]


def test_what_numpy_is_given_cannot_be_written_to_unnoticed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        tell(lambda x: np.cumsum(x, 0, None, x + 0), X)


def test_what_shares_memory_with_what_was_written_to_is_stale() -> None:
    def through_a_view(x: Any) -> Any:
        y = x + 1
        flat = y.reshape(-1)
        flat[0] = 5
        return y

    with pytest.raises(OperandError, match="by way of another array that shares its memory"):
        tell(through_a_view, X)


# The law


ASKS_NUMBERS: dict[str, tuple[str, ...]] = {
    "whether anything is out of range": (
        *("arctan2 0", "arctan2 1", "cosine forward", "cosine 0", "cosine 1", "hypot 0", "hypot 1"),
        *("turn forward", "turn 0", "turn 1", "norm forward", "norm 0", "std forward", "std 0"),
        *("var 0", "prod 0"),
    ),
    "whether a probability is above a half, or the largest element is far above the others": (
        *("log_softmax forward", "softmax_cross_entropy 1"),
    ),
    "whether an exponent is near 0": ("power 0", "float_power 0"),
    "whether there is a derivative": ("eigh 0", "logabsdet 0", "pinv 0", "qr 0", "svd 0"),
    "whether a matrix is symmetric": ("cholesky forward", "eigh forward"),
}
"""Forward functions and derivatives, by argument, that ask a symbol for numbers, and what."""


def other_numbers(x: Array) -> Array:
    """Return other numbers of the same kind: in another order, or other multiples of matrices."""
    if x.ndim >= 2 and x.shape[-1] == x.shape[-2]:
        return np.asarray(x * x.dtype.type(1.0625)) if x.dtype.kind == "f" else x
    return np.roll(x.ravel(), 1).reshape(x.shape)


def assert_same(a: Any, b: Any) -> None:
    """Assert that two results have the same bits."""
    if isinstance(a, (tuple, list)):
        for one, other in zip(a, b, strict=True):
            assert_same(one, other)
        return
    a, b = np.asarray(a), np.asarray(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.signbit(a[a == a]), np.signbit(b[b == b]))


def parts_of(op: Op) -> Iterator[tuple[str, Function, list[Array], list[Array]]]:
    """Yield the functions of an operation, with arguments as its domain draws them, and others."""
    for sample, seed in calls_of(op.name, 1, 3):
        for dtype in (np.float64, np.float32):
            node = sample.call(*sample.leaves(sample.cast(dtype)))
            settings, args = node.settings, [np.asarray(p._data) for p in node.parents]
            others = [other_numbers(x) for x in args]

            def forward(*args: Any, settings: Any = settings) -> Any:
                return op.forward(*args, **settings)

            yield "forward", forward, args, others
            g = np.random.default_rng(seed).normal(size=node.shape).astype(node.dtype)
            y, h = np.asarray(forward(*others)), np.asarray(g * g.dtype.type(1.5))
            for i, parent in enumerate(node.parents):
                if parent.requires_grad:

                    def rule(*args: Any, i: int = i, settings: Any = settings) -> Any:
                        return op.derivatives[i](*args, **settings)

                    yield str(i), rule, [g, node._data, *args], [h, y, *others]


OURS = {name: op for name, op in registry.items() if not op.foreign}  # other tests define some


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_operation_tells_what_it_computes(name: str) -> None:
    refused: set[str] = set()
    told = 0
    with np.errstate(all="ignore"):
        for part, function, args, others in parts_of(registry[name]):
            try:
                program = tell(function, *args)
            except OperandError as error:
                assert "bool: came a symbol" in str(error)  # noqa: PT017
                refused.add(f"{name} {part}")
                continue
            assert_same(evaluate(program, *others), function(*others))
            told += 1
    expected = {part for parts in ASKS_NUMBERS.values() for part in parts}
    assert refused == {part for part in expected if part.split()[0] == name}
    assert told or refused


def test_most_operations_tell_all_that_they_compute() -> None:
    silent = {part.split()[0] for parts in ASKS_NUMBERS.values() for part in parts}
    assert silent < set(OURS)
    assert (len(OURS) - len(silent), len(OURS)) == (105, 123)


def test_symbols_go_the_way_of_arrays() -> None:
    x, other = np.random.default_rng(0).normal(size=(2, 5, 40))
    softmax = registry["softmax"].forward
    program = tell(lambda x: softmax(x, axis=-1), x)
    assert_same(evaluate(program, other), softmax(other, axis=-1))
