"""Losses with weights of every shape, cross entropies of every rank, moments and normalisations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case, Held

WEIGHTS = ([2.0, 0.0, 1.0], [[1.0], [0.0], [0.5]], [[1.0, 0.0]], [[[1.0]]], 0.0, [[0, 1]])


def cases() -> Iterator[Case]:
    yield from _weighted()
    yield from _others()
    yield from _cross_entropies()
    yield from _layers()
    yield from _normalised()
    yield from _held()


def _weighted() -> Iterator[Case]:
    labels, guesses = fed(reals(3, 2, low=0, high=1)), fed(reals(3, 2, low=0.1, high=0.9, seed=4))
    for name in ("absolute_difference", "mean_pairwise_squared_error", "log_loss", "hinge_loss"):
        for weights in WEIGHTS:
            yield Case(f"losses.{name}", (labels, guesses, fed(np.float32(weights))))
    for weights in WEIGHTS:
        yield Case("losses.compute_weighted_loss", (guesses, weights))
        yield Case("losses.huber_loss", (labels, guesses, weights), {"delta": 0.2})
    one = fed(reals(3, low=0, high=1)), fed(reals(3, low=0.1, high=0.9, seed=4))
    for weights in ([1.0, 2.0, 0.0], [[1.0], [2.0], [0.0]], 3.0):
        yield Case("losses.mean_squared_error", (*one, fed(np.float32(weights))))
        yield Case("losses.mean_pairwise_squared_error", (*one, fed(np.float32(weights))))
    wide = fed(reals(3, 2, dtype="float64")), fed(reals(3, 2, dtype="float64", seed=2))
    for name in ("mean_squared_error", "absolute_difference", "cosine_distance", "hinge_loss"):
        more: dict[str, Any] = {"axis": 1} if name == "cosine_distance" else {}
        yield Case(f"losses.{name}", wide, more, tolerance=2e-6)
        yield Case(f"losses.{name}", (fed(whole(3, 2)), fed(whole(3, 2, seed=1))), more)
    yield Case("losses.mean_squared_error", (labels, fed(reals(3, 1))))
    yield Case("losses.mean_squared_error", (labels, None))
    yield Case("losses.mean_squared_error", (labels, guesses), {"reduction": "mean"})
    yield Case("losses.mean_squared_error", (labels, fed(reals(3, 2), [None, None])))
    empty = fed(np.zeros((0, 2), np.float32)), fed(np.zeros((0, 2), np.float32))
    for reduction in ("weighted_sum", "weighted_mean", "weighted_sum_over_batch_size",
                      "weighted_sum_by_nonzero_weights"):  # fmt: skip
        yield Case("losses.mean_squared_error", empty, {"reduction": reduction})


def _others() -> Iterator[Case]:
    three = fed(reals(2, 3, 2)), fed(reals(2, 3, 2, seed=5))
    yield Case("losses.mean_pairwise_squared_error", three)
    yield Case("losses.mean_pairwise_squared_error", (*three, fed(np.float32([[[2]], [[0]]]))))
    for axis in (0, 1, -1, 2):
        yield Case("losses.cosine_distance", three, {"axis": axis})
    yield Case("losses.cosine_distance", three, {"axis": 1, "reduction": "none"})
    yield Case("losses.cosine_distance", three)
    yield Case("losses.log_loss", (fed(np.float32([0, 1])), fed(np.float32([0, 0.5]))))
    yield Case("losses.hinge_loss", (fed(truths(3, 2)), fed(reals(3, 2))))
    yield Case("losses.huber_loss", three, {"delta": 2.0, "reduction": "weighted_sum"})


def _cross_entropies() -> Iterator[Case]:
    for shape in ((4, 3), (2, 2, 3)):
        scores = fed(reals(*shape))
        for axis in (0, 1, -1):
            mass = reals(*shape, low=0, high=1, seed=1)
            targets = fed(mass / mass.sum(axis, keepdims=True))
            yield Case("nn.softmax_cross_entropy_with_logits_v2", (), {
                "labels": targets, "logits": scores, "axis": axis})  # fmt: skip
            yield Case("nn.softmax_cross_entropy_with_logits", (), {
                "labels": targets, "logits": scores, "dim": axis})  # fmt: skip
            yield Case("nn.softmax", (scores,), {"dim": axis})
            yield Case("nn.log_softmax", (scores, axis))
        classes = fed(whole(*shape[:-1], low=0, high=3, dtype="int64"))
        yield Case("nn.sparse_softmax_cross_entropy_with_logits", (), {
            "labels": classes, "logits": scores})  # fmt: skip
        yield Case("nn.sparse_softmax_cross_entropy_with_logits", (), {
            "labels": fed(whole(*shape, low=0, high=3)), "logits": scores})  # fmt: skip
        yield Case("losses.sparse_softmax_cross_entropy", (classes, scores))
        yield Case("losses.sparse_softmax_cross_entropy", (classes, scores), {"weights": 0.3})
    labels, scores = whole(4, 1, low=0, high=3), fed(reals(4, 3))
    for weights in ([1, 0, 2, 1], [[1], [0], [2], [1]]):
        for given in (labels, labels[:, 0]):
            yield Case("losses.sparse_softmax_cross_entropy", (fed(given), scores),
                       {"weights": fed(np.float32(weights))})  # fmt: skip
    yield Case("nn.softmax", (fed(reals(3)),))
    yield Case("nn.softmax", (fed(np.zeros((0, 3), np.float32)),))
    yield Case("nn.softmax", (fed(reals(2, 3)), 2))
    yield Case("nn.softmax", (fed(reals(2, 3), [None, None]), 1))
    onehot = np.eye(3, dtype=np.int32)[[0, 2, 1, 1]]
    for smoothing in (0, 0.2):
        for weights in (1.0, [1.0, 0.0, 2.0, 1.0]):
            options = {"label_smoothing": smoothing, "weights": weights}
            yield Case("losses.softmax_cross_entropy", (fed(onehot), scores), options)
            options = {"label_smoothing": smoothing}
            if weights == 1.0:
                yield Case("losses.sigmoid_cross_entropy", (fed(onehot), scores), options)
    far = fed(reals(2, 3, low=0, high=1)), fed(reals(2, 3, low=-30, high=30))
    for scale in (0.5, fed(np.float32([0.5, 1, 2]))):
        yield Case("nn.weighted_cross_entropy_with_logits", (*far, scale))


def _layers() -> Iterator[Case]:
    x, w, b = fed(reals(3, 4)), fed(reals(4, 2)), fed(reals(2))
    yield Case("nn.xw_plus_b", (x, w, b))
    yield Case("nn.relu_layer", (x, w, b))
    yield Case("nn.xw_plus_b", (x, w, fed(reals(3))))
    for axis in (-1, 0, 1):
        yield Case("nn.crelu", (x,), {"axis": axis})
    for dtype in ("float32", "float64", "int32"):
        values = np.array([[0, 1, 0], [2, 0, 0]], dtype)
        yield Case("nn.zero_fraction", (fed(values),), gradients=False)
    yield Case("nn.zero_fraction", (fed(np.zeros((0,), np.float32)),), gradients=False)
    yield Case("nn.dropout", (x,), {"keep_prob": 1.0})
    yield Case("nn.dropout", (x,), {"rate": 0.0})
    for wrong in ({"keep_prob": 0.0}, {"keep_prob": 1.5}, {"rate": 1.5}, {"rate": -0.5}, {}):
        yield Case("nn.dropout", (x,), wrong)
    yield Case("nn.dropout", (fed(whole(3)),), {"keep_prob": 0.5})
    for form in ("NHWC", "NCHW"):
        yield Case("nn.bias_add", (fed(reals(2, 4, 3, 4)), fed(reals(4)), form))


def _normalised() -> Iterator[Case]:
    x = fed(reals(2, 3, 4))
    for axes in ([0], [1, 2], [-1], [0, 1, 2], 1, []):
        yield Case("nn.moments", (x, axes))
        yield Case("nn.moments", (x, axes), {"keep_dims": True})
        if axes != []:
            yield Case("nn.l2_normalize", (x, axes))
    yield Case("nn.l2_normalize", (x, 0), {"epsilon": 3.0})
    yield Case("nn.l2_normalize", (x,), {"dim": [0, 2]})
    yield Case("nn.l2_normalize", (fed(np.zeros((2, 2), np.float32)), 1))
    yield Case("nn.moments", (x, [0]), {"shift": fed(reals(1, 3, 4))})
    yield Case("nn.moments", (fed(reals(2, 3, dtype="float16")), [0]))
    yield Case("nn.moments", (fed(np.zeros((0, 3), np.float32)), [0]))
    yield Case("nn.moments", (fed(reals(2, 3), [None, 3]), [0]))
    weights = fed(np.float32([[1.0], [0.0], [2.0]]))
    for keep in (False, True):
        yield Case("nn.weighted_moments", (x, [0, 1], weights), {"keep_dims": keep})
    yield Case("nn.weighted_moments", (x, [2], fed(np.int32([[1], [2], [3]]))))
    shift = fed(reals(4, seed=3))
    for keep in (False, True):
        yield Case("nn.sufficient_statistics", (x, [0, 1], shift, keep))
        yield Case("nn.sufficient_statistics", (x, [-1]), {"keep_dims": keep})
    yield Case("nn.normalize_moments", (4.0, fed(reals(4)), fed(reals(4, low=9, high=10)), shift))
    yield from _batches()


def _batches() -> Iterator[Case]:
    more = [fed(reals(4, seed=k, low=0.2, high=2)) for k in range(4)]
    for shape in ((1, 2, 2, 4), (3, 1, 1, 4)):
        image = fed(reals(*shape))
        for epsilon in (1e-6, 0.1):
            yield Case("nn.fused_batch_norm", (image, *more[:2]), {"epsilon": epsilon},
                       gradients=epsilon > 0.01, tolerance=2e-4)  # fmt: skip
    half = fed(reals(2, 2, 2, 4, dtype="float16"))
    yield Case("nn.fused_batch_norm", (half, *more[:2]), gradients=False, tolerance=4e-3)
    image = fed(reals(2, 3, 2, 4))
    yield Case("nn.fused_batch_norm", (image, *more), {"is_training": True})
    yield Case("nn.fused_batch_norm", (image, *more[:2]), {"is_training": False})
    yield Case("nn.fused_batch_norm", (image, *more[:2]), {"data_format": "NWC"})
    for scaled in (True, False):
        yield Case("nn.batch_norm_with_global_normalization", (image, *more, 1e-3, scaled))
    for radius in (0, 2, 5, 9):
        yield Case("nn.lrn", (image, radius, 1.5, 0.3, 0.75))
    yield Case("nn.lrn", (image,))
    yield Case("nn.lrn", (fed(reals(2, 3, 4)),))
    yield Case("nn.lrn", (half, 1), gradients=False)


def _held() -> Iterator[Case]:
    table = Held(reals(5, 2))
    yield Case("nn.l2_normalize", (table, 1))
    yield Case("nn.xw_plus_b", (fed(reals(3, 5)), table, fed(reals(2))))
    yield Case("losses.mean_squared_error", (fed(reals(5, 2, seed=1)), table))
    yield Case("nn.moments", (table, [0]))
