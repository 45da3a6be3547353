"""Functions of complex numbers as kernel text: spelt with words for real numbers, by parts.

A :class:`Part` is a real number of a kernel; arithmetic on it binds temporaries, so that the
functions below read as their formulas do.  Some give NaN for infinite parts where a limit exists.
Where squares could overflow or cancel, the formula used
is one that does not: W. Kahan, "Branch cuts for complex elementary functions" (1987).
"""

from __future__ import annotations

from typing import Any

from graphc.ir.dtype import as_dtype

SATURATED = 30.0  # tanh is 1 here to the last bit, and the square of sinh is still finite


class Part:
    """A real number in kernel text; ``x + y``, ``x * 2`` and ``-x`` are further ones."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __str__(self) -> str:
        return str(self.value)

    def make(self, text: str, *others: Part, dtype: str | None = None) -> Part:
        uses = [self.value, *(o.value for o in others)]
        return Part(self.value.nest.bind(text, dtype or self.value.dtype, uses))

    def number(self, value: float) -> str:
        return self.value.literal(value)

    def _with(self, sign: str, other: Any, swapped: bool = False) -> Part:
        operand = str(other) if isinstance(other, Part) else self.number(other)
        left, right = (operand, self) if swapped else (self, operand)
        return self.make(f"{left} {sign} {right}", *([other] if isinstance(other, Part) else []))

    def __add__(self, other: Any) -> Part:
        return self._with("+", other)

    def __sub__(self, other: Any) -> Part:
        return self._with("-", other)

    def __rsub__(self, other: float) -> Part:
        return self._with("-", other, swapped=True)

    def __mul__(self, other: Any) -> Part:
        return self._with("*", other)

    def __truediv__(self, other: Any) -> Part:
        return self._with("/", other)

    def __rtruediv__(self, other: float) -> Part:
        return self._with("/", other, swapped=True)

    def __neg__(self) -> Part:
        return self.make(f"-{self}")

    def is_(self, word: str, other: Any) -> Part:
        """A comparison: ``x.is_("lt", y)``."""
        operand = str(other) if isinstance(other, Part) else self.number(other)
        uses = [other] if isinstance(other, Part) else []
        return self.make(f"{word}({self}, {operand})", *uses, dtype="bool")


Pair = tuple[Part, Part]


def word(name: str, *operands: Part) -> Part:
    first, *rest = operands
    return first.make(f"{name}({', '.join(map(str, operands))})", *rest)


def select(condition: Part, a: Any, b: Part) -> Part:
    """``a`` (a part or a number) where the condition holds, else ``b``."""
    chosen = str(a) if isinstance(a, Part) else b.number(a)
    uses = [condition, *([a] if isinstance(a, Part) else [])]
    return b.make(f"where({condition}, {chosen}, {b})", *uses)


def parts(z: Any) -> Pair:
    dtype = as_dtype(z.dtype).real.name
    return (
        Part(z.nest.bind(f"real_part({z})", dtype, (z,))),
        Part(z.nest.bind(f"imag_part({z})", dtype, (z,))),
    )


def whole(pair: Pair) -> str:
    return f"complex_of({pair[0]}, {pair[1]})"


def _infinite(x: Part) -> Part:
    return x.make(f"isinf({x})", dtype="bool")


def _both(a: Part, b: Part) -> Part:
    return a.make(f"logical_and({a}, {b})", b)


# --- formulas over pairs ------------------------------------------------------------------------


def _magnitude(z: Pair) -> Part:
    x, y = word("abs", z[0]), word("abs", z[1])
    large, small = word("maximum", x, y), word("minimum", x, y)
    ratio = select(large.is_("eq", 0), 0, small / large)
    length = large * word("sqrt", ratio * ratio + 1)
    return select(_infinite(x), x, select(_infinite(y), y, length))


def _quotient(a: Pair, b: Pair) -> Pair:
    """Smith's method (1962): the smaller part of the divisor over the larger."""
    swapped = word("abs", b[0]).is_("lt", word("abs", b[1]))
    large, small = select(swapped, b[1], b[0]), select(swapped, b[0], b[1])
    ratio = select(large.is_("eq", 0), 0, small / large)
    below = large + small * ratio
    x, y = select(swapped, a[1], a[0]), select(swapped, a[0], a[1])
    im = (y - x * ratio) / below
    return (x + y * ratio) / below, select(swapped, -im, im)


