"""An explanation in lines: sentences and equations, as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from viz.text.formula import PRODUCT, SIGN, SUM, Formula
from viz.text.phrases import phrase

_LONG = 100  # characters; of a longer line each part gets its own


@dataclass(frozen=True, slots=True)
class Equation:
    """A line of an explanation.

    Attributes:
        left: what stands on the left.
        parts: what it is equal to, one after the other.
        note: a remark on it.
        is_detail: whether to set it in.
        sign: what stands between the left and the first part.
    """

    left: Formula
    parts: tuple[Formula, ...]
    note: Formula | None = None
    is_detail: bool = False
    sign: str = " ="

    @property
    def text(self) -> str:
        """The line as text; where it is long, each part has its own."""
        indent = "  " if self.is_detail else ""
        note = f"   {self.note.text}" if self.note else ""
        start = f"{indent}{self.left.text}{self.sign} "
        joint = f"\n{indent}    = " if self._is_long else " = "
        return start + joint.join(part.text for part in self.parts) + note

    @property
    def latex(self) -> str:
        """The line for LaTeX's `aligned`; where it is long, each part has its own."""
        indent = r"\quad " if self.is_detail else ""
        note = rf"\quad {self.note.latex}" if self.note else ""
        start = indent + self.left.latex + (" = " if self.sign == " =" else r"{:}\enspace ")
        joint = rf" \\ & {indent}\qquad = " if self._is_long else " = "
        return start + joint.join(part.latex for part in self.parts) + note

    @property
    def _is_long(self) -> bool:
        return sum(len(part.text) + 3 for part in (self.left, *self.parts)) > _LONG


class Explanation:
    """A derivative, explained; a notebook shows it as formulas. Made by `explain`."""

    def __init__(self, lines: Sequence[Equation | Formula | None]) -> None:
        """Take equations, sentences, and None for an empty line."""
        self._lines = tuple(lines)

    @property
    def text(self) -> str:
        """The explanation as text.

        >>> from micrograd import Value
        >>> from viz import explain
        >>> x = Value(3.0, label="x")
        >>> print(explain(x.exp(), wrt=x).text.splitlines()[0])
        ∂y/∂x = ∂exp(x)/∂x = y = 20.09
        """
        return "\n".join("" if line is None else line.text for line in self._lines)

    @property
    def latex(self) -> str:
        r"""The explanation as LaTeX, for math mode.

        >>> from micrograd import Value
        >>> from viz import explain
        >>> x = Value(3.0, label="x")
        >>> explain(x.exp(), wrt=x).latex.splitlines()[0]
        '\\begin{aligned}'
        """
        rows: list[str] = []
        for line in self._lines:
            if line is None:  # the row before it ends with more space
                rows[-1] += r" \\[1ex]"
                continue
            if rows and not rows[-1].endswith("]"):
                rows[-1] += r" \\"
            rows.append("& " + line.latex)
        return "\n".join([r"\begin{aligned}", *rows, r"\end{aligned}"])

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what a notebook shows: LaTeX, and text."""
        bundle = {"text/plain": repr(self)}
        try:
            bundle["text/latex"] = f"$$\n{self.latex}\n$$"
        except Exception:  # a display hook that raises hides the cell's own output
            return bundle
        return {
            kind: content
            for kind, content in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }


def product(factors: Sequence[Formula]) -> Formula:
    """Return factors with a dot between them.

    >>> from viz.text.formula import name
    >>> product([name("-2"), name("-3")]).text
    '-2 · (-3)'
    """
    return _joined(factors, " · ", r" \cdot ", PRODUCT)


def total(terms: Sequence[Formula]) -> Formula:
    """Return terms with a plus between them.

    >>> from viz.text.formula import name
    >>> total([name("-2"), name("-3")]).text
    '-2 + (-3)'
    """
    return _joined(terms, " + ", " + ", SUM)


def _joined(parts: Sequence[Formula], sign: str, latex_sign: str, precedence: int) -> Formula:
    if len(parts) == 1:
        return parts[0]
    first, *rest = parts[0].inside(precedence), *parts[1:]
    rest = [part.inside(precedence + 1 if part.precedence != SIGN else SIGN + 1) for part in rest]
    return Formula(
        sign.join(part.text for part in (first, *rest)),
        latex_sign.join(part.latex for part in (first, *rest)),
        precedence,
        precedence,
    )


def sentence(template: str, *parts: Formula) -> Formula:
    """Return a sentence with formulas in it.

    >>> from viz.text.formula import name
    >>> sentence("{0} is used {1} times.", name("x"), name("2")).text
    'x is used 2 times.'
    """
    return phrase(template, parts)
