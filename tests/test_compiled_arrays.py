"""Arrays on a tape become NumPy calls that give the same bits, and spoil nothing."""

from __future__ import annotations

import copy
import operator
import pickle
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd import MicrogradError, OperandError, exp, relu
from micrograd.compiler.lowering.arrays import ArrayCode, lower_arrays
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Form, Slot, form_of, is_a, mapped
from micrograd.compiler.recording.tape import Tape
from micrograd.compiler.recording.telling import tell
from micrograd.errors import CompileError
from tests.interpreter import interpret
from tests.test_symbols import OURS, parts_of

Array = np.ndarray[Any, Any]

X = np.array([1.0, 2.0, 3.0])


def taped(function: Callable[..., Any], *arguments: Any) -> tuple[Tape, list[int]]:
    """Return what a function tells as a tape, and the slots of its results."""
    program = tell(function, *arguments)
    tape = Tape()
    at: dict[int, int] = {}

    def there(leaf: Any) -> Any:
        return Slot(at[leaf.number]) if is_a(leaf, Slot) else leaf

    def plain(form: Any) -> Any:
        return form.dtype if is_a(form, Form) and form.dtype in (float, int, bool) else form

    inputs: Any = program.inputs
    for i, form in enumerate(inputs):
        at[i] = tape.add_input(plain(form) if form.dtype.__class__ is type else form)
    for i, told in enumerate(program.instructions, len(at)):
        args, settings = mapped((told.arguments, told.settings), there)
        form: Any = told.result
        number = is_a(form, Form) and form.dtype.__class__ is type
        at[i] = tape.add(told.operation, args, settings, form.dtype if number else form)
    found: list[int] = []

    def result(leaf: Any) -> None:
        found.append(
            at[leaf.number] if is_a(leaf, Slot) else tape.add_constant(leaf, form_of(leaf))
        )

    mapped(program.result, result)
    return tape, found


def lowered(function: Callable[..., Any], *arguments: Any, **options: Any) -> ArrayCode:
    tape, outputs = taped(function, *arguments)
    return lower_arrays(tape, outputs, {}, {}, **options)


def bits(x: Any) -> Any:
    """Return what two results have to have in common."""
    array = np.asarray(x)
    data = array.astype(object).tolist() if array.dtype.hasobject else array.tobytes()
    return type(x), array.dtype, array.shape, data


def only(results: Any) -> Any:
    (result,) = results
    return result


def assert_same(got: Any, expected: Sequence[Any]) -> None:
    assert [bits(x) for x in got] == [bits(x) for x in expected]


def assert_lowers(function: Callable[..., Any], arguments: Sequence[Any], *others: Any) -> None:
    """Assert that the code of a function gives the bits of its tape, and spoils nothing."""
    tape, outputs = taped(function, *arguments)
    code = lower_arrays(tape, outputs, {}, {})
    kept: list[tuple[Any, Any]] = []
    for given_ in (arguments, *others, arguments):
        before = [bits(x) for x in given_]
        try:
            expected = interpret(tape, outputs, given_)
        except (IndexError, ValueError):  # of numbers that are indices or powers
            continue
        got = code.run(*given_)
        assert expected is not None
        assert got is not None
        assert_same(got, expected)
        assert [bits(x) for x in given_] == before
        kept += [(x, bits(x)) for x in got if is_a(x, np.ndarray)]
        kept_now = [x for x, _ in kept]
        for i, x in enumerate(kept_now):
            assert not any(np.may_share_memory(x, other) for other in given_)
            assert not any(np.may_share_memory(x, other) for other in kept_now[:i])
    for x, was in kept:
        assert bits(x) == was
        if x.flags.writeable:
            x[...] = 7  # what somebody does to a result is nothing to the next call
    expected = interpret(tape, outputs, arguments)
    assert expected is not None
    assert_same(code.run(*arguments) or (), expected)


# By hand


