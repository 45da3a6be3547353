"""The special functions against SciPy and mpmath, in float64 and to their last digits in float32;
the gradients that finite differences of the registry do not cover."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special

from graphc.autodiff.reverse import gradients
from graphc.ir.builder import Builder
from graphc.ir.dtype import as_dtype
from graphc.ir.graph import Graph
from tests.devices import on_cpu

RANDOM = np.random.default_rng(3)


def around(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Shape parameters, and arguments about them, where both methods take turns."""
    a = RANDOM.uniform(low, high, 150)
    return a, a * RANDOM.uniform(0.3, 2, 150)


def proportions() -> tuple[np.ndarray, ...]:
    return (*(RANDOM.uniform(0.1, 40, 300) for _ in range(2)), RANDOM.uniform(0, 1, 300))


CASES: dict[str, tuple[Any, tuple[np.ndarray, ...], float]] = {
    "igamma": (scipy.special.gammainc, around(0.01, 30), 1e-13),
    "igammac": (scipy.special.gammaincc, around(0.01, 300), 1e-12),
    "betainc": (scipy.special.betainc, proportions(), 1e-12),
    "zeta": (
        scipy.special.zeta, (RANDOM.uniform(1.1, 9, 300), RANDOM.uniform(0.1, 30, 300)), 2e-14,
    ),
    "polygamma": (
        scipy.special.polygamma, (RANDOM.integers(1, 6, 300) * 1.0, RANDOM.uniform(0.1, 30, 300)),
        2e-13,
    ),
    "ndtri": (scipy.special.ndtri, (np.exp(-RANDOM.uniform(0, 700, 300)),), 1e-13),
    "bessel_i0e": (scipy.special.i0e, (RANDOM.uniform(-30, 30, 300),), 2e-14),
    "bessel_i1e": (scipy.special.i1e, (RANDOM.uniform(-30, 30, 300),), 2e-14),
}  # fmt: skip


def run(name: str, arrays: tuple[np.ndarray, ...]) -> np.ndarray:
    graph = Graph()
    b = Builder(graph)
    xs = [b.placeholder(dtype=as_dtype(a.dtype), shape=a.shape, name="x") for a in arrays]
    y = getattr(b, name)(*xs)
    return on_cpu(graph, dict(zip(xs, arrays, strict=True)), [y], [], {})[0]


@pytest.mark.parametrize("name", CASES)
def test_float64_agrees_with_scipy(name):
    exact, arrays, tolerance = CASES[name]
    np.testing.assert_allclose(run(name, arrays), exact(*arrays), rtol=tolerance, atol=1e-300)


@pytest.mark.parametrize("name", CASES)
def test_float32_is_right_to_a_few_units(name):
    exact, arrays, _ = CASES[name]
    narrow = tuple(a.astype(np.float32) for a in arrays)
    wide = exact(*(a.astype(np.float64) for a in narrow))
    normal = np.isfinite(wide) & (np.abs(wide) > 1e-37)
    np.testing.assert_allclose(run(name, narrow)[normal], wide[normal], rtol=6e-7)


@pytest.mark.parametrize("name", ["igamma", "igammac"])
def test_gradient_of_an_incomplete_gamma_function_to_both_operands(name):
    a, x = np.array([0.3, 2.0, 2.0, 9.0, 40.0]), np.array([0.1, 0.7, 6.0, 8.0, 50.0])
    graph = Graph()
    b = Builder(graph)
    operands = [b.placeholder(dtype=as_dtype("float64"), shape=(5,), name=n) for n in "ax"]
    y = getattr(b, name)(*operands)
    found = on_cpu(
        graph, dict(zip(operands, (a, x), strict=True)), gradients([y], operands), [], {}
    )

    def value(p: Any, q: Any) -> Any:
        ends = (0, q) if name == "igamma" else (q, mpmath.inf)
        return mpmath.gammainc(p, *ends, regularized=True)

    with mpmath.workdps(30):
        to_a = [mpmath.diff(lambda p, q=q: value(p, q), p) for p, q in zip(a, x, strict=True)]
        to_x = [mpmath.diff(lambda q, p=p: value(p, q), q) for p, q in zip(a, x, strict=True)]
    np.testing.assert_allclose(found[0], np.array(to_a, float), rtol=1e-10)
    np.testing.assert_allclose(found[1], np.array(to_x, float), rtol=1e-11)


def test_gradients_that_tensorflow_leaves_out_are_none():
    graph = Graph()
    b = Builder(graph)
    p, q, x = (b.placeholder(dtype=as_dtype("float64"), shape=(2,), name=n) for n in "pqx")
    assert gradients([b.zeta(p, q)], [p]) == [None]
    assert gradients([b.polygamma(p, q)], [p]) == [None]
    assert gradients([b.betainc(p, q, x)], [p, q]) == [None, None]


def test_derivatives_of_betainc_zeta_and_polygamma_are_their_slopes():
    graph = Graph()
    b = Builder(graph)
    x = b.placeholder(dtype=as_dtype("float64"), shape=(), name="x")
    ys = [b.betainc(b.tensor(2.5, like=x), b.tensor(0.7, like=x), x),
          b.zeta(b.tensor(3.0, like=x), x), b.polygamma(b.tensor(2.0, like=x), x)]  # fmt: skip
    slopes = [gradients([y], [x])[0] for y in ys]
    at, h = 0.4, 1e-5
    found = on_cpu(graph, {x: np.array(at)}, slopes, [], {})
    high, low = (on_cpu(graph, {x: np.array(at + d)}, ys, [], {}) for d in (h, -h))
    for slope, up, down in zip(found, high, low, strict=True):
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-7)