def _reciprocal(z: Pair) -> Pair:
    x, y = z
    swapped = word("abs", x).is_("lt", word("abs", y))
    large, small = select(swapped, y, x), select(swapped, x, y)
    ratio = select(large.is_("eq", 0), 0, small / large)
    below = large + small * ratio
    major, minor = 1 / below, ratio / below
    return select(swapped, minor, major), -select(swapped, major, minor)


def _product(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _unless_zero(a: Part, b: Part) -> Part:
    """``a * b``, and 0 where ``a`` is, also if ``b`` is infinite."""
    return select(a.is_("eq", 0), a, a * b)


def _sqrt(z: Pair) -> Pair:
    x, y = z
    far = word("sqrt", word("abs", x) * 0.5 + _magnitude(z) * 0.5)
    near = select(far.is_("eq", 0), 0, word("abs", y) / (far * 2))
    left = x.is_("lt", 0)
    re, im = select(left, near, far), word("copysign", select(left, far, near), y)
    return select(_infinite(y), word("abs", y), re), select(_infinite(y), y, im)


def _exp(z: Pair) -> Pair:
    size = word("exp", z[0])
    return size * word("cos", z[1]), _unless_zero(word("sin", z[1]), size)


def _log_magnitude(x: Part, y: Part) -> Part:
    """log |x + iy|, exact near a magnitude of 1."""
    a, b = word("abs", x), word("abs", y)
    large, small = word("maximum", a, b), word("minimum", a, b)
    near = word("log1p", (large - 1) * (large + 1) + small * small) * 0.5
    size = _magnitude((x, y))
    return select(word("abs", size - 1).is_("lt", 0.5), near, word("log", size))


def _log(z: Pair) -> Pair:
    return _log_magnitude(*z), word("atan2", z[1], z[0])


def _tanh(z: Pair) -> Pair:
    bounded = select(z[0].is_("gt", SATURATED), SATURATED, z[0])
    x = select(z[0].is_("lt", -SATURATED), -SATURATED, bounded)
    up, along = word("sinh", x), word("cos", z[1])
    below = up * up + along * along
    return up * word("cosh", x) / below, word("sin", z[1]) * along / below


# --- functions of operands ----------------------------------------------------------------------


def magnitude(z: Any) -> str:
    return str(_magnitude(parts(z)))


def angle(z: Any) -> str:
    x, y = parts(z)
    return f"atan2({y}, {x})"


def sign(z: Any) -> str:
    x, y = parts(z)
    size = _magnitude((x, y))
    size = select(size.is_("eq", 0), 1, size)
    return whole((x / size, y / size))


def conjugate(z: Any) -> str:
    x, y = parts(z)
    return whole((x, -y))


def quotient(a: Any, b: Any) -> str:
    return whole(_quotient(parts(a), parts(b)))


def reciprocal(z: Any) -> str:
    return whole(_reciprocal(parts(z)))


def squared_distance(a: Any, b: Any) -> str:
    x, y = (p - q for p, q in zip(parts(a), parts(b), strict=True))
    return whole((x * x + y * y, x - x))


def sqrt(z: Any) -> str:
    return whole(_sqrt(parts(z)))


def rsqrt(z: Any) -> str:
    return whole(_reciprocal(_sqrt(parts(z))))


def exp(z: Any) -> str:
    return whole(_exp(parts(z)))


def expm1(z: Any) -> str:
    x, y = parts(z)
    half = word("sin", y * 0.5)
    re = word("expm1", x) * word("cos", y) - half * half * 2
    return whole((re, _unless_zero(word("sin", y), word("exp", x))))


def log(z: Any) -> str:
    return whole(_log(parts(z)))


def log1p(z: Any) -> str:
    x, y = parts(z)
    near = word("log1p", x * (x + 2) + y * y) * 0.5
    moved = x + 1
    small = word("maximum", word("abs", x), word("abs", y)).is_("lt", 0.5)
    return whole((select(small, near, _log_magnitude(moved, y)), word("atan2", y, moved)))


def power(a: Any, b: Any) -> str:
    """e**(b log a); of 0, 1 to the power 0, 0 to a positive one, else NaN."""
    base, exponent = parts(a), parts(b)
    re, im = _exp(_product(exponent, _log(base)))
    real = exponent[1].is_("eq", 0)
    at_zero = select(exponent[0].is_("gt", 0), 0, exponent[0] * float("nan"))
    at_zero = select(real, at_zero, exponent[0] * float("nan"))
    nothing = _both(base[0].is_("eq", 0), base[1].is_("eq", 0))
    re, im = select(nothing, at_zero, re), select(nothing, at_zero, im)
    unit = _both(exponent[0].is_("eq", 0), real)
    return whole((select(unit, 1, re), select(unit, 0, im)))


def sin(z: Any) -> str:
    x, y = parts(z)
    return whole((_unless_zero(word("sin", x), word("cosh", y)), word("cos", x) * word("sinh", y)))


def cos(z: Any) -> str:
    x, y = parts(z)
    down = _unless_zero(word("sin", x), word("sinh", y))
    return whole((word("cos", x) * word("cosh", y), -down))


def tan(z: Any) -> str:
    x, y = parts(z)
    re, im = _tanh((-y, x))
    return whole((im, -re))


def sinh(z: Any) -> str:
    x, y = parts(z)
    return whole((word("sinh", x) * word("cos", y), _unless_zero(word("sin", y), word("cosh", x))))


def cosh(z: Any) -> str:
    x, y = parts(z)
    return whole((word("cosh", x) * word("cos", y), _unless_zero(word("sin", y), word("sinh", x))))


def tanh(z: Any) -> str:
    return whole(_tanh(parts(z)))


def sigmoid(z: Any) -> str:
    """(1 + tanh(z / 2)) / 2."""
    x, y = parts(z)
    re, im = _tanh((x * 0.5, y * 0.5))
    return whole((re * 0.5 + 0.5, im * 0.5))


# --- inverses, each by the square roots whose cuts are its own: Kahan (1987) ---------------------


def _roots(z: Pair) -> tuple[Pair, Pair]:
    """sqrt(1 - z) and sqrt(1 + z)."""
    x, y = z
    return _sqrt((1 - x, -y)), _sqrt((x + 1, y))


def _asin(z: Pair) -> Pair:
    low, high = _roots(z)
    re = word("atan2", z[0], low[0] * high[0] - low[1] * high[1])
    return re, word("asinh", low[0] * high[1] - low[1] * high[0])


def _atanh(z: Pair) -> Pair:
    x, y = z
    above, below = x + 1, 1 - x
    re = word("log1p", x * 4 / (below * below + y * y)) * 0.25
    angle = word("atan2", y * 2, above * below - y * y) * 0.5
    return re, angle


def asin(z: Any) -> str:
    return whole(_asin(parts(z)))


def acos(z: Any) -> str:
    x, y = parts(z)
    low, high = _roots((x, y))
    angle = word("atan2", low[0], high[0]) * 2
    return whole((angle, word("asinh", high[0] * low[1] - high[1] * low[0])))


def atan(z: Any) -> str:
    x, y = parts(z)
    re, im = _atanh((-y, x))
    return whole((im, -re))


def asinh(z: Any) -> str:
    x, y = parts(z)
    re, im = _asin((-y, x))
    return whole((im, -re))


def acosh(z: Any) -> str:
    x, y = parts(z)
    low, high = _sqrt((x - 1, y)), _sqrt((x + 1, y))
    re = word("asinh", low[0] * high[0] + low[1] * high[1])
    return whole((re, word("atan2", low[1], high[0]) * 2))


def atanh(z: Any) -> str:
    return whole(_atanh(parts(z)))


def cast(z: Any, dtype: str) -> str:
    """A complex number as another dtype: the real part, where that is no complex one."""
    wanted = as_dtype(dtype)
    x, y = parts(z)
    if not wanted.is_complex:
        return f"to_{dtype}({x})"
    part = wanted.real
    return f"complex_of(to_{part}({x}), to_{part}({y}))"


def complex_from(x: Any, dtype: str) -> str:
    """A real number as a complex one."""
    part = as_dtype(dtype).real
    return f"complex_of(to_{part}({x}), {x.nest.literal(0, part.name)})"
