"""Assertions and checks, of what holds and of what does not, known when built and only when run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, special, texts, truths, whole
from tests.against_tensorflow.outcome import Case

PAIRS = ("equal", "none_equal", "less", "less_equal", "greater", "greater_equal", "near")
SIGNS = ("negative", "positive", "non_negative", "non_positive")


def cases() -> Iterator[Case]:
    yield from _compared()
    yield from _ranks()
    yield from _types()
    yield from _passed_through()


def _compared() -> Iterator[Case]:
    low, high = np.float32([1, 2]), np.float32([3, 4])
    for word in PAIRS:
        name = f"assert_{word}"
        for a, b in ((low, high), (high, low), (low, low), (low, np.float32([2, 1]))):
            yield Case(name, (fed(a), fed(b)))
            yield Case(name, (a.tolist(), b.tolist()))
        yield Case(name, (fed(low), fed(np.float32([3, 4, 5]))))
        yield Case(name, (fed(low), fed(whole(2))))
        yield Case(name, (fed(np.float32([])), fed(low)))
        yield Case(name, (fed(np.zeros((0,), np.float32)), 1.0))
        yield Case(name, (fed(special()), fed(special())))
        yield Case(name, (fed(low), 1.0), {"message": "one", "data": [[1, 2]], "summarize": 1})
    for given in ({"atol": 0.1}, {"rtol": 0.1}, {"rtol": 0.0, "atol": 0.0}):
        yield Case("assert_near", (fed(low), fed(low + np.float32(0.05))), given)
    for word in SIGNS:
        name = f"assert_{word}"
        for values in ([1, 2], [-1, -2], [0, 1], [0, -1], [0, 0], [-1, 1], []):
            yield Case(name, (fed(np.float32(values)),))
            yield Case(name, (values,))
        yield Case(name, (fed(special()),))
        yield Case(name, (fed(whole(3)),))


def _ranks() -> Iterator[Case]:
    for array in (reals(), reals(3), reals(2, 3)):
        for known in (False, True):
            x = fed(array, unknown_rank=not known)
            for rank in (0, 1, 2):
                yield Case("assert_rank", (x, rank))
                yield Case("assert_rank_at_least", (x, rank))
            yield Case("assert_rank_in", (x, [0, 1]))
            yield Case("assert_scalar", (x,))
    yield Case("assert_rank", (fed(reals(3)), 1.0))
    yield Case("assert_rank", (fed(reals(3)), [1]))
    yield Case("assert_rank_in", (fed(reals(3)), []))
    for shape in ((2, 3), (2, 4), (3,), (None, 3)):
        yield Case("ensure_shape", (fed(reals(2, 3)), shape))
        yield Case("ensure_shape", (fed(reals(2, 3), (None, None)), shape))
        yield Case("ensure_shape", (fed(reals(2, 3), unknown_rank=True), shape))
    x, y = fed(reals(2, 3)), fed(reals(3, 4))
    for sizes in (("N", "Q", "Q", "D"), ("N", "Q", "N", "D"), (2, 3, 3, 4), (2, 3, 3, 5),
                  (None, "D", "D", None)):  # fmt: skip
        given = [(x, list(sizes[:2])), (y, list(sizes[2:]))]
        yield Case("debugging.assert_shapes", (given,))


def _types() -> Iterator[Case]:
    arrays = reals(2), reals(2, dtype="float64"), whole(2), whole(2, dtype="int8"), truths(2)
    for array in (*arrays, texts("a")):
        x = fed(array)
        yield Case("assert_integer", (x,))
        yield Case("assert_type", (x, "tf.float32"))
        yield Case("debugging.is_numeric_tensor", (x,))
        yield Case("is_tensor", (x,))
        yield Case("assert_same_float_dtype", ([x, fed(reals(1))],))
        yield Case("assert_same_float_dtype", ([x], "tf.float64"))
        yield Case("check_numerics", (x, "bad"), gradients=array.dtype == np.float32)
    for values in ([1, 2], [np.nan], [np.inf, 1], []):
        yield Case("check_numerics", (fed(np.float32(values)), "bad"))
        yield Case("debugging.assert_all_finite", (fed(np.float32(values)), "bad"))
        yield Case("verify_tensor_all_finite", (fed(np.float32(values)), "bad"))
    yield Case("assert_proper_iterable", ([1, 2],))
    for value in (1, "a"):
        yield Case("assert_proper_iterable", (value,))
    for truth in (True, False):
        yield Case("Assert", (fed(np.asarray(truth)), [fed(reals(2))]))
        yield Case("Assert", (truth, ["no"]))
    yield Case("Assert", (fed(truths(3)), ["vector"]))
    yield Case("Assert", (fed(np.array([True, True])), ["vector"]))


def _passed_through() -> Iterator[Case]:
    x = fed(reals(2, 3))
    yield Case("Print", (x, [x, "text"]), {"message": ""})
    yield Case("guarantee_const", (x,))
    yield Case("identity_n", ([x, fed(whole(2))],))
    yield Case("tuple", ([x, fed(whole(2))],))
    yield Case("group", (x,))
    yield Case("no_op")
    yield Case("placeholder_with_default", (reals(2, 3), [None, 3]))
    yield Case("placeholder_with_default", (reals(2, 3), [2, 4]))
    yield Case("placeholder_with_default", (reals(2, 3), None))
    yield Case("get_static_value", (np.float32([1, 2]),))
    for dtype in ("float16", "float64", "int32", "bool"):
        yield Case("to_bfloat16", (fed(reals(3, low=0, high=3).astype(dtype)),), gradients=False)
    yield Case("scalar_mul", (2.0, x))
    yield Case("scalar_mul", (fed(reals()), x))
    yield Case("scalar_mul", (fed(reals(2)), x))
    yield Case("broadcast_static_shape", ("tf.TensorShape", "tf.TensorShape"), note="no shapes")
