"""Losses, softmax and its relatives, normalisation, embedding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case

LOSSES = ("mean_squared_error", "absolute_difference", "huber_loss", "mean_pairwise_squared_error")
REDUCTIONS = ("none", "weighted_sum", "weighted_mean", "weighted_sum_over_batch_size",
              "weighted_sum_by_nonzero_weights", "weighted_sum_over_nonzero_weights")  # fmt: skip
TARGETS = np.float32([[0, 1, 0], [1, 0, 0], [0.2, 0.3, 0.5], [0, 0, 1]])


def cases() -> Iterator[Case]:
    yield from _softmax()
    yield from _losses()
    yield from _normalised()


def _softmax() -> Iterator[Case]:
    x = fed(reals(4, 3))
    for name in ("nn.softmax", "nn.log_softmax"):
        for axis in (-1, 0, None):
            yield Case(name, (x,), {"axis": axis})
        yield Case(name, (fed(reals(2, 3, 4)),), {"axis": 1})
        yield Case(name, (fed(np.float32([[1e4, 0], [-1e4, 3]])),))
    for name in ("softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2",
                 "sigmoid_cross_entropy_with_logits"):  # fmt: skip
        yield Case(f"nn.{name}", (), {"labels": fed(TARGETS), "logits": x})
        yield Case(f"nn.{name}", (), {"labels": fed(TARGETS), "logits": fed(reals(4, 2))})
    yield Case("nn.softmax_cross_entropy_with_logits_v2", (),
               {"labels": fed(reals(3, 2, low=0, high=1)), "logits": fed(reals(3, 2)),
                "axis": 0})  # fmt: skip
    for labels in ([0, 2, 1, 1], [0, 3, 1, 1]):
        yield Case("nn.sparse_softmax_cross_entropy_with_logits", (),
                   {"labels": fed(np.int32(labels)), "logits": x})  # fmt: skip
    yield Case("nn.weighted_cross_entropy_with_logits", (fed(TARGETS), x, 2.0))


def _losses() -> Iterator[Case]:
    labels, guesses = fed(reals(4, 3, low=0, high=1)), fed(reals(4, 3, low=0.1, high=0.9, seed=4))
    for name in LOSSES:
        yield Case(f"losses.{name}", (labels, guesses))
        yield Case(f"losses.{name}", (labels, guesses, fed(reals(4, 1, low=0, high=1))))
        yield Case(f"losses.{name}", (labels, guesses, 0.5))
        yield Case(f"losses.{name}", (labels, fed(reals(4, 2))))
    for reduction in REDUCTIONS:
        weights = fed(np.float32([[1], [0], [2], [0.5]]))
        yield Case("losses.mean_squared_error", (labels, guesses, weights),
                   {"reduction": reduction})  # fmt: skip
        yield Case("losses.compute_weighted_loss", (labels, weights), {"reduction": reduction})
    yield Case("losses.mean_squared_error", (labels, guesses, np.zeros((4, 1), np.float32)))
    yield Case("losses.log_loss", (labels, guesses))
    yield Case("losses.hinge_loss", (fed(truths(4, 3).astype(np.float32)), guesses))
    yield Case("losses.huber_loss", (labels, fed(reals(4, 3, low=-4, high=4))), {"delta": 0.7})
    unit = fed(reals(4, 3)), fed(reals(4, 3, seed=2))
    yield Case("losses.cosine_distance", unit, {"axis": 1})
    yield Case("losses.cosine_distance", unit, {"dim": 1})
    yield Case("losses.softmax_cross_entropy", (fed(TARGETS), fed(reals(4, 3))))
    yield Case("losses.softmax_cross_entropy", (fed(TARGETS), fed(reals(4, 3))),
               {"label_smoothing": 0.1})  # fmt: skip
    yield Case("losses.sigmoid_cross_entropy", (fed(TARGETS), fed(reals(4, 3))),
               {"label_smoothing": 0.1})  # fmt: skip
    for shape in ((4,), (4, 1)):
        classes = fed(whole(*shape, low=0, high=3))
        yield Case("losses.sparse_softmax_cross_entropy", (classes, fed(reals(4, 3))))


def _normalised() -> Iterator[Case]:
    x, five = fed(reals(2, 3, 4)), reals(2, 3, 3, 7)
    more = [fed(reals(4, seed=k, low=0.2, high=2)) for k in range(4)]
    yield Case("nn.batch_normalization", (x, *more, 1e-3))
    yield Case("nn.batch_normalization", (x, more[0], more[1], None, None, 1e-3))
    for radius in (1, 3):
        yield Case("nn.local_response_normalization", (fed(five), radius, 0.7, 0.2, 0.6))
    yield Case("nn.sufficient_statistics", (x, [0, 1]))
    yield Case("nn.normalize_moments", (2.0, more[0], more[1], None))
    image = fed(reals(2, 3, 3, 4))
    yield Case("nn.batch_norm_with_global_normalization", (image, *more, 1e-3, True))
    yield Case("nn.fused_batch_norm", (image, more[0], more[1]), tolerance=2e-4)
    yield Case("nn.fused_batch_norm", (image, *more),
               {"is_training": False}, gradients=False, tolerance=2e-4)  # fmt: skip
    ids = fed(np.int32([[0, 4], [2, 2]]))
    yield Case("nn.embedding_lookup", (fed(reals(5, 3)), ids))
    yield Case("nn.embedding_lookup", (fed(reals(5, 3)), ids), {"max_norm": 1.0})
    parts = [fed(reals(3, 2)), fed(reals(2, 2, seed=1))]
    for strategy in ("mod", "div"):
        yield Case("nn.embedding_lookup", (parts, fed(np.int32([4, 0, 3]))),
                   {"partition_strategy": strategy})  # fmt: skip
