"""The CPU executor: Programs compiled on demand, plans per size, runs as one native call.

A prepared run keeps the plan it used last.  If the values fit that plan (the native entry checks
their headers), a run is: fresh arrays for the fetches, one native call.  Otherwise the values are
converted, sizes bound, and a plan found or made; a rank or a broadcast pattern not seen before
compiles another Program.  Every compile and plan leaves a line in the session's log with its
reason.
"""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import numpy as np

from graphc.errors import FedShapeError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.graph import Node, Tensor
from graphc.ir.types import TensorType
from graphc.lowering.program import Check
from graphc.ops.running.host import ReturnedShapeError
from runtime.devices.cpu import table as codes
from runtime.devices.cpu.blas import ALONE
from runtime.devices.cpu.boot import native
from runtime.devices.cpu.table import RunState
from runtime.feeds import Feeds
from runtime.fetches import needed_nodes
from runtime.gate import Gate
from runtime.lasting import LASTING, Kept
from runtime.locks import Lock
from runtime.memory import (
    RECYCLED_FROM,
    Arena,
    nbytes,
    new_results,
    require_room,
    results_exhausted,
    temporaries_exhausted,
)
from runtime.plan import ARENA, Plan, bind
from runtime.programs import Loaded, asked_of, load_program
from runtime.ranks import Ranks, Results, call
from runtime.staged import Stretched, run_staged
from runtime.transaction import see_through, settle

PLANS_KEPT = 64
LIMIT_TRIALS = 4  # compilations until a plan keeps to a limit of memory


class Executor:
    """Runs a session's graph on the CPU."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.arenas: list[Arena] = []
        self.closed = False
        self.prepared: weakref.WeakSet[Prepared] = weakref.WeakSet()

    def prepare(
        self, feeds: tuple[Tensor, ...], fetches: tuple[Tensor, ...], targets: tuple[Node, ...]
    ) -> Prepared:
        prepared = Prepared(self, feeds, fetches, targets)
        self.prepared.add(prepared)
        return prepared

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
        """Free plans and arenas; a run in progress finishes on what it holds."""
        self.closed = True
        for prepared in tuple(self.prepared):
            prepared.forget()
        self.arenas.clear()

    def take_arena(self, size: int) -> Arena:
        """Memory for one run's temporaries; given back to ``arenas`` afterwards."""
        while True:
            try:
                arena = self.arenas.pop()
            except IndexError:
                return Arena(size)
            if arena.size >= size:
                return arena


@dataclass(eq=False)
class Context:
    """What one run in progress owns: its state, and where it last had its arena."""

    state: RunState
    call: Any  # the prepared native call
    arena_address: int = 0


@dataclass(eq=False)
class Bound:
    """A plan with the contexts that are free to run it."""

    plan: Plan
    loaded: Loaded
    idle: list[Context] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.results = self.plan.fetch_shapes
        self.arena_size = self.plan.memory.peak
        self.has_large = any(nbytes(r) >= RECYCLED_FROM for r in self.results)
        self.has_scalars = any(not shape for shape, _ in self.results)
        table = self.plan.lasting_table
        self.kept = Kept(table, self.plan.lasting.memory.peak) if table is not None else None
        self.around = ALONE if self.plan.by_blas else self.loaded.around


