"""Arrays: what was recorded becomes a function of NumPy calls, as a careful person writes it.

In the order of the work: `calls` (what is known of functions), `layouts` (how values lie in
memory), `steps` and `passes` (what has to be computed, once), `stores` (what is written to
inputs), `memory` (where each value lies), `names`, `words`, `source` and `module` (the text), and
`code`, which runs it.
"""

from micrograd.compiler.lowering.arrays.code import ArrayCode, lower_arrays

__all__ = ["ArrayCode", "lower_arrays"]
