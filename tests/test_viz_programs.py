"""Programs drawn: what stands in the circles, what leads where, and what comes out."""

from __future__ import annotations

import operator
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Slot, Tensor, Value
from micrograd.compiler.program import Input
from micrograd.compiler.recording.programs import Form, Instruction, into, written
from micrograd.errors import ArgumentError, OperandError
from tests.drawn import read_dot, read_own_svg, texts_of
from viz import draw, explain
from viz.graph.instructions import instruction_symbol
from viz.graph.programs import LARGEST, program_snapshot
from viz.picture.colours import RED
from viz.text.numbers import Writer

FLOAT64 = np.dtype("float64")
NASTY = '<script>alert(1)</script>"];'
x, y, z = Slot(0), Slot(1), Slot(2)


def form(*shape: int) -> Form:
    return Form(shape, FLOAT64)


VECTOR = form(3)


def call(operation: Any, *arguments: Any, result: Any = VECTOR, **settings: Any) -> Instruction:
    return Instruction(operation, arguments, settings, result)


def made_by_hand(
    inputs: tuple[Input, ...], *instructions: Instruction, backward: Any = (), **parts: Any
) -> mg.CompiledProgram:
    """Return a program of some instructions, of which the last gives the result."""
    last = len(inputs) + len(instructions) - 1
    known = {
        **{"name": "f", "results": Slot(last), "writes": {}, "checks": {}, "afterwards": ()},
        **{"inputs": inputs, "instructions": instructions, **parts},
        "backward": backward or (False,) * len(instructions),
    }
    kind: Any = type("ByHand", (mg.CompiledProgram,), known)
    return object.__new__(kind)


def argument(name: str, *shape: int) -> Input:
    return Input(name, "argument", form(*shape))


def affine() -> mg.CompiledProgram:
    """Return x @ W + 1 and, as if it was a backward pass, the gradient of W."""
    return made_by_hand(
        (argument("x", 4, 3), Input("W", "data", form(3, 2))),
        call(np.matmul, x, y, result=form(4, 2)),
        call(np.add, Slot(2), 1.0, result=form(4, 2)),
        call(np.transpose, x, result=form(3, 4)),
        call(np.matmul, Slot(4), np.full((4, 2), 0.5), result=form(3, 2)),
        backward=(False, False, True, True),
        results=Slot(3),
        writes={"W.grad": Slot(5)},
    )


def compiled_layer() -> mg.CompiledProgram:
    W, b = Tensor(np.ones((3, 2)), label="W"), Tensor(np.zeros(2), label="b")

    @mg.compile
    def step(x: Any, lr: float) -> Any:
        loss = (mg.tanh(x @ W + b) ** 2).mean()
        W.zero_grad()
        b.zero_grad()
        loss.backward()
        W.data -= lr * W.grad
        return loss, loss > 0

    return step.program(np.ones((4, 3)), 0.1)


def compiled_graph() -> mg.CompiledProgram:
    apple, count, tax = Value(100, label="apple"), Value(2, label="count"), Value(1.1, label="tax")
    return mg.compile(apple * count * tax)


REAL = [compiled_layer, compiled_graph]


# -- what stands where


def test_a_program_by_hand_is_drawn_as_worked_out() -> None:
    texts, arrows = read_dot(draw(affine()).source)

    assert texts == {
        "0": ["argument x", "(4, 3)", "float64"],
        "1": ["W.data", "(3, 2)", "float64"],
        "2": ["@", "(4, 2)", "float64"],
        "3": ["+ 1", "(4, 2)", "float64"],
        "3_end": ["result"],
        "4": ["T", "(3, 4)", "float64"],
        "5": ["0.5", "(4, 2)", "float64"],
        "6": ["@", "(3, 2)", "float64"],
        "6_end": ["W.grad"],
    }
    assert arrows == Counter(
        [
            *[("0", "2"), ("1", "2"), ("2", "3"), ("3", "3_end")],
            *[("0", "4"), ("4", "6"), ("5", "6"), ("6", "6_end")],
        ]
    )


