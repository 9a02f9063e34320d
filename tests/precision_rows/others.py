"""The rows that are not elementwise and are not yet held to the law of range and precision."""

from __future__ import annotations

from tests.precision import Looser, Row

MOVES = "it only moves, repeats or picks elements of g"

TABLE: dict[str, Row | str] = {
    **dict.fromkeys(["reshape", "transpose", "astype", "concatenate", "stack", "flip"], MOVES),
    **dict.fromkeys(["roll", "getitem", "tril", "triu", "sort"], MOVES),
}

LOOSER: dict[str, list[Looser]] = {}

WANTED = [
    *("broadcast_to", "sum_to", "einsum", "matmul", "windows", "windows_add", "sum", "mean"),
    *("max", "min", "logsumexp", "inv", "solve", "pinv", "cholesky", "qr", "cofactors_slope"),
    *("cofactors", "det", "logabsdet", "put_add", "softmax", "log_softmax", "norm", "cross"),
    *("softmax_cross_entropy_slope", "softmax_cross_entropy", "repeat", "tile", "pad", "cumsum"),
    *("linear_scan", "cumprod", "eigh", "svd", "prod", "var", "std", "median"),
]
"""Rows for which a declaration is still to be written."""
