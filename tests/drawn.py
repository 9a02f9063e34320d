"""Reading pictures back: which texts stand at which node, and which arrows lead where."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from collections import Counter

from micrograd import Node
from viz.graph.snapshot import take_snapshot
from viz.picture.alt import alt_text, with_alt
from viz.picture.layout import lay_out
from viz.picture.picture import picture_of
from viz.picture.svg import write_svg

Reading = tuple[dict[str, list[str]], Counter[tuple[str, str]]]
"""The texts of each node: its circle or name, value and gradient; and the arrows."""


def own_svg(root: Node, *more: Node, rankdir: str = "LR", style: str = "book") -> str:
    """Return the SVG of the layout that needs no dot."""
    snapshot = take_snapshot((root, *more), shapes_only=style == "shapes")
    svg = write_svg(lay_out(picture_of(snapshot, style), rankdir))
    return with_alt(svg, alt_text(snapshot))


def read_dot(source: str) -> Reading:
    """Read DOT text."""
    texts: dict[str, list[str]] = {}
    arrows: list[tuple[str, str]] = []
    for line in source.splitlines():
        if node := re.fullmatch(r"  (?:op|name|value)(\w+) \[label=<(.*)>.*\]", line):
            found = re.findall(r">([^<>]+)<", f">{node[2]}<")
            texts.setdefault(node[1], []).extend(map(html.unescape, found))
        elif arrow := re.match(r"  (value|name)(\w+?)(?::\w)? -> (op|name|value)(\w+)", line):
            arrows.append((arrow[2], arrow[4]))
    return _read(texts, arrows)


def read_dot_svg(svg: str) -> Reading:
    """Read SVG that dot made."""
    texts: dict[str, list[str]] = {}
    arrows: list[tuple[str, str]] = []
    for group in ET.fromstring(svg).findall(".//{*}g"):
        if group.get("class") == "node":
            found = [text.text or "" for text in group.findall(".//{*}text")]
            texts.setdefault(str(group.get("data-node")), []).extend(found)
        elif group.get("class") == "edge":
            arrows.append((str(group.get("data-tail")), str(group.get("data-head"))))
    return _read(texts, arrows)


def read_own_svg(svg: str) -> Reading:
    """Read SVG of the layout that needs no dot."""
    texts: dict[str, list[str]] = {}
    arrows: list[tuple[str, str]] = []
    for group in ET.fromstring(svg).findall(".//{*}g"):
        if group.get("class") == "node":
            texts[str(group.get("data-node"))] = [t.text or "" for t in group.findall(".//{*}text")]
        elif group.get("class") == "edge":
            arrow_head = str(list(group)[-1].get("d")).endswith("Z")
            if arrow_head:  # there is none in the midst of an arrow, before a note
                arrows.append((str(group.get("data-tail")), str(group.get("data-head"))))
    return _read(texts, arrows)


def _read(texts: dict[str, list[str]], arrows: list[tuple[str, str]]) -> Reading:
    """Take notes out of the arrows that they are a piece of; leave out lines within a node."""
    into = {head: tail for tail, head in arrows if "_note" in head}
    whole = [(into.get(tail, tail), head) for tail, head in arrows if "_note" not in head]
    shown = {
        node: [t for t in found if t.strip()]
        for node, found in texts.items()
        if found and "_note" not in node
    }
    return shown, Counter((tail, head) for tail, head in whole if tail != head)


def texts_of(source: str) -> list[str]:
    """Return all texts in a drawing."""
    return [text for found in read_dot(source)[0].values() for text in found]


def with_class(svg: str, name: str) -> list[ET.Element]:
    """Return the elements of a class."""
    return [part for part in ET.fromstring(svg).iter() if name in (part.get("class") or "").split()]
