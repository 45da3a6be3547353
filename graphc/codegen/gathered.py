"""The words windows are multiplied with: products whose left rows lie anywhere in memory.

``multiply_gathered(p, rows, steps, b, y, add, count, at, j0, j1, base, n, run, gap)`` multiplies
``count`` rows of ``n * run`` elements with as many rows of the panel ``b``, whose columns are those
``j0 .. j1`` of the result, and puts the result, where ``add`` is 1 added to what is there, into the
rows of ``y`` from ``at`` on.  Element ``s * run + k`` of row ``i`` is
``p[base + rows[i] + steps[s] + k * gap]``: a row is ``n`` runs, one behind each of the ``steps``.

``p`` is of rank 1, as are the int64 operands ``rows`` and ``steps``; ``b`` and ``y`` are of rank 2.
A panel is as wide as :func:`graphc.codegen.panels.panel_width` says, all of it in memory, and the
last of ``rows`` stands :data:`SPARE` times more behind the others: whole tiles read them.

``pack_turned(x, w, j0, e, first, width, depth)`` makes elements ``e .. e + depth`` of row
``j0 + c`` of ``x`` column ``c`` of the panel ``w``, from its row ``first`` on; columns from
``width`` on are 0.  ``depth`` is a multiple of :data:`SQUARE`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphc.codegen.panels import panel_width

SQUARE = 16  # at least as many as any vector has lanes
SPARE = 16  # at least as many as the rows of any tile


def _multiply_gathered(
    p: Any, rows: Any, steps: Any, b: Any, y: Any, add: int, count: int, at: int, j0: int, j1: int,
    base: int, n: int, run: int, gap: int,
) -> None:  # fmt: skip
    for i in range(count):
        places = [base + rows[i] + steps[s] + k * gap for s in range(n) for k in range(run)]
        for j in range(j0, j1):
            made = y.dtype.computed.numpy.type(0)
            for k, place in enumerate(places):
                made += p[place] * b[k, j - j0]
            y[at + i, j] = y[at + i, j] + made if add else made


def _pack_turned(x: Any, w: Any, j0: int, e: int, first: int, width: int, depth: int) -> None:
    zero = w.dtype.computed.numpy.type(0)
    for k in range(depth):
        for c in range(panel_width(w.dtype.size)):
            w[first + k, c] = x[j0 + c, e + k] if c < width else zero


# name -> (number of operands, meaning)
GATHERED_WORDS: dict[str, tuple[int, Callable[..., None]]] = {
    "multiply_gathered": (14, _multiply_gathered),
    "pack_turned": (7, _pack_turned),
}