class NoRoom(Exception):
    """Memory for a run cannot be had; ``explain`` makes the error of a plan."""

    def __init__(self, explain: Callable[[Plan], Exception]) -> None:
        self.explain = explain


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
        self.gate: Gate = executor.state.variables.gate
        self.feeds = feeds
        self.fetches = fetches
        self.targets = targets
        self.converter = Feeds(feeds)
        self.variants: dict[tuple, Loaded] = {}
        self.plans: OrderedDict[tuple, Bound] = OrderedDict()
        self.last: Bound | None = None
        self.lock = Lock()
        needed = needed_nodes(fetches, targets, feeds)
        self.ranks = Ranks(needed)
        self.says_ones = drops_ones(needed)

    def run(self, values: Sequence[Any]) -> tuple:
        """One NumPy value per fetch."""
        bound = self.last
        if bound is not None:
            try:
                if bound.around is None:
                    results = self._go(bound, values)
                else:
                    with bound.around:
                        results = self._go(bound, values)
            except NoRoom:  # for sizes that may not be those of this run
                results = None
            if results is not None:
                return results
        return self._run_afresh(values)

    def forget(self) -> None:
        """Drop programs and plans."""
        with self.lock:
            self.last = None
            self.plans.clear()
            self.variants.clear()

    # --- the hot path --------------------------------------------------------------------------

    def _go(self, bound: Bound, values: Sequence[Any]) -> tuple | None:
        """One native call; None when the values do not fit the plan.

        The gate is entered and left here, in code an interrupt cannot divide (:mod:`runtime.gate`).
        """
        loaded, gate, me = bound.loaded, self.gate, get_ident()
        if not loaded.ready:
            loaded.require_variables(self.executor.state.variables)
        try:
            context = bound.idle.pop()
        except IndexError:
            context = self._context(bound)
        arena = self._bind_arena(bound, context) if bound.arena_size else None
        results: list[np.ndarray] = []
        if bound.has_large:
            results = self._large_results(bound)
        elif bound.results:  # a comprehension takes its time for nothing as well
            results = [np.empty(shape, dtype) for shape, dtype in bound.results]
        fits = True
        try:
            if not loaded.exclusive:
                try:
                    gate.readers.append(me)
                    if gate.writer:
                        gate.await_turn(me)
                    if bound.kept is not None:
                        within = gate.writer == me  # a run that writes has started this one
                        bound.kept.renew(None if within else gate.written, loaded.bases)
                    reason = context.call(*values, *results)
                    if reason != codes.DONE:
                        fits = see_through(bound, context.state, reason, arena, values, results)
                finally:
                    gate.readers.remove(me)
                    if gate.blocked:
                        gate.tell()
            else:
                with gate.exclusive if not gate.readers else gate.entrance(me):
                    outer = gate.writer
                    try:
                        gate.writer = me
                        if gate.readers:
                            gate.await_readers(me)
                        gate.written += 1
                        fits = self._write(bound, context, arena, values, results)
                    finally:
                        gate.writer = outer
                        if gate.blocked:
                            gate.give_way()
        finally:
            if arena is not None:
                self.executor.arenas.append(arena)
            bound.idle.append(context)
        if not fits:
            return None
        return tuple([r if r.ndim else r[()] for r in results] if bound.has_scalars else results)

    def _write(
        self,
        bound: Bound,
        context: Context,
        arena: Arena | None,
        values: Sequence[Any],
        results: list[np.ndarray],
    ) -> bool:
        """A run that changes the session's state: all of it, or nothing."""
        loaded = bound.loaded
        saved = loaded.back_up() if loaded.fragile else ()
        try:
            reason = context.call(*values, *results)
            if reason != codes.DONE and not see_through(
                bound, context.state, reason, arena, values, results
            ):
                return False
            for state in loaded.random:
                state[1] += 1
        except BaseException:
            if settle(context.state, bound.plan.danger, saved):
                loaded.account(self.executor.state.variables)
            raise
        return True

    def _context(self, bound: Bound) -> Context:
        plan, loaded = bound.plan, bound.loaded
        machine = native()
        bases = {
            name: address for name, address in loaded.bases.items() if name in plan.table.bases
        }
        if ARENA in plan.table.bases:
            bases[ARENA] = 0
        if bound.kept is not None:
            bases[LASTING] = bound.kept.arena.address
        pool = machine.pool.address if plan.table.parallel else 0
        state = plan.table.state(bases, pool)
        return Context(state, machine.prepare(state))

    def _bind_arena(self, bound: Bound, context: Context) -> Arena:
        try:
            arena = self.executor.take_arena(bound.arena_size)
        except MemoryError:
            raise NoRoom(temporaries_exhausted) from None
        if context.arena_address != arena.address:
            context.state.rebase(ARENA, arena.address)
            context.arena_address = arena.address
        return arena

    def _large_results(self, bound: Bound) -> list[np.ndarray]:
        try:
            return new_results(bound.results)
        except MemoryError:
            raise NoRoom(results_exhausted) from None

    # --- the first time ------------------------------------------------------------------------

    def _run_afresh(self, values: Sequence[Any]) -> tuple:
        if self.executor.closed:
            raise RuntimeError("Attempted to use a closed Session.")
        arrays = self.converter.convert(values)
        bound_sizes = self.converter.bind(arrays)
        if self.ranks:
            return self._run_with_ranks(arrays, bound_sizes)
        store = self.executor.state.variables
        with self.lock:
            loaded, sizes = self._program(arrays, bound_sizes)
            if loaded.single_call:
                bound = self._plan(loaded, sizes)
                _require_room(bound.plan)
        if not loaded.single_call:
            return self._in_stages(arrays, bound_sizes, {}, False)
        loaded.require_variables(store)
        try:
            with bound.around or nullcontext():
                results = self._go(bound, arrays)
        except NoRoom as error:
            raise error.explain(bound.plan) from None
        if results is None:
            raise AssertionError("bug in graphc: converted feeds do not fit the plan made for them")
        loaded.mark_written(store)
        if not self.executor.closed:
            self.last = bound
        return results

    def _run_with_ranks(self, arrays: Sequence[np.ndarray], sizes: dict[str, int]) -> tuple:
        """A run with functions whose results are of no known rank (:mod:`runtime.ranks`)."""
        called: Results = {}
        unfound = self.ranks.unfound()
        with self.gate.writing() if unfound else nullcontext():
            for node in unfound:
                before = tuple(dict.fromkeys(node.operands))
                probe = Prepared(self.executor, self.feeds, before, node.control)
                probe.ranks = self.ranks
                values = probe._in_stages(arrays, sizes, called, True)
                at = [before.index(tensor) for tensor in node.operands]
                called[node.name] = call(node, [values[k] for k in at])
                self.ranks.note(node, called[node.name])
            while True:
                try:
                    return self._in_stages(arrays, sizes, called, False)
                except ReturnedShapeError as error:
                    self.ranks.learn(error)
                    called[error.node_name] = list(error.results)

    def _in_stages(
        self, arrays: Sequence[np.ndarray], sizes: dict[str, int], called: Results, probing: bool
    ) -> tuple:
        """A run stage by stage, from its start again when a counted size turns out to stretch."""
        store = self.executor.state.variables
        counted: dict[str, int] = {}
        while True:
            with self.lock:
                loaded, bound = self._program(arrays, sizes, counted)
            try:
                with loaded.around or nullcontext():
                    return run_staged(store, loaded, bound, arrays, called, probing)
            except Stretched as found:
                counted |= found.sizes

    def _program(
        self,
        arrays: Sequence[np.ndarray],
        bound: dict[str, int],
        counted: Mapping[str, int] | None = None,
    ) -> tuple[Loaded, dict[str, int]]:
        """The Program for these ranks and broadcast patterns, compiled if it is new.

        ``counted`` sizes are found in the run, and broadcast.
        """
        types, fed_sizes = fed_types(self.feeds, arrays, self.says_ones)
        sizes = {**bound, **(counted or {}), **fed_sizes}
        types |= self.ranks.types()
        ones: dict[str, Dim] = dict(counted or {})
        reason = "other ranks than before" if self.variants else "first run"
        while True:
            key = (tuple(map(_told, types.values())), tuple(sorted(ones.items())))
            loaded = self.variants.get(key)
            if loaded is None:
                options = asked_of(self.executor.state, sizes)
                loaded = self.variants[key] = load_program(
                    self.executor, self.feeds, self.fetches, self.targets, types, ones, reason,
                    options,
                )  # fmt: skip
            stretched = failed_checks(loaded.program.checks, sizes)
            fresh = {name: value for name, value in stretched.items() if name not in ones}
            if not fresh:
                if loaded.options.memory_limit and loaded.single_call:
                    loaded = self.variants[key] = self._within_limit(loaded, sizes, types, ones)
                return loaded, sizes
            ones |= fresh
            said = ", ".join(f"{name} = {value}" for name, value in sorted(fresh.items()))
            reason = f"{said} broadcasts an axis of size 1 against another size"

    def _within_limit(
        self,
        loaded: Loaded,
        sizes: dict[str, int],
        types: Mapping[Tensor, TensorType],
        ones: Mapping[str, Dim],
    ) -> Loaded:
        """A Program whose plan for these sizes takes no more than the session allows.

        The compiler chooses by sizes that it expects, and counts once what a plan adds for chunks
        that run at a time.
        """
        state, spare = self.executor.state, 0
        limit = asked_of(state).memory_limit
        for _ in range(LIMIT_TRIALS):
            peak = self._plan(loaded, sizes).plan.memory.peak
            if peak <= limit:
                return loaded
            if loaded.options.expected == tuple(sorted(sizes.items())):
                spare += peak - limit
            reason = f"the plan takes {peak} bytes, and memory_limit is {limit}"
            loaded = load_program(
                self.executor, self.feeds, self.fetches, self.targets, types, ones, reason,
                asked_of(state, sizes, spare),
            )  # fmt: skip
        raise temporaries_exhausted(self._plan(loaded, sizes).plan)

    def _plan(self, loaded: Loaded, sizes: dict[str, int]) -> Bound:
        key = (id(loaded), tuple(sizes.values()))
        found = self.plans.get(key)
        if found is not None:
            self.plans.move_to_end(key)
            return found
        started = time.perf_counter()
        by_blas = loaded.by_blas(sizes)
        keep = not loaded.exclusive
        plan = bind(loaded.program, loaded.sizes, loaded.addresses, sizes, by_blas, keep)
        names = ", ".join(f"{k}={v}" for k, v in sizes.items())
        milliseconds = (time.perf_counter() - started) * 1e3
        self.executor.state.note(
            f"plan [{loaded.title}] {names or 'no free sizes'}: {milliseconds:.1f} ms, "
            f"arena {plan.memory.peak} bytes (bound {plan.memory.bound})"
            + f", {plan.lasting.memory.peak} made of variables and kept"
            * bool(plan.lasting.steps)
        )
        bound = self.plans[key] = Bound(plan, loaded)
        while len(self.plans) > PLANS_KEPT:
            self.plans.popitem(last=False)
        return bound


