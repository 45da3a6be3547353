"""What a report says of each product and convolution: the facts of its launch, in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.lowering.facts import IN_PLACE, IN_STRIPS, ContractionFacts, holding
from graphc.lowering.program import Block, Launch, Program
from graphc.report.report import ContractionEntry
from runtime.plan import Cut, Plan, cut_block, shared_from

PEAKS = ("float32", "float64")  # what a core reaches is measured for these


def contraction_entries(
    program: Program, plan: Plan | None, clock: Mapping[int, float]
) -> list[ContractionEntry]:
    """One entry per launch and kind of block in it; numbers where the plan has them."""
    found = []
    for number, step in enumerate(program.steps):
        if isinstance(step, Launch):
            if plan is not None and number in plan.by_blas and step.other is not None:
                step = step.other
            by_facts: dict[ContractionFacts, list[Block]] = {}
            for block in step.blocks:
                if block.facts is not None:
                    by_facts.setdefault(block.facts, []).append(block)
            for facts, blocks in by_facts.items():
                found.append(_entry(program, number, step, facts, blocks, plan, clock.get(number)))
    return found


def peaks(entries: list[ContractionEntry]) -> dict[str, float]:
    """The peak of one core, in GFLOP/s, for the dtypes of ``entries``."""
    from runtime.devices.cpu.peak import fma_peak

    return {dtype: fma_peak(dtype) for dtype in PEAKS if any(e.dtype == dtype for e in entries)}


def _entry(
    program: Program, number: int, step: Launch, facts: ContractionFacts, blocks: list[Block],
    plan: Plan | None, microseconds: float | None,
) -> ContractionEntry:  # fmt: skip
    from runtime.devices.cpu.multiply import PANEL_SPACE, copies_strips
    from runtime.devices.cpu.tiles import tile_text

    values = plan.values if plan is not None else {}

    def said(dim: Dim) -> int | str:
        bound = dims.substitute(dim, values)
        return bound if isinstance(bound, int) else str(bound)

    columns = said(facts.n)
    known_columns = columns if isinstance(columns, int) else None
    family = holding(facts.tile, values)
    entry = ContractionEntry(
        step=number,
        kernel=program.kernels[step.kernel].name,
        kind=facts.kind,
        blocks=len(blocks),
        dtype=facts.dtype,
        m=said(facts.m),
        n=columns,
        depth=said(facts.depth),
        matrices=said(facts.matrices),
        orientation=facts.orientation,
        implementation=facts.implementation,
        tile=tile_text(family, facts.dtype, known_columns) if family else "",
        packing={operand: holding(cases, values) for operand, cases in facts.packing},
        rows=said(facts.rows),
        columns=said(facts.columns),
        parts=said(facts.parts),
        prologue=list(facts.prologue),
        epilogue=list(facts.epilogue),
    )
    if entry.packing.get("left") == IN_STRIPS and not copies_strips():
        entry.packing["left"] = IN_PLACE
    if family == "panel" and "packed" in entry.packing.values():
        entry.stack = PANEL_SPACE
    if plan is not None:
        _numbers(entry, program, step, blocks, plan, microseconds)
    return entry


def _numbers(
    entry: ContractionEntry, program: Program, step: Launch, blocks: list[Block], plan: Plan,
    microseconds: float | None,
) -> None:  # fmt: skip
    least = shared_from(bool(program.loops_around(entry.step)))
    cuts = [_cut(block, step, plan, least) for block in blocks]
    entry.tasks = sum(cut.extent for cut in cuts)
    entry.chunks = sum(-(-cut.extent // cut.grain) for cut in cuts if cut.extent)
    entry.threads = _threads(step, plan, least)
    spaces = {b for block in blocks for b in block.buffers if _is_workspace(program, b)}
    entry.workspace = sum(
        prod(plan.shapes[b]) * as_dtype(program.buffers[b].dtype).size for b in spaces
    )
    flops = dims.substitute(step.flops, plan.values)
    entry.flops = flops if isinstance(flops, int) else None
    entry.microseconds = microseconds
    if microseconds and entry.flops:
        entry.gflops = entry.flops / microseconds / 1e3


def _is_workspace(program: Program, buffer: int) -> bool:
    return program.buffers[buffer].label == "workspace"


def _cut(block: Block, step: Launch, plan: Plan, least: float) -> Cut:
    return cut_block(block, step.weight, dict(_known(block, plan)), least)


def _known(block: Block, plan: Plan) -> Iterator[tuple[Dim, int]]:
    for dim in (block.extent, block.inner):
        yield dim, dims.evaluate(dim, plan.values)


def _threads(step: Launch, plan: Plan, least: float) -> int:
    """How many threads may share the launch."""
    from runtime.devices.cpu.boot import native

    cuts = [_cut(block, step, plan, least) for block in step.blocks]
    chunks = sum(-(-cut.extent // cut.grain) for cut in cuts if cut.extent)
    shared = sum(cut.nanoseconds for cut in cuts) >= least
    return max(1, min(chunks, native().pool.threads)) if shared else 1
