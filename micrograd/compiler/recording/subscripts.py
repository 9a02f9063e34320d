"""Code in which a function stands for every `a[b]` that is read, made anew from its source."""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, cast

__all__ = ["NAME", "codes_in", "is_read_at", "with_calls"]

NAME = "<pick>"
"""The global that the code calls, as `NAME(a, b)`: no name that anybody can write."""

_FUTURES = annotations.compiler_flag
"""Of what a file imports from `__future__`, what code is marked by, and functions differ by."""

_names: Any = dis.opname


def is_read_at(frame: FrameType) -> bool:
    """Tell whether a frame is just reading a subscript.

    >>> import sys
    >>> class Index:
    ...     def __index__(self):
    ...         print(is_read_at(sys._getframe(1)))
    ...         return 0
    >>> [5][Index()], [*range(Index())]
    True
    False
    (5, [])
    """
    code, at = frame.f_code, frame.f_lasti
    name: Any = _names[code.co_code[at]]
    return bool(name == "BINARY_SUBSCR") or (name == "BINARY_OP" and _is_subscript(code, at))


def _is_subscript(code: CodeType, at: int) -> bool:
    operators: Any = getattr(dis, "_nb_ops", ())  # since Python 3.14 it is an operator
    operator: int = code.co_code[at + 1]
    return operator < len(operators) and bool(operators[operator][1] == "[]")


def with_calls(code: CodeType) -> CodeType | None:
    """Return code that calls `NAME` for each `a[b]` that it reads; None where no source is found.

    Lines and names are those of the code. The source counts only if it gives this very code.
    """
    return _with_calls(code, code.co_filename)  # equal code may stand in several files


@lru_cache(maxsize=256)
def _with_calls(code: CodeType, filename: str) -> CodeType | None:
    source = "".join(linecache.getlines(filename))
    if not source:
        return None
    flags = code.co_flags & _FUTURES
    try:
        tree = ast.parse(source, filename)
        known = _compiled(tree, filename, flags)
        calling = _compiled(_Calls().visit(tree), filename, flags)
    except (SyntaxError, ValueError, RecursionError):
        return None
    pairs = zip(codes_in(known), codes_in(calling), strict=True)
    return next((other for one, other in pairs if one == code), None)


def _compiled(tree: Any, filename: str, flags: int) -> CodeType:
    return cast(CodeType, compile(tree, filename, "exec", flags, dont_inherit=True))


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and the code of the functions and classes in it, in order."""
    stack = [code]
    while stack:
        one = stack.pop()
        yield one
        stack += [inner for inner in one.co_consts if isinstance(inner, CodeType)]


class _Calls(ast.NodeTransformer):
    """Puts the calls into a tree, but into no annotations."""

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        self.generic_visit(node)
        index = node.slice
        parts = index.elts if isinstance(index, ast.Tuple) else [index]
        if not isinstance(node.ctx, ast.Load) or isinstance(index, ast.Constant):
            return node
        if any(isinstance(part, ast.Slice | ast.Starred) for part in parts):
            return node
        name = ast.copy_location(ast.Name(NAME, ast.Load()), node)
        return ast.copy_location(ast.Call(name, [node.value, index], []), node)

    def visit_arg(self, node: ast.arg) -> Any:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        node.value = node.value and self.visit(node.value)
        return node

    def _visit_function(self, node: Any) -> Any:
        returns, node.returns = node.returns, None
        self.generic_visit(node)
        node.returns = returns
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815
