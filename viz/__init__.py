"""Draw computational graphs as the book does.

Operations are circles, the forward value stands above each edge and the gradient
below it, in red.

A graph is turned into plain data (`snapshot`), that into shapes and arrows
(`picture`), and these into DOT text (`dot`) or, without the `dot` program, into
places (`layout`) and SVG (`svg`).
"""

from viz.diagram import Diagram, draw
from viz.render import draw_dot

__all__ = ["Diagram", "draw", "draw_dot"]
