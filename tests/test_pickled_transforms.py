"""What transforms return is pickled and copied as far as the function that they were given."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import (
    OperandError,
    Tensor,
    Value,
    checkpoint,
    elementwise_grad,
    grad,
    hessian,
    jacobian,
    value_and_grad,
    vjp,
)
from micrograd.nn import Linear


def cube(x: Any, *, by: float = 1.0) -> Any:
    """Return x**3, divided."""
    return x**3 / by


def cube_and_more(x: Any) -> Any:
    return x**3, {"x": x}


class Power:
    """A callable object of the user's."""

    def __init__(self, n: Any) -> None:
        self.n = n

    def __call__(self, x: Any) -> Any:
        return x**self.n

    def of(self, x: Any) -> Any:
        return x**self.n


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


def pickled_in_python(thing: Any) -> Any:
    return pickle._loads(pickle._dumps(thing))  # type: ignore[attr-defined]


COPIES: list[Any] = [copy.copy, copy.deepcopy, pickled, pickled_in_python]
every_copy = pytest.mark.parametrize("copied", COPIES)
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "a function": cube,
    "an operation": mg.tanh,
    "a partial function": functools.partial(cube, by=2.0),
    "an object": Power(3),
    "a method": Power(3).of,
    "a gradient": grad(cube),
    "a checkpoint": checkpoint(cube),
}
TRANSFORMS: list[Any] = [
    grad,
    value_and_grad,
    elementwise_grad,
    jacobian,
    hessian,
    checkpoint,
    lambda f: grad(grad(f)),
    lambda f: jacobian(checkpoint(f)),
]


@every_copy
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_copy_gives_what_the_original_gives(name: str, copied: Any) -> None:
    for transform in TRANSFORMS:
        original = transform(FUNCTIONS[name])
        twin = copied(original)
        assert twin is not original
        assert twin(1.5) == original(1.5)
        assert twin.__name__ == original.__name__
        assert twin.__doc__ == original.__doc__


@every_copy
def test_a_copy_has_the_settings_of_the_original(copied: Any) -> None:
    twin = copied(grad(lambda_free := Power(2).of, argnums=[0]))
    assert twin(3.0) == grad(lambda_free, argnums=[0])(3.0) == (6.0,)
    assert copied(value_and_grad(cube_and_more, has_aux=True))(2.0) == ((8.0, {"x": 2.0}), 12.0)
    assert copied(jacobian(cube_and_more, has_aux=True))(2.0)[0] == 12.0
    assert copied(grad(cube))(2.0, by=2.0) == 6.0


@every_copy
def test_what_vjp_returned_is_copied_with_its_graph(copied: Any) -> None:
    f = Power(3)
    _, back, aux = vjp(lambda x: (f(x), NOT_PICKLED), np.array([1.0, 2.0]), has_aux=True)
    assert aux is NOT_PICKLED
    twin = copied(back)
    for pull in (back, twin, copied(twin)):
        assert pull(np.ones(2))[0].tolist() == [3.0, 12.0]
        assert pull(np.array([1.0, 10.0]))[0].tolist() == [3.0, 120.0]


def test_a_deep_copy_of_a_gradient_has_a_model_of_its_own() -> None:
    model = Linear(1, 1, rng=np.random.default_rng(0))
    model.weight.data[...] = 2.0
    slope = grad(Applied(model))
    twin = copy.deepcopy(slope)
    model.weight.data[...] = 5.0
    assert slope(np.ones((1, 1))).data.item() == 5.0
    assert twin(np.ones((1, 1))).data.item() == 2.0


class Applied:
    """The sum of what a model gives."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __call__(self, x: Any) -> Any:
        return self.model(x).sum()


NOT_PICKLED = (number for number in ())  # type: ignore[var-annotated]

# --- functions that have no name to be found by ---


def test_a_function_that_does_not_pickle_is_named_by_the_error() -> None:
    """It named the inner function of grad, which the user does not know."""

    def local(x: Any) -> Any:
        return x

    for f, words in ((local, "<locals>.local"), (lambda x: x, "<lambda>")):
        for transform in TRANSFORMS[:6]:
            with pytest.raises((AttributeError, pickle.PicklingError), match=words):
                pickle.dumps(transform(f))
        for copied in (copy.copy, copy.deepcopy):
            assert copied(grad(lambda x, f=f: f(x) * x))(3.0) == 6.0
            assert copied(grad(f))(3.0) == 1.0


def test_an_operation_that_does_not_pickle_is_named_too() -> None:
    op = mg.Op("unknown in test_pickled", lambda x: x * 2, (lambda g, y, x: g * 2,))
    with pytest.raises(OperandError, match="operation 'unknown in test_pickled' was not made by"):
        pickle.dumps(grad(op))


# --- as functions go ---


def test_name_docstring_and_signature_are_those_of_the_function() -> None:
    for transform in (grad, value_and_grad, elementwise_grad, jacobian, hessian, checkpoint):
        made = transform(cube)
        assert (made.__name__, made.__doc__) == ("cube", "Return x**3, divided.")
        assert inspect.signature(made) == inspect.signature(cube)
        assert inspect.unwrap(made) is cube
        assert repr(made).endswith("of cube>")
    assert repr(grad(mg.tanh)) == "<grad of tanh>"
    assert repr(grad(functools.partial(cube, by=2.0))).startswith("<grad of functools.partial(")
    assert grad(functools.partial(cube, by=2.0)).__name__ == "grad"


def test_a_transformed_function_in_a_class_is_its_method() -> None:
    class Model:
        def __init__(self, w: float) -> None:
            self.w = w

        def loss(self, x: Any) -> Any:
            return self.w * x * x

        slope = grad(loss, argnums=1)

    assert Model(3.0).slope(2.0) == 12.0
    assert Model.slope(Model(3.0), 2.0) == 12.0
    assert Model.slope.__name__ == "loss"


def test_an_argument_may_be_called_self() -> None:
    assert grad(lambda x, self: x * self)(2.0, self=3.0) == 3.0


def test_gradients_reach_the_graph_outside_after_copying() -> None:
    w = Value(2.0)
    slope = copy.copy(grad(Power(w)))
    y = slope(3.0)
    y.backward()
    assert y.data == 6.0
    x = Tensor([2.0])
    twin = pickled(checkpoint(cube))
    twin(x).backward()
    assert x.grad.tolist() == [12.0]


SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from micrograd import checkpoint, grad, hessian, value_and_grad, vjp
import numpy as np

def loss(x):
    return (x**3).sum()

def main():
    x = np.array([1.0, 2.0])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for f in (grad(loss), value_and_grad(loss), hessian(checkpoint(loss))):
            assert repr(list(pool.map(f, [x]))) == repr([f(x)]), f
        (slope,) = pool.submit(vjp(loss, x)[1], 1.0).result()
        print(slope.tolist())

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
def test_other_processes_get_the_gradients_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "[3.0, 12.0]\n", done.stderr
