"""How far sequences are apart, in insertions, deletions and replacements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dtype import float32, int64
from graphc.ir.op import REQUIRED, Kind, NotDifferentiable, Op, Refuses, Sample
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType


def distance(left: Sequence[Any], right: Sequence[Any]) -> int:
    """Levenshtein's distance, row by row (Wagner and Fischer, 1974)."""
    row = list(range(len(right) + 1))
    for i, p in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, q in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (p != q))
    return row[-1]


class EditDistance(Op):
    """The distance of every sequence of a sparse tensor to that of another.

    Sequences lie along the last axis; each tensor is given by indices, values and shape.
    ``normalize`` divides by the length of the truth, giving infinity where only that is empty.
    """

    operands = (
        "hypothesis_indices", "hypothesis_values", "hypothesis_shape",
        "truth_indices", "truth_values", "truth_shape",
    )  # fmt: skip
    attributes = {"normalize": True, "sizes": REQUIRED}
    binding = "sizes"
    kind = Kind.HOST
    may_fail = True
    vjp = NotDifferentiable("it counts")

    def infer_type(self, *operands: TensorType) -> TensorType:
        for name, type, rank in zip(self.operands, operands, (2, 1, 1) * 2, strict=True):
            if not name.endswith("values") and type.dtype is not int64:
                raise DTypeMismatch(f"{name} must be int64, got {type}")
            if type.shape is not None and len(type.shape) != rank:
                raise Mismatch(f"{name} must have rank {rank}, got {type}")
        if operands[1].dtype is not operands[4].dtype:
            raise DTypeMismatch(
                "dtypes of hypothesis and truth differ", hypothesis=operands[1], truth=operands[4]
            )
        return TensorType(float32, self.sizes)

    def reference(self, *operands: np.ndarray) -> np.ndarray:
        hypothesis, truth = _sequences(*operands[:2]), _sequences(*operands[3:5])
        left, right = operands[2], operands[5]
        if len(left) != len(right) or len(left) < 2:
            raise InvalidArgumentError(
                f"the shapes must be of one rank, 2 at least: {left.tolist()}, {right.tolist()}"
            )
        shape = np.maximum(left, right)[:-1]
        found = np.zeros(shape, np.float32)
        for at in {**hypothesis, **truth}:
            said, wanted = hypothesis.get(at, []), truth.get(at, [])
            steps: float = distance(said, wanted)
            if self.normalize:
                steps = steps / len(wanted) if wanted else np.inf
            if any(k >= n for k, n in zip(at, shape, strict=True)):
                raise InvalidArgumentError(f"the sequence {list(at)} is outside {shape.tolist()}")
            found[at] = steps
        return found

    def host(self, *operands: np.ndarray) -> tuple:
        return (self.reference(*operands),)

    samples = [
        Sample("int64[2, 3]", "string[2]", "int64[3]", "int64[4, 3]", "string[4]", "int64[3]",
               values={0: [[0, 0, 0], [1, 0, 0]], 1: [b"a", b"b"], 2: [2, 1, 1],
                       3: [[0, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0]],
                       4: [b"a", b"b", b"c", b"a"], 5: [2, 2, 2]}, sizes=(2, 2)),
        Sample("int64[0, 2]", "int32[0]", "int64[2]", "int64[2, 2]", "int32[2]", "int64[2]",
               values={2: [1, 0], 3: [[0, 0], [0, 1]], 4: [5, 6], 5: [1, 2]}, sizes=(1,),
               normalize=False),
        Refuses("int64[2, 2]", "int32[2]", "int64[2]", "int64[2, 2]", "int64[2]", "int64[2]",
                "dtypes of hypothesis and truth differ", sizes=(1,)),
        Refuses("int64[2]", "int32[2]", "int64[2]", "int64[2, 2]", "int32[2]", "int64[2]",
                "hypothesis_indices must have rank 2, got int64[2]", sizes=(1,)),
    ]  # fmt: skip


def _sequences(indices: np.ndarray, values: np.ndarray) -> dict[tuple[int, ...], list[Any]]:
    found: dict[tuple[int, ...], list[Any]] = {}
    for at, value in zip(indices.tolist(), values.tolist(), strict=True):
        found.setdefault(tuple(at[:-1]), []).append(value)
    return found


@composite
def edit_distances(
    b: Any, hypothesis: Sequence[Any], truth: Sequence[Any], normalize: bool = True,
    name: str | None = None,
) -> Any:  # fmt: skip
    """``edit_distance`` of (indices, values, shape), with sizes that the run finds."""
    columns = [part[0].type.shape and part[0].type.shape[-1] for part in (hypothesis, truth)]
    columns += [part[2].type.shape and part[2].type.shape[-1] for part in (hypothesis, truth)]
    rank = next((n for n in columns if isinstance(n, int)), None)
    if rank is None or rank < 2:
        raise Mismatch("edit_distance needs sparse tensors of a known rank, 2 at least")
    sizes = tuple(b.home.new_dim("sequences", data=True) for _ in range(rank - 1))
    return b.edit_distance(*hypothesis, *truth, normalize=normalize, sizes=sizes, name=name)
