"""The faults that `tests.mutation` plants: ten kinds, each a source of mutants of a derivative."""

from __future__ import annotations

import ast
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from inspect import signature
from itertools import combinations
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

import micrograd
from micrograd import Tensor
from micrograd.core.op import Each, Op
from micrograd.ops.shape import sum_to
from tests.domains import calls_of

Rule = Callable[..., Any]
Variants = Iterator[tuple[str, Rule]]
Kind = Callable[[Op, int], Variants]  # of an operation and an argument's position
Change = Callable[[Any, Any], Any]

EXAMPLES = 120  # calls for each law; the rarest fault shows in some 75


# Faults in what the rule returns


def results(**changes: Change) -> Kind:
    """Return a kind that changes the result of a rule, given the argument it is for."""

    def variants(op: Op, i: int) -> Variants:
        for name, change in changes.items():
            yield name, partial(_with_result, change, op.derivatives[i], i)

    return variants


def _with_result(
    change: Change, rule: Rule, i: int, g: Any, y: Any, /, *args: Any, **options: Any
) -> Any:
    return change(rule(g, y, *args, **options), args[i])


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())  # a Value has none


def _is_repeated(r: Any, x: Any) -> bool:
    whole, part = _shape(r), _shape(x)
    return whole != part and 0 not in whole and np.broadcast_shapes(whole, part) == whole


def first_of_repeated(r: Any, x: Any) -> Any:
    """Take the first slice along each axis that broadcasting repeated."""
    if not _is_repeated(r, x):
        return r
    return r[(0,) * (r.ndim - x.ndim) + tuple(slice(n) for n in x.shape)]


def mean_of_repeated(r: Any, x: Any) -> Any:
    """Take the mean over each axis that broadcasting repeated."""
    return sum_to(r, x.shape) * (x.size / r.size) if _is_repeated(r, x) else r


def transposed(r: Any, x: Any) -> Any:
    """Exchange the last two axes where they have one length."""
    shape = _shape(r)
    return micrograd.swapaxes(r, -1, -2) if len(shape) > 1 and shape[-1] == shape[-2] else r


def flipped(r: Any, x: Any) -> Any:
    """Reverse the last axis."""
    return r[..., ::-1] if _shape(r) else r


def rolled(r: Any, x: Any) -> Any:
    """Move every element one further along the last axis that has several."""
    longer = [axis for axis, n in enumerate(_shape(r)) if n > 1]
    if not longer:
        return r
    order = np.roll(np.arange(r.shape[longer[-1]]), 1)
    return r[(*[slice(None)] * longer[-1], order)]


# Faults in what the rule is given


def swapped_arguments(op: Op, i: int) -> Variants:
    """Exchange two data arguments; of a single one and g and y, two neighbours."""
    count = 2 if isinstance(op.derivatives, Each) else len(op.derivatives)
    names = ["g", "y", *(f"argument {k}" for k in range(count))]
    pairs = [(0, 1), (1, 2)] if count == 1 else combinations(range(2, count + 2), 2)
    for j, k in pairs:
        yield f"{names[j]} with {names[k]}", partial(_swapped, op.derivatives[i], j, k)


def _swapped(rule: Rule, j: int, k: int, /, *given: Any, **options: Any) -> Any:
    exchanged = [*given]
    if k < len(given):
        exchanged[j], exchanged[k] = given[k], given[j]
    return rule(*exchanged, **options)


def settings(**changes: Callable[[Any, int], Any]) -> Kind:
    """Return a kind that changes settings, given the number of axes."""

    def variants(op: Op, i: int) -> Variants:
        rule = op.derivatives[i]
        for name in signature(rule).parameters:
            if name in changes:
                change = changes[name]
                yield f"{change.__name__} for {name}", partial(_with_setting, rule, name, change)

    return variants