def test_a_square_plus_one() -> None:
    code = lowered(lambda x: x * x + 1, X)
    assert_same(code.run(np.array([1.0, 2.0, -3.0])) or (), [np.array([2.0, 5.0, 10.0])])
    assert (code.instructions, code.calls) == (2, 2)


def test_an_input_is_no_buffer() -> None:
    def gradient(w: Any) -> Any:
        g = np.ones(3)
        return g * w + g * w

    code = lowered(gradient, X)
    w = np.array([1.0, 2.0, 3.0])
    assert_same(code.run(w) or (), [np.array([2.0, 4.0, 6.0])])
    assert w.tolist() == [1, 2, 3]
    assert code.calls == 1


def test_what_nothing_depends_on_is_left_out() -> None:
    def function(x: Any) -> Any:
        np.exp(x)
        return x + 1

    assert lowered(function, X).calls == 1


def test_what_is_computed_twice_is_computed_once() -> None:
    code = lowered(lambda x: np.exp(x) * np.exp(x), X)
    assert code.calls == 2
    assert_same(code.run(X) or (), [np.exp(X) * np.exp(X)])


def test_numbers_that_differ_in_sign_or_class_are_not_one() -> None:
    zeros = np.array([0.0, -0.0, 1.0])
    assert_lowers(lambda x: [x * 0.0, x * -0.0, x * 1, x * True, x + 0.0, x - 0.0], [zeros])
    counts = np.array([3, 4, 5])
    assert_lowers(lambda n: [n * 1, n * 1.0, n * True, n / 1], [counts])


def test_buffers_are_kept_and_used_again() -> None:
    def function(x: Any) -> Any:
        return (np.exp(x @ x) @ x + 1).sum()

    code = lowered(function, np.eye(8))
    assert code.bytes == 2 * 8 * 8 * 8
    assert_lowers(function, [np.eye(8)], [np.ones((8, 8))])


def test_results_that_need_not_be_fresh_are_views_and_buffers() -> None:
    code = lowered(lambda x: [x[1:], np.exp(x) + 1], X, fresh=False)
    results: list[Any] = [code.run(X), code.run(X * 2)]
    (part, first), (_, second) = results
    assert np.may_share_memory(part, X)
    assert first is second
    assert second.tolist() == (np.exp(X * 2) + 1).tolist()


def test_inputs_that_lie_otherwise_have_a_program_of_their_own() -> None:
    x = np.random.default_rng(0).normal(size=(60, 50)).astype(np.float32)
    code = lowered(lambda x: [x.sum(axis=0), np.exp(x).sum(axis=1), np.tanh(x).sum()], x)
    for other in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], x[::-1]):
        expected = [other.sum(axis=0), np.exp(other).sum(axis=1), np.tanh(other).sum()]
        assert_same(code.run(other) or (), expected)


def test_it_is_written_as_a_careful_person_writes() -> None:
    def step(x: Any, w: Any, b: Any) -> Any:
        h = np.tanh(x @ w + b)
        return (h.T @ h).sum(axis=0)

    tape, outputs = taped(step, np.ones((4, 3)), np.ones((3, 2)), np.ones(2))
    code = lower_arrays(tape, outputs, {}, {0: "x", 1: "W 1", 2: "lambda"})
    assert code.text().splitlines() == [
        "t1 = np.empty((4, 2))",
        "t2 = t1.T  # (2, 4) float64",
        "t3 = np.empty((2, 2))",
        "",
        "",
        "def program(x, W_1, lambda_):",
        "    np.matmul(x, W_1, out=t1)  # (4, 2) float64",
        "    np.add(t1, lambda_, out=t1)  # (4, 2) float64",
        "    np.tanh(t1, out=t1)  # (4, 2) float64",
        "    np.matmul(t2, t1, out=t3)  # (2, 2) float64",
        "    t4 = np.add.reduce(t3, axis=0)  # (2,) float64",
        "    return (t4,)",
    ]


