"""Functions of this library as text, for modules that need only NumPy."""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from micrograd.common.symbolic import Symbolic
from micrograd.compiler.arrays.names import Names, array_text, known_name, literal
from micrograd.compiler.programs import is_a
from micrograd.compiler.seams import CallOf
from micrograd.core.node import Node
from micrograd.core.op import Each, Op
from micrograd.errors import CompileError, MicrogradError
from micrograd.ops.rows import BY_ELEMENT

Function = Callable[..., Any]
_MODULES = ("np", "math", "operator")


def number(x: Any) -> Any:
    """Return a number as eager calls have it: an integer past 2**53 is a float."""
    if x.__class__ is float:
        return x
    if x.__class__ is complex:
        return math.nan
    if is_integer(x) and abs(x) <= 2**53:
        return int(x)
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def is_integer(x: Any) -> bool:
    """Tell whether a number is an integer or a truth, of Python's or of NumPy's."""
    return isinstance(x, (int, np.integer, np.bool_))


def by_ieee(scalar: Function, forward: Function) -> Function:
    """Return a function of numbers that goes on by `forward` where Python raises an error."""

    def call(*args: Any, **settings: Any) -> Any:
        try:
            return number(scalar(*args, **settings))
        except (ArithmeticError, ValueError):
            with np.errstate(all="ignore"):
                given = [np.float64(number(x)) for x in args]
                return number(np.asarray(forward(*given, **settings)).item())

    return call


class Definitions:
    """What a module defines: functions of this library, each after those that it uses.

    Args:
        names: those that are taken in the module.

    Attributes:
        texts: the definitions, in order.

    >>> definitions = Definitions(Names())
    >>> definitions.word(np.tanh), definitions.texts
    ('np.tanh', [])
    """

    def __init__(self, names: Names) -> None:
        self.texts: list[str] = []
        self._names = names
        self._known: dict[Any, str] = {}

    def bind(self, name: str, thing: Any) -> None:
        """Define a name that stands for an operation of numbers, or for any function."""
        if is_a(thing, Op):
            require_own(thing)
            if not self._is_known(thing.forward) or not self._is_known(thing.scalar):
                text = self.word(thing.scalar)  # what NumPy does for each element raises as well
                self.texts.append(f"{name} = {self.word(by_ieee)}({text}, {text})")
                return
            scalar, forward = self.word(thing.scalar), self.word(thing.forward)
            self.texts.append(f"{name} = {self.word(by_ieee)}({scalar}, {forward})")
            return
        word = self.word(thing, name)
        if word != name:
            self.texts.append(f"{name} = {word}")

    def word(self, thing: Any, bound: str = "") -> str:
        """Return how the module writes a thing: by a name that it defines, or that there is.

        Raises:
            CompileError: for what exists only here, or belongs to the user.
        """
        if is_a(thing, CallOf):
            require_own(thing.op)
            rules: Any = thing.op.derivatives
            if thing.what == "forward":
                return self.word(thing.op.forward, bound)
            if is_a(rules, Each):
                raise unwritable(thing)
            return self.word(rules[thing.i], bound)
        if is_a(thing, Op):  # which is called with arrays
            require_own(thing)
            return self.word(thing.forward, bound)
        if is_a(thing, np.ufunc) and thing in BY_ELEMENT:
            return f"np.frompyfunc({self.word(BY_ELEMENT[thing])}, 1, 1)"
        if is_a(thing, np.ndarray) and thing.dtype.kind in "biufc":
            return array_text(thing)
        if thing is Symbolic or thing is Node:  # of which a module has none
            return "()"
        if is_a(thing, type) and issubclass(thing, MicrogradError):
            return "ValueError"
        plain = known_name(thing) if callable(thing) else literal(thing)
        if plain is not None:
            return plain
        if is_a(thing, partial) and not thing.args:
            given = [f", {key}={self.word(value)}" for key, value in thing.keywords.items()]
            return f"functools.partial({self.word(thing.func)}{''.join(given)})"
        if not is_a(thing, FunctionType) or not thing.__module__.startswith("micrograd."):
            raise unwritable(thing)
        return self._function(thing, bound)

    def _is_known(self, function: Any) -> bool:
        return known_name(function) is not None or (
            is_a(function, FunctionType) and "<locals>" not in function.__qualname__
        )

    def _function(self, function: FunctionType, bound: str) -> str:
        key = function.__code__
        if key not in self._known:
            node = _node_of(function)
            name = self._known[key] = bound or self._new_name(function.__name__)
            if node is None:
                raise unwritable(function)
            tree = _bare(node, name)
            words = {word: self._of_global(word, value) for word, value in _outer(function, tree)}
            self.texts.append(ast.unparse(_Renamed(words).visit(tree)))
        return self._known[key]

    def _new_name(self, wish: str) -> str:
        wish = "_function" if wish == "<lambda>" else wish
        name, count = wish, 1
        while name in self._names.taken:  # as it is, since there it is no name of a variable
            count += 1
            name = f"{wish}_{count}"
        self._names.taken.add(name)
        return name

    def _of_global(self, name: str, value: Any) -> str:
        return name if name in _MODULES and is_a(value, ModuleType) else self.word(value)


