"""Layouts: how the values of a tape lie in memory, and which share it, before there are numbers.

NumPy decides it by shapes, strides and dtypes. So each call is made for arrays of zeros that lie
in memory as the real ones will, or, where the rule is simple, only its result is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from micrograd.compiler.lowering.arrays.calls import UFUNCS, is_draw, is_pure, is_ufunc
from micrograd.compiler.recording import programs
from micrograd.compiler.recording.programs import Form, Slot, form_of, is_a, mapped
from micrograd.compiler.recording.tape import Tape, slots_in

UNKNOWN: Any = object()
"""Stands for a value of which only the form is known."""


Layout = tuple[int, ...] | type
"""How an input lies in memory: its strides, or, if it has no axes, its class."""


def models_of(tape: Tape, slots: Sequence[int], layouts: Mapping[int, Layout]) -> dict[int, Any]:
    """Return arrays of zeros that lie in memory as the values of slots will, or `UNKNOWN`.

    Args:
        tape: what was recorded.
        slots: those wanted, in order, with all that they depend on.
        layouts: those of the inputs; one that is not named is an array in C order.
    """
    models: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for slot in slots:
            models[slot] = _model(tape, slot, models, layouts)
    return models


def layout_of(x: Any) -> Layout:
    """Return how an input lies in memory.

    >>> layout_of(np.ones((2, 3)).T), layout_of(np.float32(1.0))
    ((8, 24), <class 'numpy.float32'>)
    """
    return x.strides or x.__class__


def _model(tape: Tape, slot: int, models: dict[int, Any], layouts: Mapping[int, Layout]) -> Any:
    operation, form = tape.operations[slot], tape.forms[slot]
    if slot in tape.constants:
        return tape.constants[slot]
    if tape.is_number(slot):
        return form(1)
    if not tape.is_call(slot):
        return laid_out(form, layouts.get(slot))
    args, settings = tape.arguments[slot], tape.settings[slot]
    if is_draw(operation) and is_a(form, Form):
        return np.zeros(form.shape, form.dtype)
    used = [models[i] for i in slots_in((args, settings))]
    if any(m is UNKNOWN for m in used) or not is_pure(operation, (args, settings)):
        return UNKNOWN
    if operation is programs.written or operation is programs.into:
        base = models[args[1 if operation is programs.written else 0].number]
        return np.empty_like(base) if is_a(base, np.ndarray) else UNKNOWN
    if is_a(form, Form) and form.shape and _lies_in_c_order(operation, args, settings, models):
        return np.zeros(form.shape, form.dtype)
    args, settings = mapped((args, settings), lambda i: models[i.number] if is_a(i, Slot) else i)
    try:
        model = operation(*args, **settings)
    except Exception:  # zeros are no numbers that it takes
        return UNKNOWN
    return model if form_of(model) == form else UNKNOWN


def laid_out(form: Form, layout: Layout | None) -> Any:
    """Return an array of zeros with the given strides, or in C order.

    >>> laid_out(Form((2, 3), np.dtype(float)), (8, 16)).flags.f_contiguous
    True
    """
    array = np.zeros(form.shape, form.dtype)
    if layout is None or layout == layout_of(array):
        return array
    if isinstance(layout, type):
        return array[()]
    ends = [(n - 1) * stride for n, stride in zip(form.shape, layout, strict=True) if n]
    low = sum(end for end in ends if end < 0)
    size = sum(end for end in ends if end > 0) - low + array.itemsize
    return np.ndarray(form.shape, form.dtype, np.zeros(size, np.uint8), -low, layout)


def _lies_in_c_order(operation: Any, args: Any, settings: Any, models: dict[int, Any]) -> bool:
    """Tell whether it is plain that a call gives a new array in C order."""
    operation = UFUNCS.get(operation, operation) if operation.__hash__ else operation
    if settings:
        return False
    arrays = [models[i.number] if is_a(i, Slot) else i for i in args]
    if operation is np.matmul:
        return all(a.ndim == 2 for a in arrays)
    return is_ufunc(operation) and all(
        is_a(a, int, float, np.generic) or (is_a(a, np.ndarray) and a.flags.c_contiguous)
        for a in arrays
    )


def lies_alike(a: Any, b: Any) -> bool:
    """Tell whether two models are arrays of one form that lie in memory in one way.

    Of an array of no axes nobody knows whether it is an array or a number of NumPy's.
    """
    if not (is_a(a, np.ndarray) and is_a(b, np.ndarray) and a.ndim):
        return False
    return a.dtype == b.dtype and a.shape == b.shape and (a.strides == b.strides or not a.size)


def order_of(model: Any) -> str:
    """Return the order in which an array lies densely: C, F, or an empty text for neither.

    >>> order_of(np.ones((2, 3)).T), order_of(np.ones(4)[::2])
    ('F', '')
    """
    if not is_a(model, np.ndarray):
        return ""
    return "C" if model.flags.c_contiguous else "F" if model.flags.f_contiguous else ""


def root_of(model: Any) -> int:
    """Return a number for the memory that a model lies in, the same for all views of it."""
    while getattr(model, "base", None) is not None:  # of strided views, others have a base, too
        model = model.base
    return id(model)


def shares(a: Any, b: Any) -> bool:
    """Tell whether two models, or parts of them, lie in the same memory.

    >>> x = np.ones(3)
    >>> shares(x[1:], (x, 2)), shares(x, x.copy())
    (True, False)
    """
    return bool(_roots(a) & _roots(b))


def _roots(model: Any) -> set[int]:
    if is_a(model, tuple, list):
        return set[int]().union(*map(_roots, model))
    return {root_of(model)} if is_a(model, np.ndarray) else set()
