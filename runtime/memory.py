"""Memory of runs: arenas for temporaries, arrays for results, and the error when there is none.

Large results come from blocks that are used again once the caller has let go of the array: fresh
pages cost a sixth of what it takes to compute them.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from math import prod
from threading import Lock
from typing import Any

import numpy as np

from graphc.errors import ResourceExhaustedError
from graphc.ir.dtype import as_dtype
from graphc.lowering.program import Program

ALIGNMENT = 64
RECYCLED_FROM = 1 << 20  # bytes of a result from which its memory is used again
IDLE_BYTES = 128 << 20  # of blocks nobody uses
LARGE = 1 << 30  # bytes from which a request is held against the machine's memory
OWNERS_SHOWN = 3

Result = tuple[tuple[int, ...], np.dtype]


class Arena:
    """Memory for the temporaries of one run at a time."""

    __slots__ = ("address", "memory", "size")

    def __init__(self, size: int) -> None:
        self.memory = aligned_empty((size,), np.dtype(np.uint8))
        # Asked for once: each time would cost as much as a run.
        self.address = self.memory.ctypes.data
        self.size = size


def aligned_empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised C-contiguous array whose first element is at a 64-byte boundary."""
    if dtype.hasobject:
        return np.empty(shape, dtype)
    size = prod(shape) * dtype.itemsize
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size].view(dtype).reshape(shape)


class _Lease(np.ndarray):
    """What a result's memory belongs to; at its end the block goes back."""

    block: mmap.mmap
    blocks: Blocks

    def __del__(self) -> None:
        block = self.__dict__.pop("block", None)
        if block is not None:
            self.__dict__.pop("blocks").put(block)


class Blocks:
    """Blocks of memory for results, by size; those idle longest go beyond ``IDLE_BYTES``."""

    def __init__(self) -> None:
        self.idle: OrderedDict[int, mmap.mmap] = OrderedDict()  # by id, oldest first

    def array(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An uninitialised array; its block comes back when the last view of it is gone."""
        block = self._take(_rounded(prod(shape) * dtype.itemsize))
        lease = np.ndarray.__new__(_Lease, (len(block),), np.uint8, block)
        lease.block, lease.blocks = block, self
        return np.ndarray(shape, dtype, lease)

    def _take(self, size: int) -> mmap.mmap:
        for key, block in tuple(self.idle.items()):
            if len(block) == size and self.idle.pop(key, None) is not None:
                return block
        try:
            return _pages(size)
        except OSError:
            raise MemoryError(f"{size} bytes") from None

    def put(self, block: mmap.mmap) -> None:
        """Keep a block for the next result of its size; no lock, for any thread may end a lease."""
        self.idle[id(block)] = block
        while sum(map(len, tuple(self.idle.values()))) > IDLE_BYTES:
            try:
                self.idle.popitem(last=False)
            except KeyError:
                return


class Nowhere:
    """Where empty operands lie: pages no run writes, as far as any index into them may reach.

    A kernel clamps an index that is out of range and reads on, and of what is empty there is no
    first element to read.  Pages that nobody has touched cost no memory.
    """

    MOST = 1 << 40  # bytes one mapping may span

    def __init__(self) -> None:
        self.held: list[mmap.mmap] = []  # plans made earlier have the addresses of the smaller ones
        self.address = 0
        self.size = 0
        self.lock = Lock()

    def reach(self, size: int) -> int:
        """The address of at least ``size`` readable bytes."""
        with self.lock:
            if size > self.size:
                size = min(max(2 * self.size, _rounded(size), 1 << 16), self.MOST)
                try:
                    pages = _untouched(size)
                except OSError:
                    raise MemoryError(f"{size} bytes of address space") from None
                self.held.append(pages)
                self.address = np.frombuffer(pages, np.uint8).ctypes.data
                self.size = size
            return self.address


NOWHERE = Nowhere()


def _untouched(size: int) -> mmap.mmap:
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    # Only read: such pages are not counted against the machine's memory.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    return mmap.mmap(-1, size, flags=flags, prot=mmap.PROT_READ)


def _pages(size: int) -> mmap.mmap:
    if not hasattr(mmap, "MAP_PRIVATE"):
        return mmap.mmap(-1, size)
    # Not shared: after a fork, parent and child each have their own.
    block = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        block.madvise(mmap.MADV_HUGEPAGE)
    return block


def _rounded(size: int) -> int:
    """Up to the next of eight sizes per power of two, so that like sizes share blocks."""
    step = max(mmap.PAGESIZE, 1 << max(0, size.bit_length() - 4))
    return -(-max(1, size) // step) * step


blocks = Blocks()


def nbytes(result: Result) -> int:
    shape, dtype = result
    return prod(shape) * dtype.itemsize


def new_results(results: Sequence[Result]) -> list[np.ndarray]:
    """An array for each result, large ones from blocks used before."""
    return [
        blocks.array(*result)
        if nbytes(result) >= RECYCLED_FROM and not result[1].hasobject
        else np.empty(*result)
        for result in results
    ]


@cache
def machine_bytes() -> int:
    """The memory this process could have at most: the machine's, or its container's."""
    try:
        most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            with open(path) as file:
                text = file.read().strip()
        except OSError:
            continue
        if text.isdigit():
            most = min(most, int(text))
    return most


def require_room(size: int) -> None:
    """Raise MemoryError for more than the machine has: the system would promise it and kill us."""
    if size >= LARGE and size > machine_bytes():
        raise MemoryError(f"{size} bytes")


def temporaries_exhausted(plan: Any) -> ResourceExhaustedError:
    """The error when the arena cannot be had: how much, and the largest of what it would hold."""
    what = f"{amount(plan.memory.peak)} for temporaries"
    return _exhausted(what, plan.program, plan.shapes, plan.memory.offsets)


def stage_exhausted(layout: Any) -> ResourceExhaustedError:
    """The error when memory for a stage's temporaries cannot be had, of a run that has begun."""
    shapes = {buffer: own.shape for buffer, own in layout.own.items()}
    what = f"{amount(layout.size)} for temporaries"
    return _exhausted(what, layout.program, shapes, shapes, "no variable has changed")


def results_exhausted(plan: Any) -> ResourceExhaustedError:
    """The error when the fetched arrays cannot be had."""
    size = sum(map(nbytes, plan.fetch_shapes))
    buffers = [fetch.buffer for fetch in plan.program.fetches]
    return _exhausted(f"{amount(size)} for results", plan.program, plan.shapes, buffers)


def _exhausted(
    what: str,
    program: Program,
    shapes: Sequence[tuple[int, ...]] | Mapping[int, tuple[int, ...]],
    buffers: Iterable[int],
    so_far: str = "nothing has run",
) -> ResourceExhaustedError:
    origins = {b: step.origin for step in reversed(program.steps) for b in program.writes(step)}
    sizes = {b: prod(shapes[b]) * as_dtype(program.buffers[b].dtype).size for b in buffers}
    rows = []
    for b in sorted(sizes, key=lambda b: (-sizes[b], b))[:OWNERS_SHOWN]:
        sites = origins[b].sites if b in origins else ()
        line = f", {sites[0].short}" if sites else ""
        kind = f"{program.buffers[b].dtype}{list(shapes[b])}"
        rows.append((program.buffers[b].label, kind, f"{amount(sizes[b])}{line}"))
    return ResourceExhaustedError(
        f"{what} cannot be had; {so_far}",
        subject=f"run of {', '.join(f.name for f in program.fetches) or 'operations'}",
        rows=rows,
        hint="feed smaller batches",
    )


def amount(size: int) -> str:
    """``1.5 GiB``."""
    for unit, scale in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"
