"""Runs whose sizes depend on data: stage by stage, each bound when its sizes are known.

A stage ends after a step that decides sizes (``boolean_mask``, a loop that ends when it has to):
:mod:`runtime.segments`.  Temporaries live in a block of their stage, because an arena is planned
for known sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from graphc.errors import ResourceExhaustedError
from graphc.ir import dims
from graphc.ir.dtype import as_dtype
from graphc.lowering.program import Buffer, Copy, Host, Place
from runtime.interrupts import deferred_interrupt
from runtime.memory import ALIGNMENT, aligned_empty, amount, require_room, stage_exhausted
from runtime.ranks import Results
from runtime.segments import Layout, Own, Segment, Span, is_alone
from runtime.transaction import host_results, put_back, view_of_turn

MOST_LAYOUTS = 256  # kept of a Program


class Stretched(Exception):
    """Sizes the run counted turned out to be 1 where an axis meets another: it needs the Program
    that broadcasts them, ``sizes`` by name."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__()
        self.sizes = sizes


def run_staged(
    store: Any,
    loaded: Any,
    sizes: dict[str, int],
    arrays: Sequence[np.ndarray],
    called: Results,
    probing: bool = False,
) -> tuple:
    """The values of the fetches; all of the run or nothing, as :mod:`runtime.transaction` says.

    ``sizes`` are those known before it starts.  :class:`Stretched` asks for another Program.

    Functions whose results are in ``called`` are not called again; those of others are put there.
    ``probing``: for its values only, the session's state is put back.
    """
    loaded.require_variables(store)
    gate = store.gate
    with gate.writing() if loaded.exclusive else gate.reading():
        run = _Run(loaded, dict(sizes), arrays, called)
        steps = loaded.spans
        danger = loaded.spans_that_fail
        saved = loaded.back_up(everything=probing)
        try:
            for step in steps[:danger]:
                run.prepare(step)()
            rest = [run.prepare(step) for step in steps[danger:]]
            if probing:
                for act in rest:
                    act()
        except BaseException:
            with deferred_interrupt():
                put_back(saved)
            raise
        with deferred_interrupt():
            if probing:
                put_back(saved)
                return run.results()
            for act in rest:  # no memory is asked for from here on
                act()
            loaded.account(store)
    return run.results()


