"""Optional packages, imported when something needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from micrograd.errors import MissingExtraError


def extra(name: str, user: str, group: str = "demo") -> Any:
    """Import an optional package, or say how to get it.

    Args:
        name: the module to import, such as "matplotlib.pyplot".
        user: what needs it, which begins the message.
        group: the extra of micrograd-graph that has it.

    Raises:
        MissingExtraError: if it is not installed.

    >>> extra("json", "this example").dumps([1])
    '[1]'
    >>> extra("no_such_module", "this example", "example")
    Traceback (most recent call last):
    micrograd.errors.MissingExtraError: this example needs no_such_module. Install it with pip \
install 'micrograd-graph[example]'.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"{user} needs {name.partition('.')[0]}. Install it with "
            f"pip install 'micrograd-graph[{group}]'."
        ) from error
