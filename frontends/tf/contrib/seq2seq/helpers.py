"""What a decoder is given turn by turn: helpers that sample from its outputs and make of the
samples its next inputs.

A helper says when a row is finished.  The functions here work in the body of the decoding loop:
``time`` is the number of the turn, ``outputs`` are ``[batch, size]``.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any

from frontends.tf.functions.arrays import fill, reshape
from frontends.tf.functions.arrays import shape as shape_of
from frontends.tf.functions.math import argmax
from frontends.tf.functions.random import multinomial
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.embedding import embedding_lookup
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import as_dtype, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


class Helper(abc.ABC):
    """What samples from a decoder's outputs and gives it its inputs."""

    @property
    @abc.abstractmethod
    def batch_size(self) -> Any:
        """The number of rows, an int32 scalar."""

    @property
    @abc.abstractmethod
    def sample_ids_shape(self) -> Any:
        """The shape of one row's sample."""

    @property
    @abc.abstractmethod
    def sample_ids_dtype(self) -> Any:
        """The dtype of samples."""

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        """Which rows are finished before the first turn, and the inputs of the first turn."""

    @abc.abstractmethod
    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        """The samples of a turn."""

    @abc.abstractmethod
    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        """Which rows are finished after this turn, the next inputs, and the next state."""


class CustomHelper(Helper):
    """A helper of three functions: ``initialize_fn()``, ``sample_fn(time, outputs, state)`` and
    ``next_inputs_fn(time, outputs, state, sample_ids)``; they are called by these names."""

    def __init__(
        self,
        initialize_fn: Callable,
        sample_fn: Callable,
        next_inputs_fn: Callable,
        sample_ids_shape: Any = None,
        sample_ids_dtype: Any = None,
    ) -> None:
        self._initialize_fn, self._sample_fn = initialize_fn, sample_fn
        self._next_inputs_fn = next_inputs_fn
        self._batch_size: Tensor | None = None
        self._shape = TensorShape([] if sample_ids_shape is None else sample_ids_shape)
        self._dtype = int32 if sample_ids_dtype is None else as_dtype(sample_ids_dtype)

    @property
    def batch_size(self) -> Tensor:
        if self._batch_size is None:
            raise ValueError("batch_size is known after initialize was called")
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._dtype

    def initialize(self, name: str | None = None) -> tuple[Any, Any]:
        with name_scope(name, "CustomHelperInitialize"):
            finished, inputs = self._initialize_fn()
            if self._batch_size is None:
                self._batch_size = builder(finished).size(convert(finished), dtype=int32)
        return finished, inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        with name_scope(name, "CustomHelperSample"):
            return self._sample_fn(time=time, outputs=outputs, state=state)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        with name_scope(name, "CustomHelperNextInputs"):
            return self._next_inputs_fn(
                time=time, outputs=outputs, state=state, sample_ids=sample_ids
            )


class GreedyEmbeddingHelper(Helper):
    """The most likely class of each row is embedded and given back, until it is ``end_token``.

    ``embedding`` is a function of ids, or the table ``[classes, size]``; ``start_tokens`` int32
    ``[batch]``.
    """

    def __init__(self, embedding: Any, start_tokens: Any, end_token: Any) -> None:
        self._embedding = embedding_function(embedding)
        self._start_tokens, self._end_token = convert(start_tokens, int32), convert(end_token)
        if self._start_tokens.type.rank != 1:
            raise ValueError(f"start_tokens must be a vector, got {self._start_tokens.type}")
        if self._end_token.type.rank != 0:
            raise ValueError(f"end_token must be a scalar, got {self._end_token.type}")
        self._batch_size = builder(self._start_tokens).size(self._start_tokens, dtype=int32)
        self._start_inputs = self._embedding(self._start_tokens)

    @property
    def batch_size(self) -> Tensor:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return TensorShape([])

    @property
    def sample_ids_dtype(self) -> Any:
        return int32

    def initialize(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        return fill([self._start_tokens.type.dims[0]], False), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        return argmax(_one_tensor(outputs), axis=-1, output_type=int32)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Tensor, Tensor, Any]:
        finished = builder(sample_ids).equal(sample_ids, self._end_token)
        return finished, self._embedding(sample_ids), state


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """As :class:`GreedyEmbeddingHelper`, with classes drawn with the probabilities
    ``softmax(outputs / softmax_temperature)``."""

    def __init__(
        self,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        softmax_temperature: Any = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding, start_tokens, end_token)
        self._temperature, self._seed = softmax_temperature, seed

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Tensor:
        logits = _one_tensor(outputs)
        if self._temperature is not None:
            logits = logits / self._temperature
        return drawn_classes(logits, self._seed)


class InferenceHelper(Helper):
    """A helper for samples of any kind: ``sample_fn(outputs)`` draws them, ``end_fn(sample_ids)``
    says which rows are finished, ``next_inputs_fn(sample_ids)`` makes the next inputs of them (they
    are the samples themselves without one)."""

    def __init__(
        self,
        sample_fn: Callable,
        sample_shape: Any,
        sample_dtype: Any,
        start_inputs: Any,
        end_fn: Callable,
        next_inputs_fn: Callable | None = None,
    ) -> None:
        self._sample_fn, self._end_fn, self._next_inputs_fn = sample_fn, end_fn, next_inputs_fn
        self._sample_shape, self._sample_dtype = TensorShape(sample_shape), as_dtype(sample_dtype)
        self._start_inputs = convert(start_inputs)
        self._batch_size = shape_of(self._start_inputs)[0]

    @property
    def batch_size(self) -> Tensor:
        return self._batch_size

    @property
    def sample_ids_shape(self) -> TensorShape:
        return self._sample_shape

    @property
    def sample_ids_dtype(self) -> Any:
        return self._sample_dtype

    def initialize(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        return fill([self._start_inputs.type.dims[0]], False), self._start_inputs

    def sample(self, time: Any, outputs: Any, state: Any, name: str | None = None) -> Any:
        return self._sample_fn(outputs)

    def next_inputs(
        self, time: Any, outputs: Any, state: Any, sample_ids: Any, name: str | None = None
    ) -> tuple[Any, Any, Any]:
        make = self._next_inputs_fn
        return self._end_fn(sample_ids), make(sample_ids) if make else sample_ids, state


def embedding_function(embedding: Any) -> Callable[[Any], Tensor]:
    """``embedding`` where it is a function of ids, else the look-up in that table."""
    if callable(embedding) and as_tensor(embedding) is None:
        return embedding
    return lambda ids: embedding_lookup(embedding, ids)


def drawn_classes(logits: Any, seed: int | None) -> Tensor:
    """One class per row, int32 ``[batch]``, drawn with the probabilities softmax(logits)."""
    return reshape(multinomial(logits, 1, seed=seed, output_dtype=int32), [-1])


def _one_tensor(outputs: Any) -> Tensor:
    tensor = as_tensor(outputs)
    if tensor is None:
        raise TypeError(f"Expected outputs to be a single Tensor, got: {type(outputs)}")
    if tensor.type.rank is not None and tensor.type.rank < 1:
        raise ShapeError("outputs are [batch, classes]", site=here())
    return tensor
