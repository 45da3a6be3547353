"""Parts of pictures: boxes drawn on them, one at random around an object, glimpses."""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.random import random_normal, random_uniform
from frontends.tf.graph.tensor import as_scalar, builder, convert
from frontends.tf.images.resizing import new_size
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim

_COLORS = np.array(  # yellow, blue, red, lime, purple, olive, maroon, navy, aqua, fuchsia
    [
        (1, 1, 0, 1), (0, 0, 1, 1), (1, 0, 0, 1), (0, 1, 0, 1), (0.5, 0, 0.5, 1), (0.5, 0.5, 0, 1),
        (0.5, 0, 0, 1), (0, 0, 0.5, 1), (0, 1, 1, 1), (1, 0, 1, 1),
    ],
    np.float32,
)  # fmt: skip
_ATTEMPTS = 100


@titled("DrawBoundingBoxes")
def draw_bounding_boxes(
    images: Any, boxes: Any, name: str | None = None, colors: Any = None
) -> Tensor:
    """Pictures with the lines of boxes on them.

    images: floating [n, h, w, c], boxes: float32 [n, k, 4], a box (y1, x1, y2, x2) in shares of
    height and width less one pixel; ``colors``: [any, channels], taken in turn (default: ten).
    """
    x, corners = convert(images), convert(boxes, float32)
    b = builder(x, corners)
    if x.type.rank not in (None, 4):
        raise ShapeError(f"images need 4 axes, got {x.type}", site=here())
    table = _COLORS
    if x.type.shape is not None and x.type.shape[3] == 1:
        table = np.ones_like(_COLORS)
    given = b.tensor(table) if colors is None else convert(colors, float32)
    return b.draw_boxes(x, corners, given, name=name)


@titled("sample_distorted_bounding_box")
def sample_distorted_bounding_box(
    image_size: Any, bounding_boxes: Any, seed: int | None = None, seed2: int | None = None,
    min_object_covered: Any = 0.1, aspect_ratio_range: Any = None, area_range: Any = None,
    max_attempts: int | None = None, use_image_if_no_bounding_boxes: bool | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(begin, size, box) of a random part of a picture that holds enough of one of its objects.

    image_size: integers [height, width, channels], bounding_boxes: float32 [1, k, 4] in shares.
    The part has ``min_object_covered`` of a box inside, a ratio of width to height within
    ``aspect_ratio_range`` (0.75 to 1.33) and an area within ``area_range`` (0.05 to 1) of the
    picture's; after ``max_attempts`` (100) without one it is the whole picture.  ``begin`` [y, x,
    0] and ``size`` [height, width, -1] are for ``tf.slice``; ``box`` is float32 [1, 1, 4].
    """
    size, boxes = convert(image_size), convert(bounding_boxes, float32)
    b = builder(size, boxes)
    ratio = _range(aspect_ratio_range, (0.75, 1.33), "aspect_ratio_range", float("inf"))
    area = _range(area_range, (0.05, 1.0), "area_range", 1.0)
    attempts = _ATTEMPTS if max_attempts is None else int(max_attempts)
    if attempts < 1:
        raise AttributeValueError(f"max_attempts is at least 1, got {attempts}", site=here())
    flat = b.reshape(boxes, shape=(_boxes_of(boxes), 4))
    if use_image_if_no_bounding_boxes:
        flat = b.concat(flat, _whole(b, flat), axis=0)
    elif flat.type.dims[0] == 0:
        raise ShapeError(
            "there is no bounding box", hint="use_image_if_no_bounding_boxes=True", site=here()
        )
    given = seed if seed is not None else seed2
    draws = random_uniform([attempts, 4], seed=given)
    covered = as_scalar(b.cast(convert(min_object_covered), dtype=float32))
    return b.distorted_box(size, flat, covered, draws, ratio=ratio, area=area, name=name)


def _boxes_of(boxes: Tensor) -> Dim:
    shape = boxes.type.shape
    if shape is None or len(shape) != 3 or same_dim(shape[2], 4, "corners") is None:
        raise ShapeError(f"bounding_boxes are [1, k, 4], got {boxes.type}", site=here())
    return shape[0] * shape[1]


def _whole(b: Builder, boxes: Tensor) -> Tensor:
    """The whole picture as a box where there is no other, else a box of nothing."""
    none = b.less(b.dim_value(dim=boxes.type.dims[0], dtype=int32), 1)
    whole = b.tensor(np.array([[0, 0, 1, 1]], np.float32))
    return b.where(none, whole, b.mul(whole, 0.0))


def _range(given: Any, default: tuple[float, float], what: str, most: float) -> tuple[float, float]:
    low, high = (float(v) for v in (default if given is None else given))
    if not 0 < low <= high <= most:
        raise AttributeValueError(
            f"{what} is two numbers above 0, the second no less, up to {most}; got {given!r}",
            site=here(),
        )
    return low, high


@titled("ExtractGlimpse")
def extract_glimpse(
    input: Any, size: Any, offsets: Any, centered: bool = True, normalized: bool = True,
    uniform_noise: bool = True, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Windows of ``size`` = (height, width) of pictures, one of each, around ``offsets``.

    input: float32 [n, h, w, c], offsets: float32 [n, 2], (y, x): shares of the picture's size
    (``normalized``) or pixels, from its middle (``centered``: -1 and 1 are its borders) or from its
    top left.  What lies outside is noise of the picture's range: even, or normal.
    """
    x, places = convert(input), convert(offsets, float32)
    b = builder(x, places)
    if x.type.rank != 4 or places.type.rank != 2:
        raise ShapeError(
            f"extract_glimpse needs pictures [n, h, w, c] and offsets [n, 2], got {x.type} and "
            f"{places.type}",
            site=here(),
        )
    n, height, width, channels = x.type.dims
    window = new_size(b, size, "extract_glimpse")
    rows, columns = (
        _seen(b, places, axis, (height, width)[axis], window[axis], centered, normalized)
        for axis in (0, 1)
    )
    shape = (n, *window, channels)
    picture = b.axis_position(shape=(n, 1, 1), axis=0, dtype=int32)
    down = b.reshape(_held(b, rows, height), shape=(n, window[0], 1))
    along = b.reshape(_held(b, columns, width), shape=(n, 1, window[1]))
    line = b.add(b.mul(picture, b.dim_value(dim=height, dtype=int32)), down)
    at = b.add(b.mul(line, b.dim_value(dim=width, dtype=int32)), along)
    found = b.gather(b.reshape(x, shape=(n * height * width, channels)), at, axis=0)
    inside = b.logical_and(
        b.reshape(_within(b, rows, height), shape=(n, window[0], 1, 1)),
        b.reshape(_within(b, columns, width), shape=(n, 1, window[1], 1)),
    )
    noise = _noise(b, x, shape, uniform_noise)
    return b.where(b.broadcast_to(inside, shape=shape), found, noise, name=name)


