"""Modules: what they find in their attributes, how they are named, saved, copied and shown."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref
from typing import Any, cast

import numpy as np
import pytest

from micrograd import (
    ArgumentError,
    MissingMethodError,
    OperandError,
    ShapeError,
    StaleGraphError,
    Tensor,
    Value,
    no_grad,
    scope,
    topological_order,
)
from micrograd.nn import (
    MLP,
    BatchNorm1d,
    Dropout,
    Linear,
    Module,
    Neuron,
    ReLU,
    Sequential,
)


class Net(Module):
    """A network as a user writes it, without super().__init__()."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.layer1 = Linear(3, 4, rng=rng)
        self.norm = BatchNorm1d(4)
        self.blocks: list[Any] = [Linear(4, 4, rng=rng), {"deep": (Linear(4, 2, rng=rng),)}]
        self.scale = Tensor([1.0, 2.0])
        self.steps = Tensor([0], requires_grad=False)
        self.name = "a net"

    def forward(self, x: Any) -> Any:
        x = self.norm(self.layer1(x)).relu()
        x = self.blocks[0](x).tanh()
        return self.blocks[1]["deep"][0](x) * self.scale


NAMES = [
    "layer1.weight",
    "layer1.bias",
    "norm.weight",
    "norm.bias",
    "blocks.0.weight",
    "blocks.0.bias",
    "blocks.1.deep.0.weight",
    "blocks.1.deep.0.bias",
    "scale",
]


def scopes_of(*roots: Any) -> list[str]:
    """Return the paths of the scopes of what was recorded, in the order of recording."""
    nodes = [node for node in topological_order(*roots) if node.scope is not None]
    return list(dict.fromkeys("/".join(node.scope.path) for node in nodes))


def test_parameters_are_found_by_attribute_in_order_also_in_containers() -> None:
    net = Net()
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [*map(id, net.parameters())] == [id(p) for _, p in net.named_parameters()]
    assert [name for name, _ in net.named_buffers()] == [
        "norm.running_mean",
        "norm.running_var",
        "steps",
    ]
    assert [name for name, _ in net.named_modules()] == [
        "",
        "layer1",
        "norm",
        "blocks.0",
        "blocks.1.deep.0",
    ]


def test_what_an_operation_returned_is_neither_parameter_nor_buffer() -> None:
    net = Net()
    cast(Any, net).kept = net(np.ones((2, 3)))
    with no_grad():
        cast(Any, net).also_kept = net.eval()(np.ones((2, 3)))
    cast(Any, net).batch = np.ones(3)
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert len(list(net.named_buffers())) == 3


def test_a_frozen_parameter_is_saved_but_not_trained() -> None:
    net = Sequential(Linear(2, 1))
    net.parameters()[0].requires_grad = False
    assert [name for name, _ in net.named_parameters()] == ["0.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias"]


def test_a_shared_parameter_or_module_counts_once_by_its_first_name() -> None:
    class Tied(Module):
        def __init__(self) -> None:
            self.encoder = Linear(3, 3, bias=False)
            self.decoder = Linear(3, 3)
            self.decoder.weight = self.encoder.weight
            self.again = self.decoder

    tied = Tied()
    assert [name for name, _ in tied.named_parameters()] == ["encoder.weight", "decoder.bias"]
    assert list(tied.state_dict()) == ["encoder.weight", "decoder.bias"]
    twin = copy.deepcopy(tied)
    assert twin.decoder.weight is twin.encoder.weight
    twin = pickle.loads(pickle.dumps(tied.decoder))
    assert (twin.weight == tied.encoder.weight).all()


class Child(Module):
    def __init__(self, parent: Module) -> None:
        self.parent = parent
        self.w = Tensor([2.0])

    def forward(self, x: Any) -> Any:
        return self.w * x


class Parent(Module):
    def __init__(self) -> None:
        self.loop: list[Any] = [self]
        self.loop.append(self.loop)
        self.child = Child(self)

    def forward(self, x: Any) -> Any:
        return self.child(x)


