"""Numbers about pictures: edges and gradients, how rough they are, how alike two are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.framing import picture
from frontends.tf.graph.tensor import builder, convert
from frontends.tf.images.colours import convert_image_dtype
from graphc.errors import ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim, floordiv, product
from graphc.ir.dtype import float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim

_POWERS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, as their authors found them


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
def ssim(
    img1: Any, img2: Any, max_val: Any, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """The structural similarity of each pair of pictures: 1 for equal ones (Wang et al., 2004).

    Both are at least ``filter_size`` squared: the weights of a window fall off as a Gaussian of
    deviation ``filter_sigma``.
    """
    build, first, second, most = _pair(img1, img2, max_val)
    whole, _ = _alike(build, first, second, most, (filter_size, filter_sigma), (k1, k2))
    return build.reduce_mean(whole, axis=(-1,), keepdims=False)


@titled("MS-SSIM")
def ssim_multiscale(
    img1: Any, img2: Any, max_val: Any, power_factors: Sequence[float] = _POWERS,
    filter_size: int = 11, filter_sigma: float = 1.5, k1: float = 0.01, k2: float = 0.03,
) -> Tensor:  # fmt: skip
    """:func:`ssim` at as many scales as ``power_factors``, each half the size of the one before,
    multiplied to those powers (Wang, Simoncelli and Bovik, 2003)."""
    build, first, second, most = _pair(img1, img2, max_val)
    given, factors = (filter_size, filter_sigma), list(power_factors)
    product = None
    for scale, power in enumerate(factors):
        if scale:
            first, second = (_halved(build, t) for t in (first, second))
        whole, structure = _alike(build, first, second, most, given, (k1, k2))
        counted = whole if scale == len(factors) - 1 else structure
        part = build.pow(build.relu(counted), float(power))
        product = part if product is None else build.mul(product, part)
    if product is None:
        raise ValueError("power_factors is empty")
    return build.reduce_mean(product, axis=(-1,), keepdims=False)


def _halved(b: Builder, x: Tensor) -> Tensor:
    """The mean of each two by two pixels; odd sizes are mirrored at the end first."""
    *batch, h, w, c = x.type.dims
    flat = b.reshape(x, shape=(product(batch), h, w, c))
    odd = [size - 2 * floordiv(size, 2) for size in (h, w)]
    pads = ((0, 0), (0, odd[0]), (0, odd[1]), (0, 0))
    if odd != [0, 0]:
        flat = b.mirror_pad(flat, paddings=pads, border=0)
    small = b.avg_pool(flat, window=(2, 2), strides=(2, 2), same=False)
    return b.reshape(small, shape=(*batch, *small.type.dims[1:]))


def _alike(
    b: Builder, first: Tensor, second: Tensor, most: Tensor, window: tuple[int, float],
    steady: tuple[float, float],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """How alike two pictures are, and how alike only their structure is: of each channel."""
    length, sigma = window
    offsets = np.arange(length) - (length - 1) / 2
    weights = np.exp(-np.square(offsets) / (2 * sigma**2))
    weights /= weights.sum()
    rank = len(first.type.dims)

    def blurred(x: Tensor) -> Tensor:
        for axis in (rank - 3, rank - 2):
            size = x.type.dims[axis]
            if isinstance(size, int) and size < length:
                raise ValueError(
                    f"ssim needs pictures of {length} pixels and more, got {first.type}"
                )
            count = size - length + 1
            parts = [b.mul(_moved(b, x, axis, k, count), float(w)) for k, w in enumerate(weights)]
            x = b.add_n(*parts)
        return x

    c1, c2 = (b.square(b.mul(most, k)) for k in steady)
    mean, other = blurred(first), blurred(second)
    products = b.mul(mean, other)
    squares = b.add(b.square(mean), b.square(other))
    luminance = b.truediv(b.add(b.mul(products, 2.0), c1), b.add(squares, c1))
    both = b.mul(blurred(b.mul(first, second)), 2.0)
    powers = blurred(b.add(b.square(first), b.square(second)))
    structure = b.truediv(
        b.add(b.sub(both, b.mul(products, 2.0)), c2), b.add(b.sub(powers, squares), c2)
    )
    over = (rank - 3, rank - 2)
    each = b.mul(luminance, structure)
    return b.reduce_mean(each, axis=over, keepdims=False), b.reduce_mean(
        structure, axis=over, keepdims=False
    )
