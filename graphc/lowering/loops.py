"""The loops of a nest: map, rows, columns (see :mod:`graphc.lowering.nest`)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Node, Tensor
from graphc.ir.op import Kind, Reduce
from graphc.lowering.element import Scalar, axis_symbol
from graphc.lowering.group import Group, Role
from graphc.lowering.nest import (
    LOOP_NAMES,
    Lowered,
    Nest,
    Use,
    Workspace,
    finish,
    full_index,
    mergeable,
    role_index,
)
from graphc.lowering.program import GRAIN

CHUNK = -1  # the "axis" counting chunks of a partial reduction


def lower_group(group: Group, overlay: dict[Tensor, Tensor]) -> Lowered:
    """Write the kernel of a group; ``overlay`` maps outputs to the inputs they are stored over."""
    dry = Nest(group, None, overlay)
    write(dry)
    merged = mergeable(group, dry)
    nest = Nest(group, merged, overlay)
    return write(nest)


def write(nest: Nest) -> Lowered:
    group = nest.group
    if group.reduced is None:
        return write_map(nest)
    return write_columns(nest) if columns_first(group) else write_rows(nest)


def columns_first(group: Group) -> bool:
    """Whether kept axes follow the reduced ones, which lie together."""
    axes = [k for k, size in enumerate(group.space) if size != 1]
    kinds = "".join("r" if k in group.reduced_axes else "k" for k in axes)
    return "rk" in kinds and "r" not in kinds[kinds.index("rk") + 1 :]


# --- loops --------------------------------------------------------------------------------------


def _enter(nest: Nest, run: list[int]) -> None:
    nest.open_loop()
    nest.loop_of[run[0]] = LOOP_NAMES[nest.level - 1]
    for axis in run:
        nest.levels[f"@{axis}"] = nest.level


def _leave(nest: Nest, run: list[int], bounds: str) -> None:
    nest.close_loop(f"for {nest.loop_of[run[0]]} in range({bounds}):")


def _extent(group: Group, run: Iterable[int]) -> Dim:
    return dims.product(group.space[k] for k in run)


def _elements(group: Group, runs: Iterable[list[int]]) -> Dim:
    return dims.product(_extent(group, run) for run in runs)


class _Serial:
    """Several serial loops opened and closed together."""

    def __init__(self, nest: Nest, runs: list[list[int]], bounds: list[str] | None = None) -> None:
        self.nest = nest
        self.runs = runs
        self.bounds = bounds or [nest.size(_extent(nest.group, run)) for run in runs]

    def __enter__(self) -> None:
        for run in self.runs:
            _enter(self.nest, run)

    def __exit__(self, *exception: object) -> None:
        for run, bounds in zip(reversed(self.runs), reversed(self.bounds), strict=True):
            _leave(self.nest, run, bounds)


# --- map ----------------------------------------------------------------------------------------


def write_map(nest: Nest) -> Lowered:
    group, runs = nest.group, nest.merged
    if runs:
        _enter(nest, runs[0])
    with _Serial(nest, runs[1:]):
        at = full_index(group)
        nest.store_all([(output, at) for output in group.outputs])
    if runs:
        _leave(nest, runs[0], "start, stop")
    extent = _extent(group, runs[0]) if runs else 1
    return _finish(nest, extent, _elements(group, runs[1:]))


# --- rows ---------------------------------------------------------------------------------------


def write_rows(nest: Nest) -> Lowered:
    group = nest.group
    kept = [run for run in nest.merged if run[0] not in group.reduced_axes]
    reduced = [run for run in nest.merged if run[0] in group.reduced_axes]
    outer = [[CHUNK]] if group.chunk is not None else kept[:1]
    rest = kept if group.chunk is not None else kept[1:]
    bounds = None
    if outer:
        _enter(nest, outer[0])
    if group.chunk is not None:
        bounds = _chunk_bounds(nest, reduced)
    with _Serial(nest, rest):
        _row_phases(nest, reduced, bounds)
    if outer:
        _leave(nest, outer[0], "start, stop")
    if group.chunk is not None:
        rows = group.space[reduced[0][0]]
        return _finish(
            nest,
            dims.ceildiv(rows, group.chunk),
            group.chunk * _elements(group, [*reduced[1:], *rest]),
        )
    extent = _extent(group, outer[0]) if outer else 1
    return _finish(nest, extent, _elements(group, [*rest, *reduced]))


def _chunk_bounds(nest: Nest, reduced: list[list[int]]) -> list[str]:
    """Loop bounds of the reduced axes within one chunk of the first."""
    group = nest.group
    counter = nest.loop_of[CHUNK]
    assert group.chunk is not None
    grain, rows = nest.size(group.chunk), nest.size(_extent(group, reduced[0]))
    nest.line(f"low = {counter} * {grain}")
    nest.line(f"high = minimum(low + {grain}, {rows})")
    return ["low, high", *(nest.size(_extent(group, run)) for run in reduced[1:])]


def _row_phases(nest: Nest, reduced: list[list[int]], bounds: list[str] | None) -> None:
    group, base = nest.group, nest.level
    at = full_index(group)
    plan = Phases(group)
    spills = _plan_spills(nest, plan, reduced)
    for phase in range(plan.last + 1):
        folds = [_Fold(nest, node, base) for node in plan.reductions(phase)]
        stores = [
            t for t in group.outputs if _role(group, t) is Role.FULL and plan.depth[t.node] == phase
        ]
        if not folds and not stores:
            continue
        with _Serial(nest, reduced, bounds):
            for fold in folds:
                fold.step(nest.value(fold.node.operands[0], at))
            for tensor, spill, _ in spills.get(phase, ()):
                spill(nest.value(tensor, at))
            nest.store_all([(tensor, at) for tensor in stores])
        for _, _, read_back in spills.get(phase, ()):
            read_back()
        for fold in folds:
            fold.done()
        for tensor in stores:
            _read_back(nest, tensor, tensor)
    for tensor in group.outputs:
        if _role(group, tensor) is Role.PARTIAL:
            nest.store(tensor, _index(group, Role.PARTIAL), nest.results[tensor])
    roles = [(tensor, _role(group, tensor)) for tensor in group.outputs]
    nest.store_all(
        [(t, role_index(group, r)) for t, r in roles if r not in (Role.FULL, Role.PARTIAL)]
    )


def _role(group: Group, tensor: Tensor) -> Role:
    return group.roles[tensor.node]


def _read_back(nest: Nest, tensor: Tensor, place: Tensor) -> None:
    """Later passes read ``tensor`` from where it was stored."""

    def index(at: tuple[Dim, ...]) -> tuple[Dim, ...]:
        return nest.collapse(place.type.dims, at)[1]

    shape = nest.collapse(place.type.dims, full_index(nest.group))[0]
    nest.stored[tensor] = (nest.use(place, shape, "w"), index)


class _Fold:
    """One reduction of a row: an accumulator in a variable."""

    def __init__(self, nest: Nest, node: Node, base: int) -> None:
        self.nest, self.node, self.base = nest, node, base
        operand = node.operands[0]
        self.dtype = str(operand.dtype.computed)
        self.name = f"s{nest.folds}"
        nest.folds += 1
        self.rule: Reduce = node.op.reduction
        nest.line(
            f"{self.name} = {nest.literal(initial_value(self.rule, operand), self.dtype)}", base
        )

    def step(self, value: Scalar) -> None:
        self.nest.line(f"{self.name} = {self.rule.word}({self.name}, {value})")

    def done(self) -> None:
        value = Scalar(self.name, self.dtype, self.base, self.nest)
        self.nest.results[self.node.outputs[0]] = value


def initial_value(rule: Reduce, operand: Tensor) -> float:
    dtype = operand.dtype.computed
    if rule.initial == "lowest":
        return float("-inf") if dtype.is_floating else dtype.min
    if rule.initial == "highest":
        return float("inf") if dtype.is_floating else dtype.max
    return float(rule.initial) if dtype.is_floating else int(rule.initial)


# --- phases and spills --------------------------------------------------------------------------


class Phases:
    """Which pass over the reduced axes can compute each node: 0, or one after a reduction it
    needs.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.depth: dict[Node, int] = {}
        for node in group.nodes:
            below = [
                self.depth[t.node] + (t.node.op.kind is Kind.REDUCTION)
                for t in node.operands
                if t.node in self.depth
            ]
            self.depth[node] = max(below, default=0)
        self.last = max(self.depth.values(), default=0)

    def has_reductions(self, phase: int) -> bool:
        return bool(self.reductions(phase))

    def reductions(self, phase: int) -> list[Node]:
        return [
            n for n in self.group.nodes if n.op.kind is Kind.REDUCTION and self.depth[n] == phase
        ]

    def computed_in(self, phase: int, cut: set[Node]) -> list[Node]:
        """FULL nodes evaluated inside the loop of a phase, given what is stored already."""
        group = self.group
        wanted = [n.operands[0].node for n in self.reductions(phase)]
        wanted += [
            t.node for t in group.outputs
            if group.roles[t.node] is Role.FULL and self.depth[t.node] == phase
        ]  # fmt: skip
        found: dict[Node, None] = {}
        while wanted:
            node = wanted.pop()
            inside = node in self.depth and group.roles[node] is Role.FULL
            if not inside or node in cut or node in found:
                continue
            found[node] = None
            wanted.extend(t.node for t in node.operands)
        return list(found)


