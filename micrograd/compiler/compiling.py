"""compile: of a function one that runs as a program, and of a node the program of its graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, overload

from micrograd.compiler.compiled import CompiledFunction
from micrograd.compiler.graph import program_of
from micrograd.compiler.program import CompiledProgram
from micrograd.core.node import Node
from micrograd.errors import ArgumentError, OperandError

__all__ = ["compile"]

P = ParamSpec("P")
R = TypeVar("R")


@overload
def compile(
    f: Node,
    *,
    max_programs: int = 8,
    checks: bool = False,
    scalars: str | None = None,
    exact: bool = True,
) -> CompiledProgram: ...


@overload
def compile(
    f: Callable[P, R],
    *,
    max_programs: int = 8,
    checks: bool = False,
    scalars: str | None = None,
    exact: bool = True,
) -> CompiledFunction[P, R]: ...


@overload
def compile(
    f: None = None,
    *,
    max_programs: int = 8,
    checks: bool = False,
    scalars: str | None = None,
    exact: bool = True,
) -> Callable[[Callable[P, R]], CompiledFunction[P, R]]: ...


def compile(
    f: Any = None,
    *,
    max_programs: int = 8,
    checks: bool = False,
    scalars: str | None = None,
    exact: bool = True,
) -> Any:
    """Return a function that runs as a program of NumPy calls, recorded at its first calls.

    The code of f stays as it is. The first two calls are made and recorded; they have to do the
    same. From then on a call reads the leaves that f used, runs the program, and leaves gradients,
    data and results as f would, to the last bit. Whatever f names from outside is watched: where
    it has changed, or an `if` goes another way, f is recorded again for that case. What else
    Python reads (the time, files, the class or identity of what is recorded, truths in containers
    that no name leads to) is not noticed; what else it does, such as printing or warning, it does
    at those calls only.

    Arrays that come out lie in memory of their own, and so does an argument that is returned. Of
    arrays from outside past 64 KiB some 4,096 elements are watched, unless the program reads them
    as a whole. Integers past 2⁵³ come out as floats.

    Args:
        f: a function of numbers, arrays, nodes and containers of them; or a node, for the program
            of its graph and of its gradients. Without it, `compile` is a decorator with settings.
        max_programs: how many cases there may be, such as shapes and ways that f goes.
        checks: whether to compare with f itself at calls 1, 2, 4, 8 and so on of a program.
        scalars: how numbers are computed: "levels" for whole arrays of those that are alike,
            "source" for Python, one by one; what is faster, when left out.
        exact: whether exp, log, tanh and powers of numbers are those of `math`; otherwise they are
            NumPy's, faster, and within 4 units of the last place.

    Raises:
        OperandError: if f is neither a function nor a node.
        ArgumentError: if a setting is none of those.
        CompileError: at a call, if f does what a program cannot; it names the alternative.

    >>> from micrograd import Value, compile
    >>> w = Value(3.0, label="w")
    >>> @compile
    ... def step(x, lr):
    ...     loss = (w * x - 1) ** 2
    ...     w.zero_grad()
    ...     loss.backward()
    ...     w.data -= lr * w.grad
    ...     return loss
    >>> [step(2.0, 0.125).data for _ in range(4)]
    [25.0, 0.0, 0.0, 0.0]
    >>> w.data
    0.5
    """
    if f is None:

        def decorator(f: Callable[P, R]) -> CompiledFunction[P, R]:
            return compile(
                f, max_programs=max_programs, checks=checks, scalars=scalars, exact=exact
            )

        return decorator
    if isinstance(f, Node):
        return program_of(f, scalars, exact)
    if not callable(f):
        raise OperandError(
            f"compile: expected a function, or a node with a graph, but came a {type(f).__name__}. "
            "Give the function itself, and not what it returns."
        )
    if isinstance(max_programs, bool) or not isinstance(max_programs, int) or max_programs < 1:
        raise ArgumentError(
            f"compile: max_programs has to be an integer of 1 or more, but came {max_programs!r}."
        )
    if scalars not in (None, "levels", "source"):
        raise ArgumentError(
            f'compile: scalars is "levels", "source" or None, but came {scalars!r}.'
        )
    return CompiledFunction(f, max_programs, checks, scalars, exact)
