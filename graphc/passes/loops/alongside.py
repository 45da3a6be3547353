"""Products that no carry is part of are computed for all turns at once.

``x[t] @ w`` of a scanned x and a w that no turn changes is one product of all rows, before the
loop.  A product of joined operands is a sum of products, of which some may leave
(``[x, h] @ w = x @ w[:k] + h @ w[k:]``); a part of a product that nobody reads whole is the product
of a part.  A product that is only stacked is computed after the loop.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.passes.loops.form import LoopForm, flat, scans
from graphc.passes.options import Options


def compute_alongside(graph: Graph, options: Options) -> Graph:
    change = Edit(graph)
    for node in scans(graph):
        form = LoopForm(change, node)
        for step in (_parts_of_joined, _products_of_parts, _before, _after):
            done = step(form, options)
            if done:
                break
    return change.done()


def _is_plain(node: Node) -> bool:
    """A product of two matrices, the left one as it lies."""
    return (
        node.op.name == "matmul"
        and not node.op.transpose_a
        and all(t.type.rank == 2 for t in node.operands)
    )


def _independent(form: LoopForm) -> set[Tensor]:
    """What the body computes from no carry."""
    moving = {inside for _, inside in form.carries} | {form.step}
    found: set[Tensor] = set()
    for node in form.graph.nodes:
        if any(t in moving for t in (*node.operands, *node.outputs)):
            moving.update(node.outputs)
        else:
            found.update(node.outputs)
    return found


def _rows(b: Builder, weights: Tensor, begin: Any, size: Any, transposed: bool) -> Tensor:
    """Some rows of a right operand (columns, where it is read transposed)."""
    shape = weights.type.dims
    if transposed:
        return b.slice(weights, begin=(0, begin), size=(shape[0], size))
    return b.slice(weights, begin=(begin, 0), size=(size, shape[1]))


def _parts_of_joined(form: LoopForm, options: Options) -> bool:
    free, captured = _independent(form), {inside for _, inside in form.captures}
    for node in form.graph.nodes:
        if not _is_plain(node) or node.operands[1] not in captured:
            continue
        joined, weights = node.operands
        if joined.node.op.name != "concat" or joined.node.op.axis not in (1, -1):
            continue
        parts = joined.node.operands
        if not any(p in free for p in parts) or all(p in free for p in parts):
            continue
        b = form.edit.builder(like=node)
        products = []
        begin: Dim = 0
        for part in parts:
            width = part.type.dims[1]
            rows = _rows(b, weights, begin, width, node.op.transpose_b)
            product = b.matmul(part, rows, transpose_b=node.op.transpose_b)
            products.append((part not in free, product))
            begin = begin + width
        first, *rest = (p for _, p in sorted(products, key=lambda pair: pair[0]))
        form.edit.replace(node.outputs[0], reduce(b.add, rest, first))
        form.done([])
        options.log.note("loops", node, "a product of joined operands is a sum of products")
        return True
    return False


def _products_of_parts(form: LoopForm, options: Options) -> bool:
    uses = form.graph.uses()
    captured = {inside for _, inside in form.captures}
    ends = {*form.afters, *form.stacks}
    for node in form.graph.nodes:
        if not _is_plain(node) or node.operands[1] not in captured or node.outputs[0] in ends:
            continue
        readers = [reader for reader, _ in uses.get(node.outputs[0], ())]
        if not readers or not all(_takes_columns(r) for r in readers):
            continue
        b = form.edit.builder(like=node)
        left, weights = node.operands
        turned = not node.op.transpose_b
        for reader in readers:
            begin, size = reader.op.begin[1], reader.outputs[0].type.dims[1]
            columns = _rows(b, weights, begin, size, turned)
            product = b.matmul(left, columns, transpose_b=node.op.transpose_b)
            form.edit.replace(reader.outputs[0], product)
        form.done([])
        options.log.note("loops", node, "only parts of it are read: they are products of parts")
        return True
    return False


def _takes_columns(node: Node) -> bool:
    """Whether a node is a slice of all rows and some columns."""
    if node.op.name != "slice":
        return False
    rows, read = node.outputs[0].type.dims[0], node.operands[0].type.dims[0]
    return bool(node.op.begin[0] == 0 and rows == read)


def _before(form: LoopForm, options: Options) -> bool:
    slices = {inside: operand for operand, inside in form.xs}
    weights = {inside: operand for operand, inside in form.captures}
    for node in form.graph.nodes:
        if not _is_plain(node):
            continue
        left, right = node.operands
        if left not in slices or right not in weights:
            continue
        b = form.outer.builder(like=node)
        stack = slices[left]
        turns, rows = stack.type.dims[:2]
        product = b.matmul(flat(b, stack), weights[right], transpose_b=node.op.transpose_b)
        columns = product.type.dims[1]
        whole = b.reshape(product, shape=(turns, rows, columns))
        form.edit.replace(node.outputs[0], form.scanned(whole))
        form.done([])
        options.log.note("loops", node, f"computed for all turns of {form.node.name} at once")
        return True
    return False


def _after(form: LoopForm, options: Options) -> bool:
    uses = form.graph.uses()
    weights = {inside: operand for operand, inside in form.captures}
    for k, tensor in enumerate(form.stacks):
        node = tensor.node
        if not _is_plain(node) or node.operands[1] not in weights or uses.get(tensor):
            continue
        if tensor in form.afters or form.stacks.count(tensor) > 1:
            continue
        left, right = node.operands
        if left in {inside for _, inside in form.xs}:
            continue
        old = form.stack(k)
        form.stacks[k] = left  # in its place
        turns, rows, _ = old.type.dims
        form.done([])
        held = form.outer.resolve(old)
        b = form.outer.builder(like=node)
        product = b.matmul(flat(b, held), weights[right], transpose_b=node.op.transpose_b)
        made = b.reshape(product, shape=(turns, rows, product.type.dims[1]))
        form.outer.replace(old, made)
        options.log.note("loops", node, f"computed after the loop {form.node.name}")
        return True
    return False
