"""What stands in formulas for functions that are none: words, with formulas in them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from viz.text.formula import ATOM, IF, Formula, latex_text

# A part in brackets is left out when what it would show is empty.
PHRASES = {
    "added": "{0} summed from each element to the end[ along {1}]",
    "column": "({0} as a column)",
    "cut": "{0} cut into windows",
    "flipped": "{0} flipped[ along {1}]",
    "joined": "{0} joined[ along {1}]",
    "lower": "lower triangle of {0}",
    "mean": "mean({0}[, {1}])",
    "middle": "{0} where {1} is in the middle",
    "moved": "{0} rolled by {1}[ along {2}]",
    "onehot": "onehot({0})",
    "others": "(product of the other elements of {0}[ along {1}])",
    "overlaid": "{0} summed over what became of each element",
    "padded": "{0} padded",
    "part": "part {1} of {0}[ along {2}]",
    "permuted": "{0} with axes in the order {1}",
    "picked": "{0}{1}",
    "placed": "{0} placed at {1} among zeros of shape {2}",
    "recast": "{0} as {1}",
    "repeated": "{0} repeated[ along {1}] to {2}",
    "reshaped": "{0} reshaped to {1}",
    "row": "({0} as a row)",
    "rowmax": "max({0}[, {1}])",
    "rowmin": "min({0}[, {1}])",
    "shared": "{0} where {1}, shared by ties",
    "summed": "{0} summed to {1}",
    "unpadded": "{0} without the padding",
    "unsorted": "{0} put back in the order of {1}",
    "upper": "upper triangle of {0}",
}
"""What a function that is no formula reads like."""


def axes_in_words(axes: Sequence[int]) -> str:
    """Return what to call some axes.

    >>> axes_in_words((0,)), axes_in_words((0, 2))
    ('axis 0', 'axes 0, 2')
    """
    return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"


def phrase(template: str, args: Sequence[Formula]) -> Formula:
    """Return words with formulas in them.

    Args:
        template: the words, with {0} for the first formula; what stands in brackets is
            left out if the formula in it is empty.
        args: the formulas.

    >>> from viz.text.formula import name
    >>> phrase("{0} summed over {1}", [name("g"), name("axis 0")]).text
    'g summed over axis 0'
    """

    def keep(match: re.Match[str]) -> str:
        shown = args[int(re.findall(r"\{(\d)\}", match[1])[0])]
        return match[1] if shown.text else ""

    template = re.sub(r"\[(.*?)\]", keep, template)
    text = re.sub(r"\{(\d)\}", lambda match: args[int(match[1])].text, template)
    latex = "".join(
        args[int(piece)].latex if i % 2 else (latex_text(piece) if piece else "")
        for i, piece in enumerate(re.split(r"\{(\d)\}", template))
    )
    precedence = ATOM if template.endswith(")") else IF
    return Formula(text, latex, precedence, precedence)
