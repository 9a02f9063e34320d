"""What a function reads from outside: each change is noticed and named, and nothing else is."""

from __future__ import annotations

import contextvars
import itertools
import queue
import re
import sys
import threading
import types
import weakref
from collections import ChainMap, OrderedDict, UserDict, UserList, UserString, deque
from collections.abc import Callable
from functools import cached_property, lru_cache, partial, singledispatch
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd as mg
from micrograd import Tensor, Value, nn
from micrograd.compiler.watching.comparison import shown
from micrograd.compiler.watching.watch import Watch

RATE = 0.1
TABLE = {"rate": 0.1}


def after(watch: Watch, change: Callable[[], Any]) -> str | None:
    """Return what a watch says after a change, before which it said nothing."""
    assert watch.changed() is None
    change()
    said = watch.changed()
    assert watch.changed() == said
    return said


def test_a_global_number(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(lambda x: x * RATE)
    said = after(watch, lambda: monkeypatch.setitem(globals(), "RATE", 0.2))
    assert said == "the global `RATE` was 0.1 and is 0.2"
    monkeypatch.setitem(globals(), "RATE", float("0.1"))
    assert watch.changed() is None  # another float of the same value


def test_a_global_that_did_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(lambda x: x * LATER if x else x)  # pyright: ignore # noqa: F821
    said = after(watch, lambda: monkeypatch.setitem(globals(), "LATER", 3))
    assert said == "the global `LATER` was not there and is 3"


def test_a_global_that_hides_a_function_of_python(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch(lambda xs: sum(xs))
    assert after(watch, lambda: monkeypatch.setitem(globals(), "sum", max)) == (
        "the global `sum` was not there and is the function max"
    )


def test_a_global_that_is_gone() -> None:
    names: dict[str, Any] = {"rate": 0.1}
    exec("def f(x): return x * rate", names)
    assert after(Watch(names["f"]), lambda: names.pop("rate")) == (
        "the global `rate` was 0.1 and is no longer there"
    )


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        (1, 1.0, "was 1 and is 1.0"),
        (1, True, "was 1 and is True"),
        (0.0, -0.0, "was 0.0 and is -0.0"),
        (1.0, float("nan"), "was 1.0 and is nan"),
        ("mean", "sum", "was 'mean' and is 'sum'"),
        (None, 0, "was None and is 0"),
        (True, False, "was True and is False"),
        (np.float32(1), np.float64(1), None),
        (1000, 1001, "was 1000 and is 1001"),
        ((1, 2.0), (1, 2), None),
        (b"a", "a", "was b'a' and is 'a'"),
        ([1], [1], "was a list of 1 and is another one"),
    ],
)
def test_a_variable_of_another_value_or_type(was: Any, now: Any, words: str | None) -> None:
    def make() -> tuple[Any, Any]:
        thing = was

        def f(x: Any) -> Any:
            return x, thing

        def change() -> None:
            nonlocal thing
            thing = now

        return f, change

    f, change = make()
    said = after(Watch(f), change)
    assert said is not None
    assert said == f"the variable `thing` {words}" or words is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: float("nan"),
        lambda: int("1000"),
        lambda: np.float32(0.5),
        lambda: (float("0.1"), (float("nan"), "a")),
        lambda: "".join(["a", "b c"]),
        lambda: slice(int("1000"), None),
    ],
)
def test_an_equal_number_or_string_is_no_change(make: Callable[[], Any]) -> None:
    box = [make()]
    watch = Watch(lambda x: x * box[0])
    for _ in range(3):
        box[0] = make()
        assert watch.changed() is None


def test_a_cell_that_is_empty_and_filled_later() -> None:
    def f(x: Any) -> Any:
        return later if x else x

    watch = Watch(f)
    assert watch.changed() is None
    later = 2
    assert watch.changed() == "the variable `later` was not there and is 2"


def test_defaults() -> None:
    def f(x: Any, rate: float = 0.1, *, table: Any = {"a": 1}) -> Any:  # noqa: B006
        return x * rate, table

    watch = Watch(f)
    said = after(watch, lambda: setattr(f, "__defaults__", (0.2,)))
    assert said == "the defaults of `f` was a tuple of 1 and is another one"
    f.__defaults__ = (0.1,)
    assert watch.changed() is None
    defaults: Any = f.__kwdefaults__
    defaults["table"]["a"] = 2
    assert watch.changed() == "`f.__kwdefaults__['table']['a']` was 1 and is 2"


