"""Special functions: the gamma family, zeta, the normal quantile, Bessel functions; and products,
quotients and steps that treat zero apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from graphc.ir.builder import composite
from graphc.ir.dtype import FLOATING, bool_, float32, float64
from graphc.ir.op import Elementwise, Kind, Refuses, Sample
from graphc.ops.elementwise.arithmetic import SPECIAL_PAIRS, Binary
from graphc.ops.elementwise.functions import Function, over
from graphc.ops.running.precision import in_float32, in_float64

ROOT_TWO, ROOT_TAU = math.sqrt(2), math.sqrt(2 * math.pi)


def by_name(name: str) -> staticmethod:
    """A function of :mod:`graphc.codegen.special_functions`, over arrays of float64."""

    def function(*arrays: np.ndarray) -> np.ndarray:
        from graphc.codegen import special_functions  # building a graph needs none of them

        each = np.frompyfunc(getattr(special_functions, name), len(arrays), 1)
        return np.asarray(each(*arrays), np.float64)

    return staticmethod(function)


class Lgamma(Function):
    """``y = log(|gamma(x)|)``; infinite at 0 and the negative integers."""

    word, numpy = "lgamma", by_name("lgamma")

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.digamma(x))]

    samples = over(0.2, 9, Sample("float64[6]", values={0: [-0.5, -2.25, 0.1, 8.5, 30, 1]}))


class Digamma(Function):
    """``y``: the derivative of lgamma; NaN at 0 and the negative integers."""

    word, numpy = "digamma", by_name("digamma")

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.polygamma(b.tensor(1, like=x), x))]

    samples = over(0.2, 9, Sample("float64[5]", values={0: [-0.5, -2.25, 0.1, 10, 30]}))


class Ndtri(Elementwise):
    """``y``: where the normal distribution function is ``x``; infinite at 0 and 1.

    In float64; off the middle by two Halley steps from formula 26.2.23 of Abramowitz and Stegun, on
    the smaller of both tails.
    """

    operands = ("x",)
    dtypes = FLOATING
    kind = Kind.INJECTIVE
    transcendental = True

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        from statistics import NormalDist

        def quantile(p: float) -> float:
            if not 0 <= p <= 1:
                return math.nan
            if p in (0, 1):
                return math.inf if p else -math.inf
            small = min(p, 1 - p)
            y = NormalDist().inv_cdf(small)
            if small < 0.4:
                density = math.exp(-y * y / 2) / ROOT_TAU
                y -= (math.erfc(-y / ROOT_TWO) / 2 - small) / density if density else 0
            return y if p <= 0.5 else -y

        return np.asarray(np.frompyfunc(quantile, 1, 1)(x), np.float64)

    def element(self, e: Any, at: tuple, x: Any) -> Any:
        given = x(*at)
        narrow = given.dtype != "float64"
        p = e.let(f"to_float64({given})", float64, given) if narrow else given

        def let(text: str, *uses: Any) -> Any:
            return e.let(text, float64, *uses)

        def k(value: float) -> str:
            return p.literal(value)

        small = let(f"minimum({p}, {p.one} - {p})", p)
        far = let(f"sqrt({k(-2)} * log({small}))", small)
        above = f"fma(fma({far}, {k(0.010328)}, {k(0.802853)}), {far}, {k(2.515517)})"
        cubic = f"fma(fma({far}, {k(0.001308)}, {k(0.189269)}), {far}, {k(1.432788)})"
        y = let(f"{far} - {above} / fma({cubic}, {far}, {p.one})", far)
        for _ in range(2):
            slope = let(f"exp({k(-0.5)} * {y} * {y}) * {k(1 / ROOT_TAU)}", y)
            over = let(f"({k(0.5)} * erfc({y} * {k(1 / ROOT_TWO)}) - {small}) / {slope}", y, slope)
            y = let(f"{y} + {over} / ({p.one} - {k(0.5)} * {y} * {over})", y, over)
        tail = let(f"where(lt({p}, {k(0.5)}), -{y}, {y})", y)
        middle = let(f"{k(ROOT_TWO)} * erfinv({p} + {p} - {p.one})", p)
        inside = e.let(f"logical_and(gt({small}, {p.zero}), lt({small}, {k(0.25)}))", bool_, small)
        known = let(f"where(lt({small}, {p.zero}), {k(math.nan)}, {middle})", middle, small)
        result = let(f"where({inside}, {tail}, {known})", tail, known)
        return e.let(f"to_float32({result})", float32, result) if narrow else result

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.mul(b.exp(b.mul(b.square(y), 0.5)), ROOT_TAU))]

    samples = over(
        0.05, 0.95, Sample("float64[6]", values={0: [1e-3, 1e-30, 0.999, 0.2, 0.3, 0.5]},
                           gradient=False),
        Sample("float64[4]", values={0: [0, 1, -1, 2]}, gradient=False),
        Sample("float32[3]", values={0: [1e-30, 1e-6, 0.9999]}, gradient=False),
    )  # fmt: skip


# --- Bessel functions -----------------------------------------------------------------------------

NEAR = 8.0  # below: the power series; above: a polynomial in 1 / x


def power_series(order: int, terms: int) -> list[float]:
    """I_order(x) / (x / 2)**order in powers of (x / 2)**2, highest first."""
    rows = [1.0 / (math.factorial(k) * math.factorial(k + order)) for k in range(terms)]
    return rows[::-1]


class BesselIe(Function, abstract=True):
    """``exp(-|x|) I(x)``: by the power series below 8, whose terms are all positive; above, by a
    polynomial in ``1 / |x|`` for ``sqrt(|x|) exp(-|x|) I(|x|)``."""

    order: ClassVar[int]
    tails: ClassVar[dict[str, Sequence[float]]]
    kind = Kind.INJECTIVE
    scalar = None
    word = ""

    def element(self, e: Any, at: tuple, x: Any) -> Any:
        v = x(*at)
        dtype = v.dtype
        near = power_series(self.order, 18 if dtype == "float32" else 30)
        size = e.let(f"abs({v})", dtype, v)
        bound = v.literal(NEAR)
        low = e.let(f"minimum({size}, {bound}) * {v.literal(0.5)}", dtype, size)
        square = e.let(f"{low} * {low}", dtype, low)
        inverse = e.let(f"{v.one} / maximum({size}, {bound})", dtype, size)
        first = e.let(f"exp(-({low} + {low}))" + f" * {low}" * self.order, dtype, low)
        inside = e.let(f"{horner(v, near, square)} * {first}", dtype, square, first)
        z = e.let(f"fma({inverse}, {v.literal(2 * NEAR)}, {v.literal(-1)})", dtype, inverse)
        outside = e.let(f"{horner(v, self.tails[dtype], z)} * sqrt({inverse})", dtype, z)
        value = f"where(lt({size}, {bound}), {inside}, {outside})"
        value = f"where(isnan({v}), {v}, {value})"
        return e.let(f"copysign({value}, {v})" if self.order else value, dtype, inside, outside)


def horner(v: Any, coefficients: Sequence[float], z: Any) -> str:
    """A polynomial as text; highest power first."""
    text = v.literal(coefficients[0])
    for c in coefficients[1:]:
        text = f"fma({text}, {z}, {v.literal(c)})"
    return text


# sqrt(x) exp(-x) I(x) in powers of 16 / x - 1, for x >= 8
TAIL_0: dict[str, Sequence[float]] = {
    "float32": (
        1.0829898400288585e-07,
        3.6317103990768373e-07,
        1.47679213569063e-06,
        1.111152505473001e-05,
        0.000136216840473935,
        0.0033605557400733232,
        0.40217649936676025,
    ),
    "float64": (
        -1.7166164938175488e-10,
        -8.853076246050108e-11,
        1.0915893161016653e-09,
        6.702584046528111e-10,
        -3.1868021662287506e-09,
        -2.5824509003351837e-09,
        5.492774410203639e-09,
        6.905503273684613e-09,
        -4.522137715543013e-09,
        -1.3113874879941897e-08,
        -7.004556901394248e-09,
        7.468652718445711e-09,
        2.1593921284189837e-08,
        3.9341151967621574e-08,
        8.871772134958215e-08,
        2.973583433473054e-07,
        1.4838477678808023e-06,
        1.1143033860495017e-05,
        0.00013621607438931758,
        0.0033605519836669103,
        0.4021765094450081,
    ),
}
TAIL_1: dict[str, Sequence[float]] = {
    "float32": (
        -1.221249874561181e-07,
        -4.215554270103894e-07,
        -1.826714537855878e-06,
        -1.5003322914708406e-05,
        -0.00021923666645307094,
        -0.0097495811060071,
        0.389398455619812,
    ),
    "float64": (
        1.79708076202127e-10,
        8.556534373260018e-11,
        -1.1459875492084381e-09,
        -6.563550610824565e-10,
        3.364402906942886e-09,
        2.575022015245385e-09,
        -5.872315764049016e-09,
        -7.045449593614895e-09,
        5.056045544132708e-09,
        1.3761872558441389e-08,
        7.0017870784877524e-09,
        -8.34829836133379e-09,
        -2.3421321386723802e-08,
        -4.314332246730572e-08,
        -1.0000822498071297e-07,
        -3.483841753091222e-07,
        -1.8349103429663388e-06,
        -1.5038547264883471e-05,
        -0.0002192357638311702,
        -0.009749577193234856,
        0.38939845902587233,
    ),
}


class BesselI0e(BesselIe):
    """``y = exp(-|x|) I0(x)``, I0 the modified Bessel function of the first kind."""

    order, tails = 0, TAIL_0

    @staticmethod
    def numpy(x: np.ndarray) -> np.ndarray:
        from graphc.codegen.special_functions import bessel_ie

        return np.asarray(np.frompyfunc(lambda v: bessel_ie(0, v), 1, 1)(x), np.float64)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.sub(b.bessel_i1e(x), b.mul(b.sign(x), y)))]

    samples = over(-9, 12, Sample("float64[5]", values={0: [7.99, 8, 9, -700, 1e5]}))


class BesselI1e(BesselIe):
    """``y = exp(-|x|) I1(x)``, I1 the modified Bessel function of the first kind."""

    order, tails = 1, TAIL_1

    @staticmethod
    def numpy(x: np.ndarray) -> np.ndarray:
        from graphc.codegen.special_functions import bessel_ie

        return np.asarray(np.frompyfunc(lambda v: bessel_ie(1, v), 1, 1)(x), np.float64)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        zero, one = b.tensor(0, like=x), b.tensor(1, like=x)
        at_zero = b.equal(x, zero)
        inverse = b.reciprocal(b.where(at_zero, one, x))
        slope = b.sub(b.bessel_i0e(x), b.mul(y, b.add(b.sign(x), inverse)))
        return [b.mul(ct, b.where(at_zero, b.tensor(0.5, like=x), slope))]

    samples = over(-9, 12, Sample("float64[6]", values={0: [0.5, 7.99, 8, 9, -700, 1e5]}))


@composite
def bessel_i0(b: Any, x: Any, name: str | None = None) -> Any:
    """``I0(x)``, the modified Bessel function of the first kind, order 0."""
    x = b.tensor(x)
    return b.mul(b.exp(b.abs(x)), b.bessel_i0e(x), name=name)


@composite
def bessel_i1(b: Any, x: Any, name: str | None = None) -> Any:
    """``I1(x)``, the modified Bessel function of the first kind, order 1."""
    x = b.tensor(x)
    return b.mul(b.exp(b.abs(x)), b.bessel_i1e(x), name=name)


# --- zero apart -----------------------------------------------------------------------------------

ZERO_PAIRS = {
    0: [0.0, 0.0, 0.0, 2.0, np.nan, 1.0, np.inf], 1: [0.0, -1.0, np.nan, 3.0, 0.0, np.inf, 0.5],
}  # fmt: skip
APART: list[Sample | Refuses] = [
    Sample("float32[3, 4]", "float32[4]", low=0.2, high=3),
    Sample("float64[2, 1, 3]", "float64[4, 1]", low=0.2, high=3),
    Sample("float16[2, 3]", "float16[]", low=0.2, high=3),
    Sample("bfloat16[3]", "bfloat16[3]", low=0.2, high=3),
    Sample("float32[0, 3]", "float32[1, 3]"),
    Sample("float32[7]", "float32[7]", values=ZERO_PAIRS, gradient=False),
    Sample("float32[8]", "float32[8]", values=SPECIAL_PAIRS, gradient=False),
    Refuses("int32[2]", "int32[2]", "x must be floating, got int32[2]"),
    Refuses("float32[3]", "float32[4]", "shapes do not broadcast (axis -1)"),
]


class ZeroApart(Binary, abstract=True):
    """0 where an operand is 0, whatever the other is, and a formula elsewhere."""

    dtypes = FLOATING
    formula: ClassVar[Callable[..., Any]]

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(x == 0, np.zeros((), x.dtype), self.formula(x, y))

    samples = APART


def _where_zero(b: Any, x: Any, value: Any) -> Any:
    """``value``, and 0 where ``x`` is 0."""
    return b.where(b.equal(x, b.tensor(0, like=x)), b.tensor(0, like=value), value)


class Xlogy(ZeroApart):
    """``z = x log(y)``, and 0 where ``x`` is 0."""

    transcendental = True

    @staticmethod
    def formula(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return x * np.log(y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"where(eq({x}, {x.zero}), {x.zero}, {x} * log({y}))"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        nonzero = b.cast(b.not_equal(x, b.tensor(0, like=x)), dtype=x.dtype)
        return [b.mul(ct, b.xlogy(nonzero, y)), b.mul(ct, b.xdivy(x, y))]


class Xdivy(ZeroApart):
    """``z = x / y``, and 0 where ``x`` is 0."""

    formula = staticmethod(np.divide)

    def scalar(self, x: Any, y: Any) -> str:
        return f"where(eq({x}, {x.zero}), {x.zero}, {x} / {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        nonzero = b.cast(b.not_equal(x, b.tensor(0, like=x)), dtype=x.dtype)
        slope = b.xdivy(b.neg(x), b.square(y))
        return [b.mul(ct, b.xdivy(nonzero, y)), b.mul(ct, slope)]


class MulNoNan(ZeroApart):
    """``z = x y``, and 0 where ``y`` is 0, also if ``x`` is infinite or NaN."""

    @in_float32
    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.where(y == 0, np.zeros((), x.dtype), x * y)

    def scalar(self, x: Any, y: Any) -> str:
        return f"where(eq({y}, {y.zero}), {y.zero}, {x} * {y})"

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [b.mul_no_nan(ct, y), b.mul_no_nan(x, ct)]


class NextAfter(Binary):
    """``z``: the next number of the dtype from ``x`` toward ``y``."""

    name = "nextafter"
    dtypes = (float32, float64)

    def reference(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.nextafter(x, y)

    def vjp(self, b: Any, ct: Any, z: Any, x: Any, y: Any) -> list:
        return [ct, b.zeros_like(ct)]

    def scalar(self, x: Any, y: Any) -> str:
        bits = "int32" if x.dtype == "float32" else "int64"
        one = x.nest.literal(1, bits)
        least = f"copysign(bitcast_{x.dtype}({one}), {y})"
        away = f"eq(lt({x}, {y}), gt({x}, {x.zero}))"
        pattern = f"bitcast_{bits}({x})"
        step = f"bitcast_{x.dtype}(where({away}, add({pattern}, {one}), sub({pattern}, {one})))"
        moved = f"where(eq({x}, {x.zero}), {least}, {step})"
        unordered = f"logical_or(isnan({x}), isnan({y}))"
        return f"where({unordered}, {x} + {y}, where(eq({x}, {y}), {y}, {moved}))"

    samples = [
        Sample("float32[3, 4]", "float32[4]"),
        Sample("float64[5]", "float64[]"),
        Sample("float32[7]", "float32[7]", values={
            0: [0, -0.0, 1, np.inf, np.nan, 1, -1e-45], 1: [1, -1, 1, 0, 1, -np.inf, 0]},
            gradient=False),
        Sample("float32[0]", "float32[1]"),
        Refuses("float16[2]", "float16[2]", "x must be floating, got float16[2]"),
    ]  # fmt: skip


@composite
def reciprocal_no_nan(b: Any, x: Any, name: str | None = None) -> Any:
    """``1 / x``, and 0 where ``x`` is 0."""
    x = b.tensor(x)
    return b.div_no_nan(b.tensor(1, like=x), x, name=name)


@composite
def lbeta(b: Any, x: Any, name: str | None = None) -> Any:
    """``log(|Beta(x)|)`` along the last axis: ``sum(lgamma(x)) - lgamma(sum(x))``."""
    x = b.tensor(x)
    logs = b.reduce_sum(b.lgamma(x), axis=(-1,))
    return b.sub(logs, b.lgamma(b.reduce_sum(x, axis=(-1,))), name=name)
