"""Softmax and losses.  Each is exact for large operands, and becomes one pass per row when fused.

They are replaced by reductions along one axis (``keepdims``) and elementwise ops between them
before fusion, so that a loss, its softmax and its gradient share one kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.ir.builder import composite
from graphc.ir.dtype import FLOATING
from graphc.ir.op import Elementwise, Kind, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import check_indices, check_range
from graphc.ops.running.precision import in_float32
from graphc.ops.shaping.shape import resolve_axis

ONE_HOT_LABELS = "for one-hot labels there is tf.nn.softmax_cross_entropy_with_logits"


def _check_floating(**operands: TensorType) -> None:
    for name, type in operands.items():
        if type.dtype not in FLOATING:
            raise DTypeMismatch(f"{name} must be floating, got {type}")


def _shifted(x: np.ndarray, axis: int) -> np.ndarray:
    return x - x.max(axis, keepdims=True, initial=-np.inf)


def _log_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = _shifted(x, axis)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def shift_and_log_sum(b: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """``x - max(x)`` and the logarithm of the sum of its exponentials along ``axis``, axes kept."""
    shifted = b.sub(x, b.reduce_max(x, axis=(axis,), keepdims=True))
    return shifted, b.log(b.reduce_sum(b.exp(shifted), axis=(axis,), keepdims=True))


class _AlongAxis(Op, abstract=True):
    """One floating operand; something along one axis, in the operand's shape."""

    operands = ("logits",)
    attributes = {"axis": -1}
    kind = Kind.EXPANDED

    def infer_type(self, logits: TensorType) -> TensorType:
        _check_floating(logits=logits)
        if logits.shape is not None:
            resolve_axis(self.axis, len(logits.shape), logits=logits)
        return logits

    samples = [
        Sample("float32[3, 4]"),
        Sample("float64[2, 3, 4]", axis=1),
        Sample("float64[5]", low=-900, high=900, gradient=False),
        Sample("float16[2, 3]"),
        Sample("float32[0, 3]"),
        Sample("float32[3, 1]"),
        Refuses("int32[2]", "logits must be floating, got int32[2]"),
        Refuses("float32[2]", "axis 1 is outside a tensor of rank 1", axis=1),
    ]


class Softmax(_AlongAxis):
    """``y = exp(x) / sum(exp(x))`` along ``axis``."""

    @in_float32
    def reference(self, logits: np.ndarray) -> np.ndarray:
        e = np.exp(_shifted(logits, self.axis))
        return e / e.sum(self.axis, keepdims=True)

    def expand(self, b: Any, logits: Any) -> Any:
        axis = self.axis % len(logits.type.shape)
        e = b.exp(b.sub(logits, b.reduce_max(logits, axis=(axis,), keepdims=True)))
        return b.mul(e, b.reciprocal(b.reduce_sum(e, axis=(axis,), keepdims=True)))

    def vjp(self, b: Any, ct: Any, y: Any, logits: Any) -> list:
        inner = b.reduce_sum(b.mul(ct, y), axis=(self.axis,), keepdims=True)
        return [b.mul(b.sub(ct, inner), y)]


class LogSoftmax(_AlongAxis):
    """``y = x - log(sum(exp(x)))`` along ``axis``."""

    @in_float32
    def reference(self, logits: np.ndarray) -> np.ndarray:
        return _log_softmax(logits, self.axis)

    def expand(self, b: Any, logits: Any) -> Any:
        axis = self.axis % len(logits.type.shape)
        shifted, log_sum = shift_and_log_sum(b, logits, axis)
        return b.sub(shifted, log_sum)

    def vjp(self, b: Any, ct: Any, y: Any, logits: Any) -> list:
        total = b.reduce_sum(ct, axis=(self.axis,), keepdims=True)
        return [b.sub(ct, b.mul(b.exp(y), total))]


