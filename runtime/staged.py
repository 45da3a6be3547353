"""Runs whose sizes depend on data: stage by stage, each bound when its sizes are known.

A stage ends after a host step that decides sizes (``boolean_mask``).  Temporaries live in arrays of
their own here, because an arena is planned for known sizes.
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
from graphc.lowering.program import GRAIN, Buffer, Copy, Host, Jumps, Launch, Place, Turns
from runtime.blame import raise_failure
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.table import Entry, RunState, TableBuilder
from runtime.interrupts import deferred_interrupt
from runtime.memory import aligned_empty, amount, require_room
from runtime.plan import PARALLEL_FROM, cut_block
from runtime.ranks import Results
from runtime.segments import Segment, Span, spans
from runtime.transaction import host_results, put_back, view_of_turn


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
        steps = spans(loaded.program)
        danger = max((k for k, s in enumerate(steps) if run.can_fail(s)), default=-1) + 1
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


def can_fail(step: Any) -> bool:
    if isinstance(step, Turns):
        return bool(step.counts)  # there may be no room for what it stacks
    return isinstance(step, Host) or (isinstance(step, Launch) and bool(step.checks))


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
        for feed, array in zip(self.program.feeds, arrays, strict=True):
            self.memory[feed.buffer] = array

    def number(self, dim: dims.Dim) -> int:
        return dims.evaluate(dim, self.values)

    def can_fail(self, span: Span) -> bool:
        return any(can_fail(step) for step in self.program.steps[slice(*span)])

    def first_size(self, buffer: int) -> str:
        """The symbol that is a buffer's first size, if it is one."""
        shape = self.program.buffers[buffer].shape
        atom = dims.single_atom(shape[0]) if shape else None
        return atom.name if isinstance(atom, dims.Symbol) else ""

    def array(
        self, buffer: int, chunks: int = 1, room: Mapping[str, int] | None = None
    ) -> np.ndarray:
        """A buffer's memory; ``room`` is for how many turns of loops that count them."""
        kind = self.program.buffers[buffer]
        if kind.place is Place.SLICE:
            assert self.segment is not None
            base, loop = kind.key
            row = [self.number(d) for d in kind.shape]
            return view_of_turn(self.array(base), self.segment.turn(loop), row)
        if kind.place is Place.STEP:
            return self.step_of(buffer)
        found = self.memory.get(buffer)
        if found is None:
            values = {**self.values, **(room or {})}
            shape = tuple(dims.evaluate(d, values) for d in kind.shape)
            if kind.per_chunk:
                shape = (chunks, *shape)
            found = self.memory[buffer] = self.new_array(kind, shape)
        return found

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

    def step_of(self, buffer: int) -> np.ndarray:
        """The number of the turn that a loop is in."""
        assert self.segment is not None
        steps = self.segment.steps.values()
        loop = next(s.loop for s in steps if isinstance(s, Turns) and s.step == buffer)
        return np.asarray(self.segment.turn(loop), np.int32)

    def prepare(self, span: Span) -> Callable[[], object]:
        """Ask for all the memory some steps need; what remains to be done."""
        step = self.program.steps[span[0]]
        if span[1] - span[0] > 1 or isinstance(step, Jumps):
            return Segment(self, span)
        match step:
            case Launch():
                return self.launch(step)
            case Copy(source, target):
                there, here = self.array(target), self.array(source)
                return partial(np.copyto, there, here.reshape(there.shape))
        return partial(self.host, step)

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

    def launch(self, step: Launch) -> Callable[[], object]:
        """The launch as a table of its own, to be run."""
        wanted = {d for b in step.blocks for d in (*b.strides, *b.sizes, b.extent, b.inner)}
        wanted.discard(GRAIN)
        known = {d: self.number(d) for d in wanted}
        builder = TableBuilder()
        entries, total = [], 0.0
        for block in step.blocks:
            cut = cut_block(block, step.weight, known)
            if not cut.extent:
                continue
            total += cut.nanoseconds
            chunks = -(-cut.extent // cut.grain)
            words = [self.array(b, chunks).ctypes.data for b in block.buffers]
            words += [known[d] for d in block.strides]
            words += [cut.grain if d == GRAIN else known[d] for d in block.sizes]
            entries.append(Entry(builder.block(words), cut.extent, cut.grain))
        address = self.loaded.codes[step.kernel].address
        if entries:
            builder.launch(address, entries, total >= PARALLEL_FROM)
        image = builder.build()
        state = image.state({}, native().pool.address if image.parallel else 0)
        return partial(self.run, step, state)

    def run(self, step: Launch, state: RunState) -> None:
        if native().run(state) == codes.FAILED:
            raise_failure(self.program, step, int(state.words[codes.STATUS]), self, self.values)

    def results(self) -> tuple:
        out = []
        for fetch in self.program.fetches:
            array = self.array(fetch.buffer).reshape(tuple(self.number(d) for d in fetch.shape))
            out.append(array if array.ndim else array[()])
        return tuple(out)
