"""Programs that are read, saved as modules and pickled: they give what the function gives."""

import copy
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import Tensor, Value, nn
from micrograd.compiler.lowering.definitions import Definitions
from micrograd.compiler.lowering.names import Names
from micrograd.compiler.lowering.portable import of_numbers
from micrograd.compiler.writing.text import identifier
from micrograd.core.numbers import compute
from micrograd.core.op import registry
from micrograd.errors import ArgumentError, CompileError
from micrograd.nn.optim import Adam

POINTS = [0.0, -0.0, 1.5, -2.0, 0.25, 1e308, math.inf, -math.inf, math.nan, 800.0, -800.0]

APART = """
import pickle, runpy, sys
class Nobody:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "micrograd":
            raise ImportError(name)
sys.meta_path.insert(0, Nobody())
with open(sys.argv[1], "rb") as file:
    jobs = pickle.load(file)
found = []
for path, name, calls in jobs:
    function = runpy.run_path(path)[name]
    found.append([function(*args, **others) for args, others in calls])
assert not any(name.startswith("micrograd") for name in sys.modules)
with open(sys.argv[1], "wb") as file:
    pickle.dump(found, file)
"""


def exactly(thing: Any) -> Any:
    """Return what tells results apart to the last bit, zeros by their sign, and by type."""
    if isinstance(thing, dict):
        return {key: exactly(part) for key, part in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing), [exactly(part) for part in thing]
    if isinstance(thing, (np.ndarray, np.generic)):
        return type(thing), thing.dtype, thing.shape, thing.tobytes()
    return type(thing), "nan" if thing != thing else repr(thing)


def apart(tmp_path: Path, *jobs: tuple[Any, list[tuple[tuple[Any, ...], dict[str, Any]]]]) -> Any:
    """Return what saved programs give in a process that cannot import this library."""
    told: list[Any] = []
    for k, (program, calls) in enumerate(jobs):
        path = tmp_path / f"saved{k}.py"
        program.save(path)
        told.append((str(path), program.name, calls))
    where = tmp_path / "jobs.pickle"
    where.write_bytes(pickle.dumps(told))
    subprocess.run([sys.executable, "-c", APART, str(where)], check=True, timeout=120)
    return pickle.loads(where.read_bytes())


def here(program: Any, tmp_path: Path) -> Callable[..., Any]:
    """Return a saved program as a function of this process."""
    path = tmp_path / "saved.py"
    program.save(path)
    text = path.read_text()
    assert "micrograd" not in text
    space: dict[str, Any] = {}
    exec(compile(text, str(path), "exec"), space)
    return space[identifier(program.name)]


# To be read


def test_numbers_are_printed_as_one_would_write_them() -> None:
    w = Value(3.0, label="w")

    @mg.compile
    def step(x: float, lr: float) -> Any:
        loss = mg.tanh(w * x) - 1
        loss.label = "loss"
        w.zero_grad()
        loss.backward()
        w.data -= lr * w.grad
        return loss

    assert str(step.program(2.0, 0.5)) == (
        "def step(x, lr, w):\n"
        "    t1 = w * x\n"
        "    t2 = tanh(t1)\n"
        "    loss = t2 - 1\n"
        "    # the backward pass\n"
        "    t3 = tanh_slope(1, t1)\n"
        "    w_grad = t3 * x  # the gradient of w\n"
        "    # after the backward pass\n"
        "    t4 = lr * w_grad\n"
        "    w_new = w - t4  # the new data of w\n"
        "    return loss, w_grad, w_new"
    )


def test_literals_are_exact_and_branches_are_seen() -> None:
    def f(x: float) -> Any:
        return x * 0.1 + math.inf if x > 1e-300 else x

    assert str(mg.compile(f).program(1.0)) == (
        "def f(x):\n"
        "    t1 = x > 1e-300\n"
        "    if not t1: raise ValueError('the program was recorded for another case than these "
        "numbers')\n"
        "    t2 = x * 0.1\n"
        "    t3 = t2 + np.inf\n"
        "    return t3"
    )


