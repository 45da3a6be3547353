"""``tf.nn``'s normalisations as one op: the fused batch norm and the local response norm."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.moving import pad
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.networks.nn import batch_normalization
from graphc.errors import ShapeError
from graphc.ir.dims import Dim, product
from graphc.ir.graph import Tensor
from graphc.ir.source import here

_LEAST_EPSILON = 1.001e-5  # of TF1's kernel
_LAST, _SECOND = ("NHWC", "NDHWC"), ("NCHW", "NCDHW")


def fused_batch_norm(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any = None,
    variance: Any = None,
    epsilon: float = 0.001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
    exponential_avg_factor: float = 1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """(``x`` normalised per channel, mean, variance).

    x: floating [batch, rows, columns, channels] or, for NCHW, [batch, channels, rows, columns];
    the others: float32 [channels] (float64 for float64).  Training normalises by the batch's own
    mean and variance and gives these, the variance unbiased; else by the ``mean`` and ``variance``
    given, which it gives back.  No gradient flows through the last two results.
    """
    if data_format not in _LAST + _SECOND:
        raise ValueError(f"data_format is one of {', '.join(_LAST + _SECOND)}, got {data_format!r}")
    value = convert(x)
    if value.type.rank not in (None, len(data_format)):
        raise ShapeError(
            f"fused_batch_norm of {data_format} needs {len(data_format)} axes, got {value.type}",
            site=here(),
        )
    given = mean is not None, variance is not None
    if not is_training and not all(given):
        raise ValueError("fused_batch_norm needs mean and variance unless is_training")
    b = builder(value)
    axis = 1 if data_format in _SECOND else len(data_format) - 1
    with b.home.name_scope(name or "FusedBatchNorm"):
        gamma = convert(scale)
        wide = value if value.dtype is gamma.dtype else b.cast(value, dtype=gamma.dtype)
        if is_training:
            center, spread, moved = _of_batch(wide, axis)
            if all(given) and exponential_avg_factor != 1.0:
                share = exponential_avg_factor
                moved = tuple(
                    b.add(b.mul(convert(old, like=wide), 1.0 - share), b.mul(new, share))
                    for old, new in zip((mean, variance), moved, strict=True)
                )
        else:
            center, spread = (convert(v, like=wide) for v in (mean, variance))
            moved = center, spread
        columns = [
            _column(v, axis, len(data_format)) for v in (center, spread, convert(offset), gamma)
        ]
        y = batch_normalization(
            wide, columns[0], columns[1], columns[2], columns[3], max(epsilon, _LEAST_EPSILON)
        )
        narrow = y if y.dtype is value.dtype else b.cast(y, dtype=value.dtype)
        return narrow, b.stop_gradient(moved[0]), b.stop_gradient(moved[1])


def _of_batch(x: Tensor, axis: int) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:
    """Mean and variance per channel; and what a moving average is given."""
    b = builder(x)
    others = tuple(k for k in range(x.type.rank or 4) if k != axis)
    mean, variance = b.moments(x, axis=others)
    count = b.dim_value(dim=product(x.type.dims[k] for k in others), dtype=x.dtype)
    unbiased = b.mul(variance, b.truediv(count, b.maximum(b.sub(count, 1.0), 1.0)))
    return mean, variance, (mean, unbiased)


def _column(value: Tensor, axis: int, rank: int) -> Tensor:
    if axis == rank - 1:
        return value
    shape: list[Dim] = [1] * rank
    shape[axis] = value.type.dims[0]
    return builder(value).reshape(value, shape=tuple(shape))


def lrn(
    input: Any,
    depth_radius: int = 5,
    bias: float = 1,
    alpha: float = 1,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """``x / (bias + alpha * s) ** beta``, where s is the sum of squares of the channels within
    ``depth_radius`` (Krizhevsky et al., 2012).

    input: floating [batch, rows, columns, channels].
    """
    x = convert(input)
    if x.type.rank not in (None, 4):
        raise ShapeError(f"local_response_normalization needs 4 axes, got {x.type}", site=here())
    b = builder(x)
    channels = x.type.dims[3]
    radius = min(depth_radius, channels) if isinstance(channels, int) else depth_radius
    with b.home.name_scope(name or "LRN") as title:
        squares = pad(b.square(x), [[0, 0], [0, 0], [0, 0], [radius, radius]])
        total: Tensor | None = None
        for first in range(2 * radius + 1):
            last = first - 2 * radius
            part = squares[:, :, :, first : last or None]
            total = part if total is None else b.add(total, part)
        assert total is not None
        scale = b.add(b.mul(total, float(alpha)), float(bias))
        return b.mul(x, b.pow(scale, b.tensor(-float(beta), like=x)), name=title)


def scale_regularization_loss(regularization_loss: Any) -> Tensor:
    """The sum of a regularization loss, for one replica."""
    loss = convert(regularization_loss)
    return builder(loss).reduce_sum(loss, axis=None)


def compute_average_loss(
    per_example_loss: Any, sample_weight: Any = None, global_batch_size: Any = None
) -> Tensor:
    """The sum of the losses (times ``sample_weight``) over the batch size (default: their
    number)."""
    losses = convert(per_example_loss)
    b = builder(losses)
    size = losses.type.dims[0] if global_batch_size is None else global_batch_size
    if sample_weight is not None:
        losses = b.mul(losses, convert(sample_weight, like=losses))
    count = size if global_batch_size is not None else b.dim_value(dim=size, dtype=losses.dtype)
    total = b.reduce_sum(losses, axis=None)
    if global_batch_size is not None:
        count = b.cast(convert(size), dtype=losses.dtype)
    return b.truediv(total, count)
