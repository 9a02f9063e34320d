"""The declarations of all rows for the law of range and precision: see `tests/precision.py`."""

from __future__ import annotations

from tests.precision import Looser, Row
from tests.precision_rows import elementwise, others, reductions

FAMILIES = (elementwise, others, reductions)

TABLE: dict[str, Row | str] = {name: e for family in FAMILIES for name, e in family.TABLE.items()}
LOOSER: dict[str, list[Looser]] = {
    name: entries for family in FAMILIES for name, entries in family.LOOSER.items()
}
