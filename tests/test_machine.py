"""Random programs beside a naive engine, step by step: never silently wrong.

A program makes nodes, computes with them, writes to their data, differentiates, copies and drops
them. After every step, the data, gradients and flags of every node of every graph have to be what
`tests.reference` says; and an error has to come where it says so, and nowhere else.

10,000 programs, instead of some:

    python -m tests.search tests/test_machine.py --times 200
"""

from __future__ import annotations

import copy
import operator
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, cast

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

import micrograd as mg
from micrograd import (
    GradientError,
    MicrogradError,
    StaleGraphError,
    Tensor,
    Value,
    enable_grad,
    no_grad,
)
from micrograd.core.versions import versions
from tests.reference import (
    UNKNOWN,
    Backward,
    Shadow,
    applied,
    computed,
    deep_copies,
    each,
    history,
    plain,
    reached_from,
    slopes_by,
)

STEPS = 40
MOST_NODES = 14
MOST_ELEMENTS = 6
LARGEST = 100.0  # of the data
STEEPEST = 1e5  # of the gradients
LONGEST = 2_000  # history of what is differentiated symbolically
TOLERANCE = 1e-8


@dataclass(frozen=True, eq=False)
class Pair:
    """A node, and what it should be."""

    node: Any
    shadow: Shadow

    def __iter__(self) -> Iterator[Any]:
        return iter((self.node, self.shadow))


class Rule(NamedTuple):
    """How a step computes: with nodes, and with arrays of Numbers."""

    real: Callable[..., Any]
    naive: Callable[..., Any]
    moves: bool = False


def alike(function: Callable[..., Any]) -> Rule:
    return Rule(function, function)


def moving(function: Callable[..., Any]) -> Rule:
    return Rule(function, function, moves=True)


def named(op: str) -> Rule:
    return Rule(getattr(mg, op), lambda x: applied(op, x))


UNARY = {
    "-x": alike(lambda x: -x),
    **{op: named(op) for op in ("sin", "cos", "tanh", "exp", "relu")},
}

BINARY = {
    "a + b": alike(lambda a, b: a + b),
    "a - b": alike(lambda a, b: a - b),
    "a * b": alike(lambda a, b: a * b),
    "a / b": alike(lambda a, b: a / b),
}

IN_PLACE = {
    "a += b": Rule(operator.iadd, operator.add),
    "a *= b": Rule(operator.imul, operator.mul),
}

SHAPING = {
    "sum": alike(lambda x: x.sum()),
    "sum of columns": alike(lambda x: x.sum(axis=0)),
    "sum of rows": alike(lambda x: x.sum(axis=-1, keepdims=True)),
    "mean": Rule(lambda x: x.mean(), lambda x: np.asarray(x.sum()) / plain(x.size)),
    "transpose": moving(lambda x: x.T),
    "ravel": Rule(lambda x: x.ravel(), lambda x: x.reshape(-1), moves=True),
    "column": moving(lambda x: x.reshape((x.size, 1))),
    "first": moving(lambda x: x[0]),
    "reversed": moving(lambda x: x[::-1]),
    "repeated": alike(lambda x: x[[0, 0, -1]]),
    "broadcast": Rule(
        lambda x: mg.broadcast_to(x, (2, 2)), lambda x: np.broadcast_to(x, (2, 2)), moves=True
    ),
}

MOVING = {name: rule for name, rule in SHAPING.items() if rule.moves}

JOINING = {
    "concatenate": Rule(lambda *xs: mg.concatenate(xs), lambda *xs: np.concatenate(xs)),
    "stack": Rule(lambda *xs: mg.stack(xs), lambda *xs: np.stack(xs)),
}

MATMUL = alike(lambda a, b: a @ b)
SQUARE = Rule(lambda x, two: x**two, lambda x, two: x * x)
WHERE = Rule(mg.where, lambda c, a, b: each(lambda c, a, b: a if c.value else b, c, a, b))

SHAPES = [(), (1,), (2,), (2, 1), (1, 2), (2, 2), (3,)]

mostly = st.sampled_from([True, True, True, False])
places = st.integers(0, 7)  # in the pool, from the latest node backwards
numbers = st.integers(-16, 16).map(lambda n: n / 8)


