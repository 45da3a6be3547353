"""Kernels over rows that indices name: writes that touch those rows alone, and equal indices found.

A write looks through all indices once per chunk, in order; chunks share the rows out by the last
bits of their numbers, so that which chunk writes a row, and in which order, never depends on how
the launch is cut.
"""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use, Workspace

NANOSECONDS = 0.2  # per element read, changed and stored
PROBING = 5.0  # per index looked up
SHARES = 16  # a power of two
GOLDEN = 0x9E3779B1  # multiplicative hashing: Knuth, "The art of computer programming" 3, 6.4

_WRITE = """\
# y[ids[k]] {sign} u[k], in the order of k; chunk s has the rows whose number ends in s
def write_rows_{how}(args, start, stop):
    ids, u, y = views(args, 3)
    count, width, rows = sizes(args, 3)
    for k in range(count):
        i = to_int64(ids[k])
        share = bit_and(i, c0)
        if share >= start and share < stop:
            if i >= 0 and i < rows:
                for j in range(width):
                    y[i, j] = {value}
    return 0
"""

# how -> its sign, the new element for integers, and for floats where that differs
_HOW = {
    "update": ("=", "u[k, j]", None),
    "add": ("+=", "add(y[i, j], u[k, j])", None),
    "sub": ("-=", "sub(y[i, j], u[k, j])", None),
    "mul": ("*=", "mul(y[i, j], u[k, j])", None),
    "div": ("/=", "truncdiv(y[i, j], u[k, j])", "y[i, j] / u[k, j]"),
    "min": ("min=", "minimum(y[i, j], u[k, j])", None),
    "max": ("max=", "maximum(y[i, j], u[k, j])", None),
}


def lower_write_rows(node: Node) -> Lowered:
    """``write_rows``: the output is the variable's own memory."""
    variable, places, updates = node.operands
    y = node.outputs[0]
    shape = y.type.dims
    depth = node.op.depth
    rows, width = dims.product(shape[:depth]), dims.product(shape[depth:])
    count = places.type.elements
    dtype = str(y.dtype)
    sign, whole, floating = _HOW[node.op.how]
    value = floating if floating is not None and y.dtype.is_floating else whole
    kernel = Kernel(
        f"write_rows_{node.op.how}",
        _WRITE.format(how=node.op.how, sign=sign, value=value),
        (
            Operand("ids", str(places.dtype), 1), Operand("u", dtype, 2),
            Operand("y", dtype, 2, "rw"),
        ),
        (Constant("c0", "int64", SHARES - 1),),
        ("count", "width", "rows"),
    )  # fmt: skip
    uses = [
        Use(places, "ids", (count,), str(places.dtype), "r"),
        Use(updates, "u", (count, width), dtype, "r"),
        Use(y, "y", (rows, width), dtype, "rw", also=variable),
    ]
    inner = dims.ceildiv(count * width, SHARES)
    return Lowered(kernel, uses, [count, width, rows], SHARES, inner, NANOSECONDS)


_FIRST_EQUAL = """\
# first[k] = the least p with ids[p] == ids[k]; slots are open addresses, -1 where free
def first_equal(args, start, stop):
    ids, slots, first = views(args, 3)
    count, room = sizes(args, 2)
    for s in range(room):
        slots[s] = c0
    for k in range(count):
        wanted = to_int64(ids[k])
        s = shift_right(bit_and(mul(wanted, c1), c2) * room, c3)
        p = slots[s]
        while p >= 0 and to_int64(ids[p]) != wanted:
            s = s + 1
            if s == room:
                s = 0
            p = slots[s]
        if p < 0:
            slots[s] = k
            p = k
        first[k] = p
    return 0
"""


def lower_first_equal(node: Node) -> Lowered:
    """``first_equal``: one pass over the indices, in memory that grows with their number alone."""
    (ids,) = node.operands
    first = node.outputs[0]
    count = ids.type.elements
    room = 2 * count + 1
    dtype = str(ids.dtype)
    constants = (-1, GOLDEN, 0xFFFFFFFF, 32)
    kernel = Kernel(
        "first_equal",
        _FIRST_EQUAL,
        (
            Operand("ids", dtype, 1), Operand("slots", "int64", 1, "rw"),
            Operand("first", "int64", 1, "w"),
        ),
        tuple(Constant(f"c{k}", "int64", value) for k, value in enumerate(constants)),
        ("count", "room"),
    )  # fmt: skip
    uses = [
        Use(ids, "ids", (count,), dtype, "r"),
        Use(Workspace("int64", (room,), False), "slots", (room,), "int64", "rw"),
        Use(first, "first", (count,), "int64", "w"),
    ]
    return Lowered(kernel, uses, [count, room], 1, count, PROBING)
