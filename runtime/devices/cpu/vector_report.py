"""What LLVM made of a kernel: vectors, calls, doubles, scalar loops.  For tests and reports."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphc.codegen.kernel import Kernel
from runtime.devices.cpu.compile import inspect_kernel


@dataclass(frozen=True)
class VectorReport:
    """What the optimised code of a kernel contains.

    ``scalar_loops`` counts innermost loops that are neither vector code nor the few rows left over
    beside a vector loop.
    """

    has_vector_code: bool
    has_call: bool
    has_double: bool
    scalar_loops: int


def vector_report(kernel: Kernel) -> VectorReport:
    return report_on(inspect_kernel(kernel).llvm_ir)


def report_on(text: str) -> VectorReport:
    """The report of optimised LLVM IR."""
    body = [line for line in text.splitlines() if line.startswith("  ")]
    return VectorReport(
        has_vector_code=any(re.search(r"<\d+ x \w+>", line) for line in body),
        has_call=any(re.search(r"\bcall\b", line) and "@llvm." not in line for line in body),
        has_double=any(re.search(r"\bdouble\b", line) for line in body),
        scalar_loops=_scalar_loops(text),
    )


def _scalar_loops(text: str) -> int:
    """Innermost loops LLVM did not mark as vectorised."""
    successors, metadata = _flow(text)
    loops = {}
    for latch, header in _back_edges(successors):
        loops[latch, header] = _loop_body(successors, latch, header)
    headers = {header for _, header in loops}
    vectorised = _marked_loops(text)
    return sum(
        metadata[latch] not in vectorised
        for (latch, header), blocks in loops.items()
        if not headers & (blocks - {header})
    )


def _flow(text: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The successors of every block, and the loop metadata of its branch, in textual order."""
    successors: dict[str, list[str]] = {}
    metadata: dict[str, str] = {}
    block = ""
    for line in text.splitlines():
        if label := re.match(r"([\w.$-]+):", line):
            block = label[1]
            successors[block] = []
        elif line.startswith("  br "):
            successors[block] = re.findall(r"label %([\w.$-]+)", line)
            node = re.search(r"!llvm\.loop !(\d+)", line)
            metadata[block] = node[1] if node else ""
    return successors, metadata


def _back_edges(successors: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Edges to a block that is still open in a depth-first walk from the first block."""
    first = next(iter(successors))
    found, seen, stack = [], {first}, [(first, iter(successors[first]))]
    open_blocks = {first}
    while stack:
        block, rest = stack[-1]
        target = next(rest, None)
        if target is None:
            stack.pop()
            open_blocks.discard(block)
        elif target in open_blocks:
            found.append((block, target))
        elif target not in seen:
            seen.add(target)
            open_blocks.add(target)
            stack.append((target, iter(successors[target])))
    return found


def _loop_body(successors: dict[str, list[str]], latch: str, header: str) -> set[str]:
    """The blocks from which ``latch`` is reached without passing ``header``, and both."""
    predecessors: dict[str, list[str]] = {block: [] for block in successors}
    for block, targets in successors.items():
        for target in targets:
            predecessors[target].append(block)
    body, waiting = {header, latch}, [latch]
    while waiting:
        block = waiting.pop()
        if block != header:
            fresh = [origin for origin in predecessors[block] if origin not in body]
            body.update(fresh)
            waiting.extend(fresh)
    return body


def _marked_loops(text: str) -> set[str]:
    """The loop metadata nodes that say ``isvectorized``."""
    nodes = dict(re.findall(r"^!(\d+) = (.*)$", text, re.MULTILINE))
    marks = {number for number, node in nodes.items() if "llvm.loop.isvectorized" in node}
    return {
        number for number, node in nodes.items() if marks.intersection(re.findall(r"!(\d+)", node))
    }
