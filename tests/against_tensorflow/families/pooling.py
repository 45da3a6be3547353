"""Windows that slide over pictures: their largest, their mean, and where the largest is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case


def cases() -> Iterator[Case]:
    yield from _pictures()
    yield from _other_ranks()
    yield from _any()
    yield from _places()
    yield from _refused()


def _pictures() -> Iterator[Case]:
    windows = (((2, 2), (2, 2)), ((3, 3), (2, 2)), ((3, 2), (1, 3)), ((1, 1), (2, 1)),
               ((4, 5), (1, 1)), ((2, 3), (3, 4)))  # fmt: skip
    for name, padding in product(("nn.max_pool", "nn.avg_pool"), ("SAME", "VALID")):
        for (window, strides), (h, w) in product(windows, ((4, 6), (5, 7))):
            how = ([1, *window, 1], [1, *strides, 1], padding)
            yield Case(name, (fed(reals(2, h, w, 3)), *how))
        x = reals(1, 5, 5, 2)
        for static in ((None, None, None, 2), (None, 5, 5, 2), (1, 5, None, None)):
            yield Case(name, (fed(x, static), [1, 3, 3, 1], [1, 2, 2, 1], padding))
        yield Case(name, (fed(x.astype(np.float64)), 2, 2, padding), tolerance=1e-12)
        yield Case(name, (fed(x.astype(np.float16)), 2, 1, padding))
        ties = whole(2, 5, 5, 2, low=0, high=2).astype(np.float32)
        yield Case(name, (fed(ties), 3, 2, padding), note="ties")
        yield Case(name, (fed(ties), 2, 2, padding), note="ties")
        yield Case(name, (fed(np.zeros((1, 4, 4, 1), np.float32)), [3, 3], [1, 1], padding))
        if name == "nn.avg_pool":  # of max pooling TensorFlow has no second gradient here
            yield Case(name, (fed(reals(1, 4, 5, 1)), 3, 2, padding), second=True)
        yield Case(name, (fed(reals(0, 4, 4, 1)), 2, 2, padding))
        yield Case(name, (fed(np.float32([[[[-3.0], [np.inf], [1.0]]]])), 1, 2, padding))
    for dtype in ("int32", "int64", "uint8", "int8"):
        x = whole(1, 4, 3, 2, low=0, high=9, dtype=dtype)
        yield Case("nn.max_pool", (fed(x), 2, 2, "SAME"))
    for k in (2, 4):
        depth = [1, 1, 1, k]
        x = fed(reals(2, 3, 3, 4))
        yield Case("nn.max_pool", (x, depth, depth, "VALID"), gradients=False)


def _other_ranks() -> Iterator[Case]:
    for kind, padding in product(("max", "avg"), ("SAME", "VALID")):
        for window, stride in ((2, 2), (3, 1), (3, 2), (1, 3)):
            yield Case(f"nn.{kind}_pool1d", (fed(reals(2, 7, 3)), window, stride, padding))
            yield Case(f"nn.{kind}_pool2d", (fed(reals(1, 5, 6, 2)), window, stride, padding))
            if (window, padding) != (1, "SAME"):  # TensorFlow's begin inside, unlike its 2d
                x = fed(reals(1, 4, 5, 3, 2))
                yield Case(f"nn.{kind}_pool3d", (x, window, stride, padding))
        boxes = ([1, 1, 2, 3, 1], [1, 2, 1, 2, 1])
        yield Case(f"nn.{kind}_pool3d", (fed(reals(2, 4, 3, 5, 1)), *boxes, padding))
        yield Case(f"nn.{kind}_pool1d", (fed(reals(2, 7, 3), (None, None, 3)), [2], [2], padding))
        for x in (reals(2, 7, 3), reals(1, 5, 6, 2), reals(1, 4, 5, 3, 2)):
            yield Case(f"nn.{kind}_pool_v2", (fed(x), 2, 2, padding))


def _any() -> Iterator[Case]:
    for kind, padding in product(("MAX", "AVG"), ("SAME", "VALID")):
        for x in (reals(2, 7, 3), reals(1, 5, 6, 2), reals(1, 4, 5, 3, 2)):
            window = [2] * (x.ndim - 2)
            yield Case("nn.pool", (fed(x), window, kind, padding))
            yield Case("nn.pool", (fed(x), window, kind, padding), {"strides": window})
    for kind in ("MAX", "AVG"):
        for rates in ([2, 2], [1, 3], [2, 1]):
            yield Case("nn.pool", (fed(reals(1, 7, 6, 2)), [3, 2], kind, "VALID", rates))


def _places() -> Iterator[Case]:
    ties = whole(2, 5, 4, 2, low=0, high=3).astype(np.float32)
    for x, padding, batched in product((reals(2, 5, 4, 2), ties), ("SAME", "VALID"), (False, True)):
        for window, strides in (([1, 2, 2, 1],) * 2, ([1, 3, 2, 1], [1, 2, 1, 1])):
            more = {"include_batch_in_index": batched}
            yield Case("nn.max_pool_with_argmax", (fed(x), window, strides, padding), more)
    static = (None, None, None, 2)
    unit = [1, 2, 2, 1]
    yield Case("nn.max_pool_with_argmax", (fed(ties, static), unit, unit, "SAME"))


def _refused() -> Iterator[Case]:
    x = fed(reals(1, 4, 4, 2))
    for name in ("nn.max_pool", "nn.avg_pool"):
        yield Case(name, (x, [1, 5, 1, 1], [1, 1, 1, 1], "VALID"))
        yield Case(name, (x, 2, 2, "FULL"))
        yield Case(name, (fed(reals(4, 4, 2)), 2, 2, "SAME"))
        yield Case(name, (x, [2, 2, 2], 1, "SAME"))
    yield Case("nn.avg_pool", (fed(whole(1, 4, 4, 1)), 2, 2, "SAME"))
    yield Case("nn.pool", (x, [2, 2], "MEAN", "SAME"))
    yield Case("nn.pool", (x, [2, 2], "MAX", "SAME", [2, 2]))
    yield Case("nn.pool", (x, [2, 2], "MAX", "VALID", [2, 2], [2, 2]))
