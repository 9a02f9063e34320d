"""Functions of Tensors and arrays, compiled: they return and leave what they do eagerly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import micrograd as mg
from micrograd import CompileError, OperandError, Tensor, nn
from tests.twins import Make, assert_twins, bits

Body = Callable[..., Any]

PICKED = np.array([0, 2, 2])
MASK = np.array([True, False, True, True, False])


def numbers(*shape: int, seed: int = 0, dtype: Any = float) -> Any:
    """Return normal numbers, the same for a shape and seed whatever ran before."""
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


def batches(count: int, *shape: int, dtype: Any = float) -> list[tuple[Any]]:
    """Return arguments for so many calls: an array each."""
    return [(numbers(*shape, seed=i, dtype=dtype),) for i in range(count)]


def labelled(count: int, *shape: int, classes: int = 2) -> list[tuple[Any, Any]]:
    """Return arguments for so many calls: an array, and a class for each row."""
    rng = np.random.default_rng(7)
    return [(x, rng.integers(0, classes, shape[0])) for (x,) in batches(count, *shape)]


def with_tensors(body: Body, *data: Any) -> Make:
    """Return what makes a function of some Tensors of its own and of the arguments."""

    def make() -> tuple[Body, list[Tensor]]:
        nodes = [Tensor(x) for x in data]
        return lambda *args, **kwargs: body(nodes, *args, **kwargs), nodes

    return make


# By hand


def test_a_compiled_function_is_called_as_it_is() -> None:
    w = Tensor([1.0, 2.0])

    @mg.compile
    def step(x: Any, lr: float) -> Tensor:
        loss = ((w * x) ** 2).sum()
        w.zero_grad()
        loss.backward()
        w.data -= lr * w.grad
        return loss

    # loss = w0² x0² + w1² x1²; slopes 2 w x²
    x = np.array([1.0, 2.0])
    assert step(x, 0.125).item() == 17.0
    assert (w.grad.tolist(), w.data.tolist()) == ([2.0, 16.0], [0.75, 0.0])
    w.data = [1.0, 1.0]
    assert step(x, 0.125).item() == 5.0
    w.data = [2.0, 1.0]
    assert step(x, 0.25).item() == 8.0
    assert (w.grad.tolist(), w.data.tolist()) == ([4.0, 8.0], [1.0, -1.0])
    assert len(step.programs) == 1


def test_an_array_from_outside_is_read_at_each_call() -> None:
    images, w = np.ones(3), Tensor([1.0, 2.0, 3.0])
    f = mg.compile(lambda: (w * images).sum())
    for k in range(6):
        images[:] = k
        assert f().item() == 6.0 * k
    assert len(f.programs) == 1


def test_elements_that_python_picks_from_an_array_are_noticed() -> None:
    images, w = np.ones(3), Tensor([1.0, 2.0, 3.0])
    f = mg.compile(lambda: (w * images).sum() * images[0])
    for k in (1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 1.0):
        images[:] = k
        assert f().item() == 6.0 * k * k


def test_too_many_arrays_that_change_are_an_error() -> None:
    images, w = np.ones(3), Tensor([1.0, 2.0, 3.0])
    f = mg.compile(lambda: (w * images).sum() * images[0], max_programs=2)

    def run() -> None:
        for k in range(20):
            images[:] = k
            f()

    with pytest.raises(CompileError, match="array `images` was written to"):
        run()


def test_what_was_handed_out_stays_or_changes_as_eagerly() -> None:
    def new(a: Tensor, x: Any) -> None:
        a.data = a.data - x

    def same(a: Tensor, x: Any) -> None:
        a.data -= x

    for body, kept in ((new, True), (same, False)):
        a = Tensor([1.0, 2.0])
        f = mg.compile(body)
        f(a, np.ones(2))
        f(a, np.ones(2))
        held = a.data
        before = held.copy()
        f(a, np.ones(2))
        assert np.array_equal(held, before) is kept
        assert (held is a.data) is not kept
        assert a.data.tolist() == [-2.0, -1.0]


def test_results_are_arrays_of_their_own() -> None:
    x = numbers(3)
    w = Tensor(numbers(3, seed=1))
    f = mg.compile(lambda x: (x, x[1:], x.reshape(3, 1), w.data, w * 1))
    results = [f(x) for _ in range(4)]
    for one in results:
        assert not any(np.shares_memory(part, x) for part in one[:3])
        assert one[3] is w.data
    for one in results[:-1]:
        assert not np.shares_memory(one[4]._data, results[-1][4]._data)
    with pytest.raises(ValueError, match="read-only"):
        results[-1][4].data[0] = 1.0


def test_inputs_are_never_written_to() -> None:
    x = numbers(4)
    before = x.copy()
    w = Tensor(numbers(4, seed=1))
    kept = w.data.copy()
    f = mg.compile(lambda x: [1 * x + 0, (w * 1 * w).sum().backward(), x * 1, +x])
    for _ in range(4):
        f(x)
    assert bits(x) == bits(before)
    assert bits(w._data) == bits(kept)


# As eagerly: modules


def trained(build: Callable[[], nn.Module], loss: Body, mode: str = "train") -> Make:
    """Return what makes a step of gradient descent on a module."""

    def make() -> tuple[Body, list[Tensor]]:
        module = build()
        module.train(mode == "train")

        def step(x: Any, y: Any) -> Any:
            module.zero_grad()
            out = module(x)
            total = loss(out, y)
            total.backward()
            for p in module.parameters():
                p.data -= 0.1 * p.grad
            return total, out

        return step, [leaf for leaf in nodes_of(module)]

    return make


def nodes_of(module: nn.Module) -> list[Tensor]:
    """Return the parameters and buffers of a module."""
    found: list[Any] = [*module.parameters()]
    stack: list[Any] = [module]
    while stack:
        for thing in vars(stack.pop()).values():
            things = thing if isinstance(thing, (list, tuple)) else [thing]
            for one in things:
                if isinstance(one, nn.Module):
                    stack.append(one)
                elif isinstance(one, Tensor) and not any(one is known for known in found):
                    found.append(one)
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(3, 2, rng=rng()),
    "sequential": lambda: nn.Sequential(
        nn.Linear(3, 4, rng=rng()), nn.ReLU(), nn.Linear(4, 2, rng=rng())
    ),
    "batch norm": lambda: nn.Sequential(
        nn.Linear(3, 4, rng=rng()), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2, rng=rng())
    ),
    "layer norm": lambda: nn.Sequential(
        nn.Linear(3, 4, rng=rng()), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 2, rng=rng())
    ),
}

LOSSES: dict[str, Body] = {
    "cross entropy": nn.cross_entropy,
    "mse": lambda out, y: nn.mse_loss(out, mg.take(np.eye(2), y, axis=0)),
    "l1": lambda out, y: nn.l1_loss(out, mg.take(np.eye(2), y, axis=0)),
    "huber": lambda out, y: nn.huber_loss(out, mg.take(np.eye(2), y, axis=0)),
    "hinge": lambda out, y: nn.hinge_loss(out[:, 0], 2.0 * y - 1),
    "binary": lambda out, y: nn.binary_cross_entropy_with_logits(out[:, 0], y * 1.0),
}


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, mode: str) -> None:
    step = assert_twins(trained(MODULES[name], nn.cross_entropy, mode), labelled(6, 5, 3))
    assert len(step.programs) == 1


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    assert_twins(trained(MODULES["linear"], LOSSES[name]), labelled(5, 5, 3))


def test_convolutions() -> None:
    def build() -> nn.Module:
        return nn.Sequential(
            *(nn.Conv2d(1, 2, 3, rng=rng()), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Dropout(0.0), nn.Linear(8, 2, rng=rng())),
        )

    for mode in ("train", "eval"):
        assert_twins(trained(build, nn.cross_entropy, mode), labelled(5, 5, 1, 6, 6))


def test_train_and_eval_are_cases() -> None:
    module = nn.Sequential(nn.Linear(3, 2, rng=rng()), nn.BatchNorm1d(2))
    twin = nn.Sequential(nn.Linear(3, 2, rng=rng()), nn.BatchNorm1d(2))
    f = mg.compile(lambda x: twin(x))
    for k, (x,) in enumerate(batches(12, 4, 3)):
        for one in (module, twin):
            one.train(k % 6 < 3)
        assert bits(f(x)) == bits(module(x))
        assert bits(nodes_of(twin)) == bits(nodes_of(module))


# As eagerly: state


def updated(nodes: list[Tensor], x: Any) -> Any:
    w = nodes[0]
    loss = (mg.tanh(x @ w) ** 2).sum()
    w.zero_grad()
    loss.backward()
    w.data -= 0.1 * w.grad
    return loss, w, w.grad, w.data


def written(nodes: list[Tensor], x: Any) -> Any:
    w = nodes[0]
    loss = (mg.tanh(x @ w) ** 2).sum()
    loss.backward()
    w.data[:] -= 0.1 * w.grad
    w.grad *= 0.5
    w.data[0] = 0
    return loss


def assigned(nodes: list[Tensor], x: Any) -> Any:
    w = nodes[0]
    loss = (mg.tanh(x @ w) ** 2).mean()
    loss.backward()
    w.data = w.data - 0.1 * w.grad
    w.grad = None
    return loss.data, loss.item()


def accumulated(nodes: list[Tensor], x: Any) -> Any:
    loss = (mg.tanh(x @ nodes[0]) ** 2).mean()
    loss.backward()
    return nodes[0].grad


def moments(nodes: list[Tensor], x: Any) -> Any:
    w, m = nodes
    w.zero_grad()
    (x @ w).sum().backward()
    with mg.no_grad():
        m.data *= 0.9
        m.data += 0.1 * w.grad
        w.data -= m.data / (np.sqrt(m.data * m.data) + 1e-8)
    return np.abs(w.data).max()


def parts(nodes: list[Tensor], x: Any) -> Any:
    w = nodes[0]
    (x @ w).sum().backward()
    row = w.data[0]
    row += x[0, 0]
    row[1:][0] = 7.0
    w.data[1][0] -= w.grad[1][0]
    return w.data.sum()


def own_writes(nodes: list[Tensor], x: Any) -> Any:
    y = x * 2
    y[0] = 1
    y += x
    z = np.zeros_like(x)
    z[1] = y[1]
    np.maximum(z, 0, out=z)
    np.add.at(z, [0, 0], y[0])
    return y, z


STATES: dict[str, tuple[Body, int]] = {
    **{"updated": (updated, 1), "written": (written, 1), "assigned": (assigned, 1)},
    **{"accumulated": (accumulated, 1), "moments": (moments, 2), "parts": (parts, 1)},
    "own writes": (own_writes, 1),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", STATES)
def test_state(name: str, dtype: Any) -> None:
    body, count = STATES[name]
    data = [numbers(3, 2, seed=9 + i, dtype=dtype) for i in range(count)]
    step = assert_twins(with_tensors(body, *data), batches(6, 5, 3, dtype=dtype))
    assert len(step.programs) == 1


# As eagerly: who shares memory with whom


def summed_up(w: Tensor, x: Any) -> None:
    (w * x).sum().backward()


def parts_of_a_gradient(a: Tensor, b: Tensor, x: Any) -> Any:
    summed_up(a, x)
    a.grad[0] = 0
    a.grad[:, 1] *= 2
    b.grad = a.grad
    b.grad.fill(3)
    return a.grad


def swapped(a: Tensor, b: Tensor, x: Any) -> None:
    a.data, b.data = b.data, a.data


def into_data(a: Tensor, b: Tensor, x: Any) -> None:
    np.copyto(a.data, x)
    np.add(b.data, 1, out=b.data)
    np.multiply(x, 2, out=a.data)


def by_masks(a: Tensor, b: Tensor, x: Any) -> None:
    a.data[a.data > 2] = 0
    a.data[[0, 1], [0, 0]] += x[0]
    b.data[...] = x


def one_array_twice(a: Tensor, b: Tensor, x: Any) -> Any:
    one, other = a.data, a.data
    one += 1
    other *= 2
    a.data = other
    return one


def an_array_of_before(a: Tensor, b: Tensor, x: Any) -> Any:
    before = a.data
    a.data = x
    before += 1
    return before, a * 1


def data_of_a_result(a: Tensor, b: Tensor, x: Any) -> Any:
    y = a * x
    b.data = y.data
    return y.data, b * 2


def gradients_kept(a: Tensor, b: Tensor, x: Any) -> Any:
    a.zero_grad()
    summed_up(a, x)
    kept = a.grad
    summed_up(a, x * 2)
    a.grad = b.data
    a.grad += 1
    return kept, a.grad, b.data


def copied(a: Tensor, b: Tensor, x: Any) -> Any:
    constant, detached = Tensor(a.data, requires_grad=False), b.detach()
    a.data += 1
    b.data += 1
    return constant * x, a * x, detached


def stale_inside(a: Tensor, b: Tensor, x: Any) -> Any:
    y = (a * x).sum()
    a.data += 1
    try:
        y.backward()
    except mg.StaleGraphError:
        return "stale"
    return "fresh"


def plain_arrays(a: Tensor, b: Tensor, x: Any) -> Any:
    z = x + 1
    z[0] = 5
    w = z
    w[1] = 7
    v = z.copy()
    z[0, 0] = 9
    flat = (x * 1).reshape(-1)
    flat[0] = 5
    r = v[0]
    r[0] = 6
    r += 1
    return z, w, v, flat


SHARING: list[Body] = [
    *(parts_of_a_gradient, swapped, into_data, by_masks, one_array_twice, an_array_of_before),
    *(data_of_a_result, gradients_kept, copied, stale_inside, plain_arrays),
]


@pytest.mark.parametrize("body", SHARING, ids=lambda body: body.__name__)
def test_memory_is_shared_as_eagerly(body: Body) -> None:
    first = np.array([[1.0, 2.0], [3.0, 4.0]])
    make = with_tensors(lambda nodes, x: body(*nodes, x), first, -first)
    step = assert_twins(make, [(np.arange(4.0).reshape(2, 2) + i,) for i in range(6)])
    assert len(step.programs) == 1


def test_numbers_without_axes() -> None:
    def of(y: Any) -> list[Any]:
        named = [mg.exp(y), mg.tanh(y), mg.sigmoid(y), mg.softplus(y), mg.erf(y), mg.sqrt(y)]
        return [y**2, y**3, y**0.5, y**-1.5, 2**y, y // 3, y % 3, mg.maximum(y, 1), *named]

    def bell(y: Any) -> Any:
        return mg.exp(-y * y) * mg.softplus(y) * mg.tanh(y) * y**3

    def body(nodes: list[Tensor], x: Any) -> Any:
        slopes = [mg.grad(bell)(y) for y in (x.sum() / 9, x[1, 1] / 4, nodes[0][1, 1])]
        curved = mg.hvp(bell, (x[1, 1] / 3,), (x[0, 1],))
        return of(nodes[0].sum()), of(x.sum() / 9), of(np.float32(2) * nodes[0]), slopes, curved

    calls = [(np.arange(4.0).reshape(2, 2) + i / 2,) for i in range(6)]
    step = assert_twins(with_tensors(body, np.array([[1.0, 2.0], [3.0, 0.5]])), calls)
    assert len(step.programs) <= 2


# As eagerly: operations on Tensors and on plain arrays

ON_BOTH: dict[str, Body] = {
    "slice": lambda x: x[1:3],
    "back": lambda x: x[::-1, 1],
    "picked": lambda x: x[PICKED],
    "pairs": lambda x: x[np.arange(3), PICKED],
    "mask": lambda x: x[MASK],
    "new axis": lambda x: x[:, None, ...],
    "row": lambda x: x[2],
    "element": lambda x: x[1, 2],
    "where": lambda x: mg.where(x > 0, x, x * 2),
    "transposed": lambda x: x.T @ x,
    "reshaped": lambda x: x.reshape(3, 5),
    "joined": lambda x: mg.concatenate([x, x * 2]),
    "stacked": lambda x: mg.stack([x, x]),
    "maximum": lambda x: x.max(axis=0),
    "spread": lambda x: x.std(axis=0),
    "sorted": lambda x: mg.sort(x, axis=0),
    "softmax": lambda x: mg.softmax(x, axis=-1),
    "logsumexp": lambda x: mg.logsumexp(x, axis=0),
    "einsum": lambda x: mg.einsum("ij,ik->jk", x, x),
    "astype": lambda x: x.astype(np.float32),
    "rows": lambda x: sum(row for row in x),
    "length": lambda x: x * len(x),
    "np.exp": np.exp,
    "np.sum": lambda x: np.sum(x, axis=0),
    "np.where": lambda x: np.where(x > 0, x, 0),
    "np.maximum": lambda x: np.maximum(x, 0),
    "clip": lambda x: mg.clip(x, -1, 1),
    "prod": lambda x: mg.prod(x),
    "cumsum": lambda x: mg.cumsum(x, axis=0),
    "split": lambda x: mg.split(x, [1, 3])[1],
    "inverse": lambda x: mg.linalg.inv(x.T @ x),
    "norm": lambda x: mg.linalg.norm(x),
}

ON_TENSORS: dict[str, Body] = {
    "set": lambda x: x.at[1:3].set(5.0),
    "add": lambda x: x.at[PICKED].add(x[PICKED]),
    "detached": lambda x: x.detach() * x,
    "less its largest": lambda x: x - x.data.max(),
    "by its mask": lambda x: mg.where(x.data > 0, x, 0.0),
    "traced index": lambda x: x[np.argsort(x.data, axis=0)[0]],
    "of numbers": lambda x: Tensor([x.data.sum(), 1.0, x.item(0) if False else 2.0]) * x[0],
    "compared": lambda x: (x * 1, (x > 0).sum(), x == x)[0],
}

ON_ARRAYS: dict[str, Body] = {
    "scalars": lambda x: (x.sum(), x[0, 0], np.float64(2) * x.sum(), x.sum().astype(np.float32)),
    "linalg": lambda x: (np.linalg.norm(x), (x @ x.T).trace(), np.linalg.inv(x.T @ x)),
    "reductions": lambda x: (x.argmax(), x.mean(0), x.var(axis=1), x.any(), (x > 0).all()),
    "integers": lambda x: (x.astype(int) // 2, (x > 0).astype(int), np.arange(3) * x[0]),
    "items": lambda x: x.sum().item(),
    "columns": lambda x: [x[:, k].copy() for k in range(3)],
    "taken": lambda x: np.take(x, np.argmax(x, axis=0), axis=0),
    "outer": lambda x: np.multiply.outer(x[0], x[1]),
}


@pytest.mark.parametrize("name", [*ON_BOTH, *ON_TENSORS])
def test_operations_on_tensors(name: str) -> None:
    operation = {**ON_BOTH, **ON_TENSORS}[name]

    def body(nodes: list[Tensor], x: Any) -> Any:
        y = operation(nodes[0] * x)
        total = (y * y).sum()
        nodes[0].zero_grad()
        total.backward()
        return y, total

    assert_twins(with_tensors(body, numbers(5, 3, seed=9)), batches(5, 5, 3))


@pytest.mark.parametrize("name", [*ON_BOTH, *ON_ARRAYS])
def test_operations_on_arrays(name: str) -> None:
    operation = {**ON_BOTH, **ON_ARRAYS}[name]
    assert_twins(lambda: (lambda x: operation(x), []), batches(5, 5, 3))
    assert_twins(
        lambda: (lambda x: operation(x), []), [(x.T.copy().T,) for (x,) in batches(5, 5, 3)]
    )


def transforms(nodes: list[Tensor], x: Any) -> Any:
    def loss(a: Any) -> Any:
        return mg.sum(mg.tanh(a @ nodes[0]) ** 2)

    return {
        "value and grad": mg.value_and_grad(loss)(x),
        "hvp": mg.hvp(loss, (x,), (np.ones((4, 3)),)),
        "jvp": mg.jvp(loss, (x,), (np.ones((4, 3)),)),
        "vjp": mg.vjp(loss, x)[1](2.0),
        "jacobian": mg.jacobian(lambda a: mg.tanh(a) * 2)(x[0]),
        "hessian": mg.hessian(loss)(x),
        "nested": mg.grad(lambda a: mg.sum(mg.grad(loss)(a) ** 2))(x),
        "dict": mg.grad(lambda p: mg.sum(x @ p["w"] + p["b"]))({"w": nodes[0], "b": nodes[1]}),
    }


def test_transforms() -> None:
    data = numbers(3, 2, seed=9), np.zeros(2)
    assert_twins(with_tensors(transforms, *data), batches(4, 4, 3))
    assert_twins(with_tensors(transforms, *data), [(Tensor(x),) for (x,) in batches(4, 4, 3)])


# As eagerly: kinds of arguments


def summed(nodes: list[Tensor], x: Any) -> Any:
    y = mg.tanh(x @ nodes[0])
    y.sum().backward()
    return y


def calls(arrays: Sequence[Any]) -> list[tuple[Any]]:
    return [(array,) for array in arrays]


def test_shapes_make_cases() -> None:
    arrays = [numbers(n, 3, seed=i) for i, n in enumerate((1, 1, 2, 2, 1, 2, 3, 3, 3))]
    step = assert_twins(with_tensors(summed, numbers(3, 2)), calls(arrays))
    assert len(step.programs) == 3


def test_dtypes_make_cases() -> None:
    kinds = (
        float,
        float,
        float,
        np.float32,
        np.float32,
        np.float32,
        int,
        int,
        int,
        bool,
        bool,
        bool,
    )
    arrays = [numbers(2, 3, seed=i).astype(kind) for i, kind in enumerate(kinds)]
    step = assert_twins(with_tensors(summed, numbers(3, 2)), calls(arrays))
    assert len(step.programs) == 4


def test_layouts_make_cases() -> None:
    arrays: list[Any] = []
    for i in range(3):
        x = numbers(6, 6, seed=i)
        arrays += [x[:2, :3], x.T[:2, :3], np.asfortranarray(x[:2, :3]), x[:4:2, ::2], x[1::-1, 3:]]
    plain, nodes = with_tensors(summed, numbers(3, 2))()
    traced, twins = with_tensors(summed, numbers(3, 2))()
    compiled = mg.compile(traced)
    for x in arrays * 2:
        assert bits(compiled(x)) == bits(plain(x))
        assert bits(twins) == bits(nodes)


@pytest.mark.parametrize("kind", [np.array, np.float32, np.float64, np.int64, Tensor, float, int])
def test_arguments_without_axes(kind: Any) -> None:
    def body(nodes: list[Tensor], x: Any) -> Any:
        y = nodes[0] * x
        y.sum().backward()
        return y, x * 2, x, x + 1, np.exp(x), x > 1, nodes[0].data * x

    for data in (np.array(2.0), numbers(2), numbers(2, dtype=np.float32)):
        assert_twins(with_tensors(body, data), [(kind(k),) for k in range(4)])


def test_a_mask_that_picks_other_counts_is_recorded_again() -> None:
    f = mg.compile(lambda x: x[x > 0].sum())
    for x in ([1.0, -1.0], [2.0, -3.0], [1.0, 2.0], [3.0, 4.0], [-1.0, 5.0], [-1.0, -1.0]):
        assert f(Tensor(x)).item() == sum(v for v in x if v > 0)


def test_writing_to_an_argument_is_refused() -> None:
    def assigns(x: Any) -> None:
        x[0] = 1.0

    def adds(x: Any) -> None:
        x += 1.0

    def through_a_view(x: Any) -> None:
        x.T[0] = 1.0

    for body in (assigns, adds, through_a_view):
        x = np.zeros((2, 2))
        with pytest.raises(CompileError, match=r"array from outside.*Copy it first"):
            mg.compile(body)(x)
        assert not x.any()


def test_writing_to_an_array_from_outside_is_refused() -> None:
    kept = np.zeros(2)

    def notes(x: Any) -> None:
        kept[0] += 1

    def stores(x: Any) -> None:
        kept[:] = x

    with pytest.raises(CompileError, match=r"changes what is outside.*`kept` was written to"):
        mg.compile(notes)(np.ones(2))
    with pytest.raises(OperandError, match="array"):
        mg.compile(stores)(np.ones(2))


def test_what_is_written_by_way_of_another_view_is_refused() -> None:
    w = Tensor(np.zeros((2, 2)))

    def through_a_view(x: Any) -> None:
        w.data.T[0] = x

    with pytest.raises(OperandError, match=r"by way of another array.*Copy one of them first"):
        mg.compile(through_a_view)(1.0)
    assert not w.data.any()


def test_a_gradient_with_a_graph_is_refused() -> None:
    w = Tensor([2.0, 3.0])
    f = mg.compile(lambda: (w**3).sum().backward(create_graph=True))
    with pytest.raises(CompileError, match=r"gradient with a graph.*hvp"):
        f()
    assert w.grad is None


# Arguments like the latest are known at a glance


def test_arguments_unlike_the_latest_are_cases_of_their_own() -> None:
    def f(pair: Any, rate: Any) -> Any:
        first, second = pair
        return {"kind": type(pair).__name__, "sum": first + second * rate}

    compiled = mg.compile(f)
    x, y = numbers(2, 3), numbers(2, 3, seed=1)
    calls: list[tuple[Any, Any]] = [([x, y], 2.0), ((x, y), 2.0), ([x, x], 2.0), ([x, y], 2)]
    calls += [([x[:, ::2], y[:, ::2]], 2.0), ([x.astype("float32"), y], 2.0)]
    for pair, rate in [*[call for call in calls for _ in range(4)], *calls, *reversed(calls)]:
        found, wanted = compiled(pair, rate), f(pair, rate)
        assert found["kind"] == wanted["kind"]
        assert bits(found["sum"]) == bits(wanted["sum"])
        assert found["sum"].strides == wanted["sum"].strides
    assert len(compiled.programs) == len(calls)


def test_a_case_for_the_latest_arguments_is_made_again_where_a_name_changed() -> None:
    factors = [2.0]
    compiled = mg.compile(lambda x: x * factors[0])  # pyright: ignore[reportUnknownLambdaType]
    assert [compiled(3.0) for _ in range(4)] == [6.0] * 4
    factors[0] = 5.0
    assert [compiled(3.0) for _ in range(4)] == [15.0] * 4
    factors.append(7.0)
    factors[0] = 2.0
    assert compiled(3.0) == 6.0


@pytest.mark.parametrize("truth", [np.True_, np.False_])
def test_a_truth_of_numpy_beside_one_of_python(truth: Any) -> None:
    def f(x: float) -> list[Any]:
        return [truth == (x > 0), (x > 0) == truth, truth != (x > 0), (x > 0) != truth]

    compiled = mg.compile(f)
    for x in (1.0, -1.0, 2.0, -2.0, 0.0):
        assert [(type(a), bool(a)) for a in compiled(x)] == [(type(a), bool(a)) for a in f(x)]


def test_a_large_operand_is_transposed_where_it_lies() -> None:
    weights = numbers(90, 2)

    def f(x: Any) -> Any:
        return mg.hvp(lambda w: ((x @ w) ** 2).sum(), (weights,), (weights,))

    buffers = str(mg.compile(f).program(numbers(100, 90))).split("def ")[0]
    assert "np.empty((100, 2))" in buffers
    assert "(90, 100)" not in buffers
    assert_twins(lambda: (f, []), batches(5, 100, 90))
