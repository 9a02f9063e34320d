"""Which names count in modules and classes, and what one calls what they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from types import FunctionType, MemberDescriptorType, MethodType
from typing import Any, cast

from micrograd.compiler.watching.comparison import base_of, has_nothing_inside, is_of
from micrograd.compiler.watching.places import Single


def plain_in(variables: dict[str, Any]) -> list[str]:
    """Return the names of variables that hold numbers, strings, containers and things of ours."""

    def counts(value: Any) -> bool:
        ours = type(value).__module__.startswith("micrograd.")
        return ours or has_nothing_inside(value) or base_of(value) is not None

    return [key for key, value in variables.items() if key[:1] != "_" and counts(value)]


def names_of(thing: Any) -> Mapping[str, Any]:
    """Return what the names in a class or module stand for."""
    return cast("Mapping[str, Any]", vars(thing))


def attribute_of(owner: str, key: str) -> str:
    """Return what one calls an attribute, or a variable; a Sequential is indexed itself."""
    if owner:
        return owner if key == "_modules" else f"{owner}.{key}"
    return key


def file_of(function: Any) -> Any:
    """Return the name of the module that a function or method is in; None for other things."""
    function = function.__func__ if is_of(function, MethodType) else function
    return function.__globals__.get("__name__") if is_of(function, FunctionType) else None


def label_of(name: str, node: Any) -> Single:
    """Return the place of a node's label."""
    return Single(f"`{name}.label`", attrgetter("label"), node)


def owner_of(method: str) -> str:
    """Return what one calls the object of a method."""
    owner = method.rpartition(".")[0]
    return owner or (f"{method}.__self__" if method else "self")


def data_in(names: Mapping[str, Any]) -> set[str]:
    """Return which names of a class of ours stand for settings or slots, and not for code."""
    data = (int, float, str, type(None), list, tuple, dict, MemberDescriptorType)
    return {k for k, v in names.items() if k[:2] != "__" and is_of(v, *data)}
