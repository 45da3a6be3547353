"""The report as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch

from graphc.report.listing import micro_kernel
from graphc.report.report import ContractionEntry, LaunchEntry, MemoryEntry, Report

MOST_ROWS = 200


def write(report: Report) -> str:
    return "\n".join(_sections(report)) + "\n"


def _sections(report: Report) -> Iterator[str]:
    sizes = ", ".join(f"{k}={v}" for k, v in report.sizes.items())
    bound = f"   with {sizes}" if sizes else ""
    yield f"compiled graph: {report.title}   on {report.device}{bound}"
    yield ""
    yield from _passes(report)
    yield from _launches(report)
    yield from _contractions(report)
    yield from _memory(report.memory)
    yield from _loops(report)
    yield from _declined(report)
    yield from _kernels(report)
    yield from _log(report)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], right: str = "") -> list[str]:
    """Rows under a head, columns aligned; ``right`` has an ``r`` per column aligned at the
    right.
    """
    cells = [list(map(str, head)), *([str(c) for c in row] for row in rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = []
    for row in cells:
        columns = [
            c.rjust(w) if k < len(right) and right[k] == "r" else c.ljust(w)
            for k, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(columns).rstrip())
    return lines


def _passes(report: Report) -> Iterator[str]:
    yield "passes"
    yield from table(
        ("pass", "nodes", "ms", "what it did"),
        (
            (
                p.name,
                f"{p.nodes_before} -> {p.nodes_after}" if p.changed else str(p.nodes_after),
                f"{p.milliseconds:.1f}",
                _summary(p.notes) if p.changed else "(unchanged)",
            )
            for p in report.passes
        ),
        " rr",
    )
    yield ""


def _summary(notes: list[str]) -> str:
    counts: dict[str, int] = {}
    for note in notes:
        counts[note] = counts.get(note, 0) + 1
    parts = [f"{text} (x{n})" if n > 1 else text for text, n in counts.items()]
    return "; ".join(parts[:6]) + (f"; and {len(parts) - 6} more" if len(parts) > 6 else "")


def _launches(report: Report) -> Iterator[str]:
    timed = any(entry.microseconds is not None for entry in report.launches)
    head = ["step", "what", "blocks", "extent", "flops", "bytes"] + ["us"] * timed + ["from"]
    rows = []
    for entry in report.launches[:MOST_ROWS]:
        mark = "*" if entry.step == report.commit else ""
        row = [
            f"{mark}{entry.step}", entry.what, entry.blocks, entry.extent, _amount(entry.flops),
            _amount(entry.bytes),
        ]  # fmt: skip
        if timed:
            row.append("" if entry.microseconds is None else f"{entry.microseconds:.2f}")
        rows.append([*row, _origin(entry)])
    yield f"launches ({len(report.launches)}; from * on, variables are written)"
    yield from table(head, rows, "r rrrr" + "r" * timed)
    if len(report.launches) > MOST_ROWS:
        yield f"  ... and {len(report.launches) - MOST_ROWS} more"
    for key, reason in report.backups:
        yield f"  variable '{key}' is copied before each run: {reason}"
    yield ""


def _contractions(report: Report) -> Iterator[str]:
    if not report.contractions:
        return
    peaks = ", ".join(f"{peak:.0f} in {dtype}" for dtype, peak in report.peak.items())
    known = f"; peak of a core, GFLOP/s: {peaks}" if peaks else ""
    yield f"contractions ({len(report.contractions)}{known})"
    head = ["step", "what", "m x n x depth", "by", "tile", "packing", "partition", "epilogue"]
    bound = any(entry.chunks is not None for entry in report.contractions)
    timed = any(entry.gflops is not None for entry in report.contractions)
    head += ["workspace", "flops"] * bound + ["GFLOP/s", "of peak"] * timed
    rows = []
    for entry in report.contractions[:MOST_ROWS]:
        row = [
            str(entry.step), _what(entry), " x ".join(map(_short, (entry.m, entry.n, entry.depth))),
            entry.implementation, entry.tile or "-", _packing(entry), _partition(entry),
            _around(entry),
        ]  # fmt: skip
        if bound:
            stack = f" + {_amount(entry.stack)} a thread" if entry.stack else ""
            row += [_amount(entry.workspace) + stack, _amount(entry.flops)]
        if timed:
            share = entry.of_peak(report.peak)
            row += [
                "?" if entry.gflops is None else f"{entry.gflops:.1f}",
                "?" if share is None else f"{share * 100:.0f}%",
            ]
        rows.append(row)
    yield from table(head, rows, "r" + " " * 7 + "rrrr")
    if len(report.contractions) > MOST_ROWS:
        yield f"  ... and {len(report.contractions) - MOST_ROWS} more"
    yield ""


def _what(entry: ContractionEntry) -> str:
    many = "" if entry.matrices == 1 else f" x {entry.matrices}"
    times = f", {entry.blocks} of them" if entry.blocks > 1 else ""
    how = f" {entry.orientation}" if entry.orientation else ""
    return f"{entry.kind}{how}{many} {entry.dtype}{times}"


def _packing(entry: ContractionEntry) -> str:
    return ", ".join(f"{operand} {how}" for operand, how in entry.packing.items()) or "-"


def _partition(entry: ContractionEntry) -> str:
    parts = f", sum in {entry.parts}" if entry.parts != 1 else ""
    piece = f"{_short(entry.rows)} x {_short(entry.columns)}{parts}"
    if entry.chunks is None:
        return piece
    return f"{entry.tasks} of {piece}; {entry.chunks} chunks on {entry.threads}"


def _short(size: int | str) -> str:
    text = str(size)
    return text if len(text) <= 16 else text[:13] + "..."


def _around(entry: ContractionEntry) -> str:
    before = f"after {', '.join(entry.prologue)}; " if entry.prologue else ""
    return before + (", ".join(entry.epilogue) or "-")


def _origin(entry: LaunchEntry) -> str:
    names = ", ".join(entry.nodes[:3]) + (
        f" +{len(entry.nodes) - 3}" if len(entry.nodes) > 3 else ""
    )
    lines = ", ".join(entry.lines[:3]) + (" ..." if len(entry.lines) > 3 else "")
    return f"{names}   {lines}".rstrip()


def _amount(value: int | None) -> str:
    if value is None:
        return "?"
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= 10 * size:
            return f"{value / size:.0f}{unit}"
        if value >= size:
            return f"{value / size:.1f}{unit}"
    return str(value)


def _memory(memory: MemoryEntry | None) -> Iterator[str]:
    if memory is None:
        return
    if not memory.peak:
        yield from ("memory   no temporaries", "")
        return
    ratio = f"{memory.peak / memory.bound:.3f} of the bound"
    yield f"memory   peak {memory.peak} bytes, {ratio}; alive at step {memory.step}:"
    yield from table(
        ("bytes", "tensor", "line"), ((n, label, line) for label, n, line in memory.owners), "r"
    )
    yield ""


def _loops(report: Report) -> Iterator[str]:
    if not report.loops:
        return
    limit = ""
    if report.memory_limit:
        limit = f"   memory_limit {report.memory_limit} bytes"
        if report.everything_kept:
            limit += f"; with everything kept the run takes {report.everything_kept}"
    yield f"loops ({len(report.loops)}){limit}"
    head = ("loop", "turns", "strategy", "segments", "all turns", "keeps", "because", "line")
    rows = (
        (
            entry.name, _short(entry.turns), entry.strategy,
            ", ".join(map(str, entry.segments)) or "-", _amount(entry.everything),
            _amount(entry.keeps), entry.because, entry.line,
        )
        for entry in report.loops[:MOST_ROWS]
    )  # fmt: skip
    yield from table(head, rows, " r  rr")
    yield ""


def _declined(report: Report) -> Iterator[str]:
    if not report.declined:
        return
    yield "not fused"
    yield from table(("producer", "consumer", "because"), report.declined[:MOST_ROWS])
    yield ""


def _kernels(report: Report) -> Iterator[str]:
    yield f"kernels ({len(report.kernels)})"
    for kernel in report.kernels:
        yield ""
        yield f"  {kernel.name}   {kernel.key[:12]}   {kernel.launches} launches"
        yield from ("    " + line for line in kernel.source.splitlines())
        if kernel.constants:
            yield "    # " + "  ".join(f"{name} = {c}" for name, c in kernel.constants.items())
    yield ""


def listings(report: Report, ir: bool, assembly: bool, micro: bool, only: str) -> Iterator[str]:
    """Native code of the kernels and functions that fit ``only``, under a line that names them."""
    seen: set[str] = set()
    multiply = {entry.kernel for entry in report.contractions}
    for kernel in report.kernels:
        loops = micro and kernel.name in multiply
        if not (ir or assembly or loops):
            continue
        shown = []
        if fnmatch(kernel.name, only):
            shown.append((kernel.name, kernel.llvm_ir, kernel.assembly))
        else:
            shown += [
                (f"{kernel.name}, {f.name}", f.llvm_ir, f.assembly)
                for f in kernel.functions.values()
                if fnmatch(f.name, only)
            ]
        for name, ir_text, assembly_text in shown:
            loop = micro_kernel(assembly_text)
            parts = ((ir, "LLVM IR", ir_text), (assembly, "assembly", assembly_text),
                     (loops and bool(loop), "micro-kernel", loop))  # fmt: skip
            for wanted, what, text in parts:
                if wanted and text not in seen:  # tiles are the same in many kernels
                    seen.add(text)
                    yield f"{what} of {name}\n\n{text}\n"


def _log(report: Report) -> Iterator[str]:
    yield "log"
    yield from ("  " + line for line in report.log)
    if report.cache:
        yield "  cache: " + ", ".join(f"{k} {v}" for k, v in report.cache.items())
