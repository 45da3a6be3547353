"""What joins a contraction's kernel, and what does not."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph, Tensor
from graphc.lowering.program import Launch, Place, Program
from tests.devices import DEVICES
from tests.lowering.lowered import program_of


def launches(program: Program) -> list[tuple[str, int]]:
    steps = [step for step in program.steps if isinstance(step, Launch)]
    return [(program.kernels[step.kernel].name, len(step.blocks)) for step in steps]


def temporaries(program: Program) -> list[str]:
    return [b.label for b in program.buffers if b.place is Place.ARENA and b.label != "workspace"]


def placeholders(b: Builder, *shapes: tuple) -> list[Tensor]:
    return [b.placeholder(dtype=float32, shape=shape) for shape in shapes]


def check(b: Builder, fetches: list[Tensor]) -> None:
    """The kernels, as plain Python, agree with the reference."""
    rng = np.random.default_rng(0)
    fed = [n.outputs[0] for n in b.home.nodes if n.op.name == "placeholder"]
    feeds = {t: rng.normal(size=t.type.shape).astype(np.float32) for t in fed}
    expected = DEVICES["reference"](b.home, feeds, fetches, [], {})
    made = DEVICES["plain"](b.home, feeds, fetches, [], {})
    for value, wanted in zip(made, expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5)


LAYER = """
    graph g(x: float32[n, k], w: float32[k, m], b: float32[m]) -> y
      %p = matmul(%x, %w) : float32[n, m]
      %a = add(%p, %b) : float32[n, m]
      %y = tanh(%a) : float32[n, m]
"""


def test_bias_and_activation_are_one_kernel_that_stores_no_product() -> None:
    program = program_of(LAYER)
    assert launches(program) == [("matmul_add_tanh", 1)]
    assert temporaries(program) == []


def test_layers_of_all_sizes_share_one_kernel() -> None:
    keys = {
        program_of(LAYER.replace("[n, k]", f"[{n}, {k}]").replace("k, m", f"{k}, {m}")
                   .replace("[m]", f"[{m}]").replace("[n, m]", f"[{n}, {m}]")).kernels[0].key
        for n, k, m in ((5, 6, 7), (50, 1, 64), (128, 784, 512))
    }  # fmt: skip
    assert len(keys) == 1


def test_a_product_that_is_read_elsewhere_is_stored_beside() -> None:
    program = program_of("""
        graph g(x: float32[n, m], w: float32[m, m]) -> p, y
          %p = matmul(%x, %w) : float32[n, m]
          %y = exp(%p) : float32[n, m]
    """)
    assert launches(program) == [("matmul_exp", 1)]
    (step,) = program.steps
    assert len({*step.blocks[0].buffers}) == len(step.blocks[0].buffers)


def test_views_between_are_seen_through() -> None:
    program = program_of("""
        graph g(x: float32[6, k], w: float32[k, m], r: float32[2, 1, m]) -> y
          %p = matmul(%x, %w) : float32[6, m]
          %v = reshape(%p, shape=(2, 3, m)) : float32[2, 3, m]
          %y = add(%v, %r) : float32[2, 3, m]
    """)
    assert launches(program) == [("matmul_add", 1)]


def test_what_the_contraction_reads_is_not_made_in_its_kernel() -> None:
    b = Builder(Graph())
    x, w = placeholders(b, (4, 3), (3, 3))
    h = b.tanh(x)
    check(b, [b.mul(h, b.sigmoid(b.matmul(h, w)))])


def test_truth_values_of_a_products_blocks_are_made_where_they_are_read() -> None:
    program = program_of("""
        graph g(x: float32[n, m], w: float32[m, m]) -> z
          %p = matmul(%x, %w) : float32[n, m]
          %y = tanh(%p) : float32[n, m]
          %k = greater(%y, %p) : bool[n, m]
          %q = matmul(%y, %w) : float32[n, m]
          %z = where(%k, %q, %y) : float32[n, m]
    """)
    assert [name for name, _ in launches(program)] == ["matmul_tanh", "matmul_greater_where"]


def test_products_that_need_nothing_of_each_other_are_one_launch() -> None:
    program = program_of("""
        graph g(x: float32[n, m], u: float32[m, k], v: float32[m, k], w: float32[m, k]) -> s
          %a = matmul(%x, %u) : float32[n, k]
          %f = tanh(%a) : float32[n, k]
          %s0 = reduce_sum(%f, axis=(0,)) : float32[k]
          %b = matmul(%x, %v) : float32[n, k]
          %g = tanh(%b) : float32[n, k]
          %s1 = reduce_sum(%g, axis=(0,)) : float32[k]
          %c = matmul(%x, %w) : float32[n, k]
          %h = tanh(%c) : float32[n, k]
          %s2 = reduce_sum(%h, axis=(0,)) : float32[k]
          %t = add(%s0, %s1) : float32[k]
          %s = add(%t, %s2) : float32[k]
    """)
    assert ("matmul_tanh", 3) in launches(program)


def test_a_gather_that_may_fail_stays_apart() -> None:
    program = program_of("""
        graph g(x: float32[n, m], w: float32[m, m], t: float32[k, m], i: int32[n]) -> y
          %p = matmul(%x, %w) : float32[n, m]
          %r = gather(%t, %i) : float32[n, m]
          %y = add(%p, %r) : float32[n, m]
    """)
    assert len(launches(program)) == 2


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("columns", [1, 4, 37])
def test_operands_along_rows_columns_and_matrices_stand_where_they_should(
    rows: int, columns: int
) -> None:
    b = Builder(Graph())
    shapes = [
        (2, 3, rows, 4),
        (3, 4, columns),
        (columns,),
        (rows, 1),
        (2, 1, 1, 1),
        (3, 1, columns),
    ]
    x, w, *others, full = placeholders(b, *shapes, (2, 3, rows, columns))
    h = b.matmul(x, w)
    for other in others:
        h = b.tanh(b.add(h, other))
    check(b, [h, b.mul(h, full), b.transpose(b.maximum(h, full), perm=(0, 1, 3, 2))])


def test_a_residual_that_dies_is_read_before_the_block_is_stored() -> None:
    b = Builder(Graph())
    x, w, v = placeholders(b, (5, 3), (3, 4), (4, 4))
    dying = b.matmul(x, w)
    check(b, [b.matmul(b.add(b.matmul(b.tanh(dying), v), dying), v)])
