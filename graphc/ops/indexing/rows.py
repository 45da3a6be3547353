"""Some rows of a variable: writes whose cost follows the rows, not the variable.

Every ``scatter_*`` is spelled in two nodes: the indices are checked (a run whose index is outside
fails before any variable has changed), then ``write_rows`` changes the rows that they name, in
place.  Equal indices act one after the other, in order.

A negative place given to ``write_rows`` itself is passed over.  So a gradient of rows can have its
equal indices combined without a size that depends on data: :func:`combined_rows`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphc.errors import InvalidArgumentError
from graphc.ir.builder import composite
from graphc.ir.dims import Dim, Shape
from graphc.ir.dtype import bool_, int64
from graphc.ir.op import REQUIRED, Kind, Op, Refuses, Sample
from graphc.ir.rows import Rows
from graphc.ir.types import DTypeMismatch, Mismatch, TensorType, same_dim, same_dtype
from graphc.ops.indexing.index import NO_VALUES, check_indices, check_range
from graphc.ops.running.state import A_WRITE

# how -> what a row becomes, as a NumPy ufunc (None: the update takes its place)
HOW: dict[str, Any] = {
    "update": None,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
}


def _check_rows(variable: TensorType, wanted: Shape | None, updates: TensorType) -> None:
    """``updates`` is a row of the variable per index."""
    same_dtype(variable=variable, updates=updates)
    if wanted is None or updates.shape is None:
        return
    met = [
        same_dim(p, q, f"axis {k}")
        for k, (p, q) in enumerate(zip(wanted, updates.shape, strict=False))
    ]
    if len(wanted) != len(updates.shape) or None in met:
        expected = TensorType(updates.dtype, wanted)
        raise Mismatch(f"updates must be a row per index, {expected}", updates=updates)


def _check_how(how: str, variable: TensorType) -> None:
    dtype = variable.dtype
    if how in ("div", "min", "max") and dtype.is_complex:
        raise DTypeMismatch(f"variable must be real, got {variable}")
    if how != "update" and not (dtype.is_differentiable or dtype.is_integer):
        raise DTypeMismatch(f"variable must be numeric, got {variable}")


def write_rows(variable: np.ndarray, places: np.ndarray, updates: np.ndarray, how: str,
               depth: int = 1) -> np.ndarray:  # fmt: skip
    """The variable afterwards; ``places`` are positions along its first ``depth`` axes, joined."""
    out = variable.copy()
    rows = out.reshape(math.prod(variable.shape[:depth]), *variable.shape[depth:])
    flat = places.ravel()
    given = np.broadcast_to(updates, (*places.shape, *variable.shape[depth:]))
    given = given.reshape(len(flat), *variable.shape[depth:])
    combine = HOW[how]
    for place, row in zip(flat.tolist(), given, strict=True):
        if 0 <= place < len(rows):
            rows[place] = row if combine is None else _combined(combine, rows[place], row)
    return out


def _combined(combine: Any, old: np.ndarray, row: np.ndarray) -> np.ndarray:
    if combine is not np.divide or not np.issubdtype(old.dtype, np.integer):
        return combine(old, row)
    quotient = np.zeros_like(old)
    safe = row != 0
    np.floor_divide(np.abs(old), np.abs(row), out=quotient, where=safe)
    return quotient * np.sign(old) * np.sign(row)


class WriteRows(Op):
    """Row ``places[i]`` of the variable becomes itself ``how`` ``updates[i]``, in order, in place.

    A place outside the variable is passed over: whoever takes places from a user checks them.  With
    ``depth`` n a place is a position along the first n axes, joined.
    """

    operands = ("variable", "places", "updates")
    attributes = {"how": "update", "depth": 1}
    kind = Kind.OPAQUE
    effect = True
    writes = 0
    vjp = A_WRITE

    def infer_type(
        self, variable: TensorType, places: TensorType, updates: TensorType
    ) -> TensorType:
        check_indices(places=places)
        _check_how(self.how, variable)
        if variable.shape is None or places.shape is None:
            same_dtype(variable=variable, updates=updates)
            return variable
        if len(variable.shape) < self.depth:
            raise Mismatch("the variable has no rows", variable=variable)
        _check_rows(variable, (*places.shape, *variable.shape[self.depth :]), updates)
        return variable

    def reference(
        self, variable: np.ndarray, places: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        return write_rows(variable, places, updates, self.how, self.depth)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.rows import lower_write_rows

        return lower_write_rows(node)

    samples = [
        Sample("float32[4, 2]", "int32[4]", "float32[4, 2]", values={1: [0, 3, -1, 0]}),
        *(
            Sample("float32[4, 3]", "int64[3]", "float32[3, 3]", values={1: [2, -1, 2]}, how=how,
                   low=0.5)
            for how in HOW
        ),
        Sample("float64[2, 3, 2]", "int32[3]", "float64[3, 2]", values={1: [5, 0, 5]}, how="sub",
               depth=2),
        Sample("int32[3]", "int32[3]", "int32[3]", values={1: [1, 1, 0], 2: [2, -3, 0]}, how="div"),
        Sample("float16[3, 2]", "int32[2]", "float16[2, 2]", values={1: [1, 1]}, how="add"),
        Sample("bool[3]", "int32[]", "bool[]", values={1: 2}),
        Sample("float32[3, 0]", "int32[1]", "float32[1, 0]", values={1: [1]}),
        Refuses("complex64[3]", "int32[1]", "complex64[1]",
                "variable must be real, got complex64[3]", how="div"),
        Refuses("float32[]", "int32[]", "float32[]", "the variable has no rows"),
        Refuses("float32[3]", "float32[1]", "float32[1]",
                "places must be int32 or int64, got float32[1]"),
    ]  # fmt: skip


ROWS = [
    Sample("float32[4, 2]", "int32[3]", "float32[3, 2]", values={1: [0, 3, 0]}, low=0.5),
    Sample("float64[3]", "int64[2, 1]", "float64[2, 1]", values={1: [[2], [1]]}, low=0.5),
    Sample("float32[3, 2]", "int32[]", "float32[2]", values={1: 1}, low=0.5),
    Sample("float32[3, 2]", "int32[2]", "float32[]", values={1: [1, 1]}, low=0.5),
    Sample("float32[3, 2]", "int32[0]", "float32[0, 2]"),
    Sample("int32[3]", "int32[2]", "int32[2]", values={1: [1, 1], 2: [3, 2]}),
    Refuses("float32[3]", "float32[1]", "float32[1]",
            "indices must be int32 or int64, got float32[1]"),
    Refuses("float32[4, 2]", "int32[3]", "float32[2, 2]",
            "updates must be a row per index, float32[3, 2]"),
    Refuses("float32[]", "int32[]", "float32[]", "the variable has no rows"),
    Refuses("float32[3]", "int32[1]", "float64[1]", "dtypes of variable and updates differ"),
]  # fmt: skip


class _Scatter(Op, abstract=True):
    """A change to some rows of a variable; an index outside it is an error: nothing is written."""

    operands = ("variable", "indices", "updates")
    kind = Kind.EXPANDED
    effect = True
    writes = 0
    may_fail = True
    vjp = A_WRITE
    how: str
    samples = ROWS

    def infer_type(
        self, variable: TensorType, indices: TensorType, updates: TensorType
    ) -> TensorType:
        check_indices(indices=indices)
        _check_how(self.how, variable)
        same_dtype(variable=variable, updates=updates)
        if variable.shape is None or indices.shape is None:
            return variable
        if not variable.shape:
            raise Mismatch("the variable has no rows", variable=variable)
        if updates.shape != ():  # one number is for all
            _check_rows(variable, (*indices.shape, *variable.shape[1:]), updates)
        return variable

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        check_range(indices, len(variable), "indices")
        return write_rows(variable, indices, updates, self.how)

    def expand(self, b: Any, variable: Any, indices: Any, updates: Any) -> Any:
        shape = variable.type.shape
        if updates.type.shape == () and indices.type.shape + shape[1:]:
            updates = b.broadcast_to(updates, shape=(*indices.type.shape, *shape[1:]))
        checked = b.check_range(indices, bound=shape[0])
        return b.write_rows(variable, checked, updates, how=self.how)


class ScatterUpdate(_Scatter):
    """``variable[indices[i]] = updates[i]``; the last of equal indices counts."""

    how = "update"


class ScatterAdd(_Scatter):
    """``variable[indices[i]] += updates[i]``; equal indices add up."""

    how = "add"


class ScatterSub(_Scatter):
    """``variable[indices[i]] -= updates[i]``; equal indices add up."""

    how = "sub"


class ScatterMul(_Scatter):
    """``variable[indices[i]] *= updates[i]``; equal indices multiply."""

    how = "mul"


class ScatterDiv(_Scatter):
    """``variable[indices[i]] /= updates[i]``; equal indices divide one after the other."""

    how = "div"


class ScatterMin(_Scatter):
    """``variable[indices[i]] = min(variable[indices[i]], updates[i])``."""

    how = "min"


class ScatterMax(_Scatter):
    """``variable[indices[i]] = max(variable[indices[i]], updates[i])``."""

    how = "max"


# --- positions along several axes ----------------------------------------------------------------


def check_positions(indices: np.ndarray, bounds: tuple[int, ...]) -> None:
    """Raise for the first row of ``indices`` that is no position in ``bounds``."""
    outside = np.argwhere(((indices < 0) | (indices >= np.array(bounds, np.int64))).any(-1))
    if len(outside):
        at = tuple(outside[0].tolist())
        where = f"[{', '.join(map(str, at))}]" if at else ""
        raise InvalidArgumentError(
            f"indices{where} = {indices[at].tolist()} does not index into {list(bounds)}"
        )


class FlatPositions(Op):
    """Each row of ``indices`` as its row-major position in ``bounds``; outside them is an error."""

    operands = ("indices",)
    attributes = {"bounds": REQUIRED}
    kind = Kind.GATHER
    may_fail = True
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if indices.shape is None:
            return TensorType(int64, None)
        if not indices.shape or indices.shape[-1] != len(self.bounds):
            raise Mismatch(
                f"the last axis of indices must have size {len(self.bounds)}", indices=indices
            )
        return TensorType(int64, indices.shape[:-1])

    def reference(self, indices: np.ndarray) -> np.ndarray:
        check_positions(indices, self.bounds)
        return write_position(indices, self.bounds)

    def element(self, e: Any, at: tuple[Dim, ...], indices: Any) -> Any:
        total: Dim = 0
        for k, bound in enumerate(self.bounds):
            total = total * bound + e.index(indices(*at, k), bound)
        return e.position(total)

    samples = [
        Sample("int32[3, 2]", values={0: [[0, 2], [1, 0], [1, 2]]}, bounds=(2, 3)),
        Sample("int64[2, 1, 1]", values={0: [[[0]], [[4]]]}, bounds=(5,)),
        Sample("int32[3]", values={0: [1, 0, 3]}, bounds=(2, 1, 4)),
        Sample("int32[0, 2]", bounds=(2, 0)),
        Refuses("int32[3, 3]", "the last axis of indices must have size 2", bounds=(2, 3)),
        Refuses("float32[3, 2]", "indices must be int32 or int64, got float32[3, 2]",
                bounds=(2, 3)),
    ]  # fmt: skip


def write_position(indices: np.ndarray, bounds: tuple[int, ...]) -> np.ndarray:
    """Row-major positions of the rows of ``indices``."""
    place = np.zeros(indices.shape[:-1], np.int64)
    for k, bound in enumerate(bounds):
        place = place * bound + indices[..., k]
    return np.asarray(place)


POSITIONS = [
    Sample("float32[4, 2]", "int32[3, 1]", "float32[3, 2]", values={1: [[0], [3], [0]]}),
    Sample("float64[3, 2]", "int64[2, 2]", "float64[2]", values={1: [[2, 1], [0, 0]]}),
    Sample("float32[2, 3, 2]", "int32[2]", "float32[2]", values={1: [1, 2]}),
    Sample("int32[4]", "int32[0, 1]", "int32[0]"),
    Refuses("float32[4, 2]", "int32[3]", "float32[3]",
            "the last axis of indices must be a known size from 1 to 2"),
    Refuses("float32[4, 2]", "int32[3, 1]", "float32[3]",
            "updates must be a row per index, float32[3, 2]"),
]  # fmt: skip


class _ScatterNd(Op, abstract=True):
    """A change at positions of a variable, given along the last axis of ``indices``."""

    operands = ("variable", "indices", "updates")
    kind = Kind.EXPANDED
    effect = True
    writes = 0
    may_fail = True
    vjp = A_WRITE
    how: str
    samples = POSITIONS

    def infer_type(
        self, variable: TensorType, indices: TensorType, updates: TensorType
    ) -> TensorType:
        check_indices(indices=indices)
        same_dtype(variable=variable, updates=updates)
        if variable.shape is None or indices.shape is None:
            return variable
        rank = len(variable.shape)
        depth = indices.shape[-1] if indices.shape else None
        if not isinstance(depth, int) or not 1 <= depth <= rank:
            raise Mismatch(
                f"the last axis of indices must be a known size from 1 to {rank}",
                variable=variable,
                indices=indices,
            )
        if updates.shape != ():  # one number is for all
            _check_rows(variable, (*indices.shape[:-1], *variable.shape[depth:]), updates)
        return variable

    def reference(
        self, variable: np.ndarray, indices: np.ndarray, updates: np.ndarray
    ) -> np.ndarray:
        depth = indices.shape[-1]
        bounds = variable.shape[:depth]
        check_positions(indices, bounds)
        return write_rows(variable, write_position(indices, bounds), updates, self.how, depth)

    def expand(self, b: Any, variable: Any, indices: Any, updates: Any) -> Any:
        depth = indices.type.shape[-1]
        shape = variable.type.shape
        wanted = (*indices.type.shape[:-1], *shape[depth:])
        if updates.type.shape == () and wanted:
            updates = b.broadcast_to(updates, shape=wanted)
        places = b.flat_positions(indices, bounds=shape[:depth])
        return b.write_rows(variable, places, updates, how=self.how, depth=depth)


class ScatterNdUpdate(_ScatterNd):
    """``variable[indices[i]] = updates[i]``, indices of several axes; the last of equal ones
    counts."""

    how = "update"


class ScatterNdAdd(_ScatterNd):
    """``variable[indices[i]] += updates[i]``, indices of several axes; equal ones add up."""

    how = "add"


class ScatterNdSub(_ScatterNd):
    """``variable[indices[i]] -= updates[i]``, indices of several axes; equal ones add up."""

    how = "sub"


# --- gradients of rows ---------------------------------------------------------------------------


class FirstEqual(Op):
    """``y[k]``: the first position that holds the same index as position k."""

    operands = ("indices",)
    kind = Kind.OPAQUE
    vjp = NO_VALUES

    def infer_type(self, indices: TensorType) -> TensorType:
        check_indices(indices=indices)
        if indices.shape is not None and len(indices.shape) != 1:
            raise Mismatch("indices must be a vector", indices=indices)
        return TensorType(int64, indices.shape)

    def reference(self, indices: np.ndarray) -> np.ndarray:
        first: dict[int, int] = {}
        places = [first.setdefault(index, k) for k, index in enumerate(indices.tolist())]
        return np.array(places, np.int64)

    def kernel(self, node: Any) -> Any:
        from graphc.lowering.rows import lower_first_equal

        return lower_first_equal(node)

    samples = [
        Sample("int32[6]", values={0: [3, 1, 3, 3, 0, 1]}),
        Sample("int64[5]", values={0: [-(2**62), 2**40, -1, 2**40, -1]}),
        Sample("int32[1]", values={0: [7]}),
        Sample("int64[0]"),
        Refuses("int32[2, 2]", "indices must be a vector"),
        Refuses("float32[2]", "indices must be int32 or int64, got float32[2]"),
    ]


class RowsOrZeros(Op):
    """Row ``places[i]`` of ``x``; zeros, and no gradient, where the place is negative."""

    operands = ("x", "places")
    kind = Kind.GATHER
    may_fail = True

    def infer_type(self, x: TensorType, places: TensorType) -> TensorType:
        check_indices(places=places)
        if x.shape is None or places.shape is None:
            return x.with_shape(None)
        if not x.shape:
            raise Mismatch("x has no rows", x=x)
        return x.with_shape((*places.shape, *x.shape[1:]))

    def reference(self, x: np.ndarray, places: np.ndarray) -> np.ndarray:
        named = places >= 0
        if named.any():
            check_range(np.where(named, places, 0), len(x), "places")
        out = np.zeros((*places.shape, *x.shape[1:]), x.dtype)
        out[named] = x[places[named]]
        return out

    def element(self, e: Any, at: tuple[Dim, ...], x: Any, places: Any) -> Any:
        rows, rank = x.type.shape[0], len(places.type.shape)
        wide = place = places(*at[:rank])
        if places.type.dtype is not int64:
            wide = e.let(f"to_int64({place})", int64, place)
        limit = e.number(rows, int64)
        e.check(e.let(f"ge({wide}, {limit})", bool_, wide, limit))
        outside = e.let(f"lt({wide}, {wide.zero})", bool_, wide)
        zero = e.literal(0, x.type.dtype)
        return e.value_or(x, (e.clamp(wide, rows), *at[rank:]), outside, zero)

    def vjp(self, b: Any, ct: Any, y: Any, x: Any, places: Any) -> list:
        return [self.row_vjp(b, ct, y, x, places).dense(b), None]

    def row_vjp(self, b: Any, ct: Any, y: Any, x: Any, places: Any) -> Any:
        """The rows that were read, and -1 where none was."""
        if len(places.type.shape) != 1:
            count = places.type.elements
            ct = b.reshape(ct, shape=(count, *x.type.shape[1:]))
            places = b.reshape(places, shape=(count,))
        return Rows(ct, places, x)

    samples = [
        Sample("float32[4, 2]", "int32[4]", values={1: [0, -1, 3, 3]}),
        Sample("float64[3]", "int64[2, 2]", values={1: [[2, -5], [0, 2]]}),
        Sample("float32[3, 2]", "int32[]", values={1: -1}),
        Sample("float16[3, 2]", "int32[2]", values={1: [1, -1]}),
        Sample("float32[0, 2]", "int32[2]", values={1: [-1, -1]}),
        Refuses("float32[]", "int32[2]", "x has no rows"),
        Refuses("float32[2]", "float32[2]", "places must be int32 or int64, got float32[2]"),
    ]


@composite
def combined_rows(b: Any, values: Any, indices: Any) -> list:
    """``[sums, places]``: rows with equal indices added, in order, at the first of them.

    ``places`` holds the index there and -1 at the others, whose sums are zero; so nothing has a
    size that depends on data.
    """
    (count,) = indices.type.shape
    first = b.first_equal(indices)
    dtype = values.dtype
    wide = values if dtype.computed is dtype else b.cast(values, dtype=dtype.computed)
    sums = b.unsorted_segment_sum(wide, first, num_segments=count)
    own = b.arange(0, count, 1, dtype=int64)
    nowhere = b.tensor(-1, dtype=indices.dtype)
    places = b.where(b.equal(first, own), indices, b.broadcast_to(nowhere, shape=(count,)))
    return [sums if dtype.computed is dtype else b.cast(sums, dtype=dtype), places]


@composite
def rows_at(b: Any, variable: Any, places: Any) -> Any:
    """The rows of a variable at ``places``; zeros where a place is -1."""
    return b.rows_or_zeros(variable, places)