def test_a_column_times_a_row_is_computed_element_by_element() -> None:
    column = np.array([[1.0, -1.0, np.inf, -0.0]])
    row = np.array([[0.0, -2.0, 3.0]])
    narrow = [x.astype(np.float32) for x in (column, row)]
    with np.errstate(invalid="ignore"):
        assert "matmul" not in lowered(lambda x, y: x.T @ y, column, row).text()
        assert_lowers(lambda x, y: x.T @ y, [column, row], [column * 2, row - 1])
        assert_lowers(lambda x, y: np.tanh(x.T @ y).sum(axis=0), narrow)


def test_what_numpy_spreads_itself_is_not_spread_before() -> None:
    def both(x: Any, y: Any) -> Any:
        wide = np.broadcast_to(x, (2, 3))
        return [y * wide, np.add(wide, wide).sum(axis=0)]

    x, y = np.array([1.0, 2.0, 3.0]), np.arange(6.0).reshape(2, 3)
    assert "= y * x" in lower_arrays(*taped(both, x, y), {}, {0: "x", 1: "y"}).text()
    assert_lowers(both, [x, y], [x, np.asfortranarray(y)])


def test_what_was_a_copy_stays_another_array_in_a_product() -> None:
    x = np.random.default_rng(0).normal(size=(40, 30))
    assert_lowers(lambda x: x @ x.copy("K").T, [x])
    assert_lowers(lambda x: [(x + 1) @ (x + 1).T, np.exp(x) @ np.exp(x).T], [x])
    assert lowered(lambda x: x @ x.copy("K").T, x).calls == 3
    assert lowered(lambda x: x @ x.T, x).calls == 2


# Stores


def updated(rate: float) -> tuple[Tape, int, list[int]]:
    """Return a tape of w -= rate * g, the slot of what is to be stored, and the inputs."""
    tape, form = Tape(), form_of(X)
    w, g = tape.add_input(form), tape.add_input(form)
    step = tape.add(operator.mul, (rate, Slot(g)), {}, form, True)
    new = tape.add(programs.written, (operator.isub, Slot(w), Slot(step)), {}, form)
    return tape, new, [w, g]


def test_a_parameter_is_written_in_place() -> None:
    tape, new, (w, g) = updated(0.5)
    code = lower_arrays(tape, [], {new: w}, {w: "w", g: "g"})
    data = X.copy()
    assert code.run(data, np.array([2.0, 4.0, 6.0])) == ()
    assert data.tolist() == [0, 0, 0]
    assert code.text().splitlines()[-2:] == [
        "    np.subtract(w, t1, out=w)  # (3,) float64",
        "    return ()",
    ]


def test_nothing_is_stored_if_a_check_fails() -> None:
    tape, new, (w, _) = updated(0.5)
    most = tape.add(np.max, (Slot(new),), {}, Form((), np.dtype(float)))
    above = tape.add(operator.gt, (Slot(most), 0), {}, Form((), np.dtype(bool)))
    tape.checks.append((tape.add(bool, (above,), {}, bool), True))
    code = lower_arrays(tape, [most], {new: w}, {})
    data = X.copy()
    assert code.run(data, np.array([2.0, 4.0, 6.0])) is None
    assert data.tolist() == [1, 2, 3]
    assert code.run(data, np.array([2.0, 4.0, 4.0])) == (1.0,)
    assert data.tolist() == [0, 0, 1]


def test_what_is_stored_may_be_read_and_returned() -> None:
    tape, new, (w, g) = updated(0.5)
    total = tape.add(np.sum, (Slot(w),), {}, Form((), np.dtype(float)))
    swapped = {new: w, w: g}
    code = lower_arrays(tape, [total, new, w], swapped, {})
    data, other = X.copy(), np.array([2.0, 4.0, 6.0])
    got = code.run(data, other) or ()
    assert [np.asarray(x).tolist() for x in got] == [6, [0, 0, 0], [1, 2, 3]]
    assert (data.tolist(), other.tolist()) == ([0, 0, 0], [1, 2, 3])
    assert not any(np.may_share_memory(x, y) for x in got for y in (data, other))


