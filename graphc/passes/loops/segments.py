"""Loops that keep less: turns in segments, of which only the beginnings are kept.

A loop and the loops of its gradients, which read what each of its turns found (its traces), are a
*family*.  Cut into segments of ``m`` turns, each becomes a scan over the segments whose body is the
loop over one segment's turns.  The first keeps its carries where segments begin; whoever reads a
trace runs that segment again in its own body, from where it began, so that the traces of one
segment are there at a time (Chen, Xu, Zhang and Guestrin, "Training Deep Nets with Sublinear Memory
Cost", 2016).  Segments are cut again where more lengths are said: with ``k`` lengths the turns are
run ``k`` more times, and what is kept goes with the ``k + 1``-th root of their number.  Turns that
make no whole segment run beside.  A loop without a gradient is cut as well, and its work for all
turns at once is that for a segment's.  So is what stands between a loop and its gradient, where it
is made turn by turn (:mod:`graphc.passes.loops.rowwise`).

Before: loops have been counted.   After: the families that ``Options.cuts`` names, and those whose
own ``cuts`` say so, are cut; every turn computes what it did, in the same order.   Leaves alone:
loops whose turns must not be run again (:func:`refusal`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from graphc.ir import dims
from graphc.ir.bindings import data_sizes
from graphc.ir.body import Body
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, floordiv, product
from graphc.ir.dtype import int32
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import REGISTRY, Kind, Nested
from graphc.ir.types import TensorType
from graphc.passes.bodies import trim_loops
from graphc.passes.loops.rowwise import Region, in_parts, region_between
from graphc.passes.options import LoopMemory, Options


def cut_loops(graph: Graph, options: Options) -> Graph:
    if not any(node.op.name == "scan" for node in graph.nodes):
        return graph
    given, graph = graph, trim_loops(graph)
    cut, seen = False, set[str]()
    while family := next((f for f in families(graph) if f.first.name not in seen), None):
        seen.add(family.first.name)
        said, reason = _lengths(family, options), refusal(family)
        if any(scan.op.cuts is None for scan in family.scans):
            options.log.loops.append(_memory(graph, family, () if reason else said, reason))
        if said and reason:
            options.log.note("segments", family.first, f"not run again: {reason}")
        elif said:
            graph, cut = _Cut(graph, family, said).done(), True
            text = ", each in segments of ".join(map(str, said))
            again = "run again" if family.repeated else "run"
            options.log.note("segments", family.first, f"{again} in segments of {text} turns")
    return graph if cut else given


# --- what belongs together ------------------------------------------------------------------------


@dataclass
class Family:
    """Scans of equally many turns, in order; ``again[scan]`` are those it must run again, in order,
    to have what it reads of their turns."""

    scans: list[Node]
    again: dict[Node, list[Node]]

    @property
    def first(self) -> Node:
        return self.scans[0]

    @property
    def repeated(self) -> list[Node]:
        return list(dict.fromkeys(p for scan in self.scans for p in self.again[scan]))

    def keeps(self, graph: Graph, scan: Node) -> list[int]:
        """Which rows of a scan somebody reads who does not run it again."""
        uses, ends = graph.uses(), set(graph.outputs)
        return [
            k
            for k in range(scan.op.carried, len(scan.outputs))
            if scan.outputs[k] in ends
            or not all(
                scan in self.again.get(reader, ()) and _is_scanned(reader, at)
                for reader, at in uses.get(scan.outputs[k], ())
            )
        ]


def families(graph: Graph) -> list[Family]:
    """The scans that are linked by the traces they read; one that nobody reads is alone."""
    again: dict[Node, list[Node]] = {}
    group: dict[Node, Family] = {}
    for scan in graph.nodes:
        if scan.op.name != "scan" or scan.op.lean:
            continue
        read = dict.fromkeys(
            t.node for t in _xs(scan)
            if t.node in again and _is_trace(t) and t.node.op.length == scan.op.length
        )  # fmt: skip
        again[scan] = list(dict.fromkeys(q for p in read for q in (*again[p], p)))
        family = group[scan] = Family([scan], {scan: again[scan]})
        for before in read:
            other = group[before]
            if other is family:
                continue
            family.scans[:0] = other.scans
            family.again |= other.again
            for member in other.scans:
                group[member] = family
    place = graph.positions()
    found = list({id(f): f for f in group.values()}.values())
    for family in found:
        family.scans.sort(key=place.__getitem__)
    return found


def refusal(family: Family) -> str:
    """Why the turns of a family must not be run again; empty if they may."""
    if data_sizes(family.first.op.length):
        return "its turns are known only when it has run"
    for scan in family.repeated:
        for node in _nodes_within(scan):
            if node.has_effect and not _is_control(node):
                return f"{node.op.name} '{node.name}' would happen twice"
            if node.op.kind is Kind.HOST and not _is_control(node):
                return f"{node.op.name} '{node.name}' would be called twice"
    return ""


def _nodes_within(node: Node) -> Iterable[Node]:
    for _, value in node.op.values():
        if isinstance(value, Body):
            for inner in value.graph.nodes:
                yield inner
                yield from _nodes_within(inner)


def _is_control(node: Node) -> bool:
    return any(isinstance(value, Nested) for _, value in node.op.values())


def _is_trace(tensor: Tensor) -> bool:
    return tensor.index >= len(tensor.node.outputs) - len(tensor.node.op.traced)


def _xs(scan: Node) -> tuple[Tensor, ...]:
    return scan.operands[scan.op.carried : scan.op.carried + scan.op.scanned]


def _captures(scan: Node) -> tuple[Tensor, ...]:
    return scan.operands[scan.op.carried + scan.op.scanned :]


def _is_scanned(scan: Node, at: int) -> bool:
    return 0 <= at - scan.op.carried < scan.op.scanned


# --- what is asked, and what it costs -------------------------------------------------------------


def _lengths(family: Family, options: Options) -> tuple[int, ...]:
    """The lengths of segments that somebody asked for."""
    for scan in family.scans:
        if scan.op.cuts is not None:
            return scan.op.cuts
    for pattern, lengths in options.cuts:
        if fnmatchcase(family.first.name, pattern):
            return lengths
    return ()


def _memory(graph: Graph, family: Family, cuts: tuple[int, ...], reason: str) -> LoopMemory:
    """What the report and the choice of lengths know of a family."""
    stays = {t for scan in family.scans for t in _xs(scan) if t.node not in family.again[scan]}
    stays |= {scan.outputs[k] for scan in family.scans for k in family.keeps(graph, scan)}
    site = family.first.site
    return LoopMemory(
        name=family.first.name, line=site.short if site else "",
        scans=tuple(scan.name for scan in family.scans), turns=family.first.op.length,
        beginning=sum((_bytes(t.type) for p in family.repeated
                       for t in p.operands[: p.op.carried]), start=0),
        stays=frozenset(t.name for t in stays), cuts=cuts, refused=reason,
    )  # fmt: skip


def measure_kept(graph: Graph, options: Options) -> None:
    """Note the bytes per turn that families which are not cut have come to keep: rows that one of
    their scans leaves to another, and the most that one reads or gives besides."""
    whole = [k for k in options.log.loops if k.kept is None and not k.cuts]
    family_of = {name: known for known in whole for name in known.scans}
    touched: dict[str, list[set[Tensor]]] = {}
    for node in graph.nodes:
        if node.op.name == "scan" and not node.op.lean and node.name in family_of:
            known = family_of[node.name]
            rows = {*_xs(node), *node.outputs[node.op.carried :]}
            rows = {t for t in rows if t.name not in known.stays}
            touched.setdefault(known.name, []).append(rows)
    for known in whole:
        if known.name in touched:
            own = touched[known.name]
            shared = {t for rows in own for t in rows if sum(t in others for others in own) > 1}
            most = dims.maximum(*(_row_bytes(rows - shared) for rows in own))
            known.kept = _row_bytes(shared) + most


def _row_bytes(stacks: Iterable[Tensor]) -> Dim:
    return sum((_bytes(_row(t.type)) for t in stacks), start=0)


def _row(type: TensorType) -> TensorType:
    return type.with_shape(type.dims[1:])


def _bytes(type: TensorType) -> Dim:
    return product(type.dims) * type.dtype.size


# --- cutting --------------------------------------------------------------------------------------


class _Cut:
    """The scans of one family, cut into segments of ``lengths[0]`` turns."""

    def __init__(self, graph: Graph, family: Family, lengths: tuple[int, ...]) -> None:
        self.graph, self.family = graph, family
        self.size, self.deeper = lengths[0], lengths[1:]
        turns, at_front = family.first.op.length, family.first.op.reverse
        self.count = floordiv(turns, self.size)
        self.rest: Dim = turns - self.count * self.size
        # The turns that are left are the last to run, so that what they keep is read at once.
        self.rest_at: Dim = 0 if at_front else self.count * self.size
        self.begin: Dim = self.rest if at_front else 0
        self.change = Edit(graph)
        self.cut: dict[Node, Node] = {}  # a scan: that over its segments
        self.beside: dict[Node, Node] = {}  # a scan: that over the turns that are left
        self.totals: dict[Node, int] = {}  # a scan: how many sums its segments carry besides
        self.summed: set[Node] = set()

    def done(self) -> Graph:
        for scan in self.family.scans:
            self._cut(scan)
        return self.change.done()

    def _cut(self, scan: Node) -> None:
        n, kept = scan.op.carried, self.family.keeps(self.graph, scan)
        starts: Sequence[Tensor] = scan.operands[:n]
        rest_is_first = scan.op.reverse != self.family.first.op.reverse
        if self.rest != 0 and rest_is_first:
            starts = self._run_rest(scan, starts)
        starts = self._run_segments(scan, starts, kept)
        if self.rest != 0 and not rest_is_first:
            starts = self._run_rest(scan, starts)
        for old, new in zip(scan.outputs, starts, strict=False):
            self.change.replace(old, new)
        for at, k in enumerate(kept):
            place = n + self.totals.get(scan, 0) + at
            self.change.replace(scan.outputs[k], self._whole(scan, place, k))

    def _whole(self, scan: Node, at: int, k: int) -> Tensor:
        """Row ``k`` of a scan over all turns; ``at`` is its place among those of the segments."""
        b = self.change.builder(like=scan)
        parts = self.cut[scan].outputs[at]
        whole = b.reshape(parts, shape=(self.count * self.size, *parts.type.dims[2:]))
        if self.rest == 0:
            return whole
        pair = [whole, self.beside[scan].outputs[k]]
        return b.concat(*(pair if self.rest_at != 0 else reversed(pair)), axis=0)

    def _run_rest(self, scan: Node, starts: Sequence[Tensor]) -> Sequence[Tensor]:
        """The turns that make no whole segment."""
        b = self.change.builder(like=scan)
        rows: dict[Tensor, Tensor] = {}
        for before in self.family.again[scan]:
            rows |= zip(before.outputs, self.beside[before].outputs, strict=True)
        for t in _xs(scan):
            if t not in rows:
                begin = (self.rest_at, *(0 for _ in t.type.dims[1:]))
                rows[t] = b.slice(t, begin=begin, size=(self.rest, *t.type.dims[1:]))
        held = {t: t for t in _captures(scan)}
        first = b.dim_value(dim=self.rest_at, dtype=int32)
        cuts = tuple(m for m in self.deeper if not isinstance(self.rest, int) or m < self.rest)
        node = _turns(b, scan, starts, rows, held, first, self.rest, cuts)
        self.beside[scan] = node
        return node.outputs[: scan.op.carried]

    def _run_segments(
        self, scan: Node, starts: Sequence[Tensor], kept: Sequence[int]
    ) -> Sequence[Tensor]:
        n, part = scan.op.carried, _Segment(self, scan)
        b = self.change.builder(like=scan)
        if self.rest == 0:
            xs = [*part.beginnings, *(self._in_segments(b, t) for t in part.sliced)]
            xs += [in_parts(b, t, p, self.count, self.size) for t, p in part.outside.items()]
            captures = part.held
        else:
            xs, captures = part.beginnings, part.held
        captures = [*captures, *part.picked]
        zeros = [b.full(t.type.dims, 0, t.dtype) for s in part.sums for t in s.outputs]
        carries = [*starts, *zeros]
        types = [("carry", t.type) for t in carries] + [("slice", _row(t.type)) for t in xs]
        types += [("capture", t.type) for t in captures]
        op = REGISTRY["scan"](
            body=Body.of(lambda *given: part.turn(kept, *given), types), carried=len(carries),
            scanned=len(xs), length=self.count, reverse=scan.op.reverse, lean=True,
            traced=tuple(range(n)) if scan in self.family.repeated else (),
        )  # fmt: skip
        node = self.change.add(op, [*carries, *xs, *captures], scan.name, control=scan.control)
        node.name = scan.name
        self.cut[scan], self.totals[scan] = node, len(zeros)
        for total, made in zip(part.sums, node.outputs[n:], strict=False):
            self.change.replace(total.outputs[0], made)
            self.summed.add(total)
        return node.outputs[:n]

    def region(self, scan: Node) -> Region | None:
        """What stands between a scan and those it runs again, to be made segment by segment."""
        again = self.family.again[scan]
        if self.rest != 0 or not again:
            return None
        sources = [t for p in again for t in p.outputs[p.op.carried :]]
        others = {t for p in again for t in _xs(p)}
        ends = [t for t in _xs(scan) if t not in others]
        return region_between(
            self.graph, scan.op.length, sources, scan, ends, frozenset(self.summed)
        )

    def begin_of(self, b: Builder) -> Any:
        return self.begin if isinstance(self.begin, int) else b.dim_value(
            dim=self.begin, dtype=int32
        )  # fmt: skip

    def _in_segments(self, b: Builder, tensor: Tensor) -> Tensor:
        return b.reshape(tensor, shape=(self.count, self.size, *tensor.type.dims[1:]))

    def picked(self, b: Builder, tensor: Tensor, given: Tensor, first: Tensor) -> Tensor:
        """The rows of one segment, copied from what is ``given`` whole."""
        turns = b.add(b.range(limit=self.size, dtype=int32), first)
        if not _is_turned(tensor):
            return b.gather(given, turns)
        perm = tensor.node.op.perm
        return b.transpose(b.gather(given, turns, axis=perm[0]), perm=perm)


def _is_turned(tensor: Tensor) -> bool:
    """Whether a tensor is another with its axes in another order, the first not the first."""
    op = tensor.node.op
    return op.name == "transpose" and op.perm is not None and op.perm[0] != 0


class _Segment:
    """One turn over the segments: a segment of ``scan``, after those it runs again."""

    def __init__(self, cut: _Cut, scan: Node) -> None:
        self.cut, self.scan, self.again = cut, scan, cut.family.again[scan]
        self.region = cut.region(scan)
        self.sums = self.region.sums if self.region else []
        self.outside = self.region.outside if self.region else {}
        members = [*self.again, scan]
        made = {t for p in self.again for t in p.outputs}
        made.update(self.region.wanted if self.region else ())
        read = [t for t in dict.fromkeys(t for p in members for t in _xs(p)) if t not in made]
        # What is only turned, batch and time, is turned a segment at a time: nobody has it whole.
        self.sliced = [t for t in read if cut.rest == 0 and not _is_turned(t)]
        self.chosen = [t for t in read if t not in self.sliced]
        self.picked = [t.node.operands[0] if _is_turned(t) else t for t in self.chosen]
        captures = dict.fromkeys(t for p in members for t in _captures(p))
        self.held = list(captures | (self.region.captures if self.region else {}))
        self.beginnings = [t for p in self.again for t in cut.cut[p].outputs[-p.op.carried :]]

    def turn(self, kept: Sequence[int], step: Tensor, *inputs: Tensor) -> list[Tensor]:
        """The carries after the segment, the sums, and the rows that are kept."""
        cut, scan, take, inside = self.cut, self.scan, iter(inputs), Builder(step.graph)
        carries = [next(take) for _ in range(scan.op.carried)]
        totals = [next(take) for _ in self.sums]
        begun = {p: [next(take) for _ in range(p.op.carried)] for p in self.again}
        rows = {t: next(take) for t in self.sliced}
        parts = {t: next(take) for t in self.outside}
        values = {t: next(take) for t in self.held}
        first = inside.add(inside.mul(step, cut.size), cut.begin_of(inside))
        rows |= {t: cut.picked(inside, t, next(take), first) for t in self.chosen}
        for p in self.again:
            node = _turns(inside, p, begun[p], rows, values, first, cut.size, cut.deeper)
            rows |= zip(p.outputs, node.outputs, strict=True)
        if self.region is not None:
            rows |= self.region.made(inside, cut.size, {**rows, **parts, **values})
            totals = [
                inside.add(t, rows[s.outputs[0]]) for t, s in zip(totals, self.sums, strict=True)
            ]
        node = _turns(inside, scan, carries, rows, values, first, cut.size, cut.deeper)
        n = scan.op.carried
        return [*node.outputs[:n], *totals, *(node.outputs[k] for k in kept)]


def _turns(
    b: Builder, scan: Node, carries: Sequence[Tensor], rows: dict[Tensor, Tensor],
    held: dict[Tensor, Tensor], first: Tensor, length: Dim, cuts: tuple[int, ...] = (),
) -> Node:  # fmt: skip
    """Some turns of a scan, the first numbered ``first``."""
    (body,) = scan.op.fitted_to([t.type for t in scan.operands])
    operands = [*carries, *(rows[t] for t in _xs(scan)), *(held[t] for t in _captures(scan))]
    if body.graph.uses().get(body.graph.inputs[0]):
        body = _numbered(body)
        operands.append(first)
    op: Any = scan.op.replace(body=body, length=length, cuts=cuts)
    node = b.home.add(op, operands, name=scan.name)
    node.sites, node.forward = scan.sites, scan.forward
    return node


def _numbered(body: Body) -> Body:
    """The body with one more capture, which is added to the number of the turn."""

    def turn(step: Tensor, *inputs: Tensor) -> Sequence[Tensor]:
        b = Builder(step.graph)
        *given, first = inputs
        return body.inlined(b, (b.add(step, first), *given))

    types = [(t.node.name, t.type) for t in body.graph.inputs[1:]]
    return Body.of(turn, [*types, ("first", body.graph.inputs[0].type)])
