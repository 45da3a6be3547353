"""Products of a turn that share an operand are one product.

A cell may multiply its state by a matrix for each gate, and its gradient add what comes back
through each: ``h @ w1``, ``h @ w2`` are columns of ``h @ [w1, w2]``, and ``a @ w1 + b @ w2`` is
``[a, b] @ [w1; w2]``.  The matrices, which no turn changes, are joined before the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from graphc.ir.dims import Dim
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.loops.form import LoopForm, scans
from graphc.passes.options import Options


def join_sums(graph: Graph, options: Options) -> Graph:
    return _stepped(_of_one_sum, graph, options)


def join_products(graph: Graph, options: Options) -> Graph:
    return _stepped(_of_one_left, graph, options)


def _stepped(step: Callable[[LoopForm, Options], bool], graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in scans(graph):
        step(LoopForm(change, node), options)
    return change.done()


def _weights(form: LoopForm) -> dict[Tensor, Tensor]:
    """Inputs that no turn changes, with what they are outside."""
    return {inside: operand for operand, inside in form.captures}


def _moving(form: LoopForm) -> set[Tensor]:
    """What the body computes from carries."""
    found = {inside for _, inside in form.carries}
    for node in form.graph.nodes:
        if not found.isdisjoint(node.operands):
            found.update(node.outputs)
    return found


def _is_plain(node: Node, weights: dict[Tensor, Tensor], moving: set[Tensor]) -> bool:
    """A product of a matrix that turns change, as it lies, by one that none does."""
    return (
        node.op.name == "matmul"
        and not node.op.transpose_a
        and all(t.type.rank == 2 and t.type.is_static for t in node.operands)
        and node.operands[1] in weights
        and node.operands[0] in moving
    )


def _of_one_left(form: LoopForm, options: Options) -> bool:
    """``h @ w1, h @ w2`` as parts of one product."""
    weights, moving = _weights(form), _moving(form)
    groups: dict[tuple, list[Node]] = {}
    for node in form.graph.nodes:
        if _is_plain(node, weights, moving):
            groups.setdefault((node.op, node.operands[0]), []).append(node)
    for (op, left), nodes in groups.items():
        rights = [node.operands[1] for node in nodes]
        if len(set(rights)) < len(nodes) or len(nodes) < 2:
            continue
        outside = form.outer.builder(like=nodes[0])
        whole = outside.concat(*(weights[r] for r in rights), axis=0 if op.transpose_b else 1)
        b = form.edit.builder(like=nodes[0])
        product = b.matmul(left, form.captured(whole), transpose_b=op.transpose_b)
        begin: Dim = 0
        for node in nodes:
            rows, columns = node.outputs[0].type.dims
            part = b.slice(product, begin=(0, begin), size=(rows, columns))
            form.edit.replace(node.outputs[0], part)
            begin += columns
        form.done([])
        options.log.note("loops", nodes[0], f"{len(nodes)} products of one matrix are one")
        return True
    return False


def _of_one_sum(form: LoopForm, options: Options) -> bool:
    """``a @ w1 + b @ w2`` as one product of joined matrices."""
    weights, moving, uses = _weights(form), _moving(form), form.graph.uses()
    once = {t for t, readers in uses.items() if len(readers) == 1}
    once -= {*form.afters, *form.stacks}
    for node in reversed(form.graph.nodes):
        if not _is_sum(node):
            continue
        terms = _terms(node, once)
        products = [t.node for t in terms if t in once and _is_plain(t.node, weights, moving)]
        products = max(
            ([p for p in products if p.op == q.op] for q in products), key=len, default=[]
        )
        if len(products) < 2:
            continue
        turned = products[0].op.transpose_b
        outside = form.outer.builder(like=products[0])
        rights = [weights[p.operands[1]] for p in products]
        whole = outside.concat(*rights, axis=1 if turned else 0)
        b = form.edit.builder(like=node)
        left = b.concat(*(p.operands[0] for p in products), axis=1)
        product = b.matmul(left, form.captured(whole), transpose_b=turned)
        joined = {p.outputs[0] for p in products}
        rest = [t for t in terms if t not in joined]
        form.edit.replace(node.outputs[0], reduce(b.add, rest, product))
        form.done([])
        options.log.note("loops", node, f"a sum of {len(products)} products is one")
        return True
    return False


def _is_sum(node: Node) -> bool:
    if node.op.name not in ("add", "add_n") or not node.outputs[0].dtype.is_floating:
        return False
    return all(t.type == node.outputs[0].type for t in node.operands)


def _terms(root: Node, once: set[Tensor]) -> list[Tensor]:
    """What is added, seen through sums that nobody else reads."""
    terms: list[Tensor] = []
    stack = list(reversed(root.operands))
    while stack:
        tensor = stack.pop()
        if tensor in once and _is_sum(tensor.node):
            stack += reversed(tensor.node.operands)
        else:
            terms.append(tensor)
    return terms
