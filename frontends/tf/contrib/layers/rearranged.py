"""Pictures as sequences and back; where the features of pictures are."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.layers.shared import collected, layer_variable
from frontends.tf.graph.tensor import as_scalar, builder, convert, known_rank
from frontends.tf.networks import nn
from frontends.tf.variables.initializers import Ones
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, floordiv
from graphc.ir.dtype import DType, float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here


@add_arg_scope
def spatial_softmax(
    features: Any,
    temperature: Any = None,
    name: Any = None,
    variables_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
) -> Tensor:
    """Where each channel's features are: the mean place (row, column) under a softmax over the
    picture, from -1 to 1 (Finn et al., 2015).

    features: floating [batch, rows, columns, channels] -> [batch, 2 * channels].  Without
    ``temperature`` there is a variable of that name, 1 at first.
    """
    if data_format not in ("NHWC", "NCHW"):
        raise AttributeValueError(
            f"data_format must be NHWC or NCHW, got {data_format!r}", site=here()
        )
    x = convert(features)
    _of_pictures(x, "spatial_softmax")
    b = builder(x)
    with variable_scope(name, "spatial_softmax", [x]):
        if temperature is None:
            temperature = layer_variable(
                "temperature", [], float32, variables_collections, initializer=Ones(),
                trainable=trainable,
            )  # fmt: skip
        first = x if data_format == "NCHW" else b.transpose(x, perm=(0, 3, 1, 2))
        batch, channels, rows, columns = first.type.dims
        if not isinstance(channels, int):
            raise ShapeError(
                "spatial_softmax needs to know the channels of its features",
                rows=[("features", str(x.type), "")], site=here(),
            )  # fmt: skip
        cool = b.cast(as_scalar(temperature), dtype=x.dtype)
        flat = b.reshape(b.truediv(first, cool), shape=(batch, channels, rows * columns))
        share = b.reshape(nn.softmax(flat), shape=first.type.dims)
        down = _evenly(b, rows, (rows, 1), x.dtype)
        along = _evenly(b, columns, (1, columns), x.dtype)
        both = [b.reduce_sum(b.mul(share, place), axis=(2, 3)) for place in (down, along)]
        return b.reshape(b.pack(*both, axis=2), shape=(batch, channels * 2))


def _evenly(b: Builder, count: Dim, shape: tuple[Dim, Dim], dtype: DType) -> Tensor:
    """Places from -1 to 1; one alone is at -1."""
    if isinstance(count, int):
        return b.tensor(np.linspace(-1.0, 1.0, count).reshape(shape), dtype=dtype)
    place = b.axis_position(shape=shape, axis=0 if shape[1] == 1 else 1, dtype=dtype)
    gaps = b.maximum(b.dim_value(dim=count - 1, dtype=dtype), 1.0)
    return b.sub(b.truediv(b.mul(place, 2.0), gaps), 1.0)


def _of_pictures(x: Tensor, what: str) -> None:
    if known_rank(x, what) != 4:
        raise ShapeError(f"{what} needs pictures of 4 axes, got {x.type}", site=here())


@add_arg_scope
def images_to_sequence(
    inputs: Any, data_format: str = "NHWC", outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Every row of pictures as a sequence: [batch, rows, columns, channels] -> [columns, batch *
    rows, channels]."""
    if data_format not in ("NHWC", "NCHW"):
        raise AttributeValueError(
            f"data_format must be NHWC or NCHW, got {data_format!r}", site=here()
        )
    x = convert(inputs)
    _of_pictures(x, "images_to_sequence")
    b = builder(x)
    with b.home.name_scope(scope or "ImagesToSequence") as inner:
        last = b.transpose(x, perm=(0, 2, 3, 1)) if data_format == "NCHW" else x
        batch, rows, columns, channels = last.type.dims
        lines = b.reshape(last, shape=(batch * rows, columns, channels))
        return collected(b.transpose(lines, perm=(1, 0, 2)), outputs_collections, inner)


@add_arg_scope
def sequence_to_images(
    inputs: Any, height: int, output_data_format: str = "channels_last",
    outputs_collections: Any = None, scope: str | None = None,
) -> Tensor:  # fmt: skip
    """Sequences as the rows of pictures: [columns, batch * height, channels] -> [batch, height,
    columns, channels]."""
    x = convert(inputs)
    b = builder(x)
    if known_rank(x, "sequence_to_images") != 3:
        raise ShapeError(f"sequence_to_images needs 3 axes, got {x.type}", site=here())
    columns, lines, channels = x.type.dims
    if isinstance(lines, int) and (height < 1 or lines % height):
        raise ShapeError(f"{lines} lines are no pictures of {height} rows", site=here())
    with b.home.name_scope(scope or "SequenceToImages") as inner:
        apart = b.reshape(x, shape=(columns, floordiv(lines, height), height, channels))
        first = output_data_format == "channels_first"
        perm = (1, 3, 2, 0) if first else (1, 2, 0, 3)
        return collected(b.transpose(apart, perm=perm), outputs_collections, inner)
