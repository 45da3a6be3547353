"""``tf.losses``: weighted means of errors, gathered in a collection."""

from __future__ import annotations

from typing import Any

from frontends.tf import nn
from frontends.tf.building import GraphKeys, add_to_collection, get_collection
from frontends.tf.forwards import alike
from frontends.tf.tensor import builder, convert
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor


class Reduction:
    """How a loss becomes one number."""

    NONE = "none"
    SUM = "weighted_sum"
    MEAN = "weighted_mean"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """``losses * weights``, reduced to one number (unless ``reduction`` is NONE) and collected."""
    if reduction not in Reduction.all():
        raise ValueError(f"reduction must be one of tf.losses.Reduction, got {reduction!r}")
    values = convert(losses)
    b = builder(values)
    with b.home.name_scope(scope or "weighted_loss"):
        weight = convert(weights, like=values)
        if weight.dtype is not values.dtype:
            weight = b.cast(weight, dtype=values.dtype)
        weighted = b.mul(values, weight)
        loss = _reduced(b, values, weight, weighted, reduction)
    if loss_collection:
        add_to_collection(loss_collection, loss)
    return loss


def _reduced(b: Any, values: Tensor, weight: Tensor, weighted: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = b.reduce_sum(weighted, axis=None)
    if reduction == Reduction.SUM:
        return total
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return b.div_no_nan(total, b.cast(b.size(values), dtype=values.dtype))
    spread = b.add(weight, b.zeros_like(values))
    if reduction == Reduction.MEAN:
        return b.div_no_nan(total, b.reduce_sum(spread, axis=None))
    present = b.cast(b.not_equal(spread, 0), dtype=values.dtype)
    return b.div_no_nan(total, b.reduce_sum(present, axis=None))


def _pair(labels: Any, predictions: Any) -> tuple[Any, Tensor, Tensor]:
    """A builder, the labels as floats, the predictions; their shapes must agree."""
    if labels is None or predictions is None:
        raise ValueError("labels and predictions must be given")
    x = convert(predictions)
    b = builder(x)
    if not x.dtype.is_floating:
        x = b.cast(x, dtype=float32)
    target = convert(labels, like=x)
    if target.dtype is not x.dtype:
        target = b.cast(target, dtype=x.dtype)
    x.shape.assert_is_compatible_with(target.shape)  # type: ignore[attr-defined]
    return b, target, x


def mean_squared_error(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``(predictions - labels) ** 2``; shapes must agree."""
    b, target, x = _pair(labels, predictions)
    return compute_weighted_loss(
        b.squared_difference(x, target),
        weights,
        scope or "mean_squared_error",
        loss_collection,
        reduction,
    )


def absolute_difference(
    labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``|predictions - labels|``."""
    b, target, x = _pair(labels, predictions)
    return compute_weighted_loss(
        b.abs(b.sub(x, target)), weights, scope or "absolute_difference", loss_collection, reduction
    )


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """``e*e/2`` where ``|e| <= delta``, ``delta * (|e| - delta/2)`` beyond (Huber, 1964)."""
    b, target, x = _pair(labels, predictions)
    error = b.abs(b.sub(x, target))
    near = b.minimum(error, float(delta))
    values = b.add(b.mul(b.square(near), 0.5), b.mul(b.sub(error, near), float(delta)))
    return compute_weighted_loss(values, weights, scope or "huber_loss", loss_collection, reduction)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None =
    None, loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``-labels * log(p + epsilon) - (1 - labels) * log(1 - p + epsilon)``."""
    b, target, p = _pair(labels, predictions)
    yes = b.mul(target, b.log(b.add(p, epsilon)))
    no = b.mul(b.sub(1.0, target), b.log(b.add(b.sub(1.0, p), epsilon)))
    return compute_weighted_loss(
        b.neg(b.add(yes, no)), weights, scope or "log_loss", loss_collection, reduction
    )


def hinge_loss(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean of ``max(0, 1 - (2 * labels - 1) * logits)``; labels are 0 or 1."""
    b, target, x = _pair(labels, logits)
    signs = b.sub(b.mul(target, 2.0), 1.0)
    values = b.relu(b.sub(1.0, b.mul(signs, x)))
    return compute_weighted_loss(values, weights, scope or "hinge_loss", loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Softmax cross entropy with labels [..., classes]; no gradient flows to the labels."""
    b, target, x = _pair(onehot_labels, logits)
    if label_smoothing:
        classes = (x.type.shape or (None,))[-1]
        share = b.truediv(float(label_smoothing), b.dim_value(dim=classes, dtype=x.dtype))
        target = b.add(b.mul(target, 1.0 - label_smoothing), share)
    values = nn.softmax_cross_entropy_with_logits_v2(labels=b.stop_gradient(target), logits=x)
    return compute_weighted_loss(
        values, weights, scope or "softmax_cross_entropy_loss", loss_collection, reduction
    )


def sparse_softmax_cross_entropy(
    labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str =
    Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """Softmax cross entropy with labels that are class numbers [...]."""
    scores, target = convert(logits), convert(labels)
    if target.type.rank is not None and target.type.rank == scores.type.rank:
        target = builder(target).squeeze(target, axis=(-1,))
    values = nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=scores)
    return compute_weighted_loss(
        values, weights, scope or "sparse_softmax_cross_entropy_loss", loss_collection, reduction
    )


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0,
    scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:  # fmt: skip
    """The mean sigmoid cross entropy."""
    b, target, x = _pair(multi_class_labels, logits)
    if label_smoothing:
        target = b.add(b.mul(target, 1.0 - label_smoothing), 0.5 * label_smoothing)
    values = nn.sigmoid_cross_entropy_with_logits(labels=target, logits=x)
    return compute_weighted_loss(
        values, weights, scope or "sigmoid_cross_entropy_loss", loss_collection, reduction
    )


def add_loss(loss: Any, loss_collection: str = GraphKeys.LOSSES) -> None:
    """Count a loss of your own among the losses."""
    if loss_collection:
        add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(
    scope: str | None = None, name: str = "total_regularization_loss"
) -> Tensor:
    """The sum of the regularization losses; 0 when there are none."""
    found = get_regularization_losses(scope)
    return builder(*found).add_n(*found, name=name) if found else convert(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses collected so far (in ``scope``)."""
    regularization = get_regularization_losses(scope) if add_regularization_losses else []
    found = get_losses(scope) + regularization
    if not found:
        raise ValueError("no losses were collected")
    tensors = alike(found)
    return builder(*tensors).add_n(*tensors, name=name)
