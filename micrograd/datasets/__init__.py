"""Handwritten digits to train on: MNIST, and the small digits of scikit-learn."""

from micrograd.datasets.digits import load_digits, load_mnist
from micrograd.datasets.idx import read_idx

__all__ = ["load_digits", "load_mnist", "read_idx"]
