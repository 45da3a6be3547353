"""Functions that need a loop per element: incomplete gamma and beta, zeta, polygamma.

Each is a block of kernel text in float64, whatever the dtype, that ends when its series or fraction
has converged.  The text is straightforward; the branches keep both halves of a range apart, where
one of the two methods converges.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dtype import FLOATING, float32, float64
from graphc.ir.op import Elementwise, Kind, NotDifferentiable, Refuses, Sample
from graphc.ir.types import broadcast, broadcast_index
from graphc.ops.elementwise.special import by_name
from graphc.ops.running.precision import in_float64

EXACT = "#1.1102230246251565e-16"

# x**a e**-x / gamma(a); for large a its factors are out of range, but their quotient to Stirling's
# formula is not.  log(1 + mu) - mu loses its digits near 0: there by its series.
SCALE = """
@mu = (@x - @a) / @a
@less = log(@x / @a) - @mu
if lt(abs(@mu), #0.1):
    @power = neg(@mu)
    @less = #0.0
    for @k in range(#2, #40):
        @power = @power * neg(@mu)
        @less = @less - @power / to_float64(@k)
        if le(abs(@power), #1.1102230246251565e-16 * abs(@less)):
            break
@b = #1.0 / (@a * @a)
@tail = fma(fma(fma(@b, #-0.0005952380952380953, #0.0007936507936507937), @b, #-0.002777777777777778), @b, #0.08333333333333333) / @a
@scale = exp(@a * log(@x) - @x - lgamma(@a))
if ge(@a, #20.0):
    @scale = sqrt(@a / #6.283185307179586) * exp(@a * @less - @tail)
"""  # noqa: E501

# Temme's uniform expansion (1979), for large a
LARGE = """
@eta = copysign(sqrt(#-2.0 * @less), @mu)
@first = #1.0 / @mu - #1.0 / @eta
if lt(abs(@eta), #1e-3):
    @first = @eta * #0.08333333333333333 - #0.3333333333333333
@rest = exp(@a * @less) / sqrt(#6.283185307179586 * @a) * @first
@place = @eta * sqrt(@a * #0.5)
@lower = erfc(neg(@place)) * #0.5 - @rest
@upper = erfc(@place) * #0.5 + @rest
"""

LOWER_SERIES = f"""
@term = #1.0 / @a
@total = @term
for @k in range(#1, #1000000):
    @term = @term * @x / (@a + to_float64(@k))
    @total = @total + @term
    if lt(@term, {EXACT} * @total):
        break
@lower = @scale * @total
"""

# Lentz's method (Applied Optics 15, 1976) for 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...))
UPPER_FRACTION = f"""
@base = @x + #1.0 - @a
@c = #1e300
@d = #1.0 / @base
@h = @d
for @k in range(#1, #1000000):
    @n = to_float64(@k)
    @factor = @n * (@a - @n)
    @base = @base + #2.0
    @d = @factor * @d + @base
    @d = where(lt(abs(@d), #1e-300), #1e-300, @d)
    @c = @base + @factor / @c
    @c = where(lt(abs(@c), #1e-300), #1e-300, @c)
    @d = #1.0 / @d
    @h = @h * @d * @c
    if lt(abs(@d * @c - #1.0), {EXACT} * #4.0):
        break
@upper = @scale * @h
"""


def indented(text: str) -> str:
    return "\n".join("    " + line for line in text.strip("\n").split("\n"))


def _incomplete(
    wanted: str, lower: str, upper: str, at_zero: str, at_infinity: str, at_origin: str
) -> str:
    """The text of a function of (a, x): from ``@lower`` below the middle, ``@upper`` above it."""
    return f"""
@a = @0
@x = @1
@result = #nan
if gt(@a, #0.0) and gt(@x, #0.0) and lt(@x, #inf) and lt(@a, #inf):
{indented(SCALE)}
    if gt(@a, #1e8):
{indented(indented(LARGE))}
        @result = {wanted}
    elif le(@x, @a + #1.0):
{indented(indented(LOWER_SERIES))}
        @result = {lower}
    else:
{indented(indented(UPPER_FRACTION))}
        @result = {upper}
elif ge(@a, #0.0) and ge(@x, #0.0):
    @result = {at_infinity}
    if eq(@x, #0.0) or eq(@a, #inf):
        @result = {at_zero}
    if eq(@a, #0.0):
        @result = #nan
        if eq(@x, #0.0):
            @result = {at_origin}
"""


class Looping(Elementwise, abstract=True):
    """An elementwise function whose ``text`` computes one element in float64, with loops."""

    dtypes = FLOATING
    kind = Kind.INJECTIVE
    transcendental = True
    text: ClassVar[str]
    numpy: ClassVar[Any]

    @in_float64
    def reference(self, *arrays: np.ndarray) -> np.ndarray:
        return self.numpy(*arrays)

    def element(self, e: Any, at: tuple, *operands: Any) -> Any:
        out = broadcast(**{f"x{k}": x.type for k, x in enumerate(operands)}) or ()
        values = [x(*broadcast_index(at, x.type.shape, out)) for x in operands]
        wide = [
            v if v.dtype == "float64" else e.let(f"to_float64({v})", float64, v) for v in values
        ]
        result = e.block(self.text, float64, *wide)
        if values[0].dtype == "float64":
            return result
        return e.let(f"to_float32({result})", float32, result)


def _part(which: int) -> staticmethod:
    def function(a: np.ndarray, x: np.ndarray) -> np.ndarray:
        from graphc.codegen.special_functions import incomplete_gammas

        each = np.frompyfunc(lambda p, q: incomplete_gammas(p, q)[which], 2, 1)
        return np.asarray(each(a, x), np.float64)

    return staticmethod(function)


GAMMA_EDGES = {
    0: [0, 1, -1, 2, 0, 1, np.nan, 1e-3, 30, 30, 500],
    1: [0, 0, 1, -1, 2, np.inf, 1, 5, 2, 90, 510],
}  # fmt: skip


def _pairs(first: str) -> list:
    return [
        Sample("float32[3, 4]", "float32[4]", low=0.3, high=9, gradient=False),
        Sample("float64[2, 1, 3]", "float64[4, 1]", low=0.3, high=9, gradient=False),
        Sample("float16[3]", "float16[]", low=0.5, high=3, gradient=False),
        Sample("bfloat16[3]", "bfloat16[3]", low=0.5, high=3, gradient=False),
        Sample("float64[11]", "float64[11]", values=GAMMA_EDGES, gradient=False),
        Sample("float32[0]", "float32[1]"),
        Refuses("int32[2]", "int32[2]", f"{first} must be floating, got int32[2]"),
        Refuses("float32[3]", "float32[4]", "shapes do not broadcast (axis -1)"),
    ]


def _density(b: Any, a: Any, x: Any) -> Any:
    """``x**(a - 1) e**-x / gamma(a)``."""
    exponent = b.sub(b.sub(b.xlogy(b.sub(a, 1), x), x), b.lgamma(a))
    return b.exp(exponent)


class Igamma(Looping):
    """The lower regularised incomplete gamma function P(a, x)."""

    operands = ("a", "x")
    text = _incomplete("@lower", "@lower", "#1.0 - @upper", "#0.0", "#1.0", "#0.0")
    numpy = _part(0)

    def vjp(self, b: Any, ct: Any, y: Any, a: Any, x: Any) -> list:
        return [b.mul(ct, b.igamma_grad_a(a, x)), b.mul(ct, _density(b, a, x))]

    samples = _pairs("a")


class Igammac(Looping):
    """The upper regularised incomplete gamma function Q(a, x) = 1 - P(a, x)."""

    operands = ("a", "x")
    text = _incomplete("@upper", "#1.0 - @lower", "@upper", "#1.0", "#0.0", "#nan")
    numpy = _part(1)

    def vjp(self, b: Any, ct: Any, y: Any, a: Any, x: Any) -> list:
        return [b.neg(b.mul(ct, b.igamma_grad_a(a, x))), b.neg(b.mul(ct, _density(b, a, x)))]

    samples = _pairs("a")


# Both methods above, differentiated term by term: a prime is a derivative with respect to a.
LOWER_SLOPE = f"""
@term = #1.0
@total = #1.0
@term_slope = #0.0
@total_slope = #0.0
for @k in range(#1, #1000000):
    @n = @a + to_float64(@k)
    @ratio = @x / @n
    @term_slope = @ratio * (@term_slope - @term / @n)
    @term = @term * @ratio
    @total = @total + @term
    @total_slope = @total_slope + @term_slope
    if le(abs(@term_slope), {EXACT} * abs(@total_slope)):
        break
@scale = @scale / @a
if lt(@a, #1.0):
    @scale = exp(@a * log(@x) - @x - lgamma(@a + #1.0))
@lower = @scale * (@total_slope + @total * (log(@x) - digamma(@a + #1.0)))
"""
UPPER_SLOPE = f"""
@base = @x + #1.0 - @a
@p = #1.0
@q = @base
@p_last = #0.0
@q_last = #1.0
@p_slope = #0.0
@q_slope = #-1.0
@p_last_slope = #0.0
@q_last_slope = #0.0
@h = @p / @q
@h_slope = (@p_slope - @h * @q_slope) / @q
for @k in range(#1, #1000000):
    @n = to_float64(@k)
    @factor = @n * (@a - @n)
    @base = @base + #2.0
    @p_next = @base * @p + @factor * @p_last
    @q_next = @base * @q + @factor * @q_last
    @p_next_slope = @base * @p_slope - @p + @factor * @p_last_slope + @n * @p_last
    @q_next_slope = @base * @q_slope - @q + @factor * @q_last_slope + @n * @q_last
    @unit = #1.0 / @q_next
    @p_last = @p * @unit
    @q_last = @q * @unit
    @p_last_slope = @p_slope * @unit
    @q_last_slope = @q_slope * @unit
    @p = @p_next * @unit
    @q = #1.0
    @p_slope = @p_next_slope * @unit
    @q_slope = @q_next_slope * @unit
    @before = @h_slope
    @h = @p
    @h_slope = @p_slope - @h * @q_slope
    if le(abs(@h_slope - @before), {EXACT} * #4.0 * abs(@h_slope)):
        break
@upper = @scale * (@h_slope + @h * @log_slope)
"""


class IgammaGradA(Looping):
    """The derivative of P(a, x) with respect to ``a``; above 1e8 to four digits."""

    operands = ("a", "x")
    text = f"""
@a = @0
@x = @1
@result = #nan
if gt(@a, #0.0) and gt(@x, #0.0) and lt(@x, #inf) and lt(@a, #inf):
{indented(SCALE)}
    @log_slope = log(@x) - digamma(@a)
    if gt(@a, #1e8):
        @result = neg(exp(@a * @less)) / sqrt(#6.283185307179586 * @a)
    elif le(@x, @a + #1.0):
{indented(indented(LOWER_SLOPE))}
        @result = @lower
    else:
{indented(indented(UPPER_SLOPE))}
        @result = neg(@upper)
elif (gt(@a, #0.0) and ge(@x, #0.0)) or (eq(@a, #0.0) and eq(@x, #0.0)):
    @result = #0.0
"""

    @staticmethod
    def numpy(a: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The series term by term; the fraction by Richardson's extrapolation of differences."""
        from graphc.codegen.special_functions import (
            LARGE,
            incomplete_gammas,
            log1p_less,
            lower_slope,
        )

        def slope(p: float, q: float) -> float:
            if p == q == 0:
                return 0.0
            if not (p > 0 and q >= 0):
                return np.nan
            if p == np.inf or q in (0, np.inf):
                return 0.0
            if p > LARGE:
                less = log1p_less((q - p) / p, q / p)
                return -np.exp(p * less) / np.sqrt(2 * np.pi * p)
            if q <= p + 1:
                return lower_slope(p, q)
            p = max(p, 1e-100)  # below, the slope is that of 0, and differences are lost
            rows: list[float] = []
            for k in range(6):
                h = 0.2 * p * 2.0**-k
                high, low = (incomplete_gammas(v, q)[1] for v in (p + h, p - h))
                column = [(high - low) / (2 * h)]
                for j, known in enumerate(rows, 1):
                    column.append(column[-1] + (column[-1] - known) / (4**j - 1))
                rows = column
            return -rows[-1]

        return np.asarray(np.frompyfunc(slope, 2, 1)(a, x), np.float64)

    vjp = NotDifferentiable("second derivatives with respect to a are not provided")

    samples = [
        Sample("float32[3, 4]", "float32[4]", low=0.3, high=9, gradient=False),
        Sample("float64[4]", "float64[4]", values={0: [0.5, 2, 2, 30], 1: [0.2, 0.5, 9, 25]},
               tolerance=100, gradient=False),
        Sample("float64[4]", "float64[4]", values={0: [1, -1, 1, np.nan], 1: [0, 1, np.inf, 1]},
               gradient=False),
        Sample("float16[3]", "float16[]", low=0.5, high=3, gradient=False),
        Refuses("int32[2]", "int32[2]", "a must be floating, got int32[2]"),
    ]  # fmt: skip


ZETA = (
    f"""
@result = #nan
if gt(@s, #1.0) and lt(@s, #inf) and gt(@q, #-inf):
    if le(@q, #0.0) and eq(@q, floor(@q)):
        @result = #inf
    elif gt(@q, #0.0) or eq(@s, floor(@s)):
        @total = #0.0
        @far = #12.0 + minimum(@s, #60.0)
        for @k in range(#0, #1000000):
            if ge(@q, @far):
                break
            @total = @total + pow(@q, neg(@s))
            @q = @q + #1.0
        @power = pow(@q, neg(@s))
        @total = @total + @power * (@q / (@s - #1.0) + #0.5)
        @power = @power / @q
        @rise = @s
        @total = @total + @power * @rise * #{1 / 12!r}
"""
    + "".join(
        f"""\
        @rise = @rise * (@s + #{2 * k - 1.0}) * (@s + #{2.0 * k})
        @power = @power / (@q * @q)
        @term = @power * @rise * #{coefficient!r}
        @total = @total + where(isnan(@term), #0.0, @term)
"""
        for k, coefficient in enumerate(
            (-1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000), 1
        )
    )
    + """\
        @result = @total
        if eq(@q, #inf):
            @result = #0.0
elif eq(@s, #1.0) and gt(@q, #-inf):
    @result = #inf
"""
)


class Zeta(Looping):
    """Hurwitz's zeta function, ``sum of (q + k)**-x over k >= 0``, for x > 1; its gradient: to
    ``q`` only."""

    operands = ("x", "q")
    text = "@s = @0\n@q = @1" + ZETA
    numpy = by_name("zeta")

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, q: Any) -> list:
        return [None, b.mul(ct, b.neg(b.mul(x, b.zeta(b.add(x, 1), q))))]

    samples = [
        Sample("float32[3, 4]", "float32[4]", low=1.3, high=9, gradient=False),
        Sample("float64[5]", "float64[]", low=1.2, high=6, gradient=False),
        Sample("float16[3]", "float16[]", low=1.5, high=3, gradient=False),
        Sample("float64[8]", "float64[8]", gradient=False, values={
            0: [1, 2, 2, 2, 3, 0.5, 2, 2.5], 1: [1, 0, -1, -0.5, 1e-3, 2, 1e5, -1.5]}),
        Sample("float32[0]", "float32[1]"),
        Refuses("int32[2]", "int32[2]", "x must be floating, got int32[2]"),
    ]  # fmt: skip


class Polygamma(Looping):
    """The a-th derivative of digamma; NaN unless ``a`` is 0, 1, 2 ...  Its gradient: to ``x``
    only."""

    operands = ("a", "x")
    text = f"""
@n = @0
@q = @1
@s = @n + #1.0
{ZETA}
if eq(@n, #0.0):
    @result = digamma(@1)
elif gt(@n, #0.0) and eq(@n, floor(@n)):
    @odd = @n - #2.0 * floor(@n * #0.5)
    @result = @result * exp(lgamma(@n + #1.0)) * (@odd + @odd - #1.0)
else:
    @result = #nan
"""
    numpy = by_name("polygamma")

    def vjp(self, b: Any, ct: Any, y: Any, a: Any, x: Any) -> list:
        return [None, b.mul(ct, b.polygamma(b.add(a, 1), x))]

    samples = [
        Sample("float32[4]", "float32[3, 4]", low=0.4, high=9, gradient=False,
               values={0: [0, 1, 2, 5]}),
        Sample("float64[3]", "float64[3]", values={0: [0, 1, 3], 1: [0.4, 2, -0.5]},
               gradient=False, tolerance=10),
        Sample("float16[2]", "float16[2]", values={0: [1, 2], 1: [1.5, 2]}, gradient=False),
        Sample("float64[5]", "float64[5]", gradient=False,
               values={0: [1, -1, 1.5, 2, np.nan], 1: [0, 2, 2, 3.5, 1]}),
        Refuses("int32[2]", "int32[2]", "a must be floating, got int32[2]"),
    ]  # fmt: skip


class Betainc(Looping):
    """The regularised incomplete beta function I(x; a, b); its gradient: to ``x`` only, as in TF1.

    By the continued fraction 8.17.22 of the DLMF, for the smaller of x and 1 - x about the mean.
    """

    operands = ("a", "b", "x")
    text = f"""
@result = #nan
@finite = lt(maximum(@0, @1), #inf)
if @finite and gt(@0, #0.0) and gt(@1, #0.0) and ge(@2, #0.0) and le(@2, #1.0):
    @a = @0
    @b = @1
    @x = @2
    @turn = gt(@x, (@0 + #1.0) / (@0 + @1 + #2.0))
    if @turn:
        @a = @1
        @b = @0
        @x = #1.0 - @2
    @near_one = where(@turn, log(@2), log1p(neg(@2)))
    @front = lgamma(@a + @b) - lgamma(@a) - lgamma(@b)
    @front = exp(@front + @a * log(@x) + @b * @near_one) / @a
    @c = #1.0
    @d = #1.0 - (@a + @b) * @x / (@a + #1.0)
    @d = #1.0 / where(lt(abs(@d), #1e-300), #1e-300, @d)
    @h = @d
    for @k in range(#1, #100000):
        @m = to_float64(@k)
        @top = @a + @m + @m
        @even = @m * (@b - @m) * @x / ((@top - #1.0) * @top)
        @odd = neg(@a + @m) * (@a + @b + @m) * @x / (@top * (@top + #1.0))
        @d = #1.0 + @even * @d
        @d = #1.0 / where(lt(abs(@d), #1e-300), #1e-300, @d)
        @c = #1.0 + @even / @c
        @c = where(lt(abs(@c), #1e-300), #1e-300, @c)
        @h = @h * @d * @c
        @d = #1.0 + @odd * @d
        @d = #1.0 / where(lt(abs(@d), #1e-300), #1e-300, @d)
        @c = #1.0 + @odd / @c
        @c = where(lt(abs(@c), #1e-300), #1e-300, @c)
        @h = @h * @d * @c
        if lt(abs(@d * @c - #1.0), {EXACT} * #4.0):
            break
    @result = @front * @h
    if @turn:
        @result = #1.0 - @result
    if eq(@2, #0.0) or eq(@2, #1.0):
        @result = @2
"""
    numpy = by_name("betainc")

    def vjp(self, b: Any, ct: Any, y: Any, p: Any, q: Any, x: Any) -> list:
        logs = b.sub(b.lgamma(b.add(p, q)), b.add(b.lgamma(p), b.lgamma(q)))
        powers = b.add(b.xlogy(b.sub(p, 1), x), b.xlogy(b.sub(q, 1), b.sub(1, x)))
        return [None, None, b.mul(ct, b.exp(b.add(logs, powers)))]

    samples = [
        Sample("float32[3, 4]", "float32[4]", "float32[]", low=0.1, high=0.9, gradient=False),
        Sample("float64[8]", "float64[8]", "float64[8]", gradient=False, values={
            0: [1, 0, 2, 2, 2, 2, -1, 20], 1: [1, 1, 0, 2, 2, 2, 1, 3],
            2: [0.3, 0.3, 0.3, 0, 1, 1.5, 0.5, 0.9]}),
        Sample("float16[2]", "float16[2]", "float16[2]", low=0.2, high=0.8, gradient=False),
        Sample("float32[0]", "float32[1]", "float32[]"),
        Refuses("int32[2]", "int32[2]", "int32[2]", "a must be floating, got int32[2]"),
    ]  # fmt: skip