@pytest.mark.parametrize("rankdir", ["LR", "TB"])
@pytest.mark.parametrize("make", [affine, *REAL])
def test_both_layouts_show_the_same(make: Callable[[], mg.CompiledProgram], rankdir: str) -> None:
    diagram = draw(make(), rankdir=rankdir)

    assert read_own_svg(diagram._own_svg()) == read_dot(diagram.source)


def test_what_a_setting_is_given_comes_by_an_arrow_too() -> None:
    inputs = argument("x", 3), argument("y", 3), argument("mask", 3)
    program = made_by_hand(inputs, call(np.add, x, y, where=z))
    texts, arrows = read_dot(draw(program).source)

    assert texts["3"][0] == "+ where=·"
    assert arrows == Counter([("0", "3"), ("1", "3"), ("2", "3"), ("3", "3_end")])


def test_several_results_are_counted() -> None:
    several = (form(3), form(3, 3))
    program = made_by_hand(
        (argument("x", 3, 3),),
        call(np.linalg.eigh, x, result=several),
        call(operator.getitem, Slot(1), 0, result=form(3)),
    )
    texts, _ = read_dot(draw(program).source)

    assert [texts[key] for key in "12"] == [["eigh", "2 arrays"], ["[0]", "(3,)", "float64"]]


def slots(thing: Any) -> Iterator[int]:
    if isinstance(thing, Slot):
        yield thing.number
    elif isinstance(thing, list | tuple):
        for part in thing:
            yield from slots(part)


@pytest.mark.parametrize("make", REAL)
def test_each_instruction_stands_behind_what_it_is_given(
    make: Callable[[], mg.CompiledProgram],
) -> None:
    program = make()
    items = program_snapshot(program).items
    inner = [i for i, item in enumerate(items) if item.symbol or item.name]
    of_slot = dict(enumerate(inner))  # constants stand between them, and have a number instead
    assert len(inner) >= len(program.inputs) + len(program.instructions)
    for number, told in enumerate(program.instructions, len(program.inputs)):
        item = items[of_slot[number]]
        assert [i for i in item.inputs if i in inner] == [of_slot[s] for s in slots(told.arguments)]
        assert isinstance(told.result, Form)
        if isinstance(told.result.dtype, type):
            assert (item.value, item.gradient) == ((told.result.dtype.__name__,), ())
        else:
            assert item.value == (str(told.result.shape),)
            assert item.gradient == (str(told.result.dtype),)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (call(np.multiply, x, y), "×"),
        (call(operator.mul, 0.1, x), "0.1 ×"),
        (call(mg.multiply, x, 3), "× 3"),
        (call(operator.sub, 1, x), "1 −"),
        (call(np.subtract, x, 1.5), "− 1.5"),
        (call(np.negative, x), "−"),
        (call(operator.pow, x, 2), "^ 2"),
        (call(np.add, np.ones(2), x), "[1, 1] +"),
        (call(np.add, np.ones(9), x), "+"),
        (call(np.less_equal, x, 0.0), "≤ 0"),
        (call(np.add.reduce, x, axis=0), "Σ axis=0"),
        (call(np.sum, x, axis=(0, 1), keepdims=True), "Σ axis=(0, 1), keepdims=True"),
        (call(np.mean, x, axis=None, keepdims=False), "mean"),
        (call(np.copy, x, order="K"), "copy"),
        (call(np.linalg.svd, x, full_matrices=False), "svd full_matrices=False"),
        (call(np.reshape, x, (2, -1)), "reshape (2, -1)"),
        (call(np.where, x, y, 0.0), "where 0"),
        (call(np.where, x, 0.0, y), "where(·, 0, ·)"),
        (call(np.concatenate, [x, y], axis=1), "concatenate axis=1"),
        (call(np.einsum, "ij,jk", x, y), "einsum('ij,jk', ·, ·)"),
        (call(operator.getitem, x, (slice(None), 0)), "[:, 0]"),
        (call(operator.getitem, x, (..., slice(1, None, 2))), "[…, 1::2]"),
        (call(operator.getitem, x, (y, z)), "[·, ·]"),
        (call(written, operator.isub, x, y), "−="),
        (call(written, operator.setitem, x, 0, 5.0), "[0] = 5"),
        (call(written, operator.setitem, x, y, z), "[·] ="),
        (call(into, x, np.multiply, y, 2.0), "× 2 into"),
        (call(np.add.reduce, x, axis=None), "Σ axis=None"),
        (call(np.concatenate, [x, y], axis=0), "concatenate axis=0"),
        (call(np.cumsum, x, 1), "cumsum 1"),
        (call(np.random.Generator.normal, np.random.default_rng(), 5.0, 0.0), "normal 5, 0"),
        (call(np.random.Generator.normal, np.random.default_rng(), size=3), "normal size=3"),
    ],
)
def test_a_circle_says_what_is_called_and_with_what(told: Instruction, text: str) -> None:
    assert instruction_symbol(told, Writer()) == text


