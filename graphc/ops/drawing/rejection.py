"""Gamma and Poisson numbers: draws that may take several attempts.

Attempt ``k`` of element ``e`` has the four words of Philox block ``e + k * 2**40``, whatever the
other elements need; so a draw is still a pure function of (state, element).  A word ``w`` stands
for the number ``(w + 1/2) * 2**-32``, inside (0, 1).  Everything is computed in float64.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from graphc.ir.dims import Dim
from graphc.ir.dtype import FLOATING, DType, float16, float32, float64, int32, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, TensorType
from graphc.ops.drawing.philox import random_blocks
from graphc.ops.drawing.random import STATE, check_state

ATTEMPT = 1 << 40
ATTEMPTS = 1000  # each is accepted with a probability above 0.7


def _uniforms(indent: str, *names: str) -> str:
    """Text for the numbers of attempt ``@k``, from its words 0, 1 ...; the text's operands are key,
    execution, the element's position and its parameter."""
    lines = []
    for word, name in enumerate(names):
        lines += [
            f"@w = philox_word(@0, @1, @2 + @k * #{ATTEMPT}, #{word})",
            f"@{name} = fma(to_float64(@w), #{2.0**-32!r}, #{2.0**-33!r})",
        ]
    return "\n".join(indent + line for line in lines)


