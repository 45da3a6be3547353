"""Every row of the algebra: that it fires, what it makes, and that no value changes.

Values are the awkward ones: both zeros, infinities, NaN, the largest and the smallest numbers.
"""

import numpy as np
import pytest

from graphc.ir.text import parse_graph
from graphc.ir.verify import verify
from graphc.passes.options import Options
from graphc.passes.rules import RULES, STABILITY
from graphc.passes.simplify import simplify
from runtime.devices.reference.evaluate import evaluate
from tests.passes.rewriting import expression

F, WHOLE, B = "x: float32[n], y: float32[n]", "x: int32[n], y: int32[n]", "x: bool[n], y: bool[n]"
M = "x: float32[4, 4], y: float32[4, 4]"

# equation, inputs, nodes (the last is the result), what it becomes
FIRES = [
    ("-(-x) == x", F, "a = neg(%x); r = neg(%a)", "x"),
    ("x + -y == x - y", F, "a = neg(%y); r = add(%a, %x)", "sub(x, y)"),
    ("x - -y == x + y", F, "a = neg(%y); r = sub(%x, %a)", "add(x, y)"),
    ("-x * -y == x * y", F, "a = neg(%x); b = neg(%y); r = mul(%a, %b)", "mul(x, y)"),
    ("-x / -y == x / y", F, "a = neg(%x); b = neg(%y); r = realdiv(%a, %b)", "realdiv(x, y)"),
    ("-x * c == x * -c", F, "a = neg(%x); c = const(value=float32(3.0)); r = mul(%c, %a)",
     "mul(x, -3.0)"),
    ("x * -1 == -x", F, "c = const(value=float32(-1.0)); r = mul(%x, %c)", "neg(x)"),
    ("x * 0 == 0", WHOLE, "c = const(value=int32(0)); r = mul(%c, %x)",
     "broadcast_to(0, shape=(n,))"),
    ("x - x == 0", WHOLE, "r = sub(%x, %x)", "broadcast_to(0, shape=(n,))"),
    ("x * x == square(x)", F, "r = mul(%x, %x)", "square(x)"),
    ("square(-x) == square(x)", F, "a = neg(%x); r = square(%a)", "square(x)"),
    ("square(abs(x)) == square(x)", F, "a = abs(%x); r = square(%a)", "square(x)"),
    ("abs(-x) == abs(x)", F, "a = neg(%x); r = abs(%a)", "abs(x)"),
    ("x**2 == square(x)", F, "c = const(value=float32(2.0)); r = pow(%x, %c)", "square(x)"),
    ("x**-1 == 1 / x", F, "c = const(value=float32(-1.0)); r = pow(%x, %c)", "reciprocal(x)"),
    ("1 / x == reciprocal(x)", F, "c = const(value=float32(1.0)); r = realdiv(%c, %x)",
     "reciprocal(x)"),
    ("1 / sqrt(x) == rsqrt(x)", F, "a = sqrt(%x); r = reciprocal(%a)", "rsqrt(x)"),
    ("x / c == x * (1 / c)", F, "c = const(value=float32(8.0)); r = realdiv(%x, %c)",
     "mul(x, 0.125)"),
    ("(x * c) * d == x * (c * d)", WHOLE,
     "c = const(value=int32(65536)); d = const(value=int32(65537));"
     "a = mul(%x, %c); r = mul(%a, %d)",
     "mul(x, 65536)"),
    ("(x + c) + d == x + (c + d)", WHOLE,
     "c = const(value=int32(3)); d = const(value=int32(4)); a = add(%c, %x); r = add(%d, %a)",
     "add(x, 7)"),
    ("add_n(x) == x", F, "r = add_n(%x)", "x"),
    ("add_n(x, y) == x + y", F, "r = add_n(%x, %y)", "add(x, y)"),
    ("not not x == x", B, "a = logical_not(%x); r = logical_not(%a)", "x"),
    ("where(c, x, x) == x", F, "c = less(%x, %y); r = where(%c, %x, %x)", "x"),
    ("where(True, x, y) == x", F, "c = const(value=bool(True)); r = where(%c, %x, %y)", "x"),
    ("where(False, x, y) == y", F, "c = const(value=bool(False)); r = where(%c, %x, %y)", "y"),
    ("where(not c, x, y) == where(c, y, x)", F,
     "c = less(%x, %y); d = logical_not(%c); r = where(%d, %x, %y)", "where(less(x, y), y, x)"),
    ("x and False == False", B, "c = const(value=bool(False)); r = logical_and(%x, %c)",
     "broadcast_to(False, shape=(n,))"),
    ("x or True == True", B, "c = const(value=bool(True)); r = logical_or(%c, %x)",
     "broadcast_to(True, shape=(n,))"),
    ("transpose(transpose(x, q), p) == transpose(x, q[p])", "x: float32[2, 3, 4]",
     "a = transpose(%x, perm=(1, 2, 0)); r = transpose(%a, perm=(0, 2, 1))",
     "transpose(x, perm=(1, 0, 2))"),
    ("transpose(transpose(x, q), p) == transpose(x, q[p])", "x: float32[2, 3]",
     "a = transpose(%x); r = transpose(%a)", "x"),
    ("transpose(x, in order) == x", M, "r = transpose(%x, perm=(0, -1))", "x"),
    ("broadcast(broadcast(x)) == broadcast(x)", "x: float32[1, 4]",
     "a = broadcast_to(%x, shape=(3, 4)); r = broadcast_to(%a, shape=(2, 3, 4))",
     "broadcast_to(x, shape=(2, 3, 4))"),
    ("cast(cast(x)) == x", F, "a = cast(%x, dtype=float64); r = cast(%a, dtype=float32)", "x"),
    ("reshape(reshape(x)) == reshape(x)", "x: float32[4, 3]",
     "a = reshape(%x, shape=(12,)); r = reshape(%a, shape=(2, -1))", "reshape(x, shape=(2, 6))"),
    ("squeeze(expand_dims(x)) == reshape(x)", F, "a = expand_dims(%x, axis=0); r = squeeze(%a)",
     "x"),
    ("sum(broadcast(x)) == x * count", "x: float32[3, 1]",
     "a = broadcast_to(%x, shape=(2, 3, 4)); r = reduce_sum(%a, axis=(0, -1))",
     "reshape(mul(x, dim_value(dim=8, dtype=float32)), shape=(3,))"),
    ("16-bit matmul(x, y) == cast(matmul(cast(x), cast(y)))", "x: float16[3, 4], y: float16[5, 4]",
     "r = matmul(%x, %y, transpose_b=True)",
     "cast(matmul(cast(x, dtype=float32), cast(y, dtype=float32), transpose_b=True), "
     "dtype=float16)"),
    ("matmul(transpose(a), b) == matmul(a, b, transpose_a)", M,
     "a = transpose(%x); r = matmul(%a, %y)", "matmul(x, y, transpose_a=True)"),
    ("matmul(a, transpose(b)) == matmul(a, b, transpose_b)", M,
     "a = transpose(%y); r = matmul(%x, %a)", "matmul(x, y, transpose_b=True)"),
    ("log(softmax(x)) == log_softmax(x)", M, "a = softmax(%x, axis=0); r = log(%a)",
     "log_softmax(x, axis=0)"),
    ("log(sigmoid(x)) == log_sigmoid(x)", F, "a = sigmoid(%x); r = log(%a)", "log_sigmoid(x)"),
    ("log(1 - sigmoid(x)) == log_sigmoid(-x)", F,
     "c = const(value=float32(1.0)); a = sigmoid(%x); s = sub(%c, %a); r = log(%s)",
     "log_sigmoid(neg(x))"),
    ("log(1 + x) == log1p(x)", F, "c = const(value=float32(1.0)); a = add(%c, %x); r = log(%a)",
     "log1p(x)"),
    ("log1p(exp(x)) == softplus(x)", F, "a = exp(%x); r = log1p(%a)", "softplus(x)"),
    ("exp(x) - 1 == expm1(x)", F, "c = const(value=float32(1.0)); a = exp(%x); r = sub(%a, %c)",
     "expm1(x)"),
    ("exp(x) + -1 == expm1(x)", F,
     "c = const(value=float32(-1.0)); a = exp(%x); r = add(%a, %c)", "expm1(x)"),
    ("x**0.5 == sqrt(x)", F, "c = const(value=float32(0.5)); r = pow(%x, %c)", "sqrt(x)"),
]  # fmt: skip

