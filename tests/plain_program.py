"""A compiled Program run in plain Python: every kernel as its text stands, every buffer apart.

Temporaries start out poisoned, and launches are cut into several chunks, run last chunk first: what
a kernel computes must depend on neither.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphc.codegen.plain import run_kernel
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.ir.types import TensorType
from graphc.lowering.loops import GRAIN
from graphc.lowering.program import (
    Again,
    Block,
    Copy,
    Goto,
    Host,
    Label,
    Launch,
    Place,
    Program,
    Turns,
    Unless,
)
from graphc.ops.running.precision import reference_values
from runtime.devices.reference.sizes import Sizes

CHUNKS = 3
ENDLESS = 1 << 62  # turns of a loop that a step leads out of


class CheckFailed(Exception):
    """A kernel's check of its operands' values failed; ``node`` is the node it belongs to."""

    def __init__(self, node: str) -> None:
        super().__init__(f"a check of {node} failed")
        self.node = node


@dataclass
class Loop:
    """A loop that is being run."""

    start: Turns
    begin: int
    done: int
    trips: int

    @property
    def turn(self) -> int:
        return self.trips - 1 - self.done if self.start.reverse else self.done


class PlainRun:
    """One run of a Program."""

    def __init__(
        self,
        program: Program,
        feeds: list[np.ndarray],
        variables: MutableMapping[str, np.ndarray],
        random: Mapping[str, np.ndarray],
    ) -> None:
        self.program = program
        self.feeds = feeds
        self.variables = variables
        self.random = random
        self.sizes = Sizes()
        self.memory: dict[int, np.ndarray] = {}
        self.loops: dict[int, Loop] = {}
        self.written: dict[str, int] = {}

    def run(self) -> tuple[np.ndarray, ...]:
        for feed, array in zip(self.program.feeds, self.feeds, strict=True):
            assert self.sizes.learn(feed.shape, array.shape, feed.name), (
                f"{feed.name}: {array.shape}"
            )
        at = 0
        while at < len(self.program.steps):
            at = self._step(at)
        results = tuple(
            self._buffer(f.buffer).reshape([self._number(d) for d in f.shape])
            for f in self.program.fetches
        )
        for key, number in self.written.items():
            shape = [self._number(d) for d in self.program.buffers[number].shape]
            self.variables[key] = self.memory[number].reshape(shape)
        return results

    def _step(self, at: int) -> int:
        """Run one step; the next one's number."""
        match step := self.program.steps[at]:
            case Launch():
                self._launch(step)
            case Copy(source, target):
                self._buffer(target)[...] = self._buffer(source)
                self._note(target)
            case Host():
                self._host(step)
            case Turns():
                trips = ENDLESS if step.trips is None else self._number(step.trips)
                self.loops[step.loop] = Loop(step, at, 0, trips)
                self._count(step.loop)
                if trips <= 0:
                    return self._end_of(step.loop) + 1
            case Again(number):
                loop = self.loops[number]
                loop.done += 1
                self._count(number)
                if loop.done < loop.trips:
                    return loop.begin + 1
            case Unless(pred, label):
                if not self._buffer(pred)[0]:
                    return self._label(label)
            case Goto(label):
                return self._label(label)
        return at + 1

    def _count(self, number: int) -> None:
        """Tell the turns so far, where they are a size: what the loop stacks has as many rows."""
        loop = self.loops[number]
        if loop.start.counts:
            self.sizes.values[loop.start.counts] = loop.done

    def _end_of(self, loop: int) -> int:
        return next(
            k for k, s in enumerate(self.program.steps) if isinstance(s, Again) and s.loop == loop
        )

    def _label(self, label: int) -> int:
        return next(
            k for k, s in enumerate(self.program.steps) if isinstance(s, Label) and s.label == label
        )

    def _number(self, dim: Dim) -> int:
        return dims.evaluate(dim, self.sizes.values)

    def _buffer(self, number: int, chunks: int = 1) -> np.ndarray:
        """The memory of a buffer, flat."""
        buffer = self.program.buffers[number]
        if buffer.place is Place.SLICE:
            base, loop = buffer.key
            count, turn = self._number(dims.product(buffer.shape)), self.loops[loop].turn
            return self._rows(base, (turn + 1) * count)[turn * count :]
        if buffer.place is Place.STEP:
            turns = [loop.turn for loop in self.loops.values() if loop.start.step == number]
            return np.array(turns[:1] or [0], np.int32)
        if number in self.memory:
            return self.memory[number]
        match buffer.place:
            case Place.FEED:
                array = self.feeds[int(buffer.key)].ravel()
                array.flags.writeable = False
            case Place.CONSTANT:
                array = self.program.constants[int(buffer.key)].ravel()
            case Place.VARIABLE if buffer.key in self.variables:
                array = self.variables[buffer.key].ravel().copy()
            case Place.RANDOM:
                array = np.asarray(self.random[buffer.key[1]], np.uint64)
            case _:
                count = self._number(dims.product(buffer.shape)) * (
                    chunks if buffer.per_chunk else 1
                )
                if as_dtype(buffer.dtype).is_string:
                    array = self.memory[number] = np.full(count, None, object)
                    return array
                array = np.full(count, 0xA5, np.uint8).repeat(as_dtype(buffer.dtype).size)
                array = array.view(as_dtype(buffer.dtype).numpy)
        self.memory[number] = array
        return array

    def _rows(self, base: int, size: int) -> np.ndarray:
        """The first elements of a buffer that slices stand in, which may grow turn by turn."""
        array = self._buffer(base)
        if array.size < size:
            more = np.full(size - array.size, 0xA5, np.uint8).repeat(array.itemsize)
            array = self.memory[base] = np.concatenate([array, more.view(array.dtype)])
        return array[:size]

    def _launch(self, step: Launch) -> None:
        kernel = self.program.kernels[step.kernel]
        for block in step.blocks:
            extent = self._number(block.extent)
            grain = max(1, -(-extent // CHUNKS))
            chunks = -(-extent // grain)
            arrays = self._operands(kernel, block, chunks)
            known = {**self.sizes.values, dims.single_atom(GRAIN).name: grain}
            sizes = [dims.evaluate(d, known) for d in block.sizes]
            for chunk in reversed(range(chunks)):
                stop = min(extent, (chunk + 1) * grain)
                bad = run_kernel(kernel, arrays, sizes, chunk * grain, stop)
                if bad:
                    raise CheckFailed(step.checks[(bad & -bad).bit_length() - 1])
            for number, operand in zip(block.buffers, kernel.operands, strict=True):
                if operand.access != "r":
                    self._note(number)

    def _operands(self, kernel: Any, block: Block, chunks: int) -> list[np.ndarray]:
        strides = iter(block.strides)
        arrays = []
        for number, operand in zip(block.buffers, kernel.operands, strict=True):
            leading = [self._number(next(strides)) for _ in range(operand.rank - 1)]
            flat = self._buffer(number, chunks)
            steps = [*leading, 1]
            if 0 in steps or not flat.size:
                arrays.append(flat[:0].reshape([0] * operand.rank))
                continue
            shape = [flat.size // steps[0]]
            shape += [steps[k] // steps[k + 1] for k in range(len(leading))]
            arrays.append(flat.reshape(shape))
        return arrays

    def _host(self, step: Host) -> None:
        op = step.op.substitute(self.sizes.values)
        arrays = [
            self._buffer(b).reshape([self._number(d) for d in shape]).copy()
            for b, shape in zip(step.operands, step.shapes, strict=True)
        ]
        given = [
            TensorType(as_dtype(self.program.buffers[b].dtype), a.shape)
            for b, a in zip(step.operands, arrays, strict=True)
        ]
        results = [TensorType(as_dtype(self.program.buffers[b].dtype), None) for b in step.results]
        values = reference_values(op, arrays, given, results)
        for number, value in zip(step.results, values, strict=True):
            self.memory[number] = value.ravel()
        for result, axis, name in step.binds:
            self.sizes.values[name] = values[result].shape[axis]
        if hasattr(op, "binds"):
            self.sizes.values |= op.binds(values[0])

    def _note(self, number: int) -> None:
        buffer = self.program.buffers[number]
        if buffer.place is Place.VARIABLE:
            self.written[str(buffer.key)] = number


def run_program(
    program: Program,
    feeds: list[np.ndarray],
    variables: MutableMapping[str, np.ndarray] | None = None,
    random: Mapping[str, np.ndarray] | None = None,
) -> tuple[np.ndarray, ...]:
    """The fetches of a program; writes reach ``variables`` when the run succeeded."""
    given = {} if variables is None else variables
    return PlainRun(program, feeds, given, random or {}).run()