def test_what_is_stored_is_computed_from_what_was_there_before() -> None:
    tape, form = Tape(), form_of(X)
    a, b = tape.add_input(form), tape.add_input(form)
    less = tape.add(operator.sub, (Slot(a), Slot(b)), {}, form)
    more = tape.add(operator.add, (Slot(b), Slot(a)), {}, form)
    code = lower_arrays(tape, [], {less: a, more: b}, {})
    one, other = X.copy(), X[::-1].copy()
    assert code.run(one, other) == ()
    assert (one.tolist(), other.tolist()) == ([-2, 0, 2], [4, 4, 4])


def test_two_inputs_can_change_places() -> None:
    tape, form = Tape(), form_of(X)
    a, b = tape.add_input(form), tape.add_input(form)
    code = lower_arrays(tape, [], {a: b, b: a}, {})
    one, other = X.copy(), X[::-1].copy()
    assert code.run(one, other) == ()
    assert (one.tolist(), other.tolist()) == ([3, 2, 1], [1, 2, 3])


# Effects and checks


def test_draws_happen_once_each_in_order() -> None:
    rng = np.random.default_rng(3)
    tape, form = Tape(), form_of(X)
    x = tape.add_input(form)
    draws = [tape.add(rng.normal, (), {"size": 3}, form) for _ in range(3)]
    y = tape.add(operator.mul, (Slot(x), Slot(draws[0])), {}, form)
    z = tape.add(operator.mul, (Slot(x), Slot(draws[2])), {}, form)
    code = lower_arrays(tape, [y, z], {}, {})
    for _ in range(2):
        twin = copy.deepcopy(rng)
        first, _, third = [twin.normal(size=3) for _ in range(3)]
        assert_same(code.run(X) or (), [X * first, X * third])
        assert rng.bit_generator.state == twin.bit_generator.state


def test_what_an_unknown_function_saw_is_its_own() -> None:
    kept: list[Array] = []

    def keep(x: Array) -> Array:
        kept.append(x)
        return x

    tape, form = Tape(), form_of(X)
    x = tape.add_input(form)
    y = tape.add(operator.add, (Slot(x), 1), {}, form)
    z = tape.add(keep, (Slot(y),), {}, form)
    w = tape.add(operator.mul, (Slot(z), 2), {}, form)
    v = tape.add(operator.mul, (Slot(w), 2), {}, form)
    code = lower_arrays(tape, [v], {}, {})
    for data in (X, X * 2):
        assert_same(code.run(data) or (), [(data + 1) * 4])
    assert [array.tolist() for array in kept] == [[2, 3, 4], [3, 5, 7]]


def test_what_unknown_functions_give_may_not_change_its_form() -> None:
    tape = Tape()
    x = tape.add_input(form_of(X))
    y = tape.add(lambda x: x[x > 0], (Slot(x),), {}, form_of(X))
    code = lower_arrays(tape, [y], {}, {})
    assert code.run(X) is not None
    assert code.run(-X) is None


def test_numbers_among_arrays_mean_what_they_mean_in_python() -> None:
    tape, form = Tape(), form_of(X.astype(np.float32))
    x, rate, count = tape.add_input(form), tape.add_input(float), tape.add_input(int)
    half = tape.add(operator.mul, (rate, tape.add_constant(0.5, float)), {}, float)
    grown = tape.add(exp, (half,), {}, float)
    less = tape.add(operator.sub, (count, tape.add_constant(1, int)), {}, int)
    more = tape.add(operator.gt, (less, tape.add_constant(0, int)), {}, bool)
    tape.checks.append((more, True))
    y = tape.add(operator.mul, (Slot(grown), Slot(x)), {}, form)
    z = tape.add(operator.mul, (Slot(y), Slot(less)), {}, form)
    total = tape.add(
        programs.item, (Slot(tape.add(np.sum, (Slot(z),), {}, Form((), form.dtype))),), {}, float
    )
    outputs = [z, grown, less, more, total]
    code = lower_arrays(tape, outputs, {}, {})
    for given_ in ((X.astype(np.float32), 0.25, 3), (X.astype(np.float32), 1e6, 2)):
        assert_same(code.run(*given_) or (), interpret(tape, outputs, given_) or ())
    assert code.run(X.astype(np.float32), 0.25, 1) is None
    with pytest.raises(TypeError):
        code.run(X.astype(np.float32), None, 3)