class SoftmaxCrossEntropyWithLogits(Op):
    """``y = -sum(labels * log_softmax(logits))`` along the last axis.

    The gradient is exact for labels of any sum, so rows of zeros are rows without a loss.
    """

    operands = ("logits", "labels")
    kind = Kind.EXPANDED

    def infer_type(self, logits: TensorType, labels: TensorType) -> TensorType:
        _check_floating(logits=logits)
        dtype = same_dtype(logits=logits, labels=labels)
        if logits.shape is None or labels.shape is None:
            known = logits.shape or labels.shape
            return TensorType(dtype, known[:-1] if known else None)
        shape = _one_shape(logits, labels)
        return TensorType(dtype, shape[:-1])

    @in_float32
    def reference(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return -(labels * _log_softmax(logits, -1)).sum(-1)

    def expand(self, b: Any, logits: Any, labels: Any) -> Any:
        axis = len(logits.type.shape) - 1
        shifted, log_sum = shift_and_log_sum(b, logits, axis)
        return b.reduce_sum(b.mul(labels, b.sub(log_sum, shifted)), axis=(axis,))

    def vjp(self, b: Any, ct: Any, y: Any, logits: Any, labels: Any) -> list:
        ct = b.expand_dims(ct, axis=-1)
        mass = b.reduce_sum(labels, axis=(-1,), keepdims=True)
        slope = b.sub(b.mul(b.softmax(logits), mass), labels)
        return [b.mul(ct, slope), b.neg(b.mul(ct, b.log_softmax(logits)))]

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]", low=0, high=1),
        Sample("float64[2, 3, 4]", "float64[2, 3, 4]"),
        Sample("float16[2, 3]", "float16[2, 3]", low=0, high=1),
        Sample("float32[0, 3]", "float32[0, 3]"),
        Refuses("float32[2, 3]", "float32[2, 4]", "logits and labels must have one shape"),
        Refuses("int32[2, 3]", "int32[2, 3]", "logits must be floating, got int32[2, 3]"),
        Refuses("float32[]", "float32[]", "logits need an axis of classes"),
    ]


def _one_shape(logits: TensorType, labels: TensorType) -> tuple:
    if logits.rank != labels.rank:
        raise Mismatch("logits and labels must have one shape", logits=logits, labels=labels)
    if not logits.rank:
        raise Mismatch("logits need an axis of classes", logits=logits)
    met = [
        same_dim(p, q, f"axis {k}")
        for k, (p, q) in enumerate(zip(logits.shape or (), labels.shape or (), strict=True))
    ]
    if None in met:
        raise Mismatch("logits and labels must have one shape", logits=logits, labels=labels)
    return tuple(met)