# from the traits of ops
TRAITS = [
    ("x mul 1 == x", F, "c = const(value=float32(1.0)); r = mul(%c, %x)", "x"),
    ("x add -0.0 == x", F, "c = const(value=float32(-0.0)); r = add(%c, %x)", "x"),
    ("x add 0 == x", WHOLE, "c = const(value=int32(0)); r = add(%x, %c)", "x"),
    ("x sub 0 == x", F, "c = const(value=float32(0.0)); r = sub(%x, %c)", "x"),
    ("x realdiv 1 == x", F, "c = const(value=float32([1.0, 1.0])); r = realdiv(%x, %c)", None),
    ("x pow 1 == x", F, "c = const(value=float32(1.0)); r = pow(%x, %c)", "x"),
    ("x mul 1 == x", "x: float32[]", "c = const(value=float32([1.0, 1.0])); r = mul(%x, %c)",
     "broadcast_to(x, shape=(2,))"),
    ("maximum(x, x) == x", F, "r = maximum(%x, %x)", "x"),
    ("abs(abs(x)) == abs(x)", F, "a = abs(%x); r = abs(%a)", "abs(x)"),
    ("reshape changes nothing", F, "r = reshape(%x, shape=(n,))", "x"),
    ("cast changes nothing", F, "r = cast(%x, dtype=float32)", "x"),
    ("identity changes nothing", F, "r = identity(%x)", "x"),
    ("add broadcasts its operands itself", "x: float32[n, 3], y: float32[3]",
     "a = broadcast_to(%y, shape=(n, 3)); r = add(%x, %a)", "add(x, y)"),
]  # fmt: skip

