"""Where elements go, at length: slices by every mask, tensors as bounds, selections, windows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case

BOUNDS = (0, 1, 3, 4, 7, -1, -4, -9)


def cases() -> Iterator[Case]:
    yield from _bounds()
    yield from _masks()
    yield from _selected()
    yield from _picked()
    yield from _padded()
    yield from _put()
    yield from _diagonals()
    yield from _windows()
    yield from _statistics()
    yield from _any_shape()


def _bounds() -> Iterator[Case]:
    """Every pair of bounds of an axis of four, forwards and backwards, also as tensors."""
    for begin, end in product(BOUNDS, BOUNDS):
        for step in (1, 2, -1, -3):
            yield Case("strided_slice", (fed(reals(4, 2)), [begin], [end], [step]))
    for begin, end in ((0, 2), (1, -1), (-3, 9), (3, 1), (-9, 2)):
        bounds = (fed(np.int32([begin])), fed(np.int32([end])))
        yield Case("strided_slice", (fed(reals(4, 2)), *bounds))
        yield Case("strided_slice", (fed(reals(4, 2), (None, 2)), [begin], [end]))
    for index in (0, 3, -1, -4, 4, -5):
        yield Case("strided_slice", (fed(reals(4, 2)), [index], [0], [1]), {"shrink_axis_mask": 1})
    for begin, size in (([1, 0], [2, 2]), ([0, 1], [3, -1]), ([4, 0], [0, 2]), ([3, 0], [2, 1])):
        yield Case("slice", (fed(reals(4, 2)), fed(np.int32(begin)), size))
        yield Case("slice", (fed(reals(4, 2)), fed(np.int64(begin)), fed(np.int64(size))))
        yield Case("slice", (fed(reals(4, 2), (None, None)), begin, size))


def _masks() -> Iterator[Case]:
    x = fed(reals(3, 4, 5))
    for k in range(8):
        bits = {"begin_mask": k, "end_mask": 7 - k}
        yield Case("strided_slice", (x, [1, 2, 1], [2, 3, 4], [1, 1, 2]), bits)
        yield Case("strided_slice", (x, [1, 2, 1], [2, 3, 4]), {"shrink_axis_mask": k})
        if k.bit_count() < 2:
            more = {"ellipsis_mask": k, "new_axis_mask": 4}
            yield Case("strided_slice", (x, [1, 0, 1], [2, 2, 3]), more)
        yield Case("strided_slice", (x, [1, 2, 1], [2, 3, 4]), {"new_axis_mask": k})
    both = {"new_axis_mask": 1, "shrink_axis_mask": 1}
    yield Case("strided_slice", (x, [1], [2]), both, note="new before shrunk")
    yield Case("strided_slice", (x, [0, 0], [1, 1]), {"ellipsis_mask": 3}, note="two ellipses")
    yield Case("strided_slice", (x, [0, 1], [0, 2]), {"ellipsis_mask": 1, "shrink_axis_mask": 2})
    yield Case("strided_slice", (x, [0, 0, 0, 0], [1, 1, 1, 1]))


def _selected() -> Iterator[Case]:
    x, y = fed(reals(2, 3)), fed(reals(2, 3, seed=1))
    yield Case("where", (fed(truths(2, 3)), x, y))
    yield Case("where", (fed(truths(2)), x, y), note="rows")
    yield Case("where", (fed(np.array(True)), x, y))
    yield Case("where", (fed(truths(3)), x, y))
    yield Case("where", (fed(truths(2, 1)), x, y))
    yield Case("where", (fed(truths(2, 3)), x, fed(reals(3))))
    yield Case("where", (fed(truths(2, 3)), x, fed(whole(2, 3))))
    yield Case("where", (fed(truths(2), (None,)), fed(reals(2, 3), (None, 3)), y))
    for shape in ((2, 1), (3,), ()):
        yield Case("where_v2", (fed(truths(*shape)), x, y))
    yield Case("where_v2", (fed(truths(2, 3)), x, 1.0))
    for array in (truths(5), truths(2, 2, 2)):
        yield Case("where", (fed(array),))
    yield Case("boolean_mask", (fed(reals(2, 3, 2)), fed(truths(3, 2))), {"axis": 1})
    yield Case("boolean_mask", (fed(reals(2, 3)), fed(truths(3))))
    yield Case("boolean_mask", (fed(reals(3, 2), (None, 2)), fed(truths(3), (None,))))


def _picked() -> Iterator[Case]:
    x = fed(reals(2, 3, 4))
    for axis in (0, 1, 2, -1, -3, 3):
        yield Case("gather", (x, fed(np.int32([1, 0, 1]))), {"axis": axis})
        yield Case("gather", (x, fed(np.array(1, np.int64))), {"axis": axis})
    yield Case("gather", (x, fed(np.int32([[0], [1]]))), {"axis": 1, "batch_dims": 1})
    yield Case("gather", (x, fed(np.int32([[3], [1]]))), {"axis": 2, "batch_dims": 1})
    yield Case("gather", (x, fed(np.int32([[0, 1, 2], [1, 1, 3]]))), {"axis": 2, "batch_dims": 2})
    yield Case("gather", (x, fed(np.int32([[0], [1]]))), {"axis": 1, "batch_dims": -1})
    yield Case("gather", (x, fed(np.int32([[0], [5]]))), {"axis": 1, "batch_dims": 1})
    yield Case("gather", (fed(whole(4)), fed(np.int32([2, 2]))))
    yield Case("gather", (fed(reals(4, dtype="float64")), fed(np.int64([[3], [0]]))))
    yield Case("batch_gather", (x, fed(np.int32([[0, 2], [1, 1]]))))
    yield Case("batch_gather", (x, fed(np.int32([0, 1]))))
    yield Case("gather_nd", (x, fed(np.int32([[0, 1, 2]]))))
    for where in ([0, 1], [[], []], [1], [0, 1, 2, 0]):  # without gradients in TensorFlow
        yield Case("gather_nd", (x, fed(np.array(where, np.int32))), gradients=False)
    yield Case("gather_nd", (x, fed(np.int32([[[0], [2]], [[1], [1]]]))), {"batch_dims": 1})
    yield Case("gather_nd", (x, fed(np.int32([[2], [1]]))), {"batch_dims": 1})


def _padded() -> Iterator[Case]:
    for mode in ("REFLECT", "SYMMETRIC", "Constant"):
        yield Case("pad", (fed(reals(3, 4), (None, 4)), [[1, 2], [0, 3]], mode))
        yield Case("pad", (fed(reals(2, 3, 2, dtype="float64")), [[1, 0], [0, 2], [1, 1]], mode))
        yield Case("pad", (fed(whole(3, 3)), fed(np.int32([[1, 1], [2, 0]])), mode))
        yield Case("pad", (fed(reals(2, 2)), [[1, -1], [0, 0]], mode))
    yield Case("pad", (fed(reals(2)), [[1, 1]], "EDGE"))
    yield Case("pad", (fed(reals(2)), [[1, 1]]), {"constant_values": fed(np.float32(3))},
               gradients=False)  # fmt: skip
    yield Case("pad", (fed(truths(2)), [[1, 1]]))
    yield Case("tile", (fed(reals(2, 3)), fed(np.int32([2, 2]))))
    yield Case("tile", (fed(reals(2, 3), (None, 3)), [3, 1]))
    yield Case("tile", (fed(truths(2)), [2]))
    yield Case("reverse", (fed(whole(2, 3)), [1]))
    yield Case("reverse", (fed(reals(2, 3), (None, 3)), [0, -1]))
    yield Case("roll", (fed(reals(4, 3), (None, 3)), fed(np.int32(-5)), 0))
    yield Case("roll", (fed(whole(2, 3)), [1, -1], [0, 1]))
    yield Case("roll", (fed(reals(3)), 1, 1))
    for more in ({"seq_axis": 0, "batch_axis": 1}, {"seq_axis": 1, "batch_axis": 1}, {}):
        yield Case("reverse_sequence", (fed(reals(4, 3)), fed(np.int64([2, 4, 1]))), more)
    for shape in ([3, 2, 3], [2, 3], [2, 1], [0, 3]):
        yield Case("broadcast_to", (fed(reals(1, 3)), shape))
    yield Case("repeat", (fed(reals(3)), fed(np.int32([0, 2, 1]))))
    yield Case("repeat", (fed(reals(2, 3)), [2], 1))
    yield Case("repeat", (fed(whole(2, 3)), fed(np.array(2, np.int32)), -1))


def _put() -> Iterator[Case]:
    yield Case("scatter_nd", (fed(np.int64([[0], [0]])), fed(whole(2, dtype="int64")), [2]))
    yield Case("scatter_nd", (fed(np.int32([[0], [1]])), fed(reals(2, 2)), [3, 3]))
    yield Case("scatter_nd", (fed(np.int32([[-1]])), fed(reals(1)), [3]))
    yield Case("scatter_nd", (fed(np.zeros((0, 1), np.int32)), fed(reals(0, 2)), [3, 2]))
    yield Case("scatter_nd", (fed(np.int32([[[0, 1]], [[1, 0]]])), fed(reals(2, 1)), [2, 2]))
    equal, updates = fed(np.int32([[1], [1], [0]])), fed(reals(3, 2, seed=2))
    for word in ("add", "sub", "max", "min"):
        yield Case(f"tensor_scatter_nd_{word}", (fed(reals(2, 2)), equal, updates))
        yield Case(f"tensor_scatter_nd_{word}", (fed(whole(3)), fed(np.int32([[2]])), [7]))
        yield Case(f"tensor_scatter_nd_{word}", (fed(reals(2)), fed(np.int32([[2]])), [7.0]))
    yield Case("tensor_scatter_update", (fed(reals(2, 2)), fed(np.int32([[1, 0]])), [9.0]))
    for word in ("sum", "prod", "max", "min", "mean", "sqrt_n"):
        yield Case(f"unsorted_segment_{word}", (fed(reals(0, 2)), fed(np.zeros(0, np.int32)), 3))
        halves = (fed(reals(3, dtype="float16")), fed(np.int32([1, 0, 1])), 2)
        yield Case(f"unsorted_segment_{word}", halves, gradients=False)
    for word in ("sum", "prod", "max", "min", "mean"):
        ids = fed(np.int32([0, 0, 2]), (None,))
        yield Case(f"segment_{word}", (fed(reals(3, 2), (None, 2)), ids))
        yield Case(f"segment_{word}", (fed(reals(3)), [1, 1, 1]))
        yield Case(f"segment_{word}", (fed(reals(3)), fed(np.int32([0, 1]))))
        yield Case(f"segment_{word}", (fed(reals(2)), fed(np.int32([-1, 1]))))
        yield Case(f"segment_{word}", (fed(np.float32([1, 1, 0])), [0, 0, 0]), note="ties")
    for word in ("sum", "mean", "sqrt_n"):
        rows = (fed(reals(4, 2)), fed(np.int32([3, 0, 3])), fed(np.int32([0, 0, 2])))
        yield Case(f"sparse_segment_{word}", rows, {"num_segments": 4})
        yield Case(f"sparse_segment_{word}", (*rows[:1], fed(np.int32([9])), fed(np.int32([0]))))
    zeros = fed(np.float32([2, 0, 3, 0, 0, 4]))
    yield Case("unsorted_segment_prod", (zeros, fed(np.int32([0, 0, 0, 1, 1, 1])), 3))


def _diagonals() -> Iterator[Case]:
    for k in (1, -1, 3):
        yield Case("matrix_diag", (fed(reals(2, 2)),), {"k": k})
        yield Case("matrix_diag_part", (fed(reals(2, 4, 4)),), {"k": k})
        yield Case("matrix_set_diag", (fed(reals(4, 4)), fed(reals(4 - abs(k)))), {"k": k})
    yield Case("matrix_diag", (fed(reals(2)),), {"num_rows": 2, "num_cols": 4})
    yield Case("matrix_diag", (fed(reals(2)),), {"num_cols": 3, "padding_value": 9.0})
    yield Case("matrix_diag", (fed(reals(2, 3), (None, None)),))
    yield Case("matrix_diag_part", (fed(reals(3, 2), (None, 2)),))
    yield Case("matrix_diag_part", (fed(reals(3)),))
    yield Case("matrix_set_diag", (fed(reals(3, 3)), fed(reals(2))))
    yield Case("matrix_set_diag", (fed(whole(2, 3)), fed(whole(2, seed=1))))
    yield Case("diag", (fed(whole(3)),))
    yield Case("diag_part", (fed(reals(3)),))
    yield Case("trace", (fed(reals(3, 3), (None, None)),))
    yield Case("trace", (fed(reals(3)),))
    yield Case("eye", (2,), {"batch_shape": [2, 1], "num_columns": 3})
    yield Case("eye", (fed(np.array(2, np.int32)),))
    yield Case("matrix_transpose", (fed(reals(2, 3)),))
    yield Case("matrix_transpose", (fed(reals(3)),))
    yield Case("matrix_band_part", (fed(reals(2, 3), (None, 3)), 1, 0))
    band = (fed(np.array(1, np.int64)), fed(np.array(0, np.int64)))
    yield Case("matrix_band_part", (fed(reals(3, 3)), *band))


def _windows() -> Iterator[Case]:
    for size, stride, rate, padding in product((1, 2, 3), (1, 2), (1, 2), ("SAME", "VALID")):
        how = {"ksizes": [1, size, size, 1], "strides": [1, stride, stride, 1],
               "rates": [1, rate, rate, 1], "padding": padding}  # fmt: skip
        yield Case("extract_image_patches", (fed(reals(2, 5, 6, 2)),), how)
    how = {"ksizes": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "rates": [1, 1, 1, 1]}
    pictures = fed(reals(2, 4, 4, 1), (None, 4, 4, 1))
    yield Case("extract_image_patches", (pictures,), {**how, "padding": "SAME"})
    yield Case("space_to_depth", (pictures, 2))
    yield Case("nn.depth_to_space", (fed(reals(1, 1, 1, 6)), 2))
    yield Case("depth_to_space", (fed(reals(2, 2, 1, 4), (None, 2, 1, 4)), 2))
    for paddings in ([[0, 0], [0, 0]], [[1, 1], [0, 2]], [[1, 0], [0, 0]]):
        yield Case("space_to_batch_nd", (fed(reals(2, 4, 4, 1)), [2, 2], paddings))
        yield Case("space_to_batch_nd", (fed(reals(2, 3, 4)), [2], paddings[:1]))
        yield Case("batch_to_space_nd", (fed(reals(8, 2, 3, 1)), [2, 2], paddings))
    yield Case("batch_to_space_nd", (fed(reals(3, 2, 3, 1)), [2, 2], [[0, 0], [0, 0]]))
    yield Case("required_space_to_batch_paddings", ([5, 6], [2, 4], [[1, 0], [0, 1]]))


def _statistics() -> Iterator[Case]:
    x = fed(reals(3, 4))
    for axes in ([0], [1], [0, 1]):
        for keep in (True, False):
            yield Case("nn.moments", (x, axes), {"keepdims": keep})
            weights = fed(reals(3, 4, low=0.1, high=1))
            yield Case("nn.weighted_moments", (x, axes, weights), {"keep_dims": keep})
            yield Case("nn.sufficient_statistics", (x, axes), {"keep_dims": keep})
        yield Case("nn.sufficient_statistics", (x, axes, fed(np.float32(0.5))))
    column = fed(reals(3, 1, low=0.1, high=1))
    yield Case("nn.weighted_moments", (x, [0], column), note="weights of rows")
    sums = (fed(np.float32(4)), fed(reals(3)), fed(reals(3, low=2, high=4)))
    yield Case("nn.normalize_moments", (*sums, None))
    yield Case("nn.normalize_moments", (*sums, fed(np.float32(0.3))))
    for order in (1, 2, np.inf, "euclidean", 3.0, 0.5):
        yield Case("norm", (fed(reals(2, 3)), order))
        yield Case("norm", (fed(reals(2, 3, 4)), order), {"axis": (0, 2), "keepdims": True})
        yield Case("norm", (fed(reals(2, 3)), order), {"axis": -1, "keep_dims": True})
    for order in ("fro", "nuclear", 0, -1):
        yield Case("norm", (fed(reals(2, 3)), order), {"axis": 0})
    yield Case("norm", (fed(reals(2, 3, 4)), 2), {"axis": (0, 1, 2)})


def _any_shape() -> Iterator[Case]:
    """Ranks and sizes that only the fed array tells."""
    for name, *more in (
        ("cumsum", 0), ("cumprod", -1), ("reverse", [0]), ("expand_dims", 1), ("transpose",),
        ("matrix_diag_part",), ("matrix_band_part", 1, 0), ("reshape", [-1]),
    ):  # fmt: skip
        yield Case(name, (fed(reals(3, 3), unknown_rank=True), *more))
    yield Case("gather", (fed(reals(3, 3), unknown_rank=True), [1, 0]), gradients=False)
    for name in ("size", "rank", "zeros_like", "ones_like", "identity"):
        yield Case(name, (fed(reals(2, 3), unknown_rank=True),))
    ids = fed(np.int32([0, 1, 0]), (None,))
    yield Case("unsorted_segment_sum", (fed(reals(3, 2), unknown_rank=True), ids, 2))
    grid = (fed(reals(2), (None,)), fed(reals(3), (None,)), fed(reals(2), (None,)))
    yield Case("meshgrid", grid)
    yield Case("meshgrid", (fed(reals(2, 2)), fed(np.float32(1))))
    yield Case("linspace", (fed(np.float32(1)), fed(np.float32(2)), fed(np.array(4, np.int32))))
    yield Case("linspace", (fed(np.float64(1)), fed(np.float64(2)), 1), gradients=False)
    yield Case("range", (fed(np.float32(0.5)), fed(np.float32(2)), fed(np.float32(0.4))))
    yield Case("range", (fed(np.int32(5)), fed(np.int32(-3)), -2))
    yield Case("fill", (fed(np.int32([2, 2])), fed(np.float32(3))))
    yield Case("zeros", (fed(np.int32([2, 0])),))
    yield Case("count_nonzero", (fed(reals(3, 4) > 0),), {"axis": [0, 1]})
    yield Case("broadcast_dynamic_shape", (fed(np.int32([2, 1])), fed(np.int32([3]))))
    yield Case("unstack", (fed(reals(2, 3), (None, 3)),), {"num": 2})
