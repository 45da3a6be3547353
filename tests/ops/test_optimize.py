"""Optimizer arithmetic against the formulas written out in NumPy, over several steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph, Tensor
from tests.devices import DEVICES

STEPS = 3
RNG = np.random.default_rng(0)
START = RNG.normal(size=5).astype(np.float32)
GRADIENTS = RNG.normal(size=(STEPS, 5)).astype(np.float32)


def stepped(device: str, slots: dict[str, np.ndarray], update: Callable) -> np.ndarray:
    """The variable after STEPS updates; ``update(b, w, slots, gradient)`` gives the writes."""
    b = Builder(Graph())
    store = {"w": START.copy(), **{k: np.array(v, np.float32) for k, v in slots.items()}}
    made: dict[str, Tensor] = {
        key: b.variable(dtype=float32, shape=value.shape, key=key) for key, value in store.items()
    }
    gradient = b.placeholder(dtype=float32, shape=(5,))
    writes = [w.node for w in update(b, made["w"], made, gradient)]
    for value in GRADIENTS:
        DEVICES[device](b.home, {gradient: value}, [], writes, store)
    return store["w"]


@pytest.mark.parametrize("device", ["reference", "plain"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(device: str, nesterov: bool) -> None:
    found = stepped(
        device,
        {"v": np.zeros(5)},
        lambda b, w, s, g: b.momentum_update(w, s["v"], g, 0.1, 0.9, nesterov=nesterov),
    )
    w, v = START.copy(), np.zeros(5)
    for g in GRADIENTS:
        v = 0.9 * v + g
        w = w - 0.1 * (g + 0.9 * v if nesterov else v)
    np.testing.assert_allclose(found, w, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("device", ["reference", "plain"])
def test_adam(device: str) -> None:
    def update(b: Builder, w: Tensor, s: dict[str, Tensor], g: Tensor) -> list[Tensor]:
        rate = b.adam_rate(0.01, s["p"], s["q"])
        writes = b.adam_update(w, s["m"], s["v"], g, rate, 0.9, 0.999, 1e-8)
        powers = [b.assign(s["p"], b.mul(s["p"], 0.9)), b.assign(s["q"], b.mul(s["q"], 0.999))]
        return [*writes, *powers]

    slots = {"m": np.zeros(5), "v": np.zeros(5), "p": np.array(0.9), "q": np.array(0.999)}
    found = stepped(device, slots, update)
    w, m, v = START.copy(), np.zeros(5), np.zeros(5)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        rate = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        w = w - rate * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(found, w, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("device", ["reference", "plain"])
def test_adagrad_and_rms_prop(device: str) -> None:
    adagrad = stepped(
        device,
        {"total": np.full(5, 0.1)},
        lambda b, w, s, g: b.adagrad_update(w, s["total"], g, 0.1),
    )
    rms_prop = stepped(
        device,
        {"square": np.ones(5), "v": np.zeros(5)},
        lambda b, w, s, g: b.rms_prop_update(w, s["square"], s["v"], g, 0.1, 0.9, 0.5, 1e-3),
    )
    w, total = START.copy(), np.full(5, 0.1)
    u, square, v = START.copy(), np.ones(5), np.zeros(5)
    for g in GRADIENTS:
        total = total + g * g
        w = w - 0.1 * g / np.sqrt(total)
        square = 0.9 * square + 0.1 * g * g
        v = 0.5 * v + 0.1 * g / np.sqrt(square + 1e-3)
        u = u - v
    np.testing.assert_allclose(adagrad, w, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(rms_prop, u, rtol=1e-5, atol=1e-6)