def test_lists_that_grow_and_elements_that_are_others() -> None:
    data, nodes = [1, 2, 3], [Value(1.0), Value(2.0)]
    watch = Watch(lambda: (data, nodes))
    assert after(watch, lambda: data.append(4)) == "the list `data` had 3 elements and has 4"
    data.pop()
    assert watch.changed() is None
    data[1] = 5
    assert watch.changed() == "`data[1]` was 2 and is 5"
    data[1] = 2
    nodes[0] = Value(1.0)
    assert watch.changed() == "`nodes[0]` was a Value and is another one"


def test_an_element_that_moves_to_the_next_list() -> None:
    for take, give in [(-1, 0), (0, 2)]:
        a, b = [1, 2], [3, 4]
        watch = Watch(lambda a=a, b=b: (a, b))
        b.insert(give, a.pop(take))
        assert watch.changed() == "the list `a` had 2 elements and has 1"


@pytest.mark.parametrize(
    ("container", "change", "words"),
    [
        ({"a": 1}, lambda c: c.update(a=2), "`c['a']` was 1 and is 2"),
        ({"a": 1}, lambda c: c.update(b=2), "the dict `c` had 1 elements and has 2"),
        ({"a": 1}, lambda c: (c.pop("a"), c.update(b=1)), None),
        ({"a": {"b": [1]}}, lambda c: c["a"]["b"].append(1), None),
        ({1, 2}, lambda c: c.add(3), "the set `c` had 2 elements and has 3"),
        ({1, 2}, lambda c: (c.remove(2), c.add(4)), None),
        (deque([1, 2]), lambda c: c.rotate(), "`c[0]` was 1 and is 2"),
        (deque([1], maxlen=1), lambda c: c.append(2), "`c[0]` was 1 and is 2"),
        (OrderedDict(a=1, b=2), lambda c: c.move_to_end("a"), None),
        (OrderedDict(a=1), lambda c: c.update(a=2), None),
        (([1],), lambda c: c[0].append(1), "the list `c[0]` had 1 elements and has 2"),
        (np.array([1, [2]], object), lambda c: c[1].append(1), None),
        (np.array([1, [2]], object), lambda c: c.__setitem__(0, 2), "`c[0]` was 1 and is 2"),
        (bytearray(b"ab"), lambda c: c.append(1), None),
    ],
)
def test_containers(container: Any, change: Any, words: str | None) -> None:
    def make(c: Any) -> Any:
        return lambda: c

    said = after(Watch(make(container)), lambda: change(container))
    assert said is not None
    assert words is None or said == words


def test_arrays_by_identity_and_elements() -> None:
    labels: Any = np.arange(5)
    watch = Watch(lambda: labels)
    assert list(watch.arrays.values()) == [labels]
    assert watch.names[id(labels)] == "labels"
    assert after(watch, lambda: labels.__setitem__(3, 9)) == "the array `labels` was written to"
    labels[3] = 3
    assert watch.changed() is None
    labels.resize((5, 1), refcheck=False)
    assert watch.changed() == "the array `labels` was written to"
    labels.resize(5, refcheck=False)
    watch.release(labels)
    labels[0] = 7
    assert watch.changed() is None
    labels = np.arange(5)
    assert watch.changed() == (
        "the variable `labels` was an array of shape (5,) and dtype int64 and is another one"
    )


@pytest.mark.parametrize("shape", [(40_000, 2), (200, 784), (3, 64, 5, 64)])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_written_as_a_whole_or_in_a_column(shape: Any, order: Any) -> None:
    big = np.zeros(shape, order=order)
    watch = Watch(lambda: big)
    assert watch.changed() is None
    big[..., 1] = 1
    assert watch.changed() == "the array `big` was written to"
    big[:] = 0
    assert watch.changed() is None
    big += 1
    assert watch.changed() == "the array `big` was written to"


def test_nodes_count_by_identity_alone() -> None:
    w, v = Tensor([1.0]), Value(2.0)
    watch = Watch(lambda: w * v)
    w.data = np.array([3.0])
    w.data -= 1
    v.data = 4.0
    (v * v).backward()
    assert watch.changed() is None
    assert watch.names == {id(w): "w", id(v): "v"}
    w = Tensor([1.0])
    assert watch.changed() == "the variable `w` was a Tensor and is another one"


