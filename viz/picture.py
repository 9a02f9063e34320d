"""The book's style: a snapshot as shapes and arrows, not yet placed.

Every node becomes an edge label, the value above a line and the gradient below
it. The line comes out of a circle or, for a leaf, out of a name, and leads to
every circle that uses the node; so what is used twice branches.
"""

from __future__ import annotations

from dataclasses import dataclass

from viz.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Strand:
    """What is drawn for one node: a circle or name, and the labelled line out of it.

    Attributes:
        key: what to call it in DOT and SVG.
        symbol: the text in the circle; '' for no circle.
        name: the text before the line when there is no circle.
        above: the lines of text above the line; none for no line.
        below: the lines of text below it.
    """

    key: str
    symbol: str = ""
    name: str = ""
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Strands, each behind those that feed it, and the arrows from one to another."""

    strands: tuple[Strand, ...]
    arrows: tuple[tuple[int, int], ...]


def picture_of(snapshot: Snapshot) -> Picture:
    """Return the shapes and arrows that show a snapshot in the book's style.

    >>> from micrograd import Value
    >>> from viz.snapshot import take_snapshot
    >>> x = Value(3.0)
    >>> picture_of(take_snapshot((x * x,))).arrows
    ((0, 1), (0, 1), (1, 2))
    """
    strands: list[Strand] = []
    arrows: list[tuple[int, int]] = []
    for i, item in enumerate(snapshot.items):
        inner_name = (item.name,) if item.name and item.symbol and not item.is_output else ()
        above = inner_name + item.value
        name = "" if item.symbol else item.name or item.number
        strands.append(Strand(str(i), item.symbol, name, above, item.gradient))
        arrows += [(parent, i) for parent in item.inputs]
    for i, item in enumerate(snapshot.items):
        if item.is_output and item.symbol:
            arrows.append((i, len(strands)))
            strands.append(Strand(f"{i}_end", name=item.name))
    return Picture(tuple(strands), tuple(arrows))


def escape(text: str) -> str:
    """Write text so that SVG, and DOT's labels in angle brackets, show it as it is.

    >>> escape('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    for character, entity in (("&", "amp"), ("<", "lt"), (">", "gt"), ('"', "quot")):
        text = text.replace(character, f"&{entity};")
    return text