def test_numbers_in_one_vector_are_printed_with_what_they_come_from() -> None:
    a = [Value(float(i), label=f"a{i}") for i in range(6)]

    def f(x: float) -> Any:
        return [v * x for v in a]

    lines = str(mg.compile(f, scalars="levels").program(2.0)).splitlines()
    assert lines[1] == "# v[0:7] are the inputs: a0, a1, a2 … x"
    assert any("6 numbers of a0, a1, a2 … a5 and x" in line for line in lines)


def test_both_parts_are_printed_the_first_called_by_the_second() -> None:
    def f(x: float, y: Any) -> Any:
        z = x
        for _ in range(70):
            z = z * x
        return z * y, z

    program = mg.compile(f).program(1.5, np.ones(2))
    text = str(program)
    assert text.index("def numbers(x):") < text.index("def f(x, y):")
    assert "    found = numbers(x)\n" in text


# As modules


def _goes_on(x: Any, y: Any) -> Any:
    return mg.log(x) + mg.exp(y) / x + mg.sqrt(y) + (x * y).relu() + mg.tanh(x) * x**-2 + x**3


def _of_gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    def g(x: float) -> Any:
        w = Value(0.5)
        value = f(Value(x), w)
        value.backward()
        return value.data, w.grad, x == 1.5, [x < 1, (x > 0) + 2]

    return g


@pytest.mark.parametrize("how", ["source", "levels"])
def test_saved_numbers_are_those_of_eager_calls_without_this_library(
    tmp_path: Path, how: str
) -> None:
    g = _of_gradients(_goes_on)
    program = mg.compile(g, scalars=how).program(1.25)
    [found] = apart(tmp_path, (program, [((x,), {}) for x in POINTS]))
    assert exactly(found) == exactly([g(x) for x in POINTS])


_CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "of one": lambda x, w: sum(
        [
            getattr(mg, name)(x * w)
            for name in [
                "sigmoid",
                "softplus",
                "erf",
                "abs",
                "sin",
                "cos",
                "arctan",
                "sinh",
                "floor",
                "sign",
                "square",
                "cbrt",
                "log1p",
                "expm1",
                "softsign",
                "log_sigmoid",
                "trunc",
                "sinc",
            ]
        ]
    ),
    "of two": lambda x, w: sum(
        [
            getattr(mg, name)(x, w)
            for name in ["logaddexp", "maximum", "minimum", "fmod", "hypot", "arctan2", "copysign"]
        ]
    ),
    "chosen": lambda x, w: mg.clip(x * w, -1.0, 1.0) + mg.leaky_relu(x) + mg.elu(x * w),
}


@pytest.mark.parametrize("how", ["source", "levels"])
@pytest.mark.parametrize("name", _CALLS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_saved_operations_are_those_of_eager_calls(tmp_path: Path, how: str, name: str) -> None:
    g = _of_gradients(_CALLS[name])
    saved = here(mg.compile(g, scalars=how).program(1.25), tmp_path)
    assert [exactly(saved(x)) for x in POINTS] == [exactly(g(x)) for x in POINTS]


_SETTINGS: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1.5},
    "leaky_relu": {"negative_slope": 0.1},
    "softplus": {"beta": 2.0},
    "nan_to_num": {"nan": 0.0, "posinf": 1.0, "neginf": 2.0},
    "round": {"decimals": 1},
    "sinc_slope": {"order": 1},
}
_ROWS = [n for n, op in sorted(registry.items()) if not op.arrays_only and not op.foreign]


