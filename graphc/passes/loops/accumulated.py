"""Sums over the turns that nobody reads before the last one are taken after the loop.

A gradient adds each turn's share of a weight's cotangent.  ``sum_t a[t].T @ g[t]`` is one product
of all rows, or one for each part where a[t] is joined of some; ``sum_t reduce_sum(g[t])`` is one
reduction.
"""

from __future__ import annotations

from graphc.ir.builder import Builder
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.loops.form import LoopForm, flat, scans
from graphc.passes.options import Options


def sum_afterwards(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in scans(graph):
        form = LoopForm(change, node)
        uses = form.graph.uses()
        for k in range(len(form.carries)):
            share = _share(form, k, uses)
            terms = [] if share is None else _terms(share)
            if terms and all(_is_product(t) or _is_sum(t) for t in terms):
                _sum(form, k, terms)
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


def _terms(share: Node) -> list[Node]:
    """What a turn's share is the sum of: a weight may be used several times in a turn."""
    if share.op.name != "add" or any(t.type != share.outputs[0].type for t in share.operands):
        return [share]
    return [term for t in share.operands for term in _terms(t.node)]


def _is_product(node: Node) -> bool:
    op = node.op
    if op.name != "matmul" or not op.transpose_a or op.transpose_b:
        return False
    return all(t.type.rank == 2 for t in node.operands)


def _is_sum(node: Node) -> bool:
    return node.op.name == "reduce_sum" and not node.op.keepdims


def _sum(form: LoopForm, k: int, terms: list[Node]) -> None:
    start = form.carries[k][0]
    result = form.result(k)
    stacks = {inside: operand for operand, inside in form.xs}
    fresh = [t for t in dict.fromkeys(t for n in terms for t in _read(n)) if t not in stacks]
    stacks |= zip(fresh, form.done(fresh, dropped=(k,)), strict=True)
    for term in terms:
        b = form.outer.builder(like=term)
        start = b.add(start, _total(b, term, [stacks[t] for t in _read(term)]))
    form.outer.replace(result, start)


def _read(term: Node) -> tuple[Tensor, ...]:
    """What a term is made of, a joined left operand in its parts."""
    if term.op.name != "matmul":
        return term.operands
    left, right = term.operands
    return (*_parts(left), right)


def _total(b: Builder, term: Node, stacks: list[Tensor]) -> Tensor:
    """A term summed over the turns, of the stacks of what it reads."""
    if term.op.name == "matmul":
        *rows, shares = (flat(b, s) for s in stacks)
        return _joined(b, [b.matmul(part, shares, transpose_a=True) for part in rows])
    axes = term.op.axes(term.operands[0].type)
    return b.reduce_sum(stacks[0], axis=(0, *(axis + 1 for axis in axes)))


def _parts(joined: Tensor) -> tuple[Tensor, ...]:
    """The matrices whose columns stand side by side in this one."""
    node = joined.node
    return node.operands if node.op.name == "concat" and node.op.axis in (1, -1) else (joined,)


def _joined(b: Builder, parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else b.concat(*parts, axis=0)
