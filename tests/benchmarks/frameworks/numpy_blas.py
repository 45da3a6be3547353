"""NumPy's matmul, which is its OpenBLAS; what is fused elsewhere is a pass of its own here."""

from collections.abc import Callable

import numpy as np

from tests.benchmarks import contractions

VERSION = np.__version__


def product(
    spec: contractions.Product,
) -> tuple[Callable[[], np.ndarray], Callable[[np.ndarray], np.ndarray]]:
    a, b, bias = spec.operands()
    a = a.T if spec.transpose_a else a
    b = b.T if spec.transpose_b else b
    y = np.empty((spec.m, spec.n), np.float32)

    def call() -> np.ndarray:
        np.matmul(a, b, out=y)
        if spec.fused:
            np.add(y, bias, out=y)
            np.maximum(y, 0, out=y)
        return y

    return call, np.asarray
