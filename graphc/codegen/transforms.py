"""The words of products by points: sums of elements along two axes of a small square.

``transform_WHAT_WINDOW(x, y, e, to, row, column, y_row, y_column, n)`` reads squares of ``x`` and
writes squares of ``y``, side by side for ``n`` elements; both count as one row of elements,
whatever their rank.  With the matrix ``w`` of :data:`SCHEMES`,
``y[to + i * y_row + j * y_column + k]`` is the sum over ``r`` and ``s`` of
``w[i][r] * w[j][s] * x[e + r * row + s * column + k]``.

WHAT is ``filter``, ``input`` or ``output``: the first two make points, the last makes results of
products of points.  Its way back, for gradients: ``cotangent`` makes points of results, ``slope``
makes a filter of products of points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Matrix = tuple[tuple[float, ...], ...]


def _across(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


@dataclass(frozen=True)
class Scheme:
    """One axis: points of a filter, points of the elements a tile sees, results of points."""

    filter: Matrix
    input: Matrix
    output: Matrix

    @property
    def points(self) -> int:
        return len(self.filter)

    @property
    def reach(self) -> int:
        """Elements that a tile sees."""
        return len(self.input[0])

    @property
    def cotangent(self) -> Matrix:
        return _across(self.output)

    @property
    def slope(self) -> Matrix:
        return _across(self.filter)


# By the window's elements along an axis.
SCHEMES = {
    3: Scheme(
        ((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),
        ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, 1, 0, -1)),
        ((1, 1, 1, 0), (0, 1, -1, -1)),
    ),
    5: Scheme(
        (
            (1, 0, 0, 0, 0), (0.5, 0.5, 0.5, 0, 0), (0.5, -0.5, 0.5, 0, 0), (0, 0, 1, 0, 0),
            (0, 0, 0, 1, 0), (0, 0, 0, 1, 1), (0, 0, 0, 0, 1),
        ),
        (
            (1, 0, -1, 0, 0, 0), (0, 1, 1, 0, 0, 0), (0, -1, 1, 0, 0, 0), (0, 1, 0, -1, 0, 0),
            (0, 0, 0, 1, -1, 0), (0, 0, 0, 0, 1, 0), (0, 0, 0, 0, 1, -1),
        ),
        ((1, 1, 1, 0, 1, 1, 0), (0, 1, -1, -1, 0, 1, -1)),
    ),
}  # fmt: skip
KINDS = ("filter", "input", "output", "cotangent", "slope")


def _combined(factors: Sequence[float], values: Sequence[Any], zero: Any) -> Any:
    total = zero
    for factor, value in zip(factors, values, strict=True):
        if factor:
            total = total + type(zero)(factor) * value
    return total


def _transform(matrix: Matrix) -> Callable[..., None]:
    def meaning(
        x: Any, y: Any, e: int, to: int, row: int, column: int, y_row: int, y_column: int, n: int
    ) -> None:
        zero, width = y.dtype.computed.numpy.type(0), range(len(matrix[0]))
        x, y = x.array.reshape(-1), y.array.reshape(-1)
        for k in range(n):
            square = [[x[e + r * row + s * column + k] for s in width] for r in width]
            for i, across in enumerate(matrix):
                sums = [_combined(across, [line[s] for line in square], zero) for s in width]
                for j, along in enumerate(matrix):
                    y[to + i * y_row + j * y_column + k] = _combined(along, sums, zero)

    return meaning


# name -> (matrix, meaning)
TRANSFORM_WORDS: dict[str, tuple[Matrix, Callable[..., None]]] = {
    f"transform_{kind}_{window}": (getattr(scheme, kind), _transform(getattr(scheme, kind)))
    for window, scheme in SCHEMES.items()
    for kind in KINDS
}
