"""From a schedule to a Program: kernels, buffers, steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from graphc.codegen.kernel import Kernel
from graphc.errors import InternalError, UnimplementedError
from graphc.ir import dims
from graphc.ir.bindings import data_sizes
from graphc.ir.dims import Dim, Shape
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.op import Kind
from graphc.lowering.choice import in_every_form
from graphc.lowering.contraction import flops, lower_matmul
from graphc.lowering.control import is_control, lower_control, runs_natively
from graphc.lowering.epilogue import apart, lower_with_epilogue
from graphc.lowering.fuse import Fusion, fuse, is_free
from graphc.lowering.group import Group
from graphc.lowering.host import runs_in_python
from graphc.lowering.in_place import Overlay, overlay_outputs
from graphc.lowering.loops import lower_group
from graphc.lowering.nest import Lowered, Use, Workspace, is_written
from graphc.lowering.program import (
    Block,
    Buffer,
    Check,
    Copy,
    Failing,
    Feed,
    Fetch,
    Host,
    Inside,
    Launch,
    Origin,
    Place,
    Program,
    Step,
)
from graphc.lowering.schedule import Schedule, Unit, schedule
from graphc.lowering.state import variable_of
from graphc.lowering.tail import Tail


def assemble(
    graph: Graph,
    feeds: tuple[Feed, ...],
    fusion: Fusion,
    order: Schedule,
    checks: tuple[Check, ...],
) -> Program:
    """Lower every unit in order."""
    return _Assembly(graph, feeds, fusion, order).run(checks)


class _Assembly:
    def __init__(
        self, graph: Graph, feeds: tuple[Feed, ...], fusion: Fusion, order: Schedule
    ) -> None:
        self.graph = graph
        self.feeds = feeds
        self.fusion = fusion
        self.order = order
        self.buffers: list[Buffer] = []
        self.buffer_of: dict[Tensor, int] = {}
        self.variables: dict[str, int] = {}
        self.constants: list[np.ndarray] = []
        self.kernels: dict[str, int] = {}
        self.kernel_list: list[Kernel] = []
        self.steps: list[Step] = []
        self.tail: Tail | None = None  # the launch that equal ones may join
        self.commit = 0  # steps that are never joined with later ones: those that write nothing
        self.ready: set[Tensor] = set()  # whose memory holds its value already
        self.bound: set[str] = set()  # data-dependent sizes that steps so far decide
        self.fetches: list[Fetch | None] = [None] * len(graph.outputs)
        self.unmet: list[int] = []  # fetches that need a copy, until they have it
        self.failing: dict[str, Failing] = {}
        self.templates: dict[tuple, tuple[list[Lowered], list[Tensor]]] = {}
        self.last_use = self._last_uses()
        self.tenants: dict[int, list[Tensor]] = {}  # tensors laid over each buffer
        self.pinned: set[int] = set()  # buffers of who runs this as a body: not to be overwritten
        self.owned: set[int] = set()  # carries of who runs this as a body, wherever they live
        self.label_count = [0]

    def nested(self, graph: Graph) -> _Assembly:
        """The assembly of a body, into the same Program."""
        fusion = fuse(graph)
        inner = _Assembly(graph, (), fusion, schedule(graph, fusion))
        inner.buffers, inner.constants, inner.steps = self.buffers, self.constants, self.steps
        inner.kernels, inner.kernel_list = self.kernels, self.kernel_list
        inner.failing, inner.label_count = self.failing, self.label_count
        inner.pinned = set(self.pinned)
        return inner

    def labels(self, count: int) -> list[int]:
        """Fresh numbers for loops and labels."""
        first = self.label_count[0]
        self.label_count[0] += count
        return list(range(first, first + count))

    # --- buffers -------------------------------------------------------------------------------

    def root(self, tensor: Tensor) -> Tensor:
        return self.order.root.get(tensor, tensor)

    def new_buffer(
        self, place: Place, dtype: str, shape: Shape, label: str, key: Any = "",
        per_chunk: bool = False,
    ) -> int:  # fmt: skip
        self.buffers.append(Buffer(place, dtype, shape, label, key, per_chunk))
        return len(self.buffers) - 1

    def _last_uses(self) -> dict[Tensor, int]:
        """The last unit that reads each tensor's memory (one past the end: fetched)."""
        last: dict[Tensor, int] = {}
        for at, unit in enumerate(self.order.units):
            for node in unit.nodes:
                for tensor in node.operands:
                    last[self.root(tensor)] = at
        for tensor in self.graph.outputs:
            last[self.root(tensor)] = len(self.order.units)
        return last

    def _place_sources(self) -> None:
        fed = {feed.name: k for k, feed in enumerate(self.feeds)}
        for node in self.graph.nodes:
            if node.op.kind is not Kind.SOURCE:
                continue
            tensor = node.outputs[0]
            dtype, shape = str(tensor.dtype), tensor.type.dims
            match node.op.name:
                case "placeholder" if tensor in self.buffer_of:
                    pass  # the input of a body
                case "placeholder":
                    self.buffer_of[tensor] = self.feeds[fed[tensor.name]].buffer
                case "variable":
                    self.buffer_of[tensor] = self._variable(node.op.key, dtype, shape, node.name)
                case "random_state":
                    self.buffer_of[tensor] = self.new_buffer(
                        Place.RANDOM, dtype, shape, node.name, (node.op.seed, node.op.path)
                    )
                case "const":
                    self.constants.append(np.ascontiguousarray(node.op.value.array))
                    self.buffer_of[tensor] = self.new_buffer(
                        Place.CONSTANT, dtype, shape, node.name, len(self.constants) - 1
                    )
                case other:
                    raise InternalError(f"bug in graphc: source {other!r} has no place")

    def _variable(self, key: str, dtype: str, shape: Shape, label: str) -> int:
        if key not in self.variables:
            self.variables[key] = self.new_buffer(Place.VARIABLE, dtype, shape, label, key)
        return self.variables[key]

    def _place_fetches(self) -> None:
        """Let computed results be written straight into the arrays the caller gets."""
        for number, tensor in enumerate(self.graph.outputs):
            root = self.root(tensor)
            computed = root.node in self.order.unit_of and root.node.op.writes is None
            if computed and root not in self.buffer_of:
                buffer = self.new_buffer(
                    Place.FETCH, str(tensor.dtype), root.type.dims, root.name, number
                )
                self.buffer_of[root] = buffer
                self.fetches[number] = Fetch(
                    tensor.name, str(tensor.dtype), tensor.type.dims, buffer
                )
            else:
                self.unmet.append(number)

    def _copy_fetches(self, ready: set[Tensor]) -> None:
        """Copies for fetches of memory that is not theirs (variables, feeds, constants, repeats).

        A view whose shape depends on data waits until its sizes are known.
        """
        self.ready |= ready
        unmet, self.unmet = self.unmet, []
        for number in unmet:
            tensor = self.graph.outputs[number]
            root = self.root(tensor)
            if root not in self.ready or not self.bound.issuperset(data_sizes(tensor.type.dims)):
                self.unmet.append(number)
            else:
                dtype = str(tensor.dtype)
                target = self.new_buffer(Place.FETCH, dtype, tensor.type.dims, tensor.name, number)
                self.fetches[number] = Fetch(tensor.name, dtype, tensor.type.dims, target)
                self.steps.append(Copy(self.buffer_of[root], target, _origin([tensor.node])))

    # --- units ---------------------------------------------------------------------------------

    def run(self, checks: tuple[Check, ...]) -> Program:
        for feed in self.feeds:
            self.buffers.append(Buffer(Place.FEED, feed.dtype, feed.shape, feed.name, feed.buffer))
        self._place_sources()
        self._place_fetches()
        computed = {t for t in map(self.root, self.graph.outputs) if t.node in self.order.unit_of}
        self._copy_fetches(set(self.buffer_of) - computed)
        for at, unit in enumerate(self.order.units):
            if at == self.order.commit:
                self.commit = len(self.steps)
            self._lower(at, unit)
            made = (*unit.nodes, *unit.into.values())
            self._copy_fetches({t for n in made for t in n.outputs if t in self.buffer_of})
        if self.order.commit == len(self.order.units):
            self.commit = len(self.steps)
        self.finish_tail()
        return Program(
            title=self.graph.title,
            feeds=self.feeds,
            fetches=tuple(f for f in self.fetches if f is not None),
            buffers=tuple(self.buffers),
            kernels=tuple(self.kernel_list),
            steps=tuple(self.steps),
            commit=self.commit,
            constants=tuple(self.constants),
            checks=checks,
            failing=self.failing,
            backups=self._backups(),
            declined=self._declined(),
        )

    def _declined(self) -> tuple[tuple[str, str, str], ...]:
        """Which neighbours stayed apart; an assignment that was taken over did not."""
        taken = {assign.name for unit in self.order.units for assign in unit.into.values()}
        return tuple(row for row in self.fusion.declined if row[1] not in taken)

    def lower_units(self) -> None:
        """The steps of a body, whose inputs have their buffers."""
        self._place_sources()
        for at, unit in enumerate(self.order.units):
            self._lower(at, unit)
        self.finish_tail()

    def _lower(self, at: int, unit: Unit) -> None:
        for value, assign in unit.into.items():
            variable = variable_of(assign)
            buffer = self._variable(
                variable.op.key, str(variable.op.dtype), variable.op.shape, assign.name
            )
            self.buffer_of[value] = self.buffer_of[assign.outputs[0]] = buffer
        if unit.group is not None:
            self._lower_group(at, unit, unit.group)
            return
        op = unit.node.op
        if is_control(unit.node) and runs_natively(unit.node):
            lower_control(self, unit.node, at)
        elif runs_in_python(unit.node):
            self._lower_host(unit.node)
        elif op.contraction is not None:
            self._lower_alone(unit, lower_matmul)
        elif op.kernel is not None:
            if op.over:
                self._take_over(at, unit.node)
            self._lower_alone(unit, op.kernel)
        elif op.name == "no_op":
            return
        else:
            raise InternalError(f"bug in graphc: op {op.name!r} has no lowering left")

    def _take_over(self, at: int, node: Node) -> None:
        """Give outputs the memory of the operands they change in places; a copy of what somebody
        still reads."""
        for tensor, operand in zip(node.outputs, node.op.over, strict=True):
            source = node.operands[operand]
            buffer = self.buffer_of[self.root(source)]
            if tensor not in self.buffer_of:
                if not self.is_dying(self.root(source), at) or node.operands.count(source) > 1:
                    held = self.buffers[buffer]
                    buffer = self.new_buffer(Place.ARENA, held.dtype, tensor.type.dims, tensor.name)
                self.buffer_of[tensor] = buffer
                self.tenants.setdefault(buffer, []).append(tensor)
            if self.buffer_of[tensor] != self.buffer_of[self.root(source)]:
                self.finish_tail()
                copy = Copy(
                    self.buffer_of[self.root(source)], self.buffer_of[tensor], _origin([node])
                )
                self.steps.append(copy)

    def _lower_alone(self, unit: Unit, lower: Callable[[Node], Lowered | list[Lowered]]) -> None:
        node = unit.node
        tensors = [*node.operands, *node.outputs]
        places = tuple(tensors.index(t) for t in tensors)
        key = (node.op, places, tuple(t.type for t in tensors))
        if key not in self.templates:
            self.templates[key] = (in_every_form(lambda: _alone(node, lower)), tensors)
        parts, originals = self.templates[key]
        for part in parts:
            self._launch(unit, part, dict(zip(originals, tensors, strict=True)))

    def _lower_group(self, at: int, unit: Unit, group: Group) -> None:
        placed = {
            t: self.buffer_of[self.root(t)] for t in group.outputs if self.root(t) in self.buffer_of
        }
        overlay = overlay_outputs(group, self.root, placed, lambda t: self.is_dying(t, at))
        key, externals = self._template_key(group, overlay.over)
        if key not in self.templates:
            self.templates[key] = (in_every_form(lambda: _lowered(group, overlay)), externals)
        parts, originals = self.templates[key]
        renamed = dict(zip(originals, externals, strict=True))
        for lowered in parts:
            self._launch(unit, lowered, renamed, overlay.staged)

    def is_dying(self, tensor: Tensor, at: int) -> bool:
        """Whether a temporary is read here for the last time, by this name or any other."""
        buffer = self.buffer_of.get(tensor)
        return (
            buffer is not None
            and buffer not in self.pinned
            and tensor not in self.order.root
            and (self.buffers[buffer].place is Place.ARENA or buffer in self.owned)
            and self.last_use.get(tensor) == at
            and all(self.last_use.get(t, -1) <= at for t in self.tenants.get(buffer, ()))
        )

    def _template_key(
        self, group: Group, overlay: dict[Tensor, Tensor]
    ) -> tuple[tuple, list[Tensor]]:
        """Equal for groups whose kernels differ only in which tensors they touch."""
        number: dict[Tensor, int] = {}
        members: dict[Node, int] = {n: k for k, n in enumerate(group.nodes)}
        rows = []
        for node in group.nodes:
            refs: list[tuple] = []
            for tensor in node.operands:
                if tensor.node in members:
                    refs.append((members[tensor.node], tensor.index))
                else:
                    # A number or a function of the index stands in the text, so it must be equal.
                    written = is_written(tensor.node) or is_free(tensor.node)
                    op = tensor.node.op if written else None
                    refs.append((-1, number.setdefault(tensor, len(number)), tensor.type, op))
            rows.append((node.op, tuple(refs), group.roles[node], node.outputs[0].type))
        externals = [*number, *(t for n in group.nodes for t in n.outputs)]
        places = {t: k for k, t in enumerate(externals)}
        shape = (
            tuple(rows), tuple(places[t] for t in group.outputs),
            group.space, group.reduced, group.chunk,
            tuple(sorted((places[o], places[i]) for o, i in overlay.items())),
        )  # fmt: skip
        return shape, externals

    def _launch(
        self,
        unit: Unit,
        lowered: Lowered,
        renamed: dict[Tensor, Tensor],
        staged: frozenset[Tensor] = frozenset(),
    ) -> None:
        copies: list[tuple[int, int]] = []
        buffers = [self._buffer(use, renamed, staged, copies) for use in lowered.uses]
        launch = self._launch_of(unit, lowered, buffers, renamed)
        if lowered.other is not None:
            there = dict(zip((use.tensor for use in lowered.uses), buffers, strict=True))
            others = [
                self._buffer(use, renamed, staged, copies)
                if isinstance(use.tensor, Workspace)
                else there[use.tensor]
                for use in lowered.other.uses
            ]
            other = self._launch_of(unit, lowered.other, others, renamed)
            launch = replace(launch, other=other)
        self._append(launch)
        for source, target in copies:
            self.steps.append(Copy(source, target, launch.origin))

    def _launch_of(
        self, unit: Unit, lowered: Lowered, buffers: list[int], renamed: dict[Tensor, Tensor]
    ) -> Launch:
        strides = tuple(
            dims.product(use.shape[k + 1 :])
            for use in lowered.uses
            for k in range(len(use.shape) - 1)
        )
        block = Block(
            tuple(buffers), strides, tuple(lowered.sizes), lowered.extent, lowered.inner,
            lowered.facts,
        )  # fmt: skip
        return Launch(
            self._kernel(lowered.kernel), (block,), lowered.weight, _flops(unit),
            _origin([*unit.nodes, *unit.into.values()]),
            tuple(self._failing(_renamed(n, renamed)) for n in lowered.checks),
        )  # fmt: skip

    def _buffer(
        self,
        use: Use,
        renamed: dict[Tensor, Tensor],
        staged: frozenset[Tensor],
        copies: list[tuple[int, int]],
    ) -> int:
        if isinstance(use.tensor, Workspace):
            space = use.tensor
            return self.new_buffer(
                Place.ARENA, space.dtype, space.shape, "workspace", per_chunk=space.per_chunk
            )
        tensor = renamed.get(use.tensor, use.tensor)
        also = renamed.get(use.also, use.also) if use.also is not None else None
        root = self.root(tensor)
        if root in self.buffer_of and root not in staged:
            return self.buffer_of[root]
        if also is not None:
            buffer = self.buffer_of[self.root(also)]
        elif root.node.op.writes is not None:
            variable = variable_of(root.node).op
            buffer = self._variable(variable.key, str(variable.dtype), variable.shape, root.name)
            if root in staged:
                self.buffer_of[root] = buffer
                stage = self.new_buffer(Place.ARENA, use.dtype, root.type.dims, root.name)
                copies.append((stage, buffer))
                return stage
        else:
            buffer = self.new_buffer(Place.ARENA, use.dtype, root.type.dims, root.name)
        self.buffer_of[root] = buffer
        self.tenants.setdefault(buffer, []).append(root)
        return buffer

    def _kernel(self, kernel: Kernel) -> int:
        if kernel.key not in self.kernels:
            self.kernels[kernel.key] = len(self.kernel_list)
            self.kernel_list.append(kernel)
        return self.kernels[kernel.key]

    def _append(self, launch: Launch) -> None:
        """Add a launch, or its block to the launch before it when they are independent equals."""
        tail = self.tail
        is_last = tail is not None and self.commit <= tail.step == len(self.steps) - 1
        if tail is not None and is_last and tail.takes(launch):
            tail.add(launch)
            return
        self.finish_tail()
        self.steps.append(launch)
        operands = self.kernel_list[launch.kernel].operands
        self.tail = Tail(len(self.steps) - 1, launch, operands)

    def finish_tail(self) -> None:
        """No launch joins the last one any more."""
        if self.tail is not None:
            self.steps[self.tail.step] = self.tail.launch()
            self.tail = None

    def _lower_host(self, node: Node) -> None:
        if node.op.writes is not None:
            self._assign_objects(node)
            return
        operands = tuple(self.buffer_of[self.root(t)] for t in node.operands)
        results: list[int] = []
        binds: list[tuple[int, int | None, str]] = []
        for k, tensor in enumerate(node.outputs):
            buffer = self.buffer_of.get(tensor)
            if buffer is None:
                buffer = self.new_buffer(
                    Place.ARENA, str(tensor.dtype), tensor.type.dims, tensor.name
                )
                self.buffer_of[tensor] = buffer
            results.append(buffer)
            for axis, size in enumerate(tensor.type.dims):
                atom = dims.single_atom(size)
                if isinstance(atom, dims.Symbol) and atom.data:
                    binds.append((k, axis, atom.name))
        if node.op.name == "bind_dims":
            binds += [(0, None, name) for name in data_sizes(node.op.dims)]
        self.bound.update(name for *_, name in binds)
        self.steps.append(
            Host(
                node.op,
                node.name,
                operands,
                tuple(t.type.dims for t in node.operands),
                tuple(results),
                tuple(binds),
                _origin([node]),
            )
        )

    def _assign_objects(self, node: Node) -> None:
        """An assignment no kernel can make: the variable's memory takes over the value's."""
        if node.op.name != "assign":
            raise UnimplementedError(
                f"{node.op.name} of {node.outputs[0].dtype} is not provided; tf.assign is",
                subject=f"{node.op.name} '{node.name}'",
                site=node.site,
            )
        variable = variable_of(node)
        dtype, shape = str(variable.op.dtype), variable.op.shape
        target = self._variable(variable.op.key, dtype, shape, variable.name)
        self.buffer_of[node.outputs[0]] = target
        self.steps.append(
            Copy(self.buffer_of[self.root(node.operands[1])], target, _origin([node]))
        )

    def _failing(self, node: Node) -> str:
        inside: list[Inside] = []
        known: dict[Tensor, int] = {}
        blamed = node
        while blamed.forward is not None:
            blamed = blamed.forward
        name = node.name
        while name in self.failing and self.failing[name].op is not node.op:
            name += "_"  # a body's names are its own
        self.failing[name] = Failing(
            node.op,
            tuple(self._origin_of(t, inside, known) for t in node.operands),
            tuple(t.type.dims for t in node.operands),
            tuple(t.name for t in node.operands),
            f"{blamed.op.name} '{blamed.name}'",
            blamed.site,
            tuple(inside),
        )
        return name

    def _origin_of(self, tensor: Tensor, inside: list[Inside], known: dict[Tensor, int]) -> int:
        """Where a tensor's value can be had after its kernel failed: a buffer, or ``inside``."""
        if tensor not in known:
            buffer = self.buffer_of.get(self.root(tensor))
            if buffer is None:
                operands = tensor.node.operands
                origins = tuple(self._origin_of(t, inside, known) for t in operands)
                inside.append(Inside(tensor.node.op, origins, tuple(t.type.dims for t in operands)))
                buffer = -len(inside)
            known[tensor] = buffer
        return known[tensor]

    def _backups(self) -> tuple[tuple[str, str], ...]:
        """Variables written before, or by, what can still fail: copied first, put back on
        failure.
        """
        written: dict[str, str] = {}
        backups: dict[str, str] = {}
        for step in self.steps[self.commit :]:
            for buffer in map(self.buffers.__getitem__, self._written(step)):
                if buffer.place is Place.VARIABLE:
                    written[str(buffer.key)] = buffer.label
            if isinstance(step, Host) or (isinstance(step, Launch) and step.checks):
                last = step.origin.names[-1]
                backups |= {
                    key: f"{v} is written before {last} can fail" for key, v in written.items()
                }
        return tuple(backups.items())

    def _written(self, step: Step) -> list[int]:
        if isinstance(step, Copy):
            return [step.target]
        if isinstance(step, Host):
            return list(step.results)
        if not isinstance(step, Launch):
            return []
        operands = self.kernel_list[step.kernel].operands
        pairs = (zip(block.buffers, operands, strict=True) for block in step.blocks)
        return [b for block in pairs for b, operand in block if operand.access != "r"]


