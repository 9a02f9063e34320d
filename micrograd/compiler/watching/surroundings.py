"""What a function names from outside: variables, attributes, containers, and the code it calls."""

from __future__ import annotations

import sys
from collections import ChainMap, UserDict, UserList, UserString, deque
from collections.abc import Callable, Iterable
from functools import partial
from gc import get_referents
from operator import attrgetter
from random import Random
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any

import numpy as np

from micrograd.common.captures import Told, is_a_librarys, names_in
from micrograd.compiler.recording.hosted import HOSTED
from micrograd.compiler.watching.choosing import (
    attribute_of,
    data_in,
    file_of,
    label_of,
    names_of,
    owner_of,
    plain_in,
)
from micrograd.compiler.watching.comparison import (
    base_of,
    elements_of,
    has_nothing_inside,
    is_of,
    shown,
)
from micrograd.compiler.watching.computed import READERS, computes_names
from micrograd.compiler.watching.hidden import WINDOWS, has_a_hidden_state
from micrograd.compiler.watching.places import Contents, Names, Single, dict_of, has_dict
from micrograd.compiler.watching.reading import Place, values_of

_WHOLE = ("micrograd.nn.", "micrograd.layers", "micrograd.transforms.")
_LIVE = ("micrograd.nn.optimizer", "micrograd.nn.schedules", "micrograd.nn.plateau")
_FROZEN = (tuple, frozenset)
_BY_STRING = {*READERS, "methodcaller"}
_COMPUTED = "names that are computed"
"""What stands among the attributes that code names if it computes the names of some."""
_ALL = {"vars", "__dict__"}
_OPEN = {"globals", "eval", "exec"}
_HOLDERS = [
    (UserDict, {"data"}),
    (UserList, {"data"}),
    (UserString, {"data"}),
    (ChainMap, {"maps"}),
]
"""Classes of Python that hold what they contain in an attribute."""
_CONTENTS = attrgetter("cell_contents")
_MOVING = ("datetime", "os", "random", "secrets", "time")


def is_live(thing: Any) -> bool:
    """Tell whether a thing is an optimizer or a schedule, whose state each call changes."""
    return any(kind.__module__ in _LIVE for kind in type(thing).__mro__)


