"""Normalisation over the batch, the layer, an instance, or groups of channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from frontends.tf.contrib.arg_scope import add_arg_scope
from frontends.tf.contrib.framework import smart_constant_value
from frontends.tf.contrib.layers.shared import collected, layer_variable
from frontends.tf.functions.moments import weighted_moments
from frontends.tf.graph.building import GraphKeys, add_to_collections, control_dependencies
from frontends.tf.graph.tensor import as_scalar, builder, convert
from frontends.tf.networks import nn
from frontends.tf.train.assigned_averages import assign_moving_average
from frontends.tf.variables.initializers import Ones, Zeros
from frontends.tf.variables.scopes import variable_scope
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dims import Dim, product
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

_FUSED_EPSILON = 1.001e-5  # the least that TF1's fused kernel takes


def _sized(x: Tensor, axes: Sequence[int], what: str) -> list[int]:
    """The sizes of ``x`` along ``axes``, which must be known."""
    shape = x.type.shape
    sizes = [None if shape is None else shape[axis] for axis in axes]
    known = [size for size in sizes if isinstance(size, int)]
    if len(known) < len(sizes):
        raise ShapeError(
            f"{what} needs to know the sizes of its inputs along axis {', '.join(map(str, axes))}",
            rows=[("inputs", str(x.type), "")],
            site=here(),
        )
    return known


class _Parameters:
    """Makes the variables of one normalisation, of one shape."""

    def __init__(
        self, x: Tensor, shape: Sequence[int], collections: Any, trainable: bool,
        initializers: dict | None = None, regularizers: dict | None = None,
    ) -> None:  # fmt: skip
        self.shape, self.collections, self.trainable = list(shape), collections, trainable
        self.dtype = float32 if x.dtype.computed is not x.dtype else x.dtype
        self.initializers, self.regularizers = initializers or {}, regularizers or {}

    def made(self, name: str, initial: Any, trained: bool = True) -> Any:
        return layer_variable(
            name, self.shape, self.dtype, self.collections,
            initializer=self.initializers.get(name, initial),
            regularizer=self.regularizers.get(name), trainable=trained and self.trainable,
        )  # fmt: skip

    def offset_and_scale(self, center: bool, scale: bool) -> tuple[Any, Any]:
        beta = self.made("beta", Zeros()) if center else None
        return beta, self.made("gamma", Ones()) if scale else None


@add_arg_scope
def batch_norm(
    inputs: Any,
    decay: Any = 0.999,
    center: bool = True,
    scale: bool = False,
    epsilon: float = 0.001,
    activation_fn: Callable | None = None,
    param_initializers: dict | None = None,
    param_regularizers: dict | None = None,
    updates_collections: Any = GraphKeys.UPDATE_OPS,
    is_training: Any = True,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    batch_weights: Any = None,
    fused: bool | None = None,
    data_format: str = "NHWC",
    zero_debias_moving_mean: bool = False,
    scope: Any = None,
    renorm: bool = False,
    renorm_clipping: Any = None,
    renorm_decay: float = 0.99,
    adjustment: Callable | None = None,
) -> Tensor:
    """Normalise each channel by the batch's mean and variance (``is_training``) or by moving
    averages (Ioffe and Szegedy, 2015).

    The operations that move the averages join ``updates_collections``; None runs them before the
    result is computed.  The variables ``beta``, ``gamma`` (with ``scale``), ``moving_mean`` and
    ``moving_variance`` are in ``scope`` (default: ``BatchNorm``).

    >>> h = tf.contrib.layers.batch_norm(h, is_training=training, updates_collections=None)
    """
    if renorm or adjustment is not None:
        raise NotImplementedError("batch_norm(renorm=..., adjustment=...) is not provided")
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format is NHWC or NCHW, got {data_format!r}")
    x = convert(inputs)
    rank = x.type.rank
    if rank is None:
        raise ShapeError("batch_norm needs to know the rank of its inputs", site=here())
    axis = 1 if data_format == "NCHW" else rank - 1
    fused = fused is not False and rank in (2, 4) and batch_weights is None
    with variable_scope(scope, "BatchNorm", [x], reuse=reuse):
        make = _Parameters(x, _sized(x, [axis], "batch_norm"), variables_collections, trainable,
                           param_initializers, param_regularizers)  # fmt: skip
        beta, gamma = make.offset_and_scale(center, scale)
        held = make.made("moving_mean", Zeros(), False), make.made("moving_variance", Ones(), False)
        mean, variance, updates = _statistics(
            x, axis, held, is_training, batch_weights, fused, decay, zero_debias_moving_mean
        )
        if updates_collections is not None:
            for update in updates:
                add_to_collections(updates_collections, update)
            updates = []
        least = max(epsilon, _FUSED_EPSILON) if fused else epsilon
        with control_dependencies(updates):
            y = _normalized(x, axis, mean, variance, beta, gamma, least)
        return collected(y if activation_fn is None else activation_fn(y), outputs_collections)


def _statistics(
    x: Tensor, axis: int, held: tuple[Any, Any], is_training: Any, batch_weights: Any, fused: bool,
    decay: Any, zero_debias: bool,
) -> tuple[Tensor, Tensor, list[Tensor]]:  # fmt: skip
    """(mean, variance) to normalise with, and the operations that move the averages ``held``."""
    moving = convert(held[0]), convert(held[1])
    switch = smart_constant_value(is_training)
    if switch is False:
        return *moving, []
    mean, variance, new = _chosen(x, axis, moving, is_training, switch, batch_weights, fused)
    updates = [
        assign_moving_average(held[0], new[0], decay, zero_debias),
        assign_moving_average(held[1], new[1], decay, zero_debias=False),
    ]
    return mean, variance, updates


def _chosen(
    x: Tensor, axis: int, moving: tuple[Tensor, Tensor], is_training: Any, switch: bool | None,
    batch_weights: Any, fused: bool,
) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor]]:  # fmt: skip
    """(mean, variance) to normalise with, and what the averages move towards."""
    b = builder(x)
    rank = x.type.rank or 0
    others = tuple(k for k in range(rank) if k != axis)
    wide = x if x.dtype is moving[0].dtype else b.cast(x, dtype=moving[0].dtype)
    if batch_weights is not None:
        weights = convert(batch_weights, like=wide)
        weights = b.reshape(weights, shape=(weights.type.elements, *(1,) * (rank - 1)))
        mean, variance = weighted_moments(wide, list(others), weights)
    else:
        mean, variance = b.moments(wide, axis=others)
    new = mean, variance
    if fused:  # moves the average of the unbiased variance
        rows = product(x.type.dims[k] for k in others)
        count = b.dim_value(dim=rows, dtype=variance.dtype)
        new = mean, b.mul(variance, b.truediv(count, b.maximum(b.sub(count, 1.0), 1.0)))
    if switch is None:
        chosen = as_scalar(as_tensor(is_training))
        mean, variance = b.where(chosen, mean, moving[0]), b.where(chosen, variance, moving[1])
        new = b.where(chosen, new[0], moving[0]), b.where(chosen, new[1], moving[1])
    return mean, variance, new


def _normalized(
    x: Tensor, axis: int, mean: Tensor, variance: Tensor, beta: Any, gamma: Any, epsilon: float
) -> Tensor:
    b = builder(x)
    rank = x.type.rank or 0

    def spread(value: Any) -> Any:
        if value is None or axis == rank - 1:
            return value
        tensor = convert(value)
        shape: list[Dim] = [1] * rank
        shape[axis] = tensor.type.dims[0]
        return b.reshape(tensor, shape=tuple(shape))

    narrow = x.dtype is not mean.dtype
    wide = b.cast(x, dtype=mean.dtype) if narrow else x
    y = nn.batch_normalization(
        wide, spread(mean), spread(variance), spread(beta), spread(gamma), epsilon
    )
    return b.cast(y, dtype=x.dtype) if narrow else y


@add_arg_scope
def layer_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    activation_fn: Callable | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    begin_norm_axis: int = 1,
    begin_params_axis: int = -1,
    scope: Any = None,
) -> Tensor:
    """Normalise each row over the axes from ``begin_norm_axis`` on (Ba et al., 2016).

    ``beta`` and ``gamma`` have the sizes from ``begin_params_axis`` on.
    """
    x = convert(inputs)
    rank = x.type.rank
    if rank is None:
        raise ShapeError("layer_norm needs to know the rank of its inputs", site=here())
    first = begin_norm_axis % rank if begin_norm_axis < 0 else begin_norm_axis
    if first >= rank or begin_params_axis >= rank:
        raise ValueError(
            f"begin_norm_axis {first} and begin_params_axis {begin_params_axis} must be below the "
            f"rank {rank}"
        )
    with variable_scope(scope, "LayerNorm", [x], reuse=reuse):
        own = range(begin_params_axis % rank, rank)
        shape = _sized(x, list(own), "layer_norm")
        make = _Parameters(x, shape, variables_collections, trainable)
        beta, gamma = make.offset_and_scale(center, scale)
        mean, variance = nn.moments(x, list(range(first, rank)), keep_dims=True)
        epsilon = 1e-12 if x.dtype.computed is x.dtype else 1e-3
        y = nn.batch_normalization(x, mean, variance, _as(beta, x), _as(gamma, x), epsilon)
        return collected(y if activation_fn is None else activation_fn(y), outputs_collections)


def _as(value: Any, x: Tensor) -> Any:
    if value is None or value.dtype is x.dtype:
        return value
    return builder(x).cast(convert(value), dtype=x.dtype)


@add_arg_scope
def instance_norm(
    inputs: Any,
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Callable | None = None,
    param_initializers: dict | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    data_format: str = "NHWC",
    scope: Any = None,
) -> Tensor:
    """Normalise each channel of each example over the axes between (Ulyanov et al., 2016)."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format is NHWC or NCHW, got {data_format!r}")
    x = convert(inputs)
    rank = x.type.rank
    if rank is None:
        raise ShapeError("instance_norm needs to know the rank of its inputs", site=here())
    axis = 1 if data_format == "NCHW" else rank - 1
    with variable_scope(scope, "InstanceNorm", [x], reuse=reuse):
        make = _Parameters(x, _sized(x, [axis], "instance_norm"), variables_collections, trainable,
                           param_initializers)  # fmt: skip
        beta, gamma = make.offset_and_scale(center, scale)
        over = [k for k in range(1, rank) if k != axis]
        mean, variance = nn.moments(x, over, keep_dims=True)
        wide = [1 if k != axis else make.shape[0] for k in range(rank)]
        b = builder(x)
        offset, factor = (
            None if v is None else b.reshape(_as(convert(v), x), shape=tuple(wide))
            for v in (beta, gamma)
        )
        y = nn.batch_normalization(x, mean, variance, offset, factor, epsilon)
        return collected(y if activation_fn is None else activation_fn(y), outputs_collections)