def _alone(node: Node, lower: Callable[[Node], Lowered | list[Lowered]]) -> list[Lowered]:
    made = lower(node)
    return [part.alone() for part in (made if isinstance(made, list) else [made])]


def _lowered(group: Group, overlay: Overlay) -> list[Lowered]:
    """The kernel of a group; two where a contraction has no place for the others."""
    if group.head is None:
        return [lower_group(group, overlay.over)]
    lower = lower_matmul if group.head.op.contraction is not None else group.head.op.kernel
    head = lower(group.head)
    if head.final is not None:
        return [lower_with_epilogue(group, head, overlay)]
    alone, rest = apart(group, head)
    return [alone, lower_group(rest, overlay.over)]


def _renamed(node: Node, renamed: dict[Tensor, Tensor]) -> Node:
    """The unit's own node for one of the group its kernel was first written for."""
    tensor = node.outputs[0]
    return renamed.get(tensor, tensor).node


def _origin(nodes: list[Node]) -> Origin:
    sites = dict.fromkeys(s for n in nodes for s in n.sites)
    return Origin(tuple(n.name for n in nodes), tuple(sites))


def _flops(unit: Unit) -> Dim:
    total: Dim = 0
    for node in unit.nodes:
        if node.op.kind is Kind.CONTRACTION:
            total = total + flops(node)
        elif node.op.kind in (Kind.ELEMENTWISE, Kind.INJECTIVE, Kind.GATHER):
            total = total + node.outputs[0].type.elements * node.op.cost()
        elif node.op.kind is Kind.REDUCTION:
            total = total + node.operands[0].type.elements
    return total
