"""The way to graphviz: its `dot` program, and its Python package, which only this file uses."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import graphviz  # pyright: ignore[reportMissingTypeStubs]

from micrograd import Node
from micrograd.errors import ArgumentError, MicrogradError, MissingExtraError
from viz.graph.item import NOT_COMPUTED, Item
from viz.graph.snapshot import take_snapshot
from viz.text.lines import plain_text

GraphvizSource = graphviz.Source
RANKDIRS = ("LR", "TB")
PATIENCE = 60.0
"""How many seconds to wait for the `dot` program."""


def check_rankdir(rankdir: str) -> None:
    """Raise an ArgumentError unless `rankdir` is one that can be drawn.

    >>> check_rankdir("LR")
    """
    if rankdir not in RANKDIRS:
        raise ArgumentError(
            f"rankdir: came as {rankdir!r}, expected 'LR' (left to right) or 'TB' (top to bottom)."
        )


def run_dot(source: str, format: str, patience: float = PATIENCE) -> bytes:
    """Return what the `dot` program makes of DOT text.

    Args:
        source: DOT text.
        format: what to make, such as 'svg', 'png' or 'pdf'.
        patience: how many seconds to wait for it.

    Raises:
        MissingExtraError: if there is no `dot` program on the PATH.
        MicrogradError: if it fails.

    >>> run_dot("digraph { a }", "svg")[:5] if shutil.which("dot") else b"<?xml"
    b'<?xml'
    """
    program = shutil.which("dot")
    if program is None:
        raise MissingExtraError(
            f"{format} needs the dot program of Graphviz, which is not on the PATH. Install it "
            "with `apt-get install graphviz` or `brew install graphviz`; .svg works without it."
        )
    try:
        done = subprocess.run(
            [program, f"-T{format}"],
            input=source.encode(),
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MicrogradError(f"dot: could not make {format}: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise MicrogradError(f"dot: could not make {format}, exit {done.returncode}: {said}")
    return done.stdout


def draw_dot(root: Node, format: str = "svg", rankdir: str = "LR") -> graphviz.Digraph:
    """Draw the graph of `root` as karpathy/micrograd does.

    Every node is a record of its label, data and gradient, every operation an
    ellipse before the node it made. The graph may have any size.

    Args:
        root: the output of the graph.
        format: what the result renders to, such as 'svg' or 'png'.
        rankdir: 'LR' to draw from left to right, 'TB' from top to bottom.

    Raises:
        OperandError: if `root` is not a node.
        ArgumentError: if `format` or `rankdir` is not one of those allowed.

    >>> from micrograd import Value
    >>> x = Value(2.0, label="x")
    >>> (x * x).backward()
    >>> print(draw_dot(x).body[0].strip())
    n0 [label="{ x | data 2.0000 | grad 4.0000 }" shape=record]
    """
    check_rankdir(rankdir)
    if format not in graphviz.FORMATS:
        raise ArgumentError(
            f"format: came as {format!r}, expected one that graphviz knows, such as 'svg' or 'png'."
        )
    dot: Any = graphviz.Digraph(format=format, graph_attr={"rankdir": rankdir})
    for i, item in enumerate(take_snapshot((root,), number_format=".4f").items):
        dot.node(f"n{i}", label=_record(item), shape="record")
        if item.symbol:
            dot.node(f"n{i}op", label=graphviz.escape(item.symbol.replace("&", "&amp;")))
            dot.edge(f"n{i}op", f"n{i}")
        for parent in item.inputs:
            dot.edge(f"n{parent}", f"n{i}op")
    return dot


def _record(item: Item) -> str:
    gradient = plain_text(item.gradient) or NOT_COMPUTED
    fields = (item.name, "data " + plain_text(item.value), "grad " + gradient)
    return "{ " + " | ".join(_escape_record(field) for field in fields if field) + " }"


def _escape_record(text: str) -> str:
    return re.sub(r"([\\{}|<>])", r"\\\1", text.replace("&", "&amp;"))