def drawn_from(table: dict[str, Rule]) -> st.SearchStrategy[str]:
    return st.sampled_from(list(table))


def spread(number: float, shape: Sequence[int]) -> Any:
    """Return an array of different numbers."""
    return number + np.arange(np.prod(shape, dtype=int)).reshape(shape) * 0.375


class Machine(RuleBasedStateMachine):
    """A program that is being drawn, and run at once."""

    met: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.pool: list[Pair] = []
        self.modes: list[tuple[Any, bool]] = []

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self.differentiate_all()
        finally:
            while self.modes:
                self.modes.pop()[0].__exit__(None, None, None)

    def differentiate_all(self) -> None:
        """End a program by differentiating everything, so that no step was in vain."""
        for pair in list(self.pool):
            self.differentiate(pair, np.ones(pair.shadow.shape))
        for pair in self.pool[-3:]:
            gradient = self.differentiate_twice(pair)
            if gradient:
                self.overwrite(gradient, 0.5, "=")
        self.every_node_is_what_it_should_be()

    # Nodes

    @initialize(x=numbers, y=numbers)
    def start(self, x: float, y: float) -> None:
        self.met["programs"] += 1
        self.new_value(x, True)
        self.new_tensor(y, (2,), True)

    @rule(x=numbers, requires_grad=mostly)
    def new_value(self, x: float, requires_grad: bool) -> None:
        self.keep(Value(x, requires_grad=requires_grad), Shadow(plain(x), requires_grad))

    @rule(x=numbers, shape=st.sampled_from(SHAPES), requires_grad=mostly)
    def new_tensor(self, x: float, shape: tuple[int, ...], requires_grad: bool) -> None:
        array = spread(x, shape)
        self.keep(Tensor(array, requires_grad=requires_grad), Shadow(plain(array), requires_grad))

    @rule(i=places)
    def drop(self, i: int) -> None:
        if len(self.pool) > 1:
            self.pool.remove(self.at(i))

    @rule(i=places)
    def detach(self, i: int) -> None:
        node, shadow = self.at(i)
        self.keep(node.detach(), shadow.detached())

    # Operations

    @rule(i=places, name=drawn_from(UNARY))
    def unary(self, i: int, name: str) -> None:
        node, shadow = self.at(i)
        if name != "relu" or smooth(node.data):
            self.compute(UNARY[name], [node], [shadow])

    @rule(i=places, j=places, name=drawn_from(BINARY))
    def binary(self, i: int, j: int, name: str) -> None:
        pairs = [self.at(i), self.like(self.at(i), j)]
        if name != "a / b" or divides(pairs[1].node.data):
            self.compute(BINARY[name], *zip(*pairs, strict=True))

    @rule(i=places, x=numbers, name=drawn_from(BINARY), reflected=st.booleans())
    def with_number(self, i: int, x: float, name: str, reflected: bool) -> None:
        node, shadow = self.at(i)
        sides = slice(None, None, -1 if reflected else 1)
        if name != "a / b" or divides((node.data, x)[sides][1]):
            self.compute(BINARY[name], (node, x)[sides], (shadow, constant(x))[sides])

    @rule(i=places, x=numbers, shape=st.sampled_from(SHAPES), name=drawn_from(BINARY))
    def with_array(self, i: int, x: float, shape: tuple[int, ...], name: str) -> None:
        node, shadow = self.at(i)
        array = spread(x, shape)
        if isinstance(node, Tensor) and (name != "a / b" or divides(array)):
            self.compute(BINARY[name], (node, array), (shadow, constant(array)))

    @rule(i=places)
    def square(self, i: int) -> None:
        node, shadow = self.at(i)
        self.compute(SQUARE, (node, 2.0), (shadow, constant(2.0)))

    @rule(i=places, name=drawn_from(SHAPING))
    def shaping(self, i: int, name: str) -> None:
        node, shadow = self.at(i)
        if isinstance(node, Tensor):
            self.compute(SHAPING[name], [node], [shadow])

    @rule(i=places, j=places, k=places, name=drawn_from(JOINING))
    def joining(self, i: int, j: int, k: int, name: str) -> None:
        first = self.at(i)
        if isinstance(first.node, Tensor):
            pairs = [first, self.like(first, j), self.like(first, k)]
            self.compute(JOINING[name], *zip(*pairs, strict=True))

    @rule(i=places, j=places)
    def matmul(self, i: int, j: int) -> None:
        pairs = [self.at(i), self.like(self.at(i), j)]
        if isinstance(pairs[0].node, Tensor):
            self.compute(MATMUL, *zip(*pairs, strict=True))

    @rule(i=places, j=places, bits=st.integers(0, 15))
    def where(self, i: int, j: int, bits: int) -> None:
        pairs = [self.at(i), self.like(self.at(i), j)]
        chosen: Any = bool(bits % 2)
        if isinstance(pairs[0].node, Tensor):
            size = max(pair.shadow.numbers.size for pair in pairs)
            chosen = np.array([bool(bits >> n & 1) for n in range(size)])
            chosen = chosen.reshape(max(pairs, key=lambda p: p.shadow.numbers.size).shadow.shape)
        nodes, shadows = zip(*pairs, strict=True)
        self.compute(WHERE, (chosen, *nodes), (constant(chosen), *shadows))

    @rule(i=places, j=places, kept=st.booleans(), name=drawn_from(IN_PLACE))
    def rebind(self, i: int, j: int, kept: bool, name: str) -> None:
        target, other = self.at(i), self.like(self.at(i), j)
        result = self.compute(IN_PLACE[name], *zip(target, other, strict=True))
        if result:
            assert result.node is not target.node
            if not kept:
                self.pool.remove(target)

    # Data

    @rule(i=places, x=numbers, how=st.sampled_from(["=", "+=", "-="]))
    def write(self, i: int, x: float, how: str) -> None:
        self.overwrite(self.at(i), x, how)

    def overwrite(self, pair: Pair, x: float, how: str) -> None:
        node, shadow = pair
        new = spread(x, shadow.shape) if how == "=" else shadow.data + (x if how == "+=" else -x)
        if np.abs(new).max() > LARGEST:
            return
        if isinstance(node, Tensor) and how != "=" and not shadow.writable:
            with pytest.raises(ValueError, match="read-only"):
                node.data += x
            return
        if how == "=":
            node.data = new if isinstance(node, Tensor) else float(new)
        elif how == "+=":
            node.data += x
        else:
            node.data -= x
        shadow.write(new, in_place=how != "=")

    @rule(i=places, k=places, x=numbers, copied=st.sampled_from([None, "copy", "deep", "pickle"]))
    def write_behind(self, i: int, k: int, x: float, copied: str | None) -> None:
        """Write to something that a result was computed from, and differentiate the result."""
        pair = self.root(i)
        behind = [p for p in graph_of([pair]) if p.shadow in pair.shadow.parents and floating(p)]
        if behind:
            self.overwrite(behind[-1 - k % len(behind)], x, "=")
            if copied:
                pair = self.copies([pair], copied)[0]
            self.differentiate(pair, np.ones(pair.shadow.shape))

    @rule(i=places, x=numbers, name=drawn_from(MOVING))
    def write_under_view(self, i: int, x: float, name: str) -> None:
        """Write in place to what a result may be a view of."""
        pair = self.at(i)
        self.shaping(i, name)
        self.overwrite(pair, x, "+=")

    @rule(i=places)
    def write_through(self, i: int) -> None:
        node, shadow = self.at(i)
        if isinstance(node, Tensor) and not shadow.writable:
            with pytest.raises(ValueError, match="read-only"):
                node.data[...] = 0.5

    # Modes

    @rule(block=st.sampled_from([None, None, no_grad, enable_grad]))
    def enter_or_leave(self, block: Any) -> None:
        if block:
            self.modes.append((block(), block is enable_grad))
            self.modes[-1][0].__enter__()
        elif self.modes:
            self.modes.pop()[0].__exit__(None, None, None)

    # Gradients

    @rule(i=places, times=st.integers(1, 2))
    def backward(self, i: int, times: int) -> None:
        pair = self.root(i)
        alone = pair.shadow.numbers.size == 1 or i == 0
        for _ in range(times):
            self.differentiate(pair, None if alone else np.ones(pair.shadow.shape))

    @rule(i=places, x=numbers, create_graph=st.booleans())
    def backward_with_weights(self, i: int, x: float, create_graph: bool) -> None:
        pair = self.root(i)
        self.differentiate(pair, spread(x, pair.shadow.shape), create_graph)

    @rule(i=places, j=places, create_graph=st.booleans())
    def backward_with_a_node(self, i: int, j: int, create_graph: bool) -> None:
        pair = self.root(i)
        self.differentiate(pair, self.like(pair, j), create_graph)

    @rule(i=places, k=places, onward=st.booleans())
    def gradient_of_gradient(self, i: int, k: int, onward: bool) -> None:
        self.differentiate_twice(self.root(i), k, onward)

    def differentiate_twice(self, pair: Pair, k: int = 0, onward: bool = True) -> Pair | None:
        made = self.differentiate(pair, np.ones(pair.shadow.shape), create_graph=True, k=k)
        if made and onward:
            self.differentiate(made, np.ones(made.shadow.shape))
        return made

    @rule(i=places)
    def zero_grad(self, i: int) -> None:
        found = [pair for pair in self.pool if pair.node.has_grad]
        node, shadow = found[-1 - i % len(found)] if found else self.at(i)
        node.zero_grad()
        shadow.set_grad(None)

    @rule(i=places, x=numbers)
    def set_grad(self, i: int, x: float) -> None:
        node, shadow = self.at(i)
        grad = spread(x, shadow.shape)
        node.grad = grad if isinstance(node, Tensor) else float(grad)
        shadow.set_grad(grad)

    @rule(i=places)
    def scale_grad(self, i: int) -> None:
        node, shadow = self.at(i)
        if isinstance(shadow.grad, np.ndarray) and not (shadow.hidden or shadow.loose):
            if isinstance(node, Tensor) and shadow.is_result:
                with pytest.raises(ValueError, match="read-only"):
                    node.grad *= 0.5
                return
            node.grad *= 0.5
            shadow.set_grad(shadow.grad * 0.5)

    # Copies

    @rule(
        chosen=st.lists(places, min_size=1, max_size=3),
        how=st.sampled_from(["copy", "deep", "pickle"]),
        x=st.none() | numbers,
    )
    def copy(self, chosen: list[int], how: str, x: float | None) -> None:
        """Copy nodes together, and write to one of the originals in place."""
        pairs = list(map(self.at, chosen))
        self.copies(pairs, how)
        if x is not None:
            self.overwrite(pairs[0], x, "+=")

    def copies(self, pairs: list[Pair], how: str) -> list[Pair]:
        nodes, shadows = [pair.node for pair in pairs], [pair.shadow for pair in pairs]
        if how == "copy":
            twins, expected = list(map(copy.copy, nodes)), [s.copied() for s in shadows]
        else:
            twins = copy.deepcopy(nodes) if how == "deep" else pickle.loads(pickle.dumps(nodes))
            expected = deep_copies(shadows)
            assert len(set(map(id, twins))) == len(set(shadows))
        found = dict(zip(expected, twins, strict=True))
        return [self.keep(node, shadow) for shadow, node in found.items()]

    # How all of this is done

    def at(self, i: int) -> Pair:
        return self.pool[-1 - i % len(self.pool)]

    def root(self, i: int) -> Pair:
        """Return a pair to differentiate, most often one that can be."""
        found = [pair for pair in self.pool if pair.shadow.requires_grad]
        return found[-1 - i % len(found)] if found and i else self.at(i)

    def like(self, pair: Pair, i: int) -> Pair:
        """Return a pair with a node of the same kind."""
        found = [other for other in self.pool if type(other.node) is type(pair.node)]
        return found[-1 - i % len(found)]

    def keep(self, node: Any, shadow: Shadow) -> Pair:
        self.pool.append(Pair(node, shadow))
        del self.pool[:-MOST_NODES]
        return self.pool[-1]

    def compute(self, rule: Rule, args: Any, shadows: Any) -> Pair | None:
        """Record a step, if its result is of a moderate size; refuse it if the shapes don't fit."""
        recording = self.modes[-1][1] if self.modes else True
        try:
            shadow = computed(rule.naive, shadows, recording, rule.moves)
        except (ValueError, IndexError):
            with pytest.raises(MicrogradError):
                rule.real(*args)
            return None
        if shadow.numbers.size > MOST_ELEMENTS or np.abs(shadow.data).max() > LARGEST:
            return None
        self.met["results"] += 1
        return self.keep(rule.real(*args), shadow)

    def differentiate(
        self, pair: Pair, gradient: Any = None, create_graph: bool = False, k: int = 0
    ) -> Pair | None:
        """Call backward(), and compare what comes of it; return a gradient with a graph."""
        node, shadow = pair
        given = gradient
        if isinstance(gradient, Pair):
            given, gradient = gradient
        elif gradient is not None and isinstance(node, Value):
            given = float(gradient)
        if self.is_no_gradient(pair, gradient, create_graph):
            with pytest.raises(GradientError) as error:
                node.backward(given, create_graph=create_graph)
            assert error.type is not StaleGraphError
            self.met["no gradient"] += 1
            return None
        if isinstance(gradient, Shadow) and (
            gradient.shape != shadow.shape or any(s.stale() for s in reached_from(gradient))
        ):
            return None
        length = len(history(shadow.numbers.flat))
        if length > 10 * LONGEST or (create_graph and (length > LONGEST or shadow.order > 1)):
            return None
        expected = Backward(shadow, gradient)
        if any(np.abs(slope).max() > STEEPEST for slope in expected.slopes.values()):
            return None
        leaf, made = None, None
        if create_graph and not expected.must_refuse:
            leaves = [p for p in self.pool if p.shadow in expected.differentiable()]
            if leaves:
                leaf = leaves[-1 - k % len(leaves)]
                made = expected.gradient_of(leaf.shadow)
        try:
            node.backward(given, create_graph=create_graph)
        except StaleGraphError:
            assert expected.may_refuse, "it refuses what was not written to"
            expected.fail()
            self.met["refusals"] += 1
            return None
        assert not expected.must_refuse, "it differentiates what was written to"
        expected.succeed(create_graph)
        self.met[f"derivatives of order {shadow.order + 1}"] += 1
        if leaf is None or made is None:
            return None
        return self.keep_gradient(leaf, made)

    def is_no_gradient(self, pair: Pair, gradient: Any, create_graph: bool) -> bool:
        """Tell whether backward() has to refuse, whatever was written to."""
        node, shadow = pair
        if gradient is None and isinstance(node, Tensor) and shadow.numbers.size != 1:
            return True
        if isinstance(gradient, Shadow) and gradient.requires_grad and not create_graph:
            return True
        fits = gradient is None or gradient.shape == shadow.shape
        return fits and not shadow.requires_grad

    def keep_gradient(self, leaf: Pair, made: Shadow) -> Pair:
        """Keep a gradient that can be differentiated, as a node among others."""
        node = leaf.node.grad
        if not node.requires_grad:  # constant, so it must not depend on anything
            xs = [x for (s, _), array in made.behind.items() if s.requires_grad for x in array.flat]
            for y in made.numbers.flat:
                assert not slopes_by(y, xs).any(), "it lost its graph"
            made.requires_grad = False
            made.behind = {}
        made.writable = isinstance(node, Tensor) and node.data.flags.writeable
        leaf.shadow.set_grad(made)
        return self.keep(node, made)

    @invariant()
    def every_node_is_what_it_should_be(self) -> None:
        self.met["steps"] += 1
        for node, shadow in self.pool:
            assert not isinstance(node, Tensor) or node.data.flags.writeable == shadow.writable
        for node, shadow in graph_of(self.pool):
            check(node, shadow)