def test_the_backward_pass_is_red_and_nothing_else() -> None:
    diagram = draw(affine(), rankdir="LR")
    red: set[str] = set()
    for group in ET.fromstring(diagram._own_svg()).findall(".//{*}g"):
        marks = {node.get("stroke") for node in group} | {node.get("fill") for node in group}
        if group.get("class") == "node" and RED in marks:
            red.add(str(group.get("data-node")))

    assert red == {"4", "6", "6_end"}
    assert "red: the backward pass" in diagram.source
    assert "red" not in draw(made_by_hand((argument("x"),), call(np.exp, x))).source


def test_what_no_instruction_gave_comes_out_all_the_same() -> None:
    texts, arrows = read_dot(
        draw(
            made_by_hand(
                (argument("x"),),
                call(np.exp, x),
                results={"a": [x, Slot(1)], "b": 2.0},
                writes={"w.grad": None, "v.data": Slot(1)},
            )
        ).source
    )
    ends = {head: texts[head] for _, head in arrows if head.endswith("_end")}

    assert ends == {
        **{"1_end": ["a[1], v.data"], "2_end": ["a[0]"], "4_end": ["b"], "6_end": ["w.grad"]}
    }
    assert arrows["0", "2"] == arrows["3", "4"] == arrows["5", "6"] == 1
    assert [texts[key] for key in ("2", "3", "5")] == [
        *[["=", "()", "float64"], ["2", "float"], ["None"]]
    ]


def test_a_check_says_what_has_to_come_out() -> None:
    def f(x: float) -> float:
        return 2 * x if x > 0 else x

    program = mg.compile(f).program(1.0)

    assert list(program.checks.values()) == [True]
    assert "has to be True" in texts_of(draw(program).source)


def test_what_is_called_after_the_program_is_said_below() -> None:
    diagram = draw(made_by_hand((argument("x"),), call(np.exp, x), afterwards=("SGD.step",)))

    assert "called after the program: SGD.step" in diagram.source
    assert "called after the program: SGD.step" in diagram.svg


def test_names_are_escaped_and_shortened() -> None:
    source = draw(made_by_hand((argument(NASTY),), call(np.exp, x), writes={NASTY: x})).source
    long = draw(made_by_hand((argument("a" * 99),), call(np.exp, x))).source

    assert "<script" not in source
    assert f"argument {NASTY}" in texts_of(source)
    assert "a" * 41 not in long


# -- what a program says of itself


def test_a_program_tells_the_backward_pass_from_what_comes_after_it() -> None:
    program = compiled_layer()
    names = [instruction_symbol(told, Writer()) for told in program.instructions]
    of_pass = dict(zip(names, program.backward, strict=True))

    assert len(program.backward) == len(program.instructions)
    assert [of_pass[name] for name in ("T", "Σ axis=0")] == [True] * 2
    assert [of_pass[name] for name in ("tanh", "mean", "−=")] == [False] * 3


# -- the diagram, and the options


def test_a_program_goes_from_top_to_bottom_unless_told_otherwise() -> None:
    assert "rankdir=TB" in draw(affine()).source
    assert "rankdir=LR" in draw(affine(), rankdir="LR").source
    assert "rankdir=LR" in draw(Value(2.0) * 3).source


