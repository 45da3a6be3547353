"""``tf.contrib.image``: pictures turned, moved, and seen from elsewhere.

A transform is 8 numbers ``(a0, a1, a2, b0, b1, b2, c0, c1)``: what is at (x, y) of the result was
at ``((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`` with ``k = c0 x + c1 y + 1``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from frontends.tf.contrib.layers.rearranged import images_to_sequence
from frontends.tf.functions.blocks import titled
from frontends.tf.graph.tensor import builder, convert, known_rank
from frontends.tf.images.resizing import new_size
from graphc.errors import AttributeValueError, DTypeError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float16, float32, float64, int32, int64, uint8
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim

__all__ = [
    "angles_to_projective_transforms", "compose_transforms", "flat_transforms_to_matrices",
    "images_to_sequence", "matrices_to_flat_transforms", "rotate", "transform", "translate",
    "translations_to_projective_transforms",
]  # fmt: skip
_DTYPES = (uint8, int32, int64, float16, float32, float64)
_WAYS = ("NEAREST", "BILINEAR")


def __getattr__(name: str) -> Any:
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.image", name, lambda: __all__)


@titled("transform")
def transform(
    images: Any, transforms: Any, interpolation: str = "NEAREST", output_shape: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Pictures seen through projective transforms; what was outside is 0.

    images: numbers [n, h, w, c], [h, w, c] or [h, w]; transforms: float32 [8] or [n, 8];
    ``output_shape`` = (height, width), by default that of the pictures.  "NEAREST" takes the
    nearest pixel, "BILINEAR" mixes four; the gradient goes to those.
    """
    x, maps = convert(images), convert(transforms, float32)
    b = builder(x, maps)
    if x.dtype not in _DTYPES:
        raise DTypeError(f"images cannot be {x.dtype}", subject="transform", site=here())
    if str(interpolation).upper() not in _WAYS:
        raise AttributeValueError(
            f"interpolation must be NEAREST or BILINEAR, got {interpolation!r}",
            subject="transform", site=here(),
        )  # fmt: skip
    rank = known_rank(x, "transform")
    if rank not in (2, 3, 4):
        raise ShapeError(f"images need 2 to 4 axes, got {x.type}", subject="transform", site=here())
    shape = x.type.dims
    full = shape if rank == 4 else (1, *shape) if rank == 3 else (1, *shape, 1)
    flat = _of_pictures(b, maps, full[0])
    size = full[1:3] if output_shape is None else new_size(b, output_shape, "transform")
    seen = _looked_up(
        b, b.reshape(x, shape=full), flat, (size[0], size[1]), interpolation.upper() == "NEAREST"
    )
    after = (shape[0], *size, shape[3]) if rank == 4 else (*size, *shape[2:])
    return b.reshape(seen, shape=after, name=name)


def _of_pictures(b: Builder, maps: Tensor, count: Dim) -> Tensor:
    """A transform for each picture, or one for all: [n or 1, 8]."""
    shape = maps.type.dims
    flat = b.reshape(maps, shape=(1, *shape)) if len(shape) == 1 else maps
    rows, numbers = flat.type.dims
    if same_dim(numbers, 8, "numbers") is None or not (
        rows == 1 or same_dim(rows, count, "pictures") is not None
    ):
        raise ShapeError(
            f"transforms are [8] or [n, 8], a row for each of {count} pictures, got {maps.type}",
            site=here(),
        )
    return flat


def _looked_up(b: Builder, x: Tensor, maps: Tensor, size: tuple[Dim, Dim], nearest: bool) -> Tensor:
    n, height, width, channels = x.type.dims
    column = b.axis_position(shape=(1, 1, size[1]), axis=2, dtype=float32)
    row = b.axis_position(shape=(1, size[0], 1), axis=1, dtype=float32)
    rows = maps.type.dims[0]
    a0, a1, a2, b0, b1, b2, c0, c1 = (
        b.reshape(b.slice(maps, begin=(0, k), size=(rows, 1)), shape=(rows, 1, 1)) for k in range(8)
    )
    scale = b.add(b.add(b.mul(c0, column), b.mul(c1, row)), 1.0)
    across = b.truediv(b.add(b.add(b.mul(a0, column), b.mul(a1, row)), a2), scale)
    down = b.truediv(b.add(b.add(b.mul(b0, column), b.mul(b1, row)), b2), scale)
    shape = (n, *size)
    across, down = (b.broadcast_to(t, shape=shape) for t in (across, down))
    picture = b.axis_position(shape=(n, 1, 1), axis=0, dtype=int32)
    flat = b.reshape(x, shape=(n * height * width, channels))
    counts = [b.dim_value(dim=d, dtype=int32) for d in (height, width)]

    def pixel(y: Tensor, x: Tensor) -> Tensor:
        """The pixels at whole places, 0 outside: [n, rows, columns, channels]."""
        inside, held = [], []
        for at, limit in zip((y, x), counts, strict=True):
            last = b.cast(b.sub(limit, 1), dtype=float32)
            inside.append(b.logical_and(b.greater_equal(at, 0.0), b.less_equal(at, last)))
            held.append(b.cast(b.maximum(b.minimum(at, last), 0.0), dtype=int32))
        line = b.add(b.mul(picture, counts[0]), held[0])
        found = b.gather(flat, b.add(b.mul(line, counts[1]), held[1]), axis=0)
        kept = b.broadcast_to(b.expand_dims(b.logical_and(*inside), axis=3), shape=found.type.dims)
        return b.where(kept, found, b.tensor(0, like=found))

    if nearest:
        return pixel(*(_rounded(b, at) for at in (down, across)))
    top, left = b.floor(down), b.floor(across)
    wide = float64 if x.dtype is float64 else float32
    shares = [
        b.cast(b.expand_dims(b.sub(at, first), axis=3), dtype=wide)
        for at, first in ((down, top), (across, left))
    ]
    corners = [
        b.cast(pixel(b.add(top, dy), b.add(left, dx)), dtype=wide)
        for dy in (0.0, 1.0)
        for dx in (0.0, 1.0)
    ]

    def between(first: Tensor, last: Tensor, share: Tensor) -> Tensor:
        return b.add(b.mul(first, b.sub(1.0, share)), b.mul(last, share))

    upper, lower = (between(one, two, shares[1]) for one, two in (corners[:2], corners[2:]))
    mixed = between(upper, lower, shares[0])
    return mixed if mixed.dtype is x.dtype else b.cast(mixed, dtype=x.dtype)