def _with_setting(
    rule: Rule, name: str, change: Change, g: Any, y: Any, /, *args: Any, **options: Any
) -> Any:
    ndim = max(len(_shape(y)), len(_shape(args[0])))
    return rule(g, y, *args, **{**options, name: change(options[name], ndim)})


def next_axis(axis: Any, ndim: int) -> Any:
    """Return the axis, or axes, after those that came."""
    if isinstance(axis, tuple):
        return tuple((k + 1) % ndim for k in axis)
    return axis if axis is None else (axis + 1) % ndim


def other_order(axes: Any, ndim: int) -> Any:
    """Return another permutation of axes."""
    return tuple(range(ndim)) if axes is None else (*axes[1:], *axes[:1])


def other_place(index: Any, ndim: int) -> Any:
    """Return an index that picks from other axes."""
    return index[::-1] if isinstance(index, tuple) else (Ellipsis, index)


def shifted(part: Any, ndim: int = 0) -> Any:
    """Return an index one off, in its range wherever that has two elements or more."""
    if isinstance(part, tuple):
        return tuple(map(shifted, part))
    if isinstance(part, slice):
        return slice(shifted(part.start), shifted(part.stop), part.step)
    if part is None or part is Ellipsis:
        return part
    part = np.asarray(part)
    moved = np.roll(part, 1) if part.dtype == bool else part + np.where(part > 0, -1, 1)
    return moved if moved.ndim else moved.item()


def shifted_integers(op: Op, i: int) -> Variants:
    """Hand the rule labels one off, if the operation takes any."""

    def other(arg: Any) -> Any:
        if not hasattr(arg, "dtype") or arg.dtype.kind != "i":
            return arg
        is_node = isinstance(arg, Tensor)
        moved = np.asarray(shifted(arg.data if is_node else arg))
        return Tensor(moved) if is_node else moved

    def mutant(*given: Any, **options: Any) -> Any:
        return rule(*map(other, given), **options)

    rule = op.derivatives[i]
    calls = calls_of(op.name, 1, EXAMPLES)
    if any(arg.dtype.kind == "i" for sample, _ in calls for arg in sample.args):
        yield "shifted integers", mutant


def next_argument(op: Op, i: int) -> Variants:
    """Give an argument what is the next one's, where all have the same rule."""

    def mutant(g: Any, y: Any, /, *args: Any, **options: Any) -> Any:
        return rules[(i + 1) % len(args)](g, y, *args, **options)

    rules = op.derivatives
    if isinstance(rules, Each):
        yield "next argument", mutant


def wrong_dtype(op: Op, i: int) -> Variants:
    """Compute in one dtype whatever came, or round to float32 on the way."""

    def mutant(back: bool, narrow: str, /, g: Any, *rest: Any, **options: Any) -> Any:
        return cast(rule(cast(g, narrow, back), *rest, **options), narrow, back)

    rule = op.derivatives[i]
    for name in ("float32", "float64"):
        yield f"in {name}", partial(mutant, False, name)
    yield "through float32 and back", partial(mutant, True, "float32")


def cast(array: Any, dtype: str, back: bool) -> Any:
    """Return an array, or a node of one, in another dtype, or rounded to it."""
    if not hasattr(array, "dtype"):  # a number, or a Value
        return array
    moved = micrograd.astype(array, dtype)
    return micrograd.astype(moved, array.dtype) if back else moved


# Faults in the formula

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.MatMult)


def dropped_terms(op: Op, i: int) -> Variants:
    """Leave one operand out of a sum, product or quotient of the rule or of its helpers."""
    rule = op.derivatives[i]
    function, first = (rule.func, rule.args) if isinstance(rule, partial) else (rule, ())
    for part in (function, *helpers_of(function)):
        for text, tree in without_an_operand(source_of(part)):
            yield text, partial(rebuilt(function, part, tree), *first)


