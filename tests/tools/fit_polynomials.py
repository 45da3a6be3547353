"""Fit the coefficients of the CPU vector math (``runtime/devices/cpu/vector_math``).

Run by hand: ``python tests/tools/fit_polynomials.py [NAME ...]`` prints each fit (all of them
without a name): its error before and after the coefficients are rounded, and the coefficients as
they stand in the source, highest power first.

Method: the Remez exchange in 50 digits: solve for the polynomial on a reference set of points where
the weighted error alternates, move the points to the extrema of the error.  Coefficients are
rounded to the working precision one at a time, lowest power first, refitting the others after each,
so that later coefficients absorb the rounding of earlier ones.
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
    """Approximate ``function`` on ``[low, high]`` by a polynomial.

    ``weight`` multiplies the error that is minimised; the default makes it relative.  ``fixed`` are
    leading coefficients (lowest powers) that are given and not fitted.
    """

    function: Function
    low: float | mpf
    high: float | mpf
    degree: int
    weight: Function | None = None
    fixed: Sequence[float | mpf] = ()
    bits: int = 24
    numerator: list[mpf] = field(default_factory=list)  # lowest power first

    def solve(self) -> tuple[mpf, mpf]:
        """The largest weighted error in exact arithmetic, and with the coefficients rounded."""
        grid = Grid(self, self.weight or (lambda x: 1 / abs(self.function(x))))
        numerator, exact = exchange(self, grid)
        for k in range(len(self.fixed), self.degree + 1):
            numerator = refit(grid, numerator, k)
            numerator[k] = rounded(numerator[k], self.bits)
        self.numerator = numerator
        return exact, max(abs(e) for e in grid.errors(numerator))


class Grid:
    """The points a fit is judged on: arguments, wanted values, weights."""

    def __init__(self, fit: Fit, weight: Function) -> None:
        count = 60 * (fit.degree + 2)
        self.x = points(fit.low, fit.high, count)
        self.f = [fit.function(x) for x in self.x]
        self.w = [weight(x) for x in self.x]

    def errors(self, numerator: Sequence[mpf]) -> list[mpf]:
        return [
            (value(numerator, x) - f) * w for x, f, w in zip(self.x, self.f, self.w, strict=True)
        ]


def rounded(number: mpf, bits: int) -> mpf:
    with mpmath.workprec(bits):
        return +number


def points(low: float, high: float, count: int) -> list[mpf]:
    """Chebyshev points, ends included."""
    middle, half = (mpf(low) + high) / 2, (mpf(high) - low) / 2
    return [middle - half * mpmath.cos(mpmath.pi * i / (count - 1)) for i in range(count)]


def value(coefficients: Sequence[mpf], x: mpf) -> mpf:
    result = mpf(0)
    for coefficient in reversed(coefficients):
        result = result * x + coefficient
    return result


def exchange(fit: Fit, grid: Grid) -> tuple[list[mpf], mpf]:
    """The coefficients of the best fit in exact arithmetic, and its largest error."""
    kept = [mpf(c) for c in fit.fixed]
    free = fit.degree + 1 - len(kept)
    chosen = [round(i * (len(grid.x) - 1) / free) for i in range(free + 1)]
    best, best_error = kept, mpf("inf")
    for _ in range(40):
        matrix, right = mpmath.matrix(free + 1, free + 1), mpmath.matrix(free + 1, 1)
        for row, place in enumerate(chosen):
            x, w = grid.x[place], max(grid.w[place], mpf(10) ** -30)
            for k in range(free):
                matrix[row, k] = x ** (len(kept) + k)
            matrix[row, free] = -((-1) ** row) / w
            right[row] = grid.f[place] - (value(kept, x) if kept else 0)
        solution = mpmath.lu_solve(matrix, right)
        numerator = kept + [solution[k] for k in range(free)]
        error = grid.errors(numerator)
        largest = max(abs(e) for e in error)
        if largest < best_error:
            best, best_error = numerator, largest
        if largest < abs(solution[free]) * mpf("1.001"):
            break
        chosen = alternation(error, free + 1) or chosen
    return best, best_error


def refit(grid: Grid, numerator: list[mpf], first: int) -> list[mpf]:
    """The coefficients with powers ``first`` and up moved to make up for the rounding of the
    others.

    The correction is small beside the coefficients, so float64 least squares suffice for it;
    Lawson's weights drive them toward the smallest maximum.
    """
    error = grid.errors(numerator)
    scale = max(abs(e) for e in error)
    right = np.array([float(e / scale) for e in error])
    powers = range(first, len(numerator))
    matrix = np.array(
        [[float(w * x**k) for k in powers] for x, w in zip(grid.x, grid.w, strict=True)]
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


def series(term: Callable[[int], mpf], closed: Function, small: float) -> Function:
    """``closed``, or the power series with these terms where ``closed`` would cancel."""

    def function(x: mpf) -> mpf:
        if abs(x) > small:
            return closed(x)
        return value([term(k) for k in range(30)], x)

    return function


def odd_part(f: Function, first: Function) -> Function:
    """``(f(x) - x) / x**3`` as a function of ``x**2``, ``first(k)`` being its k-th coefficient."""

    def closed(z: mpf) -> mpf:
        x = mpmath.sqrt(z)
        return (f(x) - x) / (x * z)

    return series(first, closed, 0.001)


def beside(f: Function, power: int) -> Function:
    """The weight of a correction that is multiplied by ``x**power`` and added to make ``f(x)``."""
    return lambda x: abs(x**power / f(x)) if x else mpf(0)


def beside_odd(f: Function) -> Function:
    return lambda z: abs(mpmath.sqrt(z) ** 3 / f(mpmath.sqrt(z))) if z else mpf(0)


LN2 = mpmath.log(2)
HALF_LN2 = LN2 / 2
ROOT_HALF, ROOT_2 = mpmath.sqrt(mpf(1) / 2) - 1, mpmath.sqrt(2) - 1
QUARTER = mpmath.pi / 4

expm1_rest = series(
    lambda k: 1 / mpmath.factorial(k + 2), lambda r: (mpmath.expm1(r) - r) / r**2, 0.001
)
log1p_rest = series(
    lambda k: mpf(-1) ** (k + 1) / (k + 2), lambda f: (mpmath.log1p(f) - f) / f**2, 0.001
)
exp2m1 = series(
    lambda k: LN2 ** (k + 1) / mpmath.factorial(k + 1), lambda f: mpmath.expm1(f * LN2) / f, 0.001
)
log2_rest = series(
    lambda k: mpf(-1) ** k / (k + 1) / LN2, lambda f: mpmath.log1p(f) / f / LN2, 0.001
)
atanh_rest = odd_part(mpmath.atanh, lambda k: mpf(1) / (2 * k + 3))
sin_rest = odd_part(mpmath.sin, lambda k: mpf(-1) ** (k + 1) / mpmath.factorial(2 * k + 3))
sinh_rest = odd_part(mpmath.sinh, lambda k: 1 / mpmath.factorial(2 * k + 3))
atan_rest = odd_part(mpmath.atan, lambda k: mpf(-1) ** (k + 1) / (2 * k + 3))
asin_rest = odd_part(
    mpmath.asin,
    lambda k: mpmath.binomial(2 * k + 2, k + 1) / mpf(4) ** (k + 1) / (2 * k + 3),
)
cos_rest = series(
    lambda k: mpf(-1) ** k / mpmath.factorial(2 * k + 4),
    lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2,
    0.001,
)
# tan(r) / r - 1 over r**2, in r**2
tan_rest = series(
    lambda k: (
        mpmath.bernoulli(2 * k + 4)
        * mpf(-1) ** (k + 1)
        * mpf(4) ** (k + 2)
        * (mpf(4) ** (k + 2) - 1)
        / mpmath.factorial(2 * k + 4)
    ),
    lambda z: (mpmath.tan(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z,
    0.001,
)


# erf(x) / x in x**2
erf_over_x = series(
    lambda k: 2 / mpmath.sqrt(mpmath.pi) * mpf(-1) ** k / mpmath.factorial(k) / (2 * k + 1),
    lambda z: mpmath.erf(mpmath.sqrt(z)) / mpmath.sqrt(z),
    0.001,
)


def minus_log_erfc(t: mpf) -> mpf:
    """-log(erfc(t)) / t."""
    if t < mpf(10) ** -25:
        return 2 / mpmath.sqrt(mpmath.pi)
    return -mpmath.log(mpmath.erfc(t)) / t


def erf_weight(t: mpf) -> mpf:
    """What an error in ``minus_log_erfc`` does to erf(t), relative."""
    return t * mpmath.erfc(t) / mpmath.erf(t) if t else mpmath.sqrt(mpmath.pi) / 2


def scaled_erfc(q: mpf) -> mpf:
    """(1 + 2 t) exp(t**2) erfc(t) for ``q = (t - 4) / (t + 4)``."""
    t = 4 * (1 + q) / (1 - q)
    if t > 100:
        z = -1 / (2 * t * t)
        tail = sum(z**k * mpmath.fac2(2 * k - 1) for k in range(1, 12)) + 1
        return (1 + 2 * t) * tail / (t * mpmath.sqrt(mpmath.pi))
    return (1 + 2 * t) * mpmath.exp(t * t) * mpmath.erfc(t)


def erfinv_of(w: mpf) -> mpf:
    """erfinv(x) / x for ``w = -log(1 - x**2)``."""
    if w < mpf(10) ** -20:
        return mpmath.sqrt(mpmath.pi) / 2
    x = mpmath.sqrt(-mpmath.expm1(-w))
    below = mpmath.exp(-w) / (1 + x)  # 1 - x
    y = mpmath.sqrt(w) if w > 1 else mpmath.sqrt(mpmath.pi) / 2 * x
    for _ in range(60):
        over = mpmath.erf(y) - x if y < mpf("0.5") else below - mpmath.erfc(y)
        step = over * mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(y * y)
        step = step / (1 + y * step)
        y -= step
        if abs(step) < abs(y) * mpf(10) ** -45:
            break
    return y / x


def log_gamma_of(t: mpf) -> mpf:
    """lgamma(2 + t) / t."""
    return mpmath.loggamma(2 + t) / t if abs(t) > mpf(10) ** -20 else 1 - mpmath.euler


def sin_pi_of(z: mpf) -> mpf:
    """sin(pi r) / r for ``z = r**2``."""
    return mpmath.sin(mpmath.pi * mpmath.sqrt(z)) / mpmath.sqrt(z) if z else mpmath.pi


# By the place of the coefficients: module of vector_math, constant, dtype, piece.
FITS: dict[str, Callable[[], Fit]] = {
    "exp_log.EXPM1 float32": lambda: Fit(
        expm1_rest, -HALF_LN2, HALF_LN2, 4, weight=beside(mpmath.expm1, 2)
    ),
    "exp_log.EXPM1 float64": lambda: Fit(
        expm1_rest, -HALF_LN2, HALF_LN2, 10, weight=beside(mpmath.expm1, 2), bits=53
    ),
    "error_function.EXP2M1 float32": lambda: Fit(exp2m1, -0.5, 0.5, 5),
    "error_function.EXP2M1 float64": lambda: Fit(exp2m1, -0.5, 0.5, 11, bits=53),
    "exp_log.LOG1P": lambda: Fit(log1p_rest, ROOT_HALF, ROOT_2, 7, weight=beside(mpmath.log1p, 2)),
    "exp_log.LOG2": lambda: Fit(log2_rest, ROOT_HALF, ROOT_2, 9),
    "exp_log.ATANH": lambda: Fit(
        lambda z: 2 * atanh_rest(z), 0, 0.0294373, 6, weight=lambda z: z / 2, bits=53
    ),
    "power.ATANH_TAIL float32": lambda: Fit(
        atanh_rest, 0, 0.0294373, 3, weight=lambda z: z, fixed=(mpf(1) / 3,)
    ),
    "power.ATANH_TAIL float64": lambda: Fit(
        atanh_rest, 0, 0.0294373, 8, weight=lambda z: z, fixed=(mpf(1) / 3,), bits=53
    ),
    "error_function.LOG2_ERFC": lambda: Fit(
        lambda t: -minus_log_erfc(t) / LN2, 0, 3.95, 8, weight=lambda t: erf_weight(t) * LN2
    ),
    "error_function.MINUS_LOG_ERFC": lambda: Fit(
        minus_log_erfc, 0, 5.95, 24, weight=erf_weight, bits=53
    ),
    "error_function.SCALED_ERFC float32": lambda: Fit(scaled_erfc, mpf(-7) / 9, mpf("0.46"), 9),
    "error_function.SCALED_ERFC float64": lambda: Fit(
        scaled_erfc, mpf(-7) / 9, mpf("0.76"), 21, bits=53
    ),
    "error_function.ERF_NEAR_ZERO float32": lambda: Fit(erf_over_x, 0, 0.25, 4),
    "error_function.ERF_NEAR_ZERO float64": lambda: Fit(erf_over_x, 0, 0.25, 9, bits=53),
    "gamma.LOG_GAMMA": lambda: Fit(log_gamma_of, -0.5, 0.5, 19, bits=53),
    "gamma.SINPI": lambda: Fit(sin_pi_of, 0, 0.25, 8, bits=53),
    "trig.SIN float32": lambda: Fit(sin_rest, 0, QUARTER**2, 2, weight=beside_odd(mpmath.sin)),
    "trig.SIN float64": lambda: Fit(
        sin_rest, 0, QUARTER**2, 6, weight=beside_odd(mpmath.sin), bits=53
    ),
    "trig.COS float32": lambda: Fit(
        cos_rest, 0, QUARTER**2, 2, weight=lambda z: z**2 / mpmath.cos(mpmath.sqrt(z))
    ),
    "trig.COS float64": lambda: Fit(
        cos_rest, 0, QUARTER**2, 6, weight=lambda z: z**2 / mpmath.cos(mpmath.sqrt(z)), bits=53
    ),
    "trig.TAN float32": lambda: Fit(
        tan_rest, 0, QUARTER**2, 5, weight=lambda z: z / (1 + z * tan_rest(z))
    ),
    "trig.TAN float64": lambda: Fit(
        tan_rest, 0, QUARTER**2, 14, weight=lambda z: z / (1 + z * tan_rest(z)), bits=53
    ),
    "inverse_trig.ASIN float32": lambda: Fit(asin_rest, 0, 0.25, 4, weight=beside_odd(mpmath.asin)),
    "inverse_trig.ASIN float64": lambda: Fit(
        asin_rest, 0, 0.25, 12, weight=beside_odd(mpmath.asin), bits=53
    ),
    "inverse_trig.ATAN float32": lambda: Fit(atan_rest, 0, 1, 7, weight=beside_odd(mpmath.atan)),
    "inverse_trig.ATAN float64": lambda: Fit(
        atan_rest, 0, ROOT_2**2, 11, weight=beside_odd(mpmath.atan), bits=53
    ),
    "hyperbolic.SINH float32": lambda: Fit(sinh_rest, 0, 1, 2, weight=beside_odd(mpmath.sinh)),
    "hyperbolic.SINH float64": lambda: Fit(
        sinh_rest, 0, 1, 6, weight=beside_odd(mpmath.sinh), bits=53
    ),
    "error_function.ERFINV float32 0": lambda: Fit(lambda v: erfinv_of(v + 2.5), -2.5, 2.5, 9),
    "error_function.ERFINV float32 1": lambda: Fit(
        lambda v: erfinv_of((v + 3) ** 2), mpmath.sqrt(5) - 3, 1.1, 9
    ),
    "error_function.ERFINV float64 0": lambda: Fit(
        lambda v: erfinv_of(v + mpf("3.125")), -3.125, 3.125, 25, bits=53
    ),
    "error_function.ERFINV float64 1": lambda: Fit(
        lambda v: erfinv_of((v + mpf("3.25")) ** 2), -0.75, 0.75, 21, bits=53
    ),
    "error_function.ERFINV float64 2": lambda: Fit(
        lambda v: erfinv_of((v + 5) ** 2), -1, 1.1, 20, bits=53
    ),
}


def main(names: Sequence[str]) -> None:
    for name in names or FITS:
        fit = FITS[name]()
        exact, error = fit.solve()
        print(f"{name}: exact {log2(exact)}, rounded {log2(error)}")
        for coefficient in reversed(fit.numerator):
            print(f"    {printed(coefficient, fit.bits)},")


def log2(error: mpf) -> str:
    return f"2**{mpmath.nstr(mpmath.log(error, 2), 4)}"


if __name__ == "__main__":
    main(sys.argv[1:])
