"""Grey-scale morphology: windows that take the largest sum with a kernel, or the least
difference."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.math import _one_of, argmax
from frontends.tf.functions.windows import Layout
from frontends.tf.graph.tensor import builder
from frontends.tf.names.forwards import alike
from graphc.errors import DTypeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dtype import int32, int64
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim
from graphc.ops.shaping.patches import window_places


@titled("Dilation2D")
def dilation2d(
    input: Any, filter: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
    name: str | None = None, filters: Any = None, dilations: Any = None,
) -> Tensor:  # fmt: skip
    """``y[n, i, j, c] = max over (p, q) of input[n, i * s + p * r, j * s + q * r, c] + filter[p, q,
    c]``.

    input: floating or integer [n, h, w, c], filter: [kh, kw, c]; ``strides`` [1, s, s, 1] and
    ``rates`` [1, r, r, 1] -> [n, rows, columns, c].  Only what lies inside the input counts.  The
    gradient goes to the first of equal sums.
    """
    kernel = _one_of(filter, filters, "filter", "filters")
    return _dilated("dilation2d", input, kernel, strides,
                    _one_of(rates, dilations, "rates", "dilations"), padding, name)  # fmt: skip


@titled("Erosion2D")
def erosion2d(
    value: Any, kernel: Any, strides: Any, rates: Any, padding: Any, name: str | None = None
) -> Tensor:
    """``y[n, i, j, c] = min over (p, q) of value[n, i * s + p * r, j * s + q * r, c] - kernel[-p,
    -q, c]``: :func:`dilation2d` of what lies below, with the kernel turned round."""
    x, k = alike([value, kernel])
    b = builder(x, k)
    turned = b.reverse(k, axis=(0, 1))
    return b.neg(_dilated("erosion2d", b.neg(x), turned, strides, rates, padding, None), name=name)


def _dilated(
    what: str, input: Any, kernel: Any, strides: Any, rates: Any, padding: Any, name: str | None
) -> Tensor:
    x, k = alike([input, kernel])
    layout = Layout.of(what, 2, None)
    layout.check_rank(x, "input")
    if not (x.dtype.is_floating or x.dtype.is_integer):
        raise DTypeError(
            f"input must be floating or integer, got {x.dtype}", subject=what, site=here()
        )
    if k.type.rank not in (None, 3):
        layout.misfit(f"filter must be of rank 3, its rank is {k.type.rank}")
    n, _, _, channels = x.type.dims
    kh, kw, deep = k.type.dims
    if same_dim(channels, deep, "channels") is None:
        layout.misfit(f"the filter takes {deep} channels, there are {channels}")
    if not (isinstance(kh, int) and isinstance(kw, int)):
        layout.misfit(f"the filter's sizes must be known, got {k.type}")
    pads = layout.padding(padding)
    if not isinstance(pads, str):
        layout.refuse(f"padding must be SAME or VALID, got {padding!r}")
    steps, apart = layout.steps(strides, "strides"), layout.steps(rates, "rates")
    how = {"window": (kh, kw), "strides": steps, "rates": apart, "same": pads == "SAME"}
    b = builder(x, k)
    sums = b.add(b.image_patches(x, **how), k)
    if pads == "SAME":
        lowest = b.tensor(_lowest(x), like=x)
        sums = b.where(_inside(b, x, (kh, kw), steps, apart), sums, lowest)
    rows, columns = sums.type.dims[1:3]
    flat = b.reshape(sums, shape=(n, rows, columns, kh * kw, channels))
    first = b.stop_gradient(b.expand_dims(argmax(b.stop_gradient(flat), 3), axis=3))
    place = b.axis_position(shape=(kh * kw, 1), axis=0, dtype=int64)
    chosen = b.where(b.equal(place, first), flat, b.tensor(0, like=x))
    return b.reduce_sum(chosen, axis=(3,), name=name)


def _lowest(x: Tensor) -> Any:
    return float("-inf") if x.dtype.is_floating else x.dtype.min


def _inside(
    b: Builder, x: Tensor, window: tuple[int, int], strides: tuple[int, ...], rates: tuple[int, ...]
) -> Tensor:
    """Which elements of the windows lie inside the input: bool [rows, columns, kh, kw, 1]."""
    sides = []
    for axis, (size, k, step, rate) in enumerate(
        zip(x.type.dims[1:3], window, strides, rates, strict=True)
    ):
        count, before = window_places(size, k, step, rate, True)
        shape = ((count, 1, k, 1, 1), (count, 1, k, 1))[axis]
        start = b.axis_position(shape=shape, axis=0, dtype=int32)
        tap = b.axis_position(shape=shape, axis=2, dtype=int32)
        at = b.sub(b.add(b.mul(start, step), b.mul(tap, rate)), _number(b, before))
        inside = b.logical_and(b.greater_equal(at, 0), b.less(at, _number(b, size)))
        sides.append(inside)
    return b.logical_and(*sides)


def _number(b: Builder, size: dims.Dim) -> Tensor:
    return b.dim_value(dim=size, dtype=int32)
