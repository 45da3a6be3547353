"""``tf.nn``: activations, softmax and cross entropies, dropout, normalisation, embedding."""

from __future__ import annotations

from math import tau as TAU
from typing import Any

from frontends.tf.functions.math import _one_of, axes_of
from frontends.tf.graph.tensor import builder, convert, known_rank, plain
from frontends.tf.names.forwards import FORWARDS, alike
from frontends.tf.platform.logging import warning
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import as_tensor
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim
from graphc.ops.reducing.reduction import resolve_axes


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("nn", name, __dir__)


def __dir__() -> list[str]:
    own = [
        n for n, v in globals().items() if callable(v) and getattr(v, "__module__", "") == __name__
    ]
    rows = [row.partition(".")[2] for row in FORWARDS if row.startswith("nn.")]
    return sorted({*own, *rows} - {"forward", "alike"})


# --- softmax and cross entropies -----------------------------------------------------------------


def softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``axis`` (default: the last), stably."""
    return _along("softmax", logits, axis, dim, name)


def log_softmax(
    logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None
) -> Tensor:
    """``x - log(sum(exp(x)))`` along ``axis`` (default: the last), stably."""
    return _along("log_softmax", logits, axis, dim, name)


def _along(op: str, logits: Any, axis: Any, dim: Any, name: str | None) -> Tensor:
    x = convert(logits)
    chosen = axes_of(_one_of(axis, dim, "axis", "dim"))
    return getattr(builder(x), op)(x, axis=-1 if chosen is None else chosen, name=name)


def _told_apart(what: str, first: Any, labels: Any, logits: Any, name: Any) -> tuple:
    """Labels, logits and name: as they are, or by position as the releases before 1.0 took them,
    logits first.  Releases after them refused that, so nothing else can be meant."""
    if first is None:
        return labels, logits, name
    if labels is None or not (logits is None or isinstance(logits, str)):
        raise ValueError(f"only call {what} with named arguments (labels=..., logits=..., ...)")
    site = here()
    warning(
        f"{what} takes its arguments by name; by position they are the logits, then the labels, as "
        f"before TF 1.0 "
        f"({site.describe() if site else what})"
    )
    return labels, first, logits if name is None else name


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, dim: int = -1,
    name: str | None = None, axis: int | None = None,
) -> Tensor:  # fmt: skip
    """``-sum(labels * log_softmax(logits))`` along the last axis; no gradient flows to the labels.

    labels, logits: [..., classes], floating, of one dtype -> [...].
    """
    labels, logits, name = _told_apart(
        "softmax_cross_entropy_with_logits", _sentinel, labels, logits, name
    )
    target = convert(labels, like=as_tensor(logits))
    b = builder(target)
    return softmax_cross_entropy_with_logits_v2(
        labels=b.stop_gradient(target), logits=logits, axis=dim if axis is None else axis, name=name
    )


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int | None = None, name: str | None = None,
    dim: int | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`softmax_cross_entropy_with_logits`, with a gradient to the labels too."""
    scores, target = alike([logits, labels])
    b = builder(scores, target)
    chosen = axes_of(_one_of(axis, dim, "axis", "dim"))
    if isinstance(chosen, int) and chosen != -1:
        rank = known_rank(scores, "cross entropy along an axis other than the last")
        order = (*(k for k in range(rank) if k != chosen % rank), chosen % rank)
        scores, target = (b.transpose(t, perm=order) for t in (scores, target))
    return b.softmax_cross_entropy_with_logits(scores, target, name=name)


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """``-log_softmax(logits)[label]`` for each row.

    labels: int32 or int64 [...], logits: floating [..., classes] -> [...].  A label outside the
    classes is an error when the graph runs.

    >>> losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)
    >>> loss = tf.reduce_mean(losses)
    """
    labels, logits, name = _told_apart(
        "sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits, name
    )
    scores, target = convert(logits), convert(labels)
    return builder(scores, target).sparse_softmax_cross_entropy_with_logits(
        scores, target, name=name
    )


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """``max(x, 0) - x * labels + log(1 + exp(-|x|))``, elementwise.

    labels, logits: floating, of one shape and dtype.
    """
    labels, logits, name = _told_apart(
        "sigmoid_cross_entropy_with_logits", _sentinel, labels, logits, name
    )
    scores, target = alike([logits, labels])
    return builder(scores, target).sigmoid_cross_entropy_with_logits(scores, target, name=name)


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None,
    targets: Any = None,
) -> Tensor:  # fmt: skip
    """Sigmoid cross entropy whose positive part counts ``pos_weight`` times.

    ``targets`` is the older name of ``labels``.
    """
    x, z = alike([logits, _one_of(labels, targets, "labels", "targets")])
    b = builder(x, z)
    weight = b.add(b.mul(b.sub(convert(pos_weight, like=x), 1.0), z), 1.0)
    return b.add(b.mul(b.sub(1.0, z), x), b.mul(weight, b.softplus(b.neg(x))), name=name)


