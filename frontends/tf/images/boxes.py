"""Boxes in pictures: cut out and resized, and the best of those that overlap.

A box is (y1, x1, y2, x2): two opposite corners, as shares of the picture's height and width less
one pixel where a function cuts, on any scale where it compares.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from frontends.tf.functions.blocks import titled
from frontends.tf.graph.tensor import as_scalar, builder, convert, whole_number
from frontends.tf.images.resizing import new_size
from graphc.errors import AttributeValueError, ShapeError
from graphc.ir.builder import Builder
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, float32, int32
from graphc.ir.graph import Tensor
from graphc.ir.source import here
from graphc.ir.types import same_dim


@titled("CropAndResize")
def crop_and_resize(
    image: Any, boxes: Any, box_ind: Any = None, crop_size: Any = None, method: str = "bilinear",
    extrapolation_value: float = 0, name: str | None = None, box_indices: Any = None,
) -> Tensor:  # fmt: skip
    """Boxes of pictures, each resized to ``crop_size`` = (height, width).

    image: numeric [n, h, w, c], boxes: float32 [boxes, 4], box_ind: int32 [boxes], which picture
    each box is of -> float32 [boxes, height, width, c].  Where a box reaches over the picture there
    is ``extrapolation_value``.  ``method`` is "bilinear" or "nearest".
    """
    x, corners = convert(image), convert(boxes)
    which = convert(box_ind if box_indices is None else box_indices, int32)
    b = builder(x, corners, which)
    if method not in ("bilinear", "nearest"):
        raise AttributeValueError(f"method is bilinear or nearest, got {method!r}", site=here())
    if x.type.rank != 4 or corners.type.rank != 2 or which.type.rank != 1:
        raise ShapeError(
            f"crop_and_resize needs pictures [n, h, w, c], boxes [k, 4] and box_ind [k], got "
            f"{x.type}, {corners.type} and {which.type}",
            site=here(),
        )
    count = same_dim(corners.type.dims[0], which.type.dims[0], "boxes")
    if count is None or same_dim(corners.type.dims[1], 4, "corners") is None:
        raise ShapeError(
            f"crop_and_resize needs boxes [k, 4] and box_ind [k], got {corners.type} and "
            f"{which.type}",
            site=here(),
        )
    size = new_size(b, crop_size, "crop_and_resize")
    _, h, w, c = x.type.dims
    wide = x if x.dtype is float32 else b.cast(x, dtype=float32)
    axes = [_cut(b, corners, k, (h, w)[k], size[k], method == "nearest") for k in (0, 1)]
    shape = (count, *size)
    picture = b.mul(b.reshape(which, shape=(count, 1, 1)), b.dim_value(dim=h, dtype=int32))
    flat = b.reshape(wide, shape=(x.type.dims[0] * h * w, c))

    def pixels(row: Tensor, column: Tensor) -> Tensor:
        rows = b.add(picture, b.reshape(row, shape=(count, size[0], 1)))
        place = b.mul(rows, b.dim_value(dim=w, dtype=int32))
        at = b.add(place, b.reshape(column, shape=(count, 1, size[1])))
        return b.gather(flat, at, axis=0)

    (rows, down, out_of_rows), (columns, along, out_of_columns) = axes
    down = b.reshape(down, shape=(count, size[0], 1, 1))
    along = b.reshape(along, shape=(count, 1, size[1], 1))
    outside = b.logical_or(
        b.reshape(out_of_rows, shape=(count, size[0], 1)),
        b.reshape(out_of_columns, shape=(count, 1, size[1])),
    )
    outside = b.broadcast_to(b.expand_dims(outside, axis=3), shape=(*shape, c))
    if method == "nearest":
        y = pixels(rows[0], columns[0])
    else:
        top, bottom = (
            _between(b, pixels(row, columns[0]), pixels(row, columns[1]), along) for row in rows
        )
        y = _between(b, top, bottom, down)
    return b.where(outside, b.tensor(float(extrapolation_value), like=y), y, name=name)


def _between(b: Builder, first: Tensor, last: Tensor, share: Tensor) -> Tensor:
    return b.add(first, b.mul(b.sub(last, first), share))


def _cut(
    b: Builder, corners: Tensor, axis: int, before: Dim, after: Dim, nearest: bool
) -> tuple[list[Tensor], Tensor, Tensor]:
    """For each box and pixel along an axis: the indices around it, its share of the second, and
    whether it is outside."""
    count = corners.type.dims[0]
    start = b.slice(corners, begin=(0, axis), size=(count, 1))
    end = b.slice(corners, begin=(0, axis + 2), size=(count, 1))
    last = b.dim_value(dim=before - 1, dtype=float32)
    step = b.axis_position(shape=(1, after), axis=1, dtype=int32)
    if after == 1:
        places = b.mul(b.mul(b.add(start, end), 0.5), last)
    else:
        gaps = b.dim_value(dim=after - 1, dtype=float32)
        scale = b.truediv(b.mul(b.sub(end, start), last), gaps)
        places = b.add(b.mul(start, last), b.mul(b.cast(step, dtype=float32), scale))
    outside = b.logical_or(b.less(places, 0.0), b.greater(places, last))
    held = b.maximum(b.minimum(places, last), 0.0)
    floor = b.floor(b.add(held, 0.5)) if nearest else b.floor(held)
    indices = [b.cast(value, dtype=int32) for value in (floor, b.ceil(held))]
    return indices, b.sub(held, floor), b.cast(outside, dtype=bool_)


@titled("non_max_suppression")
def non_max_suppression(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), name: str | None = None,
) -> Tensor:  # fmt: skip
    """The indices (int32) of boxes by falling score, without those that overlap a box before them.

    boxes: floating [k, 4], scores: floating [k].  Two boxes overlap whose intersection is more than
    ``iou_threshold`` of their union; those of at most ``score_threshold`` are left out.

    >>> kept = tf.image.non_max_suppression(boxes, scores, max_output_size=10)
    """
    chosen, _ = _suppressed(boxes, scores, max_output_size, iou_threshold, score_threshold, name)
    return chosen


def non_max_suppression_padded(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), pad_to_max_output_size: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(:func:`non_max_suppression`, how many there are); zeros follow up to ``max_output_size``
    where ``pad_to_max_output_size`` says so."""
    corners = convert(boxes)
    b = builder(corners)
    with b.home.name_scope(name or "non_max_suppression_padded"):
        how = (max_output_size, iou_threshold, score_threshold)
        chosen, count = _suppressed(corners, scores, *how, None)
        if pad_to_max_output_size:
            whole = b.dim_argument(max_output_size)
            chosen = b.pad(chosen, paddings=((0, whole - chosen.type.dims[0]),))
        return chosen, count


