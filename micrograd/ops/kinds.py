"""The types of arguments that may be nodes: what gives a node for a node, and an array otherwise.

`def f(x: N | ArrayLike) -> N` takes a Tensor to a Tensor and a Value to a Value. An argument
that is no node leaves N open, which then is its default: anything, or an array for `A`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from micrograd.core.node import Node

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # which type checkers know of wherever they run

    N = TypeVar("N", bound=Node, default=Any)
    A = TypeVar("A", bound=Node, default=NDArray[Any])  # pyright: ignore[reportGeneralTypeIssues]
else:
    from typing import TypeVar

    N = TypeVar("N", bound=Node)
    A = TypeVar("A", bound=Node)
