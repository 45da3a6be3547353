"""Sparse tensors, embeddings, and writes of some rows of a variable."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, texts, whole
from tests.against_tensorflow.outcome import Case, Entries, Fed, Held


def cases() -> Iterator[Case]:
    yield from _one()
    yield from _two()
    yield from _reduced()
    yield from _dense()
    yield from _looked_up()
    yield from _rows_written()


def entries(places: list, shape: tuple[int, ...], dtype: str = "float32", seed: int = 0) -> Entries:
    count = len(places)
    given = reals if dtype.startswith("float") else whole
    return Entries(np.array(places), fed(given(count, dtype=dtype, seed=seed)), shape)


A = entries([[0, 1], [2, 0], [2, 3]], (4, 4))
B = entries([[0, 1], [1, 2], [2, 3], [3, 3]], (4, 4), seed=2)
WHOLE = entries([[0, 1], [2, 0], [2, 3]], (4, 4), "int64")
MIXED = entries([[2, 3], [0, 1], [2, 0]], (4, 4))
CUBE = entries([[0, 0, 1], [0, 1, 0], [1, 0, 2], [1, 1, 0], [1, 1, 2]], (2, 2, 3), "float64")
NONE = entries([], (4, 4))
LINE = entries([[1], [3]], (5,))
IDS = Entries(np.array([[0, 0], [0, 1], [2, 0]]), fed(np.int64([3, 0, 4])), (4, 3))


def _one() -> Iterator[Case]:
    for sp in (A, MIXED, CUBE, NONE, LINE, WHOLE):
        yield Case("sparse_reorder", (sp,))
        yield Case("sparse.expand_dims", (sp,), {"axis": -1})
        yield Case("sparse.expand_dims", (sp,), {"axis": 0})
        for validated in (True, False):
            yield Case("sparse_tensor_to_dense", (sp,), {"validate_indices": validated})
    for sp in (A, CUBE, NONE, LINE, WHOLE):
        rank = len(sp.shape)
        yield Case("sparse_transpose", (sp,))
        yield Case("sparse_reshape", (sp, [-1]))
        yield Case("sparse_reshape", (sp, list(sp.shape[::-1])))
        yield Case("sparse_retain", (sp, np.arange(len(sp.places)) % 2 == 0))
        yield Case("sparse_slice", (sp, [1] * rank, [2] * rank))
        yield Case("sparse_slice", (sp, [0] * rank, [9] * rank))
        yield Case("cast", (sp, "tf.float64"))
        yield Case("square", (sp,))
        yield Case("shape", (sp,))
    for sp in (A, CUBE, NONE):
        yield Case("sparse_softmax", (sp,))
    yield Case("sparse_transpose", (CUBE, [2, 0, 1]))
    yield Case("sparse_reshape", (A, [5, 3]), note="another size")
    yield Case("sparse_split", (), {"sp_input": A, "num_split": 2, "axis": 1})
    yield Case("sparse_split", (), {"sp_input": A, "num_split": 3, "axis": 0})
    for sp in (A, NONE):
        yield Case("sparse_fill_empty_rows", (sp, 9.0))
    yield Case("sparse_reset_shape", (A,))
    yield Case("sparse_reset_shape", (A, [5, 4]))
    yield Case("sparse_reset_shape", (A, [3, 4]), note="too small")
    yield Case("sparse_to_indicator", (IDS, 6))
    yield Case("sparse_to_indicator", (IDS, 4), note="too small")
    yield Case("sparse_merge", (IDS, Entries(IDS.places, fed(reals(3)), IDS.shape), 6))


def _two() -> Iterator[Case]:
    for pair in ((A, B), (A, NONE), (NONE, NONE), (B, A)):
        yield Case("sparse_add", pair)
        yield Case("sparse_maximum", pair, gradients=False)  # theirs raises
        yield Case("sparse_minimum", pair, gradients=False)
        for axis in (0, 1, -1):
            yield Case("sparse_concat", (axis, list(pair)), gradients=False)  # theirs has none
    yield Case("sparse_add", (A, B), {"threshold": 1.0})
    yield Case("sparse_add", (A, LINE), note="ranks differ")
    yield Case("sparse_add", (A, fed(reals(4, 4))))
    yield Case("sparse_concat", (0, [A, CUBE]), note="ranks differ")
    other = entries([[0, 1]], (2, 3), seed=4)
    yield Case("sparse_concat", (0, [A, other]), note="sizes differ")
    given = {"expand_nonconcat_dim": True}
    yield Case("sparse_concat", (0, [A, other]), given, gradients=False)


def _reduced() -> Iterator[Case]:
    for word in ("sum", "max"):
        for sp in (A, CUBE, WHOLE, LINE):
            for axis in (None, 0, -1, list(range(len(sp.shape)))):
                for keep in (False, True):
                    given = {"axis": axis, "keepdims": keep}
                    yield Case(f"sparse_reduce_{word}", (sp,), given, gradients=word == "sum")
                    yield Case(f"sparse_reduce_{word}_sparse", (sp,), given, gradients=False)
        yield Case(f"sparse_reduce_{word}", (NONE, 1), gradients=False)


def _dense() -> Iterator[Case]:
    for sp in (A, MIXED, NONE):
        for turned in (False, True):
            for other in (False, True):
                given = {"adjoint_a": turned, "adjoint_b": other}
                yield Case("sparse_tensor_dense_matmul", (sp, fed(reals(4, 4, seed=3))), given)
    yield Case("sparse_tensor_dense_matmul", (A, fed(reals(3, 2))), note="inner sizes differ")
    outside = entries([[0, 9]], (4, 4))
    yield Case("sparse_tensor_dense_matmul", (outside, fed(reals(4, 2))), note="outside")
    yield Case("sparse_to_dense", (np.int32([1, 3]), [5], fed(reals(2))), gradients=False)
    yield Case("sparse_to_dense", (np.int32([1, 3]), [5], fed(reals(2)), 7.0), gradients=False)
    yield Case("sparse_to_dense", (2, [5], fed(reals())), gradients=False)
    yield Case("sparse_to_dense", (np.int32([[1], [3]]), [5], fed(reals(2)), 7.0))
    yield Case("sparse_to_dense", (np.int32([[0, 1], [2, 0]]), [3, 2], fed(whole(2))))
    yield Case("sparse_to_dense", (np.int32([3, 1]), [5], fed(reals(2))), note="out of order")
    yield Case("sparse_to_dense", (np.int32([1, 1]), [5], fed(reals(2))), note="repeated")
    yield Case("sparse_to_dense", (np.int32([1, 5]), [5], fed(reals(2))), note="outside")
    yield Case("sparse_to_dense", (np.int32([1, 3]), [5], fed(texts("a", "b")), ""))
    yield Case("sparse.from_dense", (fed(whole(3, 4)),))


def _looked_up() -> Iterator[Case]:
    table = fed(reals(6, 2))
    parts = [fed(reals(4, 2)), fed(reals(4, 2, seed=1)), fed(reals(3, 2, seed=2))]
    for strategy in ("mod", "div"):
        ids = np.int32([[0, 10, 3], [7, 7, 2]])
        for norm in (None, 1.0):
            given = {"partition_strategy": strategy, "max_norm": norm}
            yield Case("nn.embedding_lookup", (parts, ids), given)
    yield Case("nn.embedding_lookup", (table, np.int64([5, 0])), {"max_norm": 0.5})
    yield Case("nn.embedding_lookup", (table, np.int64([6])), note="outside")
    ids = Entries(np.array([[0, 0], [0, 1], [1, 0], [2, 2]]), fed(np.int64([3, 0, 4, 4])), (3, 3))
    weights = Entries(ids.places, fed(np.float32([1, 2, 0.5, 3])), ids.shape)
    for combiner in ("sum", "mean", "sqrtn"):
        for w in (None, weights):
            given = {"combiner": combiner}
            yield Case("nn.embedding_lookup_sparse", (table, ids, w), given)
    holes = Entries(
        np.array([[0, 0, 0], [0, 1, 1], [1, 1, 0]]), fed(np.int64([3, -1, 4])), (2, 2, 2)
    )
    for default in (None, 2):
        given = {"default_id": default}
        yield Case("nn.safe_embedding_lookup_sparse", ([table], holes), given)


def _rows_written() -> Iterator[Case]:
    given: tuple[tuple[Held, Fed], ...] = (
        (Held(reals(5, 3)), fed(reals(4, 3, low=0.5, seed=1))),
        (Held(whole(5, 3)), fed(whole(4, 3, low=1, seed=1))),
    )
    for held, updates in given:
        for word in ("update", "add", "sub", "mul", "div", "min", "max"):
            name = f"scatter_{word}"
            yield Case(name, (held, np.int32([1, 3, 1, 0]), updates), gradients=False)
        for word in ("update", "add", "sub"):
            places = np.int64([[1], [3], [1], [0]])
            yield Case(f"scatter_nd_{word}", (held, places, updates), gradients=False)
    held = given[0][0]
    yield Case("scatter_add", (held, 3, fed(reals(3))), gradients=False)
    yield Case("scatter_mul", (held, np.int32([1, 1]), 2.0), gradients=False)
    yield Case("scatter_add", (held, np.int32([5]), fed(reals(1, 3))), gradients=False)
    yield Case("scatter_add", (held, np.int32([-1]), fed(reals(1, 3))), gradients=False)
    yield Case("scatter_add", (held, np.int32([1]), fed(reals(2, 3))), gradients=False)
    places = np.int32([[1, 2], [0, 0], [1, 2]])
    yield Case("scatter_nd_add", (held, places, fed(reals(3))), gradients=False)
    batch = np.int32([[1, 2], [3, 0]])
    more = (Held(reals(2, 4, 3)), batch, fed(reals(2, 2, 3, seed=1)))
    yield Case("batch_scatter_update", more, gradients=False)
