"""Checks of gradients: against numerical derivatives, and by properties.

>>> import micrograd as mg
>>> bool(gradcheck(lambda x: mg.exp(x) * x, 1.0))
True

The strategies, and `check_op`, need Hypothesis: `pip install
'micrograd-graph[properties]'`. They are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from micrograd.errors import MissingExtraError
from micrograd.testing.domains import DOMAINS, Domain
from micrograd.testing.gradcheck import assert_gradients, gradcheck
from micrograd.testing.report import ArgumentReport, Discrepancy, GradientReport
from micrograd.testing.samples import Sample
from micrograd.transforms.numerical import numerical_gradient

if TYPE_CHECKING:
    from micrograd.testing.battery import check_op
    from micrograd.testing.program import Program, programs
    from micrograd.testing.shapes import (
        axes_for,
        broadcastable_shapes,
        indices_for,
        one_hot_labels,
    )
    from micrograd.testing.strategies import elements_of, mutually_broadcastable, tensors, values

_NEED_HYPOTHESIS = ("shapes", "strategies", "battery", "program")

__all__ = [
    "DOMAINS",
    "ArgumentReport",
    "Discrepancy",
    "Domain",
    "GradientReport",
    "Program",
    "Sample",
    "assert_gradients",
    "axes_for",
    "broadcastable_shapes",
    "check_op",
    "elements_of",
    "gradcheck",
    "indices_for",
    "mutually_broadcastable",
    "numerical_gradient",
    "one_hot_labels",
    "programs",
    "tensors",
    "values",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            modules = (import_module(f"{__name__}.{module}") for module in _NEED_HYPOTHESIS)
            return next(getattr(module, name) for module in modules if hasattr(module, name))
        except ModuleNotFoundError as error:
            if error.name != "hypothesis":
                raise
            raise MissingExtraError(
                f"micrograd.testing.{name} needs Hypothesis. Install it with "
                "pip install 'micrograd-graph[properties]'."
            ) from error
