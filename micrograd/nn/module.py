"""Module: something that computes with parameters, and knows them by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from reprlib import recursive_repr
from typing import Any, Self, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from micrograd.core.node import Node
from micrograd.engine.scopes import Scope
from micrograd.engine.value import Value
from micrograd.errors import MissingMethodError, OperandError
from micrograd.nn import state

# The module whose forward runs here; not kept in its Scope, which nodes refer to.
_calling: ContextVar[Module | None] = ContextVar("_calling", default=None)


class Module:
    """Something that computes with parameters: a layer, or a network of layers.

    Derive from it, assign parameters and other modules to attributes, also in
    lists, tuples and dicts, and write `forward`. A parameter is a Tensor or
    Value that you made and that requires a gradient; one that requires none is
    a buffer, which is saved but not trained. What an operation returned is
    neither, so that results may be kept in attributes.

    What `forward` records when the module is called stands in a `scope` with
    the name of the attribute that holds the module, and for a network by
    itself with that of its class.

    Attributes:
        training: whether dropout drops and batch normalization learns; True
            until `eval()` is called.

    >>> from micrograd import Tensor
    >>> class Scale(Module):
    ...     def __init__(self):
    ...         self.factor = Tensor([2.0, 3.0])
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale()
    >>> scale([1.0, 1.0])
    Tensor([2., 3.])
    >>> scale.named_parameters()  # doctest: +ELLIPSIS
    <generator object ...>
    >>> dict(scale.named_parameters())
    {'factor': Tensor([2., 3.])}
    """

    training: bool = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output; every subclass writes its own.

        Raises:
            MissingMethodError: here, where there is nothing to compute.
        """
        name = type(self).__name__
        raise MissingMethodError(
            f"{name}: has no forward, so that it cannot be called. Define forward(self, x) in "
            f"class {name}, and let it return the output."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return what `forward` returns, recorded in a scope of this module's name."""
        holder = _calling.get()
        name = None if holder is None else holder._scope_of(self)
        token = _calling.set(self)
        try:
            with Scope(name or type(self).__name__.lower()):
                return self.forward(*args, **kwargs)
        finally:
            _calling.reset(token)

    def _scope_of(self, module: Module) -> str | None:
        """Return the scope's name of a module that this one calls; None if it does not hold it."""
        for name, item in vars(self).items():
            if item is module:
                return name
        return next((name for name, child in self._children() if child is module), None)

    def _members(self) -> Iterable[tuple[Any, Any]]:
        """Return what to look for parameters and modules in, with names."""
        return vars(self).items()

    def _children(self) -> Iterator[tuple[str, Module]]:
        for name, item in _walk(self, deep=False):
            if isinstance(item, Module) and name:
                yield name, item

    def _leaves(self) -> Iterator[tuple[str, Any]]:
        return ((name, item) for name, item in _walk(self) if isinstance(item, Node))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """Yield this module, by the name '', and each one in it, once, with where it stands.

        >>> class Pair(Module):
        ...     def __init__(self):
        ...         self.parts = [Module(), Module()]
        >>> [name for name, module in Pair().named_modules()]
        ['', 'parts.0', 'parts.1']
        """
        return ((name, item) for name, item in _walk(self) if isinstance(item, Module))

    def parameters(self) -> list[Any]:
        """Return what training changes: every Tensor or Value once, in order of assignment.

        >>> Module().parameters()
        []
        """
        return [leaf for _, leaf in self.named_parameters()]

    def named_parameters(self) -> Iterator[tuple[str, Any]]:
        """Yield the parameters with their names, such as 'layers.0.weight'.

        One that stands in several places has the name of the first.

        >>> from micrograd.nn import Neuron
        >>> [name for name, parameter in Neuron(2).named_parameters()]
        ['w.0', 'w.1', 'b']
        """
        return ((name, leaf) for name, leaf in self._leaves() if leaf.requires_grad)

    def named_buffers(self) -> Iterator[tuple[str, Any]]:
        """Yield the Tensors that are saved but not trained, such as running statistics.

        >>> from micrograd.nn import BatchNorm1d
        >>> [name for name, buffer in BatchNorm1d(3).named_buffers()]
        ['running_mean', 'running_var']
        """
        return ((name, leaf) for name, leaf in self._leaves() if not leaf.requires_grad)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def train(self, mode: bool = True) -> Self:
        """Set `training` here and in every module below, and return this module.

        >>> Module().train(False).training
        False
        """
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Let dropout and batch normalization be fixed functions, as for a test.

        >>> Module().eval().training
        False
        """
        return self.train(False)

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert every floating Tensor here and below, in place, and return this module.

        Do it before an optimizer is made, whose buffers have the dtype of the parameters.

        Args:
            dtype: a floating dtype, such as np.float32.

        Raises:
            OperandError: if `dtype` is no floating one.

        >>> from micrograd.nn import Linear
        >>> Linear(2, 1).astype(np.float32).weight.dtype
        dtype('float32')
        """
        if np.dtype(dtype).kind != "f":
            raise OperandError(
                f"{type(self).__name__}.astype: expected a floating dtype, but came "
                f"{np.dtype(dtype)}. Parameters of another have no gradient; use np.float32 or "
                "np.float64."
            )
        for _, leaf in self._leaves():
            if not isinstance(leaf, Value) and leaf.dtype.kind == "f":
                leaf.zero_grad()
                leaf._overwrite(leaf._data.astype(dtype))
        return self

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters and buffers, by name.

        Raises:
            ArgumentError: if two of them have the same name, as with the keys 1 and '1'.

        >>> from micrograd.nn import Linear
        >>> {name: array.shape for name, array in Linear(3, 2).state_dict().items()}
        {'weight': (3, 2), 'bias': (2,)}
        """
        named = state.by_name(type(self).__name__, self._leaves())
        return {name: np.array(leaf.data) for name, leaf in named.items()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> None:
        """Write what `state_dict()` returned, maybe of another network built the same way.

        Everything is checked before anything is written. Arrays are converted
        to the dtype that the parameter has.

        Args:
            state_dict: an array for each name.
            strict: whether to refuse missing and unexpected names; if not, such
                parameters stay as they are, and such arrays are left out.

        Raises:
            ArgumentError: if names are missing or unexpected, or shapes differ;
                the message lists all of them.
            OperandError: if an array cannot be converted to the dtype of its parameter.

        >>> from micrograd.nn import Linear
        >>> a, b = Linear(3, 2), Linear(3, 2)
        >>> b.load_state_dict(a.state_dict())
        >>> bool((a.weight == b.weight).all())
        True
        """
        what = type(self).__name__
        named = state.by_name(what, self._leaves())
        state.load(f"{what}.load_state_dict", named, state_dict, strict)

    def extra_repr(self) -> str:
        """Return what the repr shows in parentheses; the shapes of own Tensors, unless overridden.

        >>> from micrograd.nn import Linear
        >>> Linear(784, 50).extra_repr()
        '784, 50'
        """
        own = [(name, item) for name, item in _walk(self, deep=False) if isinstance(item, Node)]
        return ", ".join(f"{name}={np.shape(node._data)}" for name, node in own)

    @recursive_repr("...")
    def __repr__(self) -> str:
        extra = self.extra_repr()
        parts = [f"({name}): {child!r}" for name, child in self._children()]
        if not parts:
            return f"{type(self).__name__}({extra})"
        lines = [part.replace("\n", "\n  ") for part in ([extra] if extra else []) + parts]
        return "\n  ".join([f"{type(self).__name__}(", *lines]) + "\n)"


def _walk(root: Module, deep: bool = True) -> Iterator[tuple[str, Module | Node]]:
    """Yield each module and leaf that `root` holds, itself first, once, with where it stands.

    Args:
        root: where to start.
        deep: whether to go on into the modules that `root` holds.
    """
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        name, item = stack.pop()
        entries = _entries(item)
        if entries is None or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, (Module, Node)):
            yield name, item
        if deep or item is root or not isinstance(item, Module):
            prefix = f"{name}." if name else ""
            stack += [(f"{prefix}{key}", entry) for key, entry in reversed(list(entries))]


def _entries(item: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return what an item of a module holds, with names; None if there is nothing to look for."""
    if isinstance(item, Module):
        return item._members()
    if isinstance(item, Node):
        return () if _is_kept(item) else None
    if isinstance(item, dict):
        return cast("dict[Any, Any]", item).items()
    if isinstance(item, (list, tuple)):
        return enumerate(cast("list[Any]", item))
    return None


def _is_kept(node: Node) -> bool:
    """Tell a parameter or buffer from what an operation returned, which cannot be written to."""
    data = node._data
    return node.op is None and (not isinstance(data, np.ndarray) or data.flags.writeable)


__all__ = ["Module"]