class SparseSoftmaxCrossEntropyWithLogits(Op):
    """``y[i] = -log_softmax(logits)[i, labels[i]]``; a label outside the classes is an error."""

    operands = ("logits", "labels")
    kind = Kind.EXPANDED
    may_fail = True

    def infer_type(self, logits: TensorType, labels: TensorType) -> TensorType:
        _check_floating(logits=logits)
        check_indices(labels=labels)
        if logits.shape is None or labels.shape is None:
            known = logits.shape[:-1] if logits.shape else labels.shape
            return TensorType(logits.dtype, known)
        if not logits.shape:
            raise Mismatch("logits need an axis of classes", logits=logits)
        met = [
            same_dim(p, q, f"axis {k}")
            for k, (p, q) in enumerate(zip(logits.shape[:-1], labels.shape, strict=False))
        ]
        if len(labels.shape) != len(logits.shape) - 1 or None in met:
            raise Mismatch(
                "labels need one number per row of logits",
                hint=ONE_HOT_LABELS if labels.shape == logits.shape else None,
                logits=logits,
                labels=labels,
            )
        return TensorType(logits.dtype, tuple(d for d in met if d is not None))

    def reference(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        check_range(labels, logits.shape[-1], "labels")
        wide = logits.astype(np.float32) if logits.dtype == np.float16 else logits
        rows = np.take_along_axis(_log_softmax(wide, -1), labels[..., None].astype(np.int64), -1)
        return (-rows[..., 0]).astype(logits.dtype)

    def expand(self, b: Any, logits: Any, labels: Any) -> Any:
        axis = len(logits.type.shape) - 1
        shifted, log_sum = shift_and_log_sum(b, logits, axis)
        hit = _at_labels(b, logits, labels)
        chosen = b.where(hit, shifted, b.zeros_like(shifted))
        own = b.reduce_sum(chosen, axis=(axis,), keepdims=True)
        return b.squeeze(b.sub(log_sum, own), axis=(axis,))

    def vjp(self, b: Any, ct: Any, y: Any, logits: Any, labels: Any) -> list:
        probability = b.softmax(logits)
        hit = _at_labels(b, logits, labels)
        slope = b.where(hit, b.sub(probability, 1.0), probability)
        return [b.mul(b.expand_dims(ct, axis=-1), slope), None]

    samples = [
        Sample("float32[3, 4]", "int32[3]", values={1: [0, 3, 1]}),
        Sample("float64[2, 2, 3]", "int64[2, 2]", values={1: [[0, 1], [2, 2]]}),
        Sample("float64[3]", "int32[]", values={1: 2}),
        Sample("float16[2, 3]", "int32[2]", values={1: [0, 2]}),
        Sample("float32[0, 3]", "int32[0]"),
        Refuses("float32[3, 4]", "float32[3]", "labels must be int32 or int64, got float32[3]"),
        Refuses("float32[3, 4]", "int32[3, 4]", "labels need one number per row of logits"),
        Refuses("float32[3, 4]", "int32[2]", "labels need one number per row of logits"),
    ]


def _at_labels(b: Any, logits: Any, labels: Any) -> Any:
    """Where the last axis of ``logits`` is the row's label, as a mask; checks the labels."""
    classes = logits.type.shape[-1]
    return b.label_mask(labels, depth=classes)


class SigmoidCrossEntropyWithLogits(Elementwise):
    """``y = max(x, 0) - x * labels + log(1 + exp(-|x|))``: cross entropy of sigmoid(x)."""

    operands = ("logits", "labels")
    dtypes = FLOATING
    transcendental = True

    def infer_type(self, *types: TensorType) -> TensorType:
        result = super().infer_type(*types)
        logits, labels = types
        if None not in (logits.rank, labels.rank) and logits.rank != labels.rank:
            raise Mismatch("logits and labels must have one shape", logits=logits, labels=labels)
        return result

    @in_float32
    def reference(self, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
        smooth = np.log1p(np.exp(-np.abs(logits)))
        return np.maximum(logits, 0) - logits * labels + smooth

    def scalar(self, x: Any, labels: Any) -> str:
        return f"maximum({x}, {x.zero}) - {x} * {labels} + log1p(exp(neg(abs({x}))))"

    def vjp(self, b: Any, ct: Any, y: Any, logits: Any, labels: Any) -> list:
        slope = b.sub(b.sigmoid(logits), labels)
        return [b.mul(ct, slope), b.neg(b.mul(ct, logits))]

    samples = [
        Sample("float32[3, 4]", "float32[3, 4]"),
        Sample("float64[5]", "float64[5]", low=-50, high=50),
        Sample("float16[2, 3]", "float16[2, 3]"),
        Sample("float32[0]", "float32[0]"),
        Refuses("float32[3]", "float32[2, 3]", "logits and labels must have one shape"),
        Refuses("int32[3]", "int32[3]", "logits must be floating, got int32[3]"),
    ]


class L2Loss(Op):
    """``y = sum(x * x) / 2`` over all elements."""

    name = "l2_loss"
    operands = ("x",)
    kind = Kind.EXPANDED

    def infer_type(self, x: TensorType) -> TensorType:
        _check_floating(x=x)
        return TensorType(x.dtype, ())

    @in_float32
    def reference(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((x * x).sum() / x.dtype.type(2))

    def expand(self, b: Any, x: Any) -> Any:
        axes = tuple(range(len(x.type.shape)))
        square = b.mul(x, x)
        return b.mul(b.reduce_sum(square, axis=axes) if axes else square, 0.5)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any) -> list:
        return [b.mul(ct, x)]

    samples = [
        Sample("float32[3, 4]", tolerance=4),
        Sample("float64[]"),
        Sample("float16[4]", tolerance=4),
        Sample("float32[0]"),
        Refuses("int32[2]", "x must be floating, got int32[2]"),
    ]


@composite
def layer_norm(
    b: Any, x: Any, scale: Any = None, offset: Any = None, axis: int = -1, epsilon: float = 1e-12
) -> Any:
    """``x`` with mean 0 and variance 1 along ``axis``, times ``scale`` plus ``offset``."""
    mean = b.reduce_mean(x, axis=(axis,), keepdims=True)
    centred = b.sub(x, mean)
    variance = b.reduce_mean(b.mul(centred, centred), axis=(axis,), keepdims=True)
    y = b.mul(centred, b.rsqrt(b.add(variance, epsilon)))
    if scale is not None:
        y = b.mul(y, scale)
    return y if offset is None else b.add(y, offset)
