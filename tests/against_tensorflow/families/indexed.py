"""Segments, scatters, order, sets: ops that read indices or make them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case

WORDS = ("sum", "mean", "prod", "min", "max")


def cases() -> Iterator[Case]:
    yield from _segments()
    yield from _scatters()
    yield from _ordered()
    yield from _sets()
    yield from _counts()


def _segments() -> Iterator[Case]:
    x = fed(reals(5, 2))
    for word in WORDS:
        for ids in ([0, 0, 1, 1, 2], [0, 0, 0, 3, 3], [0, 1, 2, 3, 4]):
            yield Case(f"segment_{word}", (x, fed(np.int32(ids))))
        yield Case(f"segment_{word}", (x, fed(np.int32([0, 2, 1, 3, 4]))), note="not sorted")
        yield Case(f"segment_{word}", (fed(whole(4)), fed(np.int64([0, 0, 1, 1]))))
        for ids in ([0, 2, 0, 1, 2], [3, 3, 3, 0, 0], [0, -1, 1, -1, 2]):
            yield Case(f"unsorted_segment_{word}", (x, fed(np.int32(ids)), 4))
        yield Case(f"unsorted_segment_{word}", (x, fed(np.int32([0, 9, 0, 0, 0])), 4))
    yield Case("unsorted_segment_sqrt_n", (x, fed(np.int32([0, 2, 0, 1, 2])), 4))
    ids = [[0, 1], [1, 0]]
    yield Case("unsorted_segment_sum", (fed(reals(2, 2, 3)), fed(np.int32(ids)), 2))
    for word in ("sum", "mean", "sqrt_n"):
        more = (fed(np.int32([0, 4, 1])), fed(np.int32([0, 0, 1])))
        yield Case(f"sparse_segment_{word}", (x, *more))


def _scatters() -> Iterator[Case]:
    where = fed(np.int32([[1], [3]]))
    yield Case("scatter_nd", (where, fed(reals(2, 3)), [5, 3]))
    yield Case("scatter_nd", (fed(np.int32([[1], [1]])), fed(reals(2)), [3]))
    yield Case("scatter_nd", (fed(np.int32([[1, 0], [0, 2]])), fed(reals(2)), [2, 3]))
    yield Case("scatter_nd", (fed(np.int32([[5]])), fed(reals(1)), [3]))
    for word in ("update", "add", "sub", "max", "min"):
        yield Case(f"tensor_scatter_nd_{word}", (fed(reals(5)), where, fed(reals(2, seed=3))))
        more = (where, fed(reals(2, 2, seed=3)))
        yield Case(f"tensor_scatter_nd_{word}", (fed(reals(5, 2)), *more))


def _ordered() -> Iterator[Case]:
    x = fed(reals(3, 7))
    for k in (1, 3, 7, 8):
        yield Case("nn.top_k", (x, k))
    yield Case("nn.top_k", (fed(np.float32([1, 3, 3, 2, 3])), 4), note="ties")
    yield Case("nn.top_k", (fed(whole(9)), 3))
    for k in (1, 2):
        yield Case("nn.in_top_k", (x, fed(np.int32([0, 3, 6])), k))
    ties = fed(np.float32([[1, 2, 2, 2]]))
    yield Case("nn.in_top_k", (ties, fed(np.int32([3])), 2))
    for direction in ("ASCENDING", "DESCENDING"):
        for axis in (-1, 0):
            yield Case("sort", (x,), {"axis": axis, "direction": direction})
            yield Case("argsort", (x,), {"axis": axis, "direction": direction})
        yield Case("sort", (fed(whole(9)),), {"direction": direction})
    yield Case("argsort", (fed(np.float32([2, 1, 2, 1])),), {"stable": True}, note="ties")
    for side in ("left", "right"):
        values = fed(np.float32([0.5, 1, 1.5, 9]))
        yield Case("searchsorted", (fed(np.float32([0, 1, 1, 2])), values), {"side": side})


def _sets() -> Iterator[Case]:
    for values in ([3, 1, 3, 2, 1], [], [5]):
        x = fed(np.array(values, np.int32))
        yield Case("unique", (x,))
        yield Case("unique_with_counts", (x,))
    yield Case("unique", (fed(np.float32([2, 1, 2])), "tf.int64"))
    for x, y in (([1, 2, 3, 4], [3, 1]), ([1, 1], [2]), ([], [1])):
        yield Case("setdiff1d", (fed(np.array(x, np.int32)), fed(np.array(y, np.int32))))


def _counts() -> Iterator[Case]:
    labels, guesses = fed(np.int32([0, 1, 2, 1])), fed(np.int32([0, 2, 2, 1]))
    yield Case("confusion_matrix", (labels, guesses))
    yield Case("confusion_matrix", (labels, guesses), {"num_classes": 4, "dtype": "tf.float32"})
    yield Case("confusion_matrix", (labels, guesses, 3), {"weights": fed(reals(4))})
    yield Case("bincount", (fed(np.int32([1, 1, 3])),))
    yield Case("bincount", (fed(np.int32([1, 1, 3])),), {"minlength": 6})
    yield Case("bincount", (fed(np.int32([1, 1, 3])),), {"maxlength": 2})
    yield Case("bincount", (fed(np.int32([1, 1, 3])), fed(reals(3))))
    edges = fed(np.float32([-1, 0, 0.4, 1, 2.5, 9]))
    yield Case("histogram_fixed_width", (edges, [0.0, 5.0]), {"nbins": 5})
    yield Case("histogram_fixed_width_bins", (edges, [0.0, 5.0]), {"nbins": 5})
    yield Case("unravel_index", (fed(np.int32([5, 0, 11])), [3, 4]))
