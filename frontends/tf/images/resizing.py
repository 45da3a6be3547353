"""Pictures of another size: ``tf.image.resize_*``.

Pixels are taken as TF1 takes them: output pixel ``k`` stands at ``k * scale`` of the input, with a
scale of ``in / out``, or ``(in - 1) / (out - 1)`` for ``align_corners``; ``half_pixel_centers``
counts from the middle of pixels.  Each axis is a table of indices and weights, so that gradients of
every order are those of gathers and products.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.functions.blocks import titled
from frontends.tf.graph.tensor import builder, convert, size_of, sizes_of
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

TABLE = 1024  # steps between two pixels for which bicubic weights are known


class ResizeMethod:
    """How :func:`resize_images` finds the pixels between pixels."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _pictures(images: Any, size: Any, what: str) -> tuple[Builder, Tensor, tuple[Dim, Dim]]:
    """The pictures [n, h, w, c] and the new (height, width)."""
    x = convert(images)
    b = builder(x)
    if x.type.rank != 4:
        raise ShapeError(f"{what} needs pictures [n, h, w, c], got {x.type}", site=here())
    return b, x, new_size(b, size, what)


def new_size(b: Builder, size: Any, what: str) -> tuple[Dim, Dim]:
    """A ``size`` argument as (height, width)."""
    given = as_tensor(size)
    array = None if given is not None else np.asarray(size, object)
    floats = array is not None and any(isinstance(v, float) for v in array.ravel())
    if floats or (given is not None and not given.dtype.is_integer):
        raise AttributeValueError(f"the size of {what} must be integers, got {size!r}", site=here())
    found = sizes_of(b, size)
    if len(found) != 2:
        raise ShapeError(f"the size of {what} is (height, width), got {size!r}", site=here())
    if any(isinstance(n, int) and n <= 0 for n in found):
        raise ShapeError(f"the size of {what} must be positive, got {size!r}", site=here())
    return found[0], found[1]


def _number(b: Builder, size: Dim) -> Tensor:
    return b.cast(b.dim_value(dim=size, dtype=int32), dtype=float32)


def _scale(b: Builder, before: Dim, after: Dim, align_corners: bool) -> Tensor:
    """Input pixels per output pixel."""
    if isinstance(before, int) and isinstance(after, int):
        corners = align_corners and after > 1
        top, bottom = (before - 1, after - 1) if corners else (before, after)
        return b.tensor(np.float32(top) / np.float32(bottom), dtype=float32)
    plain = b.truediv(_number(b, before), _number(b, after))
    if not align_corners:
        return plain
    steps = b.sub(_number(b, after), 1.0)
    ratio = b.truediv(b.sub(_number(b, before), 1.0), b.maximum(steps, 1.0))
    return b.where(b.greater(steps, 0.0), ratio, plain)


def _places(
    b: Builder, before: Dim, after: Dim, align_corners: bool, half_pixel_centers: bool
) -> Tensor:
    """Where in the input each output pixel stands: float32 [after]."""
    if align_corners and half_pixel_centers:
        raise AttributeValueError(
            "align_corners and half_pixel_centers exclude each other", site=here()
        )
    count = b.cast(b.axis_position(shape=(after,), axis=0, dtype=int32), dtype=float32)
    scale = _scale(b, before, after, align_corners)
    if half_pixel_centers:
        return b.sub(b.mul(b.add(count, 0.5), scale), 0.5)
    return b.mul(count, scale)


def _inside(b: Builder, places: Tensor, size: Dim) -> Tensor:
    """Whole floats as indices, moved into the picture."""
    index = b.cast(places, dtype=int32)
    last = b.sub(b.dim_value(dim=size, dtype=int32), 1)
    return b.maximum(b.minimum(index, last), 0)


def _along(b: Builder, weights: Tensor, axis: int) -> Tensor:
    """Numbers along axis 1 or 2 of pictures."""
    size = weights.type.dims[0]
    return b.reshape(weights, shape=(size, 1, 1) if axis == 1 else (size, 1))