STAYS = [
    ("0.0 added makes 0 of -0", F, "c = const(value=float32(0.0)); r = add(%x, %c)"),
    ("inf * 0 is nan", F, "c = const(value=float32(0.0)); r = mul(%x, %c)"),
    ("inf - inf is nan", F, "r = sub(%x, %x)"),
    ("1 - x is no x", F, "c = const(value=float32(0.0)); r = sub(%c, %x)"),
    ("1/3 is no float", F, "c = const(value=float32(3.0)); r = realdiv(%x, %c)"),
    ("2**-126 has an inverse that overflows on the way", F,
     "c = const(value=float32(2e-38)); r = realdiv(%x, %c)"),
    ("float products round", F,
     "c = const(value=float32(3.0)); d = const(value=float32(7.0));"
     "a = mul(%x, %c); r = mul(%a, %d)"),
    ("float32 loses bits of float64", "x: float64[n]",
     "a = cast(%x, dtype=float32); r = cast(%a, dtype=float64)"),
    ("float32 loses large int32", WHOLE, "a = cast(%x, dtype=float32); r = cast(%a, dtype=int32)"),
    ("a kept axis was not stretched", "x: float32[3, 1]",
     "a = broadcast_to(%x, shape=(3, 4)); r = reduce_sum(%a, axis=(0,))"),
    ("a pad that pads", F, "r = pad(%x, paddings=((1, 0),))"),
]  # fmt: skip

AWKWARD = {
    "float16": [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 6e4, 6e-8, 0.3],
    "float32": [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 3e38, 1e-40, 0.3],
    "float64": [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 1e308, 1e-310, 0.3],
    "int32": [0, 1, -1, 2**31 - 1, -(2**31), 5, -7, 65536, 3, 2],
    "bool": [True, False, False, True, True, False, True, True, False, False],
}


def graph_of(inputs: str, nodes: str):
    lines = "\n".join(f"  %{line.strip()}" for line in nodes.split(";"))
    return parse_graph(f"graph g({inputs}) -> r\n{lines}\n")


def feeds_of(graph) -> dict:
    """Every awkward value beside every other."""
    feeds = {}
    for k, t in enumerate(graph.inputs):
        values = np.array(AWKWARD[t.dtype.name], t.dtype.numpy)
        pairs = np.repeat(values, len(values)) if k % 2 else np.tile(values, len(values))
        shape = [d if isinstance(d, int) else len(pairs) for d in t.type.shape]
        feeds[t] = np.resize(pairs, shape)
    return feeds


def same_values(graph, other, signed_zeros: bool) -> None:
    feeds = feeds_of(graph)
    with np.errstate(all="ignore"):
        (want,), (got,) = evaluate(graph, feeds), evaluate(other, feeds)
    assert want.dtype == got.dtype
    np.testing.assert_array_equal(got, want)
    if signed_zeros and want.dtype.kind == "f":
        numbers = ~np.isnan(want)
        np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(want[numbers]))


@pytest.mark.parametrize(("equation", "inputs", "nodes", "becomes"), [*FIRES, *TRAITS])
def test_it_fires_and_no_value_changes(equation, inputs, nodes, becomes) -> None:
    if becomes is None:
        inputs, becomes = inputs.replace("n", "2"), "x"
    graph, options = graph_of(inputs, nodes), Options()
    after = simplify(graph, options)
    verify(after)
    assert equation in [note.text for note in options.log.notes]
    assert expression(after.outputs[0]) == becomes
    if equation not in [rule.equation for rule in STABILITY]:
        same_values(graph, after, signed_zeros="count" not in equation)


@pytest.mark.parametrize("row", FIRES[-7:], ids=lambda row: row[0])
def test_a_stability_row_agrees_where_the_plain_formula_is_good(row) -> None:
    equation, inputs, nodes, _ = row
    assert equation in [rule.equation for rule in STABILITY]
    wide = graph_of(inputs.replace("32", "64"), nodes.replace("float32", "float64"))
    (result,) = evaluate(simplify(wide, Options()), good := moderate(wide))
    np.testing.assert_allclose(result, evaluate(wide, good)[0], rtol=1e-9)


def moderate(graph) -> dict:
    draw = np.random.default_rng(0)
    return {
        t: draw.uniform(0.1, 3, [d if isinstance(d, int) else 5 for d in t.type.shape])
        for t in graph.inputs
    }


@pytest.mark.parametrize(("why", "inputs", "nodes"), STAYS, ids=[row[0] for row in STAYS])
def test_it_does_not_fire(why, inputs, nodes) -> None:
    graph = graph_of(inputs, nodes)
    assert simplify(graph, Options()) is graph


def test_every_rule_has_a_case() -> None:
    covered = {row[0] for row in FIRES}
    views = "reshape(", "expand_dims(", "squeeze("
    missing = [rule.equation for rule in RULES if rule.equation not in covered]
    assert [m for m in missing if not m.startswith(views)] == []
