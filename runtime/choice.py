"""Our own kernel or BLAS: what ``GRAPHC_CONTRACTION=auto`` goes by, a table measured by need.

A product belongs to a class: its dtype, which operands lie transposed, and each of its sizes to the
nearest power of four.  The first plan that meets a class runs both implementations of a product in
the middle of it, in turns, in one thread; what is found is kept beside the compiled kernels.

What must stay true:

* A class is decided once: every later run on this machine goes by what the cache holds.  A cache
  that keeps nothing decides for our own kernels, so no result hangs on the clock of one process.
* BLAS is taken where it is clearly faster.  Ties, noise, and products too small to gain anything
  stay with our own kernels.
* A launch is one or the other as a whole, by its sizes.
* Without SciPy nothing is measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from importlib import metadata

from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.lowering.facts import AUTO, BLAS, GENERATED
from graphc.lowering.program import Block, Launch, Program
from runtime.devices.cpu import blas
from runtime.devices.cpu.fingerprint import fingerprint
from runtime.object_cache import default_cache

KIND = "choice"
LARGEST = 4096  # sizes beyond belong to this class
SMALLEST_PRODUCT = 1 << 17  # multiplications below which nothing is measured
MEASURED_PRODUCT = 1 << 26  # at most, of the product that stands for a class
SAMPLES = 9
SAMPLE_PRODUCT = 1 << 22  # a sample repeats smaller products up to this many multiplications
GAIN = 0.9  # BLAS must take less than this share of the time by the median,
LEAST_GAIN = 0.95  # and less than this by the best sample


@dataclass(frozen=True)
class ProductClass:
    """Products that one measurement stands for."""

    dtype: str
    transpose_a: bool
    transpose_b: bool
    m: int
    n: int
    depth: int

    @classmethod
    def of(
        cls, dtype: str, transpose_a: bool, transpose_b: bool, m: int, n: int, depth: int
    ) -> ProductClass:
        return cls(dtype, transpose_a, transpose_b, *map(_class_of_size, (m, n, depth)))

    @property
    def product(self) -> int:
        return self.m * self.n * self.depth

    def representative(self) -> tuple[int, int, int]:
        """The sizes measured: those of the class, the largest halved until it is cheap."""
        sizes = [self.m, self.n, self.depth]
        while sizes[0] * sizes[1] * sizes[2] > MEASURED_PRODUCT:
            sizes[sizes.index(max(sizes))] //= 2
        return sizes[0], sizes[1], sizes[2]


def _class_of_size(size: int) -> int:
    """The power of 4 from half of which, to twice of which, ``size`` lies."""
    return min(4 ** (size.bit_length() // 2), LARGEST) if size > 0 else 0


def chosen_steps(program: Program, values: Mapping[str, int]) -> frozenset[int]:
    """The launches that go to BLAS with these sizes."""
    return frozenset(
        number
        for number, step in enumerate(program.steps)
        if isinstance(step, Launch) and step.other is not None
        if _goes_to_blas(program, step.other, values)
    )


def _goes_to_blas(program: Program, other: Launch, values: Mapping[str, int]) -> bool:
    kernel = program.kernels[other.kernel]
    dtype = kernel.operands[0].dtype

    def class_of(block: Block) -> ProductClass:
        known: dict[str, Dim] = dict(zip(kernel.sizes, block.sizes, strict=True))
        named = ("ta", "tb", "m", "n", "depth")
        ta, tb, m, n, depth = (dims.evaluate(known[name], values) for name in named)
        return ProductClass.of(dtype, bool(ta), bool(tb), m, n, depth)

    return all(faster(kind) == BLAS for kind in {class_of(block) for block in other.blocks})


def faster(kind: ProductClass) -> str:
    """The implementation for a class; measured if nobody has on this machine."""
    if kind.product < SMALLEST_PRODUCT or not blas.is_installed():
        return GENERATED
    return _kept(kind, default_cache())


@cache
def _kept(kind: ProductClass, cache: object) -> str:
    text = json.dumps([*astuple(kind), *_circumstances()])
    key = hashlib.sha256(text.encode()).hexdigest()
    table = default_cache()
    found = table.get(key, KIND)
    if found is None and table.directory is not None:
        table.put(key, decision(*measured(kind)).encode(), KIND)
        found = table.get(key, KIND)  # another process may have been first
    return GENERATED if found is None else found.decode()


@cache
def _circumstances() -> tuple[str, ...]:
    """What speeds depend on beside the class."""
    openblas = os.environ.get("OPENBLAS_CORETYPE", "")
    return AUTO, fingerprint(), metadata.version("scipy"), openblas


def decision(generated: list[float], by_blas: list[float]) -> str:
    """What the samples of both say."""
    by_median = statistics.median(by_blas) < GAIN * statistics.median(generated)
    by_best = min(by_blas) < LEAST_GAIN * min(generated)
    return BLAS if by_median and by_best else GENERATED


def measured(kind: ProductClass) -> tuple[list[float], list[float]]:
    """Seconds of this thread's processor time, by our kernel and by BLAS, in turns."""
    runs = [_run(kind, implementation) for implementation in (GENERATED, BLAS)]
    m, n, depth = kind.representative()
    repeats = max(1, SAMPLE_PRODUCT // (m * n * depth))
    samples: tuple[list[float], list[float]] = ([], [])
    with blas.ALONE:
        for run in runs:
            run()
        for _ in range(SAMPLES):
            for run, seconds in zip(runs, samples, strict=True):
                started = time.thread_time_ns()
                for _ in range(repeats):
                    run()
                seconds.append((time.thread_time_ns() - started) * 1e-9 / repeats)
    return samples


@dataclass(frozen=True)
class _Running:
    call: Callable[[], object]
    owns: object  # what must live as long

    def __call__(self) -> None:
        self.call()


def _run(kind: ProductClass, implementation: str) -> _Running:
    """A product of the class as a native call in this thread."""
    import numpy as np

    from graphc.compiler import compile_graph
    from graphc.ir.builder import Builder
    from graphc.ir.dtype import as_dtype
    from graphc.ir.graph import Graph
    from graphc.passes.options import Options
    from runtime.devices.cpu.boot import native
    from runtime.memory import Arena
    from runtime.plan import ARENA, Sizes, bind
    from runtime.programs import link_kernels

    m, n, depth = kind.representative()
    ta, tb = kind.transpose_a, kind.transpose_b
    shapes = ((depth, m) if ta else (m, depth), (n, depth) if tb else (depth, n))
    graph, dtype = Graph(), as_dtype(kind.dtype)
    b = Builder(graph)
    a, right = (b.placeholder(dtype=dtype, shape=shape) for shape in shapes)
    y = b.matmul(a, right, transpose_a=ta, transpose_b=tb)
    program = compile_graph(graph, [a, right], [y], options=Options(contraction=implementation))
    codes, _ = link_kernels(program.kernels)
    plan = bind(program, Sizes(program), [code.address for code in codes], {})
    arena = Arena(plan.memory.peak)
    bases = {ARENA: arena.address} if ARENA in plan.table.bases else {}
    state = plan.table.state(bases)
    call = native().prepare(state)
    arrays = [np.ones(shape, dtype.numpy) for shape in (*shapes, (m, n))]

    return _Running(lambda: call(*arrays), (codes, arena, state))
