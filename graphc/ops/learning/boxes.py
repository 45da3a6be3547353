"""Boxes in pictures: the best of those that overlap, drawn ones, one at random."""

from __future__ import annotations

import heapq

import numpy as np

from graphc.ir.dtype import float32, int32
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim

_INDICES = NotDifferentiable("it gives indices")
_PIXELS = NotDifferentiable("boxes are drawn on whole pixels")


def _floats(**types: TensorType) -> None:
    for name, type in types.items():
        if type.dtype is not float32:
            raise DTypeMismatch(f"{name} must be float32, got {type}")


def _of_rank(rank: int, what: str, type: TensorType) -> None:
    if type.shape is not None and len(type.shape) != rank:
        raise Mismatch(f"{what} must be of rank {rank}, got {type}")


def shared(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of the union of a box with each of others that both cover."""
    corners = [np.minimum(b[..., :2], b[..., 2:]) for b in (one, others)]
    ends = [np.maximum(b[..., :2], b[..., 2:]) for b in (one, others)]
    areas = [np.prod(end - corner, axis=-1) for corner, end in zip(corners, ends, strict=True)]
    edges = np.minimum(*ends) - np.maximum(*corners)
    both = np.prod(np.maximum(edges, 0), axis=-1)
    real = (areas[0] > 0) & (areas[1] > 0)
    return np.where(real, both / np.where(real, areas[0] + areas[1] - both, 1), 0)


class SuppressOverlaps(Op):
    """The indices by falling score, without those whose overlap with one before is more than
    ``most``.

    ``overlaps[i, j]`` is that of i with j.  At most ``limit``, and none whose score is not above
    ``least``.
    """

    operands = ("overlaps", "scores", "limit", "most", "least")
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = _INDICES

    def infer_type(
        self, overlaps: TensorType, scores: TensorType, limit: TensorType, *thresholds: TensorType
    ) -> TensorType:
        _floats(overlaps=overlaps, scores=scores)
        _of_rank(2, "overlaps", overlaps)
        _of_rank(1, "scores", scores)
        if overlaps.shape and scores.shape:
            for axis in (0, 1):
                if same_dim(overlaps.shape[axis], scores.shape[0], "boxes") is None:
                    raise Mismatch("overlaps [k, k] need scores [k]", overlaps=overlaps,
                                   scores=scores)  # fmt: skip
        return TensorType(int32, (self.count,))

    def reference(
        self, overlaps: np.ndarray, scores: np.ndarray, limit: np.ndarray, most: np.ndarray,
        least: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        chosen: list[int] = []
        for k in np.argsort(-scores, kind="stable"):
            if len(chosen) >= limit or not scores[k] > least:
                break
            if not np.any(overlaps[k, chosen] > most):
                chosen.append(int(k))
        return np.array(chosen, np.int32)

    def host(self, *arrays: np.ndarray) -> tuple:
        return (self.reference(*arrays),)

    samples = [
        Sample("float32[3, 3]", "float32[3]", "int32[]", "float32[]", "float32[]", count=2,
               values={0: [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], 1: [0.2, 0.9, 0.5], 2: 9, 3: 0.5,
                       4: 0.0}),
        Refuses("float32[3, 2]", "float32[3]", "int32[]", "float32[]", "float32[]",
                "overlaps [k, k] need scores [k]", count=1),
    ]  # fmt: skip


class SoftNonMaxSuppression(Op):
    """``indices, scores`` of boxes by falling score, each score lowered for every box before it:
    times ``exp(-share**2 / (2 * sigma))`` (Bodla et al., 2017).  With ``sigma`` 0 scores stay, and
    boxes that share more than ``overlap`` are left out.
    """

    operands = ("boxes", "scores", "limit", "overlap", "least", "sigma")
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = _INDICES

    def infer_type(
        self, boxes: TensorType, scores: TensorType, limit: TensorType, *thresholds: TensorType
    ) -> tuple[TensorType, TensorType]:
        _floats(boxes=boxes, scores=scores)
        _of_rank(2, "boxes", boxes)
        _of_rank(1, "scores", scores)
        if boxes.shape and scores.shape:
            fits = same_dim(boxes.shape[1], 4, "corners") is not None
            if not fits or same_dim(boxes.shape[0], scores.shape[0], "boxes") is None:
                raise Mismatch("boxes [k, 4] need scores [k]", boxes=boxes, scores=scores)
        return TensorType(int32, (self.count,)), TensorType(float32, (self.count,))

    def reference(
        self, boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, overlap: np.ndarray,
        least: np.ndarray, sigma: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
        left = [(-float(s), k, 0) for k, s in enumerate(scores) if s > least]
        heapq.heapify(left)
        chosen: list[int] = []
        kept: list[float] = []
        while left and len(chosen) < limit:
            worth, k, begin = heapq.heappop(left)
            score, alike = -worth, shared(boxes[k], boxes[chosen])
            if sigma <= 0 and np.any(alike[begin:] > overlap):
                continue
            for share in alike[begin:][::-1] if sigma > 0 else ():
                score *= float(np.exp(-0.5 / sigma * share * share))
                if score <= least:
                    break
            if score == -worth:
                chosen.append(k)
                kept.append(score)
            elif score > least:
                heapq.heappush(left, (-score, k, len(chosen)))
        return np.array(chosen, np.int32), np.array(kept, np.float32)

    def host(self, *arrays: np.ndarray) -> tuple:
        return self.reference(*arrays)

    samples = [
        Sample("float32[3, 4]", "float32[3]", "int32[]", "float32[]", "float32[]", "float32[]",
               count=3, values={0: [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 2, 1, 3]],
                                1: [0.5, 0.9, 0.2], 2: 9, 3: 1.0, 4: 0.0, 5: 0.5}),
        Sample("float32[2, 4]", "float32[2]", "int32[]", "float32[]", "float32[]", "float32[]",
               count=1, values={0: [[0, 0, 1, 1], [0, 0.1, 1, 1.1]], 1: [0.5, 0.9], 2: 9, 3: 0.5,
                                4: 0.0, 5: 0.0}),
        Refuses("float32[3, 4]", "float32[2]", "int32[]", "float32[]", "float32[]", "float32[]",
                "boxes [k, 4] need scores [k]", count=1),
    ]  # fmt: skip


class CombinedNonMaxSuppression(Op):
    """``boxes, scores, classes, valid``: of each picture the ``total`` best boxes of all classes,
    at most ``limit`` of one class; zeros follow the ``valid`` ones.

    boxes: [batch, k, classes or 1, 4], scores: [batch, k, classes].  ``clip`` cuts boxes to [0, 1].
    """

    operands = ("boxes", "scores", "limit", "overlap", "least")
    attributes = {"total": REQUIRED, "clip": True}
    kind = Kind.HOST
    vjp = _INDICES

    def infer_type(
        self, boxes: TensorType, scores: TensorType, *rest: TensorType
    ) -> tuple[TensorType, ...]:
        _floats(boxes=boxes, scores=scores)
        _of_rank(4, "boxes", boxes)
        _of_rank(3, "scores", scores)
        if boxes.shape is None or scores.shape is None:
            return (*(TensorType(float32, None) for _ in range(3)), TensorType(int32, None))
        for axis in (0, 1):
            if same_dim(boxes.shape[axis], scores.shape[axis], "boxes") is None:
                raise Mismatch("boxes [batch, k, classes or 1, 4] need scores [batch, k, classes]",
                               boxes=boxes, scores=scores)  # fmt: skip
        batch = scores.shape[0]
        each = TensorType(float32, (batch, self.total))
        return each.with_shape((batch, self.total, 4)), each, each, TensorType(int32, (batch,))

    def reference(
        self, boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, overlap: np.ndarray,
        least: np.ndarray,
    ) -> tuple[np.ndarray, ...]:  # fmt: skip
        batch, total = scores.shape[0], self.total
        found = (
            np.zeros((batch, total, 4), np.float32), np.zeros((batch, total), np.float32),
            np.zeros((batch, total), np.float32), np.zeros(batch, np.int32),
        )  # fmt: skip
        for n in range(batch):
            rows = []
            for c in range(scores.shape[2]):
                own = boxes[n, :, min(c, boxes.shape[2] - 1)]
                rows += [(-scores[n, k, c], c, own[k])
                         for k in _best(own, scores[n, :, c], limit, overlap, least)]  # fmt: skip
            rows = sorted(rows, key=lambda row: row[0])[:total]
            for k, (worth, c, box) in enumerate(rows):
                found[0][n, k] = np.clip(box, 0, 1) if self.clip else box
                found[1][n, k], found[2][n, k] = -worth, c
            found[3][n] = len(rows)
        return found

    def host(self, *arrays: np.ndarray) -> tuple:
        return self.reference(*arrays)

    samples = [
        Sample("float32[1, 3, 1, 4]", "float32[1, 3, 2]", "int32[]", "float32[]", "float32[]",
               total=4, values={0: [[[[0, 0, 1, 1]], [[0, 0.1, 1, 1.1]], [[0, 2, 1, 3]]]],
                                1: [[[0.9, 0.1], [0.8, 0.7], [0.3, 0.2]]], 2: 2, 3: 0.5, 4: 0.15}),
        Refuses("float32[1, 3, 1, 4]", "float32[1, 2, 2]", "int32[]", "float32[]", "float32[]",
                "boxes [batch, k, classes or 1, 4] need scores [batch, k, classes]", total=4),
    ]  # fmt: skip


def _best(
    boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, overlap: np.ndarray, least: np.ndarray
) -> list[int]:
    """The boxes by falling score, without those that share too much with one before."""
    chosen: list[int] = []
    for k in np.argsort(-scores, kind="stable"):
        if len(chosen) >= limit or not scores[k] > least:
            break
        if not np.any(shared(boxes[k], boxes[chosen]) > overlap):
            chosen.append(int(k))
    return chosen


class DrawBoxes(Op):
    """Pictures [n, h, w, c] with the lines of boxes (y1, x1, y2, x2: shares of height and width
    less one pixel) on them, each in the next of ``colors`` [any, channels]."""

    operands = ("images", "boxes", "colors")
    kind = Kind.HOST
    vjp = _PIXELS

    def infer_type(self, images: TensorType, boxes: TensorType, colors: TensorType) -> TensorType:
        if not images.dtype.is_floating:
            raise DTypeMismatch(f"images must be floating, got {images}")
        _floats(boxes=boxes, colors=colors)
        _of_rank(4, "images", images)
        _of_rank(3, "boxes", boxes)
        if images.shape and boxes.shape:
            fits = same_dim(boxes.shape[2], 4, "corners") is not None
            if not fits or same_dim(images.shape[0], boxes.shape[0], "pictures") is None:
                raise Mismatch("images [n, h, w, c] need boxes [n, k, 4]", images=images,
                               boxes=boxes)  # fmt: skip
        return images

    def reference(self, images: np.ndarray, boxes: np.ndarray, colors: np.ndarray) -> np.ndarray:
        drawn = images.copy()
        height, width, channels = images.shape[1:]
        span = np.array([height - 1, width - 1] * 2, np.float32)
        for picture, own in zip(drawn, boxes, strict=True):
            for k, box in enumerate(own):
                top, left, bottom, right = (int(v) for v in (box * span))
                color = colors[k % len(colors), :channels].astype(images.dtype)
                rows = slice(max(top, 0), min(bottom, height - 1) + 1)
                columns = slice(max(left, 0), min(right, width - 1) + 1)
                if top > bottom or left > right or bottom < 0 or right < 0:
                    continue
                if top >= height or left >= width:
                    continue
                for row in (top, bottom):
                    if 0 <= row < height:
                        picture[row, columns] = color
                for column in (left, right):
                    if 0 <= column < width:
                        picture[rows, column] = color
        return drawn

    def host(self, *arrays: np.ndarray) -> tuple:
        return (self.reference(*arrays),)

    samples = [
        Sample("float32[1, 5, 6, 3]", "float32[1, 2, 4]", "float32[2, 3]",
               values={1: [[[0.2, 0.1, 0.8, 0.7], [-0.5, 0.5, 0.5, 1.5]]],
                       2: [[1, 1, 0], [0, 0, 1]]}),
        Refuses("int32[1, 5, 6, 3]", "float32[1, 2, 4]", "float32[2, 3]",
                "images must be floating, got int32[1, 5, 6, 3]"),
        Refuses("float32[1, 5, 6, 3]", "float32[2, 2, 4]", "float32[2, 3]",
                "images [n, h, w, c] need boxes [n, k, 4]"),
    ]  # fmt: skip


class DistortedBox(Op):
    """``begin, size, box``: the first of some random parts of a picture that has a share of
    ``covered`` of one of ``boxes`` inside; the whole picture where there is none.

    A row of ``draws`` (in [0, 1)) makes one part: its ``ratio`` of width to height, its size within
    ``area`` (shares of the picture), and where it is.
    """

    operands = ("image_size", "boxes", "covered", "draws")
    attributes = {"ratio": (0.75, 1.33), "area": (0.05, 1.0)}
    kind = Kind.HOST
    vjp = NotDifferentiable("it is a random draw")

    def infer_type(
        self, image_size: TensorType, boxes: TensorType, covered: TensorType, draws: TensorType
    ) -> tuple[TensorType, TensorType, TensorType]:
        _floats(boxes=boxes, covered=covered, draws=draws)
        if not image_size.dtype.is_integer:
            raise DTypeMismatch(f"image_size must be of an integer dtype, got {image_size}")
        _of_rank(1, "image_size", image_size)
        _of_rank(2, "boxes", boxes)
        _of_rank(0, "covered", covered)
        _of_rank(2, "draws", draws)
        where = TensorType(image_size.dtype, (3,))
        return where, where, TensorType(float32, (1, 1, 4))

    def reference(
        self, image_size: np.ndarray, boxes: np.ndarray, covered: np.ndarray, draws: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        height, width = int(image_size[0]), int(image_size[1])
        pixels = np.trunc(boxes * np.array([height, width] * 2, np.float32)).astype(np.int64)
        top, left, rows, columns = 0, 0, height, width
        for draw in draws:
            part = self._part(height, width, draw)
            if part is not None and _covers(part, pixels, float(covered)):
                top, left, rows, columns = part
                break
        box = np.array([top, left, top + rows, left + columns], np.float32)
        box /= np.array([height, width] * 2, np.float32)
        begin = np.array([top, left, 0], image_size.dtype)
        return begin, np.array([rows, columns, -1], image_size.dtype), box.reshape(1, 1, 4)

    def _part(self, height: int, width: int, draw: np.ndarray) -> tuple[int, int, int, int] | None:
        low, high = self.ratio
        ratio = low + float(draw[0]) * (high - low)
        least, most = (share * width * height for share in self.area)
        if ratio <= 0 or most <= 0:
            return None
        rows = round(float(np.sqrt(least / ratio)))
        limit = round(float(np.sqrt(most / ratio)))
        if round(limit * ratio) > width:
            limit = int((width + 0.5 - 1e-7) / ratio)
            limit -= round(limit * ratio) > width
        limit = min(limit, height)
        rows = min(rows, limit)
        rows += int(float(draw[1]) * (limit - rows + 1))
        rows += round(rows * ratio) * rows < least
        rows -= round(rows * ratio) * rows > most
        columns = round(rows * ratio)
        if not (least <= rows * columns <= most and 0 < columns <= width and 0 < rows <= height):
            return None
        top = int(float(draw[2]) * (height - rows + 1)) if rows < height else 0
        left = int(float(draw[3]) * (width - columns + 1)) if columns < width else 0
        return top, left, rows, columns

    def host(self, *arrays: np.ndarray) -> tuple:
        return self.reference(*arrays)

    samples = [
        Sample("int32[3]", "float32[1, 4]", "float32[]", "float32[4, 4]",
               values={0: [40, 30, 3], 1: [[0.2, 0.2, 0.8, 0.8]], 2: 0.1,
                       3: [[0.5, 0.5, 0.5, 0.5], [0.1, 0.9, 0.2, 0.3], [0.7, 0.2, 0.9, 0.1],
                           [0.3, 0.3, 0.3, 0.3]]}),
        Refuses("float32[3]", "float32[1, 4]", "float32[]", "float32[4, 4]",
                "image_size must be of an integer dtype, got float32[3]"),
    ]  # fmt: skip


def _covers(part: tuple[int, int, int, int], boxes: np.ndarray, covered: float) -> bool:
    """Whether a share of ``covered`` of some box lies inside the part."""
    top, left, rows, columns = part
    for y1, x1, y2, x2 in boxes:
        area = (y2 - y1) * (x2 - x1)
        inside = max(min(y2, top + rows) - max(y1, top), 0) * max(
            min(x2, left + columns) - max(x1, left), 0
        )
        if area >= 1 and inside / area >= covered:
            return True
    return False
