"""A kernel that stores an output over an operand still reads that operand first."""

from __future__ import annotations

import numpy as np

from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph
from tests.devices import DEVICES


def test_an_output_over_a_dying_operand_waits_for_the_other_readers() -> None:
    b = Builder(Graph())
    x = b.placeholder(dtype=float32, shape=(5, 3))
    w, v = (b.placeholder(dtype=float32, shape=(3, 4)) for _ in range(2))
    p, q = b.matmul(x, w), b.matmul(x, v)
    fetches = [q, b.matmul(b.mul(q, 2.0), v, transpose_b=True), b.sub(q, p)]
    rng = np.random.default_rng(0)
    feeds = {t: rng.normal(size=t.type.shape).astype(np.float32) for t in (x, w, v)}
    expected = DEVICES["reference"](b.home, feeds, fetches, [], {})
    for value, wanted in zip(
        DEVICES["plain"](b.home, feeds, fetches, [], {}), expected, strict=True
    ):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5)