def test_modules_and_containers_in_cycles_are_walked_once() -> None:
    parent = Parent()
    assert [name for name, _ in parent.named_parameters()] == ["child.w"]
    assert parent.eval().child.training is False
    assert parent(1.0).data.tolist() == [2.0]
    assert scopes_of(parent([1.0])) == ["parent/child"]
    assert repr(parent) == "Parent(\n  (child): Child(\n    w=(1,)\n    (parent): ...\n  )\n)"
    twin = copy.deepcopy(parent)
    assert twin.child.parent is twin
    assert twin.child.w is not parent.child.w


def test_modules_nest_ten_thousand_deep() -> None:
    class Box(Module):
        def __init__(self, inner: Any) -> None:
            self.inner = inner

    boxes = [Box(Tensor([1.0]))]
    for _ in range(10_000):
        boxes.append(Box(boxes[-1]))
    named = boxes[-1]._leaves()
    try:
        assert next(leaf for _, leaf in named) is boxes[0].inner
    finally:
        while boxes:  # from the outside in, since Python frees nested objects by recursion
            boxes.pop().inner = None


def test_the_repr_reads_as_the_network_was_written() -> None:
    assert repr(Linear(784, 50)) == "Linear(784, 50)"
    assert repr(Linear(2, 1, bias=False)) == "Linear(2, 1, bias=False)"
    assert repr(Sequential(Linear(3, 2), Sequential(ReLU(), Dropout(0.2)))) == (
        "Sequential(\n"
        "  (0): Linear(3, 2)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "    (1): Dropout(0.2)\n"
        "  )\n"
        ")"
    )
    assert repr(Net()) == (
        "Net(\n"
        "  scale=(2,), steps=(1,)\n"
        "  (layer1): Linear(3, 4)\n"
        "  (norm): BatchNorm1d(4)\n"
        "  (blocks.0): Linear(4, 4)\n"
        "  (blocks.1.deep.0): Linear(4, 2)\n"
        ")"
    )
    assert repr(Module()) == "Module()"


def test_train_and_eval_reach_every_module_and_return_this_one() -> None:
    net = Net()
    assert all(module.training for _, module in net.named_modules())
    assert net.eval() is net
    assert not any(module.training for _, module in net.named_modules())
    assert net.train() is net
    assert net.blocks[1]["deep"][0].training
    assert Module.training  # of new modules, whatever was done to others


def test_zero_grad_forgets_every_gradient() -> None:
    net = Net()
    net(np.ones((2, 3))).sum().backward()
    assert all(p.has_grad for p in net.parameters())
    net.zero_grad()
    assert not any(p.has_grad for p in net.parameters())


def test_a_module_without_forward_says_what_to_write() -> None:
    class Forgetful(Module):
        def fowrard(self, x: Any) -> Any:
            return x

    with pytest.raises(MissingMethodError, match=r"Define forward\(self, x\) in class Forgetful"):
        Forgetful()(1.0)
    with pytest.raises(NotImplementedError):
        Module()(1.0)


# Scopes.


def test_what_a_module_records_stands_in_a_scope_of_its_attribute() -> None:
    net = Net()
    assert scopes_of(net(np.ones((2, 3)))) == [
        "net/layer1",
        "net/norm",
        "net",
        "net/blocks.0",
        "net/blocks.1.deep.0",
    ]


def test_the_modules_of_a_sequential_have_numbered_scopes() -> None:
    net = Sequential(Linear(3, 2), ReLU(), Sequential(Linear(2, 2)), Net.__new__(Neat))
    assert scopes_of(net(np.ones((2, 3)))) == [
        "sequential/linear0",
        "sequential/relu1",
        "sequential/sequential2/linear0",
        "sequential/neat3",
    ]


class Neat(Net):
    """Doubles."""

    def forward(self, x: Any) -> Any:
        return x * 2


def test_a_scope_of_the_users_own_stands_between_and_does_not_hide_the_name() -> None:
    class Outer(Module):
        def __init__(self) -> None:
            self.first = Linear(2, 2)

        def forward(self, x: Any) -> Any:
            with scope("half"):
                return self.first(x)

    outer, loose = Outer(), Linear(2, 2)
    assert scopes_of(outer([[1.0, 2.0]])) == ["outer/half/first"]
    assert scopes_of(loose([[1.0, 2.0]])) == ["linear"]


def test_a_module_that_its_caller_does_not_hold_goes_by_its_class() -> None:
    loose = Linear(2, 2)

    class Borrower(Module):
        def forward(self, x: Any) -> Any:
            return loose(x)

    assert scopes_of(Borrower()([[1.0, 2.0]])) == ["borrower/linear"]


