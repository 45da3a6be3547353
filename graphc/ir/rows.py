"""The cotangent of a tensor few of whose rows were read: those rows, and which they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphc.ir.dtype import int64

if TYPE_CHECKING:
    from graphc.ir.graph import Tensor


@dataclass(frozen=True, eq=False)
class Rows:
    """Zero in the shape of ``like``, but ``values[i]`` is added to row ``indices[i]``.

    values: [n, ...], indices: int[n].  Indices may repeat.
    """

    values: Tensor
    indices: Tensor
    like: Tensor

    def dense(self, b: Any) -> Tensor:
        """The same as a tensor of the shape of ``like``."""
        dtype, shape = self.values.dtype, self.like.type.dims
        computed = dtype.computed
        values = self.values if computed is dtype else b.cast(self.values, dtype=computed)
        sums = b.unsorted_segment_sum(values, self.indices, num_segments=shape[0])
        return sums if computed is dtype else b.cast(sums, dtype=dtype)


def joined_rows(b: Any, parts: Sequence[Rows]) -> Rows:
    """The sum of cotangents of one tensor: all their rows."""
    if len(parts) == 1:
        return parts[0]
    indices = [p.indices for p in parts]
    if len({t.dtype for t in indices}) > 1:
        indices = [t if t.dtype is int64 else b.cast(t, dtype=int64) for t in indices]
    values = b.concat(*(p.values for p in parts), axis=0)
    return Rows(values, b.concat(*indices, axis=0), parts[0].like)
