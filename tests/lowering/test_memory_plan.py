"""The memory plan: nothing that lives together overlaps, and little is wasted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphc.lowering import memory_plan
from graphc.lowering.memory_plan import ALIGNMENT, plan_memory

RANGES = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 12), st.integers(0, 5000)), max_size=60
)


def overlaps(ranges, sizes, offsets) -> list[tuple[int, int]]:
    """Pairs of buffers that live together and share a byte, found by looking at every pair."""
    return [
        (a, b)
        for a in ranges
        for b in ranges
        if a < b
        and sizes[a] > 0 < sizes[b]
        and ranges[a][0] <= ranges[b][1]
        and ranges[b][0] <= ranges[a][1]
        and offsets[a] < offsets[b] + sizes[b]
        and offsets[b] < offsets[a] + sizes[a]
    ]


def planned(rows, exhaustive: int):
    ranges = {k: (first, first + length) for k, (first, length, _) in enumerate(rows)}
    sizes = {k: size for k, (_, _, size) in enumerate(rows)}
    before, memory_plan.EXHAUSTIVE = memory_plan.EXHAUSTIVE, exhaustive
    try:
        return ranges, sizes, plan_memory(ranges, sizes)
    finally:
        memory_plan.EXHAUSTIVE = before


@given(RANGES)
def test_small_programs_never_overlap(rows) -> None:
    ranges, sizes, plan = planned(rows, exhaustive=1500)
    assert overlaps(ranges, sizes, plan.offsets) == []
    assert plan.peak >= plan.bound
    assert all(offset % ALIGNMENT == 0 for offset in plan.offsets.values())


@given(RANGES, st.integers(0, 6))
def test_large_programs_never_overlap(rows, exhaustive) -> None:
    ranges, sizes, plan = planned(rows, exhaustive)
    assert overlaps(ranges, sizes, plan.offsets) == []
    assert plan.peak >= plan.bound


def test_few_large_buffers_are_placed_well_among_many_small_ones() -> None:
    large = [(0, 1, 3200), (5, 2, 9600), (4, 3, 3200), (9, 2, 12800), (6, 5, 12800), (8, 4, 3200)]
    small = [(k % 8, 2, 64) for k in range(40)]
    _, _, plan = planned(large + small, exhaustive=len(large))
    assert plan.peak <= plan.bound + 64 * len(small)


def test_a_chain_takes_two_buffers() -> None:
    ranges = {k: (k, k + 1) for k in range(50)}
    plan = plan_memory(ranges, dict.fromkeys(ranges, 6400))
    assert plan.peak == plan.bound == 2 * 6400


def test_the_checker_sees_an_overlap() -> None:
    assert overlaps({0: (0, 2), 1: (1, 3)}, {0: 64, 1: 64}, {0: 0, 1: 0}) == [(0, 1)]
