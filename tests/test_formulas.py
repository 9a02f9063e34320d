"""The formulas: that they are true, that they read well, and that every operation has them."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd as mg
from micrograd import (
    Tensor,
    Value,
    define_op,
    erf,
    matmul,
    maximum,
    normal_cdf,
    relu,
    sigmoid,
    softmax,
    topological_order,
    trace_backward,
)
from micrograd.core.op import registry
from tests.domains import TABLE, calls_of
from viz.formulas.node_formulas import expression, formulas, slope
from viz.formulas.notation import write
from viz.formulas.table import ROWS, row_for, settings_of
from viz.text.formula import latex_text, name
from viz.text.phrases import PHRASES

NASTY = ('<script>alert(1)</script>"];', "$x_1^{", "50 % of a_b & c#", "~\\alpha{", "apple`s")


# -- what the functions that formulas call compute


def kept(reduced: Any, x: Any, axis: Any) -> Any:
    """Return a reduced array with its axes in place again."""
    return np.asarray(reduced).reshape(np.sum(x, axis=axis, keepdims=True).shape)


def moved_back(node: Any, g: Any) -> Any:
    """Return g put back to where the elements of the argument of a moving operation went."""
    x = node.parents[0].data
    first = 1e6  # no padding is as large
    places = np.arange(first, first + x.size).reshape(x.shape)
    went = np.asarray(node.op.forward(places, **node.settings)).ravel()
    back = np.zeros(x.size)
    inside = went >= first
    np.add.at(back, (went[inside] - first).astype(int), g.ravel()[inside])
    return back.reshape(x.shape)


def unsorted(g: Any, x: Any, axis: int) -> Any:
    """Return g put where the elements of x were before sorting."""
    back = np.empty_like(g)
    np.put_along_axis(back, np.argsort(x, axis, kind="stable"), g, axis)
    return back


def shared(g: Any, chosen: Any, x: Any, axis: Any) -> Any:
    """Return g where an element was chosen, divided by those that tie."""
    return np.where(chosen, kept(g, x, axis) / chosen.sum(axis=axis, keepdims=True), 0)


def others(x: Any, axis: Any) -> Any:
    """Return for each element the product of the others along an axis."""
    result = np.empty_like(x)
    for place in np.ndindex(x.shape):
        rest = x.copy()
        rest[place] = 1
        result[place] = kept(rest.prod(axis=axis), x, axis)[
            tuple(
                min(i, n - 1)
                for i, n in zip(place, kept(rest.prod(axis), x, axis).shape, strict=True)
            )
        ]
    return result


def middle(g: Any, x: Any, axis: Any) -> Any:
    """Return g for the element in the middle, and half of it for each of two."""
    order = np.median(x, axis=axis, keepdims=True)
    below = np.where(x <= order, x, -np.inf).max(axis=axis, keepdims=True)
    above = np.where(x >= order, x, np.inf).min(axis=axis, keepdims=True)
    return kept(g, x, axis) * ((x == below) / 2 + (x == above) / 2)


def transposed(a: Any) -> Any:
    """Return each matrix transposed; a vector as it is."""
    return np.swapaxes(a, -1, -2) if a.ndim > 1 else a


def solved(a: Any, b: Any) -> Any:
    """Return the solution for one vector, or for every column."""
    return np.linalg.solve(a, b[..., None])[..., 0] if b.ndim < a.ndim else np.linalg.solve(a, b)


def outer(a: Any, b: Any) -> Any:
    """Return the products of each element of one with each of the last axis of the other."""
    return a[..., :, None] * b[..., None, :] if a.ndim == b.ndim else a[..., None] * b


def placed(g: Any, index: Any, shape: Any) -> Any:
    """Return zeros with g added at an index."""
    whole = np.zeros(shape)
    np.add.at(whole, index, g)
    return whole


def part(g: Any, which: Any, axis: int) -> Any:
    """Return one element, or a range of them, along an axis."""
    if isinstance(which, str):
        start, end = map(int, which.split(":"))
        return np.take(g, range(start, end), axis)
    return np.take(g, which, axis)


NUMPY = "exp log log2 log10 sqrt cbrt sin cos tan sinh cosh tanh sign floor trunc"


def namespace(node: Any, g: Any) -> dict[str, Any]:
    """Return what every name in a formula stands for, at one node."""
    x = node.parents[0].data
    axis = node.settings.get("axis")
    found: dict[str, Any] = {
        f: getattr(np, f) for f in [*NUMPY.split(" "), "einsum", "cross", "isfinite", "where"]
    }
    return (
        found
        | settings_of(node)
        | {
            "pi": math.pi,
            "abs": np.abs,
            "sigmoid": sigmoid,
            "erf": erf,
            "Phi": normal_cdf,
            "inv": np.linalg.inv,
            "solve": solved,
            "cofactors": registry["cofactors"],
            "outer": outer,
            "column": lambda g: np.asarray(g)[..., :, None],
            "row": lambda g: np.asarray(g)[..., None, :],
            "transposed": transposed,
            "permuted": np.transpose,
            "reshaped": np.reshape,
            "kept": lambda reduced, axis: kept(reduced, x, axis),
            "spread": lambda g: np.asarray(g)[..., None, None],
            "repeated": lambda g, axis, shape: np.broadcast_to(
                kept(g, x, axis) if "axis" in node.settings else g, shape
            ),
            "summed": lambda g, shape: unbroadcast(g, shape),
            "total": lambda x, axis: x.sum(axis=axis, keepdims=True),
            "mean": lambda x, axis: x.mean(axis=axis, keepdims=True),
            "shared": lambda g, chosen, axis: shared(g, chosen, x, axis),
            "others": others,
            "middle": middle,
            "softmax": lambda x: softmax(x, axis=-1 if axis is None else axis),
            "onehot": lambda t: np.eye(x.shape[-1])[t],
            "placed": placed,
            "picked": lambda g, index: g[index],
            "part": part,
            "flipped": np.flip,
            "moved": np.roll,
            "lower": np.tril,
            "upper": np.triu,
            "added": lambda g, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis).reshape(
                x.shape
            ),
            "overlaid": lambda g: moved_back(node, g),
            "unpadded": lambda g: moved_back(node, g),
            "unsorted": lambda g, x: unsorted(g, x, axis),
            "cut": lambda g: forward_of_windows(node, g),
            "y": node.data,
            "g": g,
        }
    )


def forward_of_windows(node: Any, g: Any) -> Any:
    """Return g cut as the operation that `windows_add` undoes cuts."""
    settings = {key: value for key, value in node.settings.items() if key != "shape"}
    return registry["windows"](g, fill=0, **settings)


class Vectorized(ast.NodeTransformer):
    """Write conditions so that they hold for arrays."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Replace `a if c else b` by `where(c, a, b)`."""
        self.generic_visit(node)
        args = [node.test, node.body, node.orelse]
        return ast.Call(ast.Name("where", ast.Load()), args, [])

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Replace `a < b < c` by `(a < b) & (b < c)`."""
        terms = [node.left, *node.comparators]
        pairs = [ast.Compare(terms[i], [op], [terms[i + 1]]) for i, op in enumerate(node.ops)]
        result: ast.expr = pairs[0]
        for pair in pairs[1:]:
            result = ast.BinOp(result, ast.BitAnd(), pair)
        return result

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        """Replace `a or b` by `a | b`."""
        self.generic_visit(node)
        return ast.BinOp(node.values[0], ast.BitOr(), node.values[1])


def evaluate(formula: str, names: dict[str, Any]) -> Any:
    """Return what a formula comes to."""
    tree = ast.fix_missing_locations(Vectorized().visit(ast.parse(formula, mode="eval")))
    with np.errstate(all="ignore"):
        return eval(compile(tree, formula, "eval"), {}, names)


def unbroadcast(array: Any, shape: tuple[int, ...]) -> Any:
    """Return an array summed over what broadcasting repeated."""
    array = np.asarray(array)
    array = array.sum(axis=tuple(range(array.ndim - len(shape))))
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and array.shape[i] != 1)
    return array.sum(axis=stretched, keepdims=True)


def made_by(operation: str, root: Any) -> Any:
    """Return the node of a graph that an operation made."""
    return next(
        node for node in topological_order(root) if getattr(node.op, "name", "") == operation
    )


def check(node: Any, seed: int) -> None:
    """Compare the formulas of a node with what the engine passes on."""
    row = row_for(node)
    assert row is not None
    g = np.random.default_rng(seed).normal(size=np.shape(node.data))
    g = g.astype(node.data.dtype) if isinstance(node, Tensor) else float(g)
    names = namespace(node, g)
    parents: list[Any] = list(node.parents)
    names |= {own: parent.data for own, parent in zip(row.arguments, parents, strict=True)}
    for contribution in trace_backward(node, g).contributions:
        formula = row.derivatives[contribution.argument]
        if contribution.node is not node or formula is None:
            continue
        found = evaluate(formula, names)
        if not re.search(r"\bg\b", formula):
            found = g * found
        wide = np.float32 in {np.asarray(parent.data).dtype.type for parent in parents}
        # What the formula gives is what a story of it sums over the axes that it names.
        whole = np.sum(found, axis=contribution.summed)
        assert np.size(whole) == np.size(contribution.value), f"{node.op.name}: {formula}"
        np.testing.assert_allclose(
            np.reshape(whole, np.shape(contribution.value)),
            contribution.value,
            rtol=1e-3 if wide else 1e-7,
            atol=1e-4 if wide else 1e-9,
            err_msg=f"{node.op.name}: {formula}",
        )


def check_call(operation: str, data: st.DataObject) -> None:
    sample = data.draw(TABLE[operation].samples())
    root = sample.call(*sample.leaves())
    check(made_by(operation, root), data.draw(st.integers(0, 2**16)))


@pytest.mark.parametrize("operation", sorted(set(registry) & set(TABLE) & set(ROWS)))
@settings(max_examples=20)
@given(data=st.data())
def test_what_a_formula_says_is_what_the_engine_does(operation: str, data: st.DataObject) -> None:
    check_call(operation, data)  # asserts


@pytest.mark.parametrize(
    ("left", "right", "first", "second"),
    [
        ((2,), (2,), "g·b", "g·a"),
        ((2,), (2, 3), "b @ g", "a ⊗ g"),
        ((3, 2), (2,), "g ⊗ b", "a·(g as a column)"),
        ((3, 2), (2, 4), "g @ bᵀ", "aᵀ @ g"),
        ((2,), (2, 2, 2), "Σ(b·(g as a row), -1)", "(a as a column)·(g as a row)"),
        ((2,), (1, 2, 2, 2), "Σ(b·(g as a row), -1)", "(a as a column)·(g as a row)"),
        ((2, 2, 2), (2,), "g ⊗ b", "a·(g as a column)"),
        ((5, 3, 2), (2, 4), "g @ bᵀ", "Σ(aᵀ @ g, axis 0)"),
        ((1, 5, 3, 2), (2, 4), "g @ bᵀ", "Σ(aᵀ @ g, axes 0, 1)"),
        ((3, 2), (5, 2, 4), "g @ bᵀ", "aᵀ @ g"),
        ((5, 1, 3, 2), (6, 2, 4), "g @ bᵀ", "aᵀ @ g"),
    ],
)
def test_the_formulas_of_a_matrix_product_hold_for_vectors_and_stacks(
    left: tuple[int, ...], right: tuple[int, ...], first: str, second: str
) -> None:
    a, b = (np.random.default_rng(len(s)).normal(size=s) for s in (left, right))
    y = matmul(Tensor(a), Tensor(b))
    assert [formulas(y, i, ["a", "b"]).passed.text for i in (0, 1)] == [first, second]
    check(y, 0)


@pytest.mark.slow
def test_a_formula_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ROWS["tanh"]
    assert not callable(row)
    wrong = type(row)(row.arguments, row.expression, ("1 + y ** 2",))
    monkeypatch.setitem(ROWS, "tanh", wrong)  # pyright: ignore[reportArgumentType]

    @given(st.data())
    def law(data: st.DataObject) -> None:
        check_call("tanh", data)

    with pytest.raises(AssertionError, match="tanh"):
        law()


SCALAR = sorted(
    name for name, op in registry.items() if not op.arrays_only and name in ROWS and name in TABLE
)


@pytest.mark.parametrize("operation", SCALAR)
@settings(max_examples=5)
@given(data=st.data())
def test_an_expression_gives_the_value_of_the_node(operation: str, data: st.DataObject) -> None:
    extra = {"max": np.maximum, "min": np.minimum, "fmax": np.fmax, "fmin": np.fmin}
    extra |= {f: getattr(np, f) for f in ("arcsin", "arccos", "arctan", "arctan2", "arcsinh")}
    extra |= {f: getattr(np, f) for f in ("arccosh", "arctanh", "fmod", "clip", "ceil", "rint")}
    extra |= {"round": lambda x: np.round(x), "nan_to_num": np.nan_to_num}
    extra |= {"recast": lambda x, dtype: x.astype(dtype)}
    sample = data.draw(TABLE[operation].samples())
    node = made_by(operation, sample.call(*sample.leaves()))
    if node.settings.get("decimals") or operation == "nan_to_num":
        return
    row = row_for(node)
    assert row is not None
    names = namespace(node, None) | extra
    parents: list[Any] = list(node.parents)
    names |= {own: parent.data for own, parent in zip(row.arguments, parents, strict=True)}
    np.testing.assert_allclose(
        evaluate(row.expression, names), node.data, rtol=1e-5, atol=1e-6, err_msg=row.expression
    )


NO_FORMULA = {
    "cholesky",
    "cofactors",
    "cofactors_slope",
    "cumprod",
    "eigh",
    "linear_scan",
    "pinv",
    "qr",
    "sinc_slope",
    "softmax_cross_entropy_slope",
    "svd",
}
"""The operations whose derivatives are no formula that helps: they read ∂ name(a)/∂a."""


def test_every_operation_has_formulas_or_is_known_to_have_none() -> None:
    built_in = set(TABLE)
    assert built_in <= set(registry)
    assert built_in == set(ROWS) | NO_FORMULA
    assert not set(ROWS) & NO_FORMULA


# -- what they read like

BACK = {"·": "*", "−": "-", "≥": ">=", "≤": "<=", " = ": " == ", "≠": "!=", "π": "pi", "Φ": "Phi"}
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def as_python(text: str) -> str:
    """Return a formula's text in Python's syntax again."""
    for sign, python in BACK.items():
        text = text.replace(sign, python)
    text = re.sub("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda m: "**" + m[0].translate(RAISED), text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"⌊([^⌋]*)⌋", r"floor(\1)", text)
    for root, function in (("√", "sqrt"), ("∛", "cbrt")):
        text = re.sub(rf"{root}(\w+)", rf"{function}(\1)", text).replace(root, function)
    return text.replace("^", "**")


@pytest.mark.parametrize("operation", SCALAR)
def test_the_text_of_a_derivative_means_what_its_formula_means(operation: str) -> None:
    sample, _ = calls_of(operation, 1, 5)[-1]
    node = made_by(operation, sample.call(*sample.leaves()))
    row = row_for(node)
    assert row is not None
    given = ["u", "v", "w"][: len(node.parents)]
    values = {own: parent.data for own, parent in zip(given, node.parents, strict=True)}
    names = namespace(node, 0.75) | {"inf": math.inf}
    for i, formula in enumerate(row.derivatives):
        said = formulas(node, i, given)
        own = dict(zip(row.arguments, values.values(), strict=True))
        meant = evaluate(str(formula), names | own)
        for text, factor in ((said.derivative.text, 1), (said.passed.text, 0.75)):
            read = evaluate(as_python(text), names | values)
            np.testing.assert_allclose(
                np.broadcast_to(read, np.shape(meant)), meant * factor, rtol=1e-5, err_msg=text
            )


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        ("a * (b + c)", "a·(b + c)"),
        ("a - (b - c)", "a − (b − c)"),
        ("a - b - c", "a − b − c"),
        ("a / (b * c)", "a/(b·c)"),
        ("a / (b / c)", "a / (b/c)"),
        ("a / b / c", "a/b / c"),
        ("(a * b) ** 2", "(a·b)²"),
        ("(a ** b) ** c", "(a^b)^c"),
        ("-(a + b)", "−(a + b)"),
        ("(-a) ** 2", "(−a)²"),
        ("-(a ** 2)", "−a²"),
        ("a * m", "a·(-3)"),
        ("m * a", "-3·a"),
        ("m ** 2", "(-3)²"),
        ("a - m", "a − (-3)"),
        ("a + -b", "a + (−b)"),
        ("exp(-a)", "exp(−a)"),
        ("a % b * c", "a % b·c"),
        ("a * (b % c)", "a·(b % c)"),
        ("a @ (b @ c)", "a @ (b @ c)"),
    ],
)
def test_parentheses_stand_where_they_have_to(formula: str, text: str) -> None:
    assert write(formula, {"m": name("-3")}).text == text


@pytest.mark.parametrize(
    ("exponent", "text"),
    [("2", "2·x"), ("3", "3·x²"), ("-1", "-1·x⁻²"), ("1", "1"), ("n", "n·x^(n − 1)")],
)
def test_an_exponent_that_is_a_number_is_reckoned_with(exponent: str, text: str) -> None:
    assert formulas(Value(2.0) ** 3, 0, ["x", exponent]).derivative.text == text


def test_the_textbook_s_formulas() -> None:
    a, b = Value(2.0), Value(3.0)
    assert formulas(a * b, 0, ["a", "b"]).derivative.text == "b"
    assert formulas(a * b, 0, ["apple", "2"]).expression.text == "apple·2"
    assert formulas(a / b, 1, ["a", "b"]).derivative.text == "−a/b²"
    assert formulas(sigmoid(a), 0, ["x"]).derivative.text == "y·(1 − y)"
    assert formulas(sigmoid(a), 0, ["x"], "out").derivative.text == "out·(1 − out)"
    assert formulas(relu(a), 0, ["x"]).passed.text == "g if x > 0 else 0"
    assert (
        formulas(maximum(a, b), 1, ["a", "b"]).derivative.text
        == "1 if b > a else 1/2 if b = a else 0"
    )
    assert expression(a.exp(), ["x"]) == "exp(x)"
    assert formulas(a.exp(), 0, ["x"]).expression.latex == "e^{x}"


def test_the_textbook_s_formulas_of_arrays() -> None:
    x, w = Tensor(np.ones((3, 4))), Tensor(np.ones((4, 2)))
    s = matmul(x, w)
    assert formulas(s, 1, ["x", "W"], "s", "∂L/∂s").derivative.text == "xᵀ @ ∂L/∂s"
    assert formulas(s, 0, ["x", "W"]).derivative.latex == r"g \, {W}^{\top}"
    assert formulas(s, 0, ["x", "W"]).uses_gradient
    assert formulas(s.sum(axis=0), 0, ["s"]).derivative.text == "g repeated along axis 0 to (3, 2)"
    assert formulas(s.mean(), 0, ["s"]).derivative.text == "g/6 repeated to (3, 2)"
    assert (
        formulas(s[0, 1:], 0, ["s"]).derivative.text
        == "g placed at [0, 1:] among zeros of shape (3, 2)"
    )


def test_an_operation_without_formulas_is_written_as_it_is_called() -> None:
    twice = define_op("test_formulas_twice", lambda a, b: 2 * a, lambda g, y, a, b: 2 * g, None)
    said = formulas(twice(Value(2.0), Value(3.0)), 0, ["u", "v"])
    assert said.expression.text == "test_formulas_twice(u, v)"
    assert said.derivative.text == "∂test_formulas_twice(u, v)/∂u"
    assert said.passed.text == "g·∂test_formulas_twice(u, v)/∂u"
    del registry["test_formulas_twice"]


def test_a_closure_that_bears_the_name_of_an_operation_is_not_taken_for_it() -> None:
    a = Value(2.0)
    y = Value(9.0, (a,), "tanh", backward=lambda g: g * 100)
    assert formulas(y, 0, ["a"]).derivative.text == "∂tanh(a)/∂a"
    assert slope(y, 0) == 100


def test_the_slope_is_a_number() -> None:
    assert slope(Value(100.0) * Value(2.0), 0) == 2
    assert type(slope(Value(2.0) * 3, 0)) is float
    assert slope(Tensor(2.0) * Tensor(3.0), 1) == 2


@pytest.mark.parametrize("label", NASTY)
def test_a_name_comes_out_as_text_in_latex(label: str) -> None:
    latex = latex_text(label)
    bare = re.sub(
        r"\\text\{[^{}\\$&#_%^~<>]*\}|\\hat\{\\ \}|\\mathord\{.\}|\\[a-z]+ |\\.", "", latex
    )
    assert bare == "", latex
    assert "<s" not in latex
    assert "</" not in latex


def test_phrases_name_arguments_in_order() -> None:
    for template in PHRASES.values():
        numbers = [int(n) for n in re.findall(r"\{(\d)\}", template)]
        assert sorted(numbers) == list(range(len(numbers))), template


def test_a_tuple_among_the_settings_is_written() -> None:
    x = Tensor(np.ones((2, 3, 4)))
    turned = formulas(x.transpose((2, 0, 1)), 0, ["x"])
    assert turned.expression.text == "x with axes in the order (2, 0, 1)"
    assert turned.derivative.text == "g with axes in the order (1, 2, 0)"
    rolled = formulas(mg.roll(x, (1, 2), (0, 1)), 0, ["x"])
    assert rolled.derivative.text == "g rolled by (-1, -2) along axes 0, 1"
