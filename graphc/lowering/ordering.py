"""Kernels that order the rows of a matrix: the first of a row, whole rows, places in sorted rows.

A row is the last axis of the operand; rows are the parallel extent.  Few elements are picked by
insertion into a short sorted list; more by a merge sort of (value, index) pairs, bottom-up from
runs of :data:`RUN` made by insertion, between two workspaces.  Equal values keep their order.  NaN
stands above all numbers.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.dims import Dim
from graphc.ir.dtype import DType
from graphc.ir.graph import Node, Tensor
from graphc.lowering.nest import Lowered, Use, Workspace
from graphc.lowering.program import GRAIN

RUN = 16  # elements sorted by insertion before runs are merged
PICKED = 128  # as many are picked by insertion; for more, the row is sorted
PICK, SORT, FIND, PUT = 2.0, 20.0, 10.0, 0.5  # nanoseconds per element

_PICK = """\
# values, indices = the first k of each row of x, and where they stood
def pick_rows(args, start, stop):
    x, values, indices = views(args, 3)
    n, k = sizes(args, 2)
    bad = bit(lt(n, k), 0)
    if bad == 0:
        for i in range(start, stop):
            for j in range(k):
                a = x[i, j]
                p = j
                while p > 0 and {a_before_last}:
                    values[i, p] = values[i, p - 1]
                    indices[i, p] = indices[i, p - 1]
                    p = p - 1
                values[i, p] = a
                indices[i, p] = to_int32(j)
            worst = values[i, k - 1]
            for j in range(k, n):
                a = x[i, j]
                if {a_before_worst}:
                    p = k - 1
                    while p > 0 and {a_before_last}:
                        values[i, p] = values[i, p - 1]
                        indices[i, p] = indices[i, p - 1]
                        p = p - 1
                    values[i, p] = a
                    indices[i, p] = to_int32(j)
                    worst = values[i, k - 1]
    return bad
"""

_SORT = """\
# values, indices = the first k of each row of x in order, and where they stood
def sort_rows(args, start, stop):
    x, values, indices, v, w, q, r = views(args, 7)
    n, k, grain = sizes(args, 3)
    slot = idiv(start, grain)
    bad = bit(lt(n, k), 0)
    if bad == 0:
        for i in range(start, stop):
            low = 0
            while low < n:
                high = minimum(low + {run}, n)
                for j in range(low, high):
                    a = x[i, j]
                    p = j
                    while p > low and {a_before_last}:
                        v[slot, p] = v[slot, p - 1]
                        q[slot, p] = q[slot, p - 1]
                        p = p - 1
                    v[slot, p] = a
                    q[slot, p] = to_int32(j)
                low = high
            width = {run}
            while width < n:
{merge_there}
                width = width + width
{merge_back}
                width = width + width
            for j in range(k):
                values[i, j] = v[slot, j]
                indices[i, j] = q[slot, j]
    return bad