@titled("ResizeNearestNeighbor")
def resize_nearest_neighbor(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """The nearest pixel of [n, h, w, c], in the dtype of ``images``."""
    b, x, wanted = _pictures(images, size, "resize_nearest_neighbor")
    for axis, after in enumerate(wanted, 1):
        before = x.type.dims[axis]
        places = _places(b, before, after, align_corners, half_pixel_centers)
        if align_corners or half_pixel_centers:
            places = b.add(places, 0.5)
        index = _inside(b, b.floor(places), before)
        x = b.gather(x, index, axis=axis, name=name if axis == 2 else None)
    return x


@titled("ResizeBilinear")
def resize_bilinear(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """Pixels between the four around them: [n, h, w, c] of any numeric dtype -> float32."""
    b, x, wanted = _pictures(images, size, "resize_bilinear")
    lower, upper, share = [], [], []
    for axis, after in enumerate(wanted, 1):
        before = x.type.dims[axis]
        places = _places(b, before, after, align_corners, half_pixel_centers)
        floor = b.floor(places)
        lower.append(_inside(b, floor, before))
        upper.append(_inside(b, b.ceil(places), before))
        share.append(_along(b, b.sub(places, floor), axis))
    x = x if x.dtype is float32 else b.cast(x, dtype=float32)

    def mixed(first: Tensor, last: Tensor, axis: int, name: str | None = None) -> Tensor:
        return b.add(first, b.mul(b.sub(last, first), share[axis - 1]), name=name)

    rows = [b.gather(x, index[0], axis=1) for index in (lower, upper)]
    top, bottom = (
        mixed(b.gather(row, lower[1], axis=2), b.gather(row, upper[1], axis=2), 2) for row in rows
    )
    return mixed(top, bottom, 1, name)


@titled("ResizeBicubic")
def resize_bicubic(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """Pixels on cubics through the sixteen around them: [n, h, w, c] numeric -> float32.

    The cubic convolution of Keys (1981) with a slope of -0.75, and of -0.5 for
    ``half_pixel_centers``.
    """
    b, x, wanted = _pictures(images, size, "resize_bicubic")
    x = x if x.dtype is float32 else b.cast(x, dtype=float32)
    for axis, after in enumerate(wanted, 1):
        before = x.type.dims[axis]
        places = _places(b, before, after, align_corners, half_pixel_centers)
        floor = b.floor(places)
        step = b.cast(b.rint(b.mul(b.sub(places, floor), float(TABLE))), dtype=int32)
        weights = _cubic(b, step, -0.5 if half_pixel_centers else -0.75)
        taps = [b.add(floor, float(k)) for k in (-1, 0, 1, 2)]
        index = [_inside(b, tap, before) for tap in taps]
        if half_pixel_centers:
            pairs = list(zip(taps, index, strict=True))
            moved = [b.equal(b.cast(i, dtype=float32), tap) for tap, i in pairs]
            weights = [
                b.where(stays, weight, b.tensor(0.0, like=weight))
                for stays, weight in zip(moved, weights, strict=True)
            ]
            total = b.add_n(*weights)
            weights = [b.truediv(weight, total) for weight in weights]
        parts = [
            b.mul(b.gather(x, i, axis=axis), _along(b, weight, axis))
            for i, weight in zip(index, weights, strict=True)
        ]
        x = b.add_n(*parts, name=name if axis == 2 else None)
    return x


def _cubic(b: Builder, step: Tensor, slope: float) -> list[Tensor]:
    """The weights of the pixels at -1, 0, 1 and 2, for ``step`` of TABLE between 0 and 1."""
    near = b.truediv(b.cast(step, dtype=float32), float(TABLE))
    far = b.sub(1.0, near)

    def inner(t: Tensor) -> Tensor:
        line = b.sub(b.mul(t, slope + 2), slope + 3)
        return b.add(b.mul(b.mul(line, t), t), 1.0)

    def outer(t: Tensor) -> Tensor:
        t = b.add(t, 1.0)
        line = b.sub(b.mul(t, slope), 5 * slope)
        return b.sub(b.mul(b.add(b.mul(line, t), 8 * slope), t), 4 * slope)

    return [outer(near), inner(near), inner(far), outer(far)]


@titled("ResizeArea")
def resize_area(
    images: Any, size: Any, align_corners: bool = False, name: str | None = None
) -> Tensor:
    """The mean of the area each new pixel covers: [n, h, w, c] numeric -> float32."""
    b, x, (tall, wide) = _pictures(images, size, "resize_area")
    x = x if x.dtype is float32 else b.cast(x, dtype=float32)
    n, h, w, c = x.type.dims
    rows = b.matmul(_covered(b, h, tall, align_corners), b.reshape(x, shape=(n, h, w * c)))
    columns = b.reshape(rows, shape=(n * tall, w, c))
    y = b.matmul(_covered(b, w, wide, align_corners), columns)
    return b.reshape(y, shape=(n, tall, wide, c), name=name)


def _covered(b: Builder, before: Dim, after: Dim, align_corners: bool) -> Tensor:
    """The share of each input pixel in each output pixel: [after, before]."""
    scale = _scale(b, before, after, align_corners)
    out = b.cast(b.axis_position(shape=(after, 1), axis=0, dtype=int32), dtype=float32)
    pixel = b.cast(b.axis_position(shape=(1, before), axis=1, dtype=int32), dtype=float32)
    first, last = b.mul(out, scale), b.mul(b.add(out, 1.0), scale)
    final = b.equal(pixel, b.sub(_number(b, before), 1.0))  # what lies beyond is the last pixel
    end = b.where(final, last, b.minimum(last, b.add(pixel, 1.0)))
    return b.truediv(b.maximum(b.sub(end, b.maximum(first, pixel)), 0.0), scale)


_METHODS = {
    ResizeMethod.BILINEAR: resize_bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
    ResizeMethod.BICUBIC: resize_bicubic,
    ResizeMethod.AREA: resize_area,
}


def resize_images(
    images: Any, size: Any, method: Any = ResizeMethod.BILINEAR, align_corners: bool = False,
    preserve_aspect_ratio: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Pictures [n, h, w, c], or one [h, w, c], of another ``size`` = (height, width).

    The result is float32, except that NEAREST_NEIGHBOR, and a size that is known to be the present
    one, keep the dtype of ``images``.

    >>> tf.image.resize_images(picture, [32, 32], tf.image.ResizeMethod.BICUBIC)
    """
    x = convert(images)
    b = builder(x)
    rank = x.type.rank
    if rank not in (3, 4):
        raise ValueError(f"resize_images needs pictures of 3 or 4 axes, got {x.type}")
    if method not in _METHODS:
        raise ValueError(f"method is one of ResizeMethod's, got {method!r}")
    with b.home.name_scope(name or "resize"):
        wanted = new_size(b, size, "resize_images")
        batch = b.expand_dims(x, axis=0) if rank == 3 else x
        _, h, w, _ = batch.type.dims
        if preserve_aspect_ratio:
            wanted = _fitting(h, w, wanted)
        if (h, w) == wanted:
            return b.identity(x)
        y = _METHODS[method](batch, wanted, align_corners=align_corners)
        return b.squeeze(y, axis=(0,)) if rank == 3 else y


def _fitting(h: Dim, w: Dim, wanted: tuple[Dim, Dim]) -> tuple[Dim, Dim]:
    """The largest size of the present proportions inside ``wanted``."""
    h, w, *box = _known("preserve_aspect_ratio", h, w, *wanted)
    ratio = min(np.float32(box[0]) / np.float32(h), np.float32(box[1]) / np.float32(w))
    return int(np.rint(np.float32(h) * ratio)), int(np.rint(np.float32(w) * ratio))


def _known(what: str, *sizes: Dim) -> list[int]:
    """Sizes that ``what`` needs while the graph is built."""
    numbers = [n for n in sizes if isinstance(n, int)]
    if len(numbers) < len(sizes):
        raise ShapeError(f"{what} needs sizes that are known while the graph is built", site=here())
    return numbers


def resize_image_with_pad(
    image: Any, target_height: Any, target_width: Any, method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
) -> Tensor:  # fmt: skip
    """Pictures of their present proportions inside the new size, with zeros around."""
    x = convert(image)
    b = builder(x)
    with b.home.name_scope("resize_image_with_pad"):
        if x.type.rank not in (3, 4):
            raise ValueError(f"'image' must have either 3 or 4 dimensions, got {x.type}")
        tall, wide = size_of(b, target_height), size_of(b, target_width)
        h, w, _ = x.type.dims[-3:]
        h, w, tall, wide = _known("resize_image_with_pad", h, w, tall, wide)
        ratio = max(w / wide, h / tall)
        sizes = [int(np.floor(n / ratio)) for n in (h, w)]
        y = resize_images(x, sizes, method, align_corners)
        pads = []
        for full, part, n in zip((tall, wide), sizes, (h, w), strict=True):
            before = max(int((full - n / ratio) / 2), 0)
            pads.append((before, full - part - before))
        around = [(0, 0)] * (len(x.type.dims) - 3)
        return b.pad(y, paddings=(*around, *pads, (0, 0)))
