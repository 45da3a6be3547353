"""Fit the coefficients of the CPU vector math (``runtime/devices/cpu/vector_math``).

Run by hand: ``python tests/tools/fit_polynomials.py [NAME ...]`` prints each fit (all of them
without a name): its error before and after the coefficients are rounded, and the coefficients as
they stand in the source, highest power first.

Method: the Remez exchange in 50 digits.  A polynomial is solved for on a reference set of points
where the weighted error alternates, then the points move to the extrema of the error.  A rational
function is the same with the equation ``P - f Q (1 + s E) = 0`` linearised at the last ``E``
(Maehly's second method).  Coefficients are rounded to the working precision one at a time, lowest
power first, refitting the others after each, so that later coefficients absorb the rounding of
earlier ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import mpmath
import numpy as np
from mpmath import mpf

mpmath.mp.dps = 50
Function = Callable[[mpf], mpf]


@dataclass
class Fit:
    """Approximate ``function`` on ``[low, high]`` by a polynomial, or by one over another.

    ``degree`` of the numerator, ``below`` of the denominator (whose constant term is 1).
    ``weight`` multiplies the error that is minimised; the default makes it relative.  ``fixed`` are
    leading coefficients (lowest powers) that are given and not fitted.
    """

    function: Function
    low: float | mpf
    high: float | mpf
    degree: int
    below: int = 0
    weight: Function | None = None
    fixed: Sequence[float] = ()
    bits: int = 24
    numerator: list[mpf] = field(default_factory=list)
    denominator: list[mpf] = field(default_factory=list)

    def solve(self) -> mpf:
        """Fit and round; the largest weighted error of the rounded coefficients."""
        weight = self.weight or (lambda x: 1 / abs(self.function(x)))
        grid = Grid(self, weight)
        numerator, denominator, error = exchange(self, grid)
        print(
            f"  before rounding {mpmath.nstr(error, 3)} = 2^{mpmath.nstr(mpmath.log(error, 2), 4)}"
        )
        denominator = [rounded(c, self.bits) for c in denominator]
        for k in range(len(self.fixed), self.degree + 1):
            numerator = refit(grid, numerator, denominator, k)
            numerator[k] = rounded(numerator[k], self.bits)
        self.numerator, self.denominator = numerator, denominator
        return max(abs(e) for e in grid.errors(numerator, denominator))


class Grid:
    """The points a fit is judged on: arguments, wanted values, weights."""

    def __init__(self, fit: Fit, weight: Function) -> None:
        count = 60 * (fit.degree + fit.below + 2)
        self.x = points(fit.low, fit.high, count)
        self.f = [fit.function(x) for x in self.x]
        self.w = [weight(x) for x in self.x]

    def errors(self, numerator: Sequence[mpf], denominator: Sequence[mpf]) -> list[mpf]:
        return [
            (value(numerator, x) / value(denominator, x) - f) * w
            for x, f, w in zip(self.x, self.f, self.w, strict=True)
        ]


def rounded(number: mpf, bits: int) -> mpf:
    with mpmath.workprec(bits):
        return +number


def points(low: float, high: float, count: int) -> list[mpf]:
    """Chebyshev points, ends included."""
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    return [middle - half * mpmath.cos(mpmath.pi * i / (count - 1)) for i in range(count)]


def value(coefficients: Sequence[mpf], x: mpf) -> mpf:
    return mpmath.polyval(list(reversed(coefficients)), x)


def exchange(fit: Fit, grid: Grid) -> tuple[list[mpf], list[mpf], mpf]:
    """Numerator, denominator and largest error of the best fit in exact arithmetic."""
    kept = [mpf(c) for c in fit.fixed]
    free = fit.degree + 1 - len(kept)
    unknown = free + fit.below + 1
    count = len(grid.x)
    chosen = [round(i * (count - 1) / (unknown - 1)) for i in range(unknown)]
    best = (kept, [mpf(1)], mpf("inf"))
    if fit.below:
        start = least_squares(fit, grid)
        error = grid.errors(*start)
        best = (*start, max(abs(e) for e in error))
        chosen = alternation(error, unknown) or chosen
    level = mpf(0)
    for _ in range(40):
        for _ in range(15 if fit.below else 1):
            matrix, right = mpmath.matrix(unknown, unknown), mpmath.matrix(unknown, 1)
            for row, place in enumerate(chosen):
                x, f, w = grid.x[place], grid.f[place], max(grid.w[place], mpf(10) ** -30)
                sign = (-1) ** row
                for k in range(free):
                    matrix[row, k] = x ** (len(kept) + k)
                for k in range(fit.below):
                    matrix[row, free + k] = -(f + sign * level / w) * x ** (k + 1)
                matrix[row, unknown - 1] = -sign / w
                right[row] = f - (value(kept, x) if kept else 0)
            solution = mpmath.lu_solve(matrix, right)
            change = abs(solution[unknown - 1] - level)
            level = solution[unknown - 1]
            if change < abs(level) * mpf(10) ** -6:
                break
        numerator = kept + [solution[k] for k in range(free)]
        denominator = [mpf(1)] + [solution[free + k] for k in range(fit.below)]
        error = grid.errors(numerator, denominator)
        largest = max(abs(e) for e in error)
        if largest < best[2]:
            best = (numerator, denominator, largest)
        if largest < abs(level) * mpf("1.001"):
            break
        chosen = alternation(error, unknown) or chosen
    return best


def least_squares(fit: Fit, grid: Grid) -> tuple[list[mpf], list[mpf]]:
    """A rational start for the exchange: ``P - f Q`` in the mean, weighted by the last ``Q``
    (Sanathanan and Koerner) and, once settled, by Lawson's weights; the best seen."""
    kept = [mpf(c) for c in fit.fixed]
    free = fit.degree + 1 - len(kept)
    unknown = free + fit.below
    rows = range(0, len(grid.x), 6)
    lawson = [mpf(1)] * len(rows)
    numerator, denominator = kept, [mpf(1)]
    best, best_error = (numerator, denominator), mpf("inf")
    for turn in range(60):
        matrix, right = mpmath.matrix(len(rows), unknown), mpmath.matrix(len(rows), 1)
        for row, place in enumerate(rows):
            x, f = grid.x[place], grid.f[place]
            w = grid.w[place] * mpmath.sqrt(lawson[row]) / value(denominator, x)
            for k in range(free):
                matrix[row, k] = w * x ** (len(kept) + k)
            for k in range(fit.below):
                matrix[row, free + k] = -w * f * x ** (k + 1)
            right[row] = w * (f - (value(kept, x) if kept else 0))
        solution, _ = mpmath.qr_solve(matrix, right)
        numerator = kept + [solution[k] for k in range(free)]
        denominator = [mpf(1)] + [solution[free + k] for k in range(fit.below)]
        error = [abs(e) for e in grid.errors(numerator, denominator)]
        if max(error) < best_error:
            best, best_error = (numerator, denominator), max(error)
        if turn >= 8:
            lawson = [v * error[place] for v, place in zip(lawson, rows, strict=True)]
            total = sum(lawson)
            lawson = [v / total for v in lawson]
    return best


