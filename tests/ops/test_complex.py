"""Ops whose type rule lets complex numbers in: each keeps what it promises for them too.

Walked from the samples for float64: one that the type rule also takes with complex128 in its place
must compute it, on every device, and differentiate it as the reference says.
"""

from __future__ import annotations

import numpy as np
import pytest

from graphc.autodiff.reverse import gradients
from graphc.errors import GraphcError
from graphc.ir.dtype import DType, complex64, complex128, float32, float64
from graphc.ir.graph import infer
from graphc.ir.op import NotDifferentiable
from graphc.ir.types import Mismatch
from graphc.ops.running.precision import reference_values
from runtime.devices.reference.evaluate import evaluate
from tests.devices import DEVICES, Device, on_plain
from tests.ops.sampling import Case, OneNode, cases
from tests.tolerances import assert_close

WIDER = {float32: complex64, float64: complex128}
# What their attributes say is for real numbers: a function of the user's, a word.
APART = {"py_func", "partial_reduce"}


def _moved(case: Case) -> Case | None:
    """The case with complex numbers for its floats; None where the type rule refuses it."""
    floating = {k for k, t in enumerate(case.types) if t.dtype in WIDER}
    if not floating or floating & case.sample.values.keys() or case.op.name in APART:
        return None
    try:
        op = case.op.replace(
            **{k: WIDER.get(v, v) for k, v in case.op.values() if isinstance(v, DType)}
        )
        types = tuple(t.with_dtype(WIDER.get(t.dtype, t.dtype)) for t in case.types)
        infer(op, types)
    except (Mismatch, GraphcError):  # of the op, or of one in its body
        return None
    return Case(op, case.sample, types)


MOVED = {k: found for k, c in cases().items() if (found := _moved(c)) is not None}


def test_there_are_many() -> None:
    assert len({case.op.name for case in MOVED.values()}) > 60


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())
@pytest.mark.parametrize("case", MOVED.values(), ids=MOVED.keys())
def test_it_is_computed(case: Case, device: Device) -> None:
    arrays = case.arrays()
    built = OneNode.of(case)
    feeds, variables = built.bound(arrays)
    found = device(built.graph, feeds, list(built.node.outputs), [built.node], dict(variables))
    expected = reference_values(case.op, arrays, case.types, case.result_types)
    for value, wanted, type in zip(found, expected, case.result_types, strict=True):
        assert_close(value, wanted, 4 * case.sample.tolerance, type.dtype)


SMOOTH = {
    k: c
    for k, c in MOVED.items()
    if c.sample.gradient
    and not isinstance(c.op.vjp, NotDifferentiable)
    and any(t.dtype.is_differentiable for t in c.result_types)
}
STEP = 1e-6


@pytest.mark.parametrize("case", SMOOTH.values(), ids=SMOOTH.keys())
def test_its_gradient_is_the_slope(case: Case) -> None:
    case = case.doubled()
    built, arrays = OneNode.of(case), case.arrays()
    rng = np.random.default_rng(3)

    def normal(shape: tuple[int, ...], dtype: DType) -> np.ndarray:
        drawn = rng.normal(size=shape)
        return drawn + 1j * rng.normal(size=shape) if dtype.is_complex else drawn

    xs = [t for t in built.operands if t.dtype.is_differentiable]
    ys = [t for t in built.node.outputs if t.dtype.is_differentiable]
    line = {t: normal(t.type.shape, t.dtype) for t in xs}

    def values(fetches: list, step: float = 0.0) -> list[np.ndarray]:
        moved = [
            a + step * line[t] if t in line else a
            for t, a in zip(built.operands, arrays, strict=True)
        ]
        feeds, variables = built.bound(moved)
        return list(evaluate(built.graph, feeds, fetches, variables=variables))

    weights = [normal(v.shape, y.dtype) for v, y in zip(values(ys), ys, strict=True)]
    found = gradients(ys, xs, [built.b.tensor(w) for w in weights])
    pairs = [(g, line[x]) for g, x in zip(found, xs, strict=True) if g is not None]
    slope = sum(
        np.sum(np.real(np.conj(g) * d))
        for g, (_, d) in zip(values([g for g, _ in pairs]), pairs, strict=True)
    )
    expected = sum(
        np.sum(np.real(np.conj(w) * (a - b))) / (2 * STEP)
        for a, b, w in zip(values(ys, STEP), values(ys, -STEP), weights, strict=True)
    )
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", SMOOTH.values(), ids=SMOOTH.keys())
def test_its_gradient_is_computed_in_kernels(case: Case) -> None:
    built = OneNode.of(case)
    feeds, variables = built.bound(case.arrays())
    xs = [t for t in built.operands if t.dtype.is_differentiable]
    ys = [t for t in built.node.outputs if t.dtype.is_differentiable]
    fetches = [g for g in gradients(ys, xs) if g is not None]
    expected = evaluate(built.graph, feeds, fetches, variables=variables)
    found = on_plain(built.graph, feeds, fetches, [], dict(variables))
    for tensor, value, wanted in zip(fetches, found, expected, strict=True):
        assert_close(value, wanted, 8 * case.sample.tolerance, tensor.dtype)
