"""A kernel that stores an output over an operand still reads that operand first."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.builder import Builder
from graphc.ir.dtype import float16, float32
from graphc.ir.graph import Graph, Tensor
from tests.devices import DEVICES


def check(b: Builder, fetches: list[Tensor]) -> None:
    """The kernels, as plain Python, agree with the reference."""
    rng = np.random.default_rng(0)
    placeholders = [n.outputs[0] for n in b.home.nodes if n.op.name == "placeholder"]
    feeds = {t: rng.normal(size=t.type.shape).astype(np.float32) for t in placeholders}
    expected = DEVICES["reference"](b.home, feeds, fetches, [], {})
    for value, wanted in zip(
        DEVICES["plain"](b.home, feeds, fetches, [], {}), expected, strict=True
    ):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5)


def test_an_output_over_a_dying_operand_waits_for_the_other_readers() -> None:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(5, 3))
    w, v = (b.placeholder(dtype=float32, shape=(3, 4)) for _ in range(2))
    p, q = b.matmul(x, w), b.matmul(x, v)
    check(b, [q, b.matmul(b.mul(q, 2.0), v, transpose_b=True), b.sub(q, p)])


def test_a_sum_of_columns_lies_over_nothing_that_its_kernel_reads() -> None:
    b = Builder(Graph())
    x, w = (b.placeholder(dtype=float32, shape=(5, 4)) for _ in range(2))
    u, v = b.placeholder(dtype=float32, shape=(1, 3)), b.placeholder(dtype=float32, shape=(3, 4))
    dying = b.matmul(u, v)
    total = b.reduce_sum(x, axis=(0,), keepdims=True)
    scaled = b.mul(x, b.mul(total, dying))
    check(b, [b.matmul(scaled, w, transpose_b=True), b.matmul(total, scaled, transpose_b=True)])


@pytest.mark.parametrize("device", ["plain", "cpu"])
def test_half_sums_of_columns_in_chunks_are_each_stored_at_its_chunk(device: str) -> None:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(b.home.named_dim("n"), 5, 3))
    turned = b.transpose(b.cast(x, dtype=float16), perm=(0, 2, 1))
    total = b.reduce_sum(turned, axis=(0,), keepdims=False)
    feeds = {x: np.ones((700, 5, 3), np.float32)}
    (found,) = DEVICES[device](b.home, feeds, [total], [], {})
    np.testing.assert_array_equal(found, np.full((3, 5), 700, np.float16))
