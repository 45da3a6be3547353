"""How a contraction is computed, for reports: data beside a launch that no run reads.

Whoever writes the text of a product or a convolution fills one :class:`ContractionFacts` in, in
dims, so that a plan's sizes make numbers of it.  What only a device knows (the shape of its
register tiles, what the processor reaches) it adds when a report is made; the number of chunks,
the workspace's bytes and the flops are read from the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphc.ir import dims
from graphc.ir.dims import Dim

GENERATED, BLAS = "generated", "blas"
AUTO = "auto"  # either, by a table
IN_PLACE = "in place"
IN_STRIPS = "strips"  # copied on the way, where a device's tiles have too many rows for its cache


@dataclass(frozen=True)
class Case:
    """What is so where ``when`` is not 0; of several, the first that is."""

    says: str
    when: Dim = 1


Cases = tuple[Case, ...]


@dataclass(frozen=True)
class ContractionFacts:
    """One product ``[m, depth] @ [depth, n]``, of each of ``matrices`` (or groups).

    ``tile`` names a family of the device's micro-kernels; without one, plain loops do the work.
    ``packing`` has a row per operand, named as a person would ("left", "right", "filter").
    A task is ``rows`` by ``columns`` of the result; the sum is made in ``parts``.
    ``prologue`` and ``epilogue`` are the ops applied to what is read, and to what is made.
    """

    kind: str  # "matmul", "batched matmul", "convolve", "convolve back", "convolve filter"
    dtype: str
    m: Dim
    n: Dim
    depth: Dim
    matrices: Dim = 1
    orientation: str = "nn"  # of left and right matrix: as it lies (n) or transposed (t)
    implementation: str = GENERATED
    tile: Cases = ()
    packing: tuple[tuple[str, Cases], ...] = ()
    rows: Dim = 1
    columns: Dim = 1
    parts: Dim = 1
    prologue: tuple[str, ...] = ()
    epilogue: tuple[str, ...] = ()

    def with_epilogue(self, *names: str) -> ContractionFacts:
        """The same with ops applied to the result, beside those that are already."""
        return replace(self, epilogue=self.epilogue + names)


def holding(cases: Cases, sizes: Mapping[str, int]) -> str:
    """What the first case that holds says; all of them, while sizes are not numbers."""
    open_cases = []
    for case in cases:
        when = dims.substitute(case.when, sizes)
        if when == 0:
            continue
        open_cases.append(case.says)
        if isinstance(when, int):
            break
    return " or ".join(dict.fromkeys(open_cases))