def test_modules_of_ours_with_all_their_attributes() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5), nn.BatchNorm1d(2))
    watch = Watch(lambda x: model(x))
    model.train()  # it was in training
    assert watch.changed() is None
    assert after(watch, lambda: model.eval()) == "`model.training` was True and is False"
    model.train()
    model[1].p = 0.25
    assert watch.changed() == "`model[1].p` was 0.5 and is 0.25"
    model[1].p = 0.5
    model([[1.0, 2.0, 3.0], [4.0, 2.0, 1.0]])  # statistics, and a draw
    assert watch.changed() is None
    model._modules.append(nn.ReLU())
    assert watch.changed() == "the list `model` had 3 elements and has 4"
    model._modules.pop()
    model[0].weight = Tensor(model[0].weight.data)
    assert watch.changed() == "`model[0].weight` was a Tensor and is another one"
    assert [name for name, _ in watch.generators] == ["model[1].rng"]


@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop"])
def test_training_changes_nothing_that_counts(kind: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    optimizer = getattr(nn.optim, kind)(model.parameters(), lr=0.1)
    schedule = nn.schedules.StepLR(optimizer, 1)
    x, labels = np.random.default_rng(0).random((5, 3)), np.arange(5) % 2

    def step() -> Any:
        loss = mg.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.clip_grad_norm(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        return loss

    watch = Watch(step)
    for _ in range(3):
        step()
        assert watch.changed() is None
    assert watch.writes == []
    assert watch.unwatched == [f"`optimizer`, {shown(optimizer)}", "`schedule`, a StepLR"]


def test_a_module_among_the_arguments() -> None:
    model = nn.MLP(2, [3, 1])
    watch = Watch(lambda model, x: model(x), {"model": model})
    assert watch.names[id(model.layers[0].neurons[1].w[1])] == "model.layers[0].neurons[1].w[1]"
    assert after(watch, lambda: setattr(model.layers[1], "training", False)) == (
        "`model.layers[1].training` was True and is False"
    )


class Scale(nn.Module):
    factor = 2.0

    def __init__(self) -> None:
        self.scale = Tensor([1.0])

    def forward(self, x: Any) -> Any:
        return self.scale * x * self.factor * helper()


def helper() -> float:
    return TABLE["rate"]


def test_a_module_of_the_users_and_what_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scale()
    watch = Watch(lambda x: model(x))
    assert after(watch, lambda: monkeypatch.setattr(Scale, "factor", 3.0)) == (
        "`model.factor` was 2.0 and is 3.0"
    )
    monkeypatch.setattr(Scale, "factor", 2.0)
    assert after(watch, lambda: monkeypatch.setitem(TABLE, "rate", 0.3)) == (
        "`TABLE['rate']` was 0.1 and is 0.3"
    )
    monkeypatch.setitem(TABLE, "rate", 0.1)
    said = after(watch, lambda: monkeypatch.setattr(Scale, "forward", lambda self, x: x))  # pyright: ignore
    assert said is not None
    assert "Scale.forward` was the function Scale.forward and is the function" in said or (
        "model.forward`" in said
    )


class Config:
    decay = 0.5

    def __init__(self) -> None:
        self.rate, self.unused, self._hidden = 0.1, 1, 2.0
        self.steps = [1, 2]

    @property
    def hidden(self) -> float:
        raise AssertionError("a property was run")

    def twice(self) -> float:
        return 2 * self.rate

    def _never(self) -> int:
        return self.unused


class Hidden(Config):
    @property
    def hidden(self) -> float:
        return self._hidden


def test_attributes_that_code_names() -> None:
    config = Config()
    watch = Watch(lambda x: x * config.twice() + config.decay + sum(config.steps))
    config.unused = 5
    config.new = 3  # pyright: ignore
    assert watch.changed() is None
    assert after(watch, lambda: setattr(config, "decay", 0.7)) == (
        "`config.decay` was 0.5 and is 0.7"
    )
    del config.decay
    assert watch.changed() is None
    config.rate = 0.2
    assert watch.changed() == "`config.rate` was 0.1 and is 0.2"
    config.rate = 0.1
    config.steps.append(1)
    assert watch.changed() == "the list `config.steps` had 2 elements and has 3"


def test_an_attribute_that_another_makes_room_for() -> None:
    config = Config()
    watch = Watch(lambda x: x * config.decay)
    del config.unused
    config.decay = 0.7
    assert watch.changed() == "`config.decay` was 0.5 and is 0.7"


def test_attributes_of_a_function() -> None:
    def count() -> Any:
        return count.n  # pyright: ignore

    count.n = 1  # pyright: ignore
    watch = Watch(count)
    assert after(watch, lambda: setattr(count, "n", 2)) == "`count.n` was 1 and is 2"


def test_a_module_that_is_imported_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = types.ModuleType("settings_that_are_watched")
    settings.rate = 0.1
    monkeypatch.setitem(sys.modules, "settings_that_are_watched", settings)

    def f(x: Any) -> Any:
        from settings_that_are_watched import rate  # pyright: ignore

        return x * rate

    assert after(Watch(f), lambda: setattr(settings, "rate", 0.2)) == (
        "`settings_that_are_watched.rate` was 0.1 and is 0.2"
    )


def test_a_list_that_a_method_of_it_belongs_to() -> None:
    log: list[Any] = []
    keep = log.append
    watch = Watch(lambda x: keep(x))
    assert after(watch, lambda: keep(1)) == "the list `keep.__self__` had 0 elements and has 1"


def test_a_property_is_not_run_but_watched() -> None:
    config = Config()
    assert Watch(lambda x: x * config.hidden).changed() is None
    hidden = Hidden()
    watch = Watch(lambda x: x * hidden.hidden)
    assert after(watch, lambda: setattr(hidden, "_hidden", 3.0)) == (
        "`hidden._hidden` was 2.0 and is 3.0"
    )


def test_a_namespace() -> None:
    config = types.SimpleNamespace(rate=0.1)
    watch = Watch(lambda x: x * config.rate)
    assert after(watch, lambda: setattr(config, "rate", 1)) == "`config.rate` was 0.1 and is 1"
    assert watch.unwatched == []


def test_code_that_reads_all_attributes() -> None:
    config = Config()
    by_name: Any = lambda: config.__dict__["rate"]  # noqa: E731
    for new, f in [("a", lambda: sum(vars(config)["steps"])), ("b", by_name)]:
        watch = Watch(f)
        assert after(watch, lambda: setattr(config, "unused", config.unused + 1)) is not None
        watch = Watch(f)
        setattr(config, new, 0)
        assert watch.changed() == f"`config.{new}` was not there and is 0"


def test_an_attribute_named_in_a_string() -> None:
    config = Config()
    watch = Watch(lambda x: x * getattr(config, "rate"))  # noqa: B009
    assert after(watch, lambda: setattr(config, "rate", 1)) == "`config.rate` was 0.1 and is 1"


class Slotted:
    __slots__ = ("rate", "table")

    def __init__(self) -> None:
        self.rate = 0.1

    def __call__(self, x: Any) -> Any:
        return x * self.rate, self.table


def test_slots() -> None:
    slotted = Slotted()
    watch = Watch(slotted)
    assert after(watch, lambda: setattr(slotted, "rate", 0.2)) == "`self.rate` was 0.1 and is 0.2"
    slotted.rate = 0.1
    slotted.table = 3
    assert watch.changed() == "`self.table` was not there and is 3"


def test_another_class_and_another_dict() -> None:
    config = Config()
    watch = Watch(lambda: config.rate)
    config.__dict__ = {"rate": 0.4}
    assert watch.changed() == "`config.rate` was 0.1 and is 0.4"
    config.__dict__ = {"rate": 0.1}
    assert watch.changed() is None
    config.__class__ = Hidden
    assert watch.changed() == "`config` was a Config and is a Hidden"


def test_methods_partials_and_wrappers() -> None:
    config, scale = Config(), {"a": 1.0}

    def f(x: Any, table: Any) -> Any:
        return x * table["a"]

    watch = Watch(partial(f, table=scale))
    assert after(watch, lambda: scale.update(a=2.0)) is not None
    watch = Watch(config.twice)
    assert after(watch, lambda: setattr(config, "rate", 2)) == "`self.rate` was 0.1 and is 2"
    cached = lru_cache(lambda x: f(x, scale))  # pyright: ignore
    watch = Watch(lambda x: cached(x))  # pyright: ignore
    assert after(watch, lambda: scale.update(a=3.0)) == "`scale['a']` was 2.0 and is 3.0"


def test_a_function_that_a_transform_takes() -> None:
    rate = 0.1
    slope = mg.grad(lambda x: x * rate)
    watch = Watch(lambda x: slope(x))
    assert watch.changed() is None
    rate = 0.2
    assert watch.changed() == "the variable `rate` was 0.1 and is 0.2"


def test_a_function_defined_anew() -> None:
    def g(x: Any) -> Any:
        return x

    def h(x: Any) -> Any:
        return 2 * x

    watch = Watch(lambda x: g(x))
    g.__code__ = h.__code__
    said = watch.changed()
    assert said is not None
    assert said.startswith("the code of `g`")


def test_an_optimizer_counts_by_what_the_code_names() -> None:
    w = Tensor([1.0])
    optimizer = nn.optim.Adam([w], lr=0.1)
    watch = Watch(lambda: (optimizer.zero_grad(), optimizer.step()))
    (w * w).sum().backward()
    optimizer.step()
    optimizer.lr = 0.2
    assert watch.changed() is None
    watch = Watch(lambda x: x * optimizer.lr)
    optimizer.lr = 0.3
    assert watch.changed() == "`optimizer._lr` was 0.2 and is 0.3"


def test_a_generator_is_found_and_its_state_is_no_change() -> None:
    rng = np.random.default_rng(0)
    watch = Watch(lambda: rng.standard_normal(3))
    assert watch.generators == [("rng", rng)]
    rng.random()
    assert watch.changed() is None
    rng = np.random.default_rng(0)
    assert watch.changed() == "the variable `rng` was a Generator and is another one"


def test_a_function_of_ours_and_those_of_its_file() -> None:
    names: dict[str, Any] = {"__name__": "micrograd.training.loop", "rate": 0.1}
    exec("def inner(x): return x * rate\ndef f(x): return inner(x)", names)
    watch = Watch(names["f"])
    names["rate"] = 0.2
    assert watch.changed() == "the global `rate` was 0.1 and is 0.2"


def test_what_it_writes_and_what_may_change_unnoticed() -> None:
    from random import random

    count, config, steps = 0, Config(), iter([1, 2])

    def f(x: Any) -> Any:
        nonlocal count
        count += 1
        config.last = x * next(steps) * random()  # pyright: ignore
        return [x for _ in range(2)]

    watch = Watch(f)
    assert watch.writes == ["count", "last"]
    assert watch.unwatched == ["`random.__self__`, a Random"]
    assert watch.refused == ["`steps`, a list_iterator"]
    assert after(watch, lambda: f(1.0)) == "the variable `count` was 0 and is 1"
    assert Watch(lambda: sys.getsizeof([RATE, np.pi, mg.tanh(1.0)])).unwatched == []


def test_a_module_of_the_users() -> None:
    settings = types.ModuleType("settings")
    settings.rate = 0.1  # pyright: ignore
    watch = Watch(lambda x: x * settings.rate)
    assert after(watch, lambda: setattr(settings, "rate", 0.2)) == (
        "`settings.rate` was 0.1 and is 0.2"
    )


class Sly(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError("the user's __iter__ was run")

    def __len__(self) -> int:
        raise AssertionError("the user's __len__ was run")

    def __eq__(self, other: object) -> bool:
        raise AssertionError("the user's == was run")

    def __hash__(self) -> int:  # pyright: ignore
        raise AssertionError("the user's hash was run")

    def __repr__(self) -> str:
        raise AssertionError("the user's repr was run")

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError("the user's __getattribute__ was run")


def test_no_code_of_the_users_is_run() -> None:
    sly, other = Sly([1, 2]), [Sly([1])]
    watch = Watch(lambda: (sly.size, other))  # pyright: ignore
    assert watch.changed() is None
    list.append(sly, 3)
    assert watch.changed() == "the list `sly` had 2 elements and has 3"
    list.pop(sly)
    other[0] = Sly([1])
    assert watch.changed() == "`other[0]` was a Sly of 1 and is another one"


class Lazy:
    @cached_property
    def value(self) -> float:
        return TABLE["rate"]


def test_a_cached_property_is_code(monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = Lazy()
    watch = Watch(lambda: lazy.value)
    assert after(watch, lambda: monkeypatch.setitem(TABLE, "rate", 0.3)) is not None


def test_cycles_and_depth_without_recursion() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    deep: list[Any] = [0]
    for _ in range(20_000):
        deep = [deep]
    bottom = deep
    while isinstance(bottom[0], list):
        bottom = bottom[0]
    watch = Watch(lambda: (cycle, deep))
    assert after(watch, lambda: cycle.__setitem__(0, 2)) == "`cycle[0]` was 1 and is 2"
    cycle[0] = 1
    bottom[0] = 1
    said = watch.changed() or ""
    assert said.endswith("was 0 and is 1")
    assert len(said) < 200


def test_a_list_of_many_numbers() -> None:
    numbers = [k / 7 for k in range(60_000)]
    watch = Watch(lambda: numbers)
    assert after(watch, lambda: numbers.__setitem__(54_321, 0.5)) == (
        f"`numbers[54321]` was {54321 / 7} and is 0.5"
    )


def test_an_operation_of_the_users() -> None:
    power, scale = 3.0, [1.0]
    cube = mg.define_op(
        "cube that is watched",
        lambda x: x**power,
        lambda g, y, x: g * scale[0] * x**2,
    )
    watch = Watch(lambda x: cube(x))
    assert after(watch, lambda: scale.append(2.0)) == "the list `scale` had 1 elements and has 2"
    scale.pop()
    power = 4.0
    assert watch.changed() == "the variable `power` was 3.0 and is 4.0"


class Box:
    def __init__(self, held: Any) -> None:
        self.held = held


ATOMS = st.one_of(
    st.integers(-2, 1000),
    st.floats(width=16),
    st.booleans(),
    st.none(),
    st.text("ab", max_size=2),
)
LEAVES = ATOMS | st.builds(np.array, st.lists(st.floats(width=16), min_size=1, max_size=4))


def _nested(inner: Any) -> Any:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.lists(inner, max_size=4).map(deque),
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
        st.builds(Box, inner),
        st.frozensets(st.integers(0, 9)).map(set),
    )


def _sites(thing: Any, path: str) -> list[tuple[str, Any]]:
    """Return whatever can be written to, with where it stands."""
    found: list[tuple[str, Any]] = []
    if isinstance(thing, (list, deque, set, dict, np.ndarray, Box)):
        found.append((path, thing))
    if isinstance(thing, Box):
        return found + _sites(thing.held, f"{path}.held")
    if isinstance(thing, (list, tuple, deque, dict)):
        steps = thing.items() if isinstance(thing, dict) else enumerate(thing)
        for step, item in steps:
            found += _sites(item, f"{path}[{step!r}]")
    return found


def _mutated(thing: Any, path: str, data: st.DataObject) -> str:
    """Change a thing somewhere, and return the words that have to stand in what is said of it."""
    if isinstance(thing, Box):
        thing.held = object()
        return f"`{path}.held`"
    if isinstance(thing, np.ndarray):
        thing.flat[data.draw(st.integers(0, thing.size - 1))] += 0.375
        thing.flat[0] = 7e9 if np.isfinite(thing.flat[0]) else 1.0
        return f"`{path}`"
    if isinstance(thing, set) or not thing or data.draw(st.booleans()):
        new: Any = object()
        if isinstance(thing, dict):
            thing[new] = 1
        elif isinstance(thing, set):
            thing.add(new)
        else:
            thing.append(new)
        return f"`{path}` had {len(thing) - 1} elements and has {len(thing)}"
    key = data.draw(st.sampled_from(list(thing) if isinstance(thing, dict) else range(len(thing))))
    thing[key] = object()
    return f"`{path}[{key!r}]`"


@given(box=st.recursive(LEAVES, _nested, max_leaves=12), data=st.data())
def test_each_change_of_nested_containers_is_noticed(box: Any, data: st.DataObject) -> None:
    def f() -> Any:
        return box.held

    watch = Watch(f)
    assert watch.changed() is None
    sites = _sites(box, "box")
    if not sites:
        box = object()
        assert "`box`" in (watch.changed() or "")
        return
    path, thing = data.draw(st.sampled_from(sites))
    words = _mutated(thing, path, data)
    said = watch.changed()
    assert said is not None
    assert words in said
    assert Watch(f).changed() is None


@given(box=ATOMS, other=ATOMS)
def test_numbers_and_strings_by_value_and_type(box: Any, other: Any) -> None:
    first = box
    watch = Watch(lambda: box)
    box = other
    same = type(first) is type(other) and repr(first) == repr(other)
    assert (watch.changed() is None) == same


def assigning_globally(x: float) -> float:
    global _left
    _left = x
    return x


_left: Any = None


def test_what_a_function_only_assigns_to_is_an_error_too() -> None:
    box, count = SimpleNamespace(), 0

    def to_attribute(x: float) -> float:
        box.last = x
        return x

    def to_variable(x: float) -> float:
        nonlocal count
        count = x  # pyright: ignore[reportAssignmentType]
        return x

    for f, name in (
        (to_attribute, "box.last"),
        (to_variable, "count"),
        (assigning_globally, "_left"),
    ):
        with pytest.raises(mg.CompileError, match=rf"changes what is outside.*`{name}`"):
            mg.compile(f)(1.0)


def test_the_variables_of_what_guards_a_users_rule_do_not_count() -> None:
    square = mg.define_op("square of the users", lambda x: x * x, lambda g, y, x: 2 * g * x)
    w = Tensor([3.0])

    def step() -> Any:
        w.grad = None
        square(w).sum().backward()
        return w.grad

    compiled = mg.compile(step)
    assert [compiled()[0] for _ in range(4)] == [6.0] * 4


def test_functions_that_one_of_python_chooses_among() -> None:
    rate = [1.0]

    @singledispatch
    def scaled(kind: object, x: float) -> float:
        return x

    @scaled.register(str)
    def _(kind: str, x: float) -> float:
        return x * rate[0]

    compiled = mg.compile(lambda x: scaled("a", x))
    assert [compiled(2.0) for _ in range(3)] == [2.0] * 3
    rate[0] = 9.0
    assert [compiled(2.0) for _ in range(3)] == [18.0] * 3


def _threads() -> Any:
    values = threading.local()
    values.a = 1.0
    return values


@pytest.mark.parametrize(
    ("make", "read"),
    [
        (lambda: itertools.cycle([1.0, 1.0, 5.0]), next),
        (lambda: (v for v in [1.0] * 9), next),
        (lambda: iter([1.0] * 9), next),
        (lambda: map(float, range(9)), next),
        (lambda: zip([1.0], [2.0], strict=True), lambda it: next(it)[0]),
        (lambda: contextvars.ContextVar("c", default=1.0), lambda c: c.get()),
        (_threads, lambda c: c.a),
        (lambda: memoryview(bytearray(b"a")), lambda c: c[0]),
        (lambda: weakref.ref(Config), lambda c: c().decay),
        (lambda: queue.SimpleQueue(), lambda q: q.qsize()),
        (lambda: queue.Queue(), lambda q: q.qsize()),
    ],
)
def test_what_has_a_hidden_state_is_refused(make: Any, read: Any) -> None:
    it, held, box, names = (
        make(),
        [make()],
        SimpleNamespace(it=make()),
        {"it": make(), "read": read},
    )
    exec("def of_global(x): return x * read(it)", names)

    def of_default(x: float, it: Any = it) -> float:
        return x * read(it)

    step = iter([1.0] * 9).__next__
    for f, word in (
        (lambda x: x * step(), "step.__self__"),
        (lambda x: x * read(it), "it"),
        (lambda x: x * read(held[0]), "held[0]"),
        (lambda x: x * read(box.it), "box.it"),
        (names["of_global"], "it"),
        (of_default, "it"),
    ):
        compiled: Any = mg.compile(f)  # pyright: ignore
        with pytest.raises(mg.CompileError, match=rf"reads `{re.escape(word)}`, an? "):
            compiled(1.0)


class Loading(nn.Module):
    def __init__(self) -> None:
        self.rows = iter([1.0, 2.0])

    def forward(self, x: Any) -> Any:
        return x * 2.0


def test_an_iterator_that_no_code_names_is_not_refused() -> None:
    model = Loading()
    compiled = mg.compile(lambda x: model(x))
    assert [compiled(float(i)) for i in range(6)] == [2.0 * i for i in range(6)]
    with pytest.raises(mg.CompileError, match=r"reads `model\.rows`, a list_iterator"):
        mg.compile(lambda x: x * next(model.rows))(1.0)


@pytest.mark.parametrize("see", [types.MappingProxyType, dict.values, dict.items, dict.keys])
def test_what_shows_a_dict_changes_with_it(see: Callable[[Any], Any]) -> None:
    table = {"a": 1.0}
    shows = see(table)
    compiled = mg.compile(lambda x: x * len([*shows]) * table_sum(shows))
    assert [compiled(2.0) for _ in range(3)] == [2.0] * 3
    table["b"] = 1.0
    assert [compiled(2.0) for _ in range(3)] == [4.0 * table_sum(shows)] * 3


def table_sum(shows: Any) -> float:
    """Return the sum of the numbers that a mapping or a view shows, or 1."""
    values = shows.values() if hasattr(shows, "values") else shows
    return sum(v for v in values if isinstance(v, float)) or 1.0


@pytest.mark.parametrize(
    ("held", "read", "change", "word"),
    [
        (UserDict(a=1.0), lambda c: c["a"], lambda c: c.update(a=9.0), "held.data['a']"),
        (UserList([1.0]), lambda c: c[0], lambda c: c.__setitem__(0, 9.0), "held.data[0]"),
        (UserString("a"), len, lambda c: setattr(c, "data", "abc"), "held.data"),
        (ChainMap({"a": 1.0}), lambda c: c["a"], lambda c: c.update(a=9.0), "held.maps[0]['a']"),
    ],
)
def test_what_is_inside_pythons_holders(held: Any, read: Any, change: Any, word: str) -> None:
    def f(x: float) -> Any:
        return x * read(held)

    compiled, watch = mg.compile(f), Watch(f)
    assert [compiled(2.0) for _ in range(3)] == [2.0] * 3
    change(held)
    assert f"`{word}`" in str(watch.changed())
    assert [compiled(2.0) for _ in range(3)] == [f(2.0)] * 3


def test_an_append_to_a_list_of_pythons_holders_is_an_error() -> None:
    kept: UserList[Any] = UserList()

    def f(x: float) -> float:
        kept.append(x)
        return x

    with pytest.raises(mg.CompileError, match=r"`kept\.data` had 0 elements and has 1"):
        mg.compile(f)(1.0)


def test_computed_names_of_attributes() -> None:
    net, box = SimpleNamespace(w0=np.ones(1), w1=np.ones(1)), SimpleNamespace()

    def f(x: float) -> Any:
        for i in range(2):
            x = x * getattr(net, f"w{i}")
        return x

    compiled = mg.compile(f)
    assert [compiled(2.0)[0] for _ in range(3)] == [2.0] * 3
    net.w1 = np.full(1, 9.0)
    assert [compiled(2.0)[0] for _ in range(3)] == [18.0] * 3
    net.w1[0] = 5.0
    assert [compiled(2.0)[0] for _ in range(3)] == [10.0] * 3

    def leaves(x: float) -> float:
        setattr(box, "la" + "st", x)
        return x

    with pytest.raises(mg.CompileError, match=r"`box\.last` was not there"):
        mg.compile(leaves)(1.0)


def test_names_that_are_written_are_not_computed() -> None:
    config = Config()
    config.table = {"a": 1}  # pyright: ignore
    watch = Watch(lambda x: x * getattr(config, "rate", 1.0) if hasattr(config, "decay") else x)
    config.unused = 5
    assert watch.changed() is None
    read: Any = lambda name: getattr(config, name, "rate")  # noqa: E731
    watch = Watch(read)
    assert after(watch, lambda: setattr(config, "unused", 6)) == "`config.unused` was 5 and is 6"


@pytest.mark.parametrize("read", ["globals()['G']", "eval('G')", "globals()['H'][0]"])
def test_globals_by_name(read: str) -> None:
    names: dict[str, Any] = {"__name__": "theirs", "G": 1.0, "H": np.ones(1)}
    exec(f"def f(x): return x * {read}\ndef g(x): globals()['last'] = x; return x", names)
    compiled = mg.compile(names["f"])
    assert [compiled(2.0) for _ in range(3)] == [2.0] * 3
    names["G"] = 9.0
    names["H"][0] = 9.0
    assert [compiled(2.0) for _ in range(3)] == [18.0] * 3
    with pytest.raises(mg.CompileError, match="the global `last` was not there"):
        mg.compile(names["g"])(1.0)


class Scaled(Value):
    scale = 1.0

    def scaled(self, x: float) -> Any:
        return self * x * self.scale * TABLE["rate"]


def test_what_a_node_is_besides_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    p, q, by_label = Scaled(2.0, label="a"), Tensor([1.0]), {"a": 1.0, "b": 9.0}

    def f(x: float) -> Any:
        return p.scaled(x) * by_label[p.label or ""] + sum(n.requires_grad for n in (p, q))

    compiled, watch = mg.compile(f), Watch(f)

    def check() -> None:
        for x in (1.0, 1.0, 3.0):
            assert compiled(x).data == f(x).data

    check()
    p.scale = 5.0
    assert watch.changed() == "`p.scale` was 1.0 and is 5.0"
    check()
    p.label = "b"
    check()
    q.requires_grad = False
    check()
    monkeypatch.setitem(TABLE, "rate", 0.7)
    check()
    p.data = 4.0
    assert watch.changed() != Watch(f).changed()
    check()
