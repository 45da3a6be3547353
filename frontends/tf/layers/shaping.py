"""``tf.layers.Dropout`` and ``tf.layers.Flatten``: layers without variables."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.shapes import TensorShape
from frontends.tf.graph.tensor import as_scalar, builder
from frontends.tf.layers.layer import InputSpec, Layer
from frontends.tf.layers.sliding import format_of
from frontends.tf.networks import nn
from graphc.ir import dims
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


class Dropout(Layer):
    """Zero a share ``rate`` of the inputs while training, and scale up the rest."""

    def __init__(
        self,
        rate: Any = 0.5,
        noise_shape: Any = None,
        seed: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs: Tensor, training: Any = False) -> Tensor:
        b = builder(inputs)
        condition = as_tensor(training)
        if condition is None:
            return self._dropped(inputs) if training else b.identity(inputs)
        return b.where(as_scalar(condition), self._dropped(inputs), inputs)

    def _dropped(self, inputs: Tensor) -> Tensor:
        return nn.dropout(inputs, rate=self.rate, noise_shape=self.noise_shape, seed=self.seed)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        return TensorShape(input_shape)


class Flatten(Layer):
    """All axes after the first as one.  With ``data_format="channels_first"`` the channels (axis 1)
    are moved last before, so that both formats give the same order."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = format_of(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Tensor) -> Tensor:
        b = builder(inputs)
        rank = inputs.type.rank or 0
        if self.data_format == "channels_first" and rank > 2:
            inputs = b.transpose(inputs, perm=(0, *range(2, rank), 1))
        sizes = tuple(inputs.type.shape or ())
        if len(sizes) == 1:
            return b.expand_dims(inputs, axis=1)
        return b.reshape(inputs, shape=(sizes[0], dims.product(sizes[1:])))

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        sizes = TensorShape(input_shape).as_list()
        if len(sizes) == 1:
            return TensorShape([*sizes, 1])
        rest = [size for size in sizes[1:] if size is not None]
        return TensorShape([sizes[0], dims.product(rest) if len(rest) == len(sizes) - 1 else None])


def dropout(
    inputs: Any, rate: Any = 0.5, noise_shape: Any = None, seed: int | None = None,
    training: Any = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """``inputs`` with a share ``rate`` zeroed and the rest scaled up, when ``training`` (a bool,
    or a bool tensor) says so."""
    return Dropout(rate, noise_shape, seed, name)(inputs, training=training)


def flatten(inputs: Any, name: str | None = None, data_format: str = "channels_last") -> Tensor:
    """[batch, a, b, ...] -> [batch, a * b * ...]."""
    return Flatten(data_format, name=name)(inputs)
