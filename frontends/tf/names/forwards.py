"""The public functions that are one op and nothing more: made from the op's class.

A row says the TF1 name, the op, and TF1's parameter names.  Everything else (meaning, dtypes,
errors) is the op's.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from frontends.tf.graph.tensor import builder, convert
from graphc.errors import ShapeError
from graphc.ir.builder import as_tensor, meaning
from graphc.ir.source import here

# public name: op, parameters
FORWARDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "add": ("plus", ("x", "y")),
    "subtract": ("sub", ("x", "y")),
    "multiply": ("mul", ("x", "y")),
    "divide": ("truediv", ("x", "y")),
    "truediv": ("truediv", ("x", "y")),
    "div": ("div", ("x", "y")),
    "realdiv": ("realdiv", ("x", "y")),
    "div_no_nan": ("div_no_nan", ("x", "y")),
    "floordiv": ("floordiv", ("x", "y")),
    "floor_div": ("floordiv", ("x", "y")),
    "truncatediv": ("truncatediv", ("x", "y")),
    "truncatemod": ("truncatemod", ("x", "y")),
    "mod": ("floormod", ("x", "y")),
    "floormod": ("floormod", ("x", "y")),
    "pow": ("pow", ("x", "y")),
    "maximum": ("maximum", ("x", "y")),
    "minimum": ("minimum", ("x", "y")),
    "squared_difference": ("squared_difference", ("x", "y")),
    "atan2": ("atan2", ("y", "x")),
    "negative": ("neg", ("x",)),
    "abs": ("abs", ("x",)),
    "sign": ("sign", ("x",)),
    "square": ("square", ("x",)),
    "reciprocal": ("reciprocal", ("x",)),
    "floor": ("floor", ("x",)),
    "ceil": ("ceil", ("x",)),
    "rint": ("rint", ("x",)),
    "round": ("round", ("x",)),
    "exp": ("exp", ("x",)),
    "expm1": ("expm1", ("x",)),
    "log": ("log", ("x",)),
    "log1p": ("log1p", ("x",)),
    "sqrt": ("sqrt", ("x",)),
    "rsqrt": ("rsqrt", ("x",)),
    "tanh": ("tanh", ("x",)),
    "sigmoid": ("sigmoid", ("x",)),
    "erf": ("erf", ("x",)),
    "erfc": ("erfc", ("x",)),
    "sin": ("sin", ("x",)),
    "cos": ("cos", ("x",)),
    "tan": ("tan", ("x",)),
    "asin": ("asin", ("x",)),
    "acos": ("acos", ("x",)),
    "atan": ("atan", ("x",)),
    "sinh": ("sinh", ("x",)),
    "cosh": ("cosh", ("x",)),
    "asinh": ("asinh", ("x",)),
    "acosh": ("acosh", ("x",)),
    "atanh": ("atanh", ("x",)),
    "log_sigmoid": ("log_sigmoid", ("x",)),
    "lgamma": ("lgamma", ("x",)),
    "digamma": ("digamma", ("x",)),
    "polygamma": ("polygamma", ("a", "x")),
    "zeta": ("zeta", ("x", "q")),
    "igamma": ("igamma", ("a", "x")),
    "igammac": ("igammac", ("a", "x")),
    "betainc": ("betainc", ("a", "b", "x")),
    "lbeta": ("lbeta", ("x",)),
    "math.bessel_i0": ("bessel_i0", ("x",)),
    "math.bessel_i0e": ("bessel_i0e", ("x",)),
    "math.bessel_i1": ("bessel_i1", ("x",)),
    "math.bessel_i1e": ("bessel_i1e", ("x",)),
    "math.erfinv": ("erfinv", ("x",)),
    "math.ndtri": ("ndtri", ("x",)),
    "math.xlogy": ("xlogy", ("x", "y")),
    "math.xdivy": ("xdivy", ("x", "y")),
    "math.multiply_no_nan": ("mul_no_nan", ("x", "y")),
    "math.nextafter": ("nextafter", ("x1", "x2")),
    "math.reciprocal_no_nan": ("reciprocal_no_nan", ("x",)),
    "bitwise.bitwise_and": ("bitwise_and", ("x", "y")),
    "bitwise.bitwise_or": ("bitwise_or", ("x", "y")),
    "bitwise.bitwise_xor": ("bitwise_xor", ("x", "y")),
    "bitwise.invert": ("invert", ("x",)),
    "bitwise.left_shift": ("left_shift", ("x", "y")),
    "bitwise.right_shift": ("right_shift", ("x", "y")),
    "equal": ("equal", ("x", "y")),
    "not_equal": ("not_equal", ("x", "y")),
    "less": ("less", ("x", "y")),
    "less_equal": ("less_equal", ("x", "y")),
    "greater": ("greater", ("x", "y")),
    "greater_equal": ("greater_equal", ("x", "y")),
    "logical_and": ("logical_and", ("x", "y")),
    "logical_or": ("logical_or", ("x", "y")),
    "logical_xor": ("logical_xor", ("x", "y")),
    "logical_not": ("logical_not", ("x",)),
    "is_nan": ("is_nan", ("x",)),
    "is_inf": ("is_inf", ("x",)),
    "is_finite": ("is_finite", ("x",)),
    "stop_gradient": ("stop_gradient", ("input",)),
    "nn.relu": ("relu", ("features",)),
    "nn.relu6": ("relu6", ("features",)),
    "nn.elu": ("elu", ("features",)),
    "nn.selu": ("selu", ("features",)),
    "nn.softplus": ("softplus", ("features",)),
    "nn.softsign": ("softsign", ("features",)),
    "nn.sigmoid": ("sigmoid", ("x",)),
    "nn.tanh": ("tanh", ("x",)),
    "nn.log_sigmoid": ("log_sigmoid", ("x",)),
    "nn.gelu": ("gelu", ("features",)),
    "nn.swish": ("swish", ("features",)),
}


def forward(public: str) -> Callable:
    """The function for a row of :data:`FORWARDS`."""
    op, names = FORWARDS[public]
    said = meaning(op)

    def apply(*args: Any, **kwargs: Any) -> Any:
        title = None
        if kwargs or len(args) != len(names):
            bound = signature.bind(*args, **kwargs).arguments
            title = bound.get("name")
            args = tuple(bound[name] for name in names)
        if len(args) == 1 and hasattr(args[0], "is_sparse_tensor"):
            return args[0].with_values(apply(args[0].values, name=title))
        operands = alike(list(args))
        make = getattr(builder(*operands), op)
        return make(*operands, name=title) if title is not None else make(*operands)

    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    title = inspect.Parameter("name", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
    signature = inspect.Signature([*parameters, title])
    apply.__signature__ = signature  # type: ignore[attr-defined]
    apply.__name__ = apply.__qualname__ = public.rpartition(".")[2]
    apply.__doc__ = said.__doc__
    return apply


def alike(values: list[Any]) -> list[Any]:
    """Every operand as a tensor; those that are not yet take the dtype of the first that is."""
    like = next((t for t in map(as_tensor, values) if t is not None), None)
    if not values:
        raise ShapeError("at least one tensor is needed, got an empty list", site=here())
    if like is None:
        first = convert(values[0])
        return [first, *(convert(v, like=first) for v in values[1:])]
    return [convert(v, like=like) for v in values]
