"""The product of a Hessian and a vector for the MNIST network, compiled."""

from __future__ import annotations

from benchmarks.cases import decorated, second_order

micrograd, eager = decorated.compiled(second_order.build), second_order.micrograd
pytorch, jax_jit = second_order.pytorch, second_order.jax_jit