def _seen(
    b: Builder, places: Tensor, axis: int, size: Dim, window: Dim, centered: bool, normalized: bool
) -> Tensor:
    """The pixels along an axis that a window of each picture sees: int32 [n, window]."""
    n = places.type.dims[0]
    at = b.slice(places, begin=(0, axis), size=(n, 1))
    whole = b.dim_value(dim=size, dtype=float32)
    if normalized:
        at = b.mul(at, whole)
    if centered:
        at = b.mul(b.add(at, whole), 0.5)
    first = b.cast(b.sub(at, b.mul(b.dim_value(dim=window, dtype=float32), 0.5)), dtype=int32)
    return b.add(first, b.axis_position(shape=(1, window), axis=1, dtype=int32))


def _held(b: Builder, at: Tensor, size: Dim) -> Tensor:
    return b.maximum(b.minimum(at, b.dim_value(dim=size - 1, dtype=int32)), 0)


def _within(b: Builder, at: Tensor, size: Dim) -> Tensor:
    return b.logical_and(b.greater_equal(at, 0), b.less(at, b.dim_value(dim=size, dtype=int32)))


def _noise(b: Builder, x: Tensor, shape: tuple[Dim, ...], uniform: bool) -> Tensor:
    """Random numbers spread as those of the pictures are."""
    if uniform:
        low, high = (b.stop_gradient(f(x, axis=None)) for f in (b.reduce_min, b.reduce_max))
        draw = b.cast(random_uniform(list(shape)), dtype=x.dtype)
        return b.add(low, b.mul(draw, b.sub(high, low)))
    mean, variance = (b.stop_gradient(t) for t in b.moments(x, axis=(0, 1, 2, 3)))
    draw = b.cast(random_normal(list(shape)), dtype=x.dtype)
    return b.add(mean, b.mul(draw, b.sqrt(variance)))
