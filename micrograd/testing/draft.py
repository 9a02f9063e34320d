"""A random program that is being drawn: it is computed while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import numpy as np

import micrograd
from micrograd.core.op import Op
from micrograd.testing.operands import Operand
from micrograd.testing.steps import array_text

_STEP = 1 / 1024  # of the differences that tell how steep and how curved a program is
_LARGEST, _STEEPEST, _MOST_CURVED = 64, 64, 512
_MOST_ELEMENTS = 64


@dataclass(frozen=True)
class Step:
    """A variable of a program: how it is computed, from which others, and what it is there."""

    text: str  # with the variables that it uses as {_0}, {_1}, ...
    used: tuple[int, ...]


class Draft:
    """A program that is being drawn: its variables so far, with their data."""

    def __init__(
        self, inputs: Sequence[Any], ops: Mapping[str, Op], singular: bool = False
    ) -> None:
        self.ops = ops
        self.inputs = inputs
        self.singular = singular
        self.steps: list[Step] = []
        self.variables = [Operand(f"{{_{i}}}", data) for i, data in enumerate(inputs)]
        # The same program at three points on a line tells how smooth it is.
        self.scopes = [self._scope(inputs, step) for step in (0, _STEP, -_STEP)]

    def _scope(self, inputs: Sequence[Any], step: float) -> dict[str, Any]:
        scope: dict[str, Any] = {"mg": micrograd, "np": np, **self.ops}
        for i, data in enumerate(inputs):
            slant: Any = step / (1 + (np.arange(np.size(data)) + i) % 3).reshape(np.shape(data))
            scope[f"_{i}"] = data + (slant.item() if isinstance(data, float) else slant)
        return scope

    def add(self, text: str, operands: Sequence[Operand]) -> bool:
        """Compute a step, and keep it if it is smooth at a scale that differences can see."""
        name = f"_{len(self.variables)}"
        code = compile(text.replace("{", "").replace("}", ""), "<step>", "eval")
        with np.errstate(all="ignore"):
            found = [eval(code, scope) for scope in self.scopes]
            if isinstance(self.inputs[0], float):
                found = list(map(float, found))
            here, ahead, behind = map(np.asarray, found)
            if not _is_tame(here, ahead, behind, self.singular):
                return False
        for scope, data in zip(self.scopes, found, strict=True):
            scope[name] = data
        variables = self.variables
        used = tuple(i for i, x in enumerate(variables) if any(x is y for y in operands))
        self.steps.append(Step(text, used))
        variables.append(Operand(f"{{{name}}}", here.astype(float)))
        return True

    def source_and_ops(self) -> tuple[str, dict[str, Op]]:
        """Return the text of what the last step depends on, and the user's operations in it."""
        needed = self._needed()
        names = dict(zip((f"_{i}" for i in needed), self._names(), strict=False))
        inputs = [i for i in needed if i < len(self.inputs)]
        steps = needed[len(inputs) :]
        lines = [f"{{_{i}}} = {self._step(i).text}" for i in steps[:-1]]
        lines.append(f"return {self._step(steps[-1]).text}")
        body = "".join(f"    {line.format(**names)}\n" for line in lines)
        ops = {name: op for name, op in self.ops.items() if f"{name}(" in body}
        imports = "import numpy as np\nimport micrograd as mg\n"
        origins = "".join(
            f"# {name}: the operation that define_op({op.name!r}, ...) returned\n"
            for name, op in ops.items()
        )
        head = f"def program({', '.join(names[f'_{i}'] for i in inputs)}):\n"
        data = _inputs_text([self.inputs[i] for i in inputs])
        return f"{imports}{origins}\n{head}{body}\n{data}", ops

    def _step(self, i: int) -> Step:
        return self.steps[i - len(self.inputs)]

    def _needed(self) -> list[int]:
        """Return the positions of the variables that the last one depends on, and its own."""
        last = len(self.variables) - 1
        needed = {last}
        for i in range(last, len(self.inputs) - 1, -1):
            if i in needed:
                needed.update(self._step(i).used)
        return sorted(needed)

    def _names(self) -> Iterator[str]:
        names = (*ascii_lowercase, *(f"x{i}" for i in range(len(self.variables))))
        return (name for name in names if name not in self.ops)


def _inputs_text(inputs: Sequence[Any]) -> str:
    texts = [repr(data) if isinstance(data, float) else array_text(data) for data in inputs]
    line = f"inputs = ({', '.join(texts)}{',' * (len(texts) == 1)})\n"
    if len(line) <= 100:
        return line
    return "inputs = (\n" + "".join(f"    {text},\n" for text in texts) + ")\n"


def _is_tame(here: Any, ahead: Any, behind: Any, singular: bool) -> bool:
    """Tell whether a result is finite, not too large and, by differences, not too steep."""
    if not 0 < here.size <= _MOST_ELEMENTS or not np.all(np.abs(here) <= _LARGEST):
        return False
    slope = np.abs(ahead - behind) / (2 * _STEP)
    curvature = np.abs(ahead - 2 * here + behind) / _STEP**2
    return bool(np.all(slope <= _STEEPEST) and (singular or np.all(curvature <= _MOST_CURVED)))