def test_a_number_that_changes_its_class_is_noticed() -> None:
    tape = Tape()
    a, b = tape.add_input(float), tape.add_input(int)
    y = tape.add(relu, (a,), {}, float)
    z = tape.add(operator.mul, (b, b), {}, int)
    code = lower_arrays(tape, [y, z], {}, {})
    assert code.run(2.0, 3) == (2.0, 9)
    assert code.run(-2.0, 3) is None  # relu gives the integer 0
    assert code.run(2.0, 2**40) is None  # and an integer past 2**53 becomes a float


# Calls from several threads, pickles, modules


def test_threads_have_buffers_of_their_own() -> None:
    code = lowered(lambda x: np.tanh(np.exp(x @ x) @ x).sum(axis=0), np.ones((40, 40)))
    inputs = [np.full((40, 40), k / 100) for k in range(4)]
    expected = [bits(only(code.run(x))) for x in inputs]
    wrong: list[int] = []
    start = threading.Barrier(4)

    def work(k: int) -> None:
        start.wait()
        for _ in range(50):
            if bits(only(code.run(inputs[k]))) != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_code_can_be_called_while_it_runs() -> None:
    tape, form = Tape(), form_of(X)
    x = tape.add_input(form)
    y = tape.add(operator.add, (Slot(x), 1), {}, form)
    z = tape.add(operator.mul, (Slot(y), Slot(y)), {}, form)

    def again(z: Array) -> Array:
        return only(code.run(z)) if z.max() < 100 else z

    w = tape.add(again, (Slot(z),), {}, form)
    v = tape.add(operator.add, (Slot(w), Slot(z)), {}, form)
    code = lower_arrays(tape, [v], {}, {})
    square = (X + 1) ** 2
    inner = (square + 1) ** 2  # ends there, since that is above 100
    assert_same(code.run(X) or (), [inner + inner + square])


def test_code_can_be_pickled() -> None:
    code = lowered(lambda x: np.tanh(x @ x).sum(), np.eye(3))
    twin = pickle.loads(pickle.dumps(code))
    assert twin.text() == code.text()
    assert_same(twin.run(np.ones((3, 3))), code.run(np.ones((3, 3))) or ())


def test_a_module_needs_only_numpy() -> None:
    tape, new, (w, g) = updated(0.5)
    whole = tape.add(
        programs.astype, (Slot(new), np.dtype("float32"), "K"), {}, Form((3,), np.dtype("float32"))
    )
    code = lower_arrays(tape, [whole], {new: w}, {w: "w", g: "g"})
    text = code.module_text({"w": X})
    space: dict[str, Any] = {}
    exec(text, space)
    data = X.copy()
    for _ in range(2):
        assert_same(space["program"](np.ones(3)), code.run(data, np.ones(3)) or ())
    assert bits(space["w"]) == bits(data)
    assert "micrograd" not in text


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_operation_can_be_written_as_a_module(name: str) -> None:
    _, function, args, _ = next(parts_of(OURS[name]))
    try:
        tape, outputs = taped(function, *args)
    except OperandError:
        return
    code = lower_arrays(tape, outputs, {}, {})
    space: dict[str, Any] = {}
    try:
        text = code.module_text({})
    except CompileError:
        assert name in {"erf", "normal_cdf", "gammaln"}
        return
    exec(text, space)
    assert_same(space["program"](*args), code.run(*args) or ())