Spill = tuple[Tensor, Callable[[Scalar], None], Callable[[], None]]


def _plan_spills(nest: Nest, plan: Phases, reduced: list[list[int]]) -> dict[int, list[Spill]]:
    """Per phase, the costly values that a later phase needs again: stored, then read back.

    The row of an output that is written later serves as the place when one fits; else a workspace.
    """
    group = nest.group
    spills: dict[int, list[Spill]] = {}
    cut: set[Node] = set()
    free = [t for t in group.outputs if _role(group, t) is Role.FULL and t not in nest.overlay]
    for phase in range(plan.last):
        now = plan.computed_in(phase, cut)
        cut.update(
            t.node for t in group.outputs
            if _role(group, t) is Role.FULL and plan.depth[t.node] == phase
        )  # fmt: skip
        last = {n: p for p in range(phase + 1, plan.last + 1) for n in plan.computed_in(p, cut)}
        for node in now:
            if node in last and node.op.kind is Kind.ELEMENTWISE and _is_kept(node, group):
                tensor = node.outputs[0]
                if tensor not in group.outputs:
                    homes = [t for t in free if plan.depth[t.node] >= last[node]]
                    home = next((t for t in homes if _holds(t, tensor)), None)
                    if home is not None:
                        free.remove(home)
                    spills.setdefault(phase, []).append(_spill(nest, tensor, home, reduced))
                cut.add(node)
    return spills


