"""Every elementwise op on the CPU, over a long vector that starts with its special values."""

from __future__ import annotations

import numpy as np
import pytest

from graphc.ir.builder import Builder
from graphc.ir.dtype import DType, bool_, float32, float64, int8, int32, uint8
from graphc.ir.graph import Graph
from graphc.ir.op import Elementwise, Op
from runtime.devices.reference.evaluate import evaluate
from tests.devices import on_cpu
from tests.ops.sampling import REGISTERED
from tests.tolerances import assert_close

LENGTH = 1037  # whole vectors, and a rest
FLOATS = [
    0.0, -0.0, 1, -1, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 3e38, -3e38, 1e-30, 0.5, -0.5, 88.7,
    -87.3, -103.9, 1e4, -1e5, 1e30,
]  # fmt: skip
# A remainder is exact only while the quotient is: the operands here stay close to each other.
REMAINDERS = {"floormod", "truncatemod"}
OPS = {
    name: kind
    for name, kind in REGISTERED.items()
    if issubclass(kind, Elementwise)
    and kind.writes is None
    and not kind.may_fail
    and bool_ not in kind.dtypes
}
CASES = [
    pytest.param(kind, dtype, id=f"{name}-{dtype}")
    for name, kind in OPS.items()
    for dtype in (float32, float64, int8, uint8, int32)
    if dtype in kind.dtypes
]


def vector(rng: np.random.Generator, kind: type[Op], dtype: DType, port: int) -> np.ndarray:
    """Special values first: each of the first operand meets each of the second."""
    if dtype.is_floating:
        special = np.array(FLOATS)
        rest = rng.normal(size=LENGTH) * rng.choice([0.1, 1, 30], LENGTH)
        if kind.name in REMAINDERS:
            special, rest = special[[0, 1, 2, 3, 4, 5, 6, 12, 13, 14]], np.abs(rest) + 0.1
    else:
        special = np.array([0, 1, dtype.max, dtype.min, 2, 3, 5, 7, max(dtype.min, -3)], np.int64)
        rest = rng.integers(dtype.min, dtype.max, LENGTH, endpoint=True)
    pairs = np.repeat(special, len(special)) if port else np.tile(special, len(special))
    rest[: len(pairs)] = pairs
    return rest.astype(dtype.numpy)


@pytest.mark.parametrize(("kind", "dtype"), CASES)
def test_special_values_on_the_cpu(kind: type[Op], dtype: DType) -> None:
    b = Builder(Graph())
    rng = np.random.default_rng(0)
    feeds = {}
    with np.errstate(over="ignore"):
        for port in range(kind.arity()[0] or 2):
            x = b.placeholder(dtype=dtype, shape=(LENGTH,), name=f"x{port}")
            feeds[x] = vector(rng, kind, dtype, port)
    y = b.apply(kind, list(feeds), {})
    (expected,) = evaluate(b.home, feeds, [y])
    assert_close(on_cpu(b.home, feeds, [y], [], {})[0], expected)