def floating(pair: Pair) -> bool:
    return isinstance(pair.node, Value) or pair.node.dtype.kind == "f"


def constant(data: Any) -> Shadow:
    return Shadow(plain(data), False)


def smooth(data: Any) -> bool:
    """Tell whether rounding cannot bring a number to the other side of 0."""
    return bool((np.abs(data) > 1e-6).all())


def divides(data: Any) -> bool:
    return bool((np.abs(data) >= 0.25).all())


def graph_of(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """Yield the pairs, and those that they were computed from."""
    seen: set[tuple[int, Shadow]] = set()
    stack = list(pairs)
    while stack:
        node, shadow = stack.pop()
        if (id(node), shadow) not in seen:
            seen.add((id(node), shadow))
            yield Pair(node, shadow)
            if not shadow.behind:
                stack += map(Pair, node.parents, shadow.parents)
                assert len(node.parents) == len(shadow.parents)


def check(node: Any, shadow: Shadow) -> None:
    """Assert that a node is what it should be."""
    assert node.requires_grad == shadow.requires_grad
    assert node.is_leaf == (not shadow.is_result)
    agree(node.data, shadow.data)
    if isinstance(shadow.grad, str):
        assert shadow.grad == UNKNOWN
    elif shadow.grad is None:
        assert not node.has_grad
    elif node.has_grad:
        grad = node.grad.data if isinstance(node.grad, (mg.Tensor, mg.Value)) else node.grad
        agree(grad, shadow.grad_floats())
    else:
        assert shadow.loose


def agree(found: Any, expected: Any) -> None:
    assert np.shape(found) == np.shape(expected)
    largest = max(1.0, np.abs(expected).max())
    assert (np.abs(found - expected) <= TOLERANCE * largest).all(), f"{found} for {expected}"


TestMachine = Machine.TestCase
TestMachine.settings = settings(stateful_step_count=STEPS)


def run(programs: int) -> Counter[str]:
    """Run programs, the same each time, and return what was met."""
    Machine.met.clear()
    few = settings(
        max_examples=programs,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        derandomize=True,
        report_multiple_bugs=False,
    )
    run_state_machine_as_test(Machine, settings=few)
    return Machine.met


@pytest.mark.slow
def test_the_programs_meet_all_that_can_happen() -> None:
    met = run(50)
    assert met["steps"] >= 20 * met["programs"]
    assert met["results"] >= 5 * met["programs"]
    assert min(met["refusals"], met["no gradient"], met["derivatives of order 2"]) >= 5


def off(rule: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args: rule(*args) * (1 + 1e-6)


def unsummed(gradient: Any, shape: Sequence[int]) -> Any:
    """Return one of the shares of what was broadcast, instead of their sum."""
    first = gradient[(0,) * (gradient.ndim - len(shape))]
    return first[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]


def overwrite_leaves(leaves: dict[Any, Any], *rest: Any) -> None:
    for leaf, g in leaves.items():
        leaf._grad = g


def fill_as_new(node: Any, fields: Any, extra: Any) -> None:
    for name, field in zip(node._copied, fields, strict=True):
        setattr(node, name, field)
    node._version = versions.now


PRODUCT = cast("tuple[Any, ...]", mg.multiply.derivatives)
FAULTS: dict[str, dict[str, Any]] = {
    "a derivative is slightly off": {"micrograd.multiply.derivatives": tuple(map(off, PRODUCT))},
    "a derivative is that of the other argument": {"micrograd.multiply.derivatives": PRODUCT[::-1]},
    "broadcasting is not summed up": {"micrograd.engine.fitting.sum_to": unsummed},
    "writes are not noticed": {
        "micrograd.engine.arithmetic.Arithmetic._overwrite": lambda node, data: setattr(
            node, "_data", data
        )
    },
    "leaves are overwritten": {"micrograd.engine.autodiff._accumulate": overwrite_leaves},
    "a refused pass leaves its traces": {"micrograd.core.passes.Pass.undo": lambda this: None},
    "gradients are not forgotten": {"micrograd.core.node.Node.zero_grad": lambda node: None},
    "results can be written to": {
        "micrograd.engine.tensor.Tensor._adopt": lambda op, data, *parents: np.array(data)
    },
    "constants follow the memory that they are views of": {
        "micrograd.core.record.owned_copy": lambda array: array
    },
    "no_grad records": {
        "micrograd.core.record.is_recording": lambda: True,
    },
    "create_graph heeds no_grad": {"micrograd.engine.autodiff.enable_grad": nullcontext},
    "gradients with a graph are shared": {"micrograd.engine.autodiff.positive": lambda g: g},
    "copies forget that something was written to": {
        "micrograd.engine.copying.Copied._fill": fill_as_new
    },
    "copies share memory": {"micrograd.engine.copying._own": lambda array: array},
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_finds_a_planted_fault(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for target, planted in FAULTS[fault].items():
        monkeypatch.setattr(target, planted)

    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(2_000)  # it ends with the first that finds it