def _is_kept(node: Node, group: Group) -> bool:
    """Whether a value read in several passes is stored: it is dear, or it is compared for equality,
    and computed anew it could be rounded otherwise."""
    if node.op.transcendental:
        return True
    tensor = node.outputs[0]
    return any(n.op.name in ("equal", "not_equal") and tensor in n.operands for n in group.nodes)


def _holds(home: Tensor, tensor: Tensor) -> bool:
    return home.dtype is tensor.dtype and tensor.dtype.computed is tensor.dtype


def _spill(nest: Nest, tensor: Tensor, home: Tensor | None, reduced: list[list[int]]) -> Spill:
    """How to store a value in ``home`` (an output not written before its last reader) or a
    workspace.
    """
    at = full_index(nest.group)
    if home is not None:
        return (
            tensor,
            lambda value: nest.store(home, at, value),
            lambda: _read_back(nest, tensor, home),
        )
    shape = tuple(_extent(nest.group, run) for run in reduced)
    space = Workspace(str(tensor.dtype.computed), shape, per_chunk=True)
    use = nest.use(space, (0, *shape), "w")
    grain = nest.size(GRAIN)
    slot = nest.bind(f"idiv(start, {grain})", "int64", level=0)
    nest.levels[slot.name] = 0
    index = (dims.symbol(slot.name), *(axis_symbol(run[-1]) for run in reduced))

    def store(value: Scalar) -> None:
        nest.line(f"{use.name}[{nest.index_text(index)}] = {value}")

    def read() -> None:
        use.access = "rw"
        nest.stored[tensor] = (use, lambda at: index)

    return tensor, store, read


# --- columns ------------------------------------------------------------------------------------


