"""Names, numbers and formulas as they stand in a text and in LaTeX's math mode."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

IF, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(7)
"""How tightly the outermost operator of a formula binds, from loose to tight."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as text and as LaTeX.

    Attributes:
        text: in Unicode.
        latex: for math mode.
        precedence: how tightly its outermost operator binds, in text.
        latex_precedence: the same in LaTeX, where a fraction needs no parentheses.
    """

    text: str
    latex: str
    precedence: int = ATOM
    latex_precedence: int = ATOM

    @property
    def is_number(self) -> bool:
        """Whether it is a number and nothing else."""
        return _NUMBER.fullmatch(self.text) is not None

    def inside(self, precedence: int) -> Formula:
        """Return the formula in parentheses if it binds more loosely than `precedence`."""
        text = self.text if self.precedence >= precedence else f"({self.text})"
        latex = self.latex if self.latex_precedence >= precedence else rf"\left({self.latex}\right)"
        return Formula(
            text, latex, max(self.precedence, precedence), max(self.latex_precedence, precedence)
        )


_SPECIAL = {
    "\\": r"\backslash ",
    "^": r"\hat{\ }",
    "~": r"\sim ",
    "<": r"\mathord{<}",
    ">": r"\mathord{>}",
    "`": r"\mathord{`}",
} | {character: "\\" + character for character in "{}$&#_%"}
_LATEX_RUN = re.compile(r"[\\^~<>`{}$&#_%]|[^\\^~<>`{}$&#_%]+")
_SUBSCRIPTED = re.compile(r"([^\W\d_])(\d+)")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


def latex_text(text: str) -> str:
    r"""Write any text so that LaTeX, in math mode, shows it as it is.

    >>> print(latex_text("50 % of a_b"))
    \text{50 }\%\text{ of a}\_\text{b}
    """
    return "".join(_SPECIAL.get(run, rf"\text{{{run}}}") for run in _LATEX_RUN.findall(text))


def name(text: str) -> Formula:
    r"""Return a name, or a number, as it stands in formulas.

    >>> name("apple").latex, name("t1").latex, name("x").latex, name("-2").precedence == ATOM
    ('\\text{apple}', 't_{1}', 'x', False)
    """
    if _NUMBER.fullmatch(text):
        precedence = SIGN if text.startswith(("-", "+")) else ATOM
        mantissa, _, power = text.lower().partition("e")
        if not power:
            return Formula(text, text, precedence, precedence)
        tens = f"10^{{{int(power)}}}"
        return Formula(
            text, tens if mantissa == "1" else rf"{mantissa} \cdot {tens}", precedence, PRODUCT
        )
    subscripted = _SUBSCRIPTED.fullmatch(text)
    if subscripted:
        return Formula(text, f"{subscripted[1]}_{{{subscripted[2]}}}")
    return Formula(text, text if len(text) == 1 and text.isalpha() else latex_text(text))


def call(text: str, latex: str, arguments: Sequence[Formula]) -> Formula:
    r"""Return a function with its arguments in parentheses.

    >>> call("max", r"\max", [name("a"), name("b")]).text
    'max(a, b)'
    """
    inner = ", ".join(argument.latex for argument in arguments)
    inside = ", ".join(argument.text for argument in arguments)
    return Formula(f"{text}({inside})", rf"{latex}\left({inner}\right)")


def as_formula(given: str | Formula) -> Formula:
    """Return a formula as it is, and text as a name.

    >>> as_formula("x") == as_formula(name("x"))
    True
    """
    return name(given) if isinstance(given, str) else given
