"""One class per op, one file per family.  Importing a family registers its ops.

The families below are imported with the package.  Those of ``THE_REST`` wait until somebody names
one of their ops or looks at all there are (:mod:`graphc.ir.registry`): most programs never do, and
importing them would double what it takes to import graphc.
"""

from importlib import import_module
from threading import RLock

from graphc.ops import (  # noqa: F401
    arithmetic,
    checks,
    comparison,
    complex,
    custom,
    division,
    functions,
    host,
    index,
    joining,
    linear,
    loss,
    matrix,
    optimize,
    partial,
    positions,
    random,
    reduction,
    rows,
    shape,
    slicing,
    source,
    state,
    subscript,
    unary,
)

THE_REST = (
    "bitwise candidates convolution convolve csv_records cumulative diagonal edit_distance einsum "
    "factorization images incomplete linalg moving optimize_variants ordering padding partition "
    "patches pooling rejection scatter_nd segment sparse special spectral string_patterns "
    "strings summary "
)


def import_the_rest() -> None:
    """Import the families that are not yet."""
    global _left
    if _left:
        with _lock:
            for family in _left:
                import_module(f"{__name__}.{family}")
            _left = ()


_left: tuple[str, ...] = tuple(THE_REST.split())
_lock = RLock()
