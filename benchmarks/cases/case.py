"""What a case is: its title, its sizes, who takes part, the bars, and the table it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TIME = "Our time, as a multiple of theirs (below 1 we are faster):"
COMPILED = "The time of our compiled step, as a multiple of theirs:"
COMPILING = "Compiling, all calls until the first replay, as a multiple of a step:"
ALLOCATED = "The most bytes that are allocated in our compiled step, as a multiple of theirs:"


@dataclass(frozen=True)
class Variant:
    """One size of a case.

    Attributes:
        settings: what the function of each peer is called with.
        peers: who takes part.
        bars: by peer, how much of its cost ours may have.
        threads: on how many threads.
        keeps_memory: whether the C library is told to keep freed memory, of every peer.
        units: nodes, say, by which time and memory are divided within a case.
        base: the variant to which ours is compared, too, a unit.
        base_bar: how many times the cost of the base ours may have.
        byte_bar: how many bytes a unit ours may have.
    """

    settings: Mapping[str, Any]
    peers: tuple[str, ...]
    bars: Mapping[str, float] = field(default_factory=dict[str, float])
    threads: int = 1
    keeps_memory: bool = True
    units: int = 1
    base: str | None = None
    base_bar: float | None = None
    byte_bar: float | None = None


@dataclass(frozen=True)
class Case:
    """Something that is measured.

    Attributes:
        name: its module.
        title: what a step is, for the table.
        variants: its sizes, by what the table calls them.
        memory: whether the bytes are of interest.
        heading: of the table that it is in.
    """

    name: str
    title: str
    variants: Mapping[str, Variant]
    memory: bool = False
    heading: str = TIME

    @property
    def together(self) -> bool:
        """Whether all variants take turns with each other."""
        return any(variant.base for variant in self.variants.values())
