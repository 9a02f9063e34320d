"""Code that reads attributes whose names it computes."""

from __future__ import annotations

import dis
from functools import lru_cache
from itertools import takewhile
from types import CodeType

READERS = frozenset({"getattr", "setattr", "hasattr", "delattr", "attrgetter"})
"""Functions that are given the name of an attribute."""

_NO_STEPS = ("PRECALL", "PUSH_NULL", "EXTENDED_ARG", "CACHE", "NOP")
_NAMING = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_METHOD")


@lru_cache(maxsize=1024)
def computes_names(code: CodeType) -> bool:
    """Tell whether code, or a function in it, computes the name of an attribute.

    >>> computes_names((lambda x: getattr(x, "rate", None)).__code__)
    False
    >>> computes_names((lambda x: getattr(x, f"w{len(x)}")).__code__)
    True
    """
    steps = [step for step in dis.get_instructions(code) if step.opname not in _NO_STEPS]
    calls = [at for at, s in enumerate(steps) if s.opname in _NAMING and s.argval in READERS]
    inner = [one for one in code.co_consts if isinstance(one, CodeType)]
    return not all(_names_a_constant(steps[at:]) for at in calls) or any(map(computes_names, inner))


def _names_a_constant(steps: list[dis.Instruction]) -> bool:
    """Tell whether steps that begin with such a function call it with a string that is written."""
    plain = list(takewhile(lambda step: step.opname.startswith("LOAD_"), steps[1:]))
    rest = steps[1 + len(plain) :]
    things = [step for step in plain if step.opname not in ("LOAD_ATTR", "LOAD_METHOD")]
    is_called = bool(rest) and rest[0].opname == "CALL" and rest[0].arg == len(things)
    at = 0 if steps[0].argval == "attrgetter" else 1
    return (
        is_called
        and len(things) > at
        and isinstance(things[at].argval, str)
        and (things[at].opname == "LOAD_CONST")
    )
