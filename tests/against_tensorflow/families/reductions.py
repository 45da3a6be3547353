"""Reductions over axes, positions of extremes, and running folds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, special, truths, whole
from tests.against_tensorflow.outcome import Case

FLOATING = ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod",
            "reduce_logsumexp", "math.reduce_std", "math.reduce_variance",
            "math.reduce_euclidean_norm")  # fmt: skip
INTEGERS = ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod")
AXES = (None, 0, 1, -1, -3, [0, 1], [2], [-1, 0], [])
NORMS = ("euclidean", 1, 2, np.inf, 3.5)


def cases() -> Iterator[Case]:
    for name in FLOATING:
        for axis in AXES:
            yield Case(name, (fed(reals(2, 3, 4)),), {"axis": axis})
        yield Case(name, (fed(reals(2, 3, 4)),), {"axis": 1, "keepdims": True})
        yield Case(name, (fed(reals(2, 3), (None, 3)),), {"axis": 0})
        yield Case(name, (fed(reals(2, 3), unknown_rank=True),), {"axis": 0})
        yield Case(name, (fed(np.zeros((0, 3), np.float32)),), {"axis": 1})
        yield Case(name, (fed(np.zeros((0, 3), np.float32)),), {"axis": 0}, gradients=False)
        yield Case(name, (fed(reals(1, 1)),))
        yield Case(name, (fed(reals()),))
        yield Case(name, (fed(special()),), gradients=False)
        yield Case(name, (fed(reals(2, 3)),), {"axis": 2})
    for name in INTEGERS:
        for axis in AXES[:4]:
            yield Case(name, (fed(whole(2, 3, 4)),), {"axis": axis})
    for name in ("reduce_max", "reduce_min"):
        yield Case(name, (fed(np.float32([[2, 2, 1], [3, 3, 3]])),), {"axis": 1}, note="ties")
    yield Case("reduce_prod", (fed(np.float32([[2, 0, 1], [0, 3, 0]])),), {"axis": 1}, note="zeros")
    for name in ("reduce_all", "reduce_any"):
        for axis in AXES[:4]:
            yield Case(name, (fed(truths(2, 3, 4)),), {"axis": axis})
        yield Case(name, (fed(np.zeros((0, 2), bool)),), {"axis": 0})
    yield from _positions()
    yield from _running()
    yield from _norms()


def _positions() -> Iterator[Case]:
    for name in ("argmax", "argmin"):
        for axis in (None, 0, 1, -1):
            yield Case(name, (fed(reals(3, 4)),), {"axis": axis})
        yield Case(name, (fed(np.float32([[1, 3, 3], [2, 2, 0]])), 1), note="ties")
        yield Case(name, (fed(np.float32([[1, np.nan, 3]])), 1), note="NaN")
        yield Case(name, (fed(whole(3, 4)), 1), {"output_type": "tf.int32"})
        yield Case(name, (fed(reals(3, 4)), 2))
    yield Case("count_nonzero", (fed(whole(3, 4)),))
    yield Case("count_nonzero", (fed(whole(3, 4)),), {"axis": 1, "keepdims": True})
    yield Case("count_nonzero", (fed(truths(3, 4)),), {"axis": 0, "dtype": "tf.int32"})


def _running() -> Iterator[Case]:
    for name in ("cumsum", "cumprod", "math.cumulative_logsumexp"):
        for axis in (0, 1, -1):
            yield Case(name, (fed(reals(3, 4)),), {"axis": axis})
        for exclusive, reverse in ((True, False), (False, True), (True, True)):
            more = {"axis": 1, "exclusive": exclusive, "reverse": reverse}
            yield Case(name, (fed(reals(2, 5)),), more)
        yield Case(name, (fed(np.zeros((0, 2), np.float32)),))
        yield Case(name, (fed(reals(2)),), {"axis": 3})
    for name in ("cumsum", "cumprod"):
        yield Case(name, (fed(whole(2, 5)),), {"axis": 1})
    yield Case("cumprod", (fed(np.float32([2, 0, 3, 0, 4])),), note="zeros")


def _norms() -> Iterator[Case]:
    for order in NORMS:
        yield Case("norm", (fed(reals(3, 4)), order), {"axis": 1})
        yield Case("norm", (fed(reals(3, 4)), order), {"axis": 0, "keepdims": True})
    for order in ("euclidean", "fro", 1, np.inf):
        yield Case("norm", (fed(reals(2, 3, 4)), order), {"axis": [1, 2]})
    yield Case("norm", (fed(reals(3, 4)),))
    yield Case("clip_by_norm", (fed(reals(3, 4)), 1.0))
    yield Case("clip_by_norm", (fed(reals(3, 4)), 1.0), {"axes": [1]})
    yield Case("clip_by_norm", (fed(reals(2)), 100.0))
    yield Case("clip_by_average_norm", (fed(reals(3, 4)), 0.1))
    yield Case("clip_by_global_norm", ([fed(reals(3)), fed(reals(2, 2))], 0.5))
    yield Case("global_norm", ([fed(reals(3)), fed(reals(2, 2))],))
    yield Case("nn.l2_normalize", (fed(reals(3, 4)), 1))
    yield Case("nn.l2_normalize", (fed(reals(3, 4)), [0, 1]))
    yield Case("nn.moments", (fed(reals(3, 4)), [0]))
    yield Case("nn.moments", (fed(reals(3, 4, 2)), [0, 1]), {"keep_dims": True})
    weights = fed(reals(3, 4, low=0, high=1))
    yield Case("nn.weighted_moments", (fed(reals(3, 4)), [0], weights))
