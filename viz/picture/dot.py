"""A picture as DOT text, for graphviz to lay out."""

from __future__ import annotations

from collections.abc import Iterator

from viz.folding.group import OUTSIDE
from viz.picture import label
from viz.picture.colours import COUNT, GROUP, GROUP_FILL, GROUP_LINE, GROUP_TEXT, Appearance
from viz.picture.measure import FONT_SIZE, FONTS, SMALL, TINY
from viz.picture.picture import Picture, Strand
from viz.picture.sizes import head_size

_CLUSTER = (
    f'labeljust=l labelloc=t fontname="{FONTS}" fontsize={SMALL:g} style="rounded,filled" '
    f'margin=10 color="{GROUP_LINE}" fillcolor="{GROUP}12"'
)
_POINTS = 72  # to the inch, in which DOT measures nodes


def write_dot(picture: Picture, rankdir: str = "LR") -> str:
    """Return DOT text for a picture; the same text for the same picture.

    Args:
        picture: what to draw.
        rankdir: 'LR' to draw from left to right, 'TB' from top to bottom.

    >>> print(write_dot(Picture((Strand("0", name="x"),), ())))
    digraph {
      graph [rankdir=LR bgcolor=white nodesep=0.2 ranksep=0.4]
      node [shape=plain fontname="DejaVu Sans,Helvetica,Arial,sans-serif" fontsize=14]
      edge [arrowsize=0.8]
      name0 [label=<x> shape=plaintext height=0.3 width=0 margin="0.06,0"]
    }
    <BLANKLINE>
    """
    lines = [
        f"graph [rankdir={rankdir} bgcolor=white nodesep=0.2 ranksep=0.4]",
        f'node [shape=plain fontname="{FONTS}" fontsize={FONT_SIZE:g}]',
        "edge [arrowsize=0.8]",
    ]
    if picture.caption:
        lines.append(f"graph [label=<{label.text(picture.caption)}> labelloc=b fontsize={SMALL:g}]")
        lines.append(f'graph [fontname="{FONTS}"]')
    enter, leave = "we" if rankdir == "LR" else "ns"
    lines += _groups(picture, rankdir, enter)
    for tail, head in picture.arrows:
        lines.append(_arrow(picture.strands[tail], picture.strands[head], enter, leave))
    return "digraph {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _groups(picture: Picture, rankdir: str, enter: str) -> Iterator[str]:
    """Yield the strands, those of a group between the beginning and the end of its box."""
    inside: dict[int, list[int]] = {i: [] for i in range(OUTSIDE, len(picture.groups))}
    for i, group in enumerate(picture.groups):
        inside[group.parent].append(i)
    strands: dict[int, list[Strand]] = {i: [] for i in inside}
    for strand in picture.strands:
        strands[strand.group].append(strand)
    stack: list[int | None] = [OUTSIDE]
    while stack:
        i = stack.pop()
        if i is None:
            yield "}"
            continue
        if i != OUTSIDE:
            title = label.coloured(label.text(picture.groups[i].title), GROUP_TEXT)
            yield f"subgraph cluster_{i} {{"
            yield f"graph [label=<{title}> {_CLUSTER}]"
            stack.append(None)
        for strand in strands[i]:
            yield from _strand(strand, rankdir, enter)
        stack.extend(reversed(inside[i]))


def _arrow(source: Strand, target: Strand, enter: str, leave: str) -> str:
    tail = f"value{source.key}:{leave}" if source.has_line else f"name{source.key}"
    head = f"value{target.key}:{enter}" if target.carries else _head(target)
    # A run of operations is kept straighter than what joins it from a leaf.
    look = ["weight=3"] if source.symbol else []
    # A longer way into a group leaves room for the leaves in there.
    look += ["minlen=3"] if target.group not in (source.group, OUTSIDE) else []
    look += _look(source.appearance)
    look += ["arrowhead=none"] if target.carries else []
    return f"{tail} -> {head}" + (f" [{' '.join(look)}]" if look else "")


def _look(appearance: Appearance) -> list[str]:
    """Return the attributes of a line, or an outline, that is not thin and black."""
    colour = [f'color="{appearance.line}"'] if appearance.line != "black" else []
    return colour + ([f"penwidth={appearance.width}"] if appearance.width != 1 else [])


def _head(strand: Strand) -> str:
    """Return the DOT name of what an arrow to a strand points at."""
    return ("op" if strand.symbol else "name") + strand.key


def _strand(strand: Strand, rankdir: str, enter: str) -> Iterator[str]:
    appearance = strand.appearance
    if strand.symbol:
        look = " ".join([_shape(strand), *_look(appearance)])
        yield f"{_head(strand)} [label=<{_symbol(strand)}> {look}]"
    elif strand.has_name:
        box = 'shape=plaintext height=0.3 width=0 margin="0.06,0"'
        yield f"{_head(strand)} [label=<{_words(strand.name, appearance)}> {box}]"
    elif not strand.has_line:
        yield f'{_head(strand)} [label="" shape=point style=invis width=0.01]'
    if strand.has_line:
        yield f"value{strand.key} [label=<{_label(strand, rankdir)}>]"
        if strand.symbol or strand.has_name:
            look = ["weight=10", *_look(appearance)]
            look = look if strand.boxed else ["arrowhead=none", *look]
            yield f"{_head(strand)} -> value{strand.key}:{enter} [{' '.join(look)}]"


def _words(words: str, appearance: Appearance) -> str:
    return label.coloured(label.text(words), appearance.text)


def _label(strand: Strand, rankdir: str) -> str:
    if strand.boxed:
        return label.record(strand, upright=rankdir == "TB")
    return (label.side_by_side if rankdir == "TB" else label.stacked)(strand)


def _symbol(strand: Strand) -> str:
    symbol = _words(strand.symbol, strand.appearance)
    if not strand.times:
        return symbol
    count = label.coloured(label.text(strand.times), COUNT)
    return f'{symbol}<BR/><FONT POINT-SIZE="{TINY:g}">{count}</FONT>'


def _shape(strand: Strand) -> str:
    width, height = head_size(strand)
    size = f"margin=0 width={width / _POINTS:.2f} height={height / _POINTS:.2f}"
    if strand.is_group:
        return f'shape=box style="rounded,filled" fillcolor="{GROUP_FILL}" {size}'
    shape = "circle" if width == height else "ellipse"
    many = " peripheries=2 fixedsize=true" if strand.times else ""
    white = " style=filled fillcolor=white" if strand.group != OUTSIDE else ""
    return f"shape={shape} {size}{many}{white}"