class Surroundings:
    """The places that hold what functions read from outside, found without running anything.

    Which attributes of objects count follows from the code, and which code
    from the objects: both grow until nothing new is found.

    Args:
        things: functions and objects, by what one calls them; the function that calls them first.
        live: tells of an object whether only those attributes count that code names, where all
            would, as of our modules.

    Attributes:
        places: what holds something that can change.
        arrays: the arrays of numbers, by id.
        generators: NumPy's generators, with what one calls them.
        names: what one calls arrays and nodes, by id.
        nodes: the nodes.
        functions: the functions whose code was read.
        unwatched: what is of a library and may have a state that nobody sees, as a file has.
        refused: what changes when it is read, or where nobody sees it, with what it is.
        writes: the attributes, globals and outer variables that the code assigns to.
    """

    def __init__(
        self, things: Iterable[tuple[str, Any]], live: Callable[[Any], bool] = is_live
    ) -> None:
        self.places: list[Place] = []
        self.arrays: dict[int, np.ndarray[Any, Any]] = {}
        self.generators: list[tuple[str, np.random.Generator]] = []
        self.names: dict[int, str] = {}
        self.nodes: list[Any] = []
        self.functions: list[FunctionType] = []
        self.unwatched: list[str] = []
        self.refused: list[str] = []
        self.writes: set[str] = set()
        self._live = live
        self._attributes: set[str] = set()
        self._variables: dict[int, set[str]] = {}  # names of globals, by id of their dicts
        self._open: set[int] = set()  # those in which code finds what it does not name
        self._looked: list[tuple[Names, str, set[str]]] = []  # with the owner, and names seen
        self.seen: dict[int, Any] = {}
        self._queue = deque(things)
        self._own = file_of(self._queue[0][1])
        self._find()

    def _find(self) -> None:
        while self._queue:
            while self._queue:
                self._look(*self._queue.popleft())
            for names, owner, known in self._looked:
                for key, value in names.now().items():
                    if key not in known and self._is_reached(owner, key, value):
                        known.add(key)
                        self._queue.append((attribute_of(owner, key), value))
        if "label" in self._attributes:
            self.places += [label_of(self.names[id(node)], node) for node in self.nodes]
        for place in self.places:
            place.remember()

    def _is_reached(self, owner: str, key: str, value: Any) -> bool:
        """Tell whether code names what there is; of modules all counts, but for hidden states."""
        return not owner or key in self._attributes or not has_a_hidden_state(value)

    def _look(self, name: str, thing: Any) -> None:
        """Note a thing, and put what is in it into the queue."""
        if len(name) > 120:
            name = f"{name[:60]}…{name[-59:]}"
        if id(thing) in self.seen or has_nothing_inside(thing):
            return
        self.seen[id(thing)] = thing
        if has_a_hidden_state(thing):
            self.refused.append(f"`{name}`, {shown(thing)}")
        elif is_of(thing, *WINDOWS):
            self._queue += [(name, seen) for seen in get_referents(thing)]
        elif is_of(thing, Told):
            self.names[id(thing)] = name
            self.nodes.append(thing)
            self._look_at_node(name, thing)
        elif is_of(thing, np.ndarray) and not thing.dtype.hasobject:
            self.names[id(thing)] = name
            self.arrays[id(thing)] = thing
        elif is_of(thing, np.random.Generator):
            self.generators.append((name, thing))
        elif is_of(thing, FunctionType):
            self._look_at_function(name, thing)
        elif is_of(thing, MethodType):
            self._queue += [(name, thing.__func__), (owner_of(name), thing.__self__)]
        elif is_of(thing, BuiltinFunctionType, MethodWrapperType):
            self._queue.append((owner_of(name), thing.__self__))
        elif is_of(thing, partial):
            self._queue += [(name, thing.func), (f"{name}.args", thing.args)]
            self._queue.append((f"{name}.keywords", thing.keywords))
        elif is_of(thing, ModuleType):
            if not is_a_librarys(thing):
                self._look_at_names(name, thing, [vars(thing)])
            elif thing.__name__ in _MOVING:
                self.unwatched.append(f"`{name}`, the module {thing.__name__}")
        elif is_of(thing, type):
            self._look_at_class(thing)
        elif is_of(thing, property):
            self._queue += [(name, thing.fget), (name, thing.fset)]
            if is_of(thing.fget, FunctionType):  # also of a library's
                self._attributes |= names_in(thing.fget.__code__).attributes
        elif is_of(thing, staticmethod, classmethod):
            self._queue.append((name, thing.__func__))
        else:
            if base_of(thing):
                self._look_at_elements(name, thing)
            self._look_at_object(name, thing)

    def _look_at_elements(self, name: str, container: Any) -> None:
        base, elements = base_of(container), elements_of(container)
        if base not in _FROZEN:
            self.places.append(Contents(name, container))
        if issubclass(base, dict):
            values = zip(elements, values_of(container), strict=False)
            self._queue += [(f"{name}[{shown(key)}]", value) for key, value in values]
        for i, one in enumerate(elements):
            if not has_nothing_inside(one):
                self._queue.append((f"{name}[{i}]", one))

    def _look_at_object(self, name: str, thing: Any) -> None:
        """Note the attributes of an object, or those that code names, and its class."""
        kinds: tuple[Any, ...] = type(thing).__mro__[:-1]
        whole = any(kind.__module__.startswith(_WHOLE) for kind in kinds) and not self._live(thing)
        users = [kind for kind in kinds if not is_a_librarys(kind)]
        seen = users or whole or callable(thing) or base_of(thing) or has_dict(thing)
        if not seen or self._live(thing) or is_of(thing, Random):
            self.unwatched.append(f"`{name}`, {shown(thing)}")
        if not has_dict(thing) and not users and not whole:
            return
        classes: list[Any] = [vars(kind) for kind in kinds]
        inner = next((names for kind, names in _HOLDERS if is_of(thing, kind)), set[str]())
        is_theirs = (users or is_of(thing, SimpleNamespace)) and not self._live(thing)
        all_if = _ALL | {_COMPUTED} if is_theirs else _ALL

        def mappings() -> list[Any]:
            return [dict_of(thing), *classes]

        def relevant() -> set[str]:
            own = dict_of(thing)
            if whole:
                return {*own, *(key for names in classes for key in data_in(names))}
            named = self._attributes | inner
            return {*named, *own} if all_if & self._attributes else named

        self._queue += [(kind.__name__, kind) for kind in (kinds if whole else users)]
        names = Names(name, mappings, relevant, thing, whole)
        self._add_names(name, names)
        if not users and not whole:  # a library's object may hold functions of the user's
            held = dict_of(thing).items()
            self._queue += [(f"{name}.{k}", v) for k, v in held if is_of(v, FunctionType, tuple)]

    def _look_at_node(self, name: str, node: Any) -> None:
        """Note the attributes that nodes of a user's class have of their own."""
        kinds: tuple[Any, ...] = type(node).__mro__[:-1]
        users = [kind for kind in kinds if not is_a_librarys(kind)]
        if not users:
            return
        ours = {key for kind in kinds if kind not in users for key in names_of(kind)}
        self._queue += [(kind.__name__, kind) for kind in users]
        classes: list[Any] = [vars(kind) for kind in users]

        def relevant() -> set[str]:
            named = self._attributes
            return ({*named, *dict_of(node)} if (_ALL | {_COMPUTED}) & named else named) - ours

        self._add_names(name, Names(name, lambda: [dict_of(node), *classes], relevant, node))

    def _look_at_class(self, kind: Any) -> None:
        """Note the names in a class that code names; its dunder methods are called by others."""
        for base in kind.__mro__[:-1]:
            self._queue.append((base.__name__, base))
        names = names_of(kind)
        if is_a_librarys(kind):
            if kind.__module__.startswith(_WHOLE):
                self._add_names(
                    kind.__name__,
                    Names(kind.__name__, lambda: [names], lambda: data_in(names)),
                )
            return

        derived = any(map(is_a_librarys, kind.__mro__[:-1]))

        def relevant() -> set[str]:
            called = [k for k, v in names.items() if is_of(v, FunctionType, classmethod, property)]
            return {*self._attributes, *(k for k in called if k[:2] == "__" or derived)}

        self._add_names(kind.__name__, Names(kind.__name__, lambda: [names], relevant))

    def _look_at_names(self, name: str, thing: Any, mappings: list[Any]) -> None:
        names = Names(name, lambda: mappings, lambda: self._attributes)
        self._add_names(name, names)

    def _add_names(self, owner: str, names: Names) -> None:
        self.places.append(names)
        self._looked.append((names, owner, set()))

    def _look_at_function(self, name: str, function: FunctionType) -> None:
        if HOSTED in vars(function):
            return
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        if is_a_librarys(function) and file_of(function) != self._own:
            for key, cell in cells:
                self._look_at_what_is_wrapped(key, Single("", _CONTENTS, cell).now())
            return
        self.functions.append(function)
        self._read(function.__code__, function.__globals__)
        called = f"`{function.__name__}`"
        for field in ("code", "defaults", "kwdefaults"):
            read = attrgetter(f"__{field}__")
            self.places.append(Single(f"the {field} of {called}", read, function))

        for key, cell in cells:
            place = Single(f"the variable `{key}`", _CONTENTS, cell)
            self.places.append(place)
            self._queue.append((key, place.now()))
        code = function.__code__
        positional = code.co_varnames[: code.co_argcount]
        defaults = function.__defaults__ or ()
        self._queue += zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
        self._queue.append((f"{function.__name__}.__kwdefaults__", function.__kwdefaults__))
        if vars(function):
            self._look_at_names(name or function.__name__, function, [vars(function)])

    def _look_at_what_is_wrapped(self, name: str, held: Any) -> None:
        """Put the functions that one of a library holds into the queue."""
        inner = values_of(held) if is_of(held, dict) else held if is_of(held, tuple) else (held,)
        self._queue += [(name, one) for one in inner if is_of(one, FunctionType)]

    def _read(self, code: CodeType, variables: dict[str, Any]) -> None:
        """Note the names in code."""
        names = names_in(code)
        self._attributes |= names.attributes | (names.read & _ALL)
        if code.co_name != "__init__":  # what that assigns to is new
            self.writes |= names.stored | names.globals | (names.cells & {*code.co_freevars})
            self._attributes |= names.stored  # a program does not assign to them
        if computes_names(code):
            self._attributes.add(_COMPUTED)
        if _BY_STRING & (names.read | names.attributes):
            self._attributes |= names.written
        for module in names.imported & sys.modules.keys():
            self._queue.append((module, sys.modules[module]))
        if id(variables) not in self._variables:
            self._variables[id(variables)] = read = set[str]()
            self._add_names("", Names("", lambda: [variables], lambda: read))
        self._variables[id(variables)] |= names.read | names.globals
        if _OPEN & names.read and id(variables) not in self._open:
            self._open.add(id(variables))
            self._add_names(
                "", Names("", lambda: [variables], lambda: plain_in(variables), None, True)
            )
