"""From a tape to a graph."""

from __future__ import annotations

from collections.abc import Sequence

from micrograd.compiler.lowering.scalars.graph import CLASSES, Graph
from micrograd.compiler.lowering.scalars.kinds import ANY, ARITHMETIC, FLOAT
from micrograd.compiler.lowering.scalars.names import NAMES
from micrograd.compiler.lowering.scalars.rewriting import EXPANSIONS
from micrograd.compiler.recording.tape import INPUT, Tape

_NAMES = {function: name for function, name in NAMES.items() if function not in EXPANSIONS}


def simplify(tape: Tape, outputs: Sequence[int]) -> Graph:
    """Return the graph of what outputs and checks need.

    Args:
        tape: what was recorded.
        outputs: slots of numbers.
    """
    graph = Graph()
    live = _live(tape, outputs)
    node_of = [-1] * len(tape)
    call, add, kinds, known = graph.call, graph.add, graph.kinds, graph.known
    constants = graph.constants
    operations, arguments, settings = tape.operations, tape.arguments, tape.settings
    names, forms = _NAMES, tape.forms
    for slot in tape.inputs:
        form = forms[slot]
        node_of[slot] = graph.add(INPUT, (), CLASSES[form])
        if form is not float:
            graph.ranges[node_of[slot]] = (0, 1) if form is bool else ANY
        graph.inputs.append(node_of[slot])
    for slot, value in tape.constants.items():
        if live[slot]:
            node_of[slot] = graph.constant(value)
    backward = tape.backward.index(True) if True in tape.backward else len(tape)
    for slot in range(len(tape)):
        if slot == backward:
            graph.backward = len(graph)
        if not live[slot] or node_of[slot] >= 0:
            continue
        operation = operations[slot]
        args: tuple[int, ...] = arguments[slot]
        name = names.get(operation)
        if len(args) == 2:
            args = node_of[args[0]], node_of[args[1]]
        else:
            args = tuple([node_of[i] for i in args])
        if name is None or settings[slot]:
            expansion = EXPANSIONS.get(operation)
            node = expansion and expansion(graph, *args, **settings[slot])
            if node is None:
                node = graph.other_call(operation, args, settings[slot], forms[slot])
        else:
            key = name, args
            node = known.get(key)
            if node is None:
                if name in ARITHMETIC and not (kinds[args[0]] and kinds[args[1]]):
                    a, b = args  # by far the most: one of them is a float, so that it is one
                    if a not in constants or b not in constants:
                        node = known[key] = add(name, args, FLOAT)
                if node is None:
                    node = call(name, *args)
        node_of[slot] = node
    graph.outputs = [node_of[slot] for slot in outputs]
    graph.checks = [(node_of[slot], value) for slot, value in tape.checks]
    return graph


def _live(tape: Tape, outputs: Sequence[int]) -> bytearray:
    """Return which slots outputs and checks depend on."""
    live = bytearray(len(tape))
    for slot in (*outputs, *[slot for slot, _ in tape.checks]):
        live[slot] = 1
    for slot in range(len(tape) - 1, -1, -1):
        if live[slot]:
            for i in tape.arguments[slot]:
                live[i] = 1
    return live