def _told(type: TensorType) -> tuple[int | None, ...]:
    """The shape as far as it is told; symbols are the same for the same rank."""
    return tuple(d if isinstance(d, int) else None for d in type.dims)


def drops_ones(nodes: Sequence[Node]) -> bool:
    """Whether one of ``nodes`` drops the axes that have size 1, whichever these are."""
    return any(n.op.name == "squeeze" and n.op.axis is None for n in nodes)


def fed_types(
    feeds: Sequence[Tensor], arrays: Sequence[np.ndarray], says_ones: bool
) -> tuple[dict[Tensor, TensorType], dict[str, int]]:
    """Types of the fed tensors whose rank the graph does not say, and the sizes these name; with
    ``says_ones``, a size of 1 is said."""
    types: dict[Tensor, TensorType] = {}
    sizes: dict[str, int] = {}
    for k, (tensor, array) in enumerate(zip(feeds, arrays, strict=True)):
        if tensor.type.shape is None:
            named = {f"fed_{k}_{axis}": size for axis, size in enumerate(array.shape)}
            shape = tuple(
                1 if says_ones and size == 1 else dims.symbol(name) for name, size in named.items()
            )
            types[tensor] = TensorType(tensor.dtype, shape)
            sizes |= named
    return types, sizes


def _require_room(plan: Plan) -> None:
    """Refuse what the machine cannot hold before anything runs."""
    try:
        require_room(plan.memory.peak)
    except MemoryError:
        raise temporaries_exhausted(plan) from None
    try:
        require_room(sum(map(nbytes, plan.fetch_shapes)))
    except MemoryError:
        raise results_exhausted(plan) from None


def failed_checks(checks: Sequence[Check], sizes: Mapping[str, int]) -> dict[str, int]:
    """Symbols to fix at their value, where a size of 1 stretches against another; a real
    disagreement raises.
    """
    stretched: dict[str, int] = {}
    for check in checks:
        try:
            left, right = (dims.evaluate(d, sizes) for d in (check.left, check.right))
        except KeyError:  # not known yet
            continue
        if left == right:
            continue
        for dim, value in ((check.left, left), (check.right, right)):
            names = [s.name for s in dims.symbols(dim)]
            known = all(name in sizes for name in names)
            if value == 1 and names and known and check.what.startswith("axis"):
                stretched |= {name: sizes[name] for name in names}
                break
        else:
            outside = check.what.replace(" inside ", " is not inside ")
            raise FedShapeError(
                outside
                if outside != check.what
                else f"sizes that must agree differ ({check.what})",
                subject=check.node,
                rows=[(str(check.left), str(left), ""), (str(check.right), str(right), "")],
                site=check.site,
            )
    return stretched