@add_arg_scope
def group_norm(
    inputs: Any,
    groups: int = 32,
    channels_axis: int = -1,
    reduction_axes: Sequence[int] = (-3, -2),
    center: bool = True,
    scale: bool = True,
    epsilon: float = 1e-6,
    activation_fn: Callable | None = None,
    param_initializers: dict | None = None,
    reuse: Any = None,
    variables_collections: Any = None,
    outputs_collections: Any = None,
    trainable: bool = True,
    scope: Any = None,
    mean_close_to_zero: bool = False,
) -> Tensor:
    """Normalise each example over groups of channels and ``reduction_axes`` (Wu and He, 2018)."""
    x = convert(inputs)
    rank = x.type.rank
    if rank is None:
        raise ShapeError("group_norm needs to know the rank of its inputs", site=here())
    axis, over = channels_axis % rank, [a % rank for a in reduction_axes]
    if axis in over:
        raise ValueError(f"reduction_axes {list(reduction_axes)} hold the channels' axis")
    (channels,) = _sized(x, [axis], "group_norm")
    if groups > channels or channels % groups:
        raise ValueError(f"{channels} channels are no {groups} groups of one size")
    with variable_scope(scope, "GroupNorm", [x], reuse=reuse):
        make = _Parameters(x, [channels], variables_collections, trainable, param_initializers)
        beta, gamma = make.offset_and_scale(center, scale)
        b, shape = builder(x), x.type.dims
        grouped = (*shape[:axis], groups, channels // groups, *shape[axis + 1 :])
        parts = b.reshape(x, shape=grouped)
        axes = sorted([a if a < axis else a + 1 for a in over] + [axis + 1])
        if mean_close_to_zero:
            mean = b.reduce_mean(parts, axis=tuple(axes), keepdims=True)
            variance = b.sub(b.reduce_mean(b.square(parts), axis=tuple(axes), keepdims=True),
                             b.square(mean))  # fmt: skip
        else:
            mean, variance = nn.moments(parts, axes, keep_dims=True)
        wide = [1] * len(grouped)
        wide[axis : axis + 2] = groups, channels // groups
        offset, factor = (
            None if v is None else b.reshape(_as(convert(v), x), shape=tuple(wide))
            for v in (beta, gamma)
        )
        y = nn.batch_normalization(parts, mean, variance, offset, factor, epsilon)
        y = b.reshape(y, shape=shape)
        return collected(y if activation_fn is None else activation_fn(y), outputs_collections)
