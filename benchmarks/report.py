"""What was measured, as tables: for a terminal or a page in Markdown, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from benchmarks.cases import CASES, Case, Variant
from benchmarks.measure import Result, ratio
from benchmarks.peers import OURS, PEERS

Row = list[str]


class Report:
    """The results of a run, and the tables that can be made of them."""

    def __init__(self, results: Iterable[Result]) -> None:
        self.results = list(results)
        self._by_place = {(r.case, r.variant, r.peer): r for r in self.results}

    def text(self, markdown: bool = False) -> str:
        """Return all tables, each with a sentence on what it shows."""
        headings = dict.fromkeys(case.heading for case in CASES.values())
        parts = [
            *[(heading, list(self._costs(heading))) for heading in headings],
            ("What a unit costs us, beside our own base:", list(self._own())),
            ("Memory that the first step takes, as a multiple of theirs:", list(self._memory())),
            ("The bars:", list(self._bars())),
        ]
        tables = [f"{title}\n\n{_table(rows, markdown)}" for title, rows in parts if len(rows) > 1]
        return "\n\n".join([*tables, *self._gaps()])

    def json(self) -> str:
        """Return the costs of all rounds, and the ratios, as JSON."""
        rows: list[dict[str, Any]] = []
        for result in self.results:
            ours = self._by_place.get((result.case, result.variant, OURS))
            row = dict(vars(result))
            if ours is not None and result is not ours:
                row["ours_over_theirs"] = ratio(ours, result)
            rows.append(row)
        return json.dumps(rows, indent=1)

    def _places(self) -> Iterator[tuple[Case, str, Variant, Result]]:
        """Yield each variant with our result."""
        for case in CASES.values():
            for name, variant in case.variants.items():
                ours = self._by_place.get((case.name, name, OURS))
                if ours is not None:
                    yield case, name, variant, ours

    def _peers(self, cases: Collection[str]) -> list[str]:
        found = {result.peer for result in self.results if result.case in cases} - {OURS}
        return [peer for peer in PEERS if peer in found]

    def _costs(self, heading: str) -> Iterator[Row]:
        cases = [case.name for case in CASES.values() if case.heading == heading]
        peers = self._peers(cases)
        yield ["case", *[PEERS[peer].title for peer in peers]]
        for case, name, variant, ours in self._places():
            if case.name in cases and len(variant.peers) > 1:
                theirs = [self._by_place.get((case.name, name, peer)) for peer in peers]
                cells = [_cell(ours, result) for result in theirs]
                if any(cells):
                    yield [f"{case.title}: {name}", *cells]

    def _own(self) -> Iterator[Row]:
        yield ["case", "cost", "bytes a unit"]
        for case, name, variant, ours in self._places():
            if variant.base:
                cost = self._over_base(case, variant, ours)
                size = f"{ours.bytes / variant.units:,.0f}" if case.memory else ""
                yield [f"{case.title}: {name}", _number(cost), size]

    def _over_base(self, case: Case, variant: Variant, ours: Result) -> float | None:
        name = str(variant.base)
        base = self._by_place.get((case.name, name, OURS))
        found = None if base is None else ratio(ours, base)
        units = case.variants[name].units
        return None if found is None else found * units / variant.units

    def _memory(self) -> Iterator[Row]:
        peers = self._peers([case.name for case in CASES.values() if case.memory])
        yield ["case", *[PEERS[peer].title for peer in peers]]
        for case, name, variant, ours in self._places():
            if case.memory and len(variant.peers) > 1:
                cells: Row = []
                for peer in peers:
                    theirs = self._by_place.get((case.name, name, peer))
                    held = 0 if theirs is None else theirs.bytes
                    cells.append(_number(ours.bytes / held) if held > 0 else "")
                yield [f"{case.title}: {name}", *cells]

    def _bars(self) -> Iterator[Row]:
        yield ["case", "against", "reached", "bar", "kept"]
        for case, name, variant, ours in self._places():
            title = f"{case.title}: {name}"
            for peer, bar in variant.bars.items():
                theirs = self._by_place.get((case.name, name, peer))
                if theirs is not None:
                    yield _bar(title, PEERS[peer].title, ratio(ours, theirs), bar)
            if variant.base_bar is not None:
                cost = self._over_base(case, variant, ours)
                yield _bar(title, f"cost a node, {variant.base}", cost, variant.base_bar)
            if variant.byte_bar is not None:
                size = ours.bytes / variant.units if ours.costs else None
                yield _bar(title, "bytes a node", size, variant.byte_bar)

    def _gaps(self) -> Iterator[str]:
        """Yield a sentence about peers that are missing, and one for each that failed."""
        missing = {r.peer for r in self.results if r.missing == "not installed"}
        if missing:
            names = ", ".join(PEERS[peer].title for peer in PEERS if peer in missing)
            yield f"Not installed, so not measured: {names}. Add --install-peers."
        for result in self.results:
            if result.missing and result.missing != "not installed":
                who, case = PEERS[result.peer].title, CASES[result.case].title
                yield f"{who} failed in {case}, {result.variant}: {result.missing}."


def _cell(ours: Result, theirs: Result | None) -> str:
    if theirs is None:
        return ""
    return _number(ratio(ours, theirs)) if not theirs.missing else theirs.missing


def _number(number: float | None) -> str:
    """Return a ratio with two digits, more or less.

    >>> _number(0.01234), _number(0.456), _number(23.4)
    ('0.012', '0.46', '23')
    """
    if number is None:
        return ""
    return f"{number:.2g}" if number < 0.1 else f"{number:.2f}" if number < 10 else f"{number:,.0f}"


def _bar(title: str, against: str, reached: float | None, bar: float) -> Row:
    kept = "not measured" if reached is None else "yes" if reached <= bar else "no"
    return [title, against, _number(reached), f"{bar:g}", kept]


def _table(rows: Sequence[Row], markdown: bool) -> str:
    if markdown:
        head, *body = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([head, "|" + "---|" * len(rows[0]), *body])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)
