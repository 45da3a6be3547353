"""Random draws: pure functions of a random state and an element's position.

The state (``uint64[2]``: key, execution count) is an operand, and element ``e`` in row-major order
takes the random word of ``e``.  So a draw does not depend on fusion, threads or what else is in the
graph, and can be repeated instead of stored.  A uniform number is the top bits of the word: 24 for
float32 and float64, 11 for float16, 8 for bfloat16, so that each is exact and below 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import (
    FLOATING,
    DType,
    bfloat16,
    bool_,
    float16,
    float32,
    float64,
    int32,
    int64,
    uint32,
    uint64,
)
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.drawing.philox import random_blocks, random_words

FURTHER = 1 << 40  # blocks from here on give a draw more than its own word
STATE = [0x9E3779B97F4A7C15, 7]
UNIFORM_BITS = {float16: 11, bfloat16: 8}
ROOT_TWO = math.sqrt(2.0)
WITHIN_TWO = math.erf(ROOT_TWO)  # the share of a normal within two standard deviations


def check_state(state: TensorType) -> None:
    if state.dtype is not uint64 or (state.shape is not None and state.shape != (2,)):
        raise Mismatch(f"state must be uint64[2], got {state}")


def uniform_of(words: np.ndarray, dtype: DType) -> np.ndarray:
    """Numbers in [0, 1) of the computed dtype."""
    bits = UNIFORM_BITS.get(dtype, 24)
    top = (words >> np.uint32(32 - bits)).astype(dtype.computed.numpy)
    return top * dtype.computed.numpy.type(2.0**-bits)


def uniform_text(e: Any, word: Any, dtype: DType) -> Any:
    """:func:`uniform_of` for one word, in kernel text."""
    bits = UNIFORM_BITS.get(dtype, 24)
    if bits == 24:
        unit = e.let(f"uniform32({word})", float32, word)
        return e.let(f"to_float64({unit})", float64, unit) if dtype is float64 else unit
    shift, scale = e.literal(32 - bits, uint32), e.literal(2.0**-bits, float32)
    return e.let(f"to_float32(shift_right({word}, {shift})) * {scale}", float32, word)


class Draw(Op, abstract=True):
    """Independent floating numbers of ``shape`` and ``dtype``."""

    operands = ("state",)
    attributes = {"shape": REQUIRED, "dtype": float32}
    kind = Kind.INJECTIVE
    vjp = NotDifferentiable("it is a random draw")
    transcendental = True

    def infer_type(self, state: TensorType) -> TensorType:
        check_state(state)
        if self.dtype not in FLOATING:
            raise DTypeMismatch(f"draws floating numbers, not {self.dtype}")
        return TensorType(self.dtype, self.shape)

    def reference(self, state: np.ndarray) -> np.ndarray:
        count = int(np.prod(self.shape))
        drawn = self.draw(random_words(state, count + count % 2))[:count]
        return drawn.reshape(self.shape).astype(_stored(self.dtype))

    def draw(self, words: np.ndarray) -> np.ndarray:
        """The numbers for an even number of words."""
        raise NotImplementedError

    samples = [
        Sample("uint64[2]", values={0: STATE}, shape=(5, 3)),
        Sample("uint64[2]", values={0: STATE}, shape=(7,), dtype=float64),
        Sample("uint64[2]", values={0: STATE}, shape=(4,), dtype=float16),
        Sample("uint64[2]", values={0: STATE}, shape=()),
        Sample("uint64[2]", values={0: STATE}, shape=(0, 3)),
        Refuses("int32[2]", "state must be uint64[2], got int32[2]", shape=(3,)),
        Refuses("uint64[2]", "draws floating numbers, not int32", shape=(3,), dtype=int32),
    ]


def _stored(dtype: DType) -> np.dtype:
    return np.dtype(np.float32) if dtype is bfloat16 else dtype.numpy


class RandomUniform(Draw):
    """Numbers spread evenly over [0, 1)."""

    transcendental = False

    def draw(self, words: np.ndarray) -> np.ndarray:
        return uniform_of(words, self.dtype)

    def element(self, e: Any, at: tuple[Dim, ...], state: Any) -> Any:
        return uniform_text(e, e.random_bits(state, e.flat(at, self.shape)), self.dtype)


class RandomNormal(Draw):
    """Normal numbers of mean 0 and standard deviation 1.

    Box and Muller, "A note on the generation of random normal deviates" (1958): with the words of
    elements ``2k`` and ``2k + 1`` as u and v, those two elements are ``sqrt(-2 log(1 - u))`` times
    the cosine and the sine of ``2 pi v``.
    """

    def draw(self, words: np.ndarray) -> np.ndarray:
        pairs = uniform_of(words, float64 if self.dtype is float64 else float32).reshape(-1, 2)
        one = pairs.dtype.type(1)
        radius = np.sqrt(-2 * np.log(one - pairs[:, :1]))
        turn = pairs[:, 1:] - np.array([0, 0.25], pairs.dtype)
        return (radius * np.cos(pairs.dtype.type(2 * math.pi) * turn)).ravel()

    def element(self, e: Any, at: tuple[Dim, ...], state: Any) -> Any:
        dtype = float64 if self.dtype is float64 else float32
        place = e.position(e.flat(at, self.shape))
        one = e.literal(1, int64)
        even = e.let(f"bit_and({place}, {e.literal(-2, int64)})", int64, place)
        odd = e.let(f"bit_or({place}, {one})", int64, place)
        u = uniform_text(e, e.random_bits(state, even), dtype)
        v = uniform_text(e, e.random_bits(state, odd), dtype)
        parity = e.let(f"to_{dtype}(bit_and({place}, {one}))", dtype, place)
        quarter, tau = e.literal(0.25, dtype), e.literal(2 * math.pi, dtype)
        radius = e.let(f"sqrt({e.literal(-2, dtype)} * log({u.one} - {u}))", dtype, u)
        text = f"{radius} * cos({tau} * ({v} - {parity} * {quarter}))"
        return e.let(text, dtype, radius, v, parity)


class TruncatedNormal(Draw):
    """Normal numbers of mean 0 and standard deviation 1, given that they are within [-2, 2].

    One word each, through the inverse of the distribution function.
    """

    def draw(self, words: np.ndarray) -> np.ndarray:
        from graphc.codegen.vocabulary import erfinv  # building a graph needs no kernel words

        unit = uniform_of(words, float64 if self.dtype is float64 else float32)
        centred = (2 * unit - 1) + unit.dtype.type(2.0**-24)
        share = centred * unit.dtype.type(WITHIN_TWO)
        return unit.dtype.type(ROOT_TWO) * np.array([erfinv(s) for s in share], unit.dtype)

    def element(self, e: Any, at: tuple[Dim, ...], state: Any) -> Any:
        dtype = float64 if self.dtype is float64 else float32
        unit = uniform_text(e, e.random_bits(state, e.flat(at, self.shape)), dtype)
        half_step, share = e.literal(2.0**-24, dtype), e.literal(WITHIN_TWO, dtype)
        centred = e.let(f"({unit} + {unit} - {unit.one}) + {half_step}", dtype, unit)
        scale = e.literal(ROOT_TWO, dtype)
        return e.let(f"{scale} * erfinv({centred} * {share})", dtype, centred)


class RandomUniformInt(Op):
    """Integers spread evenly over [low, high): the high half of (random bits) times (high - low).

    int32 takes the element's word as bits; int64 puts 32 more below it, word 0 of block
    ``element + 2**40``.
    """

    name = "random_integers"
    operands = ("state", "low", "high")
    attributes = {"shape": REQUIRED, "dtype": int32}
    kind = Kind.INJECTIVE
    may_fail = True
    vjp = NotDifferentiable("it is a random draw")

    def infer_type(self, state: TensorType, low: TensorType, high: TensorType) -> TensorType:
        check_state(state)
        if self.dtype not in (int32, int64):
            raise DTypeMismatch(f"draws int32 or int64, not {self.dtype}")
        for name, type in (("low", low), ("high", high)):
            if type.dtype is not self.dtype or type.shape not in (None, ()):
                raise Mismatch(f"{name} must be {self.dtype}[], got {type}")
        return TensorType(self.dtype, self.shape)

    def reference(self, state: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        span, count = int(high) - int(low), int(np.prod(self.shape))
        if span <= 0:
            raise InvalidArgumentError(f"Need minval < maxval, got {low} >= {high}")
        words = random_words(state, count)
        if self.dtype is int64:
            blocks = np.arange(count) + FURTHER
            below = random_blocks(int(state[0]), int(state[1]), blocks)[:, 0]
            offset = [
                (((int(w) << 32) | int(v)) * span) >> 64 for w, v in zip(words, below, strict=True)
            ]
        else:
            offset = [(int(w) * span) >> 32 for w in words]
        drawn = np.array([int(low) + k for k in offset], self.dtype.numpy)
        return drawn.reshape(self.shape)

    def element(self, e: Any, at: tuple[Dim, ...], state: Any, low: Any, high: Any) -> Any:
        first, last = (self._wide(e, bound()) for bound in (low, high))
        span = e.let(f"to_uint64(sub({last}, {first}))", uint64, first, last)
        e.check(e.let(f"ge({first}, {last})", bool_, first, last))
        place = e.position(e.flat(at, self.shape))
        word = e.random_bits(state, place)
        wide = e.let(f"to_uint64({word})", uint64, word)
        if self.dtype is int64:
            offset = self._high_half(e, wide, self._further(e, state, place), span)
        else:
            offset = e.let(f"shift_right(mul({wide}, {span}), {span.literal(32)})", uint64, wide)
        number = e.let(f"add(to_int64({offset}), {first})", int64, offset, first)
        return number if self.dtype is int64 else e.let(f"to_int32({number})", int32, number)

    @staticmethod
    def _further(e: Any, state: Any, place: Any) -> Any:
        key, execution = (e.let(f"to_int64({w})", int64, w) for w in (state(0), state(1)))
        block, first = f"{place} + {e.literal(FURTHER, int64)}", e.literal(0, int64)
        word = e.let(f"philox_word({key}, {execution}, {block}, {first})", uint32, place)
        return e.let(f"to_uint64({word})", uint64, word)

    @staticmethod
    def _high_half(e: Any, above: Any, below: Any, span: Any) -> Any:
        """The high 64 bits of ``(above * 2**32 + below) * span``, by 32-bit halves."""
        half, mask = span.literal(32), span.literal(0xFFFFFFFF)
        high = e.let(f"shift_right({span}, {half})", uint64, span)
        low = e.let(f"bit_and({span}, {mask})", uint64, span)
        outer = e.let(f"mul({above}, {low})", uint64, above, low)
        inner = e.let(f"mul({below}, {high})", uint64, below, high)
        carried = f"shift_right(mul({below}, {low}), {half})"
        middle = f"add(bit_and({outer}, {mask}), bit_and({inner}, {mask}))"
        carry = e.let(f"shift_right(add({carried}, {middle}), {half})", uint64, outer, inner)
        upper = f"add(shift_right({outer}, {half}), shift_right({inner}, {half}))"
        return e.let(f"add(mul({above}, {high}), add({upper}, {carry}))", uint64, carry)

    @staticmethod
    def _wide(e: Any, bound: Any) -> Any:
        return bound if bound.dtype == "int64" else e.let(f"to_int64({bound})", int64, bound)

    samples = [
        Sample("uint64[2]", "int32[]", "int32[]", values={0: STATE, 1: -3, 2: 9}, shape=(5, 3)),
        Sample("uint64[2]", "int64[]", "int64[]", values={0: STATE, 1: 2, 2: 3}, shape=(4,),
               dtype=int64),
        Sample("uint64[2]", "int64[]", "int64[]", values={0: STATE, 1: 0, 2: 2**32}, shape=(6,),
               dtype=int64),
        Sample("uint64[2]", "int64[]", "int64[]", shape=(9,), dtype=int64,
               values={0: STATE, 1: -(2**62), 2: 2**63 - 1}),
        Refuses("uint64[2]", "int64[]", "int32[]", "low must be int32[], got int64[]", shape=()),
        Refuses("uint64[2]", "int32[]", "int32[1]", "high must be int32[], got int32[1]", shape=()),
        Refuses("uint64[2]", "int32[]", "int32[]", "draws int32 or int64, not float32", shape=(),
                dtype=float32),
    ]  # fmt: skip


class Dropout(Op):
    """``y = x / keep_prob`` where an element is kept, else 0; kept with probability ``keep_prob``.

    ``noise_shape`` (None: the shape of ``x``) has 1 along axes whose elements share one draw.  The
    gradient draws the same elements again from the same state.
    """

    operands = ("x", "keep_prob", "state")
    attributes = {"noise_shape": None}
    kind = Kind.INJECTIVE
    pointwise = True

    def infer_type(self, x: TensorType, keep_prob: TensorType, state: TensorType) -> TensorType:
        check_state(state)
        if x.dtype not in FLOATING:
            raise DTypeMismatch(f"x must be floating, got {x}")
        same_dtype(x=x, keep_prob=keep_prob)
        if keep_prob.shape not in (None, ()):
            raise Mismatch(f"keep_prob must be a scalar, got {keep_prob}")
        if self.noise_shape is not None and x.shape is not None:
            fits = len(self.noise_shape) == len(x.shape) and all(
                d == 1 or same_dim(d, n, "noise_shape") is not None
                for d, n in zip(self.noise_shape, x.shape, strict=True)
            )
            if not fits:
                shape = dims.format_shape(self.noise_shape)
                raise Mismatch(f"noise_shape {shape} must be that of x, or 1 along an axis", x=x)
        return x

    def reference(self, x: np.ndarray, keep_prob: np.ndarray, state: np.ndarray) -> np.ndarray:
        noise = x.shape if self.noise_shape is None else self.noise_shape
        words = random_words(state, int(np.prod(noise)))
        unit = uniform_of(words, float32).reshape(noise)
        dtype = np.float32 if x.dtype == np.float16 else x.dtype
        wide, keep = x.astype(dtype), keep_prob.astype(dtype)
        kept = unit < keep.astype(np.float32)
        return np.where(kept, wide / keep, np.zeros((), dtype)).astype(x.dtype)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, keep_prob: Any, state: Any) -> Any:
        shape: Shape = x.type.shape if self.noise_shape is None else self.noise_shape
        shared = tuple(0 if size == 1 else i for i, size in zip(at, shape, strict=True))
        unit = uniform_text(e, e.random_bits(state, e.flat(shared, shape)), float32)
        value, keep = x(*at), keep_prob()
        limit = e.let(f"to_float32({keep})", float32, keep) if keep.dtype != "float32" else keep
        kept = e.let(f"lt({unit}, {limit})", bool_, unit, limit)
        text = f"where({kept}, {value} / {keep}, {value.zero})"
        return e.let(text, x.type.dtype, kept, value, keep)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, keep_prob: Any, state: Any) -> list:
        kept = b.sum_to(b.mul(ct, y), keep_prob)
        return [
            b.dropout(ct, keep_prob, state, noise_shape=self.noise_shape),
            b.neg(b.truediv(kept, keep_prob)),
            None,
        ]

    samples = [
        Sample("float32[4, 3]", "float32[]", "uint64[2]", values={1: 0.6, 2: STATE}),
        Sample("float64[4, 3]", "float64[]", "uint64[2]", values={1: 0.5, 2: STATE},
               noise_shape=(4, 1)),
        Sample("float16[5]", "float16[]", "uint64[2]", values={1: 0.5, 2: STATE}),
        Sample("float32[0]", "float32[]", "uint64[2]", values={1: 0.5, 2: STATE}),
        Refuses("int32[2]", "int32[]", "uint64[2]", "x must be floating, got int32[2]"),
        Refuses("float32[2]", "float32[2]", "uint64[2]",
                "keep_prob must be a scalar, got float32[2]"),
        Refuses("float32[2]", "float32[]", "uint64[2]",
                "noise_shape [3] must be that of x, or 1 along an axis", noise_shape=(3,)),
    ]  # fmt: skip


class RandomShuffle(Op):
    """The rows of ``x`` in the order that sorts their random words; a scalar as it is."""

    operands = ("state", "x")
    kind = Kind.HOST
    vjp = NotDifferentiable("the order of the rows is a random draw")

    def infer_type(self, state: TensorType, x: TensorType) -> TensorType:
        check_state(state)
        return x

    def reference(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        if x.ndim == 0:
            return x
        return x[np.argsort(random_words(state, len(x)), kind="stable")]

    def host(self, state: np.ndarray, x: np.ndarray) -> tuple:
        return (self.reference(state, x),)

    samples = [
        Sample("uint64[2]", "float32[5, 2]", values={0: STATE}),
        Sample("uint64[2]", "int32[0]", values={0: STATE}),
        Sample("uint64[2]", "float32[]", values={0: STATE}),
        Refuses("int32[2]", "float32[3]", "state must be uint64[2], got int32[2]"),
    ]