@pytest.mark.parametrize("name", _ROWS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_each_operation_of_numbers_can_be_written(name: str) -> None:
    op = registry[name]
    definitions = Definitions(Names())
    definitions.bind("written", of_numbers(op))
    text = "\n".join(definitions.texts)
    assert "micrograd" not in text
    space: dict[str, Any] = {}
    exec(f"import functools, math, operator\nimport numpy as np\n{text}", space)
    settings = _SETTINGS.get(name, {})
    arity = len(op.derivatives)  # pyright: ignore[reportArgumentType]
    some = [*POINTS, 0, 3, -1, True, 2**53]
    for k, x in enumerate(some):
        args = [some[(k + 5 * i) % len(some)] for i in range(arity)]
        assert x is args[0]
        assert exactly(_outcome(space["written"], args, settings)) == exactly(
            _outcome(lambda *args, **settings: compute(op, args, settings), args, settings)
        )


def _outcome(function: Callable[..., Any], args: Any, settings: Any) -> Any:
    try:
        return function(*args, **settings)
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error).__name__


def test_an_integer_past_what_a_float_holds_becomes_one_in_a_module(tmp_path: Path) -> None:
    def f(n: int) -> Any:
        return n * n, n * 2, (n > 3) & (n < 9)

    saved = here(mg.compile(f, scalars="source").program(3), tmp_path)
    eager = [Value(n) * Value(n) for n in (5, 2**40)]
    assert [exactly(saved(n)[0]) for n in (5, 2**40)] == [exactly(v.data) for v in eager]
    assert saved(5)[1:] == (10, True)


def test_what_python_divides_by_zero_is_its_error_in_a_module(tmp_path: Path) -> None:
    saved = here(mg.compile(_divided).program(2.0), tmp_path)
    assert saved(4.0) == 0.25
    with pytest.raises(ZeroDivisionError):
        saved(0.0)


@pytest.mark.parametrize("how", ["source", "levels"])
def test_classes_and_signs_of_zero_are_kept_in_modules(tmp_path: Path, how: str) -> None:
    def f(x: float) -> Any:
        r = Value(x).relu()  # the integer 0 where x is negative
        chosen = [mg.maximum(x, -x), mg.minimum(-x, x), mg.maximum(-x, x)]
        return [v.data for v in (r, mg.floor(r), mg.sign(r), r * 1.0, r * 1, -r)], chosen

    saved = here(mg.compile(f, scalars=how).program(2.5), tmp_path)
    for x in (2.5, -1.0, 0.0, -0.0):
        assert exactly(saved(x)) == exactly(f(x))


def _random_function(seed: int) -> Callable[..., Any]:
    def f(x: float, n: int) -> Any:
        draw = random.Random(seed)
        leaves: list[Any] = [Value(0.5), Value(-2), Value(3), Value(x), Value(n)]
        nodes, numbers = [*leaves], [x, n]
        for _ in range(draw.randrange(5, 25)):
            a, b = draw.choice(nodes), draw.choice(nodes)
            if draw.random() < 0.45:
                nodes.append(getattr(mg, draw.choice(_ONE))(a))
            else:
                nodes.append(draw.choice(_TWO)(a, b))
            if draw.random() < 0.3:
                numbers.append(draw.choice(numbers) * draw.choice([2, 1.5, -1]) + numbers[0])
                numbers.append((numbers[-1] > draw.choice(numbers)) + numbers[1])
        last: Any = sum(nodes[-4:])
        last.backward()
        return [v.grad for v in leaves], numbers[2:], [v.data for v in nodes[-3:]]

    return f


_ONE = [
    "relu",
    "tanh",
    "exp",
    "log",
    "sqrt",
    "sigmoid",
    "negative",
    "abs",
    "sin",
    "square",
    "reciprocal",
    "softplus",
    "sign",
]
_TWO: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b * a,
    lambda a, b: a / b,
    mg.maximum,
    mg.minimum,
    lambda a, b: a**3 + b**-1,
    lambda a, b: a * (a.data > b.data),
]


