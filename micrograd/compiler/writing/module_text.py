"""A program as a module that needs only NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from micrograd.compiler.lowering.definitions import Definitions
from micrograd.compiler.lowering.lower import Code
from micrograd.compiler.recording.programs import is_a
from micrograd.compiler.writing.text import Body, body_of, folded, identifier, returned
from micrograd.errors import CompileError

_MODULES = ("base64", "functools", "math", "operator", "zlib")


def module_text(
    name: str,
    inputs: Sequence[tuple[str, str, Any]],
    code: Code,
    results: Any,
    outs: Sequence[Any],
    left: Sequence[str],
) -> str:
    """Return the text of a module with a program as a function.

    Args:
        name: that of the function.
        inputs: names, kinds and defaults of the inputs.
        code: what runs.
        results: the containers of what is returned, with numbers in order in them.
        outs: what stands in them, and then what is left in nodes.
        left: what that is called.

    Raises:
        CompileError: if a module cannot have what the program calls or holds.
    """
    function = identifier(name)
    body = body_of(code, function, as_module=True)
    body.taken.taken.update([*_MODULES, *[each for each, _, _ in inputs]])
    definitions = Definitions(body.taken)
    for word, thing in body.needs.items():
        definitions.bind(word, thing)
    head = _head(function, inputs, definitions)
    lines = [*_renamed(body, inputs, code), *body.lines]
    end = _end(body, name, code, results, outs, left, definitions)
    texts = [*definitions.texts, *(["\n".join(body.before)] if body.before else [])]
    about = f"It returns what {name} returned"
    about += ", and by name what it left in nodes." if left else "."
    text = [
        *(['@np.errstate(all="ignore")'] if body.silent else []),
        *folded(head),
        f'    """Compute what {name} did when it was recorded. {about}"""',
        *[f"    {line}" if line else "" for line in lines],
        *folded(f"    return {end}"),
    ]
    whole = "\n\n\n".join([*texts, "\n".join(text)])
    imports = [f"import {module}" for module in _MODULES if f"{module}." in whole]
    return "\n".join(
        [
            f'"""The program of {name}: calls of NumPy and of Python, as they were recorded."""',
            "",
            *imports,
            *([""] if imports else []),
            "import numpy as np",
            "",
            "",
            whole,
            "",
        ]
    )


def _head(function: str, inputs: Sequence[tuple[str, str, Any]], definitions: Definitions) -> str:
    """Return the line that begins the function, after definitions of what its defaults are."""
    arguments = [name for name, what, _ in inputs if what == "argument"]
    others: list[str] = []
    for name, what, default in inputs:
        if what == "argument":
            continue
        if is_a(default, np.ndarray):
            definitions.texts.append(f"{name} = {definitions.word(default)}")
            others.append(f"{name}={name}")
        else:
            others.append(f"{name}={definitions.word(default)}")
    return f"def {function}({', '.join([*arguments, *(['*'] if others else []), *others])}):"


def _renamed(body: Body, inputs: Sequence[tuple[str, str, Any]], code: Code) -> list[str]:
    """Return lines for inputs that the lines of the program call by another name."""
    names = [code.names[slot] for slot in code.inputs]
    own = [body.parameters[slot] for slot in code.inputs]
    return [f"{b} = {a}" for a, b in zip(names, own, strict=True) if a != b]


def _end(
    body: Body,
    name: str,
    code: Code,
    results: Any,
    outs: Sequence[Any],
    left: Sequence[str],
    definitions: Definitions,
) -> str:
    """Return what the function returns."""
    at = dict(zip(code.outputs, body.outputs, strict=True))
    words: list[str] = []
    for out in outs:
        words.append(definitions.word(out.constant) if out.slot is None else at[out.slot])
    try:
        text = returned(results, words)
    except TypeError as error:
        raise CompileError(
            f"save: {name} returns a {error}, which a module of NumPy calls does not have. Return "
            "numbers, arrays, and lists, tuples and dicts of them, or pickle the program."
        ) from error
    if not left:
        return text
    entries = zip(left, words[len(words) - len(left) :], strict=True)
    return f"{text}, {{{', '.join([f'{key!r}: {word}' for key, word in entries])}}}"
