"""Attention mechanisms: scores of a memory's steps for a query, as weights that sum to 1.

``keys`` are the memory ``[batch, time, size]`` after the memory layer, ``values`` the memory itself
(zero beyond ``memory_sequence_length``); a mechanism is called as ``mechanism(query, state)`` and
gives the weights ``[batch, time]`` and the next state, which are the same thing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.functions.arrays import one_hot, sequence_mask, where
from frontends.tf.functions.assertions import assert_positive
from frontends.tf.functions.math import argmax, reduce_sum
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.connected import Dense
from frontends.tf.layers.layer import Layer
from frontends.tf.networks.nn import softmax
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import zeros_of
from frontends.tf.variables.initializers import constant_initializer, zeros_initializer
from frontends.tf.variables.scopes import variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


class AttentionMechanism:
    """What weighs the steps of a memory: ``weights, next_state = mechanism(query, state)``."""

    @property
    def alignments_size(self) -> Any:
        """The number of the memory's steps."""
        raise NotImplementedError

    @property
    def state_size(self) -> Any:
        """The size of the state."""
        raise NotImplementedError


class BaseAttentionMechanism(AttentionMechanism):
    """A memory with its layers and its mask; a subclass scores in ``_score(query)``.

    ``probability_fn(score, state)`` makes weights of scores, of which those beyond
    ``memory_sequence_length`` (int32 ``[batch]``, all above 0) are ``score_mask_value``.
    """

    title = "attention"  # the variable scope of the scores

    def __init__(
        self,
        query_layer: Layer | None,
        memory: Any,
        probability_fn: Callable,
        memory_sequence_length: Any = None,
        memory_layer: Layer | None = None,
        check_inner_dims_defined: bool = True,
        score_mask_value: Any = None,
        custom_key_value_fn: Callable | None = None,
        name: str | None = None,
    ) -> None:
        for label, layer in (("query_layer", query_layer), ("memory_layer", memory_layer)):
            if layer is not None and not isinstance(layer, Layer):
                raise TypeError(f"{label} is not a Layer: {type(layer).__name__}")
        self._query_layer, self._memory_layer = query_layer, memory_layer
        self._probability_fn, self._lengths = probability_fn, None
        with name_scope(name, "BaseAttentionMechanismInit"):
            memory = nest.map_structure(convert, memory)
            first = nest.flatten(memory)[0]
            for part in nest.flatten(memory):
                _check_memory(part, check_inner_dims_defined)
            if memory_sequence_length is not None:
                self._lengths = _checked(convert(memory_sequence_length), first)
            values = nest.map_structure(self._masked_memory, memory)
            keys = memory_layer(values) if memory_layer is not None else values
            if custom_key_value_fn is not None:
                keys, values = custom_key_value_fn(keys, values)
            self._values, self._keys = values, keys
            shown = nest.flatten(keys)[0]
            self._time, self.rows = shown.type.dims[1], shown.type.dims[0]
            worst = -np.inf if score_mask_value is None else score_mask_value
            self._mask_value = builder(shown).tensor(worst, dtype=shown.dtype)

    def _masked_memory(self, memory: Tensor) -> Tensor:
        """The memory, zero beyond the lengths."""
        if self._lengths is None:
            return memory
        b, ones = builder(memory), [1] * ((memory.type.rank or 3) - 2)
        mask = sequence_mask(self._lengths, memory.type.dims[1], dtype=memory.dtype)
        return b.mul(memory, b.reshape(mask, shape=(*mask.type.dims, *ones)))

    @property
    def memory_layer(self) -> Layer | None:
        return self._memory_layer

    @property
    def query_layer(self) -> Layer | None:
        return self._query_layer

    @property
    def values(self) -> Any:
        return self._values

    @property
    def keys(self) -> Any:
        return self._keys

    @property
    def batch_size(self) -> Any:
        keys = nest.flatten(self._keys)[0]
        return builder(keys).dim_value(dim=self.rows, dtype=int32)

    @property
    def alignments_size(self) -> Any:
        if isinstance(self._time, int):
            return self._time
        keys = nest.flatten(self._keys)[0]
        return builder(keys).dim_value(dim=self._time, dtype=int32)

    @property
    def state_size(self) -> Any:
        return self.alignments_size

    def initial_alignments(self, batch_size: Any, dtype: Any) -> Tensor:
        """The weights before the first turn: zeros ``[batch, time]``."""
        return zeros_of(TensorShape([self._time]), batch_size, dtype)

    def initial_state(self, batch_size: Any, dtype: Any) -> Tensor:
        """The state before the first turn: the weights."""
        return self.initial_alignments(batch_size, dtype)

    def __call__(self, query: Any, state: Any) -> tuple[Tensor, Tensor]:
        with variable_scope(None, self.title, [query]):
            score = self._masked_score(self._score(convert(query)))
            weights = self._probability_fn(score, state)
        return weights, weights

    def _score(self, query: Tensor) -> Tensor:
        """The scores ``[batch, time]`` of the memory's steps for a query ``[batch, size]``."""
        raise NotImplementedError

    def _masked_score(self, score: Tensor) -> Tensor:
        if self._lengths is None:
            return score
        b = builder(score)
        mask = sequence_mask(self._lengths, self._time)
        return where(mask, score, b.broadcast_to(self._mask_value, shape=score.type.dims))


