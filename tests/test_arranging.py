"""Functions that arrange, repeat, join and split arrays: what NumPy gives, and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from micrograd import ArgumentError, OperandError, ShapeError, Tensor, Value
from micrograd.ops import arranging as ar
from micrograd.ops import joining as jo
from micrograd.ops import repeating as re
from micrograd.ops import reshaping as sh
from tests.agreement import assert_agrees, numbers

CASES: dict[str, tuple[Callable[[Any, Any], Any], tuple[tuple[int, ...], ...]]] = {
    "ravel": (lambda m, x: m.ravel(x), ((), (3,), (2, 3), (2, 0))),
    "moveaxis 0 -1": (lambda m, x: m.moveaxis(x, 0, -1), ((3,), (2, 3), (2, 3, 4), (0, 2))),
    "moveaxis of two": (lambda m, x: m.moveaxis(x, (0, -1), (1, 0)), ((2, 3), (2, 3, 4))),
    "moveaxis of none": (lambda m, x: m.moveaxis(x, (), ()), ((), (2, 3))),
    "expand_dims 0": (lambda m, x: m.expand_dims(x, 0), ((), (3,), (2, 3), (0,))),
    "expand_dims -1": (lambda m, x: m.expand_dims(x, -1), ((), (3,), (2, 3))),
    "expand_dims of two": (lambda m, x: m.expand_dims(x, (0, -2)), ((3,), (2, 3))),
    "squeeze": (lambda m, x: m.squeeze(x), ((), (1,), (1, 3, 1), (2, 3), (1, 0))),
    "squeeze 0": (lambda m, x: m.squeeze(x, 0), ((1,), (1, 3, 1))),
    "squeeze of two": (lambda m, x: m.squeeze(x, axis=(0, -1)), ((1, 1), (1, 3, 1))),
    "squeeze of none": (lambda m, x: m.squeeze(x, ()), ((), (1, 3))),
    "atleast_1d": (lambda m, x: m.atleast_1d(x), ((), (3,), (2, 3), (0,))),
    "atleast_2d": (lambda m, x: m.atleast_2d(x), ((), (3,), (2, 3), (2, 2, 2), (0,))),
    "atleast_3d": (lambda m, x: m.atleast_3d(x), ((), (3,), (2, 3), (2, 2, 2), (1, 2, 1, 2))),
    "atleast_1d of two": (lambda m, x: m.atleast_1d(x, x), ((), (2, 3))),
    "fliplr": (lambda m, x: m.fliplr(x), ((2, 3), (2, 3, 2), (0, 2))),
    "flipud": (lambda m, x: m.flipud(x), ((3,), (2, 3), (2, 3, 2))),
    **{
        f"rot90 by {k}": (lambda m, x, k=k: m.rot90(x, k), ((2, 3), (3, 3), (2, 3, 2), (0, 2)))
        for k in (-1, 0, 1, 2, 3, 4, 6)
    },
    "rot90 in a plane": (lambda m, x: m.rot90(x, 1, (2, 0)), ((2, 3, 4),)),
    "rot90 in a plane, back": (lambda m, x: m.rot90(x, k=3, axes=(-1, 1)), ((2, 3, 4),)),
    "roll of a pair": (lambda m, x: m.roll(x, (1, 2), (0, 1)), ((3, 4),)),
    "diff": (lambda m, x: m.diff(x), ((3,), (2, 3), (1,), (0,), (2, 3, 4))),
    "diff of order 0": (lambda m, x: m.diff(x, 0) * 1, ((3,),)),
    "diff of order 2": (lambda m, x: m.diff(x, n=2, axis=0), ((4,), (3, 2), (1, 2))),
    "repeat of all": (lambda m, x: m.repeat(x, 2), ((), (3,), (2, 3))),
    "repeat 0": (lambda m, x: m.repeat(x, 0, axis=0) * 1, ((0, 3), (2, 0))),
    "repeat by one number": (lambda m, x: m.repeat(x, [2], axis=1), ((2, 3),)),
    "pad edge": (lambda m, x: m.pad(x, 2, "edge"), ((), (3,), (2, 3), (1, 1))),
    "pad reflect": (lambda m, x: m.pad(x, (1, 2), "reflect"), ((3,), (3, 4), (2,), (1, 3))),
    "pad reflect, far": (lambda m, x: m.pad(x, 5, mode="reflect"), ((3,), (2, 3))),
    "pad symmetric": (lambda m, x: m.pad(x, ((1, 2), (3, 0)), "symmetric"), ((2, 3),)),
    "pad wrap": (lambda m, x: m.pad(x, (4, 2), "wrap"), ((3,), (2, 3))),
    "pad nothing": (lambda m, x: m.pad(x, 0, "edge"), ((3,), (0, 2))),
    "pad nothing of an empty axis": (
        lambda m, x: m.pad(x, ((0, 0), (1, 0)), mode="edge"),
        ((0, 2),),
    ),
    "pad by a row": (lambda m, x: m.pad(x, [[1, 2]], constant_values=3), ((2, 3),)),
    "pad with a constant for each side": (
        lambda m, x: m.pad(x, 1, constant_values=((1, 2), (3, 4))),
        ((2, 3),),
    ),
    "tile in new axes": (lambda m, x: m.tile(x, (2, 1, 2)), ((), (3,), (2, 3))),
    "split in 1": (lambda m, x: m.split(x, 1), ((3,), (0, 2))),
    "split in 2": (lambda m, x: m.split(x, 2, axis=-1), ((4,), (3, 2), (2, 0))),
    "split at places": (lambda m, x: m.split(x, [1, 3]), ((4,), (2, 2), (1,))),
    "split at places out of order": (lambda m, x: m.split(x, (3, 1, -1, 9)), ((4,), (5, 2))),
    "split at no place": (lambda m, x: m.split(x, []), ((4,),)),
    "array_split in 3": (lambda m, x: m.array_split(x, 3), ((4,), (5, 2), (3,), (1,), (0,))),
    "array_split at places": (lambda m, x: m.array_split(x, np.array([1, 2]), 1), ((2, 3),)),
    "hsplit": (lambda m, x: m.hsplit(x, 2), ((4,), (3, 2), (3, 4, 2))),
    "vsplit": (lambda m, x: m.vsplit(x, 2), ((2, 3), (4, 1, 2))),
    "hstack": (lambda m, x: m.hstack([x, x * 2]), ((), (3,), (2, 3), (2, 3, 2), (0,))),
    "vstack": (lambda m, x: m.vstack([x, x * 2]), ((), (3,), (2, 3), (2, 3, 2), (0,))),
    "dstack": (lambda m, x: m.dstack([x, x * 2]), ((), (3,), (2, 3), (2, 3, 2), (0,))),
    "column_stack": (lambda m, x: m.column_stack([x, x * 2]), ((), (3,), (2, 3), (0,))),
    "meshgrid of one": (lambda m, x: m.meshgrid(x), ((), (3,), (0,))),
    "meshgrid of two": (lambda m, x: m.meshgrid(x, x[1:]), ((3,),)),
    "meshgrid by index": (lambda m, x: m.meshgrid(x, x[1:], indexing="ij"), ((3,),)),
    "meshgrid of three": (lambda m, x: m.meshgrid(x, x[1:], x[2:]), ((5,),)),
}
CALLS = [(name, shape) for name, (_, shapes) in CASES.items() for shape in shapes]


class Ours:
    """All functions of the family under one name, as NumPy has them."""

    def __getattr__(self, name: str) -> Any:
        return next(getattr(m, name) for m in (ar, sh, re, jo) if name in m.__all__)


@pytest.mark.parametrize(("name", "shape"), CALLS)
def test_a_function_gives_what_numpy_gives_and_has_right_gradients(
    name: str, shape: tuple[int, ...]
) -> None:
    call = CASES[name][0]

    assert_agrees(lambda x: call(Ours(), x), lambda x: call(np, x), numbers(*shape))  # asserts


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("hstack", [(2,), (3,), ()]),
        ("hstack", [(2, 1), (2, 3)]),
        ("vstack", [(3,), (2, 3)]),
        ("dstack", [(2, 3), (2, 3, 2)]),
        ("column_stack", [(2,), (2, 3), (2,)]),
    ],
)
def test_what_is_joined_may_differ_in_shape(name: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]

    assert_agrees(
        lambda *xs: getattr(jo, name)(list(xs)), lambda *xs: getattr(np, name)(xs), *arrays
    )  # asserts


def test_a_tensor_is_joined_with_arrays_and_lists() -> None:
    x = Tensor([1.0, 2.0])
    joined = jo.hstack([[7.0], x, np.array([8.0])])
    joined.backward([1.0, 2.0, 3.0, 4.0])

    assert joined.data.tolist() == [7, 1, 2, 8]
    assert x.grad.tolist() == [2, 3]


def test_the_settings_of_a_repeat_are_its_own() -> None:
    counts = np.array([1, 2])
    x = Tensor([1.0, 2.0])
    y = re.repeat(x, cast(Any, counts))
    counts[:] = 0
    y.backward([1.0, 10.0, 100.0])

    assert x.grad.tolist() == [1, 110]


def test_integers_stay_integers() -> None:
    x = Tensor([1, 2, 3])

    for result in (ar.flip(x), ar.roll(x, 1), re.pad(x, 1), re.tile(x, 2), re.repeat(x, 2)):
        assert result.dtype == x.dtype
        assert not result.requires_grad


X = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sh.moveaxis(X, 2, 0), ShapeError, r"moveaxis: axis 2 .* 2 axes.*-2 to 1"),
        (lambda: sh.moveaxis(X, (0, 0), (0, 1)), ShapeError, "moveaxis: .*several times"),
        (lambda: sh.moveaxis(X, (0, 1), 0), ShapeError, "moveaxis: 2 axes came for 1 places"),
        (
            lambda: sh.moveaxis(X, cast(Any, 0.5), 0),
            OperandError,
            r"moveaxis: an axis is an integer.*0\.5",
        ),
        (lambda: sh.expand_dims(X, 3), ShapeError, "expand_dims: axis 3"),
        (lambda: sh.expand_dims(X, (0, 0)), ShapeError, "expand_dims: .*several times"),
        (lambda: sh.squeeze(X, 0), ShapeError, r"squeeze: axis 0 of shape \(2, 3\) has length 2"),
        (lambda: sh.squeeze(X, 5), ShapeError, "squeeze: axis 5"),
        (lambda: ar.flip(X, 2), ShapeError, "flip: axis 2"),
        (lambda: ar.flip(1.0, 0), ShapeError, "flip: axis 0 .* One number has none"),
        (lambda: ar.fliplr([1.0]), ShapeError, "fliplr: axis 1"),
        (lambda: ar.flipud(1.0), ShapeError, "flipud: axis 0"),
        (lambda: ar.rot90([1.0]), ShapeError, "rot90: axis 1"),
        (lambda: ar.rot90(X, 1, (0, 0)), ShapeError, "rot90: .*several times"),
        (lambda: ar.rot90(X, 1, cast(Any, (0,))), ShapeError, "rot90: a plane has two axes"),
        (lambda: ar.roll(X, 1, 2), ShapeError, r"roll: .*\(2, 3\)"),
        (lambda: ar.roll(X, (1, 2), (0, 1, 0)), ShapeError, "roll: "),
        (
            lambda: ar.roll(X, cast(Any, 0.5)),
            ArgumentError,
            r"roll: shift is an integer .* came 0\.5",
        ),
        (lambda: ar.diff(X, -1), ArgumentError, "diff: n is how often.* came -1"),
        (lambda: ar.diff(1.0), ShapeError, "diff: axis -1"),
        (lambda: re.repeat(X, -1), ArgumentError, "repeat: repeats .* from 0 up, but came -1"),
        (lambda: re.repeat(X, cast(Any, 0.5)), ArgumentError, r"repeat: repeats .* came 0\.5"),
        (lambda: re.repeat(X, [1, 2, 3], 0), ShapeError, r"repeat: .*\(3,\) came for 2 elements"),
        (lambda: re.repeat(X, 2, 2), ShapeError, "repeat: axis 2"),
        (lambda: re.tile(X, (1, -1)), ArgumentError, "tile: reps .* from 0 up"),
        (lambda: re.pad(X, -1), ArgumentError, "pad: pad_width .* from 0 up"),
        (lambda: re.pad(X, 0.5), ArgumentError, "pad: pad_width .* from 0 up"),
        (lambda: re.pad(X, (1, 2, 3)), ShapeError, r"pad: pad_width of shape \(3,\) .* 2 axes"),
        (lambda: re.pad(X, 1, "linear"), ArgumentError, "pad: mode 'linear' is none of constant"),
        (lambda: re.pad(np.zeros(0), 1, "edge"), ShapeError, "pad: .*no elements to copy"),
        (
            lambda: re.pad(X, 1, constant_values=Tensor(1.0)),
            OperandError,
            "pad: constant_values has no gradient",
        ),
        (lambda: re.meshgrid(X), ShapeError, "meshgrid: coordinates have one axis"),
        (lambda: re.meshgrid([1], indexing="x"), ArgumentError, "meshgrid: indexing .*'x'"),
        (lambda: jo.split(X, 2, 1), ArgumentError, "split: 3 elements .* 2 equal.*array_split"),
        (lambda: jo.split(X, 0), ArgumentError, "split: the number of parts .* came 0"),
        (
            lambda: jo.array_split(X, cast(Any, 1.5)),
            ArgumentError,
            r"array_split: the number .* came 1\.5",
        ),
        (lambda: jo.split(X, 2, 2), ShapeError, "split: axis 2"),
        (lambda: jo.hsplit(1.0, 1), ShapeError, "hsplit: axis 0"),
        (lambda: jo.vsplit([1.0, 2.0], 2), ShapeError, "vsplit: axis 1"),
        (lambda: jo.hstack([]), ShapeError, "hstack: expected a list of one or more"),
        (lambda: jo.vstack(cast(Any, Tensor(X))), ShapeError, "vstack: expected a list"),
        (lambda: jo.vstack([X, [1.0]]), ShapeError, "concatenate: "),
        (lambda: ar.flip(Value(1.0)), OperandError, "flip: takes arrays.*Use Tensors"),
        (lambda: jo.hstack([Value(1.0)]), OperandError, "hstack: takes arrays.*Use Tensors"),
        (lambda: re.pad(Value(1.0), 1), OperandError, "pad: takes arrays.*Use Tensors"),
        (lambda: sh.ravel(Value(1.0)), OperandError, "takes arrays.*Use Tensors"),
    ],
)
def test_wrong_input_is_refused_with_a_reason(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call()


MASK = np.array([False, True, False, True])


@pytest.mark.parametrize(
    ("move", "mask"),
    [
        (lambda x: ar.flip(x), MASK[::-1]),
        (lambda x: ar.roll(x, 1), np.roll(MASK, 1)),
        (
            lambda x: re.repeat(x, [1, 2, 1, 2]) * [1, 0.5, 0.5, 1, 0.5, 0.5],
            MASK[[0, 1, 1, 2, 3, 3]],
        ),
        (lambda x: re.tile(x, 2) * 0.5, np.tile(MASK, 2)),
        (lambda x: re.pad(x, 1), np.pad(MASK, 1)),
        (lambda x: jo.hstack(jo.split(x, 2)), MASK),
    ],
)
def test_where_leaks_nothing_through_a_move(move: Callable[[Any], Any], mask: Any) -> None:
    from micrograd import where

    x = Tensor([0.0, 2.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        y = where(mask, move(x.log()), 0)
    y.backward(np.ones(y.shape))

    np.testing.assert_allclose(x.grad, [0, 0.5, 0, 0.25])
