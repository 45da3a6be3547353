"""The memory plan: from live ranges and sizes to arena offsets.  A pure function.

Offsets are multiples of :data:`ALIGNMENT`.  Two buffers whose ranges overlap never share a byte.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Mapping
from dataclasses import dataclass

ALIGNMENT = 64
EXHAUSTIVE = 1500  # buffers among which every neighbour is looked at


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
    live = {b: (first, last, aligned(sizes[b])) for b, (first, last) in ranges.items() if sizes[b]}
    ways = (_by_size,) if len(live) <= EXHAUSTIVE else (_by_start, _small_above)
    placed = min((way(live) for way in ways), key=lambda offsets: _end(live, offsets))
    offsets = dict.fromkeys(ranges, 0) | placed  # what is empty lies anywhere
    return MemoryPlan(offsets, _end(live, placed), lower_bound(live))


def _end(live: Mapping[int, tuple[int, int, int]], offsets: Mapping[int, int]) -> int:
    return max((offset + live[b][2] for b, offset in offsets.items()), default=0)


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
    for buffer, (first, last, size) in sorted(
        live.items(), key=lambda i: (-i[1][2], i[1][0], i[0])
    ):
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
    gaps = _Gaps()
    ends: list[tuple[int, int, int]] = []  # (last, offset, size), a heap
    for buffer, (first, last, size) in sorted(live.items(), key=lambda i: (i[1][0], i[0])):
        while ends and ends[0][0] < first:
            _, offset, freed = heapq.heappop(ends)
            gaps.give(offset, offset + freed)
        offsets[buffer] = gaps.take(size)
        heapq.heappush(ends, (last, offsets[buffer], size))
    return offsets


def _small_above(live: Mapping[int, tuple[int, int, int]]) -> dict[int, int]:
    """The largest as if they were alone, the many others above them."""
    by_size = sorted(live, key=lambda b: (-live[b][2], b))
    large = {b: live[b] for b in by_size[:EXHAUSTIVE]}
    small = {b: live[b] for b in by_size[EXHAUSTIVE:]}
    offsets = _by_size(large)
    above = _end(large, offsets)
    return offsets | {b: above + offset for b, offset in _by_start(small).items()}


class _Gaps:
    """The free ranges below ``top``, never touching one another."""

    def __init__(self) -> None:
        self.top = 0
        self.end_of: dict[int, int] = {}
        self.start_of: dict[int, int] = {}
        self.by_size: list[tuple[int, int]] = []  # (size, start), sorted

    def take(self, size: int) -> int:
        """The start of a range of ``size``: in the tightest gap, else at the top."""
        k = bisect.bisect_left(self.by_size, (size, -1))
        if k < len(self.by_size):
            start = self.by_size[k][1]
            end = self._remove(start)
            if start + size < end:
                self._insert(start + size, end)
            return start
        start = self.start_of.get(self.top, self.top)
        if start < self.top:
            self._remove(start)
        self.top = start + size
        return start

    def give(self, start: int, end: int) -> None:
        """Free a range, joined with the gaps it touches."""
        if end in self.end_of:
            end = self._remove(end)
        if start in self.start_of:
            start = self.start_of[start]
            self._remove(start)
        self._insert(start, end)

    def _insert(self, start: int, end: int) -> None:
        self.end_of[start] = end
        self.start_of[end] = start
        bisect.insort(self.by_size, (end - start, start))

    def _remove(self, start: int) -> int:
        end = self.end_of.pop(start)
        del self.start_of[end]
        del self.by_size[bisect.bisect_left(self.by_size, (end - start, start))]
        return end
