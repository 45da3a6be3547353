"""The colours of pictures: dtypes and their ranges, grey, hue, saturation, brightness, contrast.

Floating pixels lie between 0 and 1, integer ones between 0 and the largest of their dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.framing import picture
from frontends.tf.functions.math import saturate_cast
from frontends.tf.functions.random import random_uniform
from frontends.tf.graph.tensor import builder, convert, known_rank
from graphc.errors import ShapeError
from graphc.ir.builder import Builder, as_tensor
from graphc.ir.dims import product
from graphc.ir.dtype import DType, as_dtype, float16, float32
from graphc.ir.graph import Tensor
from graphc.ir.source import here

GREY = (0.2989, 0.587, 0.114)
YIQ = np.array(
    [[0.299, 0.59590059, 0.2115], [0.587, -0.27455667, -0.52273617],
     [0.114, -0.32134392, 0.31119955]], np.float32,
)  # fmt: skip
YUV = np.array(
    [[0.299, -0.14714119, 0.61497538], [0.587, -0.28886916, -0.51496512],
     [0.114, 0.43601035, -0.10001026]], np.float32,
)  # fmt: skip
FROM_YIQ = np.array(
    [[1, 1, 1], [0.95598634, -0.27201283, -1.10674021], [0.6208248, -0.64720424, 1.70423049]],
    np.float32,
)
FROM_YUV = np.array(
    [[1, 1, 1], [0, -0.394642334, 2.03206185], [1.13988303, -0.58062185, 0]], np.float32
)


@titled("convert_image")
def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Tensor:
    """``image`` in another dtype, its range scaled to that dtype's.

    ``saturate`` clips what does not fit, where a float would else wrap.
    """
    x, wanted = convert(image), as_dtype(dtype)
    b = builder(x)
    cast: Callable[..., Tensor] = (
        saturate_cast if saturate else lambda v, dtype: b.cast(v, dtype=dtype)
    )
    if x.dtype is wanted:
        return b.identity(x, name=name)
    if x.dtype.is_integer and wanted.is_integer:
        return b.identity(_whole(b, x, wanted, saturate), name=name)
    if x.dtype.is_floating and wanted.is_floating:
        return b.cast(x, dtype=wanted, name=name)
    if x.dtype.is_integer:
        return b.mul(b.cast(x, dtype=wanted), b.tensor(1.0 / x.dtype.max, dtype=wanted), name=name)
    scaled = b.mul(x, b.tensor(float(wanted.max) + 0.5, dtype=x.dtype))
    return b.identity(cast(scaled, wanted), name=name)


def _whole(b: Builder, x: Tensor, wanted: DType, saturate: bool) -> Tensor:
    """Integers scaled by the ratio of the ranges."""
    most, least = x.dtype.max, wanted.max
    if most > least:
        ratio = b.tensor((most + 1) // (least + 1), dtype=x.dtype)
        smaller = b.truncatediv(x, ratio)
        return saturate_cast(smaller, wanted) if saturate else b.cast(smaller, dtype=wanted)
    larger = saturate_cast(x, wanted) if saturate else b.cast(x, dtype=wanted)
    return b.mul(larger, b.tensor((least + 1) // (most + 1), dtype=wanted))


def _as_floats(image: Any) -> tuple[Builder, Tensor, Callable[..., Tensor]]:
    """A picture as floats, and how to give its dtype back (clipped)."""
    x = convert(image)
    if x.dtype.is_floating:
        return builder(x), x, lambda y, name=None: builder(y).identity(y, name=name)
    wide = convert_image_dtype(x, float32)
    dtype = x.dtype
    return builder(x), wide, lambda y, name=None: convert_image_dtype(y, dtype, True, name)


def _channels(b: Builder, x: Tensor) -> list[Tensor]:
    """The three colours, each with an axis of size 1."""
    rank = known_rank(x, "a picture")
    if rank < 1 or (isinstance(x.type.dims[-1], int) and x.type.dims[-1] != 3):
        raise ShapeError(f"a picture in colour has 3 channels, got {x.type}", site=here())
    begin = (0,) * (rank - 1)
    shape = x.type.dims[:-1]
    return [b.slice(x, begin=(*begin, k), size=(*shape, 1)) for k in range(3)]


@titled("rgb_to_grayscale")
def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """Three channels as one: the brightness that eyes see."""
    b, x, back = _as_floats(images)
    parts = [b.mul(c, weight) for c, weight in zip(_channels(b, x), GREY, strict=True)]
    return back(b.add(b.add(*parts[:2]), parts[2]), name)


@titled("grayscale_to_rgb")
def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """One channel three times."""
    x = convert(images)
    b, rank = builder(x), known_rank(x, "grayscale_to_rgb")
    if rank < 1 or (isinstance(x.type.dims[-1], int) and x.type.dims[-1] != 1):
        raise ValueError(f"a grey picture has one channel, got {x.type}")
    return b.concat(x, x, x, axis=rank - 1, name=name)


@titled("RGBToHSV")
def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """[..., 3] of red, green, blue between 0 and 1 -> hue, saturation, value."""
    x = convert(images)
    b = builder(x)
    return b.concat(*_hsv(b, x), axis=known_rank(x, "rgb_to_hsv") - 1, name=name)


def _hsv(b: Builder, x: Tensor) -> list[Tensor]:
    if not x.dtype.is_floating:
        raise ShapeError(f"hues are of floating pictures, got {x.type}", site=here())
    red, green, blue = _channels(b, x)
    value = b.maximum(b.maximum(red, green), blue)
    spread = b.sub(value, b.minimum(b.minimum(red, green), blue))
    nothing = b.zeros_like(value)
    some = b.greater(spread, 0.0)
    norm = b.truediv(1.0, b.mul(b.where(some, spread, b.ones_like(spread)), 6.0))

    def turned(first: Tensor, second: Tensor, start: float) -> Tensor:
        return b.add(b.mul(norm, b.sub(first, second)), start)

    hue = b.where(
        b.equal(red, value),
        b.mul(norm, b.sub(green, blue)),
        b.where(b.equal(green, value), turned(blue, red, 2 / 6), turned(red, green, 4 / 6)),
    )
    hue = b.where(some, hue, nothing)
    hue = b.where(b.less(hue, 0.0), b.add(hue, 1.0), hue)
    bright = b.greater(value, 0.0)
    saturation = b.truediv(spread, b.where(bright, value, b.ones_like(value)))
    return [hue, b.where(bright, saturation, nothing), value]


@titled("HSVToRGB")
def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """[..., 3] of hue, saturation, value between 0 and 1 -> red, green, blue."""
    x = convert(images)
    b = builder(x)
    hue, saturation, value = _channels(b, x)
    return _rgb(b, hue, saturation, value, known_rank(x, "hsv_to_rgb") - 1, name)


def _rgb(
    b: Builder, hue: Tensor, saturation: Tensor, value: Tensor, axis: int, name: str | None
) -> Tensor:
    sixth = b.mul(hue, 6.0)

    def clipped(x: Tensor) -> Tensor:
        return b.maximum(b.minimum(x, 1.0), 0.0)

    red = clipped(b.sub(b.abs(b.sub(sixth, 3.0)), 1.0))
    green = clipped(b.sub(2.0, b.abs(b.sub(sixth, 2.0))))
    blue = clipped(b.sub(2.0, b.abs(b.sub(sixth, 4.0))))
    rest = b.sub(1.0, saturation)
    parts = [b.mul(b.add(rest, b.mul(saturation, part)), value) for part in (red, green, blue)]
    return b.concat(*parts, axis=axis, name=name)


def _by_matrix(matrix: np.ndarray, title: str, says: str) -> Callable[[Any], Tensor]:
    def turned(images: Any) -> Tensor:
        x = convert(images)
        b = builder(x)
        with b.home.name_scope(title):
            axis = known_rank(x, title) - 1
            given = _channels(b, x)
            made = []
            for column in matrix.T:
                parts = [b.mul(c, float(w)) for c, w in zip(given, column, strict=True)]
                made.append(b.add(b.add(*parts[:2]), parts[2]))
            return b.concat(*made, axis=axis)

    turned.__name__ = turned.__qualname__ = title
    turned.__doc__ = says
    return turned


rgb_to_yiq = _by_matrix(YIQ, "rgb_to_yiq", "[..., 3] of red, green, blue -> YIQ.")
yiq_to_rgb = _by_matrix(FROM_YIQ, "yiq_to_rgb", "[..., 3] of YIQ -> red, green, blue.")
rgb_to_yuv = _by_matrix(YUV, "rgb_to_yuv", "[..., 3] of red, green, blue -> YUV.")
yuv_to_rgb = _by_matrix(FROM_YUV, "yuv_to_rgb", "[..., 3] of YUV -> red, green, blue.")


@titled("adjust_brightness")
def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """``image + delta``; ``delta`` is on the scale of floating pixels, 0 to 1."""
    b, x, back = _as_floats(image)
    return back(b.add(x, _of_dtype(b, delta, x)))


@titled("adjust_contrast")
def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Each channel's distance from its mean over the picture, times ``contrast_factor``."""
    b, x, back = _as_floats(images)
    given = x
    x = b.cast(x, dtype=float32) if x.dtype is float16 else x
    rank = known_rank(x, "adjust_contrast")
    if rank < 3:
        raise ValueError(f"adjust_contrast needs pictures of 3 axes or more, got {x.type}")
    mean = b.reduce_mean(x, axis=(rank - 3, rank - 2), keepdims=True)
    y = b.add(b.mul(b.sub(x, mean), _of_dtype(b, contrast_factor, x)), mean)
    return back(y if y.dtype is given.dtype else b.cast(y, dtype=given.dtype))