@titled("non_max_suppression_with_scores")
def non_max_suppression_with_scores(
    boxes: Any, scores: Any, max_output_size: Any, iou_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), soft_nms_sigma: Any = 0.0, name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(:func:`non_max_suppression`, the scores of those).

    ``soft_nms_sigma`` above 0 lowers the scores of boxes by ``exp(-share**2 / (2 * sigma))`` for
    each better box they share with, rather than leave them out (Bodla et al., 2017).
    """
    corners = convert(boxes)
    rated = convert(scores, like=corners)
    b = builder(corners, rated)
    limit = as_scalar(convert(max_output_size, int32))
    numbers = [_as_float(b, t) for t in (iou_threshold, score_threshold, soft_nms_sigma)]
    wide = [t if t.dtype is float32 else b.cast(t, dtype=float32) for t in (corners, rated)]
    count = b.home.new_dim("count", data=True)
    chosen, kept = b.soft_non_max_suppression(*wide, limit, *numbers, count=count, name=name)
    return chosen, kept if rated.dtype is float32 else b.cast(kept, dtype=rated.dtype)


@titled("non_max_suppression_overlaps")
def non_max_suppression_overlaps(
    overlaps: Any, scores: Any, max_output_size: Any, overlap_threshold: Any = 0.5,
    score_threshold: Any = float("-inf"), name: str | None = None,
) -> Tensor:  # fmt: skip
    """As :func:`non_max_suppression`, where ``overlaps`` [k, k] says how much boxes overlap."""
    table = convert(overlaps, float32)
    rated = convert(scores, float32)
    b = builder(table, rated)
    limit = as_scalar(convert(max_output_size, int32))
    numbers = [_as_float(b, t) for t in (overlap_threshold, score_threshold)]
    count = b.home.new_dim("count", data=True)
    return b.suppress_overlaps(table, rated, limit, *numbers, count=count, name=name)


class CombinedNonMaxSuppression(NamedTuple):
    """What :func:`combined_non_max_suppression` gives."""

    nmsed_boxes: Tensor
    nmsed_scores: Tensor
    nmsed_classes: Tensor
    valid_detections: Tensor


@titled("combined_non_max_suppression")
def combined_non_max_suppression(
    boxes: Any, scores: Any, max_output_size_per_class: Any, max_total_size: Any,
    iou_threshold: Any = 0.5, score_threshold: Any = float("-inf"), pad_per_class: bool = False,
    clip_boxes: bool = True, name: str | None = None,
) -> CombinedNonMaxSuppression:  # fmt: skip
    """The best boxes of all classes, for every picture of a batch.

    boxes: float32 [batch, k, classes or 1, 4], scores: float32 [batch, k, classes] -> boxes [batch,
    total, 4], scores and classes [batch, total], how many of them are valid [batch]; zeros follow.
    """
    corners, rated = convert(boxes, float32), convert(scores, float32)
    b = builder(corners, rated)
    total = whole_number(max_total_size, "max_total_size")
    if pad_per_class and rated.type.shape is not None:
        classes = whole_number(rated.type.shape[-1], "the number of classes")
        each = whole_number(max_output_size_per_class, "max_output_size_per_class")
        total = min(total, each * classes)
    limit = as_scalar(convert(max_output_size_per_class, int32))
    numbers = [_as_float(b, t) for t in (iou_threshold, score_threshold)]
    made = b.combined_non_max_suppression(
        corners, rated, limit, *numbers, total=total, clip=bool(clip_boxes), name=name
    )
    return CombinedNonMaxSuppression(*made)


def _as_float(b: Builder, value: Any) -> Tensor:
    return as_scalar(b.cast(convert(value), dtype=float32))


def _suppressed(
    boxes: Any, scores: Any, most: Any, overlap: Any, least: Any, name: str | None
) -> tuple[Tensor, Tensor]:
    corners = convert(boxes)
    rated = convert(scores, like=corners)
    b = builder(corners, rated)
    limit = as_scalar(convert(most, int32))
    thresholds = [_as_float(b, t) for t in (overlap, least)]
    wide = [t if t.dtype is float32 else b.cast(t, dtype=float32) for t in (corners, rated)]
    count = b.home.new_dim("count", data=True)
    chosen = b.non_max_suppression(*wide, limit, *thresholds, count=count, name=name)
    return chosen, b.dim_value(dim=count, dtype=int32)
