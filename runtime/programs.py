"""Programs in memory: compiled or found in the cache, their kernels linked, their state at hand."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

import graphc
from graphc.codegen.kernel import Kernel
from graphc.ir.dims import Dim
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.text import is_portable, print_graph
from graphc.ir.types import TensorType
from graphc.lowering import codec
from graphc.lowering.facts import AUTO, BLAS, GENERATED
from graphc.lowering.program import Copy, Feed, Host, Launch, Place, Program, Turns
from graphc.passes.cut import cut
from graphc.passes.options import Options
from runtime.devices.cpu import blas, imports, loader
from runtime.devices.cpu.fingerprint import fingerprint
from runtime.devices.cpu.loader import Code
from runtime.object_cache import PROGRAM, ObjectCache, default_cache
from runtime.plan import Sizes, base_name
from runtime.segments import Layout, Span, can_fail, spans


@dataclass(eq=False)
class Loaded:
    """A Program ready to be planned, with the code of its kernels and its lasting arrays."""

    program: Program
    title: str
    codes: dict[int, Code]  # of the kernels linked so far
    sizes: Sizes
    arrays: dict[int, np.ndarray]  # variables, random states, constants
    random: list[np.ndarray]
    reads: tuple[str, ...]  # variables that must have a value
    writes: tuple[str, ...]
    sites: dict[str, Any]
    single_call: bool  # every size is known before the run starts, and only Python moves objects
    options: Options = field(default_factory=Options)  # what was asked of the compiler
    ready: bool = False

    def __post_init__(self) -> None:
        keys = {key for key, _ in self.program.backups}
        self.exclusive = bool(self.writes or self.random)
        variables = [
            (buffer.key, self.arrays[k])
            for k, buffer in enumerate(self.program.buffers)
            if buffer.place is Place.VARIABLE
        ]
        self.to_back_up = [array for key, array in variables if key in keys]
        self.written = [array for key, array in variables if key in self.writes]
        self.fragile = bool(self.to_back_up)
        self.chooses = any(isinstance(s, Launch) and s.other for s in self.program.steps)
        calls = any(blas.symbols_of(self.program.kernels[k]) for k in self.codes)
        self.around = blas.ALONE if calls else None
        self.layouts: dict[tuple, Layout] = {}  # of runs that go stage by stage

    @cached_property
    def spans(self) -> list[Span]:
        """Its stages, for such runs."""
        return spans(self.program)

    @cached_property
    def spans_that_fail(self) -> int:
        """How many stages there are up to the last that can fail."""
        failing = [any(map(can_fail, self.program.steps[slice(*s)])) for s in self.spans]
        return max((k + 1 for k, fails in enumerate(failing) if fails), default=0)

    @property
    def addresses(self) -> list[int]:
        """Where each kernel is; 0 of one that is not linked."""
        count = len(self.program.kernels)
        return [self.codes[k].address if k in self.codes else 0 for k in range(count)]

    def by_blas(self, sizes: Mapping[str, int]) -> frozenset[int]:
        """The launches to be taken in their other form with these sizes, their kernels linked."""
        if not self.chooses:
            return frozenset()
        from runtime.choice import chosen_steps

        chosen = chosen_steps(self.program, sizes)
        steps = (step for k, step in enumerate(self.program.steps) if k in chosen)
        others = {s.other.kernel for s in steps if isinstance(s, Launch) and s.other is not None}
        self.codes |= codes_of(self.program, sorted(others - self.codes.keys()))[0]
        return chosen

    @property
    def bases(self) -> dict[str, int]:
        return {base_name(k): array.ctypes.data for k, array in self.arrays.items()}

    def require_variables(self, store: Any) -> None:
        store.require_initialized(self.reads, self.sites)

    def mark_written(self, store: Any) -> None:
        store.mark_initialized(self.writes)
        self.ready = True

    def back_up(self, everything: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
        """Copies of the variables a failing run could leave changed, or of all it writes."""
        arrays = self.written if everything else self.to_back_up
        return [(array, array.copy()) for array in arrays]

    def account(self, store: Any) -> None:
        """Note that a run has finished."""
        for state in self.random:
            state[1] += 1
        self.mark_written(store)


def asked_of(state: Any, expected: Mapping[str, int] | None = None, spare: int = 0) -> Options:
    """What a session asks of the compiler: under a limit of memory with the sizes ``expected``,
    and ``spare`` bytes less than it allows."""
    chosen = state.options
    options = Options.from_environment(
        level=1 if chosen.optimize else 0, cuts=chosen.segments,
        **({"memory_limit": chosen.memory_limit} if chosen.memory_limit else {}),
    )  # fmt: skip
    if not chosen.reroll:
        options = replace(options, skip=options.skip | {"reroll"})
    if not options.memory_limit:
        return options
    known = tuple(sorted((expected or {}).items()))
    return replace(options, memory_limit=max(1, options.memory_limit - spare), expected=known)


def load_program(
    executor: Any,
    feeds: Sequence[Tensor],
    fetches: Sequence[Tensor],
    targets: Sequence[Node],
    types: Mapping[Tensor, TensorType],
    sizes: Mapping[str, Dim],
    reason: str,
    options: Options,
) -> Loaded:
    """Compile, link, and bring the session's state to hand."""
    state = executor.state
    started = time.perf_counter()
    part, fed = cut(state.graph, feeds, fetches, targets, types)
    if options.contraction == BLAS:
        blas.require_installed()
    elif options.contraction == AUTO and not blas.is_installed():
        options = replace(options, contraction=GENERATED)
    program, found = compiled_program(part, fed, options, sizes)
    compiled = time.perf_counter()
    first = [s.kernel for s in program.steps if isinstance(s, Launch)]
    codes, fresh = codes_of(program, sorted(set(first)))
    title = ", ".join([f.name for f in program.fetches] + [n.name for n in targets])
    title = title if len(title) <= 60 else title[:57] + "..."
    linked = time.perf_counter()
    state.note(
        f"compile [{title}] {reason}: {len(program.kernels)} kernels ({fresh} compiled), "
        f"{'program from cache' if found else 'passes'} {(compiled - started) * 1e3:.0f} ms, "
        f"kernels {(linked - compiled) * 1e3:.0f} ms"
    )
    loaded = _at_hand(executor, program, title, codes)
    loaded.options = options
    return loaded