"""

_MERGE = """\
                low = 0
                while low < n:
                    middle = minimum(low + width, n)
                    high = minimum(middle + width, n)
                    left = low
                    right = middle
                    to = low
                    while left < middle and right < high:
                        a = {v}[slot, left]
                        b = {v}[slot, right]
                        taken = {b_before_a}
                        {w}[slot, to] = where(taken, b, a)
                        {r}[slot, to] = where(taken, {q}[slot, right], {q}[slot, left])
                        right = right + to_int64(taken)
                        left = left + 1 - to_int64(taken)
                        to = to + 1
                    for j in range(left, middle):
                        {w}[slot, to + j - left] = {v}[slot, j]
                        {r}[slot, to + j - left] = {q}[slot, j]
                    for j in range(right, high):
                        {w}[slot, to + j - right] = {v}[slot, j]
                        {r}[slot, to + j - right] = {q}[slot, j]
                    low = high"""


def lower_top(node: Node) -> Lowered:
    """``top_k``: the first ``k`` of every row, in order."""
    (x,), (values, indices) = node.operands, node.outputs
    rows, n = _as_matrix(x)
    k = values.type.dims[-1]
    dtype, largest = x.dtype, node.op.largest
    operands = [
        Operand("x", str(dtype), 2),
        Operand("values", str(dtype), 2, "w"),
        Operand("indices", "int32", 2, "w"),
    ]
    uses = [
        Use(x, "x", (rows, n), str(dtype), "r"),
        Use(values, "values", (rows, k), str(dtype), "w"),
        Use(indices, "indices", (rows, k), "int32", "w"),
    ]
    if isinstance(k, int) and 0 < k <= PICKED:
        operands[1:] = [
            Operand("values", str(dtype), 2, "rw"),
            Operand("indices", "int32", 2, "rw"),
        ]
        for use in uses[1:]:
            use.access = "rw"
        text = _PICK.format(
            a_before_last=_before("a", "values[i, p - 1]", dtype, largest),
            a_before_worst=_before("a", "worst", dtype, largest),
        )
        kernel = Kernel("pick_rows", text, tuple(operands), (), ("n", "k"))
        return Lowered(kernel, uses, [n, k], rows, n, PICK, checks=[node])
    for name, kind in (("v", str(dtype)), ("w", str(dtype)), ("q", "int32"), ("r", "int32")):
        operands.append(Operand(name, kind, 2, "rw"))
        uses.append(Use(Workspace(kind, (n,), per_chunk=True), name, (0, n), kind, "rw"))
    there = {"v": "v", "w": "w", "q": "q", "r": "r"}
    back = {"v": "w", "w": "v", "q": "r", "r": "q"}
    b_before_a = _before("b", "a", dtype, largest)
    text = _SORT.format(
        run=RUN,
        a_before_last=_before("a", "v[slot, p - 1]", dtype, largest),
        merge_there=_MERGE.format(**there, b_before_a=b_before_a),
        merge_back=_MERGE.format(**back, b_before_a=b_before_a),
    )
    kernel = Kernel("sort_rows", text, tuple(operands), (), ("n", "k", "grain"))
    return Lowered(kernel, uses, [n, k, GRAIN], rows, n, SORT, checks=[node])


def _before(a: str, b: str, dtype: DType, largest: bool) -> str:
    """Whether ``a`` stands strictly before ``b``, as a condition."""
    if not dtype.is_floating:
        return f"gt({a}, {b})" if largest else f"lt({a}, {b})"
    if largest:
        return f"logical_not(logical_or(le({a}, {b}), isnan({b})))"
    return f"logical_not(logical_or(ge({a}, {b}), isnan({a})))"


def _as_matrix(tensor: Tensor) -> tuple[Dim, Dim]:
    shape = tensor.type.dims
    return dims.product(shape[:-1]), shape[-1]


_FIND = """\
# y[i, j] = how many of the sorted row s[i] stand before x[i, j]
def find_in_rows(args, start, stop):
    s, x, y = views(args, 3)
    n, m = sizes(args, 2)
    for i in range(start, stop):
        for j in range(m):
            a = x[i, j]
            low = 0
            high = n
            while low < high:
                middle = low + shift_right(high - low, c0)
                if {s_before_a}:
                    low = middle + 1
                else:
                    high = middle
            y[i, j] = to_{out}(low)
    return 0
"""


def lower_find(node: Node) -> Lowered:
    """``search_sorted``: a bisection per element."""
    sequence, x = node.operands
    y = node.outputs[0]
    (rows, n), (_, m) = _as_matrix(sequence), _as_matrix(x)
    dtype, out = str(x.dtype), str(y.dtype)
    word = "le" if node.op.right else "lt"
    text = _FIND.format(s_before_a=f"{word}(s[i, middle], a)", out=out)
    operands = (Operand("s", dtype, 2), Operand("x", dtype, 2), Operand("y", out, 2, "w"))
    kernel = Kernel("find_in_rows", text, operands, (Constant("c0", "int64", 1),), ("n", "m"))
    uses = [
        Use(sequence, "s", (rows, n), dtype, "r"),
        Use(x, "x", (rows, m), dtype, "r"),
        Use(y, "y", (rows, m), out, "w"),
    ]
    return Lowered(kernel, uses, [n, m], rows, m, FIND)


_PUT = """\
# y[i, at[i, j]] = sum of x[i, j]
def put_in_rows(args, start, stop):
    x, at, y = views(args, 3)
    m, n = sizes(args, 2)
    bad = c0
    for i in range(start, stop):
        for j in range(n):
            y[i, j] = c1
        for j in range(m):
            to = to_int64(at[i, j])
            if to >= 0 and to < n:
                y[i, to] = add(y[i, to], x[i, j])
            else:
                bad = bad | bit(out_of_range(to, n), 0)
    return bad
"""


def lower_put(node: Node) -> Lowered:
    """``put_along_last``: every row by itself."""
    x, at = node.operands
    y = node.outputs[0]
    (rows, m), (_, n) = _as_matrix(x), _as_matrix(y)
    dtype, index = str(y.dtype), str(at.dtype)
    zero = Constant("c1", str(y.dtype.computed), 0.0 if y.dtype.is_floating else 0)
    operands = (Operand("x", dtype, 2), Operand("at", index, 2), Operand("y", dtype, 2, "rw"))
    constants = (Constant("c0", "int64", 0), zero)
    kernel = Kernel("put_in_rows", _PUT, operands, constants, ("m", "n"))
    uses = [
        Use(x, "x", (rows, m), dtype, "r"),
        Use(at, "at", (rows, m), index, "r"),
        Use(y, "y", (rows, n), dtype, "rw"),
    ]
    return Lowered(kernel, uses, [m, n], rows, m + n, PUT, checks=[node])
