"""Which implementation contractions are lowered to: our own kernels, or BLAS.

``GRAPHC_CONTRACTION`` says it (:class:`~graphc.passes.options.Options`).  It holds for a
compilation, and reaches the places that write kernels through :func:`contraction_by`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from graphc.lowering.facts import BLAS, GENERATED

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
