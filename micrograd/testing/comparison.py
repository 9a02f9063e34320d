"""The comparison of one function's gradients with numerical derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from micrograd.common.tree import tree_leaves
from micrograd.core.node import Node
from micrograd.engine.autodiff import gradients
from micrograd.engine.tensor import Tensor
from micrograd.engine.value import Value
from micrograd.errors import GradientError
from micrograd.testing.diagnosis import guess_cause
from micrograd.testing.inputs import Argument
from micrograd.testing.report import ArgumentReport, Discrepancy
from micrograd.testing.verdict import Options, Verdict, judge
from micrograd.transforms.differences import Array, Estimate, Function, estimate, is_floating


def _dot(node: Any, w: Array) -> Any:
    return node * w.item() if isinstance(node, Value) else (node * w).sum()


def _data(result: Any) -> Any:
    return np.asarray(result._data if isinstance(result, Node) else result)


class Check:
    """The comparison of a function's gradients at one order."""

    def __init__(
        self,
        f: Function,
        arguments: list[Argument],
        order: int,
        rng: np.random.Generator,
        options: Options,
        scale: float = 0.0,
    ) -> None:
        self.f, self.arguments, self.order = f, arguments, order
        self.rng, self.options = rng, options
        self.results = self.nodes_from([argument.node() for argument in arguments])
        self.weights = [self.random(_data(r).shape, _data(r).dtype) for r in self.results]
        # One number is shown as it is, and not times its random weight.
        self.unit = float(self.weights[0].item()) if self.order == 1 and self.is_number() else 1.0
        sizes = [
            np.abs(_data(r) * w).sum() for r, w in zip(self.results, self.weights, strict=True)
        ]
        self.magnitude = float(sum(sizes))
        # A gradient can vanish where the terms that it is made of do not.
        self.scale = max(scale, self.magnitude)
        self.noise = self.rounding_noise()

    def rounding_noise(self) -> float:
        """Return how far rounding puts the objective off.

        That is more than its last digit if large numbers cancel on the way, so
        it is measured too: over tiny steps, all but rounding cancels in a third difference.
        """
        digits = [
            float(np.finfo(_data(r).dtype).eps) for r in self.results if is_floating(_data(r))
        ]
        last_digit = self.magnitude * max(digits, default=0.0)
        starts = [a.data.copy() for a in self.arguments]
        found: list[float] = []
        with np.errstate(all="ignore"):
            for _ in range(2):
                steps = [1e-7 * self.random(s.shape) * np.maximum(1, np.abs(s)) for s in starts]
                far, near, near_below, far_below = (
                    self.objective_at(starts, steps, times) for times in (3, 1, -1, -3)
                )
                found.append(abs(far - 3 * near + 3 * near_below - far_below) / 4)
        measured = max((noise for noise in found if np.isfinite(noise)), default=0.0)
        return max(last_digit, min(float(measured), 1e-12 * self.scale))

    def objective_at(self, starts: list[Array], steps: list[Array], times: int) -> Any:
        """Return the objective some steps away from the arguments."""
        for a, start, step in zip(self.arguments, starts, steps, strict=True):
            a.data[...] = start + times * step
        try:
            return self.objective(self.nodes_from([a.node() for a in self.arguments]))
        finally:
            for a, start in zip(self.arguments, starts, strict=True):
                a.data[...] = start

    def is_number(self) -> bool:
        """Tell whether the result is one number."""
        return len(self.weights) == 1 and self.weights[0].size == 1

    def random(self, shape: tuple[int, ...], dtype: Any = float) -> Array:
        """Return numbers of either sign that are never small, and that `dtype` holds exactly."""
        numbers = self.rng.uniform(0.5, 1.5, shape) * self.rng.choice([-1, 1], shape)
        return np.asarray(numbers).astype(dtype).astype(float)

    def nodes_from(self, arguments: Iterable[Any]) -> list[Any]:
        results = tree_leaves(self.f(*arguments))
        if not results or not all(isinstance(result, Node) for result in results):
            raise GradientError(
                "gradcheck: f has to give nodes, but gave "
                f"{', '.join(type(result).__name__ for result in results) or 'nothing'}. A plain "
                "number has lost its graph: look for .data, .item(), float() or NumPy on the way."
            )
        return results

    def reverse(self, weights: Iterable[Array]) -> list[Array]:
        """Return the gradient of every argument by reverse mode."""
        nodes = [argument.node() for argument in self.arguments]
        totals: list[Any] = [np.zeros(argument.data.shape) for argument in self.arguments]
        for result, w in zip(self.nodes_from(nodes), weights, strict=True):
            start = float(w) if isinstance(result, Value) else w.astype(result.dtype)
            found = gradients([result], [start], nodes)
            totals = [t if g is None else t + g for t, g in zip(totals, found, strict=True)]
        return [np.asarray(total, dtype=float) for total in totals]

    def objective(self, results: Iterable[Any]) -> Any:
        """Return the sum of the results of f, each times its random number."""
        pairs = zip(results, self.weights, strict=True)
        return sum((_data(result) * w).sum() for result, w in pairs)

    def numerical(self, argument: Argument, indices: Sequence[tuple[int, ...]]) -> Estimate:
        """Return the derivatives of the objective by elements of an argument."""

        def moved(data: Array) -> Any:
            if self.options.method == "complex":
                plain = [a.plain(data if a is argument else a.data) for a in self.arguments]
                return self.objective(tree_leaves(self.f(*plain)))
            return self.objective(self.nodes_from([a.node() for a in self.arguments]))

        options = self.options
        return estimate(moved, argument.data, options.method, options.step, indices, self.noise)

    def gradient_function(self) -> tuple[Function, list[Argument]]:
        """Return the gradients times random numbers, summed up, as a function to check in turn.

        It takes the arguments, and the gradients of the results.
        """
        weights = [self.random(argument.data.shape) for argument in self.arguments]
        several = len(self.results) > 1

        def gradient(*nodes: Any) -> Any:
            inputs = nodes[: len(self.arguments)]
            total: Any = 0.0
            for result, g in zip(self.nodes_from(inputs), nodes[len(inputs) :], strict=True):
                found = gradients([result], [g], inputs, create_graph=True)
                for slope, w in zip(found, weights, strict=True):
                    if slope is not None:
                        total = _dot(slope, w) + total
            return total if isinstance(total, Node) else Value(total, requires_grad=False)

        what = "result" if self.order == 1 else f"order-{self.order - 1} gradient"
        starts = [
            Argument(
                f"gradient of the {what}" + (f" {i}" if several else ""),
                w,
                Value if isinstance(result, Value) else Tensor,
            )
            for i, (result, w) in enumerate(zip(self.results, self.weights, strict=True))
        ]
        return gradient, [*self.arguments, *starts]

    def reports(self) -> list[ArgumentReport]:
        """Return what is found for every argument."""
        before = _data(self.objective(self.results))
        reverse = self.reverse(self.weights)
        chosen = [self.indices(argument.data) for argument in self.arguments]
        numerical = [self.numerical(*pair) for pair in zip(self.arguments, chosen, strict=True)]
        return [
            self.report(i, numerical, reverse[i], chosen[i], bool(np.isnan(before)))
            for i in range(len(self.arguments))
        ]

    def indices(self, data: Array) -> list[tuple[int, ...]]:
        """Return which elements to check."""
        every = list(np.ndindex(data.shape))
        wanted = self.options.elements
        if wanted is None or wanted >= len(every):
            return every
        return [every[i] for i in sorted(self.rng.choice(len(every), wanted, replace=False))]

    def report(
        self,
        i: int,
        numerical: list[Estimate],
        reverse: Array,
        indices: list[tuple[int, ...]],
        nan_result: bool,
    ) -> ArgumentReport:
        argument, estimate = self.arguments[i], numerical[i]
        verdict = judge(estimate, reverse, indices, self.options, self.scale, nan_result)
        worst = verdict.worst(estimate, reverse, self.unit)
        cause = self.cause(i, numerical, reverse, indices, verdict, worst) if worst else ""
        return ArgumentReport(
            argument.name,
            self.order,
            argument.data.shape,
            int(verdict.checked.sum()),
            int(verdict.wrong.sum()),
            int(verdict.kink.sum()),
            int(verdict.uncertain.sum()),
            worst,
            cause,
        )

    def cause(
        self,
        i: int,
        numerical: list[Estimate],
        reverse: Array,
        indices: list[tuple[int, ...]],
        verdict: Verdict,
        worst: Discrepancy,
    ) -> str:
        """Return a guess at why argument i fails; nothing if it does not."""
        argument, estimate = self.arguments[i], numerical[i]
        sides = [float(side[worst.index]) / self.unit for side in (estimate.left, estimate.right)]
        if (verdict.wrong & ~verdict.kink).any():
            others = [
                (a.name, e.value)
                for a, e in zip(self.arguments, numerical, strict=True)
                if a is not argument
            ]
            return guess_cause(
                np.where(verdict.kink, np.nan, estimate.value),
                reverse,
                others,
                self.transposed(argument, indices),
                self.repeated(argument),
                partial(self.sees_all, i, reverse),
            )
        if verdict.wrong.any():
            return _OUTSIDE.format(*sides)
        if verdict.uncertain.any():
            return _UNCERTAIN
        strict = self.options.kinks == "strict" and verdict.kink.any()
        return _KINK.format(*sides) if strict else ""

    def transposed(
        self, argument: Argument, indices: Sequence[tuple[int, ...]]
    ) -> Iterator[tuple[str, Array]]:
        """Yield what the gradient would be if another, square, argument were transposed."""
        for other in self.arguments:
            shape = other.data.shape
            if other is not argument and len(shape) > 1 and shape[-1] == shape[-2] > 1:
                kept = other.data.copy()
                other.data[...] = kept.swapaxes(-1, -2)
                found = self.numerical(argument, indices).value
                other.data[...] = kept  # before the caller, who may not come back
                yield other.name, found

    def repeated(self, argument: Argument) -> int:
        """Return how often broadcasting repeats an argument to make the one result."""
        shape = argument.data.shape
        if len(self.results) > 1 or not argument.data.size:
            return 1
        whole = self.weights[0]
        return whole.size // argument.data.size if _broadcasts(shape, whole.shape) else 1

    def sees_all(self, i: int, reverse: Array) -> bool:
        """Tell whether the gradient of argument i depends on all that it was broadcast to."""
        shape, whole = self.arguments[i].data.shape, self.weights[0]
        padded = (1,) * (whole.ndim - len(shape)) + shape
        first = tuple(slice(1) if n == 1 else slice(None) for n in padded)
        alone = np.zeros_like(whole)
        alone[first] = whole[first]
        return not np.allclose(self.reverse([alone])[i], reverse, rtol=1e-9, atol=0)


def _broadcasts(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False


_OUTSIDE = "It lies outside of the derivatives from the two sides, {:.6g} and {:.6g}."
_UNCERTAIN = (
    "The numerical derivative is too coarse to tell a gradient from one that is off by a "
    "thousandth: scale the inputs or the result, or use method='complex' if f is analytic."
)
_KINK = (
    "The derivatives from below and above are {:.6g} and {:.6g}: move the input away from the "
    'kink, or use kinks="report".'
)