@pytest.mark.parametrize("how", ["source", "levels"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_saved_random_graphs_are_eager_ones(tmp_path: Path, how: str) -> None:
    for seed in range(12):
        f = _random_function(seed)
        saved = here(mg.compile(f, scalars=how).program(1.5, 3), tmp_path)
        for x, n in [(0.0, -2), (-0.0, 0), (math.inf, 1), (math.nan, 5), (-3.0, 2**30)]:
            assert exactly(saved(x, n)) == exactly(f(x, n)), seed


def _divided(x: float) -> Any:
    return 1 / x


def _step(model: Any) -> Callable[..., Any]:
    def step(x: Any, y: Any, lr: float) -> Any:
        loss = nn.cross_entropy(model(x), y)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data = p.data - lr * p.grad
        return {"loss": loss}

    return step


def test_a_saved_training_step_and_hvp_give_what_eager_calls_give(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(12, 8, rng=rng), nn.Tanh(), nn.Linear(8, 4, rng=rng))
    for p in model.parameters():
        p.data = p.data.astype(np.float32)
    x, y = rng.normal(size=(5, 12)).astype(np.float32), rng.integers(0, 4, 5)
    step = _step(model)
    program = mg.compile(step).program(x, y, 0.5)

    def curve(w: Any, v: Any) -> Any:
        return mg.hvp(lambda w: mg.tanh(w @ w.T).sum(), (w,), (v,))

    a = rng.normal(size=(3, 3))
    other = mg.compile(curve).program(a, a)
    [[(result, left)], [bent]] = apart(
        tmp_path, (program, [((x * 2, y, 0.25), {})]), (other, [((a + 1, a), {})])
    )
    loss = step(x * 2, y, 0.25)["loss"]
    assert exactly(result["loss"]) == exactly(loss.data[()])
    wanted = [p.data for p in model.parameters()] + [p.grad for p in model.parameters()]
    assert len(left) == 8
    for array in wanted:
        assert any(exactly(array) == exactly(np.asarray(each)) for each in left.values())
    assert exactly(bent) == exactly(curve(a + 1, a))


def test_a_saved_demo_keeps_its_numbers(tmp_path: Path) -> None:
    points = np.random.default_rng(1).normal(size=(7, 2))
    weights = [Value(0.1 * i - 0.3, label=f"w{i}") for i in range(9)]

    def step(lr: float) -> Any:
        total: Any = 0
        for row in points:
            inputs = list(map(Value, row))
            hidden = [
                (weights[k] * inputs[0] + weights[k + 1] * inputs[1]).relu() for k in range(8)
            ]
            total = total + sum(hidden) * (1.0 / 7)
        for w in weights:
            w.zero_grad()
        total.backward()
        for w in weights:
            w.data -= lr * w.grad
        return total

    program = mg.compile(step, scalars="levels").program(0.5)
    [[(total, left)]] = apart(tmp_path, (program, [((0.5,), {"w0": -0.25})]))
    weights[0].data = -0.25
    expected = step(0.5)
    assert exactly(total) == exactly(expected.data)
    assert exactly([left[f"w{i}"] for i in range(9)]) == exactly([w.data for w in weights])
    assert exactly([left[f"w{i}.grad"] for i in range(9)]) == exactly([w.grad for w in weights])


def test_a_module_has_the_arguments_and_leaves_by_name_with_their_present_data(
    tmp_path: Path,
) -> None:
    w = Tensor([1.0, 2.0], label="w")

    def scaled(x: Any, *, k: float) -> Any:
        return {"y": [w * x * k, None], "k": (k,)}

    compiled = mg.compile(scaled)
    program = compiled.program(np.ones(2), k=2.0)
    w.data = np.array([3.0, 5.0])
    saved = here(program, tmp_path)
    assert exactly(saved(np.ones(2), 2.0)) == exactly(
        {"y": [np.array([6.0, 10.0]), None], "k": (2.0,)}
    )
    assert saved(np.ones(2), k=1.0, w=np.zeros(2))["y"][0].tolist() == [0.0, 0.0]
    with pytest.raises(TypeError):
        saved(np.ones(2))


@pytest.mark.parametrize("how", ["source", "levels"])
def test_long_results_keep_their_containers(tmp_path: Path, how: str) -> None:
    def many(x: float) -> Any:
        return [x * i for i in range(40)]

    def nested(x: float) -> Any:
        return ([x * i for i in range(40)],)

    for f in (many, nested, lambda x: (tuple(many(x)), many(x))):
        saved = here(mg.compile(f, scalars=how).program(2.0), tmp_path)
        assert exactly(saved(3.0)) == exactly(f(3.0))


def test_all_arguments_are_parameters_in_their_order_nodes_too(tmp_path: Path) -> None:
    def f(a: Any, unused: float, b: Any, n: int) -> Any:
        return b * n - a

    program = mg.compile(f).program(Value(1.0), 2.0, Value(3.0), 4)
    assert program.alone().inputs == ("a", "unused", "b", "n")
    for saved in (here(program, tmp_path), program.alone()):
        assert saved(10.0, 0.5, 7.0, 2) == 4.0


def test_arrays_from_outside_are_inputs_with_defaults(tmp_path: Path) -> None:
    data = np.arange(200.0)

    def total(k: float) -> Any:
        return (data * k).sum()

    program = mg.compile(total).program(2.0)
    assert program.alone().inputs == ("k", "data")
    data[0] = 5.0
    for saved in (here(program, tmp_path), pickle.loads(pickle.dumps(program))):
        assert exactly(saved(2.0)) == exactly((data * 2.0).sum())
        assert saved(1.0, data=np.ones(200)) == 200.0


def test_a_module_may_have_the_name_of_what_it_calls(tmp_path: Path) -> None:
    def tanh(x: Any) -> Any:
        return mg.tanh(x) + 1

    def erf(x: Any) -> Any:
        return mg.erf(x).sum()

    assert here(mg.compile(tanh).program(0.5), tmp_path)(0.5) == math.tanh(0.5) + 1
    a = np.array([0.5, 2.0])
    saved = here(mg.compile(erf).program(a), tmp_path)
    assert exactly(saved(a)) == exactly(mg.erf(a).sum())


# The report


def _decides(x: float) -> Any:
    return max(x, RATES[0]) * WEIGHT


RATES, WEIGHT = [0.5], Value(2.0)


def test_the_report_counts_and_names() -> None:
    program = mg.compile(_decides).program(1.0)
    size, effects, guards, watched, rest = program.report().split("\n\n")
    recorded, needed = program.recorded, len(program.instructions)
    calls = program._replay.code.calls
    one = " ".join(size.split())
    assert f"of {recorded} values that were recorded, {needed} calls are needed" in one
    assert f"They run as {calls} calls" in one
    assert "1 argument and the data of 1 node at each call. It leaves nothing" in _line(effects)
    assert "1 number decides which way Python goes, at test_compiled_stored.py:" in _line(guards)
    for name in ("`RATES`", "`WEIGHT`", "`the elements of RATES`"):
        assert name in _line(watched)
    assert _line(rest).startswith("Every operation was traced. What else Python read")
    for paragraph in (size, effects, guards, watched, rest):
        assert paragraph.endswith(".") or paragraph.endswith("finds it.")
        assert all(len(line) <= 88 for line in paragraph.splitlines())


def test_the_report_names_what_was_not_traced() -> None:
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = Adam(model.parameters())

    def trained(x: Any) -> Any:
        loss = _opaque(model(x)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    _opaque(model(np.ones((2, 2)))).sum().backward()  # its rule is tested once
    report = _line(mg.compile(trained).program(np.ones((2, 2))).report())
    assert "since it cannot be traced, is the forward of stored_opaque." in report
    assert "After the program runs Optimizer.step, as in an eager call." in report
    assert "gradients in 2 nodes" in report


def _line(text: str) -> str:
    return " ".join(text.split())


# What cannot be written


_opaque = mg.define_op(
    "stored_opaque", lambda x: np.array(x.tolist()) * 2.0, lambda g, y, x: g * 2.0
)


def test_what_a_module_cannot_have_is_named(tmp_path: Path) -> None:
    model = nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimizer = Adam(model.parameters())

    def trained(x: Any) -> Any:
        loss = model(x).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    def foreign(x: Any) -> Any:
        return _opaque(x)

    def prod(x: Any) -> Any:
        return mg.value_and_grad(lambda x: mg.prod(x))(x)

    x = np.ones((2, 2))
    for f, named in (
        (trained, "step"),
        (foreign, "stored_opaque"),
        (prod, "of prod"),
        (_boxed, "Box"),
    ):
        program = mg.compile(f).program(x)
        with pytest.raises(CompileError, match=named):
            program.save(tmp_path / "never.py")
    assert not (tmp_path / "never.py").exists()


@dataclass
class Box:
    inside: Any


def _boxed(x: Any) -> Any:
    return Box(x * 2)


# Pickles


def test_a_pickled_program_gives_the_same(tmp_path: Path) -> None:
    g = _of_gradients(_goes_on)
    for how in ("source", "levels"):
        program = mg.compile(g, scalars=how).program(1.25)
        for other in (
            pickle.loads(pickle.dumps(program)),
            copy.copy(program),
            copy.deepcopy(program),
        ):
            assert [exactly(other(x)) for x in POINTS] == [exactly(g(x)) for x in POINTS]
            assert str(other) == str(program)
    x = np.array([[1.0, -2.0], [0.5, 3.0]])
    for f in (lambda x: mg.erf(x) * 2, _opaque, _boxed):
        program = mg.compile(f).program(x)
        again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(program))))
        found, wanted = again(x + 1), f(x + 1)
        if isinstance(wanted, Box):
            assert isinstance(found, Box)
            found, wanted = found.inside, wanted.inside
        assert exactly(found) == exactly(wanted)