# --- activations with parameters -----------------------------------------------------------------


def leaky_relu(features: Any, alpha: Any = 0.2, name: str | None = None) -> Tensor:
    """``x`` where positive, ``alpha * x`` elsewhere.  Integers become float32."""
    x = convert(features)
    b = builder(x)
    if x.dtype.is_integer:
        x = b.cast(x, dtype=float32)
    if as_tensor(alpha) is None:
        return b.leaky_relu(x, alpha=float(alpha), name=name)
    return b.maximum(x, b.mul(x, alpha), name=name)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """``relu(x)`` and ``relu(-x)`` joined along ``axis``: twice the channels."""
    x = convert(features)
    b = builder(x)
    return b.relu(b.concat(x, b.neg(x), axis=axis), name=name)


def lwta(features: Any, group_size: int, axis: int = -1, name: str | None = None) -> Tensor:
    """``x`` where it is the largest of its group of ``group_size`` along ``axis``, else 0: local
    winner takes all (Srivastava et al., 2013).  Not in TF1."""
    x = convert(features)
    b = builder(x)
    shape = x.type.shape or ()
    size = shape[axis] if shape else None
    if not isinstance(size, int):
        raise ShapeError("lwta needs to know the size of its axis", site=here())
    if size % group_size:
        raise ValueError(f"{size} features are no multiple of group_size {group_size}")
    at = axis % len(shape)
    with b.home.name_scope(name or "lwta") as scope:
        grouped = (*shape[:at], size // group_size, group_size, *shape[at + 1 :])
        groups = b.reshape(x, shape=grouped)
        wins = b.equal(groups, b.reduce_max(groups, axis=(at + 1,), keepdims=True))
        kept = b.where(wins, groups, b.zeros_like(groups))
        return b.reshape(kept, shape=shape, name=scope)


def log_poisson_loss(
    targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None
) -> Tensor:
    """``exp(log_input) - log_input * targets``, elementwise: minus the log-likelihood of Poisson
    counts, up to a constant.

    ``compute_full_loss`` adds Stirling's ``z log z - z + log(2 pi z) / 2`` where ``z`` (a target)
    is above 1.
    """
    c, z = alike([log_input, targets])
    b = builder(c, z)
    with b.home.name_scope(name or "log_poisson_loss") as scope:
        loss = b.sub(b.exp(c), b.mul(c, z))
        if compute_full_loss:
            inner = b.add(b.sub(b.mul(z, b.log(z)), z), b.mul(b.log(b.mul(z, TAU)), 0.5))
            few = b.logical_and(b.greater_equal(z, 0.0), b.less_equal(z, 1.0))
            loss = b.add(loss, b.where(few, b.zeros_like(z), inner))
        return b.identity(loss, name=scope)


# --- dropout -------------------------------------------------------------------------------------


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """``x`` with each element kept with probability ``keep_prob`` (and divided by it), else 0.

    ``rate`` = 1 - keep_prob is the other way to say it; either may be a tensor.  Elements share
    their fate along the axes where ``noise_shape`` is 1.
    """
    value = convert(x)
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout takes one of keep_prob and rate")
    if not value.dtype.is_floating:
        raise ValueError(f"dropout needs a floating tensor, got {value.type}")
    keep = keep_prob if rate is None else (1.0 - rate)
    if as_tensor(keep) is None:
        keep = float(keep)
        if not 0 < keep <= 1:
            raise AttributeValueError(
                f"keep_prob must be in (0, 1], got {keep:g}", subject="dropout", site=here()
            )
        if keep == 1:
            return value
    return _dropped(value, keep, noise_shape, seed, name or "dropout")


def _dropped(value: Tensor, keep: Any, noise_shape: Any, seed: int | None, name: str) -> Tensor:
    from frontends.tf.functions.random import random_state

    b = builder(value)
    with b.home.name_scope(name) as scope:
        state = random_state(b, seed, scope.rstrip("/"))
        return b.dropout(
            value, convert(keep, like=value), state, noise_shape=_noise_shape(value, noise_shape),
            name="mul",
        )  # fmt: skip


def _noise_shape(value: Tensor, noise_shape: Any) -> tuple | None:
    if noise_shape is None:
        return None
    given = plain(noise_shape)
    if isinstance(given, list | tuple):
        given = [-1 if d is None else d for d in given]
    sizes = builder(value).shape_argument(given)
    shape = value.type.shape or sizes
    return tuple(n if d == -1 else d for d, n in zip(sizes, shape, strict=True))


# --- sums of products ----------------------------------------------------------------------------


def bias_add(
    value: Any, bias: Any, data_format: str | None = None, name: str | None = None
) -> Tensor:
    """``value + bias`` with ``bias`` (a vector) along the channels: the last axis, or axis 1 where
    ``data_format`` begins with "NC"."""
    x, offset = alike([value, bias])
    first = (data_format or "").startswith("NC")
    if data_format and not first and not (data_format[0] == "N" and data_format[-1] == "C"):
        raise AttributeValueError(
            f"data_format must be N...C or NC..., got {data_format!r}", site=here()
        )
    if offset.type.rank not in (None, 1):
        raise _of_bias(f"bias must be a vector, got {offset.type}", name)
    b = builder(x, offset)
    if x.type.shape is not None:
        if len(x.type.shape) < 2:
            raise _of_bias(f"value must have 2 axes or more, got {x.type}", name)
        channels = x.type.shape[1 if first else -1]
        if offset.type.shape and same_dim(channels, offset.type.shape[0], "channels") is None:
            raise _of_bias(f"value {x.type} and bias {offset.type} differ in channels", name)
    if first:
        ones_after = (1,) * (known_rank(x, "bias_add along axis 1") - 2)
        offset = b.reshape(offset, shape=(offset.type.elements, *ones_after))
    return b.add(x, offset, name=name or "BiasAdd")


def _of_bias(fact: str, name: str | None) -> ShapeError:
    return ShapeError(fact, subject=f"bias_add {name or 'BiasAdd'!r}", site=here())


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``x @ weights + biases``: [n, k], [k, m], [m] -> [n, m]."""
    left, right = alike([x, weights])
    b = builder(left, right)
    with b.home.name_scope(name or "xw_plus_b"):
        return bias_add(b.matmul(left, right), biases)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """``relu(x @ weights + biases)``."""
    product = xw_plus_b(x, weights, biases, name or "relu_layer")
    return builder(product).relu(product)


# --- moments, normalisation ----------------------------------------------------------------------


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: bool | None = None,
    keepdims: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(mean, variance) of ``x`` over ``axes``."""
    value = convert(x)
    keep = bool(_one_of(keepdims, keep_dims, "keepdims", "keep_dims"))
    chosen = axes_of(axes)
    axis = (chosen,) if isinstance(chosen, int) else chosen
    b = builder(value)
    with b.home.name_scope(name or "moments"):
        if value.dtype.is_floating:
            return b.moments(value, axis=axis, keepdims=keep)
        mean = b.reduce_mean(value, axis=axis, keepdims=True, name="mean")
        far = b.squared_difference(value, b.stop_gradient(mean))
        variance = b.reduce_mean(far, axis=axis, keepdims=keep, name="variance")
        if not keep:
            dropped = resolve_axes(axis, value.type)
            mean = b.squeeze(mean, axis=dropped) if dropped else mean
        return mean, variance


def batch_normalization(
    x: Any, mean: Any, variance: Any, offset: Any, scale: Any, variance_epsilon: float,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset``; scale and offset may be None."""
    value = convert(x)
    with builder(value).home.name_scope(name or "batchnorm"):
        inverse = builder(value).rsqrt(convert(variance, like=value) + variance_epsilon)
        if scale is not None:
            inverse = inverse * convert(scale, like=value)
        product = value * inverse
        middle = convert(mean, like=value) * inverse
        return product + (-middle if offset is None else convert(offset, like=value) - middle)


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """``sum(t * t) / 2``."""
    x = convert(t)
    return builder(x).l2_loss(x, name=name)


def l2_normalize(
    x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None
) -> Tensor:
    """``x`` divided by its L2 norm over ``axis``, which counts as at least sqrt(epsilon)."""
    value = convert(x)
    b = builder(value)
    axes = axes_of(_one_of(axis, dim, "axis", "dim"))
    size = b.abs(value) if value.dtype.is_complex else value
    squares = b.reduce_sum(b.square(size), axis=axes, keepdims=True)
    inverse = b.rsqrt(b.maximum(squares, epsilon))
    if value.dtype.is_complex:
        inverse = b.cast(inverse, dtype=value.dtype)
    return b.mul(value, inverse, name=name)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are zero."""
    x = convert(value)
    b = builder(x)
    return b.reduce_mean(b.cast(b.equal(x, 0), dtype=float32), axis=None, name=name)


# --- looking up ----------------------------------------------------------------------------------
