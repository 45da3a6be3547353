"""Moving elements along an axis: by a distance, or back to front in part."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_, int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType, same_dim
from graphc.ops.indexing.index import check_indices
from graphc.ops.shaping.shape import resolve_axis


class Roll(Op):
    """``y[i] = x[i - shift]`` along ``axis``; what leaves at one end enters at the other."""

    operands = ("x", "shift")
    attributes = {"axis": 0}
    kind = Kind.GATHER
    linear = True

    def infer_type(self, x: TensorType, shift: TensorType) -> TensorType:
        check_indices(shift=shift)
        if shift.shape not in (None, ()):
            raise Mismatch("shift must be a scalar", shift=shift)
        if x.shape is not None:
            resolve_axis(self.axis, len(x.shape), x=x)
        return x

    def reference(self, x: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return np.roll(x, int(shift), self.axis)

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, shift: Any) -> Any:
        axis = self.axis % len(at)
        by = shift()
        if shift.type.dtype is not int64:
            by = e.let(f"to_int64({by})", int64, by)
        n = x.type.shape[axis]
        size, place = e.number(n, int64), e.position(at[axis])
        back = e.let(f"floormod({by}, {size})", int64, by, size)
        before = e.let(f"sub({place}, {back})", int64, place, back)
        zero = e.literal(0, int64)
        wraps = e.let(f"lt({before}, {zero})", bool_, before)
        around = e.let(f"add({before}, {size})", int64, before, size)
        source = e.let(f"where({wraps}, {around}, {before})", int64, wraps, around, before)
        return x(*at[:axis], e.clamp(source, n), *at[axis + 1 :])

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, shift: Any) -> list:
        return [b.roll(ct, b.neg(shift), axis=self.axis), None]

    samples = [
        Sample("float32[5]", "int32[]", values={1: 2}),
        Sample("float64[3, 4]", "int64[]", values={1: -7}, axis=1),
        Sample("float64[3, 4]", "int32[]", values={1: 3}, axis=-2),
        Sample("bool[4]", "int32[]", values={1: 9}),
        Sample("float32[0, 2]", "int32[]", values={1: 1}),
        Refuses("float32[3]", "float32[]", "shift must be int32 or int64, got float32[]"),
        Refuses("float32[3]", "int32[2]", "shift must be a scalar"),
        Refuses("float32[3]", "int32[]", "axis 1 is outside a tensor of rank 1", axis=1),
    ]


class ReverseSequence(Op):
    """The first ``lengths[b]`` elements along ``seq_axis`` back to front, the others as they are.

    ``lengths`` has one number for each place of ``batch_axis``.
    """

    operands = ("x", "lengths")
    attributes = {"seq_axis": REQUIRED, "batch_axis": 0}
    kind = Kind.GATHER
    may_fail = True
    linear = True

    def infer_type(self, x: TensorType, lengths: TensorType) -> TensorType:
        check_indices(lengths=lengths)
        if lengths.shape is not None and len(lengths.shape) != 1:
            raise Mismatch("lengths must be a vector", lengths=lengths)
        if x.shape is not None:
            seq, batch = self._axes(x)
            if seq == batch:
                raise Mismatch("the sequence axis and the batch axis are the same", x=x)
            if lengths.shape and same_dim(lengths.shape[0], x.shape[batch], "lengths") is None:
                raise Mismatch(
                    f"lengths needs one number per place of axis {batch}", x=x, lengths=lengths
                )
        return x

    def _axes(self, x: TensorType) -> tuple[int, int]:
        rank = len(x.dims)
        return resolve_axis(self.seq_axis, rank, x=x), resolve_axis(self.batch_axis, rank, x=x)

    def reference(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        seq, batch = self.seq_axis % x.ndim, self.batch_axis % x.ndim
        rows = np.moveaxis(x, (batch, seq), (0, 1)).copy()
        for b, length in enumerate(lengths.tolist()):
            if not 0 <= length <= x.shape[seq]:
                raise InvalidArgumentError(f"lengths[{b}] = {length} is not in [0, {x.shape[seq]}]")
            rows[b, :length] = rows[b, :length][::-1].copy()
        return np.moveaxis(rows, (0, 1), (batch, seq))

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, lengths: Any) -> Any:
        seq, batch = self._axes(x.type)
        n = x.type.shape[seq]
        length = e.position(e.index(lengths(at[batch]), n + 1))
        place, one = e.position(at[seq]), e.literal(1, int64)
        inside = e.let(f"lt({place}, {length})", bool_, place, length)
        mirrored = e.let(f"sub(sub({length}, {one}), {place})", int64, length, place)
        source = e.let(f"where({inside}, {mirrored}, {place})", int64, inside, mirrored, place)
        return x(*(e.clamp(source, n) if k == seq else i for k, i in enumerate(at)))

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, lengths: Any) -> list:
        how = {"seq_axis": self.seq_axis, "batch_axis": self.batch_axis}
        return [b.reverse_sequence(ct, lengths, **how), None]

    samples = [
        Sample("float32[3, 4]", "int32[3]", values={1: [4, 0, 2]}, seq_axis=1),
        Sample("float64[4, 2, 3]", "int64[2]", values={1: [1, 3]}, seq_axis=0, batch_axis=1),
        Sample("int32[2, 3]", "int32[2]", values={1: [3, 2]}, seq_axis=-1),
        Sample("float32[0, 3]", "int32[0]", seq_axis=1),
        Refuses("float32[3, 4]", "float32[3]", "lengths must be int32 or int64, got float32[3]",
                seq_axis=1),
        Refuses("float32[3, 4]", "int32[2]", "lengths needs one number per place of axis 0",
                seq_axis=1),
        Refuses("float32[3, 4]", "int32[3]", "the sequence axis and the batch axis are the same",
                seq_axis=0),
        Refuses("float32[3, 4]", "int32[]", "lengths must be a vector", seq_axis=1),
    ]  # fmt: skip
