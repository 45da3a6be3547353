"""Decoders with attention to the encoder's outputs (after Bahdanau et al., 2015, as Vinyals et al.,
"Grammar as a Foreign Language", 2014, have it)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from typing import Any

from frontends.tf.contrib.legacy_seq2seq.plain import (
    check_projection,
    either_way,
    likeliest_embedded,
)
from frontends.tf.contrib.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper
from frontends.tf.functions.arrays import concat, expand_dims, reshape
from frontends.tf.functions.math import reduce_sum
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.embedding import embedding_lookup
from frontends.tf.networks.nn import softmax
from frontends.tf.platform import nest
from frontends.tf.rnn.cell import linear
from frontends.tf.rnn.networks import static_rnn
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


def attention_decoder(
    decoder_inputs: Iterable[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    output_size: int | None = None,
    num_heads: int = 1,
    loop_function: Callable | None = None,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Tensor], Any]:
    """Run ``cell`` on a list of inputs, each joined with what ``num_heads`` heads saw of
    ``attention_states`` ``[batch, length, size]`` in the turn before: outputs of ``output_size``
    and the last state.

    ``initial_state_attention`` lets the heads look before the first turn, too.
    """
    inputs = list(decoder_inputs)
    if not inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    memory = convert(attention_states)
    if memory.type.rank != 3 or TensorShape(memory.type.shape).as_list()[2] is None:
        raise ValueError(f"Shape[2] of attention_states must be known {memory.type}")
    size = output_size or cell.output_size
    with variable_scope(scope or "attention_decoder", dtype=dtype) as opened:
        heads = _Heads(memory, num_heads)
        state, outputs, previous = initial_state, [], None
        seen = heads.zeros() if not initial_state_attention else heads.look(initial_state)
        for k, given in enumerate(inputs):
            if k:
                opened.reuse_variables()
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    given = loop_function(previous, k)
            given = convert(given)
            depth = TensorShape(given.type.shape).as_list()[1]
            if depth is None:
                raise ValueError(f"Could not infer input size from input: {given.name}")
            output, state = cell(linear([given, *seen], depth, bias=True), state)
            looked_before = k == 0 and initial_state_attention
            with variable_scope(get_variable_scope(), reuse=True if looked_before else None):
                seen = heads.look(state)
            with variable_scope("AttnOutputProjection"):
                output = linear([output, *seen], size, bias=True)
            outputs.append(output)
            previous = output
    return outputs, state


class _Heads:
    """The heads of an attention, of variables ``AttnW_0``, ``AttnV_0`` and so on."""

    def __init__(self, memory: Tensor, count: int) -> None:
        size, dtype = memory.type.dims[2], memory.dtype
        self.memory, self.features, self.vectors = memory, [], []
        b = builder(memory)
        rows = b.reshape(memory, shape=(-1, size))
        for k in range(count):
            kernel = as_tensor(get_variable(f"AttnW_{k}", [1, 1, size, size], dtype))
            product = b.matmul(rows, b.reshape(kernel, shape=(size, size)))
            self.features.append(b.reshape(product, shape=memory.type.dims))
            self.vectors.append(as_tensor(get_variable(f"AttnV_{k}", [size], dtype)))

    def zeros(self) -> list[Tensor]:
        """What the heads see before they look."""
        rows, _, size = self.memory.type.dims
        return [builder(self.memory).full((rows, size), 0, self.memory.dtype) for _ in self.vectors]

    def look(self, query: Any) -> list[Tensor]:
        """What each head sees for a query ``[batch, size]``, or a state of several parts."""
        parts = [convert(part) for part in nest.flatten(query)]
        joined = parts[0] if len(parts) == 1 else concat(parts, 1)
        b, seen = builder(joined), []
        for k, (features, v) in enumerate(zip(self.features, self.vectors, strict=True)):
            with variable_scope(f"Attention_{k}"):
                wanted = linear(joined, v.type.dims[0], bias=True)
            scores = reduce_sum(v * b.tanh(features + expand_dims(wanted, 1)), [2])
            seen.append(reduce_sum(expand_dims(softmax(scores), 2) * self.memory, [1]))
        return seen


def embedding_attention_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_size: int | None = None,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Tensor], Any]:
    """:func:`attention_decoder` of classes, int ``[batch]``, with their table, the variable
    ``embedding``; with ``feed_previous`` every class but the first is the likeliest of the output
    before."""
    check_projection(output_projection, num_symbols)
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        table = get_variable("embedding", [num_symbols, embedding_size])
        again = likeliest_embedded(table, output_projection, update_embedding_for_previous)
        embedded = [embedding_lookup(table, ids) for ids in decoder_inputs]
        return attention_decoder(
            embedded, initial_state, attention_states, cell, output_size or cell.output_size,
            num_heads, again if feed_previous else None,
            initial_state_attention=initial_state_attention,
        )  # fmt: skip


def embedding_attention_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Tensor], Any]:
    """From classes to scores of classes, the decoder with attention to the encoder's outputs.

    ``feed_previous``, a bool or a bool tensor, lets the decoder go on from what it said.  With an
    ``output_projection`` the outputs are those before it.
    """
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype):
        encoder = EmbeddingWrapper(deepcopy(cell), num_encoder_symbols, embedding_size)
        outputs, state = static_rnn(encoder, encoder_inputs, dtype=dtype or float32)
        memory = concat([reshape(t, [-1, 1, cell.output_size]) for t in outputs], 1)
        size = None
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
            size = num_decoder_symbols

        def decoder(fed: bool, updates: bool) -> tuple[list[Any], Any]:
            return embedding_attention_decoder(
                decoder_inputs, state, memory, cell, num_decoder_symbols, embedding_size,
                num_heads, size, output_projection, fed, updates,
                initial_state_attention=initial_state_attention,
            )  # fmt: skip

        return either_way(feed_previous, decoder)
