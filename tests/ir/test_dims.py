"""Dims: the algebra agrees with integers, and equal sizes are equal expressions."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from graphc.ir import dims
from graphc.ir.dims import Dim, parse_dim, symbol

NAMES = ("batch", "n", "m")
B, N, M = map(symbol, NAMES)
SIZES = st.fixed_dictionaries({name: st.integers(0, 40) for name in NAMES})


@dataclass(frozen=True)
class Both:
    """One expression twice: as a dim, and as what it comes to in plain integers."""

    dim: Dim
    value: Callable[[dict[str, int]], int]


def leaf(draw: int | str) -> Both:
    if isinstance(draw, int):
        return Both(draw, lambda sizes: draw)
    return Both(symbol(draw), lambda sizes: sizes[draw])


def joined(pair: tuple[Both, Both], operation: str) -> Both:
    a, b = pair
    match operation:
        case "+":
            return Both(a.dim + b.dim, lambda s: a.value(s) + b.value(s))
        case "-":
            return Both(a.dim - b.dim, lambda s: a.value(s) - b.value(s))
        case "*":
            return Both(a.dim * b.dim, lambda s: a.value(s) * b.value(s))
        case "max":
            return Both(dims.maximum(a.dim, b.dim), lambda s: max(a.value(s), b.value(s)))
    divisor = int(operation)
    return Both(dims.floordiv(a.dim, divisor), lambda s: a.value(s) // divisor)


LEAVES = st.one_of(st.integers(-6, 6), st.sampled_from(NAMES)).map(leaf)
OPERATIONS = st.sampled_from(["+", "-", "*", "max", "2", "3", "16"])
EXPRESSIONS = st.recursive(
    LEAVES, lambda below: st.builds(joined, st.tuples(below, below), OPERATIONS), max_leaves=6
)


@given(EXPRESSIONS, SIZES)
def test_a_dim_comes_to_what_integers_come_to(both, sizes):
    assert dims.evaluate(both.dim, sizes) == both.value(sizes)


@given(st.lists(EXPRESSIONS, max_size=4), SIZES)
def test_dims_evaluated_together_are_what_each_is(several, sizes):
    expressions = tuple(both.dim for both in several)
    together = dims.compile_dims(expressions)(sizes)
    assert list(together) == [dims.evaluate(dim, sizes) for dim in expressions]


@given(EXPRESSIONS)
def test_text_parses_back_to_the_same_dim(both):
    assert parse_dim(str(both.dim)) == both.dim


@given(EXPRESSIONS)
def test_dims_pickle(both):
    again = pickle.loads(pickle.dumps(both.dim))
    assert again == both.dim
    assert hash(again) == hash(both.dim)


@given(EXPRESSIONS, SIZES)
def test_no_value_is_below_the_lower_bound(both, sizes):
    assert dims.lower_bound(both.dim) <= both.value(sizes)


@given(EXPRESSIONS, EXPRESSIONS, SIZES)
def test_substituting_a_dim_is_substituting_its_value(both, other, sizes):
    assume(other.value(sizes) >= 0)  # every symbol stands for such a number
    inside = dims.substitute(both.dim, {"n": other.dim})
    replaced = {**sizes, "n": other.value(sizes)}
    assert dims.evaluate(inside, sizes) == both.value(replaced)


@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS)
def test_sums_and_products_have_one_form(a, b, c):
    a, b, c = a.dim, b.dim, c.dim
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert dims.maximum(a, b) == dims.maximum(b, a)


@given(EXPRESSIONS, EXPRESSIONS)
def test_an_exact_quotient_times_the_divisor_is_the_dividend(a, b):
    even = dims.divide_exactly(a.dim, b.dim)
    if even is not None:
        assert even * b.dim == a.dim


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (B + 3 + N * 2, "batch + 2*n + 3"),
        (N * M - N * M, "0"),
        (dims.floordiv(6 * N + 4, 2), "3*n + 2"),
        (dims.floordiv(N + 5, 2), "((n + 1) // 2) + 2"),
        (dims.floordiv(N * M, M), "n"),
        (dims.ceildiv(N, 4), "(n + 3) // 4"),
        (dims.maximum(N, N, 0), "n"),
        (dims.maximum(N - 3, 0), "max(n - 3, 0)"),
        (dims.maximum(dims.maximum(N, M), B), "max(batch, m, n)"),
        (dims.product([N, 4, M]), "4*m*n"),
    ],
    ids=str,
)
def test_the_normal_form(dim, text):
    assert str(dim) == text


def test_text_says_which_symbols_data_decides():
    parsed = parse_dim("count + n", data=["count"])
    assert {(s.name, s.data) for s in dims.symbols(parsed)} == {("count", True), ("n", False)}


def test_a_symbolic_size_is_no_index():
    with pytest.raises(TypeError, match="batch"):
        range(B)
