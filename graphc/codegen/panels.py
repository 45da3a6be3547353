"""The words matrix products are made of: panels of 128 bytes of columns, packed and multiplied.

``a``, ``b``, ``y`` are rank-2 operands; ``w`` is a workspace of rank 3, ``w[slot, k, c]``.  Rows
are
``[i0, i1)``, columns ``[j0, j1)`` with ``j1 - j0`` at most :func:`panel_width`; ``depth`` is the
length of the sum.  The suffix ``_ta`` reads ``a[k, i]`` instead of ``a[i, k]``, ``_tb`` reads
``b[j, k]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PANEL_BYTES = 128


def panel_width(size: int) -> int:
    """Columns of a panel, for elements of ``size`` bytes."""
    return PANEL_BYTES // size


def _multiply(transposed: bool) -> Callable[..., None]:
    def word(a: Any, b: Any, y: Any, i0: int, i1: int, j0: int, j1: int, depth: int) -> None:
        for i in range(i0, i1):
            for j in range(j0, j1):
                y[i, j] = _dot(a, i, transposed, [b[k, j] for k in range(depth)], y)

    return word


def _multiply_packed(transposed: bool) -> Callable[..., None]:
    def word(
        a: Any, w: Any, y: Any, slot: int, i0: int, i1: int, j0: int, j1: int, depth: int
    ) -> None:
        for i in range(i0, i1):
            for j in range(j0, j1):
                column = [w[slot, k, j - j0] for k in range(depth)]
                y[i, j] = _dot(a, i, transposed, column, y)

    return word


def _dot(a: Any, i: int, transposed: bool, column: list[Any], y: Any) -> Any:
    total = y.dtype.computed.numpy.type(0)
    for k, right in enumerate(column):
        total += (a[k, i] if transposed else a[i, k]) * right
    return total


def _pack(transposed: bool) -> Callable[..., None]:
    def word(b: Any, w: Any, slot: int, j0: int, j1: int, depth: int) -> None:
        for k in range(depth):
            for j in range(j0, j1):
                w[slot, k, j - j0] = b[j, k] if transposed else b[k, j]

    return word


# name -> (number of operands, operands that are views, meaning)
PANEL_WORDS: dict[str, tuple[int, int, Callable[..., None]]] = {
    "multiply_panel": (8, 3, _multiply(False)),
    "multiply_panel_ta": (8, 3, _multiply(True)),
    "multiply_packed": (9, 3, _multiply_packed(False)),
    "multiply_packed_ta": (9, 3, _multiply_packed(True)),
    "pack_panel": (6, 2, _pack(False)),
    "pack_panel_tb": (6, 2, _pack(True)),
}
