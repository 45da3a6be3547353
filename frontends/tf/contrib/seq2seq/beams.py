"""``tf.contrib.seq2seq.BeamSearchDecoder``: the likeliest sequences, so many of them, kept side by
side.

Each turn takes the best continuations of a row's beams.  A finished beam goes on with
``end_token`` alone, at no cost.  Scores are log probabilities over the length penalty (Wu et al.,
"Google's Neural Machine Translation System", 2016, which also has the coverage penalty).
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.contrib.seq2seq.attending import AttentionWrapperState
from frontends.tf.contrib.seq2seq.decoding import Decoder
from frontends.tf.contrib.seq2seq.helpers import embedding_function
from frontends.tf.contrib.seq2seq.trees import gather_tree, gather_tree_from_array
from frontends.tf.functions.arrays import batch_gather, expand_dims, fill, one_hot
from frontends.tf.functions.math import add_n, reduce_max, reduce_sum
from frontends.tf.functions.ordering import top_k
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.layers.layer import Layer
from frontends.tf.loops.tensor_array import TensorArray
from frontends.tf.networks.nn import log_softmax
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import require_cell
from graphc.errors import ShapeError
from graphc.ir.dtype import int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here

BeamSearchDecoderState = namedtuple(
    "BeamSearchDecoderState",
    ("cell_state", "log_probs", "finished", "lengths", "accumulated_attention_probs"),
)
BeamSearchDecoderState.__doc__ = (
    "The beams of each row: the cell's state, log probabilities, which are finished, lengths."
)
BeamSearchDecoderOutput = namedtuple(
    "BeamSearchDecoderOutput", ("scores", "predicted_ids", "parent_ids")
)
BeamSearchDecoderOutput.__doc__ = (
    "What a turn took: scores, classes, and the beams these went on from, ``[batch, beams]``."
)
FinalBeamSearchDecoderOutput = namedtuple(
    "FinalBeamSearchDecoderOutput", ("predicted_ids", "beam_search_decoder_output")
)
FinalBeamSearchDecoderOutput.__doc__ = (
    "The sequences of every beam, the best first, int32 ``[batch, time, beams]``; what turns took."
)


class BeamSearchDecoder(Decoder):
    """``beam_width`` sequences of each row, from ``start_tokens`` (int32 ``[batch]``) until all are
    finished with ``end_token``.

    ``initial_state`` has ``batch * beam_width`` rows (:func:`tile_batch`), and so has the memory of
    an attention.  ``embedding`` is a function of ids or the table; ``output_layer`` makes logits of
    the cell's outputs.  ``length_penalty_weight`` 0 means none; ``coverage_penalty_weight`` needs
    an attention.

    >>> decoder = tf.contrib.seq2seq.BeamSearchDecoder(cell, table, starts, 1, state, beam_width=5)
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        initial_state: Any,
        beam_width: int,
        output_layer: Layer | None = None,
        length_penalty_weight: Any = 0.0,
        coverage_penalty_weight: Any = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        require_cell(cell)
        if output_layer is not None and not isinstance(output_layer, Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._output_layer = cell, output_layer
        self._embedding = embedding_function(embedding)
        self._start_tokens, self._end_token = convert(start_tokens, int32), convert(end_token)
        if self._start_tokens.type.rank != 1:
            raise ValueError(f"start_tokens must be a vector, got {self._start_tokens.type}")
        if self._end_token.type.rank != 0:
            raise ValueError(f"end_token must be a scalar, got {self._end_token.type}")
        self._beam_width, self._reorder = int(beam_width), reorder_tensor_arrays
        self._length_weight, self._coverage_weight = length_penalty_weight, coverage_penalty_weight
        self._rows = self._start_tokens.type.dims[0]
        self._dtype = convert(nest.flatten(initial_state)[0]).dtype
        self._initial_cell_state = nest.map_structure(self._split, initial_state)
        b = builder(self._start_tokens)
        starts = b.broadcast_to(
            b.expand_dims(self._start_tokens, axis=1), shape=(self._rows, self._beam_width)
        )
        self._start_inputs = self._embedding(starts)

    @property
    def batch_size(self) -> Tensor:
        return builder(self._start_tokens).size(self._start_tokens, dtype=int32)

    @property
    def tracks_own_finished(self) -> bool:
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(*[TensorShape([self._beam_width])] * 3)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(self._dtype, int32, int32)

    # --- rows of batches, and beams beside them ------------------------------------------------

    def _split(self, x: Any) -> Any:
        """``[batch * beams, ...]`` to ``[batch, beams, ...]``; scalars and arrays stay."""
        if not _has_rows(x):
            return x
        x = convert(x)
        first, *rest = x.type.dims
        if isinstance(first, int) and isinstance(self._rows, int):
            wanted = self._rows * self._beam_width
            if first != wanted:
                raise ShapeError(
                    f"the state has {first} rows, {self._rows} rows of {self._beam_width} beams "
                    f"are {wanted}", site=here(),
                    rows=[("initial_state", str(x.type), f"from {x.node.name}")],
                    hint="tf.contrib.seq2seq.tile_batch(state, multiplier=beam_width)",
                )  # fmt: skip
        return builder(x).reshape(x, shape=(self._rows, self._beam_width, *rest))

    def _merge(self, x: Any) -> Any:
        """``[batch, beams, ...]`` to ``[batch * beams, ...]``."""
        if not _has_rows(x):
            return x
        x = convert(x)
        _, _, *rest = x.type.dims
        return builder(x).reshape(x, shape=(self._rows * self._beam_width, *rest))

    def _sorted(self, x: Any, parents: Tensor) -> Any:
        """The parts of a state that belong to the beams that were gone on from."""
        if not _has_rows(x):
            return x
        return builder(x).batch_gather(x, parents, axis=1, batch_dims=1)

    # --- turns ---------------------------------------------------------------------------------

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Of the beams of a row only the first is there at first; the others are finished, at a
        probability of 0."""
        rows, beams = self._rows, self._beam_width
        zero = fill([rows], 0)
        finished = one_hot(zero, beams, on_value=False, off_value=True, dtype="bool")
        log_probs = one_hot(zero, beams, on_value=0.0, off_value=-np.inf, dtype=self._dtype)
        b = builder(finished)
        seen = self._attention(self._initial_cell_state)
        state = BeamSearchDecoderState(
            cell_state=self._initial_cell_state, log_probs=log_probs, finished=finished,
            lengths=b.full((rows, beams), 0, int64),
            accumulated_attention_probs=() if seen is None else b.zeros_like(seen),
        )  # fmt: skip
        return finished, self._start_inputs, state

    def step(
        self, time: Any, inputs: Any, state: Any, name: str | None = None
    ) -> tuple[Any, Any, Any, Any]:
        """One turn of all beams of all rows."""
        with name_scope(name, "BeamSearchDecoderStep"):
            outputs, cell_state = self._cell(
                nest.map_structure(self._merge, inputs),
                nest.map_structure(self._merge, state.cell_state),
            )
            logits = outputs if self._output_layer is None else self._output_layer(outputs)
            logits = nest.map_structure(self._split, logits)
            cell_state = nest.map_structure(self._split, cell_state)
            output, new = self._taken(logits, cell_state, state)
            return output, new, self._embedding(output.predicted_ids), new.finished

    def _taken(
        self, logits: Tensor, cell_state: Any, state: BeamSearchDecoderState
    ) -> tuple[BeamSearchDecoderOutput, BeamSearchDecoderState]:
        """The best continuations: what was taken, and the next state."""
        b, beams = builder(logits), self._beam_width
        classes = logits.type.dims[-1]
        going = b.logical_not(state.finished)
        wide = (self._rows, beams, classes)
        each = b.axis_position(shape=(1, 1, classes), axis=2, dtype=self._end_token.dtype)
        is_end = b.equal(each, self._end_token)  # [1, 1, classes]
        at_end = b.where(is_end, b.full((), 0.0, logits.dtype), _lowest(b, logits.dtype))
        steps = b.where(
            expand_dims(going, 2), log_softmax(logits), b.broadcast_to(at_end, shape=wide)
        )
        totals = b.add(expand_dims(state.log_probs, 2), steps)
        longer = b.logical_and(expand_dims(going, 2), b.logical_not(is_end))
        lengths = b.add(expand_dims(state.lengths, 2), b.cast(longer, dtype=int64))
        seen = self._accumulated(cell_state, state, going)
        scores = self._scores(totals, lengths, seen)
        best, places = top_k(b.reshape(scores, shape=(self._rows, beams * classes)), k=beams)
        places = b.cast(places, dtype=int32)
        count = b.dim_value(dim=classes, dtype=int32)
        ids, parents = b.floormod(places, count), b.floordiv(places, count)
        flat = b.reshape(totals, shape=(self._rows, beams * classes))
        was_finished = batch_gather(state.finished, parents)
        more = b.cast(b.logical_not(was_finished), dtype=int64)
        new = BeamSearchDecoderState(
            cell_state=nest.map_structure(lambda x: self._sorted(x, parents), cell_state),
            log_probs=batch_gather(flat, places),
            finished=b.logical_or(was_finished, b.equal(ids, b.cast(self._end_token, dtype=int32))),
            lengths=b.add(batch_gather(state.lengths, parents), more),
            accumulated_attention_probs=() if seen is None else self._sorted(seen, parents),
        )  # fmt: skip
        return BeamSearchDecoderOutput(best, ids, parents), new

    def _scores(self, totals: Tensor, lengths: Tensor, seen: Tensor | None) -> Tensor:
        """Log probabilities over the length penalty, with the coverage penalty."""
        b = builder(totals)
        scores = b.truediv(totals, _length_penalty(lengths, self._length_weight, totals))
        if seen is None:
            return scores
        covered = reduce_sum(b.log(b.minimum(seen, 1.0)), axis=2)
        return b.add(scores, b.mul(expand_dims(covered, 2), convert(self._coverage_weight)))

    def _accumulated(
        self, cell_state: Any, state: BeamSearchDecoderState, going: Tensor
    ) -> Tensor | None:
        """The attention that each step of the memory was paid so far."""
        weights = self._attention(cell_state)
        if weights is None:
            return None
        b = builder(weights)
        share = b.mul(weights, expand_dims(b.cast(going, dtype=weights.dtype), 2))
        return b.add(state.accumulated_attention_probs, share)

    def _attention(self, cell_state: Any) -> Tensor | None:
        """The attention weights ``[batch, beams, time]``, where the coverage penalty needs them."""
        weight = self._coverage_weight
        if isinstance(weight, int | float) and weight == 0:
            return None
        for part in cell_state if _is_plain_tuple(cell_state) else (cell_state,):
            if isinstance(part, AttentionWrapperState):
                several = isinstance(part.alignments, tuple)
                return add_n(part.alignments if several else [part.alignments])
        raise ValueError(
            "coverage_penalty_weight needs the attention of an AttentionWrapper: the state of the "
            f"cell is {type(cell_state).__name__}"
        )

    def finalize(
        self, outputs: Any, final_state: Any, sequence_lengths: Any
    ) -> tuple[FinalBeamSearchDecoderOutput, BeamSearchDecoderState]:
        """The sequences of the beams, read back from the last turn."""
        longest = reduce_max(final_state.lengths, axis=1)
        predicted = gather_tree(
            outputs.predicted_ids, outputs.parent_ids, longest, self._end_as_int32()
        )
        if self._reorder:
            in_order: Callable = lambda x: self._in_order(x, outputs.parent_ids, final_state)  # noqa: E731
            held = nest.map_structure(in_order, final_state.cell_state)
            final_state = final_state._replace(cell_state=held)
        return FinalBeamSearchDecoderOutput(predicted, outputs), final_state

    def _end_as_int32(self) -> Tensor:
        return builder(self._end_token).cast(self._end_token, dtype=int32)

    def _in_order(self, x: Any, parents: Tensor, state: BeamSearchDecoderState) -> Any:
        """The rows of an array that the sequences went through, stacked."""
        if not isinstance(x, TensorArray):
            return x
        return gather_tree_from_array(x.stack(), parents, state.lengths)


def _length_penalty(lengths: Tensor, weight: Any, like: Tensor) -> Tensor:
    """``((5 + length) / 6) ** weight``."""
    b = builder(like)
    if isinstance(weight, int | float) and weight == 0:
        return b.tensor(1.0, like=like)
    six = b.truediv(b.add(b.cast(lengths, dtype=like.dtype), 5.0), 6.0)
    return b.pow(six, convert(weight, like=like))


def _lowest(b: Any, dtype: Any) -> Tensor:
    return b.full((), float(np.finfo(dtype.numpy).min), dtype)


def _has_rows(x: Any) -> bool:
    """Whether this part of a state has a row for each beam: not a scalar, not a TensorArray."""
    return not isinstance(x, TensorArray) and bool(convert(x).type.rank)


def _is_plain_tuple(value: Any) -> bool:
    return isinstance(value, tuple) and not hasattr(value, "_fields")
