"""A tensor's operators, with tensors and with Python's literals; what a literal becomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.against_tensorflow.families.dtypes import of
from tests.against_tensorflow.inputs import fed, reals, truths, whole
from tests.against_tensorflow.outcome import Case

ARITHMETIC = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "div")
COMPARED = ("lt", "le", "gt", "ge")
LITERALS: tuple[Any, ...] = (
    2, 2.5, True, [1, 2, 3], [1.5, 2, 3], np.float32(2), np.int64(2), None, "a", 1j,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    1, 1.5, True, "a", b"a", 1j, None, [], [[]], [1, 2.5], [1, True], [True, 1], [1, "a"], (1, 2),
    [[1, 2], [3]], [[1], 2], 1 << 31, 1 << 40, -(1 << 31), [1 << 40, 1], [1.5, None],
    float("nan"), [[1.0], [2.0]],
)  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _operators()
    yield from _literals()
    yield from _items()
    yield from _values()


def _operators() -> Iterator[Case]:
    x, y = reals(2, 3, low=0.5, high=3), reals(2, 3, low=0.5, high=3, seed=1)
    for word in (*ARITHMETIC, *COMPARED):
        for dtype in ("float32", "int32", "int64", "float64"):
            a, b = fed((x * 3).astype(dtype)), fed((y * 3).astype(dtype))
            yield Case(f"Tensor.__{word}__", (a, b))
            yield Case(f"Tensor.__{word}__", (a, 2))
            if word in ARITHMETIC:
                yield Case(f"Tensor.__r{word}__", (a, 2))
    for word in ("and", "or", "xor"):
        yield Case(f"Tensor.__{word}__", (fed(truths(4)), fed(truths(4, seed=1))))
        yield Case(f"Tensor.__{word}__", (fed(truths(4)), True))
        yield Case(f"Tensor.__r{word}__", (fed(truths(4)), True))
        yield Case(f"Tensor.__{word}__", (fed(whole(4)), fed(whole(4, seed=1))))
        yield Case(f"Tensor.__{word}__", (fed(reals(4)), fed(reals(4, seed=1))))
    for word in ("neg", "abs", "invert"):
        for array in (reals(3), whole(3), truths(3)):
            yield Case(f"Tensor.__{word}__", (fed(array),))
    yield Case("Tensor.__matmul__", (fed(reals(2, 3)), fed(reals(3, 2, seed=1))))
    yield Case("Tensor.__rmatmul__", (fed(reals(2, 3)), reals(4, 2)))
    yield Case("Tensor.__matmul__", (fed(reals(3)), fed(reals(3, 2))))


def _literals() -> Iterator[Case]:
    for dtype in ("float32", "float64", "float16", "int32", "int64", "uint8", "bool", "complex64"):
        for literal in LITERALS:
            x = of(dtype)
            yield Case("Tensor.__add__", (x, literal))
            yield Case("Tensor.__rmul__", (x, literal), gradients=False)
            yield Case("maximum", (x, literal), gradients=False)
            yield Case("greater", (x, literal))
            yield Case("stack", ([x, literal],), gradients=False)
    yield Case("multiply", (2, of("float32")))
    for name in ("add", "subtract", "divide", "pow", "maximum", "equal", "truediv", "floordiv"):
        for a, b in ((1, 2), (1, 2.5), (2.5, 1), (1.5, 2.5), (True, 2), ([1, 2], 2), ([1.5], [2])):
            yield Case(name, (a, b), note="literals")
    for name in ("square", "exp", "abs", "reduce_mean", "reduce_sum", "sign", "zeros_like"):
        for a in (3, 2.5, [1, 2], [1.5, 2], True):
            yield Case(name, (a,), note="literals")
    for a, b in (([1.0], [2.0]), ([1], [2.0]), ([[1]], [[2]])):
        yield Case("concat", ([a, b], 0), note="literals")
        yield Case("stack", ([a, b],), note="literals")


def _items() -> Iterator[Case]:
    x = fed(reals(4, 3, 2))
    for item in (
        0, -1, slice(1, 3), slice(None, None, -1), slice(None, None, 2), Ellipsis, None, (0, 1),
        (Ellipsis, 0), (None, 0), (slice(None), None, 1), (0, Ellipsis, None), 4, -5, (0, 0, 0, 0),
        slice(9, 2), slice(0, 0), (Ellipsis, Ellipsis), 1.5, "a", True,
    ):  # fmt: skip
        yield Case("Tensor.__getitem__", (x, item))
    yield Case("Tensor.__getitem__", (x, fed(np.asarray(2, np.int32))))
    yield Case("Tensor.__getitem__", (x, fed(np.asarray(9, np.int32))))
    yield Case("Tensor.__getitem__", (x, fed(np.asarray([2, 0], np.int32))))
    yield Case("Tensor.__getitem__", (fed(reals(4, 3), (None, 3)), (slice(1, None), 0)))
    yield Case("Tensor.__getitem__", (fed(reals(4, 3), unknown_rank=True), 1))
    yield Case("Tensor.__getitem__", (fed(reals(4, 3), unknown_rank=True), (Ellipsis, 1)))


def _values() -> Iterator[Case]:
    for value in VALUES:
        yield Case("constant", (value,))
        yield Case("convert_to_tensor", (value,))
        for dtype in ("float32", "int32", "int64", "uint8", "bool", "string", "complex64"):
            yield Case("constant", (value, f"tf.{dtype}"))
            yield Case("convert_to_tensor", (value,), {"dtype": f"tf.{dtype}"})
        for wish in ("float64", "int64"):
            yield Case("convert_to_tensor", (value,), {"preferred_dtype": f"tf.{wish}"})
    for value, shape in ((1, [2, 3]), ([1, 2], [4]), ([1, 2, 3, 4], [2, 2]), ([1, 2, 3], [2]),
                         ([], [0, 3]), (1.5, []), ([1], [])):  # fmt: skip
        yield Case("constant", (value,), {"shape": shape})
        if value:
            yield Case("constant", (value,), {"shape": shape, "verify_shape": True})
    for array in (reals(2), whole(2, dtype="int8"), truths(2), reals(2, dtype="float64")):
        yield Case("constant", (fed(array),), note="a tensor")
        yield Case("convert_to_tensor", (fed(array), "tf.float32"))
        for ask in ("float32", "int32", "int64"):
            yield Case("constant", (array, f"tf.{ask}"), note="an array")
            yield Case("convert_to_tensor", (array, f"tf.{ask}"), note="an array")
