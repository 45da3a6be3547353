"""Encoders and decoders without attention (Sutskever, Vinyals and Le, "Sequence to Sequence
Learning with Neural Networks", 2014)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from frontends.tf.contrib.rnn.wrappers import EmbeddingWrapper, OutputProjectionWrapper
from frontends.tf.functions.math import argmax
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.loops.branches import cond
from frontends.tf.networks.embedding import embedding_lookup
from frontends.tf.networks.nn import xw_plus_b
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import static_rnn
from frontends.tf.variables.scopes import get_variable_scope, variable_scope
from frontends.tf.variables.variable_getting import get_variable
from graphc.errors import ShapeError
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def rnn_decoder(
    decoder_inputs: Iterable[Any],
    initial_state: Any,
    cell: Any,
    loop_function: Callable | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Run ``cell`` on a list of inputs: its outputs and last state.  With ``loop_function(previous
    output, turn)``, every input but the first is what that makes."""
    with variable_scope(scope or "rnn_decoder") as opened:
        state, outputs, previous = initial_state, [], None
        for k, given in enumerate(decoder_inputs):
            if loop_function is not None and previous is not None:
                with variable_scope("loop_function", reuse=True):
                    given = loop_function(previous, k)
            if k:
                opened.reuse_variables()
            output, state = cell(given, state)
            outputs.append(output)
            previous = output
    return outputs, state


def basic_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    dtype: Any = float32,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A cell reads ``encoder_inputs``; another of its kind goes on from its state with
    ``decoder_inputs``: the outputs and the last state."""
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(deepcopy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    loop_function: Callable | None = None,
    dtype: Any = float32,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """As :func:`basic_rnn_seq2seq`, with one cell for both."""
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, scope)


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A decoder of classes, int ``[batch]``, with their table, the variable ``embedding``.

    With ``feed_previous`` every class but the first is the likeliest of the output before;
    ``output_projection`` (W, b) makes its scores.
    """
    with variable_scope(scope or "embedding_rnn_decoder"):
        check_projection(output_projection, num_symbols)
        table = get_variable("embedding", [num_symbols, embedding_size])
        again = likeliest_embedded(table, output_projection, update_embedding_for_previous)
        embedded = (embedding_lookup(table, ids) for ids in decoder_inputs)
        return rnn_decoder(embedded, initial_state, cell, again if feed_previous else None)


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """From classes to scores of classes: both sides have a table and a cell of their own.

    ``feed_previous``, a bool or a bool tensor, lets the decoder go on from what it said.  With an
    ``output_projection`` the outputs are those of the cell.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq", dtype=dtype):
        encoder = EmbeddingWrapper(deepcopy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or float32)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)

        def decoder(fed: bool, updates: bool) -> tuple[list[Any], Any]:
            return embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size,
                output_projection, fed, updates,
            )  # fmt: skip

        return either_way(feed_previous, decoder)


def embedding_tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_decoder_symbols: int | None = None,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """As :func:`embedding_rnn_seq2seq`, with one table and one cell for both sides."""
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype):
        symbols = num_symbols if num_decoder_symbols is None else num_decoder_symbols
        check_projection(output_projection, symbols)
        table = get_variable("embedding", [num_symbols, embedding_size])
        read = [embedding_lookup(table, ids) for ids in encoder_inputs]
        said = [embedding_lookup(table, ids) for ids in decoder_inputs]
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, symbols)

        def decoder(fed: bool, updates: bool) -> tuple[list[Any], Any]:
            again = likeliest_embedded(table, output_projection, updates) if fed else None
            return tied_rnn_seq2seq(read, said, cell, again, dtype or float32)

        return either_way(feed_previous, decoder)


def one2many_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs_dict: Mapping[Any, Sequence[Any]],
    enc_cell: Any,
    dec_cells_dict: Mapping[Any, Any],
    num_encoder_symbols: int,
    num_decoder_symbols_dict: Mapping[Any, int],
    embedding_size: int,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[dict, dict]:
    """One encoder, and a decoder for each key: dicts of outputs and of last states."""
    outputs, states = {}, {}
    with variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype):
        encoder = EmbeddingWrapper(enc_cell, num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or float32)
        for key, inputs in decoder_inputs_dict.items():
            symbols = num_decoder_symbols_dict[key]
            with variable_scope(f"one2many_decoder_{key}"):
                cell = OutputProjectionWrapper(dec_cells_dict[key], symbols)

                def decoder(
                    fed: bool, updates: bool, inputs: Any = inputs, cell: Any = cell,
                    symbols: int = symbols,
                ) -> tuple[list[Any], Any]:  # fmt: skip
                    return embedding_rnn_decoder(
                        inputs, state, cell, symbols, embedding_size, None, fed, updates
                    )

                outputs[key], states[key] = either_way(feed_previous, decoder)
    return outputs, states


# --- shared with the decoders that attend ---------------------------------------------------------


def either_way(
    feed_previous: Any, decoder: Callable[[bool, bool], tuple[list[Any], Any]]
) -> tuple[list[Any], Any]:
    """``decoder(feeds, updates the table through what is fed)`` as ``feed_previous`` says: a bool,
    or a bool tensor that decides when it runs."""
    if isinstance(feed_previous, bool):
        return decoder(feed_previous, True)
    structure: list[Any] = []

    def branch(fed: bool) -> list[Any]:
        with variable_scope(get_variable_scope(), reuse=None if fed else True):
            outputs, state = decoder(fed, False)
        structure.append((len(outputs), state))
        return [*outputs, *nest.flatten(state)]

    made = cond(feed_previous, lambda: branch(True), lambda: branch(False))
    count, state = structure[0]
    return list(made[:count]), nest.pack_sequence_as(state, list(made[count:]))


def likeliest_embedded(table: Any, projection: Any, updates: bool) -> Callable:
    """The function from an output to the embedding of its likeliest class; gradients go through
    the embedding if it ``updates``."""

    def embedded(output: Any, turn: Any) -> Tensor:
        if projection is not None:
            output = xw_plus_b(output, projection[0], projection[1])
        found = embedding_lookup(table, argmax(output, 1))
        return found if updates else builder(found).stop_gradient(found)

    return embedded


def check_projection(projection: Any, symbols: int) -> None:
    """An output projection is a matrix ``[size, symbols]`` and a vector ``[symbols]``."""
    if projection is None:
        return
    weights, biases = (convert(part) for part in projection)
    for label, tensor, wanted in (("weights", weights, [None, symbols]),
                                  ("biases", biases, [symbols])):  # fmt: skip
        if not TensorShape(tensor.type.shape).is_compatible_with(TensorShape(wanted)):
            raise ShapeError(
                f"the {label} of output_projection must be {wanted}, got {tensor.type}",
                site=here(), rows=[(label, str(tensor.type), f"from {tensor.node.name}")],
            )  # fmt: skip
