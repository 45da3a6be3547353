"""Sums over the turns that nobody reads before the last one are taken after the loop.

A gradient adds each turn's share of a weight's cotangent.  ``sum_t a[t].T @ g[t]`` is one product
of all rows, or one for each part where a[t] is joined of some; ``sum_t reduce_sum(g[t])`` is one
reduction.
"""

from __future__ import annotations

from graphc.ir.builder import Builder
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.loops.form import LoopForm, scans
from graphc.passes.options import Options


def sum_afterwards(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in scans(graph):
        form = LoopForm(change, node)
        uses = form.graph.uses()
        for k in range(len(form.carries)):
            share = _share(form, k, uses)
            if share is not None and (_is_product(share) or _is_sum(share)):
                _sum(form, k, share)
                options.log.note("loops", share, f"summed after the loop {node.name}")
                break
    return change.done()


def _share(form: LoopForm, k: int, uses: dict[Tensor, list[tuple[Node, int]]]) -> Node | None:
    """What a turn adds to carry ``k``, where it does nothing else with it."""
    after, before = form.afters[k], form.carries[k][1]
    if k in form.traced or after.node.op.name != "add" or after.type != before.type:
        return None
    if form.afters.count(after) + form.stacks.count(after) > 1 or uses.get(after):
        return None
    if [reader for reader, _ in uses.get(before, ())] != [after.node]:
        return None
    left, right = after.node.operands
    share = right if left is before else left
    return share.node if share.type == before.type and share is not before else None


def _is_product(node: Node) -> bool:
    op = node.op
    if op.name != "matmul" or not op.transpose_a or op.transpose_b:
        return False
    return all(t.type.rank == 2 for t in node.operands)


def _is_sum(node: Node) -> bool:
    return node.op.name == "reduce_sum" and not node.op.keepdims


def _sum(form: LoopForm, k: int, share: Node) -> None:
    start = form.carries[k][0]
    result = form.result(k)
    outside = {inside: operand for operand, inside in form.xs}
    left, *others = share.operands
    parts = _parts(left) if share.op.name == "matmul" else (left,)
    read = (*parts, *others)
    fresh = [t for t in dict.fromkeys(read) if t not in outside]
    outside |= zip(fresh, form.done(fresh, dropped=(k,)), strict=True)
    stacks = [outside[t] for t in read]
    b = form.outer.builder(like=share)
    if share.op.name == "matmul":
        *rows, shares = (_flat(b, s) for s in stacks)
        total = _joined(b, [b.matmul(part, shares, transpose_a=True) for part in rows])
    else:
        axes = share.op.axes(left.type)
        total = b.reduce_sum(stacks[0], axis=(0, *(axis + 1 for axis in axes)))
    form.outer.replace(result, b.add(start, total))


def _parts(joined: Tensor) -> tuple[Tensor, ...]:
    """The matrices whose columns stand side by side in this one."""
    node = joined.node
    return node.operands if node.op.name == "concat" and node.op.axis in (1, -1) else (joined,)


def _joined(b: Builder, parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else b.concat(*parts, axis=0)


def _flat(b: Builder, stack: Tensor) -> Tensor:
    turns, rows, columns = stack.type.dims
    return b.reshape(stack, shape=(turns * rows, columns))