class Attempted(Op, abstract=True):
    """``samples`` draws for every element of a parameter: ``samples + parameter.shape``."""

    kind = Kind.INJECTIVE
    transcendental = True
    text: ClassVar[str]

    def check_dtype(self, parameter: TensorType) -> DType:
        raise NotImplementedError

    def infer_type(self, state: TensorType, parameter: TensorType) -> TensorType:
        check_state(state)
        name = self.operands[1]
        if parameter.dtype not in FLOATING:
            raise DTypeMismatch(f"{name} must be floating, got {parameter}")
        dtype = self.check_dtype(parameter)
        if parameter.shape is None:
            return TensorType(dtype, None)
        return TensorType(dtype, (*self.shape, *parameter.shape))

    def reference(self, state: np.ndarray, parameter: np.ndarray) -> np.ndarray:
        shape = (*self.shape, *parameter.shape)
        each = np.broadcast_to(parameter.astype(np.float64), shape).ravel()
        result, pending = np.full(each.size, np.nan), np.arange(each.size)
        for attempt in range(ATTEMPTS):
            if not pending.size:
                break
            blocks = random_blocks(int(state[0]), int(state[1]), pending + attempt * ATTEMPT)
            with np.errstate(all="ignore"):
                drawn, accepted = self.attempt(each[pending], (blocks + 0.5) * 2.0**-32)
            result[pending[accepted]] = drawn[accepted]
            pending = pending[~accepted]
        return self.stored(result, parameter.dtype).reshape(shape)

    def stored(self, result: np.ndarray, dtype: np.dtype) -> np.ndarray:
        return result.astype(dtype)

    def attempt(self, parameter: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(numbers, which are accepted) for rows of four uniform numbers."""
        raise NotImplementedError

    def element(self, e: Any, at: tuple[Dim, ...], state: Any, parameter: Any) -> Any:
        own = parameter(*at[len(self.shape) :])
        shape = (*self.shape, *parameter.type.shape)
        key, execution = (e.let(f"to_int64({w})", int64, w) for w in (state(0), state(1)))
        place = e.position(e.flat(at, shape))
        wide = own
        if own.dtype != "float64":
            wide = e.let(f"to_float64({own})", float64, own)
        result = e.block(self.text, float64, key, execution, place, wide)
        dtype = self.check_dtype(parameter.type)
        if dtype is float64:
            return result
        return e.let(f"to_{dtype}({result})", dtype, result)


class RandomGamma(Attempted):
    """Gamma numbers of shape parameter ``alpha`` and scale 1; NaN for a negative one.

    Marsaglia and Tsang, "A simple method for generating gamma variables" (2000): words 0 and 1 make
    a normal number, word 2 decides, word 3 is the power that brings ``alpha + 1`` to an ``alpha``
    below 1.  The gradient is the implicit one: how a number moves while its probability P(alpha, y)
    stays (Figurnov, Mohamed, Mnih, 2018).
    """

    operands = ("state", "alpha")
    attributes = {"shape": REQUIRED}
    text = f"""
@result = #nan
@small = lt(@3, #1.0)
@d = where(@small, @3 + #1.0, @3) - #0.3333333333333333
@c = #1.0 / sqrt(#9.0 * @d)
if eq(@3, #0.0):
    @result = #0.0
for @k in range(#0, #{ATTEMPTS}):
    if not gt(@3, #0.0):
        break
{_uniforms("    ", "ua", "ub", "uc", "ud")}
    @x = sqrt(#-2.0 * log(@ua)) * cos(#6.283185307179586 * @ub)
    @v = #1.0 + @c * @x
    @v = @v * @v * @v
    if gt(@v, #0.0) and lt(log(@uc), #0.5 * @x * @x + @d - @d * @v + @d * log(@v)):
        @result = @d * @v
        if @small:
            @result = @result * pow(@ud, #1.0 / @3)
        break
"""

    def check_dtype(self, parameter: TensorType) -> DType:
        return parameter.dtype

    def attempt(self, alpha: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        d = np.where(alpha < 1, alpha + 1, alpha) - 1 / 3
        x = np.sqrt(-2 * np.log(u[:, 0])) * np.cos(2 * np.pi * u[:, 1])
        v = (1 + x / np.sqrt(9 * d)) ** 3
        accepted = (v > 0) & (np.log(u[:, 2]) < 0.5 * x * x + d - d * v + d * np.log(v))
        number = d * v * np.where(alpha < 1, u[:, 3] ** (1 / alpha), 1.0)
        number = np.where(alpha > 0, number, np.where(alpha == 0, 0.0, np.nan))
        return number, accepted | ~(alpha > 0)

    def vjp(self, b: Any, ct: Any, y: Any, state: Any, alpha: Any) -> list:
        exponent = b.sub(b.sub(b.xlogy(b.sub(alpha, 1), y), y), b.lgamma(alpha))
        slope = b.realdiv(b.neg(b.igamma_grad_a(alpha, y)), b.exp(exponent))
        return [None, b.sum_to(b.mul(ct, slope), alpha)]

    samples = [
        Sample("uint64[2]", "float32[3]", values={0: STATE}, low=0.1, high=9, shape=(5, 4),
               gradient=False),
        Sample("uint64[2]", "float64[2, 3]", values={0: STATE}, low=0.1, high=90, shape=(),
               gradient=False),
        Sample("uint64[2]", "float64[5]", values={0: STATE, 1: [0, -1, np.nan, 1e6, 1e-3]},
               shape=(2,), gradient=False),
        Sample("uint64[2]", "float16[2]", values={0: STATE}, low=1, high=5, shape=(3,),
               gradient=False),
        Sample("uint64[2]", "float32[0]", values={0: STATE}, shape=(2,)),
        Refuses("int32[2]", "float32[3]", "state must be uint64[2], got int32[2]", shape=()),
        Refuses("uint64[2]", "int32[3]", "alpha must be floating, got int32[3]", shape=()),
    ]  # fmt: skip


class RandomPoisson(Attempted):
    """Poisson numbers of mean ``rate``; NaN for one that is negative or not finite.

    Below 10 by inversion: word 0, with word 1 as its further digits, looked up among the summed
    probabilities.  From there on by Hörmann, "The transformed rejection method for generating
    Poisson random variables" (1993), algorithm PTRS, on words 0 and 1.
    """

    operands = ("state", "rate")
    attributes = {"shape": REQUIRED, "dtype": float32}
    vjp = NotDifferentiable("the numbers are whole")
    text = f"""
@result = #nan
@k = #0
{_uniforms("", "ua", "ub")}
if ge(@3, #0.0) and lt(@3, #10.0):
    @u = fma(@ub - #0.5, #2.3283064365386963e-10, @ua)
    @p = exp(neg(@3))
    @total = @p
    @result = #0.0
    for @n in range(#0, #200):
        if le(@u, @total):
            break
        @result = @result + #1.0
        @p = @p * @3 / @result
        @total = @total + @p
elif ge(@3, #10.0) and lt(@3, #inf):
    @b = fma(sqrt(@3), #2.53, #0.931)
    @a = fma(@b, #0.02483, #-0.059)
    @turn = #1.1239 + #1.1328 / (@b - #3.4)
    @limit = #0.9277 - #3.6224 / (@b - #2.0)
    for @k in range(#0, #{ATTEMPTS}):
{_uniforms("        ", "ua", "ub")}
        @centred = @ua - #0.5
        @us = #0.5 - abs(@centred)
        @n = floor((#2.0 * @a / @us + @b) * @centred + @3 + #0.43)
        if ge(@us, #0.07) and le(@ub, @limit):
            @result = @n
            break
        if ge(@n, #0.0) and (ge(@us, #0.013) or le(@ub, @us)):
            @left = log(@ub * @turn / (@a / (@us * @us) + @b))
            if le(@left, @n * log(@3) - @3 - lgamma(@n + #1.0)):
                @result = @n
                break
"""

    def check_dtype(self, parameter: TensorType) -> DType:
        if self.dtype not in (*FLOATING, int32, int64):
            raise DTypeMismatch(f"draws floating numbers, int32 or int64, not {self.dtype}")
        return self.dtype

    def stored(self, result: np.ndarray, dtype: np.dtype) -> np.ndarray:
        computed = self.dtype.computed.numpy if self.dtype is not float16 else np.float16
        return result.astype(computed)

    def attempt(self, rate: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        few = (rate >= 0) & (rate < 10)
        many = (rate >= 10) & (rate < np.inf)
        small = _inverted(np.where(few, rate, 0.0), u[:, 0] + (u[:, 1] - 0.5) * 2.0**-32)
        large, accepted = _transformed(np.where(many, rate, 10.0), u)
        return np.where(few, small, np.where(many, large, np.nan)), accepted | ~many

    samples = [
        Sample("uint64[2]", "float32[3]", values={0: STATE, 1: [0.3, 4, 30]}, shape=(5, 4)),
        Sample("uint64[2]", "float64[2, 3]", values={0: STATE}, low=0.1, high=90, shape=(),
               dtype=int64),
        Sample("uint64[2]", "float64[6]", values={0: STATE, 1: [0, -1, np.nan, 1e6, 1e-3, np.inf]},
               shape=(2,), dtype=float64),
        Sample("uint64[2]", "float32[2]", values={0: STATE}, low=1, high=5, shape=(3,),
               dtype=float16),
        Sample("uint64[2]", "float32[0]", values={0: STATE}, shape=(2,), dtype=int32),
        Refuses("uint64[2]", "int32[3]", "rate must be floating, got int32[3]", shape=()),
    ]  # fmt: skip


def _inverted(rate: np.ndarray, u: np.ndarray) -> np.ndarray:
    count, p = np.zeros_like(rate), np.exp(-rate)
    total = p.copy()
    for _ in range(200):
        beyond = u > total
        if not beyond.any():
            break
        count = count + beyond
        p = np.where(beyond, p * rate / np.maximum(count, 1), p)
        total = np.where(beyond, total + p, total)
    return count


def _transformed(rate: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from graphc.codegen.special_functions import lgamma  # building a graph needs no such function

    b = 2.53 * np.sqrt(rate) + 0.931
    a = 0.02483 * b - 0.059
    turn, limit = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    centred, v = u[:, 0] - 0.5, u[:, 1]
    us = 0.5 - np.abs(centred)
    n = np.floor((2 * a / us + b) * centred + rate + 0.43)
    logs = np.asarray(np.frompyfunc(lgamma, 1, 1)(np.maximum(n, 0) + 1), np.float64)
    fits = np.log(v * turn / (a / (us * us) + b)) <= n * np.log(rate) - rate - logs
    inside = (n >= 0) & ((us >= 0.013) | (v <= us))
    return n, ((us >= 0.07) & (v <= limit)) | (inside & fits)
