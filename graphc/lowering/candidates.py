"""The kernel that draws classes one after the other: what it draws next depends on what it has."""

from __future__ import annotations

from graphc.codegen.kernel import Constant, Kernel, Operand
from graphc.ir import dims
from graphc.ir.graph import Node
from graphc.lowering.nest import Lowered, Use, Workspace
from graphc.lowering.rows import GOLDEN

NANOSECONDS = 30.0  # per class drawn

# The first of each: how the next class follows from u in [0, 1).
_PICK = {
    "uniform": ["k = to_int64(u * to_float64(classes))"],
    "log_uniform": ["k = to_int64(exp(u * log(to_float64(classes + 1)))) - 1"],
    "table": [
        "u = u * table[classes - 1]",
        "k = 0",
        "last = classes - 1",
        "while k < last:",
        "    middle = shift_right(k + last, c1)",
        "    if table[middle] > u:",
        "        last = middle",
        "    else:",
        "        k = middle + 1",
    ],
}

_DRAW = """\
# {title}: y[0], y[1], ...; tries[0] draws were made
def draw_classes(args, start, stop):
    state, table, slots, y, tries = views(args, 5)
    count, classes, room = sizes(args, 3)
    key = to_int64(state[0])
    execution = to_int64(state[1])
    for s in range(room):
        slots[s] = c5
    t = 0
    n = 0
    while n < count:
        high = to_float64(uniform32(philox_word(key, execution, shift_right(t, c1), {first})))
        low = to_float64(uniform32(philox_word(key, execution, shift_right(t, c1), {second})))
        u = high + low * c4
        t = t + 1
{pick}
        k = minimum(k, classes - 1)
{keep}
    tries[0] = t
    return 0
"""

_KEEP_ALL = ["y[n] = k", "n = n + 1"]
_KEEP_NEW = [
    "s = shift_right(bit_and(mul(k, c2), c3) * room, c6)",
    "p = slots[s]",
    "while p >= 0 and y[p] != k:",
    "    s = s + 1",
    "    if s == room:",
    "        s = 0",
    "    p = slots[s]",
    "if p < 0:",
    "    slots[s] = n",
    "    y[n] = k",
    "    n = n + 1",
]


def lower_draw_classes(node: Node) -> Lowered:
    """``draw_classes``: word 2t and 2t + 1 of the state make the t-th draw."""
    op = node.op
    state, table = node.operands
    y, tries = node.outputs
    room = 2 * op.count + 1
    keep = _KEEP_NEW if op.unique else _KEEP_ALL
    text = _DRAW.format(
        title=("distinct " if op.unique else "") + f"{op.distribution} classes",
        first="shift_left(bit_and(t, c0), c0)",
        second="shift_left(bit_and(t, c0), c0) + 1",
        pick="\n".join("        " + line for line in _PICK[op.distribution]),
        keep="\n".join("        " + line for line in keep),
    )
    integers = {0: 1, 1: 1, 2: GOLDEN, 3: 0xFFFFFFFF, 5: -1, 6: 32}
    constants = [Constant(f"c{k}", "int64", value) for k, value in integers.items()]
    constants.append(Constant("c4", "float64", 2.0**-24))
    kernel = Kernel(
        "draw_classes", text,
        (
            Operand("state", "uint64", 1), Operand("table", "float64", 1),
            Operand("slots", "int64", 1, "rw"), Operand("y", "int64", 1, "rw"),
            Operand("tries", "int64", 1, "w"),
        ),
        tuple(constants), ("count", "classes", "room"),
    )  # fmt: skip
    size = dims.maximum(1, table.type.elements)
    uses = [
        Use(state, "state", (2,), "uint64", "r"),
        Use(table, "table", (size,), "float64", "r"),
        Use(Workspace("int64", (room,), False), "slots", (room,), "int64", "rw"),
        Use(y, "y", (op.count,), "int64", "rw"),
        Use(tries, "tries", (1,), "int64", "w"),
    ]
    return Lowered(kernel, uses, [op.count, op.classes, room], 1, op.count, NANOSECONDS)
