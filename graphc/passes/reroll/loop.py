"""A repetition that was found, as a loop in its place.

The nodes of all turns are one body.  What others read of a turn is a slice of what the loop stacks;
who reads the slices of all turns, joined again, reads the stack.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from graphc.ir.body import STEP, Body
from graphc.ir.builder import Builder
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import REGISTRY
from graphc.ir.types import TensorType
from graphc.passes.reroll.alignment import Alignment, Carry, Member, Own, Row, Same, following
from graphc.passes.reroll.readers import Spread, find_readers, is_read
from graphc.passes.reroll.stacks import Stack, find_stack

Value = tuple[Member, int]


class Rolled:
    """One loop in the place of the repetition ``found``."""

    def __init__(self, graph: Graph, found: Alignment) -> None:
        self.graph, self.found = graph, found
        self.roots = set(graph.outputs)
        self.change = Edit(graph)
        self.like = found.members[0].pattern
        self.b: Builder = self.change.builder(like=self.like)
        self.rows = self._filled()
        stacks = [find_stack(row, found.facts.same) for row in self.rows]
        ways = [s.falling for s in stacks if s is not None]
        self.reverse = 2 * sum(map(bool, ways)) > len(ways)
        self.stacks = [self._stacked(s, row) for s, row in zip(stacks, self.rows, strict=True)]
        self.body = Graph(self.like.name)
        self.inside: dict[Any, Tensor] = {}

    def _filled(self) -> list[list[Tensor]]:
        """The turns' slices.  One that nobody knows is of a turn that nobody reads: any will do,
        best one that goes on as those before it."""
        rows = [row.tensors for row in self.found.rows]
        filled: list[list[Tensor]] = []
        for row in rows:
            known = [t for t in row if t is not None]
            while len(known) < len(row):
                n = len(known)
                like = (r[n] for r in rows if r[n] is not None and r[:n] == known)
                after = next(like, following(known))
                known.append(known[-1] if after is None else after)
            filled.append(known)
        return filled

    def _stacked(self, stack: Stack | None, row: list[Tensor]) -> Tensor:
        b = self.b
        if stack is None:
            return b.pack(*(row[::-1] if self.reverse else row), axis=0)
        made = stack.make(b)
        if bool(stack.falling) != self.reverse:
            made = b.reverse(made, axis=(0,))
        return made

    # --- the body -----------------------------------------------------------------------------

    def _input(self, type: TensorType, name: str) -> Tensor:
        op = REGISTRY["placeholder"](dtype=type.dtype, shape=type.shape)
        tensor = self.body.add(op, name=name).outputs[0]
        self.body.inputs = (*self.body.inputs, tensor)
        return tensor

    def _enter(self) -> list[Tensor]:
        """The body's inputs; the tensors outside that they stand for."""
        outside: list[Tensor] = []
        self._input(STEP, "step")
        for carry in self.found.carries:
            pattern = carry.member.pattern
            type = pattern.outputs[carry.index].type
            self.inside[carry] = self._input(type, pattern.name)
            start = carry.start
            outside.append(self.b.full(type.dims, -0.0, type.dtype) if start is None else start)
        for row, stack in zip(self.found.rows, self.stacks, strict=True):
            type = stack.type.with_shape(stack.type.dims[1:])
            self.inside[row] = self._input(type, stack.node.name)
            outside.append(stack)
        return outside

    def _captured(self, tensor: Tensor, captures: list[Tensor]) -> Tensor:
        """An input, or a constant of the body's own, for what every turn reads."""
        node = tensor.node
        key = (self.found.facts.number[node], tensor.index)
        if key not in self.inside:
            if node.op.name == "const":
                self.inside[key] = self._copied(node, ()).outputs[0]
            else:
                self.inside[key] = self._input(tensor.type, node.name)
                captures.append(tensor)
        return self.inside[key]

    def _copied(self, node: Node, operands: tuple[Tensor, ...]) -> Node:
        name = self.body.unique_name(node.name, mark_as_used=False)
        copied = Node(
            self.body, node.op, operands, (), name, [t.type for t in node.outputs], node.sites,
            node.device, None, node.checks,
        )  # fmt: skip
        self.body.adopt(copied)
        return copied

    def _fill(self) -> list[Tensor]:
        """The nodes of a turn; the captures they read."""
        captures: list[Tensor] = []
        for member in self.found.in_order():
            operands = []
            for operand in member.operands:
                match operand:
                    case Own(of, index):
                        operands.append(self.inside[of, index])
                    case Same(tensor):
                        operands.append(self._captured(tensor, captures))
                    case Carry() | Row():
                        operands.append(self.inside[operand])
            made = self._copied(member.pattern, tuple(operands))
            for index, tensor in enumerate(made.outputs):
                self.inside[member, index] = tensor
        return captures

    # --- what leaves it -----------------------------------------------------------------------

    def done(self) -> Graph:
        found = self.found
        outside = self._enter()
        captures = self._fill()
        n = len(found.carries)
        readers = find_readers(self.graph, found)
        carried = {(c.member, c.index): k for k, c in reversed(list(enumerate(found.carries)))}
        latches = [value for value in readers.last if value not in carried]
        ends = [self.inside[c.member, c.index] for c in found.carries]
        starts: list[Tensor] = []
        for value in latches:  # carried for who reads the last one, though no turn does
            self._enter_late(value, 0, starts)
            ends.append(self.inside[value])
        for total in readers.totals:
            before = self._enter_late((total.member, total.index), -0.0, starts)
            ends.append(Builder(self.body).add(before, self.inside[total.member, total.index]))
        self._order_inputs(n, len(starts), len(outside) - n)
        self.body.outputs = (*ends, *(self.inside[value] for value in readers.stacked))
        op = REGISTRY["scan"](
            body=Body(self.body), carried=len(ends), scanned=len(outside) - n,
            length=found.length, reverse=self.reverse, traced=tuple(range(n)),
        )  # fmt: skip
        self.change.builder(like=self.like)
        operands = [*outside[:n], *starts, *outside[n:], *captures]
        loop = self.change.add(op, operands, f"{self.like.name}/turns")
        places = carried | {value: n + k for k, value in enumerate(latches)}
        for value in readers.last:
            tensor = value[0].value(found.length - 1, value[1])
            assert tensor is not None
            self.change.replace(tensor, loop.outputs[places[value]])
        for k, total in enumerate(readers.totals):
            sum = loop.outputs[n + len(latches) + k]
            b = self.change.builder(like=total.root.node)
            self.change.replace(total.root, reduce(b.add, total.rest, sum))
        for k, value in enumerate(readers.stacked):
            besides = {n for t in (*readers.totals, *readers.spreads) for n in t.nodes}
            self._unstack(value, loop.outputs[len(ends) + k], besides)
        for spread in readers.spreads:
            k = readers.stacked.index((spread.member, spread.index))
            self._lay_out(spread, loop.outputs[len(ends) + k])
        return self.change.done()

    def _lay_out(self, spread: Spread, stack: Tensor) -> None:
        """The slices of all turns side by side, with zeros around them."""
        b = self.change.builder(like=spread.root.node)
        first, last = spread.paddings[0], spread.paddings[-1]
        if (spread.step < 0) != self.reverse:
            stack = b.reverse(stack, axis=(0,))
        if spread.step < 0:
            first, last = last, first
        at = spread.axis
        parts = _moved(b, stack, at)
        dims = parts.type.dims
        flat = b.reshape(parts, shape=(*dims[:at], dims[at] * dims[at + 1], *dims[at + 2 :]))
        around = tuple(
            (first[k][0], last[k][1]) if k == at else pair for k, pair in enumerate(first)
        )
        whole = b.pad(flat, paddings=around)
        self.change.replace(spread.root, reduce(b.add, spread.rest, whole))

    def _enter_late(self, value: Value, start: float, starts: list[Tensor]) -> Tensor:
        """One more carry, that begins as a number."""
        pattern = value[0].pattern.outputs[value[1]]
        starts.append(self.b.full(pattern.type.dims, start, pattern.dtype))
        return self._input(pattern.type, pattern.node.name)

    def _order_inputs(self, carried: int, late: int, scanned: int) -> None:
        """Carries that were entered late, after the captures, stand behind the other carries."""
        step, *rest = self.body.inputs
        front, back = rest[: len(rest) - late], rest[len(rest) - late :]
        self.body.inputs = (step, *front[:carried], *back, *front[carried:])

    def _unstack(self, value: Value, stack: Tensor, besides: set[Node]) -> None:
        """Give the turns' readers their slices, and who joins them all the stack."""
        member, index = value
        nodes = member.nodes[: self.found.length]
        tensors = [None if node is None else node.outputs[index] for node in nodes]
        if self.reverse:
            tensors.reverse()
        besides = besides | self._joined(tensors, stack)
        read = (
            t is not None and (t in self.roots or is_read(self.found, t, besides)) for t in tensors
        )
        if any(read):
            self.change.builder(like=member.pattern)
            op = REGISTRY["unpack"](num=len(tensors), axis=0)
            slices = self.change.add(op, [stack]).outputs
            for tensor, slice in zip(tensors, slices, strict=True):
                if tensor is not None:
                    self.change.replace(tensor, slice)

    def _joined(self, tensors: list[Tensor | None], stack: Tensor) -> set[Node]:
        """The nodes that join all slices, which now read the stack."""
        found: set[Node] = set()
        if tensors[0] is None or tensors[-1] is None:
            return found
        for reader in dict.fromkeys(r for r, _ in self.found.facts.uses.get(tensors[0], ())):
            if reader.operands != tuple(tensors) or reader.control:
                continue
            b, rank = self.change.builder(like=reader), len(stack.type.dims)
            if reader.op.name == "pack":
                axis = reader.op.axis % rank
                made = _moved(b, stack, axis)
            elif reader.op.name == "concat":
                axis = reader.op.axis % (rank - 1)
                parts = _moved(b, stack, axis)
                made = b.reshape(parts, shape=reader.outputs[0].type.dims)
            elif reader.op.name == "add_n":
                made = b.reduce_sum(stack, axis=(0,))
            else:
                continue
            self.change.replace(reader.outputs[0], made)
            found.add(reader)
        return found


def _moved(b: Builder, x: Tensor, axis: int) -> Tensor:
    """The first axis, moved to ``axis``."""
    rest = list(range(1, len(x.type.dims)))
    perm = (*rest[:axis], 0, *rest[axis:])
    return x if axis == 0 else b.transpose(x, perm=perm)