def test_what_cannot_be_written_is_named() -> None:
    rng = np.random.default_rng(3)
    tape = Tape()
    y = tape.add(rng.normal, (), {"size": 3}, form_of(X))
    with pytest.raises(CompileError, match="save: the program calls or holds normal"):
        lower_arrays(tape, [y], {}, {}).module_text({})


# The law


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OURS))
def test_every_operation_computes_the_same_bits(name: str) -> None:
    with np.errstate(all="ignore"):
        for _, function, args, others in parts_of(OURS[name]):
            try:
                tell(function, *args)
            except OperandError:
                continue
            assert_lowers(function, args, others)


# Random programs


SHAPES = [(), (3,), (1, 3), (3, 1), (2, 3), (3, 2), (2, 1, 3), (0, 3), (3, 3)]
DTYPES = [np.float64, np.float32, np.int64, np.bool_]
CONSTANTS = [1, 1.0, True, 0.5, -2, 2, np.float32(1), np.ones(3), np.array([1.0, -0.0, 2.5])]

Pick = Callable[[Sequence[Any]], Any]
Move = Callable[[Pick, Any, Any], Any]
"""What a random program does with two values of its own: it gives another, or writes to one."""


def reduced(pick: Pick, x: Any, y: Any) -> Any:
    function = pick([np.sum, np.max, np.mean, np.prod, np.any, np.add.reduce, np.argmax])
    axis = pick([-1, 0, *([None] if function is not np.add.reduce else [])])
    keep = {"keepdims": True} if pick([False, True]) and function is not np.argmax else {}
    return function(x, axis=axis, **keep)


def viewed(pick: Pick, x: Any, y: Any) -> Any:
    way = pick(range(9))
    if way == 0:
        return x.T
    if way == 1:
        return x.reshape(-1)
    if way == 2:
        return np.expand_dims(x, pick([0, -1]))
    if way == 3:
        return x[None, ...]
    if way == 4:
        return np.broadcast_to(x, (2, *x.shape))
    if way == 5:
        return np.ravel(x)
    if way == 6:
        return x.swapaxes(0, -1)
    if way == 7:
        return x[pick([slice(1, None), slice(None, None, -1), slice(None, None, 2), 0, -1])]
    return x[..., pick([slice(1), slice(None, None, -1), [0, 0], None])]


def written_to(pick: Pick, x: Any, y: Any) -> Any:
    x = pick([np.array, np.copy])(x) if not hasattr(x, "_tell") else x.copy(pick(["C", "K"]))
    x = pick([x, x, x.T, x.reshape(-1)])
    way = pick(range(6))
    if way == 0:
        x[pick([0, slice(1, None), ..., [0, 0]])] = pick([0, 1.5, x[:1]])
    elif way == 1:
        x += pick([1, y])
    elif way == 2:
        np.multiply(x, pick([x, y, 0.5]), out=x)
    elif way == 3:
        np.add(x, 2, out=x, where=y > 0)
    elif way == 4:
        np.add.at(x, pick([0, [0, 0]]), 1)
    else:
        np.copyto(x, 1, where=x > 0)
    return x


MOVES: list[Move] = [
    lambda pick, x, y: pick([operator.add, operator.mul, operator.sub, operator.truediv])(x, y),
    lambda pick, x, y: pick([np.maximum, np.arctan2, operator.lt, operator.pow, operator.mod])(
        x, y
    ),
    lambda pick, x, y: pick([operator.mul, operator.add, operator.truediv])(x, pick(CONSTANTS)),
    lambda pick, x, y: operator.pow(x, pick([2, 2.0, -1, 0.5, 1])),
    lambda pick, x, y: pick([np.exp, np.tanh, operator.neg, operator.abs, np.sqrt, np.isnan])(x),
    lambda pick, x, y: x @ pick([y, x, x.T]),
    lambda pick, x, y: x.astype(pick(DTYPES), copy=pick([True, False])),
    lambda pick, x, y: np.where(x > y, x, pick([y, 0.0])),
    lambda pick, x, y: np.concatenate([x, pick([x, y])]),
    lambda pick, x, y: np.cumsum(x, axis=0),
    lambda pick, x, y: x.copy(pick(["C", "F", "K"])),
    lambda pick, x, y: x[pick([y, y > 0])],
    reduced,
    viewed,
    viewed,
    written_to,
    written_to,
]


