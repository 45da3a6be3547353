"""Helpers for training: a decoder is given the inputs of a known sequence, or now and then what it
made itself (scheduled sampling: Bengio et al., "Scheduled Sampling for Sequence Prediction with
Recurrent Neural Networks", 2015).

The longest sequence tells how many turns there are, so that :func:`dynamic_decode` scans the inputs
instead of asking after every turn.  Then ``given`` holds the rows that a turn is to read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from frontends.tf.contrib.seq2seq.helpers import Helper, drawn_classes, embedding_function
from frontends.tf.functions.arrays import concat, fill, where
from frontends.tf.functions.math import argmax, reduce_max
from frontends.tf.functions.random import random_uniform
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import checked_lengths, swapped, time_and_batch
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, int32
from graphc.ir.graph import Tensor


class TrainingHelper(Helper):
    """The inputs of each turn are those of a sequence, whatever the decoder makes.

    ``inputs`` is ``[batch, time, ...]`` (``[time, batch, ...]`` if ``time_major``) or a nest of
    those, ``sequence_length`` int32 ``[batch]``: a row is finished after so many turns.
    """

    reads_only = True  # whether the next inputs are what is read, and nothing else

    def __init__(
        self, inputs: Any, sequence_length: Any, time_major: bool = False, name: str | None = None
    ) -> None:
        with name_scope(name, "TrainingHelper"):
            self._inputs = inputs
            self._rows = [_by_time(inputs, time_major)]
            time, batch = time_and_batch(nest.flatten(self._rows[0]))
            self._sequence_length = checked_lengths(sequence_length, batch, time)
            self._batch_size = builder(self._sequence_length).size(
                self._sequence_length, dtype=int32
            )
            self._padded = nest.map_structure(_with_zeros, self._rows)
        self.given: Any = None

    @property
    def inputs(self) -> Any:
        return self._inputs

    @property
    def sequence_length(self) -> Tensor:
        return self._sequence_length

    @property
    def batch_size(self) -> Tensor:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        return int32

    def turns(self) -> Tensor:
        """The number of turns until every row is finished, an int32 scalar."""
        b = builder(self._sequence_length)
        lengths = b.concat(self._sequence_length, b.tensor([0], dtype=int32), axis=0)
        return reduce_max(lengths)

    def read(self, turns: Dim, ahead: bool) -> Any:
        """What each of the turns reads, or the turn after it, stacked."""
        rows = self._padded if ahead else self._rows

        def part(x: Tensor) -> Tensor:
            rest = x.type.dims[1:]
            begin = (int(ahead), *[0] * len(rest))
            return builder(x).slice(x, begin=begin, size=(turns, *rest))

        return nest.map_structure(part, rows)

    def _at(self, time: Any) -> Any:
        """The rows of one turn: zeros after the last."""
        if self.given is not None:
            return self.given
        b = builder(time)

        def row(x: Tensor) -> Tensor:
            last = b.dim_value(dim=x.type.dims[0], dtype=int32) - 1
            return builder(x).gather(x, b.minimum(time, last), axis=0)

        return nest.map_structure(row, self._padded)

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "TrainingHelperInitialize"):
            finished = builder(self._sequence_length).less_equal(self._sequence_length, 0)
            return finished, self._at(convert(0))[0]

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "TrainingHelperSample"):
            return argmax(outputs, axis=-1, output_type=int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "TrainingHelperNextInputs"):
            after = convert(time) + 1
            finished = builder(after).less_equal(self._sequence_length, after)
            return finished, self._at(after)[0], state


class ScheduledEmbeddingTrainingHelper(TrainingHelper):
    """With ``sampling_probability``, row by row, the next input is the embedding of a class drawn
    from the outputs, and else that of the sequence.  A sample of -1 says that none was drawn."""

    reads_only = False

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        embedding: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        scheduling_seed: int | None = None,
        name: str | None = None,
    ) -> None:
        with name_scope(name, "ScheduledEmbeddingSampling"):
            self._embedding = embedding_function(embedding)
            self._probability = _probability(sampling_probability)
            self._seed, self._scheduling_seed = seed, scheduling_seed
            super().__init__(inputs, sequence_length, time_major)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        with name_scope(name, "ScheduledEmbeddingTrainingHelperSample"):
            rows = outputs.type.dims[0]
            chosen = _chosen(self._probability, rows, self._scheduling_seed)
            return where(chosen, drawn_classes(outputs, self._seed), fill([rows], -1))

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledEmbeddingTrainingHelperNextInputs"):
            finished, read, state = super().next_inputs(time, outputs, state, sample_ids)
            b = builder(sample_ids)
            made = self._embedding(b.maximum(sample_ids, 0))
            return finished, where(b.greater_equal(sample_ids, 0), made, read), state


class ScheduledOutputTrainingHelper(TrainingHelper):
    """With ``sampling_probability``, row by row, the next input is made of the outputs
    (``next_inputs_fn(outputs)``, the outputs themselves without one), and else is that of the
    sequence.  ``auxiliary_inputs`` are joined to either.  A sample says whether a row's was made.
    """

    reads_only = False

    def __init__(
        self,
        inputs: Any,
        sequence_length: Any,
        sampling_probability: Any,
        time_major: bool = False,
        seed: int | None = None,
        next_inputs_fn: Callable | None = None,
        auxiliary_inputs: Any = None,
        name: str | None = None,
    ) -> None:
        with name_scope(name, "ScheduledOutputSampling"):
            self._probability = _probability(sampling_probability)
            self._seed, self._next_inputs_fn = seed, next_inputs_fn
            self._has_auxiliary = auxiliary_inputs is not None
            joined = inputs
            if self._has_auxiliary:
                joined = nest.map_structure(_joined, inputs, auxiliary_inputs)
            super().__init__(joined, sequence_length, time_major)
            if self._has_auxiliary:
                self._rows.append(_by_time(auxiliary_inputs, time_major))
                self._padded = nest.map_structure(_with_zeros, self._rows)

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        with name_scope(name, "ScheduledOutputTrainingHelperSample"):
            chosen = _chosen(self._probability, outputs.type.dims[0], self._seed)
            return builder(chosen).cast(chosen, dtype=int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "ScheduledOutputTrainingHelperNextInputs"):
            finished, read, state = super().next_inputs(time, outputs, state, sample_ids)
            chosen = builder(sample_ids).cast(sample_ids, dtype=bool_)
            made = self._next_inputs_fn(outputs) if self._next_inputs_fn else outputs
            if self._has_auxiliary:
                made = nest.map_structure(_joined, made, self._at(convert(time) + 1)[1])
            mixed = nest.map_structure(lambda one, two: where(chosen, one, two), made, read)
            return finished, mixed, state


def _by_time(inputs: Any, time_major: bool) -> Any:
    """A nest of inputs with time as the first axis."""
    xs = [convert(x) for x in nest.flatten(inputs)]
    return nest.pack_sequence_as(inputs, xs if time_major else [swapped(x) for x in xs])


def _with_zeros(x: Tensor) -> Tensor:
    """A turn of zeros more, which is read when every row is finished."""
    b = builder(x)
    return b.concat(x, b.full((1, *x.type.dims[1:]), 0, x.dtype), axis=0)


def _joined(one: Any, two: Any) -> Tensor:
    return concat([one, two], axis=-1)


def _probability(given: Any) -> Tensor:
    found = convert(given)
    if found.type.rank not in (0, 1):
        raise ValueError(
            f"sampling_probability must be either a scalar or a vector, got {found.type}"
        )
    return found


def _chosen(probability: Tensor, rows: Dim, seed: int | None) -> Tensor:
    """True with a probability, for each of the rows."""
    drawn = random_uniform([rows], dtype=probability.dtype, seed=seed)
    return builder(drawn).less(drawn, probability)