class _Run:
    def __init__(
        self, loaded: Any, values: dict[str, int], arrays: Sequence[np.ndarray], called: Results
    ) -> None:
        self.loaded = loaded
        self.program = loaded.program
        self.values = values
        self.given = frozenset(values)
        self.called = called
        self.memory: dict[int, np.ndarray] = dict(loaded.arrays)
        self.segment: Segment | None = None  # that is running, or ran last
        self.blocks: list[tuple[np.ndarray, int, Layout]] = []  # with their addresses
        for feed, array in zip(self.program.feeds, arrays, strict=True):
            self.memory[feed.buffer] = array

    def number(self, dim: dims.Dim) -> int:
        return dims.evaluate(dim, self.values)

    def array(self, buffer: int) -> np.ndarray:
        """A buffer's memory."""
        kind = self.program.buffers[buffer]
        if kind.place is Place.SLICE:
            assert self.segment is not None
            base, loop = kind.key
            row = [self.number(d) for d in kind.shape]
            return view_of_turn(self.array(base), self.segment.turn(loop), row)
        if kind.place is Place.STEP:
            assert self.segment is not None
            return np.asarray(self.segment.step_of(buffer), np.int32)
        found = self.memory.get(buffer)
        if found is None:
            held = self.block_of(buffer)
            if held is None:
                found = self.new_array(kind, tuple(self.number(d) for d in kind.shape))
            else:
                block, _, own = held
                dtype = as_dtype(kind.dtype).numpy
                end = own.offset + prod(own.shape) * dtype.itemsize
                found = block[own.offset : end].view(dtype).reshape(own.shape)
            self.memory[buffer] = found
        return found

    def address(self, buffer: int) -> int:
        """Where a buffer lies that is no slice."""
        held = self.block_of(buffer) if buffer not in self.memory else None
        if held is None:
            return self.array(buffer).ctypes.data
        _, start, own = held
        return start + own.offset

    def block_of(self, buffer: int) -> tuple[np.ndarray, int, Own] | None:
        """The block a temporary lies in, if its segment has one, with the block's address."""
        for block, start, layout in self.blocks:
            own = layout.own.get(buffer)
            if own is not None:
                return block, start, own
        return None

    def take_block(self, layout: Layout) -> int:
        """Memory for the temporaries of a segment; its address."""
        try:
            require_room(layout.size)
            block = aligned_empty((max(layout.size, ALIGNMENT),), np.dtype(np.uint8))
        except (MemoryError, ValueError):
            raise stage_exhausted(layout) from None
        start = block.ctypes.data
        self.blocks.append((block, start, layout))
        return start

    def new_array(self, kind: Buffer, shape: tuple[int, ...]) -> np.ndarray:
        dtype = as_dtype(kind.dtype)
        size = prod(shape) * dtype.size
        try:
            require_room(size)
            return aligned_empty(shape, dtype.numpy)
        except (MemoryError, ValueError):
            raise ResourceExhaustedError(
                f"{amount(size)} for {dtype}{list(shape)} cannot be had; no variable has changed",
                subject=kind.label,
                hint="feed smaller batches",
            ) from None

    def view(self, buffer: int, shape: Sequence[int] | None = None) -> np.ndarray:
        array = self.array(buffer)
        return array if shape is None else array.reshape(tuple(shape))

    def prepare(self, span: Span) -> Callable[[], object]:
        """Ask for all the memory some steps need; what remains to be done."""
        step = self.program.steps[span[0]]
        if not is_alone(self.program, step):
            return Segment(self, self.layout(span))
        if isinstance(step, Copy):
            there, here = self.array(step.target), self.array(step.source)
            return partial(np.copyto, there, here.reshape(there.shape))
        return partial(self.host, step)

    def layout(self, span: Span) -> Layout:
        """The layout of some steps for the sizes known now, perhaps from an earlier run."""
        kept: dict[tuple, Layout] = self.loaded.layouts
        key = (span, tuple(sorted(self.values.items())))
        found = kept.get(key)
        if found is None:
            if len(kept) >= MOST_LAYOUTS:
                kept.clear()
            found = kept[key] = Layout(self.loaded, span, dict(self.values))
        return found

    def host(self, step: Host, turns: Sequence[int] = ()) -> None:
        """Run a step in Python; in a loop, for these turns."""
        key = "".join((step.node, *(f", turn {turn}" for turn in turns)))
        results = self.called.get(key)
        if results is None:
            operands = [
                self.view(b, [self.number(d) for d in shape]).copy()
                for b, shape in zip(step.operands, step.shapes, strict=True)
            ]
            results = self.called[key] = host_results(step, operands, self.values)
        for number, axis, symbol in step.binds:
            if axis is None:
                self.values |= step.op.binds(results[number])
            else:
                self.values[symbol] = results[number].shape[axis]
        if step.binds:
            self.check_sizes()
        for buffer, result in zip(step.results, results, strict=True):
            there = self.array(buffer)
            # NumPy would drop the zero bytes at the end of a lone string
            np.copyto(there, np.asarray(result, object) if there.dtype.hasobject else result)

    def check_sizes(self) -> None:
        """Hold the sizes known so far against what type rules took for granted."""
        from runtime.executor import failed_checks

        stretched = failed_checks(self.program.checks, self.values)
        counted = {name: size for name, size in stretched.items() if name not in self.given}
        if counted:
            raise Stretched(counted)

    def results(self) -> tuple:
        out = []
        for fetch in self.program.fetches:
            array = self.array(fetch.buffer).reshape(tuple(self.number(d) for d in fetch.shape))
            out.append(array if array.ndim else array[()])
        return tuple(out)