def random_program(seed: int, moves: int) -> Callable[..., Any]:
    """Return a function that does random things with its arguments, the same at each call."""

    def program(*args: Any) -> Any:
        rng = np.random.default_rng(seed)
        pick: Any = lambda things: things[rng.integers(len(things))]  # noqa: E731
        values, made = list(args), list[Any]()
        for _ in range(moves):
            near = [*values, *values[-3:]]
            move, x, y = pick(MOVES), pick(near), pick(near)
            try:
                made.append(move(pick, x, y))
            except (ValueError, TypeError, IndexError, MicrogradError):
                continue  # the shapes or dtypes do not fit
            values.append(made[-1])
        return [x for x in made if rng.integers(3) == 0]

    return program


def random_array(rng: np.random.Generator, laid_out: bool) -> Any:
    shape, dtype = SHAPES[rng.integers(len(SHAPES))], DTYPES[rng.integers(len(DTYPES))]
    array = np.asarray(np.round(rng.normal(size=shape) * 2, 1)).astype(dtype)
    return array.T if laid_out and rng.integers(2) else array


def others_like(rng: np.random.Generator, array: Array) -> Array:
    """Return other numbers of a form, and in another layout at times."""
    other = np.asarray(rng.permutation(array.ravel()).reshape(array.shape))
    way = rng.integers(3)
    if way == 1:
        return np.asarray(other, order="F")
    wide = np.repeat(other, 2, axis=-1)[..., ::2] if way == 2 and array.ndim else other
    return wide.reshape(array.shape)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means of nothing, and the like
@given(seed=st.integers(0, 2**32), moves=st.integers(1, 25))
def test_random_programs_compute_the_same_bits(seed: int, moves: int) -> None:
    rng = np.random.default_rng(seed)
    arguments = [random_array(rng, True) for _ in range(1 + rng.integers(3))]
    others = [[others_like(rng, x) for x in arguments] for _ in range(2)]
    assert_lowers(random_program(seed, moves), arguments, *others)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # means of nothing, and the like
@given(seed=st.integers(0, 2**32), moves=st.integers(1, 25))
def test_random_programs_store_what_they_computed(seed: int, moves: int) -> None:
    rng = np.random.default_rng(seed)
    arguments = [random_array(rng, False) for _ in range(2 + rng.integers(3))]
    tape, outputs = taped(updating(random_program(seed, moves)), *arguments)
    stores: dict[int, int] = {}
    for place in rng.permutation(tape.inputs):
        fitting = [i for i in range(len(tape)) if tape.forms[i] == tape.forms[place]]
        fitting = [i for i in fitting if i != place and i not in stores]
        if fitting:
            stores[fitting[-1 - rng.integers(min(3, len(fitting)))]] = int(place)
    code = lower_arrays(tape, outputs, stores, {})
    for _ in range(2):
        others = [others_like(rng, x) for x in arguments]
        try:
            found = interpret(tape, [*outputs, *stores], others)
        except (IndexError, ValueError):  # of numbers that are indices or powers
            continue
        expected = list(map(bits, found or ()))
        after = dict(zip(tape.inputs, map(bits, others), strict=True))
        for place, value in zip(stores.values(), expected[len(outputs) :], strict=True):
            after[place] = (np.ndarray, *value[1:])
        assert list(map(bits, code.run(*others) or ())) == expected[: len(outputs)]
        assert list(map(bits, others)) == list(after.values())


def updating(program: Callable[..., Any]) -> Callable[..., Any]:
    """Return a program that computes what parameters are updated to, too."""

    def updated(*args: Any) -> Any:
        return [program(*args), *[x - 0.5 * x for x in args if x.dtype.kind == "f"]]

    return updated
