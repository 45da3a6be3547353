"""Which implementation contractions are lowered to: our own kernels, BLAS, or both to choose from.

``GRAPHC_CONTRACTION`` says it (:class:`~graphc.passes.options.Options`).  It holds for a
compilation, and reaches the places that write kernels through :func:`contraction_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from graphc.lowering.facts import AUTO, BLAS, GENERATED
from graphc.lowering.nest import Lowered

_wanted: ContextVar[str] = ContextVar("implementation of contractions", default=GENERATED)


@contextmanager
def contraction_by(implementation: str) -> Iterator[None]:
    """Meanwhile contractions are lowered to ``implementation``."""
    before = _wanted.set(implementation)
    try:
        yield
    finally:
        _wanted.reset(before)


def wants_blas(dtype: str) -> bool:
    """Whether a product of this dtype is lowered to BLAS, which multiplies floats alone."""
    return _wanted.get() == BLAS and dtype in ("float32", "float64")


def in_every_form(lower: Callable[[], list[Lowered]]) -> list[Lowered]:
    """What ``lower`` makes; where a plan is to choose, the same by BLAS as its ``other``."""
    parts = lower()
    if _wanted.get() != AUTO:
        return parts
    with contraction_by(BLAS):
        others = lower()
    return [
        part if part.kernel == other.kernel else replace(part, other=other)
        for part, other in zip(parts, others, strict=True)
    ]
