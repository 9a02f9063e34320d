"""`step` and what it returns: a computation to step through, in a notebook and as a page."""

from __future__ import annotations

import base64
import html
import json
import math
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from micrograd import Node
from micrograd.errors import ArgumentError
from viz.picture.alt import alt_text
from viz.picture.layout import Layout, lay_out
from viz.picture.picture import escape, picture_of
from viz.picture.svg import write_svg
from viz.telling.overlay import overlay
from viz.telling.story import Step, Story, tell
from viz.text.names import names_from

if TYPE_CHECKING:
    import os

_WIDE = 900.0  # pixels that a cell of a notebook has for a picture
_SMALLEST, _LARGEST = 0.85, 1.25  # pixels for a unit of the picture where there is room
_LEAST = 0.75  # and where there is none
_LINE, _LETTERS = 23, 58  # of the text: the height of a line, and about how many letters it holds
_FEWEST_LINES, _MOST_LINES = 4, 8
_TALLEST = 720  # pixels for the page in a notebook; what is larger scrolls
_BAR = 64  # pixels for the buttons and the spaces between the parts


def step(
    root: Node,
    *,
    names: Mapping[str, Node] | str | None = None,
    number_format: str = ".4g",
    limit: int = 100,
    **named: Node,
) -> Stepper:
    """Step through the computation of `root`: forwards, then backwards.

    Each step says in words and numbers what happens. There is no need to call
    `backward()` before; no gradient is changed.

    Args:
        root: the output of the graph.
        names: names by which to call nodes, instead of their labels; 'caller' for
            the names of your variables.
        number_format: how to write numbers, as in `format()`.
        limit: how many nodes to allow.
        named: more names, as keywords.

    Raises:
        OperandError: if `root`, or something that is named, is not a node.
        ArgumentError: if the graph has more nodes than `limit`, or `names` or
            `number_format` cannot be used.
        StaleGraphError: if data was assigned to after it was recorded.

    >>> from micrograd import Value
    >>> apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
    >>> stepper = step(apple * count * tax, names={"apple": apple, "count": count, "tax": tax})
    >>> stepper
    Stepper(7 steps)
    >>> stepper.steps[4].lines[0]
    't1: upstream 1 × local ∂(t1·tax)/∂t1 = tax = 1.1 → 1.1'
    """
    known = names_from(names, named, sys._getframe(1))
    return Stepper(tell(root, names=known, number_format=number_format, limit=limit))


class Stepper:
    """A computation to step through; a notebook shows it. Made by `step`."""

    def __init__(self, story: Story) -> None:
        self._story = story

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps as plain data.

        >>> from micrograd import Value
        >>> [step.phase for step in step(Value(2.0) * 3).steps]
        ['forward', 'forward', 'backward', 'backward', 'backward']
        """
        return self._story.steps

    @cached_property
    def _layout(self) -> Layout:
        return lay_out(picture_of(self._story.snapshot))

    @property
    def svg(self) -> str:
        """The static picture as SVG text, with all values and gradients.

        >>> from micrograd import Value
        >>> step(Value(2.0) * 3).svg.startswith("<svg")
        True
        """
        return write_svg(self._layout)

    @property
    def html(self) -> str:
        """A page that needs nothing else, no network either.

        >>> from micrograd import Value
        >>> step(Value(2.0) * 3).html.splitlines()[0]
        '<!DOCTYPE html>'
        """
        svg = self.svg.removesuffix("</svg>\n") + overlay(self._layout) + "</svg>\n"
        return Template(_read("stepper.html")).substitute(
            title=escape(self._title),
            style=_read("stepper.css"),
            script=_read("stepper.js"),
            last=len(self.steps) - 1,
            phases="".join(_phases(self.steps)),
            width=self._size[0],
            least=math.ceil(self._layout.width * _LEAST),
            picture=svg,
            listing="".join(_listing(self.steps)),
            story=_json({"steps": self.steps, "nodes": self._story.descriptions}),
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file and return its path.

        Args:
            path: where to; it must end in `.html`.

        Raises:
            ArgumentError: if it ends otherwise.

        >>> import tempfile
        >>> from micrograd import Value
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     step(Value(2.0) * 3).save(f"{folder}/product.html").name
        'product.html'
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ArgumentError(
                f"save: cannot write {path.suffix or 'a file without a suffix'!r}; expected "
                ".html. The static picture is .svg of a stepper, or draw(…).save(…)."
            )
        path.write_text(self.html, encoding="utf-8", newline="\n")
        return path

    def __repr__(self) -> str:
        return f"Stepper({len(self.steps)} steps)"

    def __str__(self) -> str:
        return "\n".join(f"{i}. {text}" for i, text in enumerate(map(_text, self.steps), 1))

    @property
    def _title(self) -> str:
        return f"{self._story.descriptions[-1].name}, step by step"

    @property
    def _size(self) -> tuple[int, int]:
        """How wide and high the picture is shown, in pixels."""
        width, height = self._layout.width, self._layout.height
        scale = min(max(_WIDE / width, _SMALLEST), _LARGEST)
        return math.ceil(width * scale), math.ceil(height * scale)

    @property
    def _height(self) -> int:
        """How many pixels the page needs in a notebook, so that nothing moves at a step."""
        most = max(sum(1 + len(line) // _LETTERS for line in step.lines) for step in self.steps)
        lines = min(max(most, _FEWEST_LINES), _MOST_LINES)
        return min(_BAR + self._size[1] + _LINE * (lines + 2), _TALLEST)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what a notebook shows.

        Jupyter, VS Code, Colab and nbconvert's HTML prefer text/html. A notebook that
        is not trusted, and GitHub, take the iframe out of it: the picture below it
        remains. What shows no HTML, such as nbconvert's LaTeX, takes the SVG; a
        terminal, the text.
        """
        bundle = {"text/plain": repr(self)}
        with suppress(Exception):  # a display hook that raises hides the cell's own output
            bundle |= {"text/plain": str(self), "image/svg+xml": self.svg}
            bundle |= {"text/html": self._frame()}
        return {
            kind: content
            for kind, content in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }

    def _frame(self) -> str:
        """Return the page in a frame, laid over the static picture."""
        data = base64.b64encode(self.svg.encode()).decode()
        alt, title = escape(alt_text(self._story.snapshot)), escape(self._title)
        width, height = self._size[0], self._height
        return (
            '<div style="display: grid">'
            f'<div style="grid-area: 1 / 1; max-height: {height}px; overflow: auto">'
            f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" '
            f'style="width: {width}px; max-width: 100%"></div>'
            f'<iframe srcdoc="{html.escape(self.html)}" title="{title}" sandbox="allow-scripts" '
            f'style="grid-area: 1 / 1; border: 0; width: 100%; height: {height}px"></iframe>'
            "</div>"
        )


def _read(name: str) -> str:
    return files("viz.telling").joinpath(name).read_text(encoding="utf-8")


def _text(step: Step) -> str:
    return "\n".join([step.title, *(f"     {line}" for line in step.lines)])


def _listing(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield the steps as items of a list, for readers without scripts."""
    for step in steps:
        lines = "".join(f"<br>{escape(line)}" for line in step.lines)
        yield f"<li>{escape(step.title)}{lines}</li>\n"


def _phases(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield what stands below the slider: how much of the way is forwards, how much back."""
    for phase, count in Counter(step.phase for step in steps).items():
        yield f'<span style="flex: {count}">{phase}</span>'


def _json(data: Any) -> str:
    """Write data such that it can stand in a script element: in ASCII, and without tags."""
    text = json.dumps(data, default=asdict, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
