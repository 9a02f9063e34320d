"""Lists of Values and numbers that a traced integer indexes, in compiled functions."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value
from micrograd.compiler.recording.picking import pick
from micrograd.errors import CompileError

Step = Callable[..., Any]
SCALE = 2.0


def bits(numbers: Sequence[float]) -> list[tuple[float, bool]]:
    """Return numbers in a form that tells 0.0 from -0.0, and equals itself for nan."""
    return [(x if x == x else 1e300, bool(np.signbit(x))) for x in numbers]


def leaves_of(table: Any) -> list[Value]:
    if isinstance(table, Value):
        return [table]
    return [leaf for row in table for leaf in leaves_of(row)]


def require_equal(make: Callable[[], tuple[Any, Step]], calls: Sequence[Any]) -> Any:
    """Compare values, data and gradients of a step with those of its one program, bit by bit."""
    ours, plain = make()
    theirs, other = make()
    step = mg.compile(other)
    for args in calls:
        expected, found = plain(*args), step(*args)
        assert bits([expected.data]) == bits([found.data])
        for mine, its in zip(leaves_of(ours), leaves_of(theirs), strict=True):
            assert bits([mine.data]) == bits([its.data])
            assert mine.grad == its.grad
    assert len(step.programs) == 1
    return step


def table_of(rows: int, columns: int) -> list[list[Value]]:
    rng = np.random.default_rng(rows)
    return [[Value(x) for x in row] for row in rng.standard_normal((rows, columns)).tolist()]


def test_by_hand() -> None:
    table = [Value(2.0), Value(3.0), Value(5.0)]

    @mg.compile
    def step(i: int) -> Value:
        y = table[i] * table[i]
        for v in table:
            v.zero_grad()
        y.backward()
        return y

    assert [step(i).data for i in (0, 1, 2, 1)] == [4.0, 9.0, 25.0, 9.0]
    assert [v.grad for v in table] == [0, 6.0, 0]
    assert len(step.programs) == 1


def make_bigram() -> tuple[Any, Step]:
    table = table_of(6, 6)

    def step(token: int, target: int, lr: float) -> Value:
        logits = table[token]
        exps = [logit.exp() for logit in logits]
        loss = -(exps[target] / sum(exps)).log()
        for row in table:
            for p in row:
                p.zero_grad()
        loss.backward()
        for row in table:
            for p in row:
                p.data -= lr * p.grad
        return loss

    return table, step


def test_a_bigram_model_learns_with_one_program() -> None:
    calls = [(k * 5 % 6, (k * 5 + 2) % 6, 0.5) for k in range(60)]
    step = require_equal(make_bigram, calls)
    _, untrained = make_bigram()
    assert step(0, 2, 0.5).data < untrained(0, 2, 0.5).data / 2


def make_squares() -> tuple[Any, Step]:
    table = table_of(4, 3)

    def step(i: int, j: int) -> Value:
        for leaf in leaves_of(table):
            leaf.zero_grad()
        first, second = table[i], table[j]
        loss: Any = sum((a * b - 1) ** 2 * a for a, b in zip(first, second, strict=True))
        loss.backward()
        for leaf in leaves_of(table):
            leaf.data -= 0.1 * leaf.grad
        return loss

    return table, step


def test_rows_that_may_be_the_same() -> None:
    require_equal(make_squares, [(0, 1), (1, 2), (3, 0), (2, 1), (0, 3), (-1, 1), (-4, -2)])


def test_a_row_picked_twice_has_the_gradients_of_both() -> None:
    (plain, eager), (table, f) = make_squares(), make_squares()
    step = mg.compile(f)
    for i, j in [(0, 1), (2, 2), (1, 1), (3, 3)]:
        assert step(i, j).data == pytest.approx(eager(i, j).data, rel=1e-15)
    for a, b in zip(leaves_of(plain), leaves_of(table), strict=True):
        assert b.data == pytest.approx(a.data, rel=1e-14)


def test_a_tuple_of_tuples_and_a_tensor_of_indices() -> None:
    table = ((Value(1.0), Value(2.0)), (Value(3.0), Value(4.0)))

    @mg.compile
    def step(places: Any) -> Any:
        a, b = table[places[0]]
        return a * 10 + b

    for places, expected in [([0, 1], 12.0), ([1, 1], 34.0), ([-1, 0], 34.0)]:
        assert step(np.array(places)).data == expected
        assert step(np.array(places)).data == expected
    assert len(step.programs) == 1


def test_numbers_and_what_is_computed_of_the_index() -> None:
    steps, rates = [1, 2, 3], [0.5, 0.25, 0.125]
    f = mg.compile(lambda i, x: rates[i + 1] * x + steps[(i + 5) % 3])
    for i in (-1, 0, 1, 0, -1):
        assert f(i, 8.0) == rates[i + 1] * 8.0 + steps[(i + 5) % 3]
    assert len(f.programs) == 1


def test_an_integer_stays_one() -> None:
    mixed = [1, 2.5, 3]
    f = mg.compile(lambda i: mixed[i])
    assert [repr(f(i)) for i in (0, 1, 2, 0, 1, 2)] == ["1", "2.5", "3"] * 2


def test_a_truth_is_an_index() -> None:
    pair = [Value(3.0), Value(7.0)]
    f = mg.compile(lambda x: pair[x > 0] * 2)
    assert [f(x).data for x in (1.0, -1.0, 2.0, -3.0)] == [14.0, 6.0, 14.0, 6.0]
    assert len(f.programs) == 1


@pytest.mark.parametrize("index", [3, -4, 100])
def test_out_of_range(index: int) -> None:
    table = [Value(1.0), Value(2.0), Value(3.0)]
    f = mg.compile(lambda i: table[i] * 2)
    assert [f(i).data for i in (0, 1, 2, -3)] == [2.0, 4.0, 6.0, 2.0]
    with pytest.raises(IndexError, match="list index out of range"):
        f(index)
    assert f(1).data == 4.0
    assert len(f.programs) == 1


def test_an_error_names_the_line_of_the_source() -> None:
    table = [Value(1.0), Value(2.0)]

    @mg.compile
    def f(i: int) -> Any:
        first = table[0]
        return first * table[i]

    f(0)
    f(1)
    with pytest.raises(IndexError) as caught:
        f(2)
    lines = [frame.line for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert "return first * table[i]" in lines


def test_a_list_that_grows_is_noticed() -> None:
    table = [Value(1.0), Value(2.0)]
    f = mg.compile(lambda i: table[i] * 2)
    assert [f(i).data for i in (0, 1, -1)] == [2.0, 4.0, 4.0]
    table.append(Value(10.0))
    assert [f(i).data for i in (2, -1, 0, 1)] == [20.0, 20.0, 2.0, 4.0]
    table[0] = Value(5.0)
    assert [f(i).data for i in (0, 1, 2)] == [10.0, 4.0, 20.0]


def test_code_without_a_source_decides() -> None:
    scope: dict[str, Any] = {"table": [Value(float(k + 1)) for k in range(8)]}
    exec("def f(i):\n    return table[i] * 2", scope)
    f = mg.compile(scope["f"], max_programs=2)
    assert [f(i).data for i in (0, 0, 1, 1, 0)] == [2.0, 2.0, 4.0, 4.0, 2.0]
    assert len(f.programs) == 2
    with pytest.raises(CompileError, match="keep the table in a Tensor"):
        [f(i) for i in (2, 2, 3, 3, 4, 4, 5, 5, 6, 6)]


def row_of(table: Any, i: int) -> Any:
    return table[i]


def test_functions_that_are_called_and_functions_within() -> None:
    table, weights = table_of(3, 2), [Value(2.0), Value(3.0), Value(4.0)]

    def weighted(i: int) -> Any:
        return sum(v * weights[i] for v in row_of(table, i))

    def f(i: int, j: int) -> Any:
        def both() -> Any:
            return weighted(i) + weights[j] * SCALE

        return both()

    step = mg.compile(f)
    for i, j in [(0, 0), (1, 2), (2, 1), (0, 2), (1, 0)]:
        assert step(i, j).data == f(i, j).data
    assert len(step.programs) == 1


def test_nothing_of_what_is_compiled_is_replaced() -> None:
    table = [Value(1.0), Value(2.0)]

    def f(i: int) -> Any:
        return row_of(table, i) * SCALE

    code, names = f.__code__, set(globals())
    before = list(table)
    step = mg.compile(f)
    assert [step(i).data for i in (0, 1, 0)] == [2.0, 4.0, 2.0]
    assert (f.__code__, set(globals()), table) == (code, names, before)
    assert row_of.__globals__ is globals()


def test_what_was_not_picked_leaks_nothing() -> None:
    x = Value(0.0)

    @mg.compile
    def f(i: int) -> Any:
        x.zero_grad()
        y = [x * 2, x.sqrt(), x.log(), 1 / x][i]
        y.backward()
        return y

    for i in (0, 1, 0, 0, 2, 3, 0):
        y = f(i)
        assert x.grad == [2.0, np.inf, np.inf, -np.inf][i]
        assert y.data == [0.0, 0.0, -np.inf, np.inf][i]
    assert len(f.programs) == 1


def test_second_derivatives() -> None:
    f = mg.compile(mg.hessian(lambda i, xs: [xs[0] ** 3, xs[0] * xs[1], xs[1] ** 2][i], 1))
    g = mg.hessian(lambda i, xs: [xs[0] ** 3, xs[0] * xs[1], xs[1] ** 2][i], 1)
    for i in (0, 1, 2, 1, 0):
        assert str(f(i, [2.0, 3.0])) == str(g(i, [2.0, 3.0]))


def test_what_asks_for_the_element_itself_decides() -> None:
    table = [Value(1.0), Value(2.0), Value(3.0)]

    def step(i: int) -> Any:
        for v in table:
            v.zero_grad()
        loss = table[i] * table[i]
        loss.backward()
        table[i].data -= 0.25 * table[i].grad
        return loss

    f = mg.compile(step)
    assert [f(i).data for i in (0, 0, 1, 0, 1, 1)] == [1.0, 0.25, 4.0, 0.0625, 1.0, 0.25]
    assert [v.data for v in table] == [0.125, 0.25, 3.0]
    same = mg.compile(lambda i: table[i])
    assert [same(i) for i in (0, 1, 2, 2, 1, 0)] == [table[i] for i in (0, 1, 2, 2, 1, 0)]


def test_writes_to_what_is_in_the_list_are_seen() -> None:
    table = [Value(1.0), Value(2.0)]

    def f(i: int) -> Any:
        x = table[i]
        table[0].data = 5.0
        y = x * 1
        table[0].data = 1.0
        return y

    step = mg.compile(f)
    assert [step(i).data for i in (0, 1, 0, 1, 0)] == [5.0, 2.0, 5.0, 2.0, 5.0]
    rows = [[1.0], [2.0]]

    def g(i: int, x: float) -> Any:
        made = [list(row) for row in rows]
        row = made[i]
        made[0][0] = x
        return row[0]

    step = mg.compile(g)
    assert [step(i, 7.0) for i in (0, 1, 0, 1, 0)] == [7.0, 2.0, 7.0, 2.0, 7.0]


def test_lists_of_other_things_decide() -> None:
    functions = [lambda x: x + 1, lambda x: x * 10]
    uneven = [[1.0], [1.0, 2.0]]
    f = mg.compile(lambda i, x: functions[i](x) + sum(uneven[i]))
    assert [f(i, 2.0) for i in (0, 1, 0, 1, 1, 0)] == [4.0, 23.0, 4.0, 23.0, 23.0, 4.0]
    assert len(f.programs) == 2


def test_slices_dicts_and_arrays_in_the_same_code() -> None:
    table, named, array = [1.0, 2.0, 3.0], {"a": 1.0}, np.arange(6.0).reshape(2, 3)

    def f(i: int, key: Any) -> Any:
        x: list[float] = table[1:]
        return table[i] + named["a"] + x[0] + array[1, 2] + array[:, 1][0] + key[0]

    step = mg.compile(f)
    for i in (0, 1, 2, 1):
        assert step(i, (2,)) == f(i, (2,))


def test_a_table_in_a_tensor_is_a_gather_already() -> None:
    table = Tensor(np.arange(6.0).reshape(3, 2))

    def step(token: int) -> Any:
        table.zero_grad()
        loss = (table[token] ** 2).sum()
        loss.backward()
        return loss

    f = mg.compile(step)
    for token in (0, 1, 2, 1, 0, 2):
        assert f(token).data == step(token).data
    assert len(f.programs) == 1
    assert table.grad.tolist() == [[0, 0], [0, 0], [8, 10]]


def make_gpt() -> tuple[Any, Step]:
    """Return a table of tokens, positions and a head, and a step of attention with one head."""
    wte, wpe, head = table_of(5, 4), table_of(3, 4), table_of(7, 4)[:5]
    parts = {"wte": wte, "wpe": wpe, "head": head}

    def attend(query: Any, keys: Any, values: Any) -> Any:
        scores = [sum(q * k for q, k in zip(query, key, strict=True)) / 2 for key in keys]
        exps = [score.exp() for score in scores]
        total = sum(exps)
        return [
            sum(e / total * row[j] for e, row in zip(exps, values, strict=True)) for j in range(4)
        ]

    def step(tokens: list[int]) -> Any:
        keys: list[Any] = []
        losses: list[Any] = []
        for leaf in leaves_of(list(parts.values())):
            leaf.zero_grad()
        for position in range(3):
            embedding, place = parts["wte"][tokens[position]], parts["wpe"][position]
            x = [a + b for a, b in zip(embedding, place, strict=True)]
            keys.append(x)
            x = attend(x, keys, keys)
            exps = [sum(a * b for a, b in zip(row, x, strict=True)).exp() for row in parts["head"]]
            total = sum(exps)
            probabilities = [e / total for e in exps]
            losses.append(-probabilities[tokens[position + 1]].log())
        loss = sum(losses) / 3
        loss.backward()
        for leaf in leaves_of(list(parts.values())):
            leaf.data -= 0.2 * leaf.grad
        return loss

    return list(parts.values()), step


def test_embeddings_and_attention() -> None:
    (ours, plain), (theirs, other) = make_gpt(), make_gpt()
    step = mg.compile(other)
    for k in range(8):
        tokens = [(k + 2 * i * i) % 5 for i in range(4)]
        assert step(tokens).data == pytest.approx(plain(tokens).data, rel=1e-13)
    assert len(step.programs) == 1
    for a, b in zip(leaves_of(ours), leaves_of(theirs), strict=True):
        assert b.data == pytest.approx(a.data, rel=1e-12)
        assert b.grad == pytest.approx(a.grad, rel=1e-12, abs=1e-15)


def test_checks_find_nothing() -> None:
    table = [Value(1.0), Value(2.0), Value(3.0)]
    f = mg.compile(lambda i: table[i] ** 2 + 1, checks=True)
    assert [f(i).data for i in (0, 1, 2, 2, 1, 0, -1, 1)] == [2, 5, 10, 10, 5, 2, 10, 5]


@pytest.mark.parametrize("how", ["levels", "source"])
def test_both_ways_of_numbers(how: str) -> None:
    table = table_of(4, 4)

    def f(i: int, j: int) -> Any:
        return sum(a * b for a, b in zip(table[i], table[j], strict=True))

    step = mg.compile(f, scalars=how)
    for i in range(-4, 4):
        assert step(i, 3 - abs(i)).data == f(i, 3 - abs(i)).data
    assert len(step.programs) == 1


def test_outside_of_recording_it_is_a_subscript() -> None:
    assert pick([1, 2], -1) == 2
    assert pick({"a": 3}, "a") == 3
