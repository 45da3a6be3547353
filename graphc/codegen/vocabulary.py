"""The words of kernel text: for each its arity, what it takes, what it gives, and its meaning.

The text of a kernel (:mod:`graphc.codegen.kernel`) is Python made of loops, ``+ - * /`` and these
words.  A target supplies a body for every word; the functions here are the meaning all targets must
agree with, written on NumPy scalars, and :mod:`graphc.codegen.plain` runs kernels with them.

What holds for every word:

* Operands of one call have one dtype; the result has it too unless the row says otherwise.
* float16 and bfloat16 are storage: a load gives float32, a store takes float32.
* Integers wrap.  Division of integers by zero gives 0 here and must not trap anywhere: whoever must
  refuse a zero divisor does so by a check beside it.
* Floats follow IEEE 754: NaN and infinities are kept, denormal results are not flushed.  The sign
  of a zero result of ``+ - * /`` may differ between targets (they compile with *nsz*).
* A complex number is a pair of floats: the words that say so take it as they take numbers, and
  ``complex_of``, ``real_part`` and ``imag_part`` make it and take it apart.  Whatever else is done
  to complex numbers is spelt with these, in text.
* Transcendental words are exact to a few units in the last place.  Here float32 is computed in
  float64 and rounded once, so this meaning can serve as the reference of a target.
* Index arithmetic is int64: plain ``+ - *`` and comparisons on loop variables and sizes, ``idiv``
  and ``imod`` outside element loops.

These functions assume ``np.errstate(all="ignore")``, which the plain target sets.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from graphc.codegen.philox import philox_word
from graphc.codegen.special_functions import digamma, lgamma
from graphc.ir import dtype as dtypes

Scalar = Any  # a NumPy scalar, or a Python int or bool where the value is an index or a condition


@dataclass(frozen=True)
class Word:
    """One word of kernel text.

    ``takes`` is ``float``, ``integer``, ``number`` (either), ``field`` (a number or complex),
    ``complex``, ``bool``, ``any`` (a number or bool), ``value`` (whatever there is) or ``index``;
    ``gives`` is ``same`` (the dtype of the last operand), ``real`` or ``complex`` (the dtype of its
    parts, or the one with such parts) or the name of a dtype.
    """

    name: str
    arity: int
    takes: str
    gives: str
    says: str
    meaning: Callable[..., Scalar]


def _complex_of(re: Scalar, im: Scalar) -> Scalar:
    # by parts: re + 1j * im would make NaN of an infinite part
    made = np.empty((), np.complex64 if re.dtype == np.float32 else np.complex128)
    made.real, made.imag = re, im
    return made[()]


def _times(a: Scalar, b: Scalar) -> Scalar:
    if not np.iscomplexobj(a):
        return np.multiply(a, b)
    return _complex_of(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real)


def scalar(value: Scalar) -> np.generic:
    """``value`` as a NumPy scalar: a Python int is an index (int64), a Python bool a condition."""
    if isinstance(value, np.generic):
        return value
    return np.bool_(value) if isinstance(value, bool) else np.int64(value)


def _in_double(function: Callable[..., Any]) -> Callable[..., Scalar]:
    """``function`` computed in float64 and rounded once to the dtype of its operands."""

    def word(*operands: Scalar) -> Scalar:
        result = function(*(np.float64(x) for x in operands))
        return type(operands[0])(result)

    return word


def _is_integral(x: Scalar) -> bool:
    return np.issubdtype(type(x), np.integer)


def _pow(a: np.float64, b: np.float64) -> np.float64:
    # as arrays: for a scalar exponent of 0.5 NumPy takes the square root, also of -0 and -inf
    return np.power(np.array([a]), np.array([b]))[0]


def _sigmoid(x: np.float64) -> np.float64:
    if x >= 0:
        return 1 / (1 + np.exp(-x))
    return np.exp(x) / (1 + np.exp(x))


def erfinv(x: float) -> float:
    """The inverse of erf on [-1, 1], by Halley steps on the smaller of erf and erfc."""
    if math.isnan(x) or abs(x) > 1:
        return math.nan
    if abs(x) == 1:
        return math.copysign(math.inf, x)
    if x == 0:
        return x
    # Winitzki, "A handy approximation for the error function and its inverse" (2008): 2e-3 relative
    magnitude = abs(x)
    log_term = math.log1p(-magnitude * magnitude)
    half = 2 / (math.pi * 0.147) + log_term / 2
    y = math.sqrt(math.sqrt(half * half - log_term / 0.147) - half)
    if y == 0:  # too small for the formula: erf is its tangent here
        return x * math.sqrt(math.pi) / 2
    for _ in range(4):
        over = math.erf(y) - magnitude if y < 0.5 else (1 - magnitude) - math.erfc(y)
        step = over * math.sqrt(math.pi) / 2 * math.exp(y * y)
        y -= step / (1 + y * step)
    return math.copysign(y, x)


def _fma(a: Scalar, b: Scalar, c: Scalar) -> Scalar:
    """``a * b + c`` rounded once (in float32: rounded to float64, then to float32)."""
    if isinstance(a, np.float32):
        return np.float32(np.float64(a) * np.float64(b) + np.float64(c))
    if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)):
        return a * b + c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    try:
        return np.float64(float(exact))
    except OverflowError:
        return np.float64(math.copysign(math.inf, exact))


def _maximum(a: Scalar, b: Scalar) -> Scalar:
    if a != a or b != b:
        return a + b
    if a == b:  # +0 is above -0
        return b if np.signbit(a) else a
    return a if a > b else b


def _minimum(a: Scalar, b: Scalar) -> Scalar:
    if a != a or b != b:
        return a + b
    if a == b:
        return a if np.signbit(a) else b
    return a if a < b else b


def _sign(x: Scalar) -> Scalar:
    if x != x:
        return x
    return type(x)(int(x > 0) - int(x < 0))


def _floordiv(a: Scalar, b: Scalar) -> Scalar:
    return np.floor_divide(a, b) if _is_integral(a) else np.floor(a / b)


def _truncdiv(a: Scalar, b: Scalar) -> Scalar:
    if not _is_integral(a):
        return np.trunc(a / b)
    if b == 0:
        return type(a)(0)
    quotient = abs(int(a)) // abs(int(b))
    quotient = quotient if (a < 0) == (b < 0) else -quotient
    return _wrapped(quotient, a.dtype)


def _wrapped(value: int, dtype: np.dtype) -> Scalar:
    return np.array(value % (1 << (8 * dtype.itemsize)), f"u{dtype.itemsize}").view(dtype)[()]


def _divide_index(a: int, b: int) -> int:
    return a // b if b else 0


def _modulo_index(a: int, b: int) -> int:
    return a % b if b else 0


def bfloat16_bits(x: np.float32) -> np.uint16:
    """The nearest bfloat16, ties to even, as its bits; NaN stays NaN."""
    bits = int(np.float32(x).view(np.uint32))
    if x != x:
        return np.uint16((bits >> 16) | 0x40)
    return np.uint16((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)


def bfloat16_value(bits: np.uint16) -> np.float32:
    return np.uint32(int(bits) << 16).view(np.float32)


def _cast(dtype: dtypes.DType) -> Callable[[Scalar], Scalar]:
    """``to_<dtype>``: truncates toward zero from float to integer, is ``x != 0`` to bool; to a
    storage type it rounds to that type and stays a float32."""

    def word(x: Scalar) -> Scalar:
        x = scalar(x)
        if dtype is dtypes.float16:
            return np.float32(x.astype(np.float32).astype(np.float16))
        if dtype is dtypes.bfloat16:
            return bfloat16_value(bfloat16_bits(x.astype(np.float32)))
        return x.astype(dtype.numpy)

    return word


def _bitcast(dtype: dtypes.DType) -> Callable[[Scalar], Scalar]:
    return lambda x: x.view(dtype.numpy)


def _out_of_range(index: Scalar, n: Scalar) -> np.bool_:
    return np.bool_(not 0 <= int(index) < int(n))


def _bit(condition: Scalar, position: int) -> np.int64:
    return np.int64(int(bool(condition)) << int(position))


def _power_of_two(n: Scalar) -> Scalar:
    kind = np.finfo(n.dtype)
    return type(n)(np.ldexp(1.0, int(n)) if n >= kind.minexp else 0.0)


def _uniform32(word: np.uint32) -> np.float32:
    return np.float32(int(word) >> 8) * np.float32(2.0**-24)


def _float_words() -> list[Word]:
    unary: dict[str, tuple[str, Callable[..., Scalar]]] = {
        "exp": ("e**x", _in_double(np.exp)),
        "expm1": ("e**x - 1, exact near 0", _in_double(np.expm1)),
        "log": ("natural logarithm", _in_double(np.log)),
        "log1p": ("log(1 + x), exact near 0", _in_double(np.log1p)),
        "log2": ("logarithm to base 2", _in_double(np.log2)),
        "tanh": ("hyperbolic tangent", _in_double(np.tanh)),
        "sigmoid": ("1 / (1 + exp(-x))", _in_double(_sigmoid)),
        "erf": ("error function", _in_double(math.erf)),
        "erfc": ("1 - erf(x), exact where erf is near 1", _in_double(math.erfc)),
        "erfinv": ("inverse of erf; infinite at -1 and 1", _in_double(erfinv)),
        "sin": ("sine", _in_double(np.sin)),
        "cos": ("cosine", _in_double(np.cos)),
        "tan": ("tangent", _in_double(np.tan)),
        "asin": ("arc sine", _in_double(np.arcsin)),
        "acos": ("arc cosine", _in_double(np.arccos)),
        "atan": ("arc tangent", _in_double(np.arctan)),
        "sinh": ("hyperbolic sine", _in_double(np.sinh)),
        "cosh": ("hyperbolic cosine", _in_double(np.cosh)),
        "asinh": ("inverse hyperbolic sine", _in_double(np.arcsinh)),
        "acosh": ("inverse hyperbolic cosine", _in_double(np.arccosh)),
        "atanh": ("inverse hyperbolic tangent", _in_double(np.arctanh)),
        "lgamma": ("logarithm of |gamma(x)|; infinite at 0, -1, -2 ...", _in_double(lgamma)),
        "digamma": ("derivative of lgamma; NaN at 0, -1, -2 ...", _in_double(digamma)),
        "sqrt": ("square root, correctly rounded", np.sqrt),
        "rsqrt": ("1 / sqrt(x)", _in_double(lambda x: 1 / np.sqrt(x))),
        "floor": ("largest integer value <= x", np.floor),
        "ceil": ("smallest integer value >= x", np.ceil),
        "rint": ("nearest integer value, ties to even", np.rint),
        "trunc": ("integer value toward zero", np.trunc),
    }
    binary: dict[str, tuple[str, Callable[..., Scalar]]] = {
        "atan2": ("angle of the point (x, y), given y then x", _in_double(np.arctan2)),
        "pow": ("a**b; NaN for negative a and fractional b", _in_double(_pow)),
        "copysign": ("magnitude of a, sign of b", np.copysign),
    }
    tests = {"isnan": np.isnan, "isfinite": np.isfinite, "isinf": np.isinf}
    return [
        *(Word(name, 1, "float", "same", *row) for name, row in unary.items()),
        *(Word(name, 2, "float", "same", *row) for name, row in binary.items()),
        *(Word(name, 1, "float", "bool", name, meaning) for name, meaning in tests.items()),
        Word("fma", 3, "float", "same", "a * b + c, rounded once", _fma),
        Word(
            "power_of_two",
            1,
            "float",
            "same",
            "2**n for a whole n that is not too large; 0 where that is below all normal numbers",
            _power_of_two,
        ),
    ]


def _number_words() -> list[Word]:
    return [
        Word("add", 2, "field", "same", "a + b", np.add),
        Word("sub", 2, "field", "same", "a - b", np.subtract),
        Word("mul", 2, "field", "same", "a * b", _times),
        Word("neg", 1, "field", "same", "-x", np.negative),
        Word("abs", 1, "number", "same", "magnitude; the least integer stays itself", np.abs),
        Word("sign", 1, "number", "same", "-1, 0 or 1; NaN stays NaN", _sign),
        Word("floordiv", 2, "number", "same", "a / b toward minus infinity", _floordiv),
        Word("floormod", 2, "number", "same", "remainder with the sign of b", np.remainder),
        Word("truncdiv", 2, "number", "same", "a / b toward zero", _truncdiv),
        Word("truncmod", 2, "number", "same", "remainder with the sign of a", np.fmod),
        Word("minimum", 2, "number", "same", "the smaller; NaN if either is", _minimum),
        Word("maximum", 2, "number", "same", "the larger; NaN if either is", _maximum),
        Word("accumulate", 2, "field", "same", "acc + x, in any order", np.add),
        Word("accumulate_mul", 2, "field", "same", "acc * x, in any order", _times),
    ]


def _integer_words() -> list[Word]:
    shift = "; an amount outside 0 .. width - 1 has no meaning"
    return [
        Word("bit_and", 2, "integer", "same", "a & b", np.bitwise_and),
        Word("bit_or", 2, "integer", "same", "a | b", np.bitwise_or),
        Word("bit_xor", 2, "integer", "same", "a ^ b", np.bitwise_xor),
        Word("invert", 1, "integer", "same", "~x", np.invert),
        Word("shift_left", 2, "integer", "same", "a << b" + shift, np.left_shift),
        Word("shift_right", 2, "integer", "same", "a >> b, keeps the sign" + shift, np.right_shift),
    ]


def _condition_words() -> list[Word]:
    return [
        Word("eq", 2, "value", "bool", "a == b", np.equal),
        Word("ne", 2, "value", "bool", "a != b", np.not_equal),
        Word("lt", 2, "any", "bool", "a < b", np.less),
        Word("le", 2, "any", "bool", "a <= b", np.less_equal),
        Word("gt", 2, "any", "bool", "a > b", np.greater),
        Word("ge", 2, "any", "bool", "a >= b", np.greater_equal),
        Word("logical_and", 2, "bool", "bool", "a and b", np.logical_and),
        Word("logical_or", 2, "bool", "bool", "a or b", np.logical_or),
        Word("logical_not", 1, "bool", "bool", "not x", np.logical_not),
        Word("where", 3, "value", "same", "a if condition else b", lambda c, a, b: a if c else b),
    ]


def _cast_words() -> list[Word]:
    real = (*dtypes.REAL, dtypes.bool_)
    return [
        *(Word(f"to_{d}", 1, "any", d.computed.name, f"x as {d}", _cast(d)) for d in real),
        *(
            Word(f"bitcast_{d}", 1, "any", d.name, f"the bits of x read as {d}", _bitcast(d))
            for d in dtypes.REAL
            if d.size >= 4
        ),
    ]


def _complex_words() -> list[Word]:
    return [
        Word("complex_of", 2, "float", "complex", "the number with these parts", _complex_of),
        Word("real_part", 1, "complex", "real", "the real part", np.real),
        Word("imag_part", 1, "complex", "real", "the imaginary part", np.imag),
    ]


def _other_words() -> list[Word]:
    philox = "word 0..3 of Philox4x32-10 for (key, execution, block)"
    return [
        Word("idiv", 2, "index", "int64", "a // b, for loop bounds", _divide_index),
        Word("imod", 2, "index", "int64", "a % b, for loop bounds", _modulo_index),
        Word("out_of_range", 2, "index", "bool", "not 0 <= index < n", _out_of_range),
        Word("bit", 2, "index", "int64", "1 << k where the condition holds, else 0", _bit),
        Word("philox_word", 4, "index", "uint32", philox, philox_word),
        Word("uniform32", 1, "integer", "float32", "(word >> 8) * 2**-24, in [0, 1)", _uniform32),
    ]


WORDS: dict[str, Word] = {
    word.name: word
    for family in (
        _float_words,
        _number_words,
        _integer_words,
        _condition_words,
        _complex_words,
        _cast_words,
        _other_words,
    )
    for word in family()
}
