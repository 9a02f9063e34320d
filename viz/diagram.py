"""`draw` and what it returns: a diagram that shows itself in a notebook and saves to a file."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from micrograd import Node
from micrograd.errors import ArgumentError, MicrogradError
from viz.dot import write_dot
from viz.layout import lay_out
from viz.picture import Picture, picture_of
from viz.render import GraphvizSource, check_rankdir, run_dot
from viz.snapshot import Snapshot, take_snapshot
from viz.svg import write_svg

if TYPE_CHECKING:
    import os


def draw(
    root: Node,
    *more_roots: Node,
    rankdir: str = "LR",
    names: Mapping[str, Node] | None = None,
    number_format: str = ".4g",
    limit: int = 300,
) -> Diagram:
    """Draw the graph of `root` in the book's style.

    Operations are circles. Each edge carries the forward value above it and the
    gradient below it in red; a – stands for a gradient not computed so far. The
    diagram shows the graph as it is now: draw again to see what has changed.

    Args:
        root: the output of the graph.
        more_roots: further outputs, to draw in the same diagram.
        rankdir: 'LR' to draw from left to right, 'TB' from top to bottom.
        names: names by which to call nodes, instead of their labels.
        number_format: how to write numbers, as in `format()`.
        limit: how many nodes to draw at most.

    Raises:
        OperandError: if a root, or something in `names`, is not a node.
        ArgumentError: if the graph has more nodes than `limit`, or `rankdir` or
            `number_format` cannot be used.

    >>> from micrograd import Value
    >>> apple, count, tax = Value(100.0), Value(2.0), Value(1.1)
    >>> price = apple * count * tax
    >>> price.backward()
    >>> draw(price, names={"apple": apple, "count": count, "tax": tax})
    Diagram(5 nodes, 4 edges)
    """
    check_rankdir(rankdir)
    roots = (root, *more_roots)
    snapshot = take_snapshot(roots, names=names, number_format=number_format, limit=limit)
    return Diagram(snapshot, rankdir)


class Diagram:
    """A drawn graph; a notebook shows it as a picture. Made by `draw`."""

    def __init__(self, snapshot: Snapshot, rankdir: str = "LR") -> None:
        self._snapshot = snapshot
        self._rankdir = rankdir

    @property
    def _picture(self) -> Picture:
        return picture_of(self._snapshot)

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
        """The diagram as SVG text, laid out by the `dot` program or, without it, here.

        >>> from micrograd import Value
        >>> draw(Value(2.0) * Value(3.0)).svg.startswith("<svg")
        True
        """
        try:
            text = run_dot(self.source, "svg").decode()
        except MicrogradError:  # there is no dot, or it fails
            return write_svg(lay_out(self._picture, self._rankdir))
        return text[text.index("<svg") :]  # so that it can stand inside HTML

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
        return f"Diagram({len(self._snapshot.items)} nodes, {self._snapshot.edge_count} edges)"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what a notebook shows: SVG, an image that untrusted ones show too, and text."""
        bundle = {"text/plain": repr(self)}
        try:
            svg = self.svg
        except Exception:  # a display hook that raises hides the cell's own output
            return bundle
        data = base64.b64encode(svg.encode()).decode()
        image = (
            f'<img src="data:image/svg+xml;base64,{data}" alt="{self!r}" style="max-width: 100%">'
        )
        bundle |= {"image/svg+xml": svg, "text/html": image}
        return {
            kind: content
            for kind, content in bundle.items()
            if (not include or kind in include) and kind not in (exclude or ())
        }
