"""The CPU executor: Programs compiled on demand, plans per size, runs as one native call.

A prepared run keeps the plan it used last.  If the values fit that plan (the native entry checks
their headers), a run is: fresh arrays for the fetches, one native call.  Otherwise the values are
converted, sizes bound, and a plan found or made; a rank or a broadcast pattern not seen before compiles
another Program.  Every compile and plan leaves a line in the session's log with its reason.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from graphc.errors import ResourceExhaustedError, ShapeError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Node, Tensor
from graphc.ir.types import TensorType
from graphc.lowering.program import Check, Host, Launch, Place, Program
from runtime.blame import name_failure, raise_failure
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.boot import Native, native
from runtime.devices.cpu.table import RunState
from runtime.feeds import Feeds
from runtime.plan import ARENA, Plan, Sizes, base_name, bind
from runtime.programs import Loaded, load_program
from runtime.staged import run_staged
from runtime.variables import aligned_empty

PLANS_KEPT = 64


class Executor:
    """Runs a session's graph on the CPU."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.arenas: list[np.ndarray] = []
        self.exclusive = threading.RLock()

    def prepare(
        self, feeds: tuple[Tensor, ...], fetches: tuple[Tensor, ...], targets: tuple[Node, ...]
    ) -> Prepared:
        return Prepared(self, feeds, fetches, targets)

    def inspect(
        self,
        feeds: tuple[Tensor, ...],
        fetches: tuple[Tensor, ...],
        targets: tuple[Node, ...],
        values: Sequence[Any] | None = None,
    ) -> Any:
        from runtime.inspection import inspect_run

        return inspect_run(self, feeds, fetches, targets, values)

    def close(self) -> None:
        self.arenas.clear()

    def take_arena(self, size: int, program: Program) -> np.ndarray:
        """Memory for one run's temporaries; given back to ``arenas`` afterwards."""
        while self.arenas:
            arena = self.arenas.pop()
            if arena.size >= size:
                return arena
        try:
            return aligned_empty((size,), np.dtype(np.uint8))
        except MemoryError:
            raise out_of_memory(size, program) from None


def out_of_memory(size: int, program: Program) -> ResourceExhaustedError:
    return ResourceExhaustedError(
        f"{size / 2**20:.1f} MiB for temporaries cannot be had; nothing has run",
        subject=f"run of {', '.join(f.name for f in program.fetches) or 'operations'}",
        hint="feed smaller batches",
    )


@dataclass(eq=False)
class Context:
    """What one run in progress owns: its state, and the arena it is bound to."""

    state: RunState
    call: Any  # the prepared native call
    arena: np.ndarray | None = None


@dataclass(eq=False)
class Bound:
    """A plan with the contexts that are free to run it."""

    plan: Plan
    loaded: Loaded
    idle: list[Context] = field(default_factory=list)


