"""What a node was when a user's derivative captured it."""

from __future__ import annotations

from typing import Any
from weakref import ref

from micrograd.core.node import Node


class Snapshot:
    """A node, and its version."""

    def __init__(self, node: Node) -> None:
        if node.op is None:
            node._secure()
        self._node = ref(node)
        self._version = node._version_now()

    def fits(self, node: Any) -> bool:
        """Tell whether what is captured now is this node, as it was."""
        if node is not self._node() or node._version_now() != self._version:
            return False
        return node.op is not None or node._is_number or not node._is_written(self._version)