def test_a_diagram_of_a_program_shows_itself_and_says_what_it_is() -> None:
    diagram = draw(affine(), style="shapes", number_format=".2f")

    assert repr(diagram) == "Diagram(7 nodes, 6 edges)"
    assert diagram.alt == (
        "Program of f, 7 nodes, 6 edges. Outputs: result: (4, 2) float64; "
        "W.grad: (3, 2) float64. Inputs: argument x: (4, 3) float64; W.data: (3, 2) float64."
    )
    assert "+ 1.00" in texts_of(diagram.source)
    assert set(diagram._repr_mimebundle_()) == {"text/plain", "image/svg+xml", "text/html"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "micrograd"}, "style came"),
        ({"names": {"apple": Value(1.0)}}, "names came"),
        ({"tensors": "heat"}, "tensors came"),
        ({"highlight": Value(1.0)}, "highlight came"),
        ({"around": Value(1.0)}, "around came"),
        ({"depth": 3}, "depth came"),
        ({"color": "gradient"}, "color came"),
        ({"expand": True}, "expand came"),
        ({"collapse": "layer"}, "collapse came"),
        ({"apple": Value(1.0)}, "apple came"),
        ({"rankdir": "RL"}, "rankdir: came as 'RL'"),
        ({"style": "baroque"}, "style: came as 'baroque'"),
        ({"number_format": "?"}, "number_format: '\\?'"),
        ({"fold": "yes"}, "fold: came as 'yes'"),
    ],
)
def test_options_for_graphs_are_refused_with_words(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        draw(affine(), **options)


def test_a_program_is_drawn_alone() -> None:
    with pytest.raises(ArgumentError, match=r"more_roots came for a program.*drawn alone"):
        draw(affine(), Value(2.0))


def test_a_compiled_function_is_told_from_its_programs() -> None:
    function: Any = mg.compile(lambda x: 2 * x)
    with pytest.raises(OperandError, match=r"came as a CompiledFunction.*\.program\(\*args\)"):
        draw(function)
    with pytest.raises(OperandError, match="CompiledProgram"):
        explain(compiled_graph(), Value(2.0))  # pyright: ignore[reportArgumentType]


# -- large ones


def scaled(count: int) -> mg.CompiledProgram:
    """Return the sum of x times each of several constants."""
    products = [call(np.multiply, x, float(i)) for i in range(count)]
    sums = [call(np.add, Slot(1), Slot(2))]
    sums += [call(np.add, Slot(count + i), Slot(2 + i)) for i in range(1, count - 1)]
    return made_by_hand((argument("x", 3),), *products, *sums)


def test_what_repeats_is_folded_though_constants_differ() -> None:
    few = draw(scaled(4))
    folded = draw(scaled(4), fold=True)
    many = draw(scaled(400))

    assert repr(few) == "Diagram(8 nodes, 10 edges)"
    assert {"× 0", "× 3"} <= set(texts_of(few.source))
    assert repr(folded).startswith("Diagram(8 nodes folded into 3, ")
    assert {"× …", "× 4", "+", "× 3"} <= set(texts_of(folded.source))
    assert repr(many).startswith("Diagram(800 nodes folded into 3, ")


def test_leaves_of_one_family_fold_as_one() -> None:
    inputs = (argument("x", 3), *[Input(f"w{i}", "data", form(3)) for i in range(4)])
    products = [call(np.multiply, x, Slot(i)) for i in range(1, 5)]
    sums = [call(np.add, Slot(5), Slot(6)), call(np.add, Slot(7), Slot(8))]
    program = made_by_hand(inputs, *products, *sums, call(np.add, Slot(9), Slot(10)))

    assert "w.data × 4" in texts_of(draw(program, fold=True).source)


def test_a_program_with_more_than_can_be_read_is_refused_with_words() -> None:
    names = [np.exp, np.sin, np.cos]
    chain = [call(names[i % 3], Slot(i)) for i in range(400)]
    program = made_by_hand((argument("x"),), *chain)

    with pytest.raises(ArgumentError, match=r"401 nodes, more than limit=300.*print\(program\)"):
        draw(program)
    with pytest.raises(ArgumentError, match="800 nodes, more than limit=300"):
        draw(scaled(400), fold=False)
    assert repr(draw(program, limit=401)) == "Diagram(401 nodes, 400 edges)"


def test_a_program_that_is_huge_is_not_even_looked_through() -> None:
    program = made_by_hand((), backward=(False,) * (LARGEST + 1), instructions=None)

    with pytest.raises(ArgumentError, match="f has 20,001 instructions, too many"):
        draw(program)
