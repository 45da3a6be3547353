"""Shapes, slices, joins and rearrangements."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case


def cases() -> Iterator[Case]:
    yield from _sizes()
    yield from _rearranged()
    yield from _padded()
    yield from _sliced()
    yield from _joined()
    yield from _made()
    yield from _diagonals()
    yield from _blocks()


def _sizes() -> Iterator[Case]:
    for shape in ((2, 3), (), (0, 4), (1,)):
        for name in ("shape", "size", "rank"):
            yield Case(name, (fed(reals(*shape)),))
    for dtype in ("tf.int32", "tf.int64"):
        yield Case("shape", (fed(reals(2, 3), (None, 3)),), {"out_type": dtype})
        yield Case("size", (fed(reals(2, 3), (None, 3)),), {"out_type": dtype})
    yield Case("shape_n", ([fed(reals(2, 3)), fed(reals(4))],))
    yield Case("broadcast_dynamic_shape", (np.int32([2, 1]), np.int32([1, 3])))
    yield Case("required_space_to_batch_paddings", (np.int32([5, 7]), np.int32([2, 3])))


def _rearranged() -> Iterator[Case]:
    x = reals(2, 3, 4)
    for shape in ([6, 4], [-1], [2, -1, 2], [24, 1], [5, 5], [-1, -1], [-1, 7]):
        yield Case("reshape", (fed(x), shape))
    yield Case("reshape", (fed(x, (None, 3, 4)), [-1, 12]))
    yield Case("reshape", (fed(np.zeros((0, 3), np.float32)), [-1, 3]))
    yield Case("reshape", (fed(x), fed(np.int32([4, 6]))))
    for perm in (None, [2, 0, 1], [0, 2, 1], [0, 1], [0, 1, 1]):
        yield Case("transpose", (fed(x), perm))
    yield Case("transpose", (fed(reals(2, 3)),))
    yield Case("matrix_transpose", (fed(x),))
    for axis in (0, 1, -1, 3, 4, -5):
        yield Case("expand_dims", (fed(x), axis))
    for axis in (None, [0], [2], [0, 2], [1], -1):
        yield Case("squeeze", (fed(reals(1, 3, 1)), axis))
    yield Case("squeeze", (fed(reals(1, 3), (None, 3)),))
    for axis in ([0], [1, 2], [-1], [0, 0], [3]):
        yield Case("reverse", (fed(x), axis))
    for shift, axis in ((1, 0), (-2, 1), ([1, 2], [0, 2]), (7, -1), ([1, 1], [1, 1])):
        yield Case("roll", (fed(x), shift, axis))
    lengths = fed(np.int32([1, 3, 0]))
    for more in ({"seq_axis": 1}, {"seq_axis": 2, "batch_axis": 0}, {"seq_dim": 1, "batch_dim": 0}):
        yield Case("reverse_sequence", (fed(reals(3, 4, 4)), lengths), more)
    yield Case("reverse_sequence", (fed(reals(2, 3)), fed(np.int32([1, 9]))), {"seq_axis": 1})
    for multiples in ([2, 1, 3], [1, 1, 1], [0, 1, 1], [2, 2], [2, -1, 1]):
        yield Case("tile", (fed(x), multiples))
    for shape in ([2, 3, 4], [5, 2, 3, 4], [2, 3, 5]):
        yield Case("broadcast_to", (fed(reals(3, 4) if shape[-1] == 4 else reals(3, 1)), shape))
    for repeats, axis in ((2, None), ([1, 2], 0), ([0, 3], 0), (3, 1)):
        yield Case("repeat", (fed(reals(2, 3)), repeats, axis))
    yield Case("invert_permutation", (fed(np.int32([2, 0, 1])),))
    yield Case("invert_permutation", (fed(np.int32([2, 0, 2])),))


def _padded() -> Iterator[Case]:
    x = fed(reals(3, 4))
    for mode in ("CONSTANT", "REFLECT", "SYMMETRIC", "reflect"):
        for paddings in ([[1, 2], [0, 3]], [[0, 0], [0, 0]], [[2, 2], [1, 1]]):
            yield Case("pad", (x, paddings, mode))
    yield Case("pad", (x, [[1, 1], [1, 1]]), {"constant_values": 2.5})
    yield Case("pad", (x, [[3, 0], [0, 0]], "REFLECT"))
    yield Case("pad", (x, [[4, 0], [0, 0]], "SYMMETRIC"))
    yield Case("pad", (x, [[1, 1]]))
    yield Case("pad", (fed(reals(2, 3), (None, 3)), [[1, 0], [0, 2]]))
    yield Case("pad", (fed(whole(3)), [[1, 2]]))


def _sliced() -> Iterator[Case]:
    x = fed(reals(4, 5, 6))
    for begin, size in (([1, 0, 2], [2, 5, 3]), ([0, 0, 0], [-1, -1, -1]), ([3, 4, 5], [1, 1, 1]),
                        ([0, 5, 0], [1, 0, 6]), ([0, 3, 0], [4, 3, 6]),
                        ([1, 1], [1, 1])):  # fmt: skip
        yield Case("slice", (x, begin, size))
    strided = [
        dict(begin=[0, 0, 0], end=[4, 5, 6], strides=[1, 2, 3]),
        dict(begin=[3, 4, 5], end=[0, -6, 1], strides=[-1, -2, -1]),
        dict(begin=[1, 2, 3], end=[0, 0, 0], strides=[1, 1, 1], end_mask=5, shrink_axis_mask=2),
        dict(begin=[0, 1], end=[9, 3], begin_mask=1, end_mask=1),
        dict(begin=[0, 0, 1], end=[0, 0, 3], ellipsis_mask=1, new_axis_mask=2),
        dict(begin=[-2], end=[-1], strides=[1]),
        dict(begin=[9], end=[12], strides=[1]),
        dict(begin=[4], end=[0], shrink_axis_mask=1),
        dict(begin=[0], end=[4], strides=[0]),
    ]
    for more in strided:
        begin, end = more.pop("begin"), more.pop("end")
        yield Case("strided_slice", (x, begin, end), more)
    for parts, axis in ((2, 0), ([1, 3], 0), ([2, -1], 1), (3, 2), (4, 1), ([1, 1], 0)):
        yield Case("split", (x, parts, axis))
    for axis in (0, 1, -1):
        yield Case("unstack", (fed(reals(2, 3, 2)),), {"axis": axis})
    table, rows = fed(reals(5, 3)), fed(np.int32([[0, 4], [2, 2]]))
    yield Case("gather", (table, rows))
    yield Case("gather", (table, fed(np.int64([2, 0]))), {"axis": 1})
    yield Case("gather", (table, fed(np.int32([5]))))
    yield Case("gather", (table, fed(np.int32([-1]))))
    yield Case("gather", (table, fed(np.zeros(0, np.int32))))
    yield Case("gather", (fed(reals(2, 4)), fed(np.int32([[1, 0], [3, 3]]))), {"batch_dims": 1})
    yield Case("batch_gather", (fed(reals(2, 4)), fed(np.int32([[1, 0], [3, 3]]))))
    for where in ([[0, 1], [4, 2]], [[1], [1]], [], [[5, 0]], [[[0, 0]], [[1, 2]]]):
        array = np.array(where, np.int32) if where else np.zeros((0, 2), np.int32)
        yield Case("gather_nd", (table, fed(array)))
    for shape in ((4,), (4, 5)):
        yield Case("boolean_mask", (x, fed(truths(*shape))))
    yield Case("boolean_mask", (x, fed(np.zeros(4, bool))))
    yield Case("boolean_mask", (x, fed(truths(5))), {"axis": 1})
    yield Case("where", (fed(truths(3, 4)),))
    yield Case("where", (fed(np.zeros((2, 2), bool)),))


def _joined() -> Iterator[Case]:
    for axis in (0, 1, -1, 2):
        yield Case("concat", ([fed(reals(2, 3)), fed(reals(2, 3, seed=1))], axis))
    yield Case("concat", ([fed(reals(2, 3)), fed(reals(1, 3))], 0))
    yield Case("concat", ([fed(reals(2, 3)), fed(reals(1, 3))], 1))
    yield Case("concat", ([fed(reals(2, 3), (None, 3)), fed(np.zeros((0, 3), np.float32))], 0))
    yield Case("concat", ([fed(reals(2)), fed(whole(2))], 0))
    for axis in (0, 1, -1, 3):
        yield Case("stack", ([fed(reals(2, 3)), fed(reals(2, 3, seed=1))],), {"axis": axis})
    yield Case("stack", ([fed(reals(2)), 1.0],))
    yield Case("parallel_stack", ([fed(reals(2)), fed(reals(2, seed=1))],))
    yield Case("meshgrid", (fed(reals(2)), fed(reals(3))))
    yield Case("meshgrid", (fed(reals(2)), fed(reals(3))), {"indexing": "ij"})
    ids = [fed(np.int32([0, 3])), fed(np.int32([1, 2, 3]))]
    yield Case("dynamic_stitch", (ids, [fed(reals(2, 2)), fed(reals(3, 2, seed=1))]))
    yield Case("dynamic_partition", (fed(reals(5, 2)), fed(np.int32([0, 2, 0, 1, 2])), 3))
    yield Case("dynamic_partition", (fed(reals(3)), fed(np.int32([0, 3, 0])), 2))


def _made() -> Iterator[Case]:
    for args in ((5,), (2, 8), (8, 2, -2), (0.0, 1.0, 0.25), (3, 3), (2, 9, -1)):
        yield Case("range", args)
    yield Case("range", (fed(np.int32(4)),))
    for args in ((0.0, 1.0, 5), (2.0, 2.0, 1), (3.0, -1.0, 4)):
        yield Case("linspace", args)
    for kwargs in ({}, {"num_columns": 4}, {"batch_shape": [2]}, {"dtype": "tf.int32"}):
        yield Case("eye", (3,), kwargs)
    yield Case("fill", ([2, 3], 1.5))
    yield Case("fill", ([0, 3], 1))
    yield Case("zeros", ([2, 3],))
    yield Case("ones", ([2], "tf.int64"))
    for more in ({}, {"on_value": 5.0, "off_value": -1.0}, {"axis": 0}, {"dtype": "tf.int32"}):
        yield Case("one_hot", (fed(np.int32([0, 2, -1, 5])), 3), more)
    yield Case("one_hot", (fed(np.int64([[0, 1]])), 2), {"axis": 1})
    for more in ({}, {"maxlen": 5}, {"maxlen": 2, "dtype": "tf.float32"}):
        yield Case("sequence_mask", (fed(np.int32([1, 0, 3])),), more)
    yield Case("sequence_mask", (fed(np.int32([[1, 2], [0, 3]])),), {"maxlen": 3})


def _diagonals() -> Iterator[Case]:
    yield Case("diag", (fed(reals(3)),))
    yield Case("diag", (fed(reals(2, 3)),))
    yield Case("diag_part", (fed(reals(3, 3)),))
    yield Case("diag_part", (fed(reals(2, 3, 2, 3)),))
    yield Case("diag_part", (fed(reals(2, 3)),))
    yield Case("matrix_diag", (fed(reals(2, 3)),))
    yield Case("matrix_diag_part", (fed(reals(2, 3, 4)),))
    yield Case("matrix_set_diag", (fed(reals(2, 3, 4)), fed(reals(2, 3, seed=1))))
    yield Case("trace", (fed(reals(2, 3, 4)),))
    for low, high in ((0, 0), (1, 1), (-1, 0), (0, -1), (5, 5)):
        yield Case("matrix_band_part", (fed(reals(2, 4, 3)), low, high))


def _blocks() -> Iterator[Case]:
    yield Case("space_to_depth", (fed(reals(1, 4, 6, 2)), 2))
    yield Case("space_to_depth", (fed(reals(1, 3, 4, 2)), 2))
    yield Case("depth_to_space", (fed(reals(1, 2, 3, 8)), 2))
    yield Case("space_to_batch", (fed(reals(1, 4, 4, 1)), [[0, 0], [0, 0]], 2))
    yield Case("batch_to_space", (fed(reals(4, 2, 2, 1)), [[0, 0], [0, 1]], 2))
    yield Case("space_to_batch_nd", (fed(reals(1, 4, 5, 1)), [2, 3], [[0, 0], [0, 1]]))
    yield Case("batch_to_space_nd", (fed(reals(6, 2, 2, 1)), [2, 3], [[0, 0], [1, 2]]))
    patches = {"ksizes": [1, 2, 3, 1], "strides": [1, 1, 2, 1], "rates": [1, 1, 1, 1]}
    for padding in ("VALID", "SAME"):
        yield Case("extract_image_patches", (fed(reals(1, 4, 5, 2)),),
                   {**patches, "padding": padding})  # fmt: skip
