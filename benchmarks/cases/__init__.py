"""What is measured: cases, their variants, the peers that take part, and the bars.

A case is a module here with a function for each peer, of the same name, that
prepares and returns a step to be timed. It imports a peer nowhere else. Where a
step costs something else, or tells its time itself, its function `cost` asks it.
"""

from __future__ import annotations

from benchmarks.cases.case import Case, Variant
from benchmarks.cases.compiled import compiled_cases

LIBRARIES = ("mygrad", "autograd", "dezero", "pytorch", "jax", "jax-jit")
ARRAYS = ("micrograd", *LIBRARIES)
_one = "micrograd", "numpy"


def _shapes() -> dict[str, Variant]:
    variants: dict[str, Variant] = {}
    for shape in ((), (10,), (100, 100), (1000, 1000)):
        small = shape == (10,)
        bars = {"pytorch": 0.55, "mygrad": 0.3, "autograd": 0.35, "dezero": 0.25} if small else {}
        ops = 200 if shape != (1000, 1000) else 20
        settings = {"shape": shape, "ops": ops}
        variants[f"{ops} operations, {shape}"] = Variant(settings, ARRAYS, bars)
    return variants


def _mnist() -> dict[str, Variant]:
    by_hand = ("micrograd", "numpy", "book", *LIBRARIES)
    bars = {"numpy": 1.15, "pytorch": 0.75, "jax-jit": 0.6, "mygrad": 0.6, "book": 0.45}
    book, wide = [784, 50, 10], [784, 512, 512, 10]
    variants: dict[str, Variant] = {}
    for sizes, batch, dtype, threads, own_bars in (
        (book, 1, "float32", 1, {}),
        (book, 100, "float32", 1, bars),
        (book, 100, "float32", 2, {}),
        (book, 100, "float64", 1, {}),
        (book, 1000, "float32", 1, {}),
        (wide, 512, "float32", 1, {"pytorch": 1.1}),
        (wide, 512, "float32", 2, {"pytorch": 1.1}),
        (wide, 512, "float64", 1, {}),
    ):
        name = f"{'-'.join(map(str, sizes))}, batch {batch}, {dtype}"
        name += f", {threads} threads" * (threads > 1)
        settings = {"sizes": sizes, "batch": batch, "dtype": dtype}
        variants[name] = Variant(settings, by_hand, own_bars, threads)
    return variants


def _freed() -> dict[str, Variant]:
    variants: dict[str, Variant] = {}
    for name, case, sizes in (
        ("784-50-10, batch 100", "mnist", {"sizes": [784, 50, 10], "batch": 100}),
        ("784-512-512-10, batch 512", "mnist", {"sizes": [784, 512, 512, 10], "batch": 512}),
        ("exp(-tanh(x w + b)²), (1000, 1000)", "elementwise", {"shape": [1000, 1000]}),
    ):
        settings = {"case": case, "dtype": "float32"} | sizes
        kept, back = f"{name}, kept", f"{name}, given back"
        variants[kept] = Variant(settings, _one)
        variants[back] = Variant(settings, _one, keeps_memory=False, base=kept)
    return variants


def _chains() -> dict[str, Variant]:
    variants: dict[str, Variant] = {}
    for exponent in (3, 4, 5, 6):
        peers = ("micrograd", "karpathy", *LIBRARIES[:4]) if exponent == 3 else ("micrograd",)
        peers = ("micrograd", "pytorch") if exponent in (4, 5) else peers
        nodes = 10**exponent
        variants[f"{nodes:,} nodes"] = Variant(
            {"nodes": nodes},
            peers,
            units=nodes,
            base="1,000 nodes" if exponent > 3 else None,
            base_bar=1.5 if exponent > 3 else None,
            byte_bar=300 if exponent == 6 else None,
        )
    return variants


def _drawings() -> dict[str, Variant]:
    variants: dict[str, Variant] = {}
    for dot in (True, False):
        for count in (30, 300, 1_000, 10_000):
            name = f"{count:,} nodes, {'with dot' if dot else 'without dot'}"
            settings = {"count": count, "dot": dot}
            base = f"30 nodes, {'with dot' if dot else 'without dot'}"
            variants[name] = Variant(settings, ("micrograd",), base=base)
    return variants


_every = "micrograd", "karpathy", *LIBRARIES

CASES = {
    case.name: case
    for case in (
        Case(
            "demo",
            "micrograd's demo step, 65,818 scalar nodes",
            {"MLP(2, [16, 16, 1])": Variant({}, (*_every[:2], "xad"), {"karpathy": 0.1})},
        ),
        Case(
            "scalar",
            "scalar operations",
            {"100 operations": Variant({}, _every, {"pytorch": 0.2})},
        ),
        Case(
            "chain",
            "a chain of scalars",
            _chains(),
            memory=True,
        ),
        Case("small", "tensor operations", _shapes()),
        Case(
            "elementwise",
            "exp(-tanh(x w + b)²)",
            {
                f"{shape}, {dtype}": Variant(
                    {"shape": shape, "dtype": dtype}, ("numpy", *ARRAYS), {"numpy": 1.2}
                )
                for shape in ((1000, 1000),)
                for dtype in ("float32", "float64")
            },
        ),
        Case("mnist", "a training step", _mnist(), memory=True),
        Case("freed", "freed memory", _freed()),
        Case("wide", "a sum of scalars", {"1,000 terms": Variant({}, _every)}),
        Case(
            "indexing",
            "rows by number, summed",
            {"100 times 64 of (1000, 32)": Variant({}, ARRAYS)},
        ),
        Case(
            "einsum",
            "bij,bjk->bik",
            {
                "(32, 16, 16)": Variant(
                    {}, ("micrograd", "numpy", "mygrad", "autograd", "pytorch", "jax", "jax-jit")
                )
            },
        ),
        Case(
            "second_order",
            "the product of a Hessian and a vector",
            {
                "784-50-10, batch 100": Variant(
                    {}, ("micrograd", "autograd", "pytorch", "jax", "jax-jit")
                )
            },
        ),
        Case("imports", "an import", {"a fresh process": Variant({}, _one, {"numpy": 1.2})}),
        Case(
            "debugging",
            "a step under debug()",
            {
                f"{kind}{', debug()' * debug}": Variant(
                    {"kind": kind, "debug": debug}, ("micrograd",), base=kind if debug else None
                )
                for kind in ("Values", "Tensors")
                for debug in (False, True)
            },
        ),
        Case("drawing", "a drawing", _drawings()),
        *compiled_cases(),
    )
}
