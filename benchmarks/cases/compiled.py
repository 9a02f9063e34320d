"""The cases in which our step is compiled, what compiling takes, and what a step allocates."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.cases.case import ALLOCATED, COMPILED, COMPILING, Case, Variant


def compiled_cases() -> list[Case]:
    """Return the cases in which ours is compiled: those of scalars first."""
    book, wide = [784, 50, 10], [784, 512, 512, 10]
    book_step = {"sizes": book, "batch": 100, "dtype": "float32"}
    title = "784-50-10, batch 100, float32"
    run = {"batch": 100, "images": 60_000}
    both, by_hand = ("micrograd", "eager"), ("micrograd", "numpy")
    arrays = (*by_hand, "eager", "torch-compile", "jax-jit")
    demo = ("micrograd", "eager", "karpathy", "casadi", "xad")
    irregular = {
        f"{nodes:,} nodes, {shape}{', half functions' * (share > 0.1)}": Variant(
            {"nodes": nodes, "leaves": leaves, "functions": share},
            (*both, "casadi"),
            {"eager": 1 / 20} if share == 0.1 else {},
        )
        for share in (0.1, 0.5)
        for nodes in (1_000, 10_000)
        for shape, leaves in (("narrow", 20), ("wide", nodes // 10))
    }
    cases = [
        Case(
            "compiled_demo",
            "micrograd's demo step",
            {"MLP(2, [16, 16, 1])": Variant({}, demo, {"karpathy": 1 / 2000, "casadi": 0.9})},
        ),
        Case(
            "compiled_chain",
            "a chain of scalars",
            {
                f"10,000 {kind}": Variant(
                    {"nodes": 10_000, "curved": kind == "nodes with tanh"}, both, {"eager": 1 / 15}
                )
                for kind in ("products", "nodes with tanh")
            },
        ),
        Case("compiled_irregular", "a random graph of scalars", irregular),
        Case(
            "compiled_mnist",
            "a training step",
            {
                title: Variant(book_step, arrays, {"numpy": 1.0}),
                "784-50-10, batch 1, float32": Variant(
                    book_step | {"batch": 1}, arrays, {"numpy": 1.0}
                ),
                "784-512-512-10, batch 512, float32": Variant(
                    {"sizes": wide, "batch": 512, "dtype": "float32"}, arrays, {"numpy": 1.03}
                ),
            },
        ),
        Case(
            "compiled_adam",
            "Sequential and Adam",
            {title: Variant(book_step, both, {"eager": 0.75})},
        ),
        Case(
            "compiled_hvp",
            "the product of a Hessian and a vector",
            {"784-50-10, batch 100": Variant({}, (*both, "pytorch", "jax-jit"), {"eager": 0.45})},
        ),
        Case(
            "compiled_run",
            "a whole run, compiling included",
            {
                "10,000 steps": Variant(run | {"steps": 10_000}, by_hand, {"numpy": 1.05}),
                "500 steps": Variant(run | {"steps": 500}, (*by_hand, "eager")),
            },
        ),
    ]
    compiling = {
        "the demo step": ({"case": "demo"}, 40),
        title: ({"case": "mnist", **book_step}, 100),
        f"Sequential and Adam, {title}": ({"case": "compiled_adam", **book_step}, None),
        "the product of a Hessian and a vector": ({"case": "second_order"}, None),
        **{
            f"{case.title}, {name}": ({"case": case.name, **variant.settings}, None)
            for case in cases[1:3]
            for name, variant in case.variants.items()
        },
    }
    return [
        *[replace(case, title=f"compiled, {case.title}", heading=COMPILED) for case in cases],
        Case(
            "compiling",
            "compiling",
            {
                name: Variant(settings, both, {} if bar is None else {"eager": bar})
                for name, (settings, bar) in compiling.items()
            },
            heading=COMPILING,
        ),
        Case(
            "compiled_memory",
            "compiled, a training step",
            {
                title: Variant({"from_start": False, **book_step}, both, {"eager": 1 / 3}),
                f"{title}, with all that is kept": Variant({"from_start": True, **book_step}, both),
            },
            heading=ALLOCATED,
        ),
    ]