def _rounded(b: Builder, x: Tensor) -> Tensor:
    """The nearest whole number, a half away from 0."""
    return b.mul(b.sign(x), b.floor(b.add(b.abs(x), 0.5)))


@titled("rotate")
def rotate(
    images: Any, angles: Any, interpolation: str = "NEAREST", name: str | None = None
) -> Tensor:
    """Pictures turned counterclockwise around their middle by ``angles``, one or one for each.

    >>> tf.contrib.image.rotate(images, math.radians(15), interpolation="BILINEAR")
    """
    x = convert(images)
    rank = known_rank(x, "rotate")
    shape = x.type.dims
    height, width = shape[1:3] if rank == 4 else shape[:2]
    maps = angles_to_projective_transforms(angles, height, width)
    return transform(x, maps, interpolation, name=name)


@titled("translate")
def translate(
    images: Any, translations: Any, interpolation: str = "NEAREST", name: str | None = None
) -> Tensor:
    """Pictures moved by ``translations`` (dx, dy), one or one for each."""
    return transform(
        images, translations_to_projective_transforms(translations), interpolation, name=name
    )


@titled("rotate_transforms")
def angles_to_projective_transforms(
    angles: Any, image_height: Any, image_width: Any, name: str | None = None
) -> Tensor:
    """The transforms that turn pictures of a size around their middle: [n, 8]."""
    turn = convert(angles, float32)
    b = builder(turn)
    if turn.type.rank not in (0, 1):
        raise ShapeError(f"angles are a number or a vector, got {turn.type}", site=here())
    count = turn.type.elements
    turn = b.reshape(turn, shape=(count,))
    cos, sin = b.cos(turn), b.sin(turn)
    high, wide = (
        b.cast(convert(n), dtype=float32) if not _is_size(n) else b.dim_value(dim=n, dtype=float32)
        for n in (image_height, image_width)
    )
    high, wide = b.sub(high, 1.0), b.sub(wide, 1.0)
    right = b.mul(b.sub(wide, b.sub(b.mul(cos, wide), b.mul(sin, high))), 0.5)
    down = b.mul(b.sub(high, b.add(b.mul(sin, wide), b.mul(cos, high))), 0.5)
    zero = b.mul(turn, 0.0)
    return b.pack(cos, b.neg(sin), right, sin, cos, down, zero, zero, axis=1, name=name)


def _is_size(value: Any) -> bool:
    return not isinstance(value, Tensor) and not isinstance(value, float | np.floating)


@titled("translate_transforms")
def translations_to_projective_transforms(translations: Any, name: str | None = None) -> Tensor:
    """The transforms that move pictures by (dx, dy): [2] or [n, 2] -> [n, 8]."""
    moves = convert(translations, float32)
    b = builder(moves)
    flat = b.expand_dims(moves, axis=0) if moves.type.rank == 1 else moves
    if flat.type.rank != 2 or same_dim(flat.type.dims[1], 2, "moves") is None:
        raise ShapeError(f"translations are [2] or [n, 2], got {moves.type}", site=here())
    n = flat.type.dims[0]
    dx, dy = (b.reshape(b.slice(flat, begin=(0, k), size=(n, 1)), shape=(n,)) for k in (0, 1))
    zero = b.mul(dx, 0.0)
    one = b.add(zero, 1.0)
    return b.pack(one, zero, b.neg(dx), zero, one, b.neg(dy), zero, zero, axis=1, name=name)


def flat_transforms_to_matrices(transforms: Any) -> Tensor:
    """Transforms [8] or [n, 8] as matrices [n, 3, 3]."""
    maps = convert(transforms, float32)
    b = builder(maps)
    flat = b.reshape(maps, shape=(1, 8)) if maps.type.rank == 1 else maps
    n = flat.type.dims[0]
    return b.reshape(b.pad(flat, paddings=((0, 0), (0, 1)), value=1.0), shape=(n, 3, 3))


def matrices_to_flat_transforms(transform_matrices: Any) -> Tensor:
    """Matrices [3, 3] or [n, 3, 3] as transforms [n, 8]: divided by their last number."""
    maps = convert(transform_matrices, float32)
    b = builder(maps)
    n = 1 if maps.type.rank == 2 else maps.type.dims[0]
    flat = b.reshape(maps, shape=(n, 9))
    first = b.slice(flat, begin=(0, 0), size=(n, 8))
    return b.truediv(first, b.slice(flat, begin=(0, 8), size=(n, 1)))


@titled("compose_transforms")
def compose_transforms(*transforms: Any) -> Tensor:
    """The transform that looks through all of these, the last one first."""
    if not transforms:
        raise ValueError("compose_transforms needs a transform at least")
    whole = flat_transforms_to_matrices(transforms[0])
    for other in transforms[1:]:
        after = flat_transforms_to_matrices(other)
        whole = builder(whole, after).matmul(whole, after)
    return matrices_to_flat_transforms(whole)