def refit(grid: Grid, numerator: list[mpf], denominator: list[mpf], first: int) -> list[mpf]:
    """The numerator with powers ``first`` and up moved to make up for the rounding of the others.

    The correction is small beside the coefficients, so float64 least squares suffice for it;
    Lawson's weights drive them toward the smallest maximum.
    """
    error = grid.errors(numerator, denominator)
    scale = max(abs(e) for e in error)
    right = np.array([float(e / scale) for e in error])
    matrix = np.array(
        [
            [float(w * x**k / value(denominator, x)) for k in range(first, len(numerator))]
            for x, w in zip(grid.x, grid.w, strict=True)
        ]
    )
    weights = np.ones(len(right)) / len(right)
    best, best_error = np.zeros(matrix.shape[1]), np.abs(right).max()
    for _ in range(60):
        root = np.sqrt(weights)
        columns = np.linalg.norm(root[:, None] * matrix, axis=0)
        correction = np.linalg.lstsq(root[:, None] * matrix / columns, -root * right)[0] / columns
        left = np.abs(right + matrix @ correction)
        if left.max() < best_error:
            best, best_error = correction, left.max()
        weights = weights * left
        weights /= weights.sum()
    moved = [c + mpf(float(d)) * scale for c, d in zip(numerator[first:], best, strict=True)]
    return numerator[:first] + moved


def alternation(error: Sequence[mpf], count: int) -> list[int] | None:
    """The places of the largest error in each run of one sign, the ``count`` best neighbours."""
    places: list[int] = []
    for i, e in enumerate(error):
        if places and (e > 0) == (error[places[-1]] > 0):
            if abs(e) > abs(error[places[-1]]):
                places[-1] = i
        else:
            places.append(i)
    while len(places) > count:
        if abs(error[places[0]]) < abs(error[places[-1]]):
            places.pop(0)
        else:
            places.pop()
    return places if len(places) == count else None


def printed(coefficient: mpf, bits: int) -> str:
    if bits == 24:
        return repr(float(np.float32(float(coefficient))))
    return repr(float(coefficient))
