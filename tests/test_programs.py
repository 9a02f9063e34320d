"""Random programs: their text is what they do, they reach every kind of step, and shrink."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import micrograd
from micrograd import ArgumentError, Op, Tensor, Value, define_op
from micrograd.core.op import registry
from micrograd.testing import numerical_gradient
from micrograd.testing.draft import Draft
from micrograd.testing.operands import Operand
from micrograd.testing.program import Program, programs
from micrograd.testing.steps import ROWS

FOUND = settings(max_examples=5000, derandomize=True, database=None, deadline=None)
REACHED = settings(FOUND, phases=[Phase.generate])
KINDS = ["tensor", "value"]
either = st.one_of(programs("tensor"), programs("value"))


def lines(program: Program) -> list[str]:
    """Return the lines of a program's steps."""
    body = program.source.split("):\n")[1].split("\n\n")[0]
    return [line.strip() for line in body.splitlines()]


def nodes_of(program: Program) -> list[Any]:
    kind = Value if isinstance(program.inputs[0], float) else Tensor
    return [kind(data) for data in program.inputs]


def found(test: Callable[[Program], bool], **options: Any) -> Program:
    return find(programs(**options), test, settings=REACHED)


@pytest.fixture(scope="module")
def pool() -> list[Program]:
    """Return many programs, the same ones every time."""
    drawn = list[Program]()

    @settings(REACHED, max_examples=1500)
    @given(programs())
    def collect(program: Program) -> None:
        drawn.append(program)

    collect()
    return drawn


@pytest.fixture
def cube() -> Iterator[Op]:
    yield define_op("my_cube", lambda x: x**3, lambda g, y, x: g * 3 * x**2)
    del registry["my_cube"]


# The text


@given(either)
def test_the_repr_runs_and_gives_the_same(program: Program) -> None:
    scope: dict[str, Any] = {}
    exec(repr(program), scope)

    for ours, theirs in zip(program.inputs, scope["inputs"], strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=isinstance(ours, np.ndarray))
    np.testing.assert_array_equal(
        program(*program.inputs), scope["program"](*scope["inputs"]), strict=True
    )


@given(either)
def test_nodes_and_plain_numbers_give_the_same_and_a_graph(program: Program) -> None:
    result = program(*nodes_of(program))

    assert result.requires_grad
    # Numbers are computed by math and arrays by NumPy, which differ in the last digit.
    np.testing.assert_allclose(result.data, program(*program.inputs), rtol=1e-12, atol=1e-12)


@given(either)
def test_every_input_and_step_is_used(program: Program) -> None:
    *steps, last = lines(program)
    assert last.startswith("return ")

    names = [*inspect.signature(program).parameters, *(step.split(" = ")[0] for step in steps)]
    for name in names:
        assert len(re.findall(rf"\b{name}\b", "\n".join(lines(program)))) >= 1 + (
            name not in inspect.signature(program).parameters
        )
    assert len(names) == len(set(names))


def test_the_text_is_as_it_should_be() -> None:
    draft = Draft([np.array([0.5, 1.0]), np.array(3.0), np.array(2.0)], {})
    a, unused, b = draft.variables
    assert draft.add("mg.tanh({_0})", [a])
    assert draft.add("-{_1}", [unused])
    assert draft.add("{_3} * {_2}", [draft.variables[3], b])
    assert draft.add("mg.sum({_5}, axis=0)", [draft.variables[5]])

    program = Program(*draft.source_and_ops())

    assert repr(program) == (
        "import numpy as np\n"
        "import micrograd as mg\n"
        "\n"
        "def program(a, b):\n"
        "    c = mg.tanh(a)\n"
        "    d = c * b\n"
        "    return mg.sum(d, axis=0)\n"
        "\n"
        "inputs = (np.array([0.5, 1.0]), np.array(2.0))\n"
    )
    assert program(*program.inputs) == 2 * (math.tanh(0.5) + math.tanh(1.0))


def test_names_go_on_after_the_alphabet_and_leave_out_those_of_operations(cube: Op) -> None:
    draft = Draft([1.0], {"b": cube})
    for i in range(30):
        draft.add(f"-{{_{i}}}", [draft.variables[-1]])
    draft.add("b({_30})", [draft.variables[-1]])
    source, _ = draft.source_and_ops()

    assert "    c = -a\n" in source
    assert "    x0 = -z\n" in source
    assert Program(source, {"b": cube})(2.0) == 8.0


