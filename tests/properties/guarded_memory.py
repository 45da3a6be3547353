"""Runs whose every buffer lies between pages that nobody may touch, and starts out as no number.

Feeds, results and temporaries end where their last page does, up to their alignment; a kernel that
reads or writes a vector beyond them ends the process.  So this is a program of its own:

    python -m tests.properties.guarded_memory FIRST LAST    random models of these numbers
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from graphc.lowering.memory_plan import MemoryPlan, aligned
from runtime import executor, plan
from tests.properties import random_epilogues, random_windows

PAGE = mmap.PAGESIZE
POISON = 0xFF  # bytes of it are no number, in any floating dtype
Pages = tuple[mmap.mmap, int]

_mprotect = ctypes.CDLL(None).mprotect
_mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_closed: dict[int, tuple[int, ...]] = {}  # by the size of an arena: where its closed pages are


def close(address: int) -> None:
    if _mprotect(address, PAGE, 0):
        raise OSError("a page cannot be closed")


def poisoned(size: int) -> Pages:
    """Whole pages of memory and their address."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    view = np.frombuffer(memory, np.uint8)
    view[:] = POISON
    return memory, view.ctypes.data


def pages_of(size: int) -> int:
    return -(-size // PAGE) * PAGE


def guarded(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array that ends where a page ends, closed pages on both sides."""
    kind = np.dtype(dtype)
    if kind.hasobject:
        return np.empty(shape, kind)
    size = prod(shape) * kind.itemsize
    inside = max(PAGE, pages_of(size))
    memory, address = poisoned(inside + 2 * PAGE)
    close(address)
    close(address + PAGE + inside)
    return np.ndarray(shape, kind, memory, PAGE + inside - size)


def guarded_plan(
    ranges: Mapping[int, tuple[int, int]], sizes: Mapping[int, int]
) -> MemoryPlan:  # fmt: skip
    """Every buffer apart from all others, each before a closed page."""
    offsets, closed, top = dict.fromkeys(ranges, 0), [0], PAGE
    for buffer in ranges:
        size = aligned(sizes[buffer])
        if size:
            top += pages_of(size)
            offsets[buffer] = top - size
            closed.append(top)
            top += PAGE
    if top == PAGE:
        return MemoryPlan(offsets, 0, 0)
    while top in _closed:  # so that a size tells whose arena it is
        top += PAGE
    _closed[top] = tuple(closed)
    return MemoryPlan(offsets, top, top)


class GuardedArena:
    """Stands where the runtime's arena does; good for one plan alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.memory, self.address = poisoned(size)
        for offset in _closed[size]:
            close(self.address + offset)


def fresh_arena(owner: Any, size: int) -> GuardedArena:
    """Instead of one of another run, which may be another plan's."""
    owner.arenas.clear()
    return GuardedArena(size)


class _Numpy:
    """NumPy, whose empty arrays are guarded."""

    empty = staticmethod(guarded)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def guard() -> None:
    """Let all runs from here on be guarded."""
    plan.plan_memory = guarded_plan
    executor.Arena = GuardedArena
    executor.np = _Numpy()
    executor.new_results = lambda results: [guarded(*result) for result in results]
    executor.Executor.take_arena = fresh_arena


def placed(array: np.ndarray) -> np.ndarray:
    kept = guarded(array.shape, array.dtype)
    kept[...] = array
    return kept


def main(first: int, last: int) -> None:
    guard()
    for seed in range(first, last):
        for values in (random_windows.values, random_epilogues.values):
            values(seed, "/cpu:0", threads=1 + seed % 2, place=placed)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