def compiled_program(
    part: Graph, fed: tuple[Feed, ...], options: Options, sizes: Mapping[str, Dim]
) -> tuple[Program, bool]:
    """The Program of a cut graph, from the cache (then True) or else compiled and kept."""
    key = program_key(part, options, sizes)
    cache = default_cache()
    stored = cache.get(key, PROGRAM) if key is not None else None
    if stored is not None:
        try:
            return codec.decode(stored, part), True
        except codec.Unreadable:
            pass  # another format under the same key: compiled again and put in its place
    from graphc.compiler import compile_part

    program = compile_part(part, fed, options, sizes).program
    if key is not None:
        with suppress(codec.NotStorable):
            cache.put(key, codec.encode(program, part), PROGRAM)
    return program, False


def program_key(part: Graph, options: Options, sizes: Mapping[str, Dim]) -> str | None:
    """What a Program depends on; None for graphs with Python functions or dumps to make."""
    if options.dump or options.check or not is_portable(part):
        return None
    fixed = ", ".join(f"{k}={v}" for k, v in sorted(sizes.items()))
    text = print_graph(part, sites=False)
    parts = (str(codec.FORMAT), compiler_digest(), options.key, fixed, text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def compiler_digest() -> str:
    """Digest of the compiler's own sources."""
    digest = hashlib.sha256()
    root = Path(graphc.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _at_hand(executor: Any, program: Program, title: str, codes: dict[int, Code]) -> Loaded:
    store = executor.state.variables
    arrays: dict[int, np.ndarray] = {}
    random: list[np.ndarray] = []
    for number, buffer in enumerate(program.buffers):
        match buffer.place:
            case Place.VARIABLE:
                arrays[number] = store.declare(buffer.key, as_dtype(buffer.dtype), buffer.shape)
            case Place.RANDOM:
                seed, path = buffer.key
                arrays[number] = store.random_state(path, seed)
                random.append(arrays[number])
            case Place.CONSTANT:
                arrays[number] = program.constants[int(buffer.key)]
    by_name = executor.state.graph.by_name
    keys = {k: b.key for k, b in enumerate(program.buffers) if b.place is Place.VARIABLE}
    read: set[str] = set()  # before they are written
    written: set[str] = set()
    for step in program.steps:
        read |= {keys[b] for b in program.reads(step) if b in keys} - written
        written |= {keys[b] for b in program.writes(step) if b in keys}
    sites = {key: by_name[key].site for key in keys.values() if key in by_name}
    counts = any(
        (isinstance(step, Host) and step.binds) or (isinstance(step, Turns) and step.counts)
        for step in program.steps
    )
    return Loaded(
        program, title, codes, Sizes(program), arrays, random, tuple(sorted(read)),
        tuple(sorted(written)), sites, single_call=not counts and not _moves_objects(program),
    )  # fmt: skip


def _moves_objects(program: Program) -> bool:
    """Whether strings are fed, kept in variables or copied: native code would move them as bytes,
    or take what was fed unseen."""
    objects = {k for k, b in enumerate(program.buffers) if as_dtype(b.dtype).numpy.hasobject}
    kept = (Place.FEED, Place.VARIABLE)
    return any(program.buffers[k].place in kept for k in objects) or any(
        isinstance(step, Copy) and step.source in objects for step in program.steps
    )


def codes_of(program: Program, numbers: Sequence[int]) -> tuple[dict[int, Code], int]:
    """The code of the program's kernels of these numbers; and how many were compiled."""
    codes, fresh = link_kernels([program.kernels[number] for number in numbers])
    return dict(zip(numbers, codes, strict=True)), fresh


def link_kernels(kernels: Sequence[Kernel]) -> tuple[list[Code], int]:
    """The code of every kernel: in memory, from the cache, or compiled now; and how many were."""
    symbols = [f"gx_{k.key}" for k in kernels]
    found = loader.loaded(symbols)
    missing = [k for k, s in zip(kernels, symbols, strict=True) if s not in found]
    fresh = 0
    if missing:
        cache, print_ = default_cache(), fingerprint()
        objects: dict[str, bytes] = {}
        absent = []
        for kernel in missing:
            text = cache.get(_cache_key(kernel, print_))
            if text is None:
                absent.append(kernel)
            else:
                objects[f"gx_{kernel.key}"] = text
        if absent:
            fresh = len(absent)
            objects |= _compile(absent, cache, print_)
        found |= loader.load(objects, imports.addresses(missing))
    return [found[s] for s in symbols], fresh


def _compile(kernels: Sequence[Kernel], cache: ObjectCache, print_: str) -> dict[str, bytes]:
    from runtime.devices.cpu.compile import compile_many

    compiled = compile_many(kernels)
    for kernel in kernels:
        cache.put(_cache_key(kernel, print_), compiled[kernel.key])
    return {f"gx_{k.key}": compiled[k.key] for k in kernels}


def _cache_key(kernel: Kernel, print_: str) -> str:
    return hashlib.sha256(f"{kernel.key} {print_}".encode()).hexdigest()
