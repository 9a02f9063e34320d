"""Training: `fit`, what it returns, and how good a model is."""

from micrograd.training.evaluation import accuracy, evaluate
from micrograd.training.fitting import fit
from micrograd.training.history import History

__all__ = ["History", "accuracy", "evaluate", "fit"]