class LuongAttention(BaseAttentionMechanism):
    """``score = query . key`` (Luong, Pham and Manning, "Effective Approaches to Attention-based
    Neural Machine Translation", 2015), times a variable ``attention_g`` if ``scale``."""

    title = "luong_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        scale: bool = False,
        probability_fn: Callable | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable | None = None,
        name: str = "LuongAttention",
    ) -> None:
        super().__init__(
            None, memory, of_score(probability_fn), memory_sequence_length,
            layer("memory_layer", num_units, dtype), score_mask_value=score_mask_value,
            custom_key_value_fn=custom_key_value_fn, name=name,
        )  # fmt: skip
        self._num_units, self._scale, self._name = num_units, scale, name

    def _score(self, query: Tensor) -> Tensor:
        b, keys = builder(query), self._keys
        _check_depths(query, keys)
        product = b.matmul(b.expand_dims(query, axis=1), keys, transpose_b=True)  # [batch, 1, time]
        score = b.squeeze(product, axis=(1,))
        if not self._scale:
            return score
        ones = constant_initializer(1.0, dtype=query.dtype)
        scale = get_variable("attention_g", [], dtype=query.dtype, initializer=ones)
        return b.mul(as_tensor(scale), score)


class BahdanauAttention(BaseAttentionMechanism):
    """``score = v . tanh(key + W query)`` (Bahdanau, Cho and Bengio, "Neural Machine Translation by
    Jointly Learning to Align and Translate", 2015).

    If ``normalize``, ``g v / |v|`` stands for v (Salimans and Kingma, "Weight Normalization",
    2016), and a bias is added inside.
    """

    title = "bahdanau_attention"

    def __init__(
        self,
        num_units: int,
        memory: Any,
        memory_sequence_length: Any = None,
        normalize: bool = False,
        probability_fn: Callable | None = None,
        score_mask_value: Any = None,
        dtype: Any = None,
        custom_key_value_fn: Callable | None = None,
        name: str = "BahdanauAttention",
    ) -> None:
        super().__init__(
            layer("query_layer", num_units, dtype), memory, of_score(probability_fn),
            memory_sequence_length, layer("memory_layer", num_units, dtype),
            score_mask_value=score_mask_value, custom_key_value_fn=custom_key_value_fn, name=name,
        )  # fmt: skip
        self._num_units, self._normalize, self._name = num_units, normalize, name

    def _score(self, query: Tensor) -> Tensor:
        units, dtype = self._num_units, query.dtype
        seen = self._query_layer(query) if self._query_layer is not None else query
        b = builder(seen)
        v = as_tensor(get_variable("attention_v", [units], dtype=dtype))
        inside = b.add(self._keys, b.expand_dims(seen, axis=1))  # [batch, time, units]
        if self._normalize:
            start = constant_initializer(math.sqrt(1.0 / units), dtype=dtype)
            g = get_variable("attention_g", [], dtype=dtype, initializer=start)
            bias = get_variable(
                "attention_b", [units], dtype=dtype, initializer=zeros_initializer(dtype=dtype)
            )
            v = b.mul(b.mul(as_tensor(g), v), b.rsqrt(reduce_sum(b.square(v))))
            inside = b.add(inside, as_tensor(bias))
        return reduce_sum(b.mul(v, b.tanh(inside)), axis=[2])


def layer(name: str, units: int, dtype: Any) -> Dense:
    """A matrix product by that name."""
    given: dict[str, Any] = {} if dtype is None else {"dtype": as_dtype(dtype)}
    return Dense(units, use_bias=False, name=name, **given)


def of_score(probability_fn: Callable | None) -> Callable:
    """``probability_fn`` as a function of a score and the state: the softmax without one."""
    make = softmax if probability_fn is None else probability_fn
    return lambda score, state: make(score)


def hardmax(logits: Any, name: str | None = None) -> Tensor:
    """1 at the largest of the last axis, 0 elsewhere.

    >>> tf.contrib.seq2seq.hardmax([[1.0, 3.0, 2.0]])      # [[0, 1, 0]]
    """
    with name_scope(name, "Hardmax"):
        x = convert(logits)
        return one_hot(argmax(x, axis=-1), x.type.dims[-1], dtype=x.dtype)


def _check_memory(memory: Tensor, check_inner: bool) -> None:
    shape = TensorShape(memory.type.shape)
    unknown = shape.ndims is None or any(d is None for d in shape.as_list()[2:])
    if (shape.ndims is not None and shape.ndims < 2) or (check_inner and unknown):
        raise ShapeError(
            "the memory is [batch, time, size], its size known", site=here(),
            rows=[("memory", str(memory.type), f"from {memory.node.name}")],
        )  # fmt: skip


def _checked(lengths: Tensor, memory: Tensor) -> Tensor:
    """The memory's lengths, which are all above 0 and as many as it has rows."""
    entries = lengths.type.dims[0] if lengths.type.rank == 1 else None
    rows = memory.type.dims[0]
    differ = isinstance(entries, int) and isinstance(rows, int) and entries != rows
    if lengths.type.rank not in (None, 1) or differ:
        raise ShapeError(
            "memory_sequence_length has one length for each row of the memory", site=here(),
            rows=[("memory", str(memory.type), f"from {memory.node.name}"),
                  ("memory_sequence_length", str(lengths.type), f"from {lengths.node.name}")],
        )  # fmt: skip
    check = assert_positive(
        lengths, message="All values in memory_sequence_length must greater than zero."
    )
    return builder(lengths).identity(lengths, control=[check])


def _check_depths(query: Tensor, keys: Tensor) -> None:
    one, other = TensorShape(query.type.shape), TensorShape(keys.type.shape)
    if one.as_list()[-1] != other.as_list()[-1]:
        raise ShapeError(
            f"queries have {one[-1]} units, keys have {other[-1]}", site=here(),
            rows=[("query", str(query.type), f"from {query.node.name}"),
                  ("keys", str(keys.type), f"from {keys.node.name}")],
            hint=f"set num_units to {one[-1]}, the size of the cell's outputs",
        )  # fmt: skip
