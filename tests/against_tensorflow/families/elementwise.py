"""Element-wise functions of one and of two tensors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, special, truths, whole
from tests.against_tensorflow.outcome import Case

# name: where the function is defined, for inputs that have a gradient
UNARY = {
    "abs": (-2, 2), "negative": (-2, 2), "sign": (-2, 2), "square": (-2, 2), "sqrt": (0.1, 4),
    "rsqrt": (0.1, 4), "exp": (-3, 3), "expm1": (-3, 3), "log": (0.1, 4), "log1p": (-0.9, 3),
    "floor": (-4, 4), "ceil": (-4, 4), "rint": (-4, 4), "round": (-4, 4), "reciprocal": (0.3, 3),
    "sin": (-4, 4), "cos": (-4, 4), "tan": (-1.4, 1.4), "asin": (-0.9, 0.9), "acos": (-0.9, 0.9),
    "atan": (-3, 3), "sinh": (-3, 3), "cosh": (-3, 3), "tanh": (-3, 3), "asinh": (-3, 3),
    "acosh": (1.1, 4), "atanh": (-0.9, 0.9), "erf": (-2, 2), "erfc": (-2, 2), "lgamma": (0.2, 5),
    "digamma": (0.2, 5), "sigmoid": (-4, 4), "log_sigmoid": (-4, 4),
    "nn.relu": (-2, 2), "nn.relu6": (-3, 9), "nn.elu": (-3, 3), "nn.selu": (-3, 3),
    "nn.softplus": (-4, 4), "nn.softsign": (-3, 3), "nn.leaky_relu": (-3, 3), "nn.swish": (-3, 3),
    "math.bessel_i0e": (-3, 3), "math.bessel_i1e": (-3, 3), "math.ndtri": (0.05, 0.95),
    "math.erfinv": (-0.9, 0.9), "stop_gradient": (-2, 2), "identity": (-2, 2),
    "zeros_like": (-2, 2), "ones_like": (-2, 2),
}  # fmt: skip
INTEGER = ("abs", "negative", "sign", "square", "identity", "zeros_like", "ones_like")
# At -0.0, infinities and beyond their domain these say what TensorFlow says.
AT_THE_EDGES = [n for n in UNARY if n not in ("stop_gradient", "identity")]

BINARY = ("add", "subtract", "multiply", "divide", "maximum", "minimum", "squared_difference",
          "realdiv", "truediv", "div_no_nan")  # fmt: skip
WITH_INTEGERS = ("add", "subtract", "multiply", "maximum", "minimum", "squared_difference",
                 "floordiv", "floormod", "mod", "truncatediv", "truncatemod", "div", "floor_div",
                 "truediv", "divide", "pow")  # fmt: skip
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift")
# A scalar, equal shapes, a row and a column, nothing, one element.
SHAPES = [((2, 3), ()), ((2, 3), (2, 3)), ((3,), (2, 1)), ((0, 3), (3,)), ((1,), (1,)),
          ((2, 1, 3), (4, 1))]  # fmt: skip


def cases() -> Iterator[Case]:
    yield from _unary()
    yield from _binary()
    yield from _conditions()
    yield from _others()


def _unary() -> Iterator[Case]:
    for name, (low, high) in UNARY.items():
        yield Case(name, (fed(reals(3, 4, low=low, high=high)),))
        yield Case(name, (fed(reals(2, 3, low=low, high=high, dtype="float64"), (None, 3)),))
        yield Case(name, (fed(np.zeros((0, 2), np.float32)),))
        yield Case(name, (fed(reals(5, low=low, high=high, seed=1), unknown_rank=True),))
    for name in AT_THE_EDGES:
        yield Case(name, (fed(special()),), gradients=False)
    for name in INTEGER:
        for dtype in ("int32", "int64", "int8"):
            yield Case(name, (fed(whole(2, 3, dtype=dtype)),))
    for name in ("sin", "exp", "tanh", "sqrt", "nn.relu", "sigmoid"):
        low, high = UNARY[name]
        half = reals(6, low=low, high=high, dtype="float16")
        yield Case(name, (fed(half),), tolerance=1e-2)
        yield Case(name, (fed(whole(3)),), note="integers")


def _binary() -> Iterator[Case]:
    for name in BINARY:
        for a, b in SHAPES:
            yield Case(name, (fed(reals(*a)), fed(reals(*b, low=0.4, high=2, seed=3))))
        yield Case(name, (fed(reals(2, 3), (None, 3)), fed(reals(2, 3, seed=1), (None, None))))
        yield Case(name, (fed(reals(2, 3)), 2.0))
        yield Case(name, (fed(reals(2, 3)), fed(reals(2, 3, dtype="float64"))))
        yield Case(name, (fed(reals(2, 3)), fed(reals(2, 4))))
        edges = np.repeat(special(), 11), np.tile(special(), 11)
        yield Case(name, tuple(map(fed, edges)), gradients=False)
    for name in WITH_INTEGERS:
        for dtype in ("int32", "int64"):
            a, b = whole(4, 5, dtype=dtype), whole(5, low=1, high=4, dtype=dtype)
            yield Case(name, (fed(a), fed(b)))
        if name != "pow":
            yield Case(name, (fed(whole(4, 5)), fed(whole(5, low=-4, high=-1))))
        yield Case(name, (fed(reals(4, 5, low=-9, high=9)), fed(reals(5, low=0.5, high=3))))
        yield Case(name, (fed(whole(3)), 2))
    for name in ("floordiv", "floormod", "truncatediv", "truncatemod", "div"):
        yield Case(name, (fed(whole(3)), fed(np.array([1, 0, 2], np.int32))), note="by zero")
    for a, b in SHAPES[:3]:
        yield Case("pow", (fed(reals(*a, low=0.2, high=3)), fed(reals(*b, seed=2))))
        yield Case("atan2", (fed(reals(*a)), fed(reals(*b, seed=2))))
    for base in (-2.0, 0.0, 3.0):
        yield Case("pow", (fed(np.full(5, base, np.float32)), fed(np.float32([-1, 0, 1, 2, 0.5]))),
                   gradients=False)  # fmt: skip
    for name in BITS:
        amounts = whole(4, low=0, high=5)
        yield Case(f"bitwise.{name}", (fed(whole(4, low=-9, high=30)), fed(amounts)))
    yield Case("bitwise.invert", (fed(whole(4)),))


def _conditions() -> Iterator[Case]:
    for name in COMPARISONS:
        for a, b in SHAPES:
            yield Case(name, (fed(whole(*a)), fed(whole(*b, seed=1))))
        yield Case(name, (fed(np.repeat(special(), 11)), fed(np.tile(special(), 11))))
        yield Case(name, (fed(whole(3)), fed(reals(3))))
    for name in ("logical_and", "logical_or", "logical_xor"):
        yield Case(name, (fed(truths(2, 3)), fed(truths(3, seed=1))))
    yield Case("logical_not", (fed(truths(5)),))
    for name in ("is_nan", "is_inf", "is_finite"):
        yield Case(name, (fed(special()),))


def _others() -> Iterator[Case]:
    x = fed(reals(3, 4))
    for low, high in ((-1.0, 1.0), (0.0, 6.0), (-0.5, -0.5)):
        yield Case("clip_by_value", (x, low, high))
    yield Case("clip_by_value", (fed(whole(4)), -2, 2))
    for dtype in ("float64", "int32", "int64", "bool", "float16", "uint8"):
        yield Case("cast", (fed(reals(3, 4, low=0, high=9)), f"tf.{dtype}"), tolerance=4e-3)
        yield Case("cast", (fed(whole(6, low=0)), f"tf.{dtype}"))
    yield Case("cast", (fed(truths(6)), "tf.float32"))
    for dtype in ("int32", "uint8", "int8"):
        yield Case("saturate_cast", (fed(reals(6, low=-500, high=500)), f"tf.{dtype}"))
    for name in ("to_float", "to_double", "to_int32", "to_int64"):
        yield Case(name, (fed(reals(4, low=0, high=5)),))
    yield Case("where", (fed(truths(2, 3)), fed(reals(2, 3)), fed(reals(2, 3, seed=1))))
    yield Case("where", (fed(truths(2)), fed(reals(2, 3)), fed(reals(2, 3, seed=1))))
    yield Case("where", (fed(truths(2, 3)), fed(reals(2, 3)), fed(reals(3, 2))))
    yield Case("add_n", ([fed(reals(2, 3)), fed(reals(2, 3, seed=1)), fed(reals(2, 3, seed=2))],))
    yield Case("accumulate_n", ([fed(reals(2)), fed(reals(2, seed=1))],))
    for a in (0.5, 2.0, 9.0):
        yield Case("igamma", (a, fed(reals(5, low=0.1, high=9))), tolerance=1e-4)
        yield Case("igammac", (a, fed(reals(5, low=0.1, high=9))), tolerance=1e-4)
        yield Case("betainc", (a, 1.5, fed(reals(5, low=0.1, high=0.9))), tolerance=1e-4)
    for order in (1.0, 2.0, 3.0):
        yield Case("polygamma", (order, fed(reals(5, low=0.5, high=6))), tolerance=1e-4)
        yield Case("zeta", (order + 1, fed(reals(5, low=0.5, high=6))), tolerance=1e-4)
    yield Case("lbeta", (fed(reals(2, 3, low=0.3, high=4)),))
    yield Case("math.xlogy", (fed(np.float32([0, 0, 2, 1])), fed(np.float32([0, 1, 3, 0.5]))))
    yield Case("math.xdivy", (fed(np.float32([0, 0, 2, 1])), fed(np.float32([0, 1, 3, 0.5]))))
    yield Case("math.multiply_no_nan", (fed(np.float32([1, np.nan])), fed(np.float32([2, 0]))))
    yield Case("math.nextafter", (fed(np.float32([0, 1])), fed(np.float32([1, 0]))))
    yield Case("math.polyval", ([fed(reals(3)), fed(reals(3, seed=1)), 2.0], fed(reals(3, seed=2))))
    yield Case("bitcast", (fed(reals(4)), "tf.int32"))
    yield Case("bitcast", (fed(whole(2, 2, dtype="int64")), "tf.int32"))
    yield Case("nn.leaky_relu", (fed(reals(3, 4)), 0.3))
    yield Case("nn.crelu", (fed(reals(3, 4)),))
    yield Case("nn.l2_loss", (fed(reals(3, 4)),))
    yield Case("nn.bias_add", (fed(reals(3, 4)), fed(reals(4, seed=1))))
    yield Case("nn.bias_add", (fed(reals(2, 3, 4)), fed(reals(4, seed=1))))
    yield Case("nn.log_poisson_loss", (fed(reals(4, low=0, high=5)), fed(reals(4))))
