"""Where the engine lets a recorder in: the data and gradients of nodes, and the functions of ops.

While a call is recorded, in whatever context, these attributes stand behind descriptors, which
ask whether the context is that of a recorder. All other contexts, and threads, get what they
always get.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock
from typing import Any

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.recording.call_of import CallOf
from micrograd.compiler.recording.number import Number
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.symbols import Symbol
from micrograd.core.node import Node
from micrograd.core.op import Each, Op, Together
from micrograd.core.user_rules import no_gradient
from micrograd.errors import CompileError

Function = Callable[..., Any]

DATA: Any = Node.__dict__["_data"]
GRAD: Any = Node.__dict__["_grad"]
VERSION: Any = Node.__dict__["_version"]
"""The slots themselves."""

current: ContextVar[Any] = ContextVar("current", default=None)
"""The recorder of this context."""

_recorder = current.get
_get_data, _set_data = DATA.__get__, DATA.__set__
_get_grad, _set_grad = GRAD.__get__, GRAD.__set__
_lock = Lock()
_open = 0


@contextmanager
def recording(recorder: Any) -> Generator[None]:
    """Let a recorder in, in this context, for a block."""
    global _open
    with _lock:
        _open += 1
        if _open == 1:
            for kind, name, seam in _SEAMS:
                setattr(kind, name, seam)
    token = current.set(recorder)
    try:
        yield
    finally:
        current.reset(token)
        with _lock:
            _open -= 1
            if not _open:
                for kind, name, seam in _SEAMS:
                    seam.remove(kind, name)


def has_data(node: Node) -> bool:
    """Tell whether a node has been given its data."""
    try:
        DATA.__get__(node)
    except AttributeError:
        return False
    return True


class _Data:
    """The data of nodes, for which a recorder may have a symbol."""

    def remove(self, kind: Any, name: str) -> None:
        setattr(kind, name, DATA)

    def __get__(self, node: Any, owner: Any = None) -> Any:
        if node is None:
            return self
        x = _get_data(node)
        if x.__class__ is Number:
            return x
        recorder = _recorder()
        return x if recorder is None else recorder.read_data(node, x)

    def __set__(self, node: Any, x: Any) -> None:
        recorder = _recorder()
        if recorder is None or not recorder.write_data(node, x):
            _set_data(node, x)


class _Grad:
    """The gradients of nodes, likewise; those of computed nodes are always their own."""

    def remove(self, kind: Any, name: str) -> None:
        setattr(kind, name, GRAD)

    def __get__(self, node: Any, owner: Any = None) -> Any:
        if node is None:
            return self
        x = _get_grad(node)
        if node.op is not None:
            return x
        recorder = _recorder()
        return x if recorder is None else recorder.read_grad(node, x)

    def __set__(self, node: Any, x: Any) -> None:
        recorder = _recorder()
        if recorder is None or node is recorder.fresh or not recorder.write_grad(node, x):
            _set_grad(node, x)


class _OfOp:
    """A function of operations that tells a recorder what it is called with."""

    def __init__(self, name: str, told: Callable[[Any, Op, Any], Any]) -> None:
        self.name, self.told = name, told

    def remove(self, kind: Any, name: str) -> None:
        delattr(kind, name)

    def __get__(self, op: Any, owner: Any = None) -> Any:
        if op is None:
            return self
        raw = op.__dict__[self.name]
        recorder = current.get()
        if recorder is None:
            return raw
        key = self.name, id(op)
        known = recorder.seams.get(key)
        if known is None or known[0] is not raw:
            known = recorder.seams[key] = raw, self.told(recorder, op, raw)
        return known[1]

    def __set__(self, op: Any, value: Any) -> None:
        op.__dict__[self.name] = value


def _scalar(recorder: Any, op: Op, raw: Function) -> Function:
    def scalar(*args: Any, **settings: Any) -> Any:
        for arg in args:
            if arg.__class__ is Number:
                recorder.backward &= recorder.depth > 0
                return recorder.tell_number(op, args, settings)
        return raw(*args, **settings)

    return scalar


def _forward(recorder: Any, op: Op, raw: Function) -> Function:
    as_it_is = CallOf(op, "forward")

    def forward(*args: Any, **settings: Any) -> Any:
        kinds = {arg.__class__ for arg in args}
        if not any(issubclass(kind, Symbolic) for kind in kinds):
            if not _has_symbols(settings):
                return raw(*args, **settings)
            args = tuple(map(recorder.constant_array, args))  # that a symbol is to pick from
        recorder.backward &= recorder.depth > 0
        if not op.arrays_only:
            if kinds <= {Number, float, int, bool}:
                return recorder.tell_number(op, args, settings)
            if sys._getframe(1).f_code is Op.__call__.__code__ and all(map(_is_float, args)):
                numbers = tuple([a.item() if isinstance(a, Symbol) else a for a in args])
                return recorder.tell_number(op, numbers, settings)
        return recorder.attempt(as_it_is, raw, args, settings)

    return forward


def _is_float(thing: Any) -> bool:
    """Tell whether an operation takes an argument for a Python number, as it does NumPy's float."""
    return isinstance(thing._example if isinstance(thing, Symbol) else thing, (float, int, Number))


