"""``tf.contrib.seq2seq.BasicDecoder``: a cell, a helper that feeds it, a layer on its outputs."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from frontends.tf.contrib.seq2seq.decoding import Decoder
from frontends.tf.contrib.seq2seq.helpers import Helper
from frontends.tf.contrib.seq2seq.teaching import (
    ScheduledEmbeddingTrainingHelper,
    ScheduledOutputTrainingHelper,
    TrainingHelper,
)
from frontends.tf.graph.building import name_scope
from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import convert
from frontends.tf.layers.layer import Layer
from frontends.tf.platform import nest
from frontends.tf.rnn.networks import require_cell

BasicDecoderOutput = namedtuple("BasicDecoderOutput", ("rnn_output", "sample_id"))
BasicDecoderOutput.__doc__ = "What a cell gave in a turn (after the layer), and the sample of it."

_LESSONS = (TrainingHelper, ScheduledEmbeddingTrainingHelper, ScheduledOutputTrainingHelper)


class BasicDecoder(Decoder):
    """``cell`` from ``initial_state`` on, fed by ``helper``; ``output_layer``, a ``tf.layers``
    layer, is applied to its outputs before the helper samples from them.

    >>> decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, state, tf.layers.Dense(classes))
    """

    def __init__(
        self, cell: Any, helper: Helper, initial_state: Any, output_layer: Layer | None = None
    ) -> None:
        require_cell(cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper)}")
        if output_layer is not None and not isinstance(output_layer, Layer):
            raise TypeError(f"output_layer must be a Layer, received: {type(output_layer)}")
        self._cell, self._helper = cell, helper
        self._initial_state, self._output_layer = initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    @property
    def output_size(self) -> BasicDecoderOutput:
        return BasicDecoderOutput(self._output_size(), self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        dtype = convert(nest.flatten(self._initial_state)[0]).dtype
        size = self._output_size()
        nested = nest.is_nested(size) and not isinstance(size, TensorShape)
        dtypes = nest.map_structure(lambda _: dtype, size) if nested else dtype
        return BasicDecoderOutput(dtypes, self._helper.sample_ids_dtype)

    def _output_size(self) -> Any:
        size = self._cell.output_size
        if self._output_layer is None:
            return size

        def after(one: Any) -> TensorShape:
            rest = TensorShape(one if isinstance(one, TensorShape) else [one]).as_list()
            made = self._output_layer.compute_output_shape(TensorShape([None, *rest]))  # type: ignore[union-attr]
            return TensorShape(made.as_list()[1:])

        nested = nest.is_nested(size) and not isinstance(size, TensorShape)
        return nest.map_structure(after, size) if nested else after(size)

    @property
    def lesson(self) -> TrainingHelper | None:
        """The helper where what the turns read is known before the first."""
        own = type(self)
        ordinary = own.step is BasicDecoder.step and own.initialize is BasicDecoder.initialize
        return self._helper if ordinary and type(self._helper) in _LESSONS else None  # type: ignore[return-value]

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Which rows are finished, the first inputs, the initial state."""
        return (*self._helper.initialize(), self._initial_state)

    def step(
        self, time: Any, inputs: Any, state: Any, name: str | None = None
    ) -> tuple[Any, Any, Any, Any]:
        """One turn of the cell."""
        with name_scope(name, "BasicDecoderStep"):
            outputs, new = self._cell(inputs, state)
            if self._output_layer is not None:
                outputs = self._output_layer(outputs)
            samples = self._helper.sample(time=time, outputs=outputs, state=new)
            finished, after, new = self._helper.next_inputs(
                time=time, outputs=outputs, state=new, sample_ids=samples
            )
        return BasicDecoderOutput(outputs, samples), new, after, finished
