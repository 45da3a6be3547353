"""Monotonic attention: it moves along the memory and stops at a step, or not (Raffel et al.,
"Online and Linear-Time Attention by Enforcing Monotonic Alignments", 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.contrib.seq2seq.mechanisms import BahdanauAttention, LuongAttention
from frontends.tf.functions.arrays import fill, one_hot
from frontends.tf.functions.cumulative import cumprod, cumsum
from frontends.tf.functions.random import random_normal
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.loops.higher_order import scan
from frontends.tf.variables.initializers import constant_initializer
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


def safe_cumprod(x: Any, *args: Any, **kwargs: Any) -> Tensor:
    """The products of what comes before and at each place, by logarithms: no operand is below the
    smallest normal number or above 1.  Other arguments are those of ``tf.cumsum``."""
    with name_scope(None, "SafeCumprod"):
        value = convert(x)
        b = builder(value)
        tiny = float(np.finfo(value.dtype.numpy).tiny)
        bounded = b.minimum(b.maximum(value, tiny), 1.0)
        return b.exp(cumsum(b.log(bounded), *args, **kwargs))


def monotonic_attention(p_choose_i: Any, previous_attention: Any, mode: str) -> Tensor:
    """The chance to stop at each step of the memory, ``[batch, time]``.

    From where it was (``previous_attention``), attention goes on step by step and stops at step i
    with probability ``p_choose_i``.  ``mode``: "recursive" computes this step by step; "parallel"
    by running products, which is fast and can be inexact where many probabilities are near 1;
    "hard" is for probabilities that are 0 or 1, and a previous attention to one step.
    """
    p, before = convert(p_choose_i), convert(previous_attention)
    b = builder(p, before)
    if mode == "recursive":
        rows = b.full((p.type.dims[0], 1), 1.0, p.dtype)
        passed = b.concat(rows, 1.0 - p[:, :-1], axis=1)
        reached = scan(
            lambda held, x: x[0] * held + x[1],
            (b.transpose(passed, perm=(1, 0)), b.transpose(before, perm=(1, 0))),
            initializer=b.full((p.type.dims[0],), 0.0, p.dtype),
        )
        return p * b.transpose(reached, perm=(1, 0))
    if mode == "parallel":
        passed = safe_cumprod(1.0 - p, axis=1, exclusive=True)
        bounded = b.minimum(b.maximum(passed, 1e-10), 1.0)
        return p * passed * cumsum(before / bounded, axis=1)
    if mode == "hard":
        p = p * cumsum(before, axis=1)
        return p * cumprod(1.0 - p, axis=1, exclusive=True)
    raise ValueError(f"mode must be 'recursive', 'parallel', or 'hard', got {mode!r}")


def _probabilities(noise: float, mode: str, seed: int | None) -> Callable:
    """From scores and the weights before to the weights: noise on the scores while it learns pushes
    the probabilities to 0 and 1."""

    def weights(score: Tensor, before: Any) -> Tensor:
        b = builder(score)
        if noise > 0:
            score = score + noise * random_normal(score.shape, dtype=score.dtype, seed=seed)  # type: ignore[attr-defined]
        hard = mode == "hard"
        p = b.cast(b.greater(score, 0), dtype=score.dtype) if hard else b.sigmoid(score)
        return monotonic_attention(p, before, mode)

    return weights


class _Monotonic:
    """What both mechanisms share: a bias on the scores, and a start at the first step."""

    _time: Any
    _bias_start: float

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """All attention is at the first step of the memory."""
        return one_hot(fill([batch_size], 0), self._time, dtype=dtype)

    def _score(self, query: Tensor) -> Tensor:
        score = super()._score(query)  # type: ignore[misc]
        start = constant_initializer(self._bias_start, dtype=score.dtype)
        bias = get_variable("attention_score_bias", [], score.dtype, start)
        return score + as_tensor(bias)


class BahdanauMonotonicAttention(_Monotonic, BahdanauAttention):
    """Monotonic attention with Bahdanau's scores plus a bias, the variable
    ``attention_score_bias``."""

    title = "bahdanau_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str = "BahdanauMonotonicAttention",
    ) -> None:
        super().__init__(
            num_units, memory, memory_sequence_length, normalize,
            score_mask_value=score_mask_value, dtype=dtype, name=name,
        )  # fmt: skip
        self._bias_start = score_bias_init
        self._probability_fn = _probabilities(sigmoid_noise, mode, sigmoid_noise_seed)


class LuongMonotonicAttention(_Monotonic, LuongAttention):
    """Monotonic attention with Luong's scores plus a bias, the variable
    ``attention_score_bias``."""

    title = "luong_monotonic_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        score_mask_value: Any = None,
        sigmoid_noise: float = 0.0,
        sigmoid_noise_seed: int | None = None,
        score_bias_init: float = 0.0,
        mode: str = "parallel",
        dtype: Any = None,
        name: str = "LuongMonotonicAttention",
    ) -> None:
        super().__init__(
            num_units, memory, memory_sequence_length, scale, score_mask_value=score_mask_value,
            dtype=dtype, name=name,
        )  # fmt: skip
        self._bias_start = score_bias_init
        self._probability_fn = _probabilities(sigmoid_noise, mode, sigmoid_noise_seed)
