"""A function that is recorded at its first calls, and runs as a program from then on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import update_wrapper
from pathlib import Path
from types import CodeType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import numpy as np

from micrograd.compiler.program import CompiledProgram
from micrograd.compiler.recording.agreement import difference
from micrograd.compiler.recording.arguments import Arguments
from micrograd.compiler.recording.draws import stand_in
from micrograd.compiler.recording.picking import OF_AN_INDEX, Picking
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.recording.recognizing import Recognizer, nothing, recognizer
from micrograd.compiler.recording.recorder import Recorder
from micrograd.compiler.recording.recording import Out, Recording, seams
from micrograd.compiler.replaying.checking import checked
from micrograd.compiler.replaying.naming import input_names, parameters_of
from micrograd.compiler.replaying.outcome import Outcome
from micrograd.compiler.replaying.replay import FAILED, Replay
from micrograd.compiler.watching.stand_ins import with_stand_ins
from micrograd.compiler.watching.watch import Watch
from micrograd.core.modes import listening
from micrograd.errors import CompileError

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")


class Case:
    """One way that a function goes: what it names from outside, and what was recorded of it.

    Attributes:
        places: by node that came as an argument, its place among the arguments.
        pinned: nodes that came as arguments and are named from outside, too, with their places.
        replay: the program, once two recordings have agreed.
    """

    def __init__(self, watch: Watch, recording: Recording, given: Arguments) -> None:
        self.watch, self.recording, self.key = watch, recording, given.key
        nodes = given.nodes()
        self.places = {node: at for node, at in nodes.items() if id(node) not in watch.names}
        self.pinned = [(at, node) for node, at in nodes.items() if node not in self.places]
        self.fixed = {node for node in recording.nodes if node not in self.places}
        self.replay: Replay | None = None
        self.names: list[str] = []
        self.calls = 0  # of the program, where it is checked

    def fits(self, given: Arguments) -> bool:
        """Tell whether the nodes among the arguments are others than those named from outside."""
        if not self.pinned and not self.places:
            return True
        leaves = given.leaves
        return all([leaves[at] is node for at, node in self.pinned]) and not any(
            [leaves[at] in self.fixed for at in self.places.values()]
        )


class CompiledFunction(Generic[P, R]):
    """A function that `compile` made of another: called as that is.

    Attributes:
        programs: those that there are, one for each case that came.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, R]

    def __init__(
        self,
        f: Callable[P, R],
        max_programs: int,
        checks: bool,
        scalars: str | None,
        exact: bool,
    ) -> None:
        self._f = f
        self._max_programs = max_programs
        self._checks = checks
        self._how = scalars, exact
        self._recorded_once = 0  # how often it was recorded, and nothing agreed
        self._cases: dict[Any, list[Case]] = {}
        self._recognizers: dict[Any, Recognizer] = {}  # by the key of arguments
        self._latest: tuple[Recognizer, list[Case]] = nothing, []
        self._picks = True  # whether indices that are recorded pick
        self._subscripts: set[CodeType] = set()  # code in which they do
        self._why = "the arguments were of other kinds, shapes or dtypes"
        update_wrapper(self, f)

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if seams.current.get() is not None or listening.get() is not None:
            return self._f(*args, **kwargs)  # inside another compiled function, or debug()
        recognize, cases = self._latest
        leaves = recognize(args, kwargs)
        if leaves is not None:
            for case in cases:
                if case.replay is not None and case.watch.changed() is None:
                    found = case.replay(leaves)
                    if found is not FAILED:
                        return found
        return self._called(args, kwargs)

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make a call whose arguments are not like the latest, or for which no case was right."""
        given = Arguments(args, kwargs)
        if given.has_nodes:
            if given.is_followed():
                return self._f(*args, **kwargs)  # a transform differentiates it, from outside
            given.require_leaves()
        cases = self._cases.get(given.key)
        if cases is None:
            cases = self._cases[given.key] = []
        for case in cases:
            if case.replay is None or not case.fits(given):
                continue
            changed = case.watch.changed()
            if changed is not None:
                self._why = changed
                continue
            found = case.replay(given.leaves) if not self._checks else self._checked(case, given)
            if found is not FAILED:
                self._expect(given, cases)
                return found
        return self._recorded(given, cases)

    def _expect(self, given: Arguments, cases: list[Case]) -> None:
        """Let the next arguments be known at a glance if they are like those given."""
        if self._checks:
            return
        if given.key not in self._recognizers:
            self._recognizers[given.key] = recognizer(given)
        self._latest = self._recognizers[given.key], cases

    def _checked(self, case: Case, given: Arguments) -> Any:
        """Run the program of a case; at calls 1, 2, 4, 8 and so on beside the function itself."""
        assert case.replay is not None
        case.calls += 1
        if case.calls & (case.calls - 1):
            return case.replay(given.leaves)
        args, kwargs = given.filled(given.leaves)
        nodes = [*case.fixed, *given.nodes()]
        try:
            return checked(
                repr(self), case.replay, given.leaves, lambda: self._f(*args, **kwargs), nodes
            )
        except CompileError:
            self._cases[given.key].remove(case)
            raise

    @property
    def programs(self) -> list[CompiledProgram]:
        """Return the programs that there are."""
        return [self._program_of(case) for case in self._ready()]

    def _ready(self) -> list[Case]:
        return [case for cases in self._cases.values() for case in cases if case.replay]

    def program(self, /, *args: P.args, **kwargs: P.kwargs) -> CompiledProgram:
        """Record a call without making it, and return the program.

        Args:
            args: as the function takes them; nothing that it writes to is changed.
            kwargs: likewise.

        Raises:
            CompileError: if the function does what a program cannot.
        """
        given = Arguments(args, kwargs)
        given.require_leaves()
        cases = self._cases.setdefault(given.key, [])
        watch = self._watch(given)
        found: list[Case] = []
        for _ in range(2):
            recording = self._record(watch, given)
            recording.draws.put_back()
            case = Case(watch, recording, given)
            known = next((one for one in cases if self._is_known(one, case)), None)
            if known is not None:
                return self._program_of(known)
            found.append(self._agreeing(case, cases, given))
        return self._program_of(found[-1])

    def _is_known(self, ready: Case, case: Case) -> bool:
        """Tell whether a case with a program is that which was recorded anew."""
        if ready.replay is None or ready.watch.changed() is not None:
            return False
        places = {**ready.places, **case.places}
        return difference(ready.recording, case.recording, places) is None

    def _recorded(self, given: Arguments, cases: list[Case]) -> Any:
        """Record a call, and make it."""
        watch, written = self._watch_for(given, cases)
        case = Case(watch, self._record(watch, given), given)
        recording = case.recording
        outputs = [*recording.examples]
        try:
            self._agreeing(case, cases, given, written)
        except BaseException:
            recording.draws.put_back()
            raise
        values = [_own(value) for value in recording.examples.values()]
        return Outcome(recording, case.places, outputs).finish(values, given.leaves)

    def _watch_for(self, given: Arguments, cases: list[Case]) -> tuple[Watch, list[Any]]:
        """Return what to watch, and which arrays have other elements than at a call before.

        Those are inputs as far as was seen. Once two calls with other elements have done the
        same, their elements are no longer watched.
        """
        for case in cases:
            if not case.fits(given):
                continue
            watch = case.watch
            written = watch.written(case.recording.arrays)
            if (case.replay is None or written) and watch.changed(written) is None:
                watch.renew(written)
                return watch, written
        return self._watch(given), []

    def _watch(self, given: Arguments) -> Watch:
        names = parameters_of(self._f)
        return Watch(self._f, {given.name(at, names): one for at, one in given.others.items()})

    def _record(self, watch: Watch, given: Arguments) -> Recording:
        """Call the function on symbols, and return what it did, with nothing changed.

        If that shows where lists are indexed by recorded numbers, it is called again, on copies
        of its code that pick; and if that cannot be, without them ever after.
        """
        if watch.refused:
            raise CompileError(
                f"compile: {self!r} reads {watch.refused[0]}, whose state a program does not see, "
                "so that it would go on with what that gave once. Give what it yields, or holds, "
                "as an argument."
            )
        while True:
            recorder = Recorder(watch.arrays, watch.generators)
            try:
                recording = self._record_once(recorder, watch, given)
            except Exception:
                if not self._learns(recorder.picking):
                    raise
            else:
                if not self._learns(recorder.picking):
                    return recording
            recorder.draws.put_back()

    def _learns(self, picking: Picking) -> bool:
        """Tell whether a recording showed that the function has to be recorded in another way."""
        if picking.failed:
            self._picks = False
            return True
        for line in picking.subscripts.values():
            self._why = f"an index decides, at {line} ({OF_AN_INDEX})"
        new = picking.subscripts.keys() - self._subscripts
        self._subscripts |= new
        return bool(new) and self._picks

    def _require_results(self, recording: Recording, watch: Watch, given: Arguments) -> None:
        """Refuse to return an object that is made anew at each call, which a program is not."""
        for result in recording.results:
            thing = result.constant if isinstance(result, Out) and result.slot is None else None
            known = is_a(thing, *_PLAIN) or callable(thing) or watch.has_seen(thing)
            if not known and not any([thing is leaf for leaf in given.leaves]):
                raise CompileError(
                    f"compile: {self!r} returns an object of class {type(thing).__name__} that it "
                    "makes, where a program returns numbers, arrays, nodes, and dicts, lists, "
                    "tuples and dataclasses of them. Return what is in it."
                )

    def _record_once(self, recorder: Recorder, watch: Watch, given: Arguments) -> Recording:
        f = self._f
        subscripts = self._subscripts if self._picks else ()
        if watch.generators or subscripts:
            # A copy may not be faithful; draws are then refused, and an index is a decision.
            f = with_stand_ins(f, stand_in, subscripts) or f
        try:
            with seams.recording(recorder):
                leaves = [
                    recorder.argument(place, leaf) if given.is_input(place) else stand_in(leaf)
                    for place, leaf in enumerate(given.leaves)
                ]
                args, kwargs = given.filled(leaves)
                recording = Recording(recorder, f(*args, **kwargs))
                self._require_results(recording, watch, given)
                given.require_unchanged(leaves, args, kwargs)
            recorder.draws.check()
        except BaseException as error:
            recorder.draws.put_back()
            recorder.require_answered(error)
            raise
        finally:
            recorder.close()
        changed = watch.changed()
        if changed is not None:
            recorder.draws.put_back()
            raise CompileError(
                f"compile: {self!r} changes what is outside of it while it runs: {changed}. A "
                "program leaves data and gradients in nodes, and nothing else. Return it instead, "
                "and keep it outside."
            )
        return recording

    def _agreeing(
        self, case: Case, cases: list[Case], given: Arguments, written: Sequence[Any] = ()
    ) -> Case:
        """Enter a case that was recorded; if it was before, too, make the program of it.

        Args:
            case: which was recorded.
            cases: those with such arguments.
            given: the arguments.
            written: the arrays from outside that have other elements than before.
        """
        for other in [*cases]:
            if other.watch is not case.watch or not (written or other.replay is None):
                continue
            places = {**other.places, **case.places}
            found = difference(other.recording, case.recording, places)
            if found is None:
                for array in written:
                    case.watch.release(array)
                if other.replay is not None:
                    return other
                if len(self._ready()) >= self._max_programs:
                    raise self._too_many()
                cases.remove(other)
                cases.append(case)
                case.names = input_names(self._f, case.recording, given, case.watch.names)
                names = dict(zip(case.recording.tape.inputs, case.names, strict=True))
                nodes = case.watch.nodes
                case.replay = Replay(case.recording, case.places, names, *self._how, nodes)
                return case
            if written:  # Python itself looks at their elements
                cases.remove(other)
                case.watch = self._watch(given)
                self._why = f"the array `{case.watch.names.get(id(written[0]))}` was written to"
                continue
            if not found.decided:
                cases.remove(other)
                raise CompileError(
                    f"compile: two calls of {self!r} with the same kinds of arguments did not do "
                    f"the same: {found.what}. What changes from call to call has to be an argument."
                )
            self._why = found.what
        self._recorded_once += 1
        if self._recorded_once > 2 * self._max_programs:
            raise self._too_many()
        waiting = [other for other in cases if other.replay is None]
        if len(waiting) > 2:
            cases.remove(waiting[0])
        cases.append(case)
        return case

    def _too_many(self) -> CompileError:
        return CompileError(
            f"compile: {self!r} needs more than {self._max_programs} programs. The last one was "
            f"recorded since {self._why}. Choose element by element with micrograd.where, "
            "micrograd.maximum and micrograd.minimum in place of if, max and min, give what "
            "changes as an argument, or allow more with max_programs=..."
        )

    def _program_of(self, case: Case) -> CompiledProgram:
        assert case.replay is not None
        name = getattr(self, "__name__", "program")
        return CompiledProgram(name, case.replay, case.names, None, case.watch, case.key)

    @overload
    def __get__(self, instance: None, owner: Any = None) -> CompiledFunction[P, R]: ...

    @overload
    def __get__(
        self: CompiledFunction[Concatenate[S, Q], R], instance: S, owner: Any = None
    ) -> BoundFunction[Q, R]: ...

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        bound: BoundFunction[Any, Any] = BoundFunction(self, instance)
        return self if instance is None else bound

    def __reduce__(self) -> Any:
        found: Any = sys.modules.get(str(self.__module__))
        for name in str(getattr(self, "__qualname__", "")).split("."):
            found = getattr(found, name, None)
        if found is self:  # it stands under its name, as a decorated function does
            return self.__qualname__
        return CompiledFunction, (self._f, self._max_programs, self._checks, *self._how)

    def __repr__(self) -> str:
        return f"<compile of {getattr(self._f, '__qualname__', None) or repr(self._f)}>"


class BoundFunction(Generic[Q, R]):
    """A compiled method of an object: called without it, with the programs of the function."""

    def __init__(self, function: Any, instance: Any) -> None:
        self.__func__, self.__self__ = function, instance
        update_wrapper(self, function)

    def __call__(self, /, *args: Q.args, **kwargs: Q.kwargs) -> R:
        return self.__func__(self.__self__, *args, **kwargs)

    def program(self, /, *args: Q.args, **kwargs: Q.kwargs) -> CompiledProgram:
        """Record a call without making it, and return the program; see `CompiledFunction`."""
        return self.__func__.program(self.__self__, *args, **kwargs)

    @property
    def programs(self) -> list[CompiledProgram]:
        """Return the programs that there are."""
        return self.__func__.programs

    def __repr__(self) -> str:
        return f"{self.__func__!r} of {self.__self__!r:.60}"


_PLAIN = (
    *(float, int, complex, str, bytes, type(None), np.ndarray, np.generic, np.dtype, Enum),
    *(slice, range, Fraction, Decimal, date, Path),
)
"""The classes of things that stay what they are, beside functions and what came from outside."""


def _own(value: Any) -> Any:
    """Return what was computed while recording in memory of its own, to be written to."""
    return value.copy("K") if is_a(value, np.ndarray) else value