class Prepared:
    """One kind of run: fixed feeds, fetches and targets."""

    checks_feeds = True

    def __init__(
        self,
        executor: Executor,
        feeds: tuple[Tensor, ...],
        fetches: tuple[Tensor, ...],
        targets: tuple[Node, ...],
    ) -> None:
        self.executor = executor
        self.feeds = feeds
        self.fetches = fetches
        self.targets = targets
        self.converter = Feeds(feeds)
        self.variants: dict[tuple, Loaded] = {}
        self.plans: OrderedDict[tuple, Bound] = OrderedDict()
        self.last: Bound | None = None
        self.lock = threading.Lock()

    def run(self, values: Sequence[Any]) -> tuple:
        """One NumPy value per fetch."""
        bound = self.last
        if bound is not None and bound.loaded.single_call:
            results = self._go(bound, values)
            if results is not None:
                return results
        return self._run_afresh(values)

    # --- the hot path --------------------------------------------------------------------------

    def _go(self, bound: Bound, values: Sequence[Any]) -> tuple | None:
        """One native call; None when the values do not fit the plan."""
        loaded, store = bound.loaded, self.executor.state.variables
        if not loaded.ready:
            loaded.require_variables(store)
        context = bound.idle.pop() if bound.idle else self._context(bound)
        arena = self._bind_arena(bound, context)
        results = [np.empty(shape, dtype) for shape, dtype in bound.plan.fetch_shapes]
        try:
            with loaded.access:
                backups = loaded.back_up(store) if loaded.program.backups else ()
                reason = context.call(*values, *results)
                if reason == codes.FEEDS_DIFFER:
                    return None
                if reason != codes.DONE:
                    self._finish(bound, context, reason, values, results, backups)
                if loaded.random:
                    for state in loaded.random:
                        state[1] += 1
        finally:
            if arena is not None:
                self.executor.arenas.append(arena)
            bound.idle.append(context)
        if not loaded.ready:
            loaded.mark_written(store)
        return tuple([r if r.ndim else r[()] for r in results])

    def _context(self, bound: Bound) -> Context:
        plan, loaded = bound.plan, bound.loaded
        machine = native()
        bases = {
            name: address for name, address in loaded.bases.items() if name in plan.table.bases
        }
        if ARENA in plan.table.bases:
            bases[ARENA] = 0
        pool = machine.pool.address if plan.table.parallel else 0
        state = plan.table.state(bases, pool)
        return Context(state, machine.prepare(state))

    def _bind_arena(self, bound: Bound, context: Context) -> np.ndarray | None:
        size = bound.plan.memory.peak
        if not size:
            return None
        arena = self.executor.take_arena(size, bound.plan.program)
        if context.arena is not arena:
            context.state.rebase(ARENA, arena.ctypes.data)
            context.arena = arena
        return arena

    def _finish(
        self,
        bound: Bound,
        context: Context,
        reason: int,
        values: Sequence[Any],
        results: list[np.ndarray],
        backups: Sequence[tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Everything a run may need Python for: the pool's threads, host rows, failures."""
        machine, state = native(), context.state
        memory = Memory(bound, context, values, results)
        try:
            while True:
                reason = machine.go_on(state, reason)
                if reason == codes.HOST_ROW:
                    step = bound.plan.program.steps[state.table.tags[int(state.words[codes.ROW])]]
                    memory.run_host(step)
                    reason = machine.walk(state.address)
                elif reason == codes.FAILED:
                    tag = state.table.tags[int(state.words[codes.ROW])]
                    step = bound.plan.program.steps[tag]
                    raise_failure(
                        bound.plan.program, step, int(state.words[codes.STATUS]), memory, bound.plan.values
                    )
                else:
                    return
        except BaseException:
            for array, saved in backups:
                array[...] = saved
            raise

    # --- the first time ------------------------------------------------------------------------

    def _run_afresh(self, values: Sequence[Any]) -> tuple:
        arrays = self.converter.convert(values)
        bound_sizes = self.converter.bind(arrays)
        with self.lock:
            loaded, sizes = self._program(arrays, bound_sizes)
            if loaded.single_call:
                bound = self._plan(loaded, sizes)
        loaded.require_variables(self.executor.state.variables)
        if not loaded.single_call:
            results = run_staged(self.executor, loaded, sizes, arrays)
            loaded.mark_written(self.executor.state.variables)
            return results
        results = self._go(bound, arrays)
        if results is None:
            raise AssertionError("bug in graphc: converted feeds do not fit the plan made for them")
        self.last = bound
        return results

    def _program(
        self, arrays: Sequence[np.ndarray], bound: dict[str, int]
    ) -> tuple[Loaded, dict[str, int]]:
        """The Program for these ranks and broadcast patterns, compiled if it is new."""
        types: dict[Tensor, TensorType] = {}
        sizes = dict(bound)
        for k, (tensor, array) in enumerate(zip(self.feeds, arrays, strict=True)):
            if tensor.type.shape is None:
                names = [f"fed_{k}_{axis}" for axis in range(array.ndim)]
                types[tensor] = TensorType(tensor.dtype, tuple(dims.symbol(n) for n in names))
                sizes |= dict(zip(names, array.shape, strict=True))
        ones: dict[str, Dim] = {}
        reason = "first run"
        while True:
            key = (tuple(t.rank for t in types.values()), tuple(sorted(ones)))
            loaded = self.variants.get(key)
            if loaded is None:
                loaded = self.variants[key] = load_program(
                    self.executor, self.feeds, self.fetches, self.targets, types, ones, reason
                )
            stretched = failed_checks(loaded.program.checks, sizes)
            fresh = {name: 1 for name in stretched if name not in ones}
            if not fresh:
                return loaded, sizes
            ones |= fresh
            reason = f"{', '.join(sorted(fresh))} = 1 broadcasts against another size"

    def _plan(self, loaded: Loaded, sizes: dict[str, int]) -> Bound:
        key = (id(loaded), tuple(sizes.values()))
        found = self.plans.get(key)
        if found is not None:
            self.plans.move_to_end(key)
            return found
        started = time.perf_counter()
        plan = bind(loaded.program, loaded.sizes, loaded.addresses, sizes)
        names = ", ".join(f"{k}={v}" for k, v in sizes.items())
        milliseconds = (time.perf_counter() - started) * 1e3
        self.executor.state.note(
            f"plan [{loaded.title}] {names or 'no free sizes'}: {milliseconds:.1f} ms, "
            f"arena {plan.memory.peak} bytes (bound {plan.memory.bound})"
        )
        bound = self.plans[key] = Bound(plan, loaded)
        while len(self.plans) > PLANS_KEPT:
            self.plans.popitem(last=False)
        return bound


def failed_checks(checks: Sequence[Check], sizes: Mapping[str, int]) -> list[str]:
    """Symbols of size 1 that stretch against another size; a real disagreement raises."""
    stretched: list[str] = []
    for check in checks:
        left, right = (dims.substitute(d, sizes) for d in (check.left, check.right))
        if left == right or not (isinstance(left, int) and isinstance(right, int)):
            continue
        for dim, value in ((check.left, left), (check.right, right)):
            atom = dims.single_atom(dim)
            if value == 1 and isinstance(atom, dims.Symbol) and check.what.startswith("axis"):
                stretched.append(atom.name)
                break
        else:
            raise ShapeError(
                f"sizes that must agree differ ({check.what})",
                subject=check.node,
                rows=[(str(check.left), str(left), ""), (str(check.right), str(right), "")],
                site=check.site,
            )
    return stretched


class Memory:
    """The buffers of one run as arrays, for host steps and for finding what failed."""

    def __init__(
        self, bound: Bound, context: Context, values: Sequence[Any], results: Sequence[np.ndarray]
    ) -> None:
        self.bound = bound
        self.context = context
        self.values = values
        self.results = results

    def view(self, number: int, shape: Sequence[int] | None = None) -> np.ndarray:
        program = self.bound.plan.program
        buffer = program.buffers[number]
        shape = tuple(self.bound.plan.shapes[number]) if shape is None else tuple(shape)
        dtype = as_dtype(buffer.dtype).numpy
        match buffer.place:
            case Place.FEED:
                return np.asarray(self.values[int(buffer.key)]).reshape(shape)
            case Place.FETCH:
                return self.results[int(buffer.key)].reshape(shape)
            case Place.ARENA:
                start = self.bound.plan.memory.offsets[number]
                size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
                return self.context.arena[start : start + size].view(dtype).reshape(shape)
        return self.bound.loaded.arrays[number].reshape(shape)

    def run_host(self, step: Any) -> None:
        assert isinstance(step, Host)
        values = self.bound.plan.values
        operands = [
            self.view(b, [dims.evaluate(d, values) for d in shape]).copy()
            for b, shape in zip(step.operands, step.shapes, strict=True)
        ]
        results = host_results(step, operands)
        for buffer, result in zip(step.results, results, strict=True):
            np.copyto(self.view(buffer), result)


def host_results(step: Host, operands: list[np.ndarray]) -> list[np.ndarray]:
    """What the op's Python function gives, one array per output."""
    try:
        results = step.op.host(*operands)
    except Exception as error:
        site = step.origin.sites[0] if step.origin.sites else None
        name_failure(error, step.op, step.node, site)
        raise
    return list(results) if isinstance(results, list | tuple) else [results]
