"""Fit the coefficients of the CPU vector math (``runtime/devices/cpu/vector_math``).

Run by hand: ``python tests/tools/fit_polynomials.py [NAME ...]`` prints each fit (all of them without a
name): its error before and after the coefficients are rounded, and the coefficients as they stand in the
source, highest power first.

Method: the Remez exchange in 50 digits.  A polynomial is solved for on a reference set of points where
the weighted error alternates, then the points move to the extrema of the error.  A rational function is
the same with the equation ``P - f Q (1 + s E) = 0`` linearised at the last ``E`` (Maehly's second
method).  Coefficients are rounded to the working precision one at a time, lowest power first, refitting
the others after each, so that later coefficients absorb the rounding of earlier ones.
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

    ``degree`` of the numerator, ``below`` of the denominator (whose constant term is 1).  ``weight``
    multiplies the error that is minimised; the default makes it relative.  ``fixed`` are leading
    coefficients (lowest powers) that are given and not fitted.
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
        weight = self.weight or (lambda x: 1 / self.function(x))
        kept = [mpf(c) for c in self.fixed]
        numerator, denominator, error = exchange(self, weight, kept, [])
        print(f"  before rounding {mpmath.nstr(error, 3)} = 2^{mpmath.nstr(mpmath.log(error, 2), 4)}")
        if self.below:
            denominator = [rounded(c, self.bits) for c in denominator]
        while len(kept) <= self.degree:
            kept.append(rounded(numerator[len(kept)], self.bits))
            if len(kept) <= self.degree:
                given = denominator if self.below else []
                numerator, _, _ = exchange(self, weight, kept, given)
        self.numerator, self.denominator = kept, denominator or [mpf(1)]
        return max(abs(e) for e in errors(self, weight, points(self.low, self.high, 2000)))


def rounded(value: mpf, bits: int) -> mpf:
    with mpmath.workprec(bits):
        return +value


def points(low: float, high: float, count: int) -> list[mpf]:
    """Chebyshev points, ends included."""
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    return [middle - half * mpmath.cos(mpmath.pi * i / (count - 1)) for i in range(count)]


def value(coefficients: Sequence[mpf], x: mpf) -> mpf:
    return mpmath.polyval(list(reversed(coefficients)), x)


def errors(fit: Fit, weight: Function, at: Sequence[mpf]) -> list[mpf]:
    return [
        (value(fit.numerator, x) / value(fit.denominator, x) - fit.function(x)) * weight(x)
        for x in at
    ]


def exchange(
    fit: Fit, weight: Function, kept: list[mpf], given: list[mpf]
) -> tuple[list[mpf], list[mpf], mpf]:
    """Numerator, denominator and levelled error, with some numerator coefficients (``kept``) or the
    whole denominator (``given``) fixed."""
    free = fit.degree + 1 - len(kept)
    below = 0 if given else fit.below
    unknown = free + below + 1
    grid = points(fit.low, fit.high, 60 * unknown)
    target = [fit.function(x) for x in grid]
    scale = [weight(x) for x in grid]
    chosen = [round(i * (len(grid) - 1) / (unknown - 1)) for i in range(unknown)]
    level = mpf(0)
    numerator: list[mpf] = []
    denominator = given or [mpf(1)]
    for _ in range(30):
        for _ in range(12 if below else 1):
            matrix, right = mpmath.matrix(unknown, unknown), mpmath.matrix(unknown, 1)
            for row, place in enumerate(chosen):
                x, f, w = grid[place], target[place], scale[place]
                sign = (-1) ** row
                for k in range(free):
                    matrix[row, k] = x ** (len(kept) + k)
                for k in range(below):
                    matrix[row, free + k] = -(f + sign * level / w) * x ** (k + 1)
                bottom = value(given, x) if given else mpf(1)
                matrix[row, unknown - 1] = -sign / w * bottom
                right[row] = f * bottom - value(kept, x) if kept else f * bottom
            solution = mpmath.lu_solve(matrix, right)
            change = abs(solution[unknown - 1] - level)
            level = solution[unknown - 1]
            if change < abs(level) * mpf(10) ** -6:
                break
        numerator = kept + [solution[k] for k in range(free)]
        if below:
            denominator = [mpf(1)] + [solution[free + k] for k in range(below)]
        error = [
            (value(numerator, x) / value(denominator, x) - f) * w
            for x, f, w in zip(grid, target, scale, strict=True)
        ]
        largest = max(abs(e) for e in error)
        if largest < abs(level) * mpf("1.001"):
            break
        chosen = alternation(error, unknown) or chosen
    return numerator, denominator, largest


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
