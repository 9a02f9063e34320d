"""Draw computational graphs as the book does.

Operations are circles, the forward value stands above each edge and the gradient
below it, in red.

A graph is turned into plain data (`graph.snapshot`; a compiled program by
`graph.programs`), large ones into smaller ones
(`folding`), these into shapes and arrows (`picture.picture`), and those into DOT text
(`picture.dot`) or, without the `dot` program, into places (`picture.layout`) and SVG
(`picture.svg`).

`step` tells how a graph is computed and differentiated, one step at a time
(`telling.story`), on a page with buttons (`telling.stepper`). `explain` writes out the
chain rule (`telling.derivation`) with the formulas of the operations (`formulas`).
"""

from viz.diagram import Diagram, draw
from viz.render import draw_dot
from viz.telling.derivation import explain
from viz.telling.explanation import Explanation
from viz.telling.stepper import Stepper, step

__all__ = ["Diagram", "Explanation", "Stepper", "draw", "draw_dot", "explain", "step"]
