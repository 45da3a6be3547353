"""Blocks of space as depth or as batch, and windows of pictures as patches."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from frontends.tf.functions.moving import pairs_of
from frontends.tf.functions.windows import Layout
from frontends.tf.graph.tensor import builder, convert, known_rank, plain, sizes_of, whole_number
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dims import Dim
from graphc.ir.dtype import int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

Result = TypeVar("Result")


def titled(title: str) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Give the result of a function ``name`` (default: ``title``), and its parts that scope."""

    def wrap(function: Callable[..., Result]) -> Callable[..., Result]:
        parameters = signature(function)

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Result:
            bound = parameters.bind(*args, **kwargs)
            b = builder(*bound.arguments.values())
            with b.home.name_scope(bound.arguments.get("name") or title) as scope:
                bound.arguments["name"] = scope
                return function(*bound.args, **bound.kwargs)

        return call

    return wrap


def _divided(size: Dim, by: Dim, what: str) -> Dim:
    if isinstance(size, int) and isinstance(by, int) and (by < 1 or size % by):
        raise ShapeError(f"a size of {size} does not divide by {by}", subject=what, site=here())
    return dims.floordiv(size, by)


def _rank(x: Tensor, rank: int, what: str) -> tuple[Dim, ...]:
    if known_rank(x, what) != rank:
        raise ShapeError(
            f"{what} takes a tensor of rank {rank}, got {x.type}", subject=what, site=here()
        )
    return x.type.dims


def _channels_first(data_format: str, what: str) -> bool:
    if data_format not in ("NHWC", "NCHW"):
        raise AttributeValueError(
            f"data_format must be NHWC or NCHW, got {data_format!r}", subject=what, site=here()
        )
    return data_format == "NCHW"


