"""CasADi's machine, as fast as it can be had: its arrays are filled and read in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Machine:
    """What computes expressions of CasADi's SX.

    Attributes:
        given: an array for each input, to be filled; a matrix lies in it by columns.
        found: an array for each output.
        run: computes what is found from what is given.
    """

    def __init__(self, ca: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.given: list[Any] = [np.zeros(each.numel()) for each in inputs]
        self.found: list[Any] = [np.zeros(each.numel()) for each in outputs]
        function = ca.Function("step", list(inputs), list(outputs))
        self._buffer, self.run = function.buffer()  # run does not keep the buffer alive
        for i, array in enumerate(self.given):
            self._buffer.set_arg(i, memoryview(array))
        for i, array in enumerate(self.found):
            self._buffer.set_res(i, memoryview(array))