def test_long_inputs_have_a_line_each() -> None:
    draft = Draft([np.arange(12.0) / 8, np.arange(12.0) / 8], {})
    draft.add("{_0} + {_1}", draft.variables[:2])
    program = Program(*draft.source_and_ops())

    assert repr(program).endswith(",\n)\n")
    assert max(map(len, repr(program).splitlines())) <= 100
    assert len(program.inputs) == 2


def test_a_program_knows_its_parameters_and_survives_copies() -> None:
    program = find(programs(), lambda p: " @ " in p.source, settings=REACHED)

    assert next(iter(inspect.signature(program).parameters)) == "a"
    for twin in (copy.deepcopy(program), pickle.loads(pickle.dumps(program))):
        assert twin == program
        assert hash(twin) == hash(program)
        np.testing.assert_array_equal(twin(*twin.inputs), program(*program.inputs))


def test_the_text_can_be_run_with_another_library() -> None:
    source = "def program(a):\n    return mg.double(a) + np.one\ninputs = (1.0,)\n"

    class Mg:
        double = staticmethod(lambda x: 2 * x)

    class Np:
        one = 1

    assert Program(source).run([3.0], {"mg": Mg, "np": Np}) == 7.0


# Where the inputs are


@given(st.data())
def test_programs_agree_with_numerical_derivatives(data: st.DataObject) -> None:
    program = data.draw(either)
    nodes = nodes_of(program)
    result = program(*nodes)
    weights = np.cos(np.arange(np.size(result.data))).reshape(np.shape(result.data))
    result.backward(weights if isinstance(result, Tensor) else weights.item())

    for i, node in enumerate(nodes):

        def total(x: Any, i: int = i) -> Any:
            inputs = [x if j == i else data for j, data in enumerate(program.inputs)]
            return np.sum(program(*inputs) * weights)

        expected = numerical_gradient(total, np.array(program.inputs[i]), 1e-4)
        np.testing.assert_allclose(
            node.grad if node.has_grad else np.zeros(node.shape), expected, rtol=1e-4, atol=1e-4
        )


@given(either)
def test_results_are_of_a_moderate_size(program: Program) -> None:
    result = program(*program.inputs)

    assert 0 < np.size(result) <= 64
    assert np.abs(result).max() <= 64


def test_steps_are_not_taken_at_kinks_poles_and_ties() -> None:
    def refused(name: str, *data: Any) -> bool:
        operands = [Operand(str(x), np.asarray(x, float)) for x in data]
        return not ROWS[name].allows(operands, singular=False)

    assert refused("relu", [0.1, 1.0])
    assert refused("absolute", -0.1)
    assert refused("log", 0.2)
    assert refused("log", -1.0)
    assert refused("sqrt", 0.0)
    assert refused("divide", 1.0, [0.1, 1.0])
    assert refused("inverse power", 0.1)
    assert refused("power", -1.0, 2.0)
    assert refused("power", 1.0, 4.0)
    assert refused("power", 1.0, [1.0, 0.0])
    assert refused("exp", 3.0)
    assert refused("max", [1.0, 2.0, 1.1])
    assert refused("min", [[1.0], [1.0]])
    assert refused("maximum", [1.0, 2.0], 1.9)
    assert refused("minimum", 1.0, [1.0, 2.0])
    assert refused("where", 0.1, 1.0, 2.0)
    assert refused("matmul", [1.0, 2.0], [1.0])
    assert not refused("max", [1.0, 2.0, 1.5])
    assert not refused("maximum", [1.0, 2.0], 1.5)
    assert not refused("divide", 0.0, 1.0)


def test_what_is_steep_curved_large_or_empty_is_not_taken() -> None:
    draft = Draft([1.0], {})
    refused = ["100 * {_0}", "65 + {_0}", "mg.sin(60 * {_0}) * 1.5", "{_0} * float('nan')"]

    assert not any(draft.add(text, draft.variables) for text in refused)
    assert draft.add("mg.absolute({_0})", draft.variables)
    assert not Draft([0.0], {}).add("mg.absolute({_0})", [])
    assert not Draft([0.0], {}).add("65 * {_0}", [])
    assert Draft([0.0], {}, singular=True).add("mg.absolute({_0})", [])
    assert not Draft([np.ones(2)], {}).add("{_0}[2:]", [])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["relu", "absolute", "maximum"])
