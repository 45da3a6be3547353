"""Collecting a report: compile once more with everything recorded, and time the launches if fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from graphc.budget import loops_of
from graphc.compiler import Compilation, compile_part
from graphc.errors import GraphError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Node, Tensor
from graphc.ir.text import print_graph
from graphc.ir.types import TensorType
from graphc.lowering.program import Buffer, Copy, Host, Launch, Place, Program
from graphc.passes.cut import cut, unfed
from graphc.passes.options import Log, Options
from graphc.pipeline import Record
from graphc.report.report import (
    KernelEntry,
    LaunchEntry,
    LoopEntry,
    MemoryEntry,
    PassEntry,
    Report,
)
from runtime.contractions import contraction_entries, peaks
from runtime.devices.cpu.table import CLOCK_WORDS
from runtime.executor import drops_ones, fed_types
from runtime.feeds import Feeds
from runtime.fetches import needed_nodes
from runtime.object_cache import default_cache
from runtime.plan import Plan
from runtime.programs import asked_of

TIMED_RUNS = 20
TOTAL, TIMES = 2, 3  # words of a clock record
assert CLOCK_WORDS == 4


def inspect_run(
    executor: Any,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    values: Sequence[Any] | None = None,
) -> Report:
    """The report of one kind of run; with ``values`` for the feeds, sizes are bound and launches
    timed.

    Timing runs the graph :data:`TIMED_RUNS` times; variables and random ops are put back as they
    were.
    """
    state = executor.state
    feeds = list(feeds)
    if values is None:
        part, fed = cut(state.graph, feeds, fetches, targets, {})
        known = {t.name: t for n in state.graph.nodes for t in n.outputs}
        feeds += [known[n.outputs[0].name] for n in unfed(part, fed)]
    plan, clock, returned, asked = _timed(executor, feeds, fetches, targets, values)
    says_ones = drops_ones(needed_nodes(fetches, targets, feeds))
    types = _types(feeds, values, says_ones) | returned
    records: list[Record] = []
    options = replace(asked, log=Log())
    part, fed = cut(state.graph, feeds, fetches, targets, types)
    compilation = compile_part(part, fed, options, {}, records.append)
    title = ", ".join([t.name for t in fetches] + [n.name for n in targets])
    return report_of(title, state, compilation, records, plan, clock)


def _types(
    feeds: Sequence[Tensor], values: Sequence[Any] | None, says_ones: bool
) -> dict[Tensor, TensorType]:
    """Types of the feeds whose rank only the values tell."""
    if values is not None:
        return fed_types(feeds, Feeds(feeds).convert(values), says_ones)[0]
    for tensor in feeds:
        if tensor.type.shape is None:
            raise GraphError(
                f"the rank of {tensor.name} is not known, and kernels are made for ranks",
                hint="give a feed_dict to inspect, or the placeholder a shape",
                site=tensor.node.site,
            )
    return {}


def _timed(
    executor: Any,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    values: Sequence[Any] | None,
) -> tuple[Plan | None, dict[int, float], dict[Tensor, TensorType], Options]:
    """The plan, the time of each step in microseconds, what Python functions returned whose rank
    the graph does not say, and what the compiler was asked."""
    asked = asked_of(executor.state)
    if values is None:
        return None, {}, {}, asked
    prepared = executor.prepare(tuple(feeds), tuple(fetches), tuple(targets))
    with executor.state.variables.put_back():
        prepared.run(values)
        bound = prepared.last
        if bound is None:
            return None, {}, prepared.ranks.types(), asked
        arrays = prepared.converter.convert(values)
        rounds = []
        for _ in range(TIMED_RUNS):
            for context in bound.idle:
                context.state.stamp(True)
            prepared.run(arrays)
            rounds.append(bound.idle[-1].state.clock())
    times = _medians(bound.plan.table.tags, rounds)
    return bound.plan, times, prepared.ranks.types(), bound.loaded.options


def _medians(tags: Sequence[Any], rounds: Sequence[np.ndarray]) -> dict[int, float]:
    """Microseconds of each step by the median of the rounds: one that is disturbed says nothing."""
    clock: dict[int, float] = {}
    for row, tag in enumerate(tags):
        times = [record[row, TOTAL] / record[row, TIMES] for record in rounds if record[row, TIMES]]
        if tag is not None and times:
            clock[tag] = float(np.median(times)) / 1e3
    return clock


def report_of(
    title: str,
    state: Any,
    compilation: Compilation,
    records: Sequence[Record],
    plan: Plan | None,
    clock: Mapping[int, float],
) -> Report:
    program = compilation.program
    sizes = plan.values if plan is not None else {}
    cache = default_cache()
    contractions = contraction_entries(program, plan, clock)
    return Report(
        title=title,
        device=state.device,
        sizes=dict(sizes),
        passes=[_pass_entry(r) for r in records],
        kernels=_kernel_entries(program),
        launches=[_launch_entry(program, k, sizes, clock) for k in range(len(program.steps))],
        commit=program.commit,
        backups=list(program.backups),
        declined=list(program.declined),
        memory=_memory_entry(program, plan) if plan is not None else None,
        log=list(state.log),
        cache={"hits": cache.hits, "misses": cache.misses},
        contractions=contractions,
        peak=peaks(contractions) if clock else {},
        loops=_loop_entries(compilation, sizes),
        memory_limit=compilation.choice.limit if compilation.choice else 0,
        everything_kept=compilation.choice.everything if compilation.choice else 0,
    )


def _loop_entries(compilation: Compilation, sizes: Mapping[str, int]) -> list[LoopEntry]:
    choice = compilation.choice
    loops = choice.loops if choice else loops_of(compilation.options.log, sizes)
    return [
        LoopEntry(
            loop.name, loop.turns, loop.strategy, list(loop.lengths), loop.everything, loop.keeps,
            loop.because, loop.line,
        )
        for loop in loops
        if loop.everything is None or loop.everything > 0
    ]  # fmt: skip


def _pass_entry(record: Record) -> PassEntry:
    return PassEntry(
        record.name, record.changed, record.seconds * 1e3, len(record.before.nodes),
        len(record.after.nodes), [f"{n.text}" for n in record.notes], print_graph(record.before),
        print_graph(record.after),
    )  # fmt: skip


def _kernel_entries(program: Program) -> list[KernelEntry]:
    def listing(kernel: Any) -> Any:
        from runtime.devices.cpu.compile import inspect_with_tiles

        return lru_cache(maxsize=1)(lambda: inspect_with_tiles(kernel))

    return [
        KernelEntry(
            kernel.name, kernel.key, kernel.text,
            {c.name: f"{c.dtype}({c.value!r})" for c in kernel.constants},
            sum(isinstance(s, Launch) and s.kernel == k for s in program.steps), listing(kernel),
        )
        for k, kernel in enumerate(program.kernels)
    ]  # fmt: skip


def _number(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    value = dims.substitute(dim, sizes)
    return value if isinstance(value, int) else None


def _launch_entry(
    program: Program, number: int, sizes: Mapping[str, int], clock: Mapping[int, float]
) -> LaunchEntry:
    step = program.steps[number]
    touched = [*program.reads(step), *program.writes(step)]
    amounts = [_bytes(program.buffers[b], sizes) for b in touched]
    moved = None if None in amounts else sum(a for a in amounts if a is not None)
    lines = list(dict.fromkeys(s.short for s in step.origin.sites))
    match step:
        case Launch():
            extents = list(
                dict.fromkeys(str(dims.substitute(b.extent, sizes)) for b in step.blocks)
            )
            what, blocks = program.kernels[step.kernel].name, len(step.blocks)
            extent = extents[0] if len(extents) == 1 else "various"
            flops = _number(step.flops, sizes)
        case Copy():
            what, blocks, extent, flops = "copy", 1, "", 0
        case Host():
            what, blocks, extent, flops = f"host {step.op.name}", 1, "", None
        case _:
            what, blocks, extent, flops = type(step).__name__.lower(), 1, "", 0
    extent = extent if len(extent) <= 24 else extent[:21] + "..."
    names = list(step.origin.names)
    return LaunchEntry(number, what, blocks, extent, flops, moved, names, lines, clock.get(number))


def _bytes(buffer: Buffer, sizes: Mapping[str, int]) -> int | None:
    elements = _number(dims.product(buffer.shape), sizes)
    return None if elements is None else elements * as_dtype(buffer.dtype).size


def _memory_entry(program: Program, plan: Plan) -> MemoryEntry:
    ranges = {b: r for b, r in program.live_ranges().items() if b not in plan.lasting.buffers}
    sizes = {
        b: int(np.prod(plan.shapes[b], dtype=np.int64)) * as_dtype(program.buffers[b].dtype).size
        for b in ranges
    }
    live = [
        sum(sizes[b] for b, (first, last) in ranges.items() if first <= at <= last)
        for at in range(len(program.steps))
    ]
    at = int(np.argmax(live)) if live else 0
    owners = sorted(
        ((b, sizes[b]) for b, (first, last) in ranges.items() if first <= at <= last),
        key=lambda pair: -pair[1],
    )
    lines = _lines(program)
    return MemoryEntry(
        plan.memory.peak, plan.memory.bound, at,
        [(program.buffers[b].label, n, lines.get(b, "")) for b, n in owners[:12]],
    )  # fmt: skip


def _lines(program: Program) -> dict[int, str]:
    """The user's line behind each temporary: where the step that writes it first came from."""
    lines: dict[int, str] = {}
    for step in program.steps:
        for buffer in program.writes(step):
            if program.buffers[buffer].place is Place.ARENA and step.origin.sites:
                lines.setdefault(buffer, step.origin.sites[0].short)
    return lines
