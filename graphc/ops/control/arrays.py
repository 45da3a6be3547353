"""Rows that are read and written one by one: what ``TensorArray`` is made of.

An array is a tensor ``[size, ...]`` of its elements, and marks ``bool[size]`` of those that were
written.  A write gives both anew, and takes their memory over where nobody reads them any more, so
that a loop writes its carry in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import bool_
from graphc.ir.graph import Tensor
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.types import Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import Gather, check_indices, check_range


def _rows_fit(x: TensorType, places: TensorType, rows: TensorType) -> TensorType:
    """The type of ``x`` with rows put at places."""
    check_indices(places=places)
    same_dtype(x=x, rows=rows)
    if x.shape is None or places.shape is None or rows.shape is None:
        return x
    if not x.shape:
        raise Mismatch("x has no rows", x=x)
    wanted = (*places.shape, *x.shape[1:])
    met = zip(wanted, rows.shape, strict=False)
    if len(places.shape) != 1 or len(wanted) != len(rows.shape) or any(
        same_dim(p, q, f"axis {k}") is None for k, (p, q) in enumerate(met)
    ):  # fmt: skip
        expected = dims.format_shape(wanted)
        raise Mismatch(f"rows must be of shape {expected}, one for each place", x=x, rows=rows)
    return x


class PutRows(Op):
    """``x`` with ``rows[i]`` put at, or added to, row ``places[i]``: ``how`` says which.

    Places that are "set" are distinct.
    """

    operands = ("x", "places", "rows")
    attributes = {"how": REQUIRED}
    kind = Kind.OPAQUE
    may_fail = True
    over = (0,)

    def infer_type(self, x: TensorType, places: TensorType, rows: TensorType) -> TensorType:
        if self.how not in ("set", "add"):
            raise Mismatch(f'how is "set" or "add", got {self.how!r}')
        return _rows_fit(x, places, rows)

    def reference(self, x: np.ndarray, places: np.ndarray, rows: np.ndarray) -> np.ndarray:
        check_range(places, len(x), "places")
        out = x.copy()
        if self.how == "set":
            out[places] = rows
        else:
            np.add.at(out, places, rows)
        return out

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.array_rows import lower_put_rows

        return lower_put_rows(node)

    takes_wanted = True

    def vjp(
        self, b: Any, ct: Any, y: Any, x: Any, places: Any, rows: Any, wanted: Sequence[bool]
    ) -> list:
        (ct,) = ct
        kept = ct if self.how == "add" else None
        if kept is None and wanted[0]:
            kept = b.put_rows(ct, places, b.zeros_like(rows), how="set")
        return [kept, None, b.gather(ct, places, axis=0) if wanted[2] else None]

    samples = [
        Sample("float32[4, 2]", "int32[2]", "float32[2, 2]", values={1: [3, 0]}, how="set"),
        Sample("float64[4, 2]", "int64[3]", "float64[3, 2]", values={1: [3, 0, 3]}, how="add"),
        Sample("float16[3, 2, 2]", "int32[1]", "float16[1, 2, 2]", values={1: [1]}, how="add"),
        Sample("int32[3]", "int32[1]", "int32[1]", values={1: [2]}, how="set"),
        Sample("complex64[3]", "int32[1]", "complex64[1]", values={1: [2]}, how="set"),
        Sample("float32[3, 2]", "int32[0]", "float32[0, 2]", how="set"),
        Refuses("float32[3]", "float32[1]", "float32[1]",
                "places must be int32 or int64, got float32[1]", how="set"),
        Refuses("float32[4, 2]", "int32[3]", "float32[2, 2]",
                "rows must be of shape [3, 2], one for each place", how="set"),
        Refuses("float32[]", "int32[1]", "float32[1]", "x has no rows", how="add"),
    ]  # fmt: skip


class FillRows(Op):
    """``x`` with ``rows[i]`` at row ``places[i]``, and ``marks`` with True there.

    A place that is marked already is an error, and nothing is written.
    """

    operands = ("x", "marks", "places", "rows")
    kind = Kind.OPAQUE
    may_fail = True
    over = (0, 1)

    def infer_type(
        self, x: TensorType, marks: TensorType, places: TensorType, rows: TensorType
    ) -> tuple[TensorType, TensorType]:
        found = _rows_fit(x, places, rows)
        if marks.dtype is not bool_:
            raise Mismatch("marks are bool", marks=marks)
        if marks.shape is not None and x.shape is not None and (
            len(marks.shape) != 1 or same_dim(marks.shape[0], x.shape[0], "marks") is None
        ):  # fmt: skip
            raise Mismatch("x has a mark for each row", x=x, marks=marks)
        return found, marks

    def reference(
        self, x: np.ndarray, marks: np.ndarray, places: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        out, marked = x.copy(), marks.copy()
        for place, row in zip(places.tolist(), rows, strict=True):
            if not 0 <= place < len(x):
                raise InvalidArgumentError(
                    f"Tried to write to index {place} but array size is: {len(x)}"
                )
            if marked[place]:
                raise InvalidArgumentError(
                    f"Could not write to TensorArray index {place} because it has already been "
                    "written to."
                )
            out[place], marked[place] = row, True
        return out, marked

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.array_rows import lower_fill_rows

        return lower_fill_rows(node)

    takes_wanted = True

    def vjp(
        self, b: Any, ct: Any, y: Any, x: Any, marks: Any, places: Any, rows: Any,
        wanted: Sequence[bool],
    ) -> list:  # fmt: skip
        if ct[0] is None:
            return [None] * 4
        kept = b.put_rows(ct[0], places, b.zeros_like(rows), how="set") if wanted[0] else None
        return [kept, None, None, b.gather(ct[0], places, axis=0) if wanted[3] else None]

    samples = [
        Sample("float32[4, 2]", "bool[4]", "int32[2]", "float32[2, 2]",
               values={1: [False, True, False, False], 2: [3, 0]}),
        Sample("float64[3]", "bool[3]", "int64[1]", "float64[1]", values={1: [False] * 3, 2: [1]}),
        Sample("int32[2, 0]", "bool[2]", "int32[1]", "int32[1, 0]",
               values={1: [False] * 2, 2: [1]}),
        Refuses("float32[3]", "float32[3]", "int32[1]", "float32[1]", "marks are bool"),
        Refuses("float32[3]", "bool[2]", "int32[1]", "float32[1]", "x has a mark for each row"),
    ]  # fmt: skip


class ReadRows(Op):
    """The rows of ``x`` that ``places`` names, in its shape; without one, all of them.

    It is read number ``read`` of the array ``array``, whose rows may be read ``twice`` or once
    (pass *arrays* sees to that).
    """

    operands = ("x", "*places")
    attributes = {"array": REQUIRED, "read": REQUIRED, "twice": True}
    kind = Kind.EXPANDED
    may_fail = True

    def infer_type(self, x: TensorType, *places: TensorType) -> TensorType:
        if not places:
            return x
        (named,) = places
        check_indices(places=named)
        if x.shape is None or named.shape is None:
            return x.with_shape(None)
        if not x.shape:
            raise Mismatch("x has no rows", x=x)
        return x.with_shape((*named.shape, *x.shape[1:]))

    def reference(self, x: np.ndarray, *places: np.ndarray) -> np.ndarray:
        if not places:
            return x
        check_range(places[0], len(x), "index")
        return x[places[0]]

    def expand(self, b: Any, x: Tensor, *places: Tensor) -> Any:
        return b.gather(x, places[0], axis=0) if places else b.identity(x)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, *places: Any) -> list:
        return Gather(axis=0).vjp(b, ct, y, x, places[0]) if places else [ct]

    def row_vjp(self, b: Any, ct: Any, y: Any, x: Any, *places: Any) -> Any:
        return Gather(axis=0).row_vjp(b, ct, y, x, places[0]) if places else None

    samples = [
        Sample("float32[4, 2]", "int32[]", values={1: 3}, array="a", read=0),
        Sample("float64[4]", "int64[3]", values={1: [3, 0, 2]}, array="a", read=0, twice=False),
        Sample("float64[4]", array="a", read=0),
        Refuses("float32[3]", "float32[]", "places must be int32 or int64, got float32[]",
                array="a", read=0),
        Refuses("float32[]", "int32[]", "x has no rows", array="a", read=0),
    ]  # fmt: skip


class OnFirstTurn(Op):
    """``y = x``, of an array whose rows are read once; after turn 0 of a loop it has been read."""

    operands = ("x", "step")
    attributes = {"array": REQUIRED}
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, step: TensorType) -> TensorType:
        check_indices(step=step)
        return x

    def reference(self, x: np.ndarray, step: np.ndarray) -> np.ndarray:
        if step > 0:
            raise read_twice(self.array, x if x.dtype.kind == "i" and not x.shape else None)
        return x

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, step: Any) -> Any:
        e.index(step(), 1)
        return x(*at)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, step: Any) -> list:
        return [ct, None]

    samples = [
        Sample("float32[4]", "int32[]", values={1: 0}, array="a"),
        Sample("int32[]", "int32[]", values={1: 0}, array="a", gradient=False),
        Refuses("int32[]", "float32[]", "step must be int32 or int64, got float32[]", array="a"),
    ]


def read_twice(array: str, place: Any = None) -> InvalidArgumentError:
    """The error of a second read of what the first has cleared."""
    index = "" if place is None else f" index {place}"
    return InvalidArgumentError(
        f"TensorArray {array}: Could not read{index} twice because it was cleared after a "
        "previous read (perhaps try setting clear_after_read = false?)."
    )
