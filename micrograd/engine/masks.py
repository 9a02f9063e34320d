"""Which elements of a gradient a `where` has cut off.

Where a `where` did not take a branch, that branch's gradient is 0, and the
chain rule would go on to multiply it by slopes that may be inf or nan there:
0 * inf is nan, and the branch that was not taken would spoil the one that was.
So a mask goes back through the branch with the gradient, by the `reach` of each
operation, and what the mask leaves out is set to 0 instead of multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from micrograd.core.node import Node
from micrograd.ops.reach import NUMBER, WHOLE


class Masks:
    """The masks of the nodes that a `where` leads to: which of their elements are taken."""

    def __init__(self, root: Node, mask: Any) -> None:
        self._masks: dict[Node, Any] = {root: mask}  # True: every element
        self._node: Node | None = None  # what it contributes is being carried

    def of(self, node: Node) -> Any:
        """Return the mask of `node`, True for all elements."""
        return self._masks.get(node, True)

    def carry(self, contribution: Any, node: Node, i: int, g: Any, first: bool) -> Any:
        """Return what `node` contributes to parent `i`, 0 where its mask leaves it out.

        The parent's mask is noted, as far as it comes from `node`; `first` tells
        that nothing has reached the parent before.
        """
        mask, parent, reach = self.of(node), node.parents[i], node.op.reach or WHOLE
        if parent._is_number and not reach.selects:
            reach = NUMBER
        if mask is True and not reach.selects:
            through = True
        else:
            if node is not self._node:  # what its parents share is computed once
                self._node, self._through = node, reach.through(node, mask)
            through = self._through(i)
        known = self._masks.get(parent, not first)
        if known is not True:
            self._masks[parent] = through if through is True else np.logical_or(known, through)
        if mask is True:
            return contribution
        return reach.cut(contribution, node, i, g, mask, through)
