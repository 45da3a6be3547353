"""The memory plan: from live ranges and sizes to arena offsets.  A pure function.

Offsets are multiples of :data:`ALIGNMENT`.  Two buffers whose ranges overlap never share a byte.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 64
EXHAUSTIVE = 1500  # buffers up to which every neighbour is looked at


@dataclass(frozen=True)
class MemoryPlan:
    """``offsets`` per buffer, ``peak`` bytes taken, ``bound`` the largest sum of live bytes."""

    offsets: dict[int, int]
    peak: int
    bound: int


def aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def plan_memory(ranges: Mapping[int, tuple[int, int]], sizes: Mapping[int, int]) -> MemoryPlan:
    """Place buffers (``ranges`` are first and last step, inclusive; ``sizes`` in bytes)."""
    live = {b: (first, last, aligned(sizes[b])) for b, (first, last) in ranges.items()}
    place = _by_size if len(live) <= EXHAUSTIVE else _by_start
    offsets = place(live)
    peak = max((offsets[b] + size for b, (_, _, size) in live.items()), default=0)
    return MemoryPlan(offsets, peak, lower_bound(live))


def lower_bound(live: Mapping[int, tuple[int, int, int]]) -> int:
    """The largest sum of sizes live at one step: no plan of this schedule takes less."""
    events: dict[int, int] = {}
    for first, last, size in live.values():
        events[first] = events.get(first, 0) + size
        events[last + 1] = events.get(last + 1, 0) - size
    now = most = 0
    for step in sorted(events):
        now += events[step]
        most = max(most, now)
    return most


def _by_size(live: Mapping[int, tuple[int, int, int]]) -> dict[int, int]:
    """Largest first, each at the lowest offset free over its whole range."""
    offsets: dict[int, int] = {}
    placed: list[tuple[int, int, int, int]] = []  # offset, end, first, last; by offset
    for buffer, (first, last, size) in sorted(live.items(), key=lambda i: (-i[1][2], i[1][0], i[0])):
        offset, best, best_gap = 0, None, None
        for start, end, begin, finish in placed:
            if finish < first or begin > last:
                continue
            gap = start - offset
            if gap >= size and (best_gap is None or gap < best_gap):
                best, best_gap = offset, gap
            offset = max(offset, end)
        at = offset if best is None else best
        offsets[buffer] = at
        bisect.insort(placed, (at, at + size, first, last))
    return offsets


def _by_start(live: Mapping[int, tuple[int, int, int]]) -> dict[int, int]:
    """In order of first use, each in the tightest free gap: near-linear, for large programs."""
    offsets: dict[int, int] = {}
    free: list[tuple[int, int]] = []  # (start, end), by start, never touching
    top = 0
    ends: list[tuple[int, int, int]] = []  # (last, offset, size), by last
    for buffer, (first, last, size) in sorted(live.items(), key=lambda i: (i[1][0], i[0])):
        while ends and ends[0][0] < first:
            _, offset, freed = ends.pop(0)
            _release(free, offset, offset + freed)
        fits = [(end - start, k) for k, (start, end) in enumerate(free) if end - start >= size]
        if fits:
            _, k = min(fits)
            start, end = free.pop(k)
            offsets[buffer] = start
            if start + size < end:
                free.insert(k, (start + size, end))
        else:
            if free and free[-1][1] == top:
                top = free.pop()[0]
            offsets[buffer] = top
            top += size
        bisect.insort(ends, (last, offsets[buffer], size))
    return offsets


def _release(free: list[tuple[int, int]], start: int, end: int) -> None:
    k = bisect.bisect(free, (start, end))
    if k < len(free) and free[k][0] == end:
        end = free.pop(k)[1]
    if k and free[k - 1][1] == start:
        k -= 1
        start = free.pop(k)[0]
    free.insert(k, (start, end))
