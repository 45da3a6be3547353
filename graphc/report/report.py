"""The report of a compiled graph: data first, then its text; JSON is the data as it stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphc.report.listing import FunctionListing, functions_of, micro_kernel


@dataclass
class PassEntry:
    """One pass: whether it changed the graph, what it noted, and the IR around it."""

    name: str
    changed: bool
    milliseconds: float
    nodes_before: int
    nodes_after: int
    notes: list[str]
    before: str
    after: str


@dataclass
class KernelEntry:
    """One kernel and the launches that use it; native listings are made when asked for."""

    name: str
    key: str
    source: str
    constants: dict[str, str]  # name in the source: dtype and value
    launches: int
    listing: Callable[[], Any] | None = None

    @property
    def llvm_ir(self) -> str:
        """The optimised LLVM IR (compiles the kernel once more)."""
        return self._listing().llvm_ir

    @property
    def assembly(self) -> str:
        """The machine code as assembly text (compiles the kernel once more)."""
        return self._listing().assembly

    @property
    def functions(self) -> dict[str, FunctionListing]:
        """The functions of the machine code by name: the kernel's own, and tiles it calls."""
        return functions_of(self.llvm_ir, self.assembly)

    @property
    def micro_kernel(self) -> str:
        """The assembly of the loop with most multiply-adds; empty when there is none."""
        return micro_kernel(self.assembly)

    def _listing(self) -> Any:
        if self.listing is None:
            raise LookupError("this device has no native code to show")
        return self.listing()


@dataclass
class LaunchEntry:
    """One step of the program; sizes are numbers when the plan is bound, expressions otherwise."""

    step: int
    what: str
    blocks: int
    extent: str
    flops: int | None
    bytes: int | None
    nodes: list[str]
    lines: list[str]
    microseconds: float | None = None


@dataclass
class ContractionEntry:
    """One product or convolution, ``[m, depth] @ [depth, n]`` of each of ``matrices`` (or groups).

    Sizes are numbers when the plan is bound, expressions otherwise; what only a plan knows is None
    until then, and times until it is timed.  ``flops``, ``microseconds`` and ``gflops`` are those
    of the whole launch; a convolution that takes fewer products is counted as one that does not.
    """

    step: int
    kernel: str
    kind: str
    blocks: int
    dtype: str
    m: int | str
    n: int | str
    depth: int | str
    matrices: int | str
    orientation: str
    implementation: str
    tile: str  # rows by vectors held in registers; empty: plain loops, or not ours
    packing: dict[str, str]  # operand: in place, or packed
    rows: int | str  # of a task's piece of the result
    columns: int | str
    parts: int | str  # of the sum
    prologue: list[str]
    epilogue: list[str]
    tasks: int | None = None
    chunks: int | None = None
    threads: int | None = None  # that may share the launch
    workspace: int | None = None  # bytes of the memory plan
    stack: int = 0  # bytes of each thread's stack that panels are packed to
    flops: int | None = None
    microseconds: float | None = None
    gflops: float | None = None

    def of_peak(self, peak: dict[str, float]) -> float | None:
        """The share reached of what its threads could, by the peaks of one core."""
        if self.gflops is None or self.threads is None or self.dtype not in peak:
            return None
        return self.gflops / (peak[self.dtype] * self.threads)


@dataclass
class MemoryEntry:
    """The memory plan: peak, the least any plan needs, and who is alive at the peak."""

    peak: int
    bound: int
    step: int
    owners: list[tuple[str, int, str]]  # label, bytes, line


@dataclass
class LoopEntry:
    """What a loop keeps of its turns for its gradients.

    ``segments`` are the lengths of the segments that are run again (none: everything is kept);
    ``everything`` is the bytes of all turns, ``keeps`` what is kept at most at a time, None where
    sizes are not known.
    """

    name: str
    turns: str
    strategy: str
    segments: list[int]
    everything: int | None
    keeps: int | None
    because: str
    line: str


@dataclass
class Report:
    """What the compiler made of a run.  ``print(report)`` for people, ``to_json`` for programs."""

    title: str
    device: str
    sizes: dict[str, int]
    passes: list[PassEntry]
    kernels: list[KernelEntry]
    launches: list[LaunchEntry]
    commit: int
    declined: list[tuple[str, str, str]]
    memory: MemoryEntry | None
    log: list[str]
    cache: dict[str, Any] = field(default_factory=dict)
    backups: list[tuple[str, str]] = field(default_factory=list)  # variable copied, why
    contractions: list[ContractionEntry] = field(default_factory=list)
    peak: dict[str, float] = field(default_factory=dict)  # dtype: GFLOP/s of one core
    loops: list[LoopEntry] = field(default_factory=list)
    memory_limit: int = 0  # bytes, 0: none
    everything_kept: int = 0  # bytes of temporaries if loops kept everything

    def kernel(self, name: str) -> KernelEntry:
        """The first kernel of that name."""
        for entry in self.kernels:
            if entry.name == name:
                return entry
        known = ", ".join(dict.fromkeys(entry.name for entry in self.kernels))
        raise LookupError(f"there is no kernel '{name}'; there are {known}")

    def native(
        self, ir: bool = False, assembly: bool = False, micro: bool = False, only: str = "*"
    ) -> str:
        """Listings of the kernels, or functions of them, whose name fits the pattern ``only``.

        ``micro`` shows the loops of multiply-adds alone.
        """
        from graphc.report.text import listings

        return "\n".join(listings(self, ir, assembly, micro, only))

    def to_json(self, native: bool = False) -> str:
        """The report as JSON; ``native`` adds LLVM IR and assembly of every kernel."""
        kernels = []
        for kernel in self.kernels:
            entry = {k: v for k, v in vars(kernel).items() if k != "listing"}
            if native:
                entry |= {"llvm_ir": kernel.llvm_ir, "assembly": kernel.assembly}
            kernels.append(entry)
        data = {
            **{k: v for k, v in vars(self).items() if k not in ("kernels", "memory")},
            "passes": [vars(p) for p in self.passes],
            "launches": [vars(entry) for entry in self.launches],
            "kernels": kernels,
            "contractions": [
                {**vars(entry), "of_peak": entry.of_peak(self.peak)} for entry in self.contractions
            ],
            "memory": vars(self.memory) if self.memory else None,
            "loops": [vars(entry) for entry in self.loops],
        }
        return json.dumps(data, indent=1)

    def __str__(self) -> str:
        from graphc.report.text import write

        return write(self)
