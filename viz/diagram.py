"""`draw` and what it returns: a diagram that shows itself in a notebook and saves to a file."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from micrograd import CompiledProgram, Node
from micrograd.errors import ArgumentError, MicrogradError
from viz.graph.programs import program_snapshot, require_usual
from viz.graph.snapshot import Snapshot, take_snapshot
from viz.picture.alt import adopt, alt_text, counted, with_alt
from viz.picture.dot import write_dot
from viz.picture.layout import lay_out
from viz.picture.picture import STYLES, Picture, escape, picture_of
from viz.picture.svg import write_svg
from viz.render import GraphvizSource, check_rankdir, run_dot
from viz.text.names import names_from
from viz.text.numbers import check_word

if TYPE_CHECKING:
    import os

_PATIENCE = 10.0
"""How many seconds the `dot` program has for a picture; then it is laid out here."""
_LEAST_SCALE = 0.6
"""How much a wide picture shrinks at most to fit into a notebook; then it scrolls."""


def draw(
    root: Node | CompiledProgram,
    *more_roots: Node,
    style: str = "book",
    rankdir: str | None = None,
    names: Mapping[str, Node] | str | None = None,
    number_format: str = ".4g",
    tensors: str = "auto",
    highlight: Node | Sequence[Node] = (),
    around: Node | Sequence[Node] = (),
    depth: int = 2,
    color: str | None = None,
    expand: bool | str | Collection[str] = False,
    fold: bool | None = None,
    collapse: bool | str | Collection[str] = False,
    limit: int = 300,
    **nodes: Node,
) -> Diagram:
    """Draw the graph of `root`, or a compiled program.

    In the book's style, operations are circles. Each edge carries the forward value
    above it and the gradient below it in red; a – stands for a gradient not computed so
    far. Drawn from top to bottom, they stand left and right of it. Where a gradient was
    summed to undo broadcasting, the edge says along which axes. A ⚠ warns of nan, of
    inf, and of a dead ReLU: one whose inputs are all 0 or below. The diagram shows the
    graph as it is now, on white: draw again to see what has changed.

    A program of `micrograd.compile` has no numbers: its edges carry shapes and dtypes. Circles
    are its instructions, with the constants and settings that they are given, and the backward
    pass is red. Where a line ends stands what comes out: what the function returns, and what is
    left in a leaf, as in 'w.grad'. A truth that has to come out is a check, without which the
    program is another one. Of the options, `style='shapes'`, `rankdir`, `number_format`, `fold`
    and `limit` are for programs, too.

    Args:
        root: the output of the graph; also a node of another engine, as karpathy/micrograd's; or
            a `micrograd.CompiledProgram`.
        more_roots: further outputs, to draw in the same diagram.
        style: 'book'; 'micrograd' for records of data and gradient, as karpathy draws
            them; 'shapes' to show of each array its shape and dtype alone.
        rankdir: 'LR' to draw from left to right, as a graph is, 'TB' from top to bottom, as a
            program is.
        names: names by which to call nodes, instead of their labels, such as
            `{"apple": apple}`; 'caller' to call them as your variables are called,
            and by their labels only where no variable holds them. Of a name of more
            than 40 characters, the middle is left out.
        number_format: how to write numbers, as in `format()`.
        tensors: how to show arrays, below their shape and dtype: 'numbers' in rows;
            'heat' for a heat map, blue below 0 and orange above, of the means of blocks
            if large, with the least and the greatest number; 'summary' for min, max, mean
            and the share of zeros; 'shape' for nothing more; 'auto' for numbers when small
            (6 rows of 5, and 20 in all), else for a heat map.
        highlight: a node, or several: every path from there to the roots is drawn
            strong, all else pale.
        around: a node, or several, of which to draw the neighbourhood only; an …
            stands for what was cut off.
        depth: how many steps the neighbourhood reaches, forwards and backwards.
        color: 'gradient' to draw lines in orange for positive gradients, in blue for
            negative ones, and in grey where there is none or it is 0. They are wider
            and darker in three steps, where √(|gradient| / greatest) passes 1/3 and
            2/3. Of an array, the element of greatest magnitude counts.
        expand: an operation, or several, to show taken apart into primitive ones, such
            as 'sigmoid' or ['softmax', 'mean']; True for all that can be.
        fold: True to draw as one what repeats: nodes that the same operation makes from
            the same or from folded arguments, scopes of one family that hold the same,
            and runs such as a long sum. A count tells how many, and the least and the
            greatest number are shown. None does so where the graph has more than `limit`
            nodes and, if that is not enough, collapses scopes from the innermost
            outwards. False never does.
        collapse: the name of a `micrograd.scope`, or several, to draw as one box with its
            outputs; True for all. A name without the number at its end, as in
            'neuron' for neuron0, neuron1 and so on, stands for all of that family. A
            leaf that one scope alone uses stands in its box, but for a named constant,
            which is taken for data.
        limit: how many nodes, or folded items, to draw at most.
        nodes: names for nodes, as in `names`: `draw(price, apple=apple)`.

    Raises:
        OperandError: if a root, or what a name or `highlight` or `around` is given for,
            is not a node.
        ArgumentError: if the graph, or the program, has more nodes than `limit`, also when folded;
            a program is given an option for graphs;
            `highlight` or `around` are not in it; `collapse` names no scope in it; or
            another argument cannot be used.

    >>> from micrograd import Value, compile
    >>> apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
    >>> price = apple * count * tax
    >>> price.backward()
    >>> draw(price, apple=apple, count=count, tax=tax)
    Diagram(5 nodes, 4 edges)
    >>> draw(price, names="caller").source == draw(
    ...     price, apple=apple, count=count, tax=tax, price=price
    ... ).source
    True
    >>> draw(compile(price))
    Diagram(9 nodes, 10 edges)
    """
    is_program = isinstance(root, CompiledProgram)
    rankdir = rankdir or ("TB" if is_program else "LR")
    check_rankdir(rankdir)
    check_word("style", style, STYLES)
    check_word("color", color, (None, "gradient"))
    if is_program:
        require_usual(
            **{"more_roots": more_roots, "names": names, "tensors": tensors, "depth": depth},
            **{"highlight": highlight, "around": around, "color": color, "expand": expand},
            **{"collapse": collapse, "nodes": nodes},
            style=None if style != "micrograd" else style,
        )
        snapshot = program_snapshot(root, number_format=number_format, fold=fold, limit=limit)
        return Diagram(snapshot, rankdir, style)
    snapshot = take_snapshot(
        (root, *more_roots),
        names=names_from(names, nodes, sys._getframe(1)),
        number_format=number_format,
        tensors=tensors,
        shapes_only=style == "shapes",
        highlight=highlight,
        around=around,
        depth=depth,
        expand=expand,
        fold=fold,
        collapse=collapse,
        limit=limit,
    )
    return Diagram(snapshot, rankdir, style, color)


class Diagram:
    """A drawn graph; a notebook shows it as a picture. Made by `draw`."""

    def __init__(
        self,
        snapshot: Snapshot,
        rankdir: str = "LR",
        style: str = "book",
        color: str | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._rankdir = rankdir
        self._style = style
        self._color = color

    @property
    def _picture(self) -> Picture:
        return picture_of(self._snapshot, self._style, self._color)

    @property
    def alt(self) -> str:
        """The diagram in words, for screen readers: its outputs, inputs and warnings.

        >>> from micrograd import Value
        >>> draw(Value(2.0, label="x")).alt
        'Computational graph, 1 node, 0 edges. Output: x = 2, gradient –.'
        """
        return alt_text(self._snapshot)

    @property
    def source(self) -> str:
        """The diagram as DOT text.

        >>> from micrograd import Value
        >>> "value0:e -> op2" in draw(Value(2.0) * Value(3.0)).source
        True
        """
        return write_dot(self._picture, self._rankdir)

    @property
    def svg(self) -> str:
        """The diagram as SVG text.

        The `dot` program lays it out or, where there is none or it takes more than 10
        seconds, a layout of our own does. That also lays out boxes of scopes, into which
        `dot` leads lines across what stands in others.

        >>> from micrograd import Value
        >>> draw(Value(2.0) * Value(3.0)).svg.startswith("<svg")
        True
        """
        return with_alt(self._own_svg() if self._snapshot.groups else self._dot_svg(), self.alt)

    def _own_svg(self) -> str:
        return write_svg(lay_out(self._picture, self._rankdir))

    def _dot_svg(self) -> str:
        try:
            return adopt(run_dot(self.source, "svg", _PATIENCE).decode())
        except MicrogradError:  # there is no dot, or it fails, or is too slow
            return self._own_svg()

    def to_graphviz(self) -> GraphvizSource:
        """Return the diagram as an object of the graphviz package.

        >>> from micrograd import Value
        >>> diagram = draw(Value(2.0) * 3)
        >>> diagram.to_graphviz().source == diagram.source
        True
        """
        return GraphvizSource(self.source)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the diagram to a file and return its path.

        Args:
            path: where to; the suffix tells the format. `.svg` and `.dot` always
                work, `.png` and `.pdf` need the `dot` program of Graphviz.

        Raises:
            ArgumentError: if the suffix is none of these.
            MissingExtraError: if the `dot` program is needed and not there.

        >>> import tempfile
        >>> from micrograd import Value
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     draw(Value(2.0) * 3).save(f"{folder}/product.svg").name
        'product.svg'
        """
        path = Path(path)
        path.write_bytes(self._as(path.suffix.lower()))
        return path

    def _as(self, suffix: str) -> bytes:
        if suffix == ".svg":
            return self.svg.encode()
        if suffix == ".dot":
            return self.source.encode()
        if suffix in (".png", ".pdf"):
            return run_dot(self.source, suffix[1:])
        raise ArgumentError(
            f"save: cannot write {suffix or 'a file without a suffix'!r}; "
            "expected .svg, .dot, .png or .pdf."
        )

    def __repr__(self) -> str:
        nodes, items = self._snapshot.node_count, len(self._snapshot.items)
        folded = "" if nodes == items else f" folded into {items}"
        edges = counted(self._snapshot.edge_count, "edge")
        return f"Diagram({counted(nodes, 'node')}{folded}, {edges})"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what a notebook shows: SVG, an image that untrusted ones show too, and text."""
        bundle = {"text/plain": repr(self)}
        try:
            svg = self.svg
            bundle |= {"image/svg+xml": svg, "text/html": _image(svg, self.alt)}
        except Exception:  # a display hook that raises hides the cell's own output
            return bundle
        return {
            kind: content
            for kind, content in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }


def _image(svg: str, alt: str) -> str:
    """Return HTML that shows SVG as an image, which shrinks to fit, and then scrolls."""
    width = re.search(r'width="([\d.]+)pt"', svg)
    least = f"min-width: {float(width[1]) * _LEAST_SCALE:.0f}pt; " if width else ""
    data = base64.b64encode(svg.encode()).decode()
    return (
        '<div style="overflow-x: auto">'
        f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}" '
        f'style="{least}max-width: 100%; height: auto"></div>'
    )
