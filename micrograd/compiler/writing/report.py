"""What there is to say of a program: how large it is, what it holds for, what was not traced."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

from micrograd.compiler.recording.recording import Call, Write
from micrograd.compiler.replaying.replay import Replay

_WIDTH = 88
_FEW = 8


def report_of(name: str, replay: Replay, needed: int, kinds: Sequence[str], watch: Any) -> str:
    """Return paragraphs of sentences.

    Args:
        name: that of the function.
        replay: the program.
        needed: how many calls are needed.
        kinds: of the inputs, "argument", "data", "grad" or "array".
        watch: what the function names from outside; None where there is none.
    """
    code, recording = replay.code, replay.recording
    size = (
        f"{name}: of {_count(len(recording.tape), 'value')} that were recorded, "
        f"{_count(needed, 'call')} {'is' if needed == 1 else 'are'} needed. They run as "
        f"{_count(code.calls, 'call')}, with {_count(code.bytes, 'byte')} of buffers. {code.how}"
    )
    paragraphs = [size, f"{_inputs(kinds)} {_effects(recording.effects)}", _guards(replay)]
    if watch is not None:
        paragraphs.append(_watched(watch))
    paragraphs.append(_untraced(recording))
    return "\n\n".join([textwrap.fill(text, _WIDTH, subsequent_indent="  ") for text in paragraphs])


def _inputs(kinds: Sequence[str]) -> str:
    count = Counter(kinds)
    parts = [_count(count["argument"], "argument")]
    parts += [f"the data of {_count(count['data'], 'node')}"] if count["data"] else []
    parts += [f"the gradients of {_count(count['grad'], 'node')}"] if count["grad"] else []
    parts += [f"{_count(count['array'], 'array')} from outside"] if count["array"] else []
    return f"It reads {_and(parts)} at each call."


def _effects(effects: Sequence[Any]) -> str:
    count = Counter([effect.what for effect in effects if isinstance(effect, Write)])
    words = {"data": "new data", "grad": "gradients"}
    left = [f"{words[what]} in {_count(n, 'node')}" for what, n in count.items()]
    return f"It leaves {_and(left)}." if left else "It leaves nothing in nodes."


def _guards(replay: Replay) -> str:
    recording = replay.recording
    lines = [recording.lines.get(slot, "an unknown line") for slot, _ in recording.tape.checks]
    text = (
        "It holds for arguments of the kinds, shapes and dtypes that were recorded, and as long as "
        "the nodes that it uses need gradients, and have some, as they did."
    )
    if not lines:
        return f"{text} No number decides which way Python goes."
    places = ", ".join(
        [f"{line} ({n} times)" if n > 1 else line for line, n in Counter(lines).items()]
    )
    decide = "number decides" if len(lines) == 1 else "numbers decide"
    return (
        f"{text} {len(lines):,} {decide} which way Python goes, at {places}: where one goes "
        "another way, the function is recorded again."
    )


def _watched(watch: Any) -> str:
    watched = [f"`{word}`" for word in watch.watched]
    more = f" and {_count(len(watched) - _FEW, 'other')}" if len(watched) > _FEW else ""
    if watched:
        text = (
            f"Watched from outside are the code of the functions that are called, and "
            f"{', '.join(watched[:_FEW])}{more}: where something changes there, the function is "
            "recorded again."
        )
    else:
        text = "Besides the code of functions it names nothing from outside that may change."
    if watch.unwatched:
        text += f" Not watched, though named, {_and(watch.unwatched, 'is', 'are')}."
    return text


def _untraced(recording: Any) -> str:
    opaque = list(recording.opaque)
    text = (
        f"Called as it is, since it cannot be traced, is {_and(opaque)}."
        if opaque
        else "Every operation was traced."
    )
    hosted = [effect.later.name for effect in recording.effects if isinstance(effect, Call)]
    if hosted:
        text += f" After the program runs {_and(hosted)}, as in an eager call."
    if recording.tape.draws:
        text += (
            f" At each call it draws random numbers {_count(len(recording.tape.draws), 'time')}."
        )
    return (
        f"{text} What else Python read while it was recorded, such as the time, files, the class "
        "or identity of what was recorded, and truths in containers that no name leads to, is "
        "taken as it was then; checks=True finds it."
    )


def _count(n: int, noun: str) -> str:
    """Return how many there are, in words.

    >>> _count(1, "node"), _count(2000, "call")
    ('1 node', '2,000 calls')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _and(parts: Sequence[str], one: str = "", more: str = "") -> str:
    """Return parts as a list in a sentence.

    >>> _and(["a"]), _and(["a", "b", "c"], "is", "are")
    ('a', 'are a, b and c')
    """
    verb = f"{one if len(parts) == 1 else more} " if one else ""
    return verb + " and ".join([part for part in (", ".join(parts[:-1]), parts[-1]) if part])
