"""Loops that count are scans: their turns are known before they run.

``while i < n: ...; i += c`` takes ``ceil((n - start) / c)`` turns where ``n`` and ``start`` are
sizes or constants.  As a scan its traces have a size, its gradient a length, and nothing is decided
while it runs.

Before: shapes are numbers where they can be.   After: no while loop whose test compares a counter
with something known.
"""

from __future__ import annotations

from typing import Any

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import REGISTRY
from graphc.ir.shape_values import dims_of
from graphc.passes.options import Options
from graphc.passes.specialise import specialise

# the test, with the counter at the left: what is added to the bound
COMPARED = {"less": 0, "less_equal": 1}
TURNED = {"greater": "less", "greater_equal": "less_equal"}


def count_turns(graph: Graph, options: Options) -> Graph:
    found = {
        node: turns
        for node in graph.nodes
        if node.op.name == "while_loop" and (turns := turns_of(node)) is not None
    }
    if not found:
        return graph
    sizes: dict[str, Dim] = {}
    for node, turns in found.items():
        atom = dims.single_atom(node.op.sizes[0]) if node.op.sizes else None
        if isinstance(atom, dims.Symbol):
            sizes[atom.name] = turns
        options.log.note("count-turns", node, f"takes {turns} turns: it is a scan")
    change = Edit(graph)
    for node, turns in found.items():
        op: Any = node.op
        _, body = op.fitted_to([t.type for t in node.operands])
        scan = REGISTRY["scan"](
            body=body, carried=op.carried, scanned=0, length=turns, traced=op.traced, cuts=op.cuts
        )
        change.builder(like=node)
        types = [t.type for t in node.outputs]
        made = change.add(scan, node.operands, node.name, types, node.control)
        made.name = node.name
        for old, new in zip(node.outputs, made.outputs, strict=True):
            change.replace(old, new)
    counted = change.done()
    known = specialise(counted, sizes)
    if len(known.inputs) != len(counted.inputs):  # a body's inputs stay where they are
        there = {t.node.name: t for t in known.inputs}
        known.inputs = tuple(there.get(t.node.name, t) for t in counted.inputs)
    return known


def turns_of(node: Node) -> Dim | None:
    """The number of turns of a while loop, where it is known."""
    op: Any = node.op
    if op.invariants or op.limit is not None:
        return None
    test, body = op.test.graph, op.body.graph
    (said,) = test.outputs
    name = TURNED.get(said.node.op.name, said.node.op.name)
    if name not in COMPARED:
        return None
    left, right = said.node.operands
    counter, bound = (right, left) if said.node.op.name in TURNED else (left, right)
    if counter not in test.inputs or not counter.dtype.is_integer:
        return None
    carry = test.inputs.index(counter) - 1
    if not 0 <= carry < op.carried:
        return None
    step = _step(body, carry)
    first = dims_of(node.operands[carry])
    last = _value(node, test, bound)
    if (
        step is None
        or not isinstance(first, int | dims.Expr)
        or not isinstance(last, int | dims.Expr)
    ):
        return None
    return dims.maximum(0, dims.ceildiv(last + COMPARED[name] - first, step))


def _step(body: Graph, carry: int) -> int | None:
    """What a turn adds to a carry: a positive constant, and nothing else."""
    before, after = body.inputs[1 + carry], body.outputs[carry]
    if after.node.op.name != "add" or before not in after.node.operands:
        return None
    left, right = after.node.operands
    added = right if left is before else left
    step = _constant(added)
    return step if step is not None and step > 0 else None


def _constant(tensor: Tensor) -> int | None:
    if tensor.node.op.name != "const" or tensor.type.shape != ():
        return None
    return int(tensor.node.op.value.array)


def _value(node: Node, test: Graph, bound: Tensor) -> Any:
    """What the counter is compared with: a constant of the test, or something outside."""
    if bound in test.inputs:
        place = test.inputs.index(bound) - 1
        captured = place >= node.op.carried
        return dims_of(node.operands[place]) if captured else None
    return _constant(bound)
