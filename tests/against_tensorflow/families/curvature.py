"""Gradients of gradients, of what is smooth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.families.elementwise import UNARY
from tests.against_tensorflow.inputs import fed, reals
from tests.against_tensorflow.outcome import Case, Fed

KINKED = (
    "abs", "sign", "floor", "ceil", "rint", "round", "stop_gradient", "zeros_like", "ones_like",
    "math.ndtri",
)  # fmt: skip
REDUCED = (
    "reduce_sum", "reduce_mean", "reduce_prod", "reduce_logsumexp", "math.reduce_std",
    "math.reduce_variance", "math.reduce_euclidean_norm", "reduce_max", "cumsum", "cumprod",
    "math.cumulative_logsumexp", "nn.softmax", "nn.log_softmax", "nn.l2_normalize",
)  # fmt: skip


def cases() -> Iterator[Case]:
    for name, (low, high) in UNARY.items():
        if name not in KINKED:
            yield curved(name, wide(3, low=low, high=high))
    for name in REDUCED:
        yield curved(name, wide(2, 4, low=0.5, high=2), 1)
        yield curved(name, wide(3, 2, low=0.5, high=2), 0)
    for name in ("add", "subtract", "multiply", "divide", "pow", "atan2", "squared_difference",
                 "maximum", "div_no_nan", "realdiv", "truediv", "math.xlogy",
                 "math.xdivy"):  # fmt: skip
        yield curved(name, wide(2, 3, low=0.5, high=2), wide(3, low=0.5, high=2, seed=1))
    yield from _products()
    yield from _losses()
    yield from _moved()


def wide(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Fed:
    return fed(reals(*shape, low=low, high=high, dtype="float64", seed=seed))


def curved(name: str, *args: object, **more: object) -> Case:
    return Case(name, args, dict(more), second=True, tolerance=1e-7)


def _products() -> Iterator[Case]:
    x, y = wide(2, 3), wide(3, 4, seed=1)
    yield curved("matmul", x, y)
    yield curved("matmul", wide(3, 2), wide(4, 3, seed=1), transpose_a=True, transpose_b=True)
    yield curved("matmul", wide(2, 2, 3), wide(2, 3, 2, seed=1))
    yield curved("tensordot", x, y, 1)
    yield curved("einsum", "ij,jk->k", x, y)
    yield curved("nn.xw_plus_b", x, y, wide(4, seed=2))
    positive = np.float64([[4, 1, 0.5], [1, 3, 0.2], [0.5, 0.2, 2]])
    for name in ("matrix_inverse", "matrix_determinant"):
        yield curved(name, fed(positive))
    yield curved("matrix_solve", fed(positive), wide(3, 2))
    yield curved("cholesky", fed(positive))
    yield curved("trace", wide(3, 3))
    yield curved("cross", wide(2, 3), wide(2, 3, seed=1))
    yield curved("norm", wide(2, 3))
    yield curved("norm", wide(2, 3), 2, 1)
    yield curved("nn.l2_loss", x)
    yield curved("clip_by_norm", wide(4), 1.0)
    yield curved("clip_by_value", wide(4), -1.0, 1.0)


def _losses() -> Iterator[Case]:
    labels, logits = np.float64([[0, 1, 0], [0.2, 0.3, 0.5]]), wide(2, 3)
    for name in ("softmax_cross_entropy_with_logits", "sigmoid_cross_entropy_with_logits"):
        yield curved(f"nn.{name}", labels=labels, logits=logits)
    yield curved("nn.sparse_softmax_cross_entropy_with_logits", labels=[2, 0], logits=logits)
    yield curved("nn.weighted_cross_entropy_with_logits", labels, logits, 2.0)
    for name in ("mean_squared_error", "huber_loss", "log_loss"):
        given = wide(2, 3, low=0.1, high=0.9), wide(2, 3, low=0.1, high=0.9, seed=2)
        yield Case(f"losses.{name}", given, second=True, tolerance=1e-4)
    more = [wide(3, low=0.5, high=2, seed=k) for k in range(4)]
    yield curved("nn.batch_normalization", wide(2, 3), *more, 1e-3)
    yield curved("nn.moments", wide(3, 2), [0])


def _moved() -> Iterator[Case]:
    x = wide(2, 3, low=0.5, high=2)
    yield curved("concat", [x, wide(2, 1)], 1)
    yield curved("stack", [x, wide(2, 3, seed=1)])
    yield curved("gather", x, fed(np.int32([1, 0, 1])))
    yield curved("tile", x, [2, 1])
    yield curved("pad", x, [[1, 0], [0, 1]])
    yield curved("unsorted_segment_sum", x, fed(np.int32([1, 0])), 2)
    yield curved("segment_mean", x, fed(np.int32([0, 0])))
    yield curved("segment_prod", x, fed(np.int32([0, 0])))
    yield curved("where", fed(np.array([True, False])), x, wide(2, 3, seed=1))
    yield curved("nn.top_k", x, 2)
    yield curved("nn.embedding_lookup", x, fed(np.int32([1, 1])))
    yield curved("dynamic_stitch", [[0], [1]], [wide(1, 2), wide(1, 2, seed=1)])
    for order in (1, 2):
        yield curved("hessians", *squares(order))
    yield curved("cast", x, "tf.float32")


def squares(order: int) -> tuple[object, object]:
    """A tensor as its own objective: its Hessian is nothing."""
    x = wide(*[1] * order)
    return x, x
