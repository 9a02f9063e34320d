"""A picture in words, for those who do not see it, and as what it is told apart by."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

from viz.graph.item import Item
from viz.graph.snapshot import Snapshot
from viz.picture.picture import escape
from viz.text.lines import marks_in, plain_text

_PART = "(?:op|name|value)"  # what the DOT names of a node's parts begin with
_TOLD = 8  # of more inputs, outputs or marks, the others are only counted


def alt_text(snapshot: Snapshot) -> str:
    """Return what a picture shows: its outputs, its inputs, and what it warns of.

    >>> from micrograd import Value
    >>> from viz.graph.snapshot import take_snapshot
    >>> price = Value(100.0, label="apple") * Value(2.0, label="count")
    >>> price.backward()
    >>> print(alt_text(take_snapshot((price,))))
    Computational graph, 3 nodes, 2 edges. Output: × = 200, gradient 1. Inputs: apple = 100, \
gradient 2; count = 2, gradient 100.
    """
    items = snapshot.items
    counts = counted(len(items), "node"), counted(snapshot.edge_count, "edge")
    parts = [f"{snapshot.title}, {', '.join(counts)}"]
    for title, told in (
        ("Output", [_told(item) for item in items if item.is_output]),
        ("Input", [_told(item) for item in items if _is_input(item)]),
        ("Warning", [f"{mark} at {_called(item)}" for item in items for mark in _marks(item)]),
    ):
        if told:
            parts.append(f"{title}{'s' if len(told) > 1 else ''}: {_listed(told)}")
    return ". ".join(parts) + "."


def counted(count: int, what: str) -> str:
    """Return a number of things in words.

    >>> counted(1, "node"), counted(2, "node")
    ('1 node', '2 nodes')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def _is_input(item: Item) -> bool:
    return bool(item.name and not item.symbol and not item.is_output)


def _called(item: Item) -> str:
    return item.name or item.symbol or item.number or "input"


def _marks(item: Item) -> Iterable[str]:
    return dict.fromkeys(mark.removeprefix("⚠ ") for mark in marks_in(item.value + item.gradient))


def _told(item: Item) -> str:
    value, gradient = plain_text(item.value), plain_text(item.gradient)
    if item.is_backward is not None:  # an instruction has a shape and a dtype
        return f"{_called(item)}: {value} {gradient}".strip()
    return f"{_called(item)} = {value}" + (f", gradient {gradient}" if gradient else "")


def _listed(told: list[str]) -> str:
    rest = [f"and {len(told) - _TOLD} more"] if len(told) > _TOLD else []
    return "; ".join(told[:_TOLD] + rest)


def with_alt(svg: str, alt: str) -> str:
    """Return SVG text that screen readers take as one image, and read `alt` for.

    >>> with_alt('<svg width="1pt"></svg>', "a < b")
    '<svg role="img" aria-label="a &lt; b" width="1pt"><title>Graph</title></svg>'
    """
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
    end = svg.index(">", svg.index("<svg ")) + 1
    return f"{svg[:end]}<title>Graph</title>{svg[end:]}"


def adopt(svg: str) -> str:
    """Return SVG text that `dot` made with attributes such as those of our own.

    Groups get `data-node`, or `data-tail` and `data-head`, in place of dot's ids, which
    would not be unique on a page, and of its titles, which would show as tooltips.
    """
    text = svg[svg.index("<svg") :]  # so that it can stand inside HTML
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)
    return re.sub(r'<g id="[^"]*" class="(\w+)"([^>]*)>\n<title>(.*?)</title>', _group, text)


def _group(found: re.Match[str]) -> str:
    kind, rest, title = found[1], found[2], html.unescape(found[3])
    if kind == "edge":
        ends = re.fullmatch(
            r"(?:op|name|value)(\w+)(?::\w)?->(?:op|name|value)(\w+)(?::\w)?", title
        )
        if ends:
            return f'<g class="edge" data-tail="{ends[1]}" data-head="{ends[2]}"{rest}>'
    node = re.fullmatch(rf"{_PART}(\w+)", title)
    if kind == "node" and node:
        return f'<g class="node" data-node="{node[1]}"{rest}>'
    caps = ' stroke-linecap="square"' if kind == "graph" else ""  # lines that meet show no gap
    return f'<g class="{kind}"{caps}{rest}>'