def test_a_pickled_program_runs_in_another_process(tmp_path: Path) -> None:
    w = Value(3.0, label="w")

    def step(x: float) -> Any:
        y = mg.tanh(w * x)
        w.zero_grad()
        y.backward()
        return y

    path = tmp_path / "program.pickle"
    path.write_bytes(pickle.dumps(mg.compile(step).program(2.0)))
    code = "import pickle, sys; print(repr(pickle.load(open(sys.argv[1], 'rb'))(0.125, w=0.5)))"
    out = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    ).stdout
    w.data = 0.5
    y = step(0.125)
    assert out.strip() == repr((y.data, {"w.grad": w.grad}))


def test_a_stored_program_says_what_it_takes() -> None:
    w = Tensor([1.0, 2.0], label="w")
    program = mg.compile(lambda x, k: w * x * k).program(np.ones(2), 2.0).alone()
    assert exactly(program([2.0, 3.0], 2)) == exactly(np.array([4.0, 12.0]))
    for args, others, words in (
        ((np.ones(3), 2.0), {}, r"input x is an array of shape \(2,\)"),
        ((np.ones(2), 2.0), {"w": np.ones(2, np.float32)}, "dtype float32"),
        ((np.ones(2), "a"), {}, "a number of class float, but came 'a'"),
        ((np.ones(2),), {}, "its argument k is missing"),
        ((np.ones(2), 2.0, 3.0), {}, "came 3 arguments"),
        ((np.ones(2), 2.0), {"v": 1}, "has no input 'v'"),
    ):
        with pytest.raises(ArgumentError, match=words):
            program(*args, **others)


def test_what_pickle_does_not_find_is_named() -> None:
    @dataclass
    class Local:
        inside: Any

    program = mg.compile(lambda x: Local(x * 2)).program(2.0)
    with pytest.raises(CompileError, match="Local"):
        pickle.dumps(program)
