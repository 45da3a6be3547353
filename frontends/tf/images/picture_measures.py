"""Numbers about pictures: edges and gradients, how rough they are, how alike two are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.framing import picture
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.images.colours import convert_image_dtype
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim

_LENGTH, _SIGMA = 11, 1.5  # the window of SSIM (Wang, Bovik, Sheikh and Simoncelli, 2004)


def _moved(b: Builder, x: Tensor, axis: int, first: int, count: Dim) -> Tensor:
    shape = x.type.dims
    begin = [first if k == axis else 0 for k in range(len(shape))]
    return b.slice(x, begin=begin, size=[count if k == axis else n for k, n in enumerate(shape)])


def _steps(b: Builder, x: Tensor, axis: int) -> Tensor:
    """The differences of neighbours along an axis."""
    count = x.type.dims[axis] - 1
    return b.sub(_moved(b, x, axis, 1, count), _moved(b, x, axis, 0, count))


@titled("total_variation")
def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the magnitudes of all differences of neighbours, of each picture."""
    b, x, rows = picture(images, "total_variation")
    axes = tuple(range(rows, rows + 3))
    sums = [b.reduce_sum(b.abs(_steps(b, x, rows + k)), axis=axes, keepdims=False) for k in (0, 1)]
    return b.add(*sums, name=name)


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """(dy, dx): the differences to the next row and column of [n, h, w, c]; 0 at the end."""
    b, x, rows = picture(image, "image_gradients")
    if rows != 1:
        raise ValueError(f"image_gradients needs pictures [n, h, w, c], got {x.type}")
    dy, dx = _steps(b, x, 1), _steps(b, x, 2)
    end = ((0, 0), (0, 1), (0, 0), (0, 0)), ((0, 0), (0, 0), (0, 1), (0, 0))
    return b.pad(dy, paddings=end[0]), b.pad(dx, paddings=end[1])


@titled("sobel_edges")
def sobel_edges(image: Any) -> Tensor:
    """Sobel's filters down and along of [n, h, w, c] -> [n, h, w, c, 2]; borders are mirrored."""
    b, x, rows = picture(image, "sobel_edges")
    if rows != 1:
        raise ValueError(f"sobel_edges needs pictures [n, h, w, c], got {x.type}")
    around = b.mirror_pad(x, paddings=((0, 0), (1, 1), (1, 1), (0, 0)), border=1)
    parts = []
    for axis, other in ((1, 2), (2, 1)):
        count, across = x.type.dims[axis], x.type.dims[other]
        rise = b.sub(_moved(b, around, axis, 2, count), _moved(b, around, axis, 0, count))
        beside = [_moved(b, rise, other, k, across) for k in range(3)]
        parts.append(b.add(b.add(beside[0], beside[2]), b.mul(beside[1], 2.0)))
    return b.pack(*parts, axis=4)


def _pair(a: Any, b: Any, max_val: Any) -> tuple[Builder, Tensor, Tensor, Tensor]:
    """Two pictures as float32, and the largest value on that scale."""
    first, second = convert(a), convert(b)
    build = builder(first, second)
    shapes = first.type.shape, second.type.shape
    known = shapes[0] is not None and shapes[1] is not None
    if not known or len(shapes[0]) < 3 or len(shapes[1]) < 3:  # type: ignore[arg-type]
        raise ShapeError(
            f"two pictures of 3 axes or more are compared, got {first.type} and {second.type}",
            site=here(),
        )
    for one, two in zip(shapes[0][-3:], shapes[1][-3:], strict=True):  # type: ignore[index]
        if same_dim(one, two, "size") is None:
            raise ValueError(f"pictures differ in size: {first.type} and {second.type}")
    if first.dtype is not second.dtype:
        raise ValueError(f"pictures differ in dtype: {first.type} and {second.type}")
    most = convert(max_val)
    most = most if most.dtype is first.dtype else build.cast(most, dtype=first.dtype)
    most, first, second = (convert_image_dtype(t, float32) for t in (most, first, second))
    return build, first, second, most


@titled("PSNR")
def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio of each pair of pictures, in decibels."""
    build, first, second, most = _pair(a, b, max_val)
    rank = len(first.type.dims)
    axes = tuple(range(rank - 3, rank))
    error = build.reduce_mean(build.square(build.sub(first, second)), axis=axes, keepdims=False)
    peak = build.mul(build.log(most), 20 / math.log(10))
    return build.sub(peak, build.mul(build.log(error), 10 / math.log(10)), name=name)


@titled("SSIM")
def ssim(img1: Any, img2: Any, max_val: Any) -> Tensor:
    """The structural similarity of each pair of pictures: 1 for equal ones.

    Both are at least 11 x 11: the weights of a window fall off as a Gaussian of deviation 1.5.
    """
    build, first, second, most = _pair(img1, img2, max_val)
    offsets = np.arange(_LENGTH) - (_LENGTH - 1) / 2
    weights = np.exp(-np.square(offsets) / (2 * _SIGMA**2))
    weights /= weights.sum()
    rank = len(first.type.dims)

    def blurred(x: Tensor) -> Tensor:
        for axis in (rank - 3, rank - 2):
            size = x.type.dims[axis]
            if isinstance(size, int) and size < _LENGTH:
                raise ValueError(f"ssim needs pictures of 11 pixels and more, got {first.type}")
            count = size - _LENGTH + 1
            parts = [
                build.mul(_moved(build, x, axis, k, count), float(w)) for k, w in enumerate(weights)
            ]
            x = build.add_n(*parts)
        return x

    c1, c2 = (build.square(build.mul(most, k)) for k in (0.01, 0.03))
    mean, other = blurred(first), blurred(second)
    products = build.mul(mean, other)
    squares = build.add(build.square(mean), build.square(other))
    luminance = build.truediv(build.add(build.mul(products, 2.0), c1), build.add(squares, c1))
    both = build.mul(blurred(build.mul(first, second)), 2.0)
    powers = blurred(build.add(build.square(first), build.square(second)))
    structure = build.truediv(
        build.add(build.sub(both, build.mul(products, 2.0)), c2),
        build.add(build.sub(powers, squares), c2),
    )
    each = build.mul(luminance, structure)
    per_channel = build.reduce_mean(each, axis=(rank - 3, rank - 2), keepdims=False)
    return build.reduce_mean(per_channel, axis=(rank - 3,), keepdims=False)
