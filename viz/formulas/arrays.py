"""The formulas of operations on whole arrays; some depend on the shapes and settings."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from viz.formulas.row import Row, binary, unary


def _transpose(node: Any) -> Row:
    ndim = np.ndim(node.data)
    axes = [axis % ndim for axis in node.settings["axes"] or reversed(range(ndim))]
    plain = list(range(ndim))
    if axes == plain:
        return unary("x", "g")
    if axes == [*plain[:-2], *reversed(plain[-2:])]:
        return unary("transposed(x)", "transposed(g)")
    back = tuple(int(i) for i in np.argsort(axes))
    return unary(f"permuted(x, {tuple(axes)})", f"permuted(g, {back})")


def _matmul(node: Any) -> Row:
    a, b = (np.ndim(parent.data) for parent in node.parents)
    return binary("a @ b", _matmul_left(a, b), _matmul_right(a, b))


def _matmul_left(a: int, b: int) -> str:
    """Return the derivative by the first of two arrays of so many axes."""
    if b == 1:
        return "g * b" if a == 1 else "outer(g, b)"
    if a == 1:
        return "b @ g" if b == 2 else "total(b * row(g), -1)"
    return "g @ transposed(b)"


def _matmul_right(a: int, b: int) -> str:
    """Return the derivative by the second, before what broadcasting repeated is summed."""
    if b == 1:
        return "g * a" if a == 1 else "a * column(g)"
    if a == 1:
        return "outer(a, g)" if b == 2 else "column(a) * row(g)"
    return "total(transposed(a) @ g, stack)" if a > 2 == b else "transposed(a) @ g"


def _solve(node: Any) -> Row:
    is_vector = np.ndim(node.parents[1].data) == 1
    passed = "solve(transposed(a), g)"
    left = f"-outer({passed}, y)" if is_vector else f"-{passed} @ transposed(y)"
    return binary("solve(a, b)", left, passed)


def _roll(node: Any) -> Row:
    shift = node.settings["shift"]
    back = -shift if isinstance(shift, int) else tuple(-int(n) for n in np.atleast_1d(shift))
    return unary("moved(x, shift, axis)", f"moved(g, {back}, axis)")


def _pad(node: Any) -> Row:
    is_constant = node.settings["mode"] == "constant"
    return unary("padded(x)", "unpadded(g)" if is_constant else "overlaid(g)")


def _norm(node: Any) -> Row:
    if node.settings["order"] == 2:
        return unary("norm(x)", "kept(g, axis) * x / kept(y, axis)")
    slope = "kept(g, axis) * sign(x) * (abs(x) / kept(y, axis)) ** (order - 1)"
    return unary("total(abs(x) ** order, axis) ** (1 / order)", slope)


def _cross_entropy(node: Any) -> Row:
    x, t = (parent.data for parent in node.parents)
    target = "onehot(t)" if t.ndim < x.ndim else "t"
    certain = t.ndim < x.ndim or np.allclose(t.sum(-1), 1)
    p = "softmax(x)" if certain else "softmax(x) * total(t, -1)"
    return Row(
        ("x", "t"),
        f"-total({target} * log(softmax(x)), None) / rows",
        (f"g * ({p} - {target}) / rows", "-g / rows * log(softmax(x))"),
    )


def _concatenate(node: Any) -> Row:
    names, axis = _numbered(node), node.settings["axis"]
    ends = [0, *accumulate(np.shape(parent.data)[axis] for parent in node.parents)]
    parts = tuple(f"part(g, '{start}:{end}', axis)" for start, end in pairwise(ends))
    return Row(names, f"concatenate({', '.join(names)})", parts)


def _stack(node: Any) -> Row:
    names = _numbered(node)
    parts = tuple(f"part(g, {i}, axis)" for i in range(len(names)))
    return Row(names, f"stack({', '.join(names)})", parts)


def _numbered(node: Any) -> tuple[str, ...]:
    return tuple(f"x{i}" for i in range(len(node.parents)))


def _einsum(node: Any) -> Row:
    names, subscripts = _numbered(node), node.settings["subscripts"]
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    sizes: set[tuple[str, int]] = set()
    for term, parent in zip(terms, node.parents, strict=True):
        sizes.update(zip(term, np.shape(parent.data), strict=True))
    is_broadcast = len(sizes) > len(set("".join(terms)))
    slopes = tuple(
        None if is_broadcast else _einsum_slope(i, terms, output, names) for i in range(len(names))
    )
    return Row(names, f"einsum('{subscripts}', {', '.join(names)})", slopes)


def _einsum_slope(i: int, terms: list[str], output: str, names: tuple[str, ...]) -> str | None:
    """Return the einsum that is the derivative; None where it takes more than that."""
    others = ",".join([output, *terms[:i], *terms[i + 1 :]])
    if len(set(terms[i])) < len(terms[i]) or not set(terms[i]) <= set(others):
        return None
    called = ", ".join(["g", *names[:i], *names[i + 1 :]])
    return f"einsum('{others}->{terms[i]}', {called})"


ARRAYS: dict[str, Row | Callable[[Any], Row]] = {
    "sum": unary("total(x, axis)", "repeated(g, axis, shape)"),
    "mean": unary("mean(x, axis)", "repeated(g / count, axis, shape)"),
    "max": unary("rowmax(x, axis)", "shared(g, x == kept(y, axis), axis)"),
    "min": unary("rowmin(x, axis)", "shared(g, x == kept(y, axis), axis)"),
    "prod": unary("product(x, axis)", "kept(g, axis) * others(x, axis)"),
    "var": unary("var(x)", "2 * kept(g, axis) * (x - mean(x, axis)) / free"),
    "std": unary("std(x)", "kept(g, axis) * (x - mean(x, axis)) / (free * kept(y, axis))"),
    "median": unary("median(x)", "middle(g, x, axis)"),
    "logsumexp": unary("log(total(exp(x), axis))", "kept(g, axis) * exp(x - kept(y, axis))"),
    "norm": _norm,
    "softmax": unary("softmax(x)", "y * (g - total(g * y, axis))"),
    "log_softmax": unary("log(softmax(x))", "g - exp(y) * total(g, axis)"),
    "softmax_cross_entropy": _cross_entropy,
    "matmul": _matmul,
    "einsum": _einsum,
    "cross": binary("cross(a, b)", "cross(b, g)", "cross(g, a)"),
    "inv": unary("inv(x)", "-transposed(y) @ g @ transposed(y)"),
    "solve": _solve,
    "det": unary("det(x)", "spread(g) * cofactors(x)"),
    "logabsdet": unary("log(abs(det(x)))", "spread(g) * transposed(inv(x))"),
    "reshape": unary("reshaped(x, result_shape)", "reshaped(g, shape)"),
    "transpose": _transpose,
    "broadcast_to": unary("repeated(x, None, result_shape)", "1"),
    "sum_to": unary("summed(x, result_shape)", "repeated(g, None, shape)"),
    "astype": unary("recast(x, dtype)", "1"),
    "concatenate": _concatenate,
    "stack": _stack,
    "getitem": unary("picked(x, index)", "placed(g, index, shape)"),
    "put_add": unary("placed(x, index, result_shape)", "picked(g, index)"),
    "flip": unary("flipped(x, axis)", "flipped(g, axis)"),
    "roll": _roll,
    "repeat": unary("repeat(x, repeats)", "overlaid(g)"),
    "tile": unary("tile(x, reps)", "overlaid(g)"),
    "pad": _pad,
    "windows": unary("cut(x)", "overlaid(g)"),
    "windows_add": unary("windows_add(x)", "cut(g)"),
    "sort": unary("sort(x)", "unsorted(g, x)"),
    "cumsum": unary("cumsum(x)", "added(g, axis)"),
    "tril": unary("lower(x, k)", "lower(g, k)"),
    "triu": unary("upper(x, k)", "upper(g, k)"),
}
"""As `ROWS` of the table of all."""
