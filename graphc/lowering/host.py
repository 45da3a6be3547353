"""Which nodes are run by Python: those that say so, and those no kernel can compute.

Strings are Python objects; a node that takes or gives some is a host step that runs its NumPy
reference, whatever lowering it has for numbers.  Views keep to their operand's memory.
"""

from __future__ import annotations

from graphc.ir.graph import Node
from graphc.ir.op import Kind

NO_KERNEL = ("string",)  # kinds of dtypes
_ELSEWHERE = (Kind.SOURCE, Kind.VIEW, Kind.EXPANDED)


def runs_in_python(node: Node) -> bool:
    """Whether the node is a host step of the Program."""
    if node.op.host is not None:
        return True
    if node.op.kind in _ELSEWHERE:
        return False
    return any(t.dtype.kind in NO_KERNEL for t in (*node.operands, *node.outputs))
