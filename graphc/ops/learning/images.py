"""Choosing among boxes in pictures."""

from __future__ import annotations

import numpy as np

from graphc.ir.dtype import float32, int32
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim


class NonMaxSuppression(Op):
    """The boxes (two opposite corners each) by falling score, the first of equal ones first,
    without those of which more than ``overlap`` of the union with one before is shared.

    At most ``limit`` of them, and none whose score is not above ``least``.
    """

    operands = ("boxes", "scores", "limit", "overlap", "least")
    attributes = {"count": REQUIRED}
    binding = "count"
    kind = Kind.HOST
    vjp = NotDifferentiable("it gives indices")

    def infer_type(
        self, boxes: TensorType, scores: TensorType, limit: TensorType, *thresholds: TensorType
    ) -> TensorType:
        for name, type in zip(self.operands, (boxes, scores), strict=False):
            if type.dtype is not float32:
                raise DTypeMismatch(f"{name} must be float32, got {type}")
        if limit.dtype is not int32:
            raise DTypeMismatch(f"limit must be int32, got {limit}")
        if boxes.shape is not None and scores.shape is not None:
            fits = len(boxes.shape) == 2 and len(scores.shape) == 1
            fits = fits and same_dim(boxes.shape[1], 4, "corners") is not None
            if not fits or same_dim(boxes.shape[0], scores.shape[0], "boxes") is None:
                raise Mismatch("boxes [k, 4] need scores [k]", boxes=boxes, scores=scores)
        return TensorType(int32, (self.count,))

    def reference(
        self, boxes: np.ndarray, scores: np.ndarray, limit: np.ndarray, overlap: np.ndarray,
        least: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        low, high = np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])
        area = np.prod(high - low, axis=1)
        order = np.argsort(-scores, kind="stable")
        left = order[scores[order] > least]
        chosen: list[int] = []
        while len(left) and len(chosen) < limit:
            best, left = left[0], left[1:]
            chosen.append(int(best))
            edges = np.minimum(high[left], high[best]) - np.maximum(low[left], low[best])
            shared = np.prod(np.maximum(edges, 0), axis=1)
            real = (area[left] > 0) & (area[best] > 0)
            union = np.where(real, area[left] + area[best] - shared, 1)
            left = left[~real | (shared / union <= overlap)]
        return np.array(chosen, np.int32)

    def host(self, *arrays: np.ndarray) -> tuple:
        return (self.reference(*arrays),)

    samples = [
        Sample("float32[4, 4]", "float32[4]", "int32[]", "float32[]", "float32[]", count=3,
               values={0: [[0, 0, 1, 1], [0, 0.1, 1, 1.1], [1, 1, 0.5, 3], [0, 2, 1, 3]],
                       1: [0.5, 0.9, 0.2, 0.2], 2: 9, 3: 0.5, 4: -np.inf}),
        Sample("float32[3, 4]", "float32[3]", "int32[]", "float32[]", "float32[]", count=1,
               values={0: [[0, 0, 0, 1], [0, 0, 0, 1], [2, 2, 3, 3]], 1: [0.5, 0.5, 0.1], 2: 1,
                       3: 0.5, 4: 0.2}),
        Sample("float32[0, 4]", "float32[0]", "int32[]", "float32[]", "float32[]", count=0,
               values={2: 3, 3: 0.5, 4: 0.0}),
        Refuses("float32[3, 4]", "float32[2]", "int32[]", "float32[]", "float32[]",
                "boxes [k, 4] need scores [k]", count=1),
        Refuses("int32[3, 4]", "float32[2]", "int32[]", "float32[]", "float32[]",
                "boxes must be float32, got int32[3, 4]", count=1),
    ]  # fmt: skip
