"""Einstein sums: the order of products, and what they become."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf
from graphc.compiler import compile_graph
from graphc.ops.products.einsum import parse
from graphc.ops.products.pairwise import contraction_order


def test_products_are_made_in_the_cheapest_order() -> None:
    sizes = {"i": 2, "j": 1000, "k": 1000, "l": 50}
    # The product goes to the end: the second row is (it, "kl").
    assert contraction_order(["ij", "jk", "kl"], sizes, "il") == [(0, 1), (1, 0)]
    assert contraction_order(["jk", "kl", "ij"], sizes, "il")[0] in [(0, 2), (2, 0)]
    chain = contraction_order(["ij", "jk", "kl"], {"i": 9, "j": 9, "k": 9, "l": 1}, "il")
    assert chain[0] == (1, 2)  # the vector first


def test_many_operands_are_ordered_pair_by_pair() -> None:
    terms = ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"]
    sizes = {label: 3 for label in "abcdefghi"}
    assert len(contraction_order(terms, sizes, "ai")) == len(terms) - 1


@pytest.mark.parametrize(
    ("text", "full"),
    [("ij,jk", "ij,jk->ik"), ("ba", "ba->ab"), ("ii", "ii->"), ("...ij,jk", "...ij,jk->...ik"),
     (" i , i -> ", "i,i->")],
)  # fmt: skip
def test_a_result_that_is_not_said_has_the_labels_that_occur_once(text: str, full: str) -> None:
    assert str(parse(text)) == full


def kernels_of(equation: str, *shapes: tuple) -> list[str]:
    with tf.Graph().as_default() as graph:
        xs = [tf.placeholder(tf.float32, shape) for shape in shapes]
        return [k.name for k in compile_graph(graph, xs, [tf.einsum(equation, *xs)]).kernels]


def test_operands_that_lie_as_matrices_are_not_rearranged() -> None:
    assert kernels_of("bik,bjk->bij", (4, 8, 16), (4, 8, 16)) == ["matmul_batch"]
    assert kernels_of("abc,cd->abd", (4, 8, 16), (16, 8)) == ["matmul"]
    assert kernels_of("kij,kl->ijl", (16, 4, 8), (16, 8)) == ["matmul"]
    assert kernels_of("bhqd,bhkd->bhqk", (2, 3, 8, 16), (2, 3, 8, 16)) == ["matmul_batch"]


def test_a_matrix_times_a_vector_is_one_fused_kernel() -> None:
    assert len(kernels_of("bij,bj->bi", (4, 8, 16), (4, 16))) == 1
    assert not any(k.startswith("matmul") for k in kernels_of("ij,j->i", (8, 16), (16,)))


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    sizes = {label: draw(st.integers(0, 3)) for label in "abcde"}
    terms = draw(st.lists(st.text("abcde", max_size=4), min_size=1, max_size=4))
    used = sorted({label for term in terms for label in term})
    result = draw(st.permutations(used)) if used else []
    result = result[: draw(st.integers(0, len(result)))]
    shapes = [tuple(sizes[label] for label in term) for term in terms]
    return f"{','.join(terms)}->{''.join(result)}", shapes


@settings(max_examples=60, deadline=None)
@given(equations())
def test_any_equation_means_what_numpy_says(drawn: tuple[str, list[tuple[int, ...]]]) -> None:
    equation, shapes = drawn
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-3, 4, shape).astype(np.float64) for shape in shapes]
    with tf.Graph().as_default(), tf.Session() as sess:
        xs = [tf.placeholder(tf.float64, shape) for shape in shapes]
        found = sess.run(tf.einsum(equation, *xs), dict(zip(xs, arrays, strict=True)))
    np.testing.assert_array_equal(found, np.einsum(equation, *arrays))