def require_own(op: Op) -> None:
    """Raise an error for an operation that the user made."""
    if op.foreign:
        raise CompileError(
            f"save: the program calls the operation {op.name}, which define_op made, and which a "
            "module of NumPy calls cannot have. Pickle the program instead, or write the "
            "operation's formula in the function."
        )


def unwritable(thing: Any) -> CompileError:
    """Return the error that a thing cannot be written."""
    what = getattr(thing, "__name__", None) or f"a {type(thing).__name__}"
    return CompileError(
        f"save: the program calls or holds {what}, which a module of NumPy calls cannot have. "
        "Pickle the program instead, or compute that outside of the compiled function."
    )


def _outer(function: FunctionType, tree: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names from outside that a function uses, and what they stand for."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    outside = {**function.__globals__, **{name: cell.cell_contents for name, cell in cells}}
    own = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    own.update(function.__code__.co_varnames)
    used = {node.id: None for node in ast.walk(tree) if isinstance(node, ast.Name)}
    yield from [(name, outside[name]) for name in used if name in outside and name not in own]


def _node_of(function: FunctionType) -> Any:
    """Return the definition of a function, as a tree; None if it is not found."""
    code, found = function.__code__, list[Any]()
    for node in _definitions(inspect.getsourcefile(function) or ""):
        lines = [node.lineno, *[d.lineno for d in getattr(node, "decorator_list", ())]]
        name = getattr(node, "name", "<lambda>")
        if code.co_firstlineno in lines and name == code.co_name:
            found.append(node)
    if len(found) < 2:
        return found[0] if found else None
    alike = [node for node in found if _holds(node, code)]
    return alike[0] if alike else None


@lru_cache(maxsize=64)
def _definitions(path: str) -> list[Any]:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]


def _holds(node: Any, code: CodeType) -> bool:
    """Tell whether code was made of what stands in a definition, of several in a line."""
    places = [p for p in code.co_positions() if None not in p and p[3] != p[2]]
    first = min([(p[0], p[2]) for p in places])
    last = max([(p[1], p[3]) for p in places])
    body = node.body
    return (body.lineno, body.col_offset) <= first and last <= (
        body.end_lineno,
        body.end_col_offset,
    )


def _bare(node: Any, name: str) -> ast.FunctionDef:
    """Return a definition without types and description, under another name."""
    body = node.body if isinstance(node, ast.FunctionDef) else [ast.Return(node.body)]
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        body = body[1:]
    made = ast.FunctionDef(name, node.args, body, [], None, None, lineno=1, col_offset=0)
    return _Untyped().visit(ast.parse(ast.unparse(made)).body[0])


class _Untyped(ast.NodeTransformer):
    """Functions without types."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        value = node.value or ast.Constant(None)
        return self.generic_visit(ast.Assign([node.target], value, lineno=node.lineno))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self.generic_visit(node)


class _Renamed(ast.NodeTransformer):
    """Names from outside as the module has them."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def visit_Name(self, node: ast.Name) -> ast.expr:
        word = self._words.get(node.id, node.id)
        return node if word == node.id else ast.parse(word, mode="eval").body
