"""The rows that are not elementwise and are not yet held to the law of range and precision."""

from __future__ import annotations

from tests.precision import Looser, Row

MOVES = "it only moves, repeats or picks elements of g"

TABLE: dict[str, Row | str] = {
    **dict.fromkeys(["reshape", "transpose", "astype", "concatenate", "stack", "flip"], MOVES),
    **dict.fromkeys(["roll", "getitem", "tril", "triu", "sort"], MOVES),
}

LOOSER: dict[str, list[Looser]] = {}

WANTED: list[str] = []
"""Rows for which a declaration is still to be written."""