def test_singular_programs_reach_the_kinks(kind: Any, text: str) -> None:
    def at_a_kink(program: Program) -> bool:
        x = np.asarray(program.inputs[0])
        if text == "maximum":
            return lines(program) == ["return mg.maximum(a, a)"]
        return lines(program) == [f"return mg.{text}(a)"] and bool(np.any(x == 0))

    assert found(at_a_kink, kind=kind, singular=True, max_steps=1, max_inputs=1)


def test_singular_programs_reach_ties_of_max() -> None:
    def tied(program: Program) -> bool:
        a = program.inputs[0]
        return "mg.max(a" in program.source and a.size > len(np.unique(a))

    assert found(tied, singular=True, max_steps=1, max_inputs=1)


@given(programs(domain="positive"))
def test_inputs_are_of_the_domain(program: Program) -> None:
    assert all((data >= 0.125).all() for data in program.inputs)


@given(programs(domain="distinct"))
def test_inputs_of_a_distinct_domain_do_not_tie(program: Program) -> None:
    assert all(len(np.unique(data)) == data.size for data in program.inputs)


# What is reached


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_kind_of_step_is_reached(name: str, pool: list[Program]) -> None:
    template = ROWS[name].template
    fields = {str(i): r"(?:[a-z]\b|-?[\d.]+|np\.array\(.*?\))" for i in range(3)}
    literal = re.sub(r"\\\{(\w+)\\\}", lambda m: fields.get(m[1], ".*"), re.escape(template))

    assert any(re.fullmatch(f"(. = |return ){literal}", step) for p in pool for step in lines(p))


FEATURES: dict[str, Callable[[Program], bool]] = {
    "fan-out": lambda p: bool(re.search(r"\b([d-z])\b.*\n.*\b\1\b.*\n.*\b\1\b", p.source)),
    "an argument twice": lambda p: bool(re.search(r"\b([a-z]) [*+-] \1\b", p.source)),
    "number": lambda p: bool(re.search(r"[*+-] -?\d", p.source)),
    "number on the left": lambda p: bool(re.search(r"(= |return )-?\d\S* [*/+-]", p.source)),
    "array": lambda p: any("np.array(" in line for line in lines(p)),
    "array on the left of @": lambda p: bool(re.search(r"np.array\(\S*( \S*)*\) @ ", p.source)),
    "three inputs": lambda p: len(p.inputs) == 3,
    "mixed shapes": lambda p: len({x.shape for x in p.inputs}) > 1,
    "no axes": lambda p: p.inputs[0].shape == (),
    "three axes": lambda p: p.inputs[0].ndim == 3,
    "result with axes": lambda p: np.ndim(p(*p.inputs)) == 2,
    "eight steps": lambda p: len(lines(p)) == 8,
    "backwards": lambda p: "[::-1" in p.source,
    "new axis": lambda p: "None" in p.source,
    "repeats": lambda p: "[0, 0]" in p.source,
    "axis from the end": lambda p: "axis=-1" in p.source,
    "keepdims": lambda p: "keepdims=True" in p.source,
    "several axes": lambda p: bool(re.search(r"axis=\(\S+ \S", p.source)),
}


@pytest.mark.slow
@pytest.mark.parametrize("feature", FEATURES)
def test_features_are_reached(feature: str, pool: list[Program]) -> None:
    assert any(map(FEATURES[feature], pool))


def test_programs_keep_to_the_numbers_asked_for() -> None:
    @settings(max_examples=50)
    @given(programs(max_steps=2, max_inputs=1))
    def law(program: Program) -> None:
        assert len(lines(program)) <= 2
        assert len(program.inputs) == 1

    law()


@pytest.mark.slow
def test_most_programs_have_several_steps(pool: list[Program]) -> None:
    assert np.mean([len(lines(program)) for program in pool]) > 2


@pytest.mark.slow
def test_programs_of_values_have_numbers_only() -> None:
    @settings(max_examples=100)
    @given(programs("value"))
    def law(program: Program) -> None:
        assert all(isinstance(data, float) for data in program.inputs)
        assert "np." not in program.source
        values, tensors = map(Value, program.inputs), map(Tensor, program.inputs)
        y, z = program(*values), program(*tensors)
        assert isinstance(y, Value)
        assert z.shape == ()
        np.testing.assert_allclose(y.data, z.data, rtol=1e-12)

    law()


