"""The words matrix products are made of.

``a``, ``b``, ``y`` are rank-2 operands of one dtype.  ``ta`` is 1 to read ``a[k, i]`` instead of
``a[i, k]``, ``tb`` to read ``b[j, k]``: they are numbers at run time, so that every orientation
shares one kernel.

``multiply(a, b, y, ta, tb, i0, i1, j0, j1, depth)`` makes rows ``i0 .. i1`` and columns
``j0 .. j1`` of ``y``, sums of ``depth`` products.  ``blas_multiply`` does the same by BLAS.

``multiply_block(a, b, y, ta, add, rows, above, at, first, j0, j1, depth)`` multiplies ``rows``
rows of ``a`` from ``above`` on with the ``depth`` rows of ``b`` from ``first`` on; the result goes
to the rows of ``y`` from ``at`` on, where ``add`` is 1 added to what is there.

``pack_run(x, y, e, to, lo, hi, run)`` copies elements ``lo .. hi`` of the ``run`` at ``e`` of
``x``, of rank 1, to those at ``to`` of ``y``; the other elements of the run are 0.

``moved(x, i, j)`` is the operand that has at ``[i, j]`` what ``x``, of rank 2, has at ``[0, 0]``: a
block of its own for a part of a larger matrix.

``part(a, g)`` is the operand of one rank less that lies at ``g`` of the first axis of ``a``: one
matrix of many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PANEL_BYTES = 128  # of columns that are multiplied together


def panel_width(size: int) -> int:
    """Columns of a panel, for elements of ``size`` bytes."""
    return PANEL_BYTES // size


def _multiply(
    a: Any, b: Any, y: Any, ta: int, tb: int, i0: int, i1: int, j0: int, j1: int, depth: int
) -> None:
    for i in range(i0, i1):
        for j in range(j0, j1):
            y[i, j] = _dot(a, i, ta, [b[j, k] if tb else b[k, j] for k in range(depth)], y)


def _dot(a: Any, i: int, ta: int, column: list[Any], y: Any) -> Any:
    total = y.dtype.computed.numpy.type(0)
    for k, right in enumerate(column):
        total += (a[k, i] if ta else a[i, k]) * right
    return total


def _multiply_block(
    a: Any, b: Any, y: Any, ta: int, add: int, rows: int, above: int, at: int, first: int, j0: int,
    j1: int, depth: int,
) -> None:  # fmt: skip
    for i in range(rows):
        for j in range(j0, j1):
            made = _dot(a, above + i, ta, [b[first + k, j] for k in range(depth)], y)
            y[at + i, j] = y[at + i, j] + made if add else made


def _pack_run(x: Any, y: Any, e: int, to: int, lo: int, hi: int, run: int) -> None:
    for k in range(run):
        y[to + k] = x[e + k] if lo <= k < hi else y.dtype.computed.numpy.type(0)


def _moved(x: Any, i: int, j: int) -> Any:
    return x.moved(i, j)


def _part(a: Any, at: int) -> Any:
    return a.part(at)


# name -> (number of operands, operands that are views, meaning)
PANEL_WORDS: dict[str, tuple[int, int, Callable[..., None]]] = {
    "multiply": (10, 3, _multiply),
    "multiply_block": (12, 3, _multiply_block),
    "pack_run": (7, 2, _pack_run),
    "blas_multiply": (10, 3, _multiply),
    "moved": (3, 1, _moved),
    "part": (2, 1, _part),
}
