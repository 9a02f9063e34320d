"""Training: `fit`, what it returns, how good a model is, and memory for loops of your own."""

from micrograd.training.evaluation import accuracy, evaluate
from micrograd.training.fitting import fit
from micrograd.training.history import History
from micrograd.training.memory import keep_freed_memory

__all__ = ["History", "accuracy", "evaluate", "fit", "keep_freed_memory"]