@titled("adjust_gamma")
def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """``gain * image ** gamma``, of pixels between 0 and 1; ``gamma`` is not negative."""
    if as_tensor(gamma) is None and gamma < 0:
        raise ValueError(f"gamma must not be negative, got {gamma}")
    b, x, back = _as_floats(image)
    return back(b.mul(_of_dtype(b, gain, x), b.pow(x, _of_dtype(b, gamma, x))))


@titled("adjust_hue")
def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """``image`` with ``delta`` (-1 to 1: once around) added to its hues."""
    if as_tensor(delta) is None and not -1 <= delta <= 1:
        raise ValueError(f"delta lies in [-1, 1], got {delta}")
    b, x, back = _as_floats(image)
    hue, saturation, value = _hsv(b, x)
    moved = b.floormod(b.add(hue, _of_dtype(b, delta, x)), 1.0)
    return back(_rgb(b, moved, saturation, value, len(x.type.dims) - 1, None), name)


@titled("adjust_saturation")
def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """``image`` with its saturation times ``saturation_factor``, at most full."""
    b, x, back = _as_floats(image)
    hue, saturation, value = _hsv(b, x)
    scaled = b.mul(saturation, _of_dtype(b, saturation_factor, x))
    held = b.maximum(b.minimum(scaled, 1.0), 0.0)
    return back(_rgb(b, hue, held, value, len(x.type.dims) - 1, None), name)


