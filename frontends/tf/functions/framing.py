"""Parts of pictures and pictures in frames: flips, turns, crops, borders."""

from __future__ import annotations

from typing import Any

from frontends.tf.functions.blocks import titled
from frontends.tf.functions.random import random_uniform
from frontends.tf.graph.tensor import builder, convert, size_of, whole_number
from graphc.errors import ShapeError
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.graph import Tensor
from graphc.ir.source import here


def picture(image: Any, what: str) -> tuple[Builder, Tensor, int]:
    """A picture [h, w, c] or a batch of them, and the axis of its rows."""
    x = convert(image)
    if x.type.rank not in (3, 4):
        raise ValueError(f"{what} needs pictures of 3 or 4 axes, got {x.type}")
    return builder(x), x, x.type.rank - 3


@titled("flip_left_right")
def flip_left_right(image: Any) -> Tensor:
    """``image`` with its columns in reverse order."""
    b, x, rows = picture(image, "flip_left_right")
    return b.reverse(x, axis=(rows + 1,))


@titled("flip_up_down")
def flip_up_down(image: Any) -> Tensor:
    """``image`` with its rows in reverse order."""
    b, x, rows = picture(image, "flip_up_down")
    return b.reverse(x, axis=(rows,))


def _flipped_at_random(image: Any, axis: int, seed: int | None, what: str) -> Tensor:
    b, x, rows = picture(image, what)
    with b.home.name_scope(what):
        shape = (x.type.dims[0],) if rows else ()
        drawn = random_uniform(shape, 0, 1.0, seed=seed)
        if rows:
            drawn = b.reshape(drawn, shape=(*shape, 1, 1, 1))
        turned = b.reverse(x, axis=(rows + axis,))
        return b.where(b.less(drawn, 0.5), turned, x)


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """:func:`flip_left_right` of each picture, or not, as a coin says."""
    return _flipped_at_random(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """:func:`flip_up_down` of each picture, or not, as a coin says."""
    return _flipped_at_random(image, 0, seed, "random_flip_up_down")


@titled("rot90")
def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """``image`` turned by ``k`` right angles against the clock; ``k`` is an int."""
    b, x, rows = picture(image, "rot90")
    turns = whole_number(k, "k") % 4
    swap = (*range(rows), rows + 1, rows, rows + 2)
    match turns:
        case 0:
            return b.identity(x, name=name)
        case 1:
            return b.transpose(b.reverse(x, axis=(rows + 1,)), perm=swap, name=name)
        case 2:
            return b.reverse(x, axis=(rows, rows + 1), name=name)
        case _:
            return b.reverse(b.transpose(x, perm=swap), axis=(rows + 1,), name=name)


@titled("transpose_image")
def transpose_image(image: Any, name: str | None = None) -> Tensor:
    """``image`` with rows as columns."""
    b, x, rows = picture(image, "transpose_image")
    return b.transpose(x, perm=(*range(rows), rows + 1, rows, rows + 2), name=name)


@titled("central_crop")
def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of ``image``: ``central_fraction`` of its height and of its width."""
    b, x, rows = picture(image, "central_crop")
    if not 0 < central_fraction <= 1:
        raise ValueError(f"central_fraction lies in (0, 1], got {central_fraction}")
    if central_fraction == 1:
        return x
    starts = []
    for size in x.type.dims[rows : rows + 2]:
        if not isinstance(size, int):
            raise ShapeError(
                f"central_crop needs to know the size of {x.name}, which is {x.type}", site=here()
            )
        starts.append(int((size - size * central_fraction) / 2))
    sizes = [n - 2 * s for n, s in zip(x.type.dims[rows:], starts, strict=False)]
    return _part(b, x, rows, starts, sizes)


def _part(b: Builder, x: Tensor, rows: int, begin: Any, sizes: Any) -> Tensor:
    shape = x.type.dims
    return b.slice(
        x, begin=(*(0,) * rows, *begin, 0), size=(*shape[:rows], *sizes, shape[rows + 2])
    )


def _known(a: Dim) -> bool:
    return isinstance(a, int)


def _frame(b: Builder, x: Tensor, rows: int, given: Any, inside: bool, what: str) -> tuple:
    """Offsets and sizes of a frame, which ``x`` holds (``inside``) or which holds ``x``."""
    top, left, tall, wide = (size_of(b, value) for value in given)
    for offset, size, has in zip((top, left), (tall, wide), x.type.dims[rows:], strict=False):
        whole, part = (has, size) if inside else (size, has)
        wrong = (_known(offset) and offset < 0) or (inside and _known(size) and size <= 0)  # type: ignore[operator]
        if all(map(_known, (offset, whole, part))):
            wrong = wrong or offset + part > whole  # type: ignore[operator]
        if wrong:
            raise ValueError(
                f"{what}: {size} from {offset} on does not fit {has} of a picture {x.type}"
            )
    return (top, left), (tall, wide)


@titled("crop_to_bounding_box")
def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """The part of ``target_height`` rows from ``offset_height`` on, and columns likewise."""
    b, x, rows = picture(image, "crop_to_bounding_box")
    given = (offset_height, offset_width, target_height, target_width)
    begin, sizes = _frame(b, x, rows, given, True, "crop_to_bounding_box")
    return _part(b, x, rows, begin, sizes)


@titled("pad_to_bounding_box")
def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Tensor:
    """``image`` from row ``offset_height`` and column ``offset_width`` on, among zeros."""
    b, x, rows = picture(image, "pad_to_bounding_box")
    given = (offset_height, offset_width, target_height, target_width)
    begin, sizes = _frame(b, x, rows, given, False, "pad_to_bounding_box")
    pairs = [
        (first, size - first - has)
        for first, size, has in zip(begin, sizes, x.type.dims[rows:], strict=False)
    ]
    return b.pad(x, paddings=(*((0, 0),) * rows, *pairs, (0, 0)))


@titled("resize_image_with_crop_or_pad")
def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Tensor:
    """The middle of ``image``, or ``image`` in the middle of zeros, along each axis."""
    b, x, rows = picture(image, "resize_image_with_crop_or_pad")
    begin, sizes, pairs, shape = [], [], [], []
    for target, has in zip((target_height, target_width), x.type.dims[rows:], strict=False):
        wanted = size_of(b, target)
        if _known(wanted) and wanted <= 0:  # type: ignore[operator]
            raise ValueError(f"resize_image_with_crop_or_pad to {wanted}: a size is positive")
        surplus, missing = dims.maximum(has - wanted, 0), dims.maximum(wanted - has, 0)
        begin.append(dims.floordiv(surplus, 2))
        sizes.append(has - surplus)
        before = dims.floordiv(missing, 2)
        pairs.append((before, missing - before))
        shape.append(wanted)
    part = _part(b, x, rows, begin, sizes)
    y = b.pad(part, paddings=(*((0, 0),) * rows, *pairs, (0, 0)))
    return b.reshape(y, shape=(*y.type.dims[:rows], *shape, y.type.dims[-1]))