# Shrinking


@pytest.mark.slow
def test_examples_shrink_to_one_step_on_simple_numbers() -> None:
    program = find(programs(), lambda p: "mg.exp" in p.source, settings=FOUND)

    assert lines(program) == ["return mg.exp(a)"]
    assert program.inputs == (np.array(1.0),)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "step"),
    [("mg.relu", "mg.relu(a)"), ("mg.tanh", "mg.tanh(a)"), (" / ", "a / a"), ("**", "a ** 2")],
)
def test_examples_of_values_shrink(text: str, step: str) -> None:
    program = find(programs("value"), lambda p: text in p.source, settings=FOUND)

    assert lines(program) == [f"return {step}"]
    assert program.inputs == (1.0,)


@pytest.mark.slow
def test_examples_of_two_steps_shrink_to_two() -> None:
    def both(program: Program) -> bool:
        return "mg.exp" in program.source and "mg.sum" in program.source

    program = find(programs(), both, settings=FOUND)

    assert len(lines(program)) == 2
    assert len(program.inputs) == 1


def test_generation_is_deterministic() -> None:
    def drawn() -> list[str]:
        sources = list[str]()

        @settings(max_examples=20, derandomize=True, database=None)
        @given(programs())
        def collect(program: Program) -> None:
            sources.append(program.source)

        collect()
        return sources

    assert drawn() == drawn()


# Operations of one's own


def test_ones_own_operations_are_used_by_name(cube: Op) -> None:
    program = found(lambda p: "third(a)" in p.source, ops={"third": cube})

    assert program.ops == {"third": cube}
    assert "# third: the operation that define_op('my_cube', ...) returned" in repr(program)
    scope: dict[str, Any] = {"third": cube}
    exec(repr(program), scope)
    np.testing.assert_array_equal(scope["program"](*program.inputs), program(*program.inputs))


@pytest.mark.slow
def test_a_wrong_rule_is_found_and_shrinks_to_it() -> None:
    wrong = Op("wrong", lambda x: x**3, (lambda g, y, x: g * 2 * x**2,))

    def fails(program: Program) -> bool:
        (value, *_) = values = [Value(data) for data in program.inputs]
        program(*values).backward()
        h = 1e-5
        ahead, behind = (program(value.data + d, *program.inputs[1:]) for d in (h, -h))
        return abs(value.grad - (ahead - behind) / (2 * h)) > 1e-3

    program = find(programs("value", ops={"cube": wrong}), fails, settings=FOUND)

    assert lines(program) == ["return cube(a)"]


@pytest.mark.slow
def test_binary_operations_of_ones_own_take_constants(cube: Op) -> None:
    hypot = Op("hypot", np.hypot, (lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y))

    assert found(lambda p: "hypot(a, b)" in p.source, ops={"hypot": hypot})
    assert found(lambda p: bool(re.search(r"hypot\(-?\d", p.source)), ops={"hypot": hypot})


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "kind": ({"kind": "array"}, "programs: expected kind to be 'tensor' or 'value', but came"),
    "steps": ({"max_steps": 0}, "programs: expected max_steps"),
    "inputs": ({"max_inputs": -1}, "max_inputs to be an integer of 1 or more, but came -1"),
    "domain": ({"domain": "reel"}, "but came 'reel'"),
    "ops": ({"ops": [micrograd.exp]}, "programs: expected ops to be a dict"),
    "name": ({"ops": {"my op": registry["exp"]}}, "but came 'my op'"),
    "keyword": ({"ops": {"lambda": registry["exp"]}}, "but came 'lambda'"),
    "kept": ({"ops": {"mg": registry["exp"]}}, "but came 'mg'"),
    "function": ({"ops": {"sin": np.sin}}, "made by define_op"),
    "ternary": ({"ops": {"where": registry["where"]}}, "unary or binary"),
    "many": ({"ops": {"stack": registry["stack"]}}, "unary or binary"),
    "arrays": ({"kind": "value", "ops": {"total": registry["sum"]}}, "that take Values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_arguments_are_refused(case: str) -> None:
    options, message = REFUSED[case]

    with pytest.raises(ArgumentError, match=re.escape(message)):
        programs(**options)