def _of_dtype(b: Builder, number: Any, like: Tensor) -> Tensor:
    value = as_tensor(number)
    if value is None:
        return b.tensor(number, like=like)
    return value if value.dtype is like.dtype else b.cast(value, dtype=like.dtype)


@titled("per_image_standardization")
def per_image_standardization(image: Any) -> Tensor:
    """Each picture less its mean, over its deviation (at least ``1 / sqrt(pixels)``)."""
    b, x, rows = picture(image, "per_image_standardization")
    given = x.dtype
    x = x if x.dtype is float32 else b.cast(x, dtype=float32)
    axes = tuple(range(rows, rows + 3))
    centred = b.sub(x, b.reduce_mean(x, axis=axes, keepdims=True))
    spread = b.sqrt(b.reduce_mean(b.square(centred), axis=axes, keepdims=True))
    count = product(x.type.dims[rows:])
    least = b.rsqrt(b.dim_value(dim=count, dtype=float32))
    y = b.truediv(centred, b.maximum(spread, least))
    return b.cast(y, dtype=given) if given is float16 else y


def _between(lower: Any, upper: Any) -> None:
    if upper <= lower or lower < 0:
        raise ValueError(f"upper must be above lower, and lower not negative: {lower}, {upper}")


def random_brightness(image: Any, max_delta: Any, seed: int | None = None) -> Tensor:
    """:func:`adjust_brightness` by a number drawn from [-max_delta, max_delta)."""
    if max_delta < 0:
        raise ValueError(f"max_delta must not be negative, got {max_delta}")
    return adjust_brightness(image, random_uniform((), -max_delta, max_delta, seed=seed))


def random_contrast(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Tensor:
    """:func:`adjust_contrast` by a number drawn from [lower, upper)."""
    _between(lower, upper)
    return adjust_contrast(image, random_uniform((), lower, upper, seed=seed))


def random_hue(image: Any, max_delta: Any, seed: int | None = None) -> Tensor:
    """:func:`adjust_hue` by a number drawn from [-max_delta, max_delta); at most 0.5."""
    if not 0 <= max_delta <= 0.5:
        raise ValueError(f"max_delta lies in [0, 0.5], got {max_delta}")
    return adjust_hue(image, random_uniform((), -max_delta, max_delta, seed=seed))


def random_saturation(image: Any, lower: Any, upper: Any, seed: int | None = None) -> Tensor:
    """:func:`adjust_saturation` by a number drawn from [lower, upper)."""
    _between(lower, upper)
    return adjust_saturation(image, random_uniform((), lower, upper, seed=seed))