@titled("SpaceToDepth")
def space_to_depth(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """Blocks of ``block_size`` squared pixels as channels: [n, h, w, c] -> [n, h/b, w/b, b*b*c]."""
    x, k = convert(input), whole_number(block_size, "block_size")
    b = builder(x)
    shape = _rank(x, 4, "space_to_depth")
    if _channels_first(data_format, "space_to_depth"):
        n, c, h, w = shape
        h, w = (_divided(size, k, "space_to_depth") for size in (h, w))
        apart = b.reshape(x, shape=(n, c, h, k, w, k))
        turned = b.transpose(apart, perm=(0, 3, 5, 1, 2, 4))
        return b.reshape(turned, shape=(n, k * k * c, h, w), name=name)
    n, h, w, c = shape
    h, w = (_divided(size, k, "space_to_depth") for size in (h, w))
    apart = b.reshape(x, shape=(n, h, k, w, k, c))
    turned = b.transpose(apart, perm=(0, 1, 3, 2, 4, 5))
    return b.reshape(turned, shape=(n, h, w, k * k * c), name=name)


@titled("DepthToSpace")
def depth_to_space(
    input: Any, block_size: int, name: str | None = None, data_format: str = "NHWC"
) -> Tensor:
    """Channels as blocks of pixels: [n, h, w, b*b*c] -> [n, h*b, w*b, c]."""
    x, k = convert(input), whole_number(block_size, "block_size")
    b = builder(x)
    shape = _rank(x, 4, "depth_to_space")
    if _channels_first(data_format, "depth_to_space"):
        n, c, h, w = shape
        c = _divided(c, k * k, "depth_to_space")
        apart = b.reshape(x, shape=(n, k, k, c, h, w))
        turned = b.transpose(apart, perm=(0, 3, 4, 1, 5, 2))
        return b.reshape(turned, shape=(n, c, h * k, w * k), name=name)
    n, h, w, c = shape
    c = _divided(c, k * k, "depth_to_space")
    apart = b.reshape(x, shape=(n, h, w, k, k, c))
    turned = b.transpose(apart, perm=(0, 1, 3, 2, 4, 5))
    return b.reshape(turned, shape=(n, h * k, w * k, c), name=name)


@titled("SpaceToBatchND")
def space_to_batch_nd(
    input: Any, block_shape: Any, paddings: Any, name: str | None = None
) -> Tensor:
    """Blocks of the axes after the first as batch: [n, *space, ...] -> [n * prod(block), ...].

    The space is padded with zeros first: ``paddings[k] = [before, after]``.
    """
    x = convert(input)
    b = builder(x)
    block, pairs = sizes_of(b, block_shape), pairs_of(b, paddings)
    rank, m = known_rank(x, "space_to_batch_nd"), len(block)
    if len(pairs) != m or rank < m + 1:
        raise ShapeError(
            f"paddings need one pair for each of {m} axes after the first, input is {x.type}",
            subject="space_to_batch_nd", site=here(),
        )  # fmt: skip
    after = ((0, 0),) * (rank - m - 1)
    padded = b.pad(x, paddings=((0, 0), *pairs, *after))
    n, *space = padded.type.dims[: m + 1]
    rest = padded.type.dims[m + 1 :]
    whole = [_divided(s, k, "space_to_batch_nd") for s, k in zip(space, block, strict=True)]
    parts = [size for pair in zip(whole, block, strict=True) for size in pair]
    apart = b.reshape(padded, shape=(n, *parts, *rest))
    blocks, places = range(2, 2 * m + 1, 2), range(1, 2 * m + 1, 2)
    turned = b.transpose(apart, perm=(*blocks, 0, *places, *range(2 * m + 1, rank + m)))
    batch = dims.product(block) * n
    return b.reshape(turned, shape=(batch, *whole, *rest), name=name)


@titled("BatchToSpaceND")
def batch_to_space_nd(input: Any, block_shape: Any, crops: Any, name: str | None = None) -> Tensor:
    """Batch as blocks of space, then ``crops[k] = [from the start, from the end]`` cut off."""
    x = convert(input)
    b = builder(x)
    block, pairs = sizes_of(b, block_shape), pairs_of(b, crops)
    rank, m = known_rank(x, "batch_to_space_nd"), len(block)
    if len(pairs) != m or rank < m + 1:
        raise ShapeError(
            f"crops need one pair for each of {m} axes after the first, input is {x.type}",
            subject="batch_to_space_nd", site=here(),
        )  # fmt: skip
    n, *space = x.type.dims[: m + 1]
    rest = x.type.dims[m + 1 :]
    batch = _divided(n, dims.product(block), "batch_to_space_nd")
    apart = b.reshape(x, shape=(*block, batch, *space, *rest))
    mixed = [axis for k in range(m) for axis in (m + 1 + k, k)]
    turned = b.transpose(apart, perm=(m, *mixed, *range(2 * m + 1, rank + m)))
    whole = [s * k for s, k in zip(space, block, strict=True)]
    joined = b.reshape(turned, shape=(batch, *whole, *rest))
    begin = (0, *(first for first, _ in pairs), *(0 for _ in rest))
    kept = [s - first - last for s, (first, last) in zip(whole, pairs, strict=True)]
    return b.slice(joined, begin=begin, size=(batch, *kept, *rest), name=name)


def space_to_batch(
    input: Any, paddings: Any, block_size: Any = None, name: str | None = None,
    block_shape: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`space_to_batch_nd` with one ``block_size`` for both axes of pictures."""
    return space_to_batch_nd(input, _block(block_size, block_shape), paddings, name)


def batch_to_space(
    input: Any, crops: Any, block_size: Any = None, name: str | None = None,
    block_shape: Any = None,
) -> Tensor:  # fmt: skip
    """:func:`batch_to_space_nd` with one ``block_size`` for both axes of pictures."""
    return batch_to_space_nd(input, _block(block_size, block_shape), crops, name)


def _block(block_size: Any, block_shape: Any) -> Any:
    given = block_shape if block_size is None else block_size
    if given is None:
        raise ValueError("block_size is missing")
    return [given, given] if np.ndim(given) == 0 and as_tensor(given) is None else given


def required_space_to_batch_paddings(
    input_shape: Any, block_shape: Any, base_paddings: Any = None, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """(paddings, crops) that make the sizes of ``input_shape`` divide by ``block_shape``.

    ``base_paddings`` are at least kept; what is added at the end is cropped again.
    """
    b = builder(as_tensor(input_shape), as_tensor(block_shape), as_tensor(base_paddings))
    with b.home.name_scope(name or "required_space_to_batch_paddings"):
        sizes, block = sizes_of(b, plain(input_shape)), sizes_of(b, block_shape)
        base = [(0, 0)] * len(block) if base_paddings is None else pairs_of(b, base_paddings)
        pads, crops = [], []
        for size, k, (before, after) in zip(sizes, block, base, strict=True):
            full = size + before + after
            extra = dims.ceildiv(full, k) * k - full
            pads.append((before, after + extra))
            crops.append((0, extra))
        return _matrix(b, pads, "paddings"), _matrix(b, crops, "crops")


def _matrix(b: Builder, rows: list, name: str) -> Tensor:
    if all(isinstance(d, int) for row in rows for d in row):
        array = np.asarray(rows, np.int32).reshape(-1, 2)
        return b.identity(b.tensor(array, dtype=int32), name=name)
    flat = b.pack(*(b.dim_value(dim=d, dtype=int32) for row in rows for d in row))
    return b.reshape(flat, shape=(len(rows), 2), name=name)


@titled("ExtractImagePatches")
def extract_image_patches(
    images: Any, ksizes: Any = None, strides: Any = None, rates: Any = None, padding: Any = None,
    name: str | None = None, sizes: Any = None,
) -> Tensor:  # fmt: skip
    """Windows of pictures as channels: [n, h, w, c] -> [n, rows, columns, kh * kw * c].

    ``ksizes`` = [1, kh, kw, 1]; ``strides`` between windows and ``rates`` between their pixels are
    given likewise.  ``padding`` is "SAME" or "VALID".
    """
    x = convert(images)
    b = builder(x)
    _rank(x, 4, "extract_image_patches")
    layout = Layout.of("extract_image_patches", 2, None)
    window = layout.steps(ksizes if ksizes is not None else sizes, "ksizes")
    steps, apart = layout.steps(strides, "strides"), layout.steps(rates, "rates")
    same = layout.padding(padding) == "SAME"
    y = b.image_patches(x, window=window, strides=steps, rates=apart, same=same)
    n, rows, columns, kh, kw, c = y.type.dims
    return b.reshape(y, shape=(n, rows, columns, kh * kw * c), name=name)
