r"""Formulas written once, in Python's syntax, and set as text and as LaTeX.

A formula such as `y * (1 - y)` is parsed, other names are put in for its own, and
it comes out as `y·(1 − y)` and `y \cdot (1 - y)`. Beside operators, it may call
functions, and phrases: `repeated(g, axis, shape)` reads 'g repeated along axis 0
to (3, 4)'. A formula can be evaluated too, and so can be tested.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

from viz.text.formula import ATOM, COMPARE, IF, POWER, PRODUCT, SIGN, SUM, Formula, call, name
from viz.text.phrases import PHRASES, phrase

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def write(
    formula: str, names: Mapping[str, Formula], settings: Mapping[str, Formula] | None = None
) -> Formula:
    r"""Return a formula with names put in for its own.

    Args:
        formula: an expression in Python's syntax.
        names: what to write for each name in it; the others stand for themselves.
        settings: what to write for further names; a factor of 1 among them is left out.

    >>> write("n * x ** (n - 1)", {"x": name("a"), "n": name("3")}).text
    '3·a²'
    >>> write("y * (1 - y)", {}).latex
    'y \\cdot \\left(1 - y\\right)'
    """
    return _Writer(names, settings or {}).write(_parse(formula))


@lru_cache(maxsize=512)
def _parse(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


_OPERATORS = "log sin cos tan sinh cosh tanh arcsin arccos arctan max min det"  # of LaTeX
_FUNCTIONS = {"Phi": ("Φ", r"\Phi")} | {f: (f, rf"\{f}") for f in _OPERATORS.split(" ")}
_CONSTANTS = {"pi": Formula("π", r"\pi"), "inf": Formula("∞", r"\infty")}
_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Gt: (">", ">"),
    ast.Lt: ("<", r"\lt"),
    ast.GtE: ("≥", r"\ge"),
    ast.LtE: ("≤", r"\le"),
    ast.Eq: ("=", "="),
    ast.NotEq: ("≠", r"\ne"),
}
_JOINED: dict[type[ast.operator], tuple[str, str, int]] = {
    ast.Add: (" + ", " + ", SUM),
    ast.Sub: (" − ", " - ", SUM),
    ast.MatMult: (" @ ", r" \, ", PRODUCT),
    ast.FloorDiv: (" // ", r" \mathbin{//} ", PRODUCT),
    ast.Mod: (" % ", r" \bmod ", PRODUCT),
}

_SILENT = {"kept", "spread"}  # they give an array the axes that it needs, and are not shown


class _Writer:
    """What writes a parsed formula; it calls itself for the parts, which are few."""

    def __init__(self, names: Mapping[str, Formula], settings: Mapping[str, Formula]) -> None:
        self._names = names
        self._all = {**_CONSTANTS, **settings, **names}

    def write(self, tree: ast.AST) -> Formula:
        return getattr(self, f"_{type(tree).__name__}")(tree)

    def _Name(self, tree: ast.Name) -> Formula:
        return self._all.get(tree.id) or name(tree.id)

    def _is_one(self, tree: ast.expr) -> bool:
        """Tell whether a factor is 1, and none of those that the reader gave a name."""
        given = isinstance(tree, ast.Name) and tree.id in self._names
        return not given and self.write(tree).text == "1"

    def _Constant(self, tree: ast.Constant) -> Formula:
        if tree.value is None:
            return Formula("", "")
        return name(f"{tree.value:g}" if isinstance(tree.value, int | float) else str(tree.value))

    def _Tuple(self, tree: ast.Tuple) -> Formula:
        return name(ast.unparse(tree))

    def _UnaryOp(self, tree: ast.UnaryOp) -> Formula:
        if self._is_one(tree.operand):
            return name("-1")
        inner = self.write(tree.operand)
        inner = inner.inside(PRODUCT) if inner.precedence != SIGN else inner.inside(POWER)
        return Formula(f"−{inner.text}", f"-{inner.latex}", SIGN, SIGN)

    def _BinOp(self, tree: ast.BinOp) -> Formula:
        kind = type(tree.op)
        if kind in _JOINED:
            return self._joined(tree.left, tree.right, *_JOINED[kind])
        return getattr(self, f"_{kind.__name__}")(tree.left, tree.right)

    def _Mult(self, left: ast.expr, right: ast.expr) -> Formula:
        if self._is_one(left):
            return self.write(right)
        if self._is_one(right):
            return self.write(left)
        merged = _merged(left, right)
        if merged is not None:
            return self.write(merged)
        return self._joined(left, right, "·", r" \cdot ", PRODUCT)

    def _Div(self, left: ast.expr, right: ast.expr) -> Formula:
        one, other = self.write(left), self.write(right)
        if self._is_one(right):
            return one
        over, under = one.inside(PRODUCT), other.inside(POWER)
        bar = " / " if "/" in over.text + under.text else "/"
        return Formula(
            f"{over.text}{bar}{under.text}", rf"\frac{{{one.latex}}}{{{other.latex}}}", PRODUCT
        )

    def _Pow(self, left: ast.expr, right: ast.expr) -> Formula:
        base, exponent = self.write(left), self._power(right)
        if exponent.text in ("0", "1"):
            return base if exponent.text == "1" else name("1")
        base = base.inside(ATOM)
        whole = re.fullmatch(r"-?\d+", exponent.text)
        raised = (
            exponent.text.translate(_SUPERSCRIPTS) if whole else "^" + exponent.inside(ATOM).text
        )
        return Formula(base.text + raised, f"{{{base.latex}}}^{{{exponent.latex}}}", POWER, POWER)

    def _power(self, tree: ast.expr) -> Formula:
        """Return an exponent; the difference of two numbers as one number."""
        exponent = self.write(tree)
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Sub):
            one, other = self.write(tree.left), self.write(tree.right)
            if one.is_number and other.is_number:
                return name(f"{float(one.text) - float(other.text):.12g}")
        return exponent

    def _joined(
        self, left: ast.expr, right: ast.expr, sign: str, latex_sign: str, precedence: int
    ) -> Formula:
        one = self.write(left).inside(precedence)
        other = self.write(right)
        # A sign in front of what comes second would stand beside the operator.
        other = other.inside(
            POWER if SIGN in (other.precedence, other.latex_precedence) else precedence + 1
        )
        return Formula(
            one.text + sign + other.text,
            one.latex + latex_sign + other.latex,
            precedence,
            precedence,
        )

    def _Compare(self, tree: ast.Compare) -> Formula:
        first = self.write(tree.left).inside(SUM)
        text, latex = first.text, first.latex
        for op, part in zip(tree.ops, tree.comparators, strict=True):
            sign, other = _COMPARISONS[type(op)], self.write(part).inside(SUM)
            text += f" {sign[0]} {other.text}"
            latex += f" {sign[1]} {other.latex}"
        return Formula(text, latex, COMPARE, COMPARE)

    def _BoolOp(self, tree: ast.BoolOp) -> Formula:
        word = "or" if isinstance(tree.op, ast.Or) else "and"
        parts = [self.write(part).inside(COMPARE) for part in tree.values]
        text = f" {word} ".join(part.text for part in parts)
        latex = rf" \text{{ {word} }} ".join(part.latex for part in parts)
        return Formula(text, latex, COMPARE, COMPARE)

    def _IfExp(self, tree: ast.IfExp) -> Formula:
        text, rows, rest = "", "", tree
        while isinstance(rest, ast.IfExp):
            then, test = self.write(rest.body), self.write(rest.test)
            text += f"{then.text} if {test.text} else "
            rows += rf"{then.latex} & \text{{if }} {test.latex} \\ "
            rest = rest.orelse
        last = self.write(rest)
        cases = rf"\begin{{cases}} {rows}{last.latex} & \text{{else}} \end{{cases}}"
        return Formula(text + last.text, cases, IF)

    def _Call(self, tree: ast.Call) -> Formula:
        function = tree.func.id if isinstance(tree.func, ast.Name) else ""
        args = [self.write(arg) for arg in tree.args]
        if function in _SILENT:
            return args[0]
        if function in _SPECIAL:
            return _SPECIAL[function](*args)
        if function in PHRASES:
            return phrase(PHRASES[function], args)
        escaped = "".join(c if c.isalnum() else r"\_" for c in function)
        own = function, rf"\operatorname{{{escaped}}}"
        return call(*_FUNCTIONS.get(function, own), args)


def _exp(x: Formula) -> Formula:
    return Formula(f"exp({x.text})", f"e^{{{x.latex}}}", ATOM, POWER)


def _root(sign: str, latex_sign: str, x: Formula) -> Formula:
    return Formula(sign + x.inside(ATOM).text, f"{latex_sign}{{{x.latex}}}")


def _enclosed(left: str, right: str, latex_left: str, latex_right: str, x: Formula) -> Formula:
    latex = rf"\left{latex_left}{x.latex}\right{latex_right}"
    return Formula(left + x.text + right, latex)


def _raised(sign: str, latex_sign: str, x: Formula) -> Formula:
    base = x.inside(ATOM)
    return Formula(base.text + sign, f"{{{base.latex}}}^{{{latex_sign}}}", POWER, POWER)


def _between(sign: str, latex_sign: str, a: Formula, b: Formula) -> Formula:
    a, b = a.inside(POWER), b.inside(POWER)
    latex = f"{a.latex} {latex_sign} {b.latex}"
    return Formula(f"{a.text} {sign} {b.text}", latex, PRODUCT, PRODUCT)


def _along(sign: str, latex_sign: str, x: Formula, axis: Formula) -> Formula:
    along = f", {axis.text}" if axis.text else ""
    below = rf"_{{{axis.latex}}}" if axis.text else ""
    return Formula(f"{sign}({x.text}{along})", rf"{latex_sign}{below} \left({x.latex}\right)")


def _einsum(subscripts: Formula, *arrays: Formula) -> Formula:
    quoted = Formula(f"'{subscripts.text}'", subscripts.latex)
    return call("einsum", r"\operatorname{einsum}", (quoted, *arrays))


_SPECIAL: dict[str, Callable[..., Formula]] = {
    "exp": _exp,
    "sqrt": partial(_root, "√", r"\sqrt"),
    "cbrt": partial(_root, "∛", r"\sqrt[3]"),
    "abs": partial(_enclosed, "|", "|", "|", "|"),
    "norm": partial(_enclosed, "‖", "‖", r"\|", r"\|"),
    "floor": partial(_enclosed, "⌊", "⌋", r"\lfloor ", r"\rfloor"),
    "ceil": partial(_enclosed, "⌈", "⌉", r"\lceil ", r"\rceil"),
    "transposed": partial(_raised, "ᵀ", r"\top"),
    "inv": partial(_raised, "⁻¹", "-1"),
    "outer": partial(_between, "⊗", r"\otimes"),
    "cross": partial(_between, "×", r"\times"),
    "total": partial(_along, "Σ", r"\sum"),
    "product": partial(_along, "Π", r"\prod"),
    "einsum": _einsum,
}
"""The functions that have a notation of their own."""


def _merged(left: ast.expr, right: ast.expr) -> ast.expr | None:
    """Return `left * right` with one operator fewer in its right factor, if it can be so."""

    def times(part: ast.expr) -> ast.expr:
        return ast.BinOp(left, ast.Mult(), part)

    match right:
        case ast.Constant(value=0):
            return right
        case ast.UnaryOp(ast.USub(), part):
            return ast.UnaryOp(ast.USub(), times(part))
        case ast.BinOp(over, ast.Div(), under):
            return ast.BinOp(times(over), ast.Div(), under)
        case ast.BinOp(one, ast.Mult(), other):
            return ast.BinOp(times(one), ast.Mult(), other)
        case ast.IfExp(test, then, otherwise):
            return ast.IfExp(test, times(then), times(otherwise))
        case _:
            return None
