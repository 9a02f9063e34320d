"""The domains of the operations of this family: products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd.ops import products
from micrograd.ops.einsum import einsum
from micrograd.testing import Sample
from tests.domains.building import Draw, Entry, Singular, anywhere, generator, together

WRITTEN = (
    "i->i",
    "ij->ji",
    "ij->i",
    "ij->",
    "->",
    "ij,jk->ik",
    "ij,jk",
    " i j , k j -> k i ",
    "i,j->ji",
    "i,i",
    "ij,ij->j",
    "bij,bjk->bik",
    "ij,kl->il",
    ",ij->ji",
    "i,ij,j->",
    "ij,jk,kl->il",
    "i,i,i->i",
    "ii",
    "ii->i",
    "iij->ji",
    "iji,j->i",
    "iii->i",
    "ii,jj->ij",
    "ii,jk->k",
    "ijij->ij",
    "bA,Ac",
    "...",
    "...i->...",
    "...ij,...jk->...ik",
    "...i,i...->...",
    "i...j,j->...i",
    "...,i->i...",
    "...ii->...i",
)
"""Subscripts of every kind, but for lengths, which are drawn."""


def draw_einsum(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    subscripts = draw(st.sampled_from(WRITTEN))
    terms = subscripts.replace(" ", "").split("->")[0].split(",")
    letters = sorted({*subscripts} - {*" ,.->"})
    lengths = {letter: draw(st.integers(smallest, 3)) for letter in letters}
    hidden = draw(together(len(terms), smallest, most=2)).input_shapes
    one = draw(st.none() | st.sampled_from(letters)) if letters else None
    short = draw(st.integers(0, len(terms) - 1))  # the operand along which it is broadcast
    arrays: list[Any] = []
    for i, term in enumerate(terms):
        shape: list[int] = []
        for letter in term.replace("...", "."):
            if letter == ".":
                shape += hidden[i]
            else:
                shape.append(1 if (i, letter) == (short, one) else lengths[letter])
        arrays.append(anywhere(rng, tuple(shape)))
    return Sample(
        lambda *operands: einsum(subscripts, *operands),
        lambda *operands: np.einsum(subscripts, *operands),
        tuple(arrays),
        {"subscripts": subscripts},
    )


def draw_cross(draw: Draw, smallest: int) -> Sample:
    rng = generator(draw)
    a, b = ((*shape, 3) for shape in draw(together(2, smallest, most=2)).input_shapes)
    return Sample(products.cross, np.cross, (anywhere(rng, a), anywhere(rng, b)))


TABLE: dict[str, Entry] = {
    "einsum": Entry(draw_einsum),
    "cross": Entry(draw_cross),
}

SINGULAR: list[Singular] = []


def torch_table(torch: Any) -> dict[str, Callable[..., Any] | None]:
    """Return PyTorch's function for each operation, None where it has none."""

    def torch_einsum(*operands: Any, subscripts: str) -> Any:
        return torch.einsum(subscripts, *operands)

    def torch_cross(a: Any, b: Any) -> Any:
        return torch.linalg.cross(*torch.broadcast_tensors(a, b))

    return {"einsum": torch_einsum, "cross": torch_cross}