def helpers_of(function: Any) -> list[FunctionType]:
    """Return the private functions of its module that a function calls, directly or not."""
    scope = function.__globals__
    found: list[FunctionType] = []
    for name in function.__code__.co_names:
        helper = scope.get(name)
        if isinstance(helper, FunctionType) and name[0] == "_" and helper.__globals__ is scope:
            found += [helper, *helpers_of(helper)]
    return list(dict.fromkeys(found))


def source_of(function: Any) -> ast.Lambda | ast.FunctionDef:
    """Return the tree of the lambda or def that made a function."""
    code = function.__code__
    nodes = list(ast.walk(ast.parse(Path(code.co_filename).read_bytes())))
    if code.co_name != "<lambda>":
        defs = (n for n in nodes if isinstance(n, ast.FunctionDef))
        return next(n for n in defs if n.name == code.co_name)
    # An instruction that comes from nothing in the text has an empty place.
    spots = [(line, column) for line, _, column, end in code.co_positions() if column != end]
    return next(
        n
        for n in nodes
        if isinstance(n, ast.Lambda)
        and n.lineno == code.co_firstlineno
        and (n.lineno, n.col_offset) <= min(spots)
        and max(spots) < (n.end_lineno, n.end_col_offset)
    )


def without_an_operand(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield the tree with one operand in place of an operation, for each there is."""
    for k in range(len(_operations(tree))):
        for side in ("left", "right"):
            copy = deepcopy(tree)
            old = _operations(copy)[k]
            new = getattr(old, side)
            yield f"{ast.unparse(old)} → {ast.unparse(new)}", _Substitute(old, new).visit(copy)


def _operations(tree: ast.AST) -> list[ast.BinOp]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, OPERATORS)]


class _Substitute(ast.NodeTransformer):
    """Puts one node in the place of another."""

    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else self.generic_visit(node)


def rebuilt(function: Any, part: Any, tree: Any) -> Rule:
    """Return a function that uses `tree` in the place of `part`, itself or one of its helpers."""
    scope = dict(function.__globals__)
    for helper in (function, *helpers_of(function)):
        scope[helper.__name__] = FunctionType(helper.__code__, scope)
    if isinstance(tree, ast.Lambda):
        expression = ast.fix_missing_locations(ast.Expression(tree))
        scope[part.__name__] = eval(compile(expression, "<mutant>", "eval"), scope)
    else:
        exec(compile(ast.fix_missing_locations(ast.Module([tree], [])), "<mutant>", "exec"), scope)
    return scope[function.__name__]


def several(*kinds: Kind) -> Kind:
    """Return a kind that has the variants of several."""

    def variants(op: Op, i: int) -> Variants:
        for kind in kinds:
            yield from kind(op, i)

    return variants


KINDS: dict[str, Kind] = {
    "sign": results(negated=lambda r, x: -r),
    "factor-2": results(doubled=lambda r, x: r * 2),
    "factor-1.001": results(enlarged=lambda r, x: r * 1.001),
    "dropped-term": dropped_terms,
    "swapped-arguments": swapped_arguments,
    "no-broadcast-sum": results(first=first_of_repeated, mean=mean_of_repeated),
    "wrong-axis": several(
        settings(axis=next_axis, axes=other_order, index=other_place),
        results(transposed=transposed, flipped=flipped),
    ),
    "wrong-dtype": wrong_dtype,
    "off-by-one": several(
        results(rolled=rolled), settings(index=shifted), shifted_integers, next_argument
    ),
    "zeroed": results(zero=lambda r, x: r * 0),
}
"""The ten kinds of faults by name."""


@contextmanager
def planted(op: Op, i: int, rule: Rule) -> Generator[None, None, None]:
    """Put another rule in the place of derivative i, for as long as the context lasts."""
    rules = op.derivatives

    def each(k: int, *args: Any, **options: Any) -> Any:
        return (rule if k == i else rules[k])(*args, **options)

    if isinstance(rules, Each):
        op.derivatives = Each(each)
    else:
        op.derivatives = (*rules[:i], rule, *rules[i + 1 :])
    try:
        yield
    finally:
        op.derivatives = rules