def _has_symbols(thing: Any) -> bool:
    """Tell whether settings, such as an index, hold symbols."""
    if is_a(thing, tuple, list):
        return any(map(_has_symbols, thing))
    if is_a(thing, dict):
        return bool(thing) and any(map(_has_symbols, thing.values()))
    return isinstance(thing, Symbolic)


def _derivatives(recorder: Any, op: Op, raw: Any) -> Any:
    if isinstance(raw, Together):
        return Together(_together(recorder, op, raw.rule))
    if isinstance(raw, Each):

        def rule(i: int, *args: Any, **settings: Any) -> Any:
            return _rule(recorder, op, raw[i], i)(*args, **settings)

        return Each(rule)
    return tuple([_rule(recorder, op, rule, i) for i, rule in enumerate(raw)])


def _rule(recorder: Any, op: Op, raw: Function, i: int) -> Function:
    if raw is no_gradient:
        return raw
    as_it_is = CallOf(op, "derivative", i)

    def rule(*args: Any, **settings: Any) -> Any:
        if args[0].__class__ is Number and not op.foreign:  # the commonest
            recorder.backward = True
            recorder.depth += 1
            try:
                return raw(*args, **settings)
            except CompileError:  # it asks for a number: it is called as it is, below
                pass
            finally:
                recorder.depth -= 1
        if not any([isinstance(arg, Symbolic) for arg in args]):
            return raw(*args, **settings)
        recorder.backward = True
        return recorder.attempt(as_it_is, raw, args, settings)

    vars(rule)["__wrapped__"] = raw  # for the names of the arguments
    return rule


def _together(recorder: Any, op: Op, raw: Function) -> Function:
    def rule(g: Any, *known: Any, **settings: Any) -> Any:
        if not any([isinstance(arg, Symbolic) for arg in (g, *known)]):
            return raw(g, *known, **settings)
        recorder.backward = True
        found: list[Function] = []

        def one(i: int) -> Any:
            def gradient(*args: Any, **settings: Any) -> Any:
                if not found:
                    found.append(raw(*args, **settings))
                return found[0](i)

            return recorder.attempt(CallOf(op, "derivative", i), gradient, (g, *known), settings)

        return one

    vars(rule)["__wrapped__"] = raw
    return rule


_SEAMS: Any = (
    (Node, "_data", _Data()),
    (Node, "_grad", _Grad()),
    (Op, "scalar", _OfOp("scalar", _scalar)),
    (Op, "forward", _OfOp("forward", _forward)),
    (Op, "derivatives", _OfOp("derivatives", _derivatives)),
)
