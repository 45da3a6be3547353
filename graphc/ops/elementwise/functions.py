"""Functions of one floating operand: exponentials, circular, hyperbolic, activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from graphc.ir.builder import composite
from graphc.ir.dtype import COMPLEX, FLOATING, REAL
from graphc.ir.op import Elementwise, Refuses, Sample
from graphc.ops.elementwise import complex_text
from graphc.ops.elementwise.complex import NOT_FIELD, PLANE
from graphc.ops.running.precision import in_float32, in_float64

TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
# Klambauer, Unterthiner, Mayr, Hochreiter, "Self-Normalizing Neural Networks" (2017)
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

SPECIALS = [np.nan, np.inf, -np.inf, 0.0, 1e-40, -1e-3, 88.0, -88.0]


def over(low: float, high: float, *more: Any) -> list:
    """The samples every function has, with operands drawn from ``[low, high]``."""
    return [
        Sample("float32[3, 4]", low=low, high=high),
        Sample("float64[7]", low=low, high=high),
        Sample("float16[2, 3]", low=low, high=high),
        Sample("bfloat16[4]", low=low, high=high),
        Sample("float32[]", low=low, high=high),
        Sample("float32[0, 2]"),
        Sample("float32[8]", values={0: SPECIALS}, gradient=False),
        Refuses("int32[2]", "x must be floating, got int32[2]"),
        *more,
    ]


def over_plane(low: float, high: float, *more: Any) -> list:
    """The samples of a function that also takes complex numbers."""
    return [*over(low, high)[:-1], *NOT_FIELD, *PLANE, *more]


class Function(Elementwise, abstract=True):
    """``y = f(x)``: ``word`` is f in the kernel vocabulary, ``numpy`` in NumPy."""

    operands = ("x",)
    dtypes = FLOATING
    transcendental = True
    word: ClassVar[str]
    numpy: ClassVar[Callable[..., Any]]

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.numpy(x), x.dtype)

    def scalar(self, x: Any) -> str:
        return f"{self.word}({x})"


class Holomorphic(Function, abstract=True):
    """A function of complex numbers too: ``complex_text`` has it under its word."""

    dtypes = FLOATING + COMPLEX
    holomorphic = True

    def scalar(self, x: Any) -> str:
        return getattr(complex_text, self.word)(x) if x.complex else super().scalar(x)


def _each(function: Callable[[float], float]) -> staticmethod:
    """A function of Python floats, over arrays."""
    return staticmethod(np.frompyfunc(function, 1, 1))


def _erfinv(x: float) -> float:
    from graphc.codegen.vocabulary import erfinv  # building a graph needs no kernel words

    return erfinv(x)


class Exp(Holomorphic):
    """``y = e**x``."""

    word, numpy = "exp", np.exp

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, y)]

    samples = over_plane(-5, 5)


class Expm1(Holomorphic):
    """``y = e**x - 1``, exact near 0."""

    word, numpy = "expm1", np.expm1

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.add(y, 1))]

    samples = over_plane(-3, 3, Sample("float32[3]", values={0: [1e-6, -1e-8, 1e-30]}))


class Log(Holomorphic):
    """``y = log(x)``."""

    word, numpy = "log", np.log

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(ct, x)]

    samples = over_plane(0.1, 9)


class Log1p(Holomorphic):
    """``y = log(1 + x)``, exact near 0."""

    word, numpy = "log1p", np.log1p

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(ct, b.add(x, 1))]

    samples = over_plane(-0.8, 5, Sample("float32[3]", values={0: [1e-6, -1e-8, 1e-30]}))


class Sqrt(Holomorphic):
    """``y = sqrt(x)``."""

    word, numpy = "sqrt", np.sqrt
    transcendental = False

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(b.mul(ct, 0.5), y)]

    samples = over_plane(0.1, 9)


class Rsqrt(Holomorphic):
    """``y = 1 / sqrt(x)``."""

    word = "rsqrt"

    @staticmethod
    def numpy(x: np.ndarray) -> np.ndarray:
        return 1 / np.sqrt(x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.mul(ct, -0.5), b.mul(b.square(y), y))]

    samples = over_plane(0.2, 9)


class Tanh(Holomorphic):
    """``y = tanh(x)``."""

    word, numpy = "tanh", np.tanh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.sub(1, b.square(y)))]

    samples = over_plane(-3, 3)


class Sigmoid(Holomorphic):
    """``y = 1 / (1 + exp(-x))``; exact for large ``|x|``."""

    word = "sigmoid"

    @staticmethod
    def numpy(x: np.ndarray) -> np.ndarray:
        if x.dtype.kind == "c":
            return (1 + np.tanh(x / 2)) / 2
        small = np.exp(-np.abs(x))
        return np.where(x < 0, small, 1) / (1 + small)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.mul(y, b.sub(1, y)))]

    samples = over_plane(-4, 4)


class Erf(Function):
    """The error function, ``y = 2/sqrt(pi) * integral of exp(-t*t) from 0 to x``."""

    word, numpy = "erf", _each(math.erf)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.mul(ct, TWO_OVER_ROOT_PI), b.exp(b.neg(b.square(x))))]

    samples = over(-2, 2)


class Erfc(Function):
    """``y = 1 - erf(x)``, exact where erf is near 1."""

    word, numpy = "erfc", _each(math.erfc)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.mul(ct, -TWO_OVER_ROOT_PI), b.exp(b.neg(b.square(x))))]

    samples = over(-2, 3)


class Erfinv(Function):
    """``erf(y) = x``; infinite at -1 and 1."""

    word, numpy = "erfinv", _each(_erfinv)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(b.mul(ct, 1 / TWO_OVER_ROOT_PI), b.exp(b.square(y)))]

    samples = over(-0.9, 0.9, Sample("float32[3]", values={0: [-1, 1, 1.5]}, gradient=False))


class Sin(Holomorphic):
    """``y = sin(x)``."""

    word, numpy = "sin", np.sin

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.cos(x))]

    samples = over_plane(-4, 4)


class Cos(Holomorphic):
    """``y = cos(x)``."""

    word, numpy = "cos", np.cos

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.neg(b.mul(ct, b.sin(x)))]

    samples = over_plane(-4, 4)


class Tan(Holomorphic):
    """``y = tan(x)``."""

    word, numpy = "tan", np.tan

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.add(b.square(y), 1))]

    samples = over_plane(-1.2, 1.2)


class Asin(Holomorphic):
    """``sin(y) = x``, ``y`` in ``[-pi/2, pi/2]``."""

    word, numpy = "asin", np.arcsin

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.rsqrt(b.mul(b.sub(1, x), b.add(x, 1))))]

    samples = over_plane(-0.9, 0.9)


class Acos(Holomorphic):
    """``cos(y) = x``, ``y`` in ``[0, pi]``."""

    word, numpy = "acos", np.arccos

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.neg(b.mul(ct, b.rsqrt(b.mul(b.sub(1, x), b.add(x, 1)))))]

    samples = over_plane(-0.9, 0.9)


class Atan(Holomorphic):
    """``tan(y) = x``, ``y`` in ``[-pi/2, pi/2]``."""

    word, numpy = "atan", np.arctan

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(ct, b.add(b.square(x), 1))]

    samples = over_plane(-4, 4)


class Sinh(Holomorphic):
    """``y = (e**x - e**-x) / 2``."""

    word, numpy = "sinh", np.sinh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.cosh(x))]

    samples = over_plane(-3, 3)


class Cosh(Holomorphic):
    """``y = (e**x + e**-x) / 2``."""

    word, numpy = "cosh", np.cosh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.sinh(x))]

    samples = over_plane(-3, 3)


class Asinh(Holomorphic):
    """``sinh(y) = x``."""

    word, numpy = "asinh", np.arcsinh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.rsqrt(b.add(b.square(x), 1)))]

    samples = over_plane(-4, 4)


class Acosh(Holomorphic):
    """``cosh(y) = x``, ``y >= 0``; NaN below 1."""

    word, numpy = "acosh", np.arccosh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        if x.dtype.is_complex:  # the root of the product has another cut
            return [b.mul(ct, b.mul(b.rsqrt(b.sub(x, 1)), b.rsqrt(b.add(x, 1))))]
        return [b.mul(ct, b.rsqrt(b.mul(b.sub(x, 1), b.add(x, 1))))]

    samples = over_plane(1.2, 6)


class Atanh(Holomorphic):
    """``tanh(y) = x``; infinite at -1 and 1."""

    word, numpy = "atanh", np.arctanh

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(ct, b.mul(b.sub(1, x), b.add(x, 1)))]

    samples = over_plane(-0.9, 0.9)


# --- activations --------------------------------------------------------------------------------


class Activation(Elementwise, abstract=True):
    """``y = f(x)``, in an expression of its own."""

    operands = ("x",)
    dtypes = FLOATING


class Relu(Activation):
    """``y = max(x, 0)``; its gradient at 0 is 0."""

    dtypes = REAL
    idempotent = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x, np.zeros((), x.dtype))

    def scalar(self, x: Any) -> str:
        return f"maximum({x}, {x.zero})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        zero = b.tensor(0, like=ct)
        return [b.where(b.greater(y, zero), ct, zero)]

    samples = [
        *over(-2, 2)[:-1],
        Sample("int32[5]"),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class Relu6(Activation):
    """``y = min(max(x, 0), 6)``; its gradient at 0 and 6 is 0."""

    dtypes = REAL
    idempotent = True

    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.minimum(np.maximum(x, np.zeros((), x.dtype)), np.full((), 6, x.dtype))

    def scalar(self, x: Any) -> str:
        return f"minimum(maximum({x}, {x.zero}), {x.literal(6)})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        zero = b.tensor(0, like=ct)
        inside = b.logical_and(b.greater(y, 0), b.less(y, 6))
        return [b.where(inside, ct, zero)]

    samples = [
        *over(-3, 9)[:-1],
        Sample("int32[5]", low=-3, high=9),
        Refuses("bool[2]", "x must be numeric, got bool[2]"),
    ]


class LeakyRelu(Activation):
    """``y = x`` above 0, ``alpha * x`` below."""

    attributes = {"alpha": 0.2}

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, x * np.asarray(self.alpha, x.dtype))

    def scalar(self, x: Any) -> str:
        return f"where(gt({x}, {x.zero}), {x}, {x} * {x.literal(self.alpha)})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.where(b.greater(x, 0), ct, b.mul(ct, self.alpha))]

    samples = over(-2, 2, Sample("float64[5]", alpha=0.01))


class Elu(Activation):
    """``y = x`` above 0, ``exp(x) - 1`` below."""

    transcendental = True

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, np.expm1(x))

    def scalar(self, x: Any) -> str:
        return f"where(gt({x}, {x.zero}), {x}, expm1({x}))"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.where(b.greater(y, 0), ct, b.mul(ct, b.add(y, 1)))]

    samples = over(-2, 2)


class Selu(Activation):
    """``y = scale * x`` above 0, ``scale * alpha * (exp(x) - 1)`` below."""

    transcendental = True

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        below = np.asarray(SELU_SCALE * SELU_ALPHA, x.dtype) * np.expm1(x)
        return np.where(x > 0, np.asarray(SELU_SCALE, x.dtype) * x, below)

    def scalar(self, x: Any) -> str:
        below = f"{x.literal(SELU_SCALE * SELU_ALPHA)} * expm1({x})"
        return f"where(gt({x}, {x.zero}), {x.literal(SELU_SCALE)} * {x}, {below})"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        below = b.add(y, SELU_SCALE * SELU_ALPHA)
        return [b.mul(ct, b.where(b.greater(y, 0), b.tensor(SELU_SCALE, like=ct), below))]

    samples = over(-2, 2)


class Softplus(Activation):
    """``y = log(1 + exp(x))``; exact for large ``|x|``."""

    transcendental = True

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.logaddexp(x, 0)

    def scalar(self, x: Any) -> str:
        return f"maximum({x}, {x.zero}) + log1p(exp(-abs({x})))"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.sigmoid(x))]

    samples = over(-4, 4, Sample("float64[5]", low=-800, high=800))


class LogSigmoid(Activation):
    """``y = log(sigmoid(x))``; exact for large ``|x|``."""

    transcendental = True

    @in_float64
    def reference(self, x: np.ndarray) -> np.ndarray:
        return -np.logaddexp(-x, 0)

    def scalar(self, x: Any) -> str:
        return f"minimum({x}, {x.zero}) - log1p(exp(-abs({x})))"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, b.sigmoid(b.neg(x)))]

    samples = over(-4, 4, Sample("float64[5]", low=-800, high=800))


class Softsign(Activation):
    """``y = x / (1 + |x|)``."""

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        return x / (1 + np.abs(x))

    def scalar(self, x: Any) -> str:
        return f"{x} / ({x.one} + abs({x}))"

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.realdiv(ct, b.square(b.add(b.abs(x), 1)))]

    samples = over(-3, 3)


@composite
def gelu(b: Any, x: Any, approximate: bool = False, name: str | None = None) -> Any:
    """``x * P(X <= x)`` for a normal X (Hendrycks, Gimpel 2016); ``approximate``: by tanh."""
    x = b.tensor(x)
    if approximate:
        cubic = b.mul(b.square(x), b.mul(x, 0.044715))
        curve = b.tanh(b.mul(b.add(x, cubic), math.sqrt(2 / math.pi)))
    else:
        curve = b.erf(b.mul(x, math.sqrt(0.5)))
    return b.mul(b.mul(x, 0.5), b.add(curve, 1), name=name)


@composite
def swish(b: Any, x: Any, name: str | None = None) -> Any:
    """``x * sigmoid(x)``."""
    x = b.tensor(x)
    return b.mul(x, b.sigmoid(x), name=name)