def write_columns(nest: Nest) -> Lowered:
    group = nest.group
    reduced = [run for run in nest.merged if run[0] in group.reduced_axes]
    first = nest.merged.index(next(run for run in reduced if _extent(group, run) != 1))
    # reduced axes of size 1 may lie anywhere
    before = [run for run in nest.merged[:first] if run not in reduced]
    lanes = [run for run in nest.merged[first:] if run not in reduced]
    outer = [[CHUNK]] if group.chunk is not None else before[:1]
    rest = before if group.chunk is not None else before[1:]
    row_bounds = None
    if outer:
        _enter(nest, outer[0])
    if group.chunk is not None:
        row_bounds = _chunk_bounds(nest, reduced)
    lane_bounds = None
    if not outer:
        lane_bounds = ["start, stop", *(nest.size(_extent(group, run)) for run in lanes[1:])]
    with _Serial(nest, rest):
        _column_phases(nest, reduced, row_bounds, lanes, lane_bounds)
    if outer:
        _leave(nest, outer[0], "start, stop")
    if group.chunk is not None:
        rows = group.space[reduced[0][0]]
        inner = group.chunk * _elements(group, [*reduced[1:], *rest, *lanes])
        return _finish(nest, dims.ceildiv(rows, group.chunk), inner)
    if outer:
        return _finish(nest, _extent(group, outer[0]), _elements(group, [*rest, *reduced, *lanes]))
    return _finish(nest, _extent(group, lanes[0]), _elements(group, [*reduced, *lanes[1:]]))


def _column_phases(
    nest: Nest,
    reduced: list[list[int]],
    row_bounds: list[str] | None,
    lanes: list[list[int]],
    lane_bounds: list[str] | None,
) -> None:
    group = nest.group
    at = full_index(group)
    plan = Phases(group)
    done: set[Tensor] = set()
    for phase in range(plan.last + 1):
        folds = [(node, _accumulator(nest, node)) for node in plan.reductions(phase)]
        stores = [
            t for t in group.outputs if _role(group, t) is Role.FULL and plan.depth[t.node] == phase
        ]
        if not folds and not stores:
            continue
        if folds:
            with _Serial(nest, lanes, lane_bounds):
                for node, (use, index) in folds:
                    start = initial_value(node.op.reduction, node.operands[0])
                    nest.line(
                        f"{use.name}[{nest.index_text(index)}] = {nest.literal(start, use.dtype)}"
                    )
        with _Serial(nest, reduced, row_bounds), _Serial(nest, lanes, lane_bounds):
            for node, (use, index) in folds:
                value = nest.value(node.operands[0], at)
                place = f"{use.name}[{nest.index_text(index)}]"
                nest.line(f"{place} = {node.op.reduction.word}({place}, {value})")
            nest.store_all([(tensor, at) for tensor in stores])
        for node, (use, index) in folds:
            use.access = "rw"
            nest.stored[node.outputs[0]] = (use, lambda _at, index=index: index)
            if use.tensor is node.outputs[0]:  # not a workspace, wider than a half output
                done.add(node.outputs[0])
        for tensor in stores:
            _read_back(nest, tensor, tensor)
            done.add(tensor)
    finals = [t for t in group.outputs if t not in done]
    if finals:
        with _Serial(nest, lanes, lane_bounds):
            nest.store_all([(t, _index(group, _role(group, t))) for t in finals])


def _index(group: Group, role: Role) -> tuple[Dim, ...]:
    """The index of a tensor of that role, where chunks are counted too."""
    if role is Role.PARTIAL:
        return (axis_symbol(CHUNK), *role_index(group, Role.OUTER))
    return role_index(group, role)


def _accumulator(nest: Nest, node: Node) -> tuple[Use, tuple[Dim, ...]]:
    """Where a column reduction accumulates: its own output when stored, else a workspace."""
    group, tensor = nest.group, node.outputs[0]
    index = _index(group, group.roles[node])
    shape, collapsed = nest.collapse(tensor.type.dims, index)
    wide = str(tensor.dtype.computed)
    if tensor in group.outputs and wide == str(tensor.dtype):
        return nest.use(tensor, shape, "w"), collapsed
    return nest.use(Workspace(wide, shape, per_chunk=False), shape, "w"), collapsed


# --- names --------------------------------------------------------------------------------------


def _finish(nest: Nest, extent: Dim, inner: Dim) -> Lowered:
    words = [n.op.name for n in nest.group.nodes if n.op.kind is not Kind.VIEW]
    # never a bare op name: `def exp` would hide the word its own text calls
    name = kernel_name("fused" if len(words) > 1 else "only", words or ["copy"])
    return finish(nest, extent, inner, name, (", ".join(words), operand_line(nest.uses.values())))


def kernel_name(first: str, words: Iterable[str]) -> str:
    name = "_".join([first, *words])
    if len(name) > 60:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name[:48].rstrip('_')}_{digest}"
    return name


def operand_line(uses: Iterable[Use]) -> str:
    """The operands as a title tells them."""
    return "  ".join(
        f"{u.name} {u.dtype}[{', '.join(LOOP_NAMES[: len(u.shape)])}] {u.access}".removesuffix(" r")
        for u in uses
    )