def test_an_error_in_forward_leaves_every_scope() -> None:
    net = Sequential(Linear(3, 2), Linear(3, 2))
    with pytest.raises(ShapeError, match=r"Linear\(3, 2\) in sequential/linear1"):
        net(np.ones((1, 3)))
    assert scopes_of(net[0](np.ones((1, 3)))) == ["linear"]
    assert (Tensor([1.0]) * 2).scope is None


def test_the_same_module_in_two_threads_keeps_its_scopes_apart() -> None:
    net, seen = Net().eval(), list[list[str]]()

    def work() -> None:
        seen.extend(scopes_of(net(np.ones((2, 3)))) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert all(paths == seen[0] for paths in seen)


def test_a_graph_does_not_keep_its_module_alive() -> None:
    gc.collect()
    gc.disable()
    try:
        net = Net()
        cast(Any, net).last = net(np.ones((2, 3)))
        y, gone = cast(Any, net).last, weakref.ref(net)
        del net
        assert gone() is None
        assert y.scope is not None
    finally:
        gc.enable()


# State.


def test_a_state_round_trip_gives_the_same_outputs_bit_for_bit() -> None:
    trained, fresh, x = Net(), Net(), np.random.default_rng(1).normal(size=(5, 3))
    for p in trained.parameters():
        p.data += 0.5
    trained(x)  # moves the running statistics
    fresh.load_state_dict(trained.state_dict())
    assert (fresh.eval()(x) == trained.eval()(x)).all()
    assert list(fresh.state_dict()) == [
        "layer1.weight",
        "layer1.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        *NAMES[4:],
        "steps",
    ]


def test_a_state_is_a_copy_and_what_was_loaded_is_one_too() -> None:
    a, b = Linear(2, 1), Linear(2, 1)
    state = a.state_dict()
    b.load_state_dict(state)
    state["weight"][:] = 7.0
    assert not (a.weight == 7.0).any()
    assert not (b.weight == 7.0).any()
    b.weight.data -= 1.0
    assert not (a.weight == b.weight).any()


def test_loading_writes_into_the_same_parameters_and_records_notice() -> None:
    net = Linear(2, 1)
    weight, y = net.weight, net([[1.0, 2.0]]).relu().sum()
    net.load_state_dict(Linear(2, 1).state_dict())
    assert net.weight is weight
    with pytest.raises(StaleGraphError):
        y.backward()


def test_a_state_that_does_not_fit_is_refused_with_every_name_and_nothing_is_written() -> None:
    net = Sequential(Linear(3, 2), Linear(2, 1))
    before = net.state_dict()
    wrong = {"0.weight": np.ones((3, 3)), "0.bias": np.ones(2), "9.weight": np.ones(1)}
    with pytest.raises(ArgumentError) as caught:
        net.load_state_dict(wrong)
    message = str(caught.value)
    assert "missing: 1.weight, 1.bias" in message
    assert "unexpected: 9.weight" in message
    assert "of another shape: 0.weight (expected (3, 2), but came (3, 3))" in message
    assert all((array == before[name]).all() for name, array in net.state_dict().items())
    with pytest.raises(ArgumentError, match="another shape"):
        net.load_state_dict(wrong, strict=False)
    net.load_state_dict({"0.bias": np.full(2, 5.0), "9.weight": np.ones(1)}, strict=False)
    assert net.state_dict()["0.bias"].tolist() == [5.0, 5.0]
    assert (net.state_dict()["1.weight"] == before["1.weight"]).all()


@pytest.mark.parametrize("bad", [np.array(["a", "b"]), np.ones(2, complex), [None, None]])
def test_a_state_that_is_not_made_of_real_numbers_is_refused(bad: Any) -> None:
    net = Linear(2, 2)
    before = net.state_dict()
    with pytest.raises(OperandError, match="nothing was loaded"):
        net.load_state_dict(before | {"bias": bad})
    assert all((array == before[name]).all() for name, array in net.state_dict().items())
    with pytest.raises(OperandError, match="expected a dict"):
        net.load_state_dict([1, 2])  # pyright: ignore[reportArgumentType]


def test_a_state_of_another_precision_is_converted_and_floats_are_not_cut_to_integers() -> None:
    small = Linear(3, 2, dtype=np.float32)
    big = Linear(3, 2)
    small.load_state_dict(big.state_dict())
    assert small.weight.dtype == np.float32
    np.testing.assert_array_equal(small.weight.data, big.weight.data.astype(np.float32))
    net = Net()
    with pytest.raises(OperandError, match="steps has dtype int64, but came float64"):
        net.load_state_dict(net.state_dict() | {"steps": np.array([0.5])})


def test_two_parameters_of_one_name_are_refused_before_one_is_lost() -> None:
    class Twins(Module):
        def __init__(self) -> None:
            self.parts = {1: Tensor([1.0]), "1": Tensor([2.0])}

    with pytest.raises(ArgumentError, match=r"two parameters have the name 'parts\.1'"):
        Twins().state_dict()


def test_the_networks_of_values_have_states_too() -> None:
    a, b = MLP(2, [3, 1]), MLP(2, [3, 1])
    assert list(a.state_dict())[:3] == [
        "layers.0.neurons.0.w.0",
        "layers.0.neurons.0.w.1",
        "layers.0.neurons.0.b",
    ]
    assert len(a.state_dict()) == len(a.parameters()) == 13
    b.load_state_dict(a.state_dict())
    assert b([1.0, 2.0]).data == a([1.0, 2.0]).data
    assert type(b.parameters()[0].data) is float
    assert [p for _, p in a.named_parameters()] == a.parameters()


def test_astype_converts_everything_but_integers_and_leaves_no_gradient_behind() -> None:
    net = Net()
    net(np.ones((2, 3))).sum().backward()
    assert net.astype(np.float32) is net
    assert {p.dtype.name for p in net.parameters()} == {"float32"}
    assert {b.dtype.name for _, b in net.named_buffers()} == {"float32", "int64"}
    assert not any(p.has_grad for p in net.parameters())
    y = net(np.ones((2, 3), np.float32))
    assert y.dtype == np.float32
    y.sum().backward()
    assert {p.grad.dtype.name for p in net.parameters()} == {"float32"}
    with pytest.raises(OperandError, match="floating"):
        net.astype(int)


# Copies.


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_deep_copy_computes_the_same_and_trains_apart(copied: Any) -> None:
    net, x = Net(), np.random.default_rng(2).normal(size=(4, 3))
    net(x).sum().backward()
    twin = copied(net)
    assert (twin(x) == net(x)).all()
    assert all(
        (p.grad == q.grad).all() for p, q in zip(twin.parameters(), net.parameters(), strict=True)
    )
    for p in twin.parameters():
        p.data += 1.0
    assert not (twin(x) == net(x)).all()
    assert not {*map(id, twin.parameters())} & {*map(id, net.parameters())}


def test_a_shallow_copy_shares_its_parameters() -> None:
    net = Net()
    twin = copy.copy(net)
    assert [*map(id, twin.parameters())] == [*map(id, net.parameters())]
    twin.extra = Tensor([1.0])  # pyright: ignore[reportAttributeAccessIssue]
    assert len(net.parameters()) == len(NAMES)


def test_karpathys_neuron_keeps_its_own_way_of_being_called() -> None:
    neuron = Neuron(2)
    assert isinstance(neuron, Module)
    y = neuron([1.0, 2.0])
    assert isinstance(y, Value)
    assert y.scope is None


def test_sequential_is_a_sequence_that_shares_its_parts() -> None:
    net = Sequential(Linear(3, 2), ReLU(), Linear(2, 1))
    assert len(net) == 3
    assert [type(module).__name__ for module in net] == ["Linear", "ReLU", "Linear"]
    assert net[-1] is list(net)[2]
    assert net[:2].parameters()[0] is net.parameters()[0]
    assert Sequential()(3.0) == 3.0


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ((Linear(2, 2), ReLU), r"argument 1 is the class ReLU. Make a module of it: ReLU\(...\)"),
        (([Linear(2, 2)],), r"Unpack it: Sequential\(\*modules\)"),
        ((np.tanh,), "has to be a Module"),
    ],
)
def test_sequential_refuses_what_is_no_module_and_says_what_to_do(modules: Any, words: str) -> None:
    with pytest.raises(OperandError, match=words):
        Sequential(*modules)
