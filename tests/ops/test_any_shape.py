"""Elementwise ops and reductions, compiled, over any shapes that meet: sizes known and unknown."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from graphc.autodiff.reverse import gradients
from graphc.ir.builder import Builder
from graphc.ir.dtype import float32
from graphc.ir.graph import Graph
from runtime.devices.reference.evaluate import evaluate
from tests.devices import on_cpu, on_plain
from tests.tolerances import assert_close

SHAPES = st.lists(st.integers(0, 3), max_size=4).map(tuple)
BINARY = ("add", "sub", "mul", "realdiv", "maximum", "squared_difference", "atan2")
REDUCTIONS = ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "reduce_mean",
              "reduce_variance", "reduce_logsumexp")  # fmt: skip


@st.composite
def broadcast_pair(draw: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast: axes cut from the front, sizes replaced by 1."""
    full = draw(SHAPES)
    pair = []
    for _ in range(2):
        kept = full[draw(st.integers(0, len(full))) :]
        pair.append(tuple(1 if draw(st.booleans()) else d for d in kept))
    return pair[0], pair[1]


def fed(b: Builder, name: str, shape: tuple[int, ...], symbolic: bool) -> tuple[Any, np.ndarray]:
    """A placeholder and a value for it; ``symbolic``: sizes other than 1 are unknown."""
    declared = tuple(b.home.new_dim("n") if symbolic and d != 1 else d for d in shape)
    x = b.placeholder(dtype=float32, shape=declared, name=name)
    rng = np.random.default_rng(len(name) + len(shape))
    return x, rng.uniform(0.5, 2, shape).astype(np.float32)


def assert_plain_equals_reference(b: Builder, feeds: dict, fetches: list) -> None:
    expected = evaluate(b.home, feeds, fetches)
    found = on_plain(b.home, feeds, fetches, [], {})
    for value, wanted in zip(found, expected, strict=True):
        assert_close(value, wanted, 4)


@given(broadcast_pair(), st.sampled_from(BINARY), st.booleans())
def test_operands_and_their_gradients_broadcast(pair: tuple, name: str, symbolic: bool) -> None:
    b = Builder(Graph())
    (x, p), (y, q) = fed(b, "x", pair[0], symbolic), fed(b, "yy", pair[1], symbolic)
    z = getattr(b, name)(x, y)
    of_x, of_y = gradients(z, [x, y])
    assert_plain_equals_reference(b, {x: p, y: q}, [z, of_x, of_y])


@given(SHAPES, st.sampled_from(REDUCTIONS), st.booleans(), st.booleans(), st.data())
def test_any_axes_reduce_and_spread_again(
    shape: tuple, name: str, keepdims: bool, symbolic: bool, data: Any
) -> None:
    b = Builder(Graph())
    x, p = fed(b, "x", shape, symbolic)
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True)) if shape else []
    y = getattr(b, name)(x, axis=tuple(axes), keepdims=keepdims)
    assert_plain_equals_reference(b, {x: p}, [y, gradients(y, [x])[0]])


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@given(shape=SHAPES.filter(lambda s: s and 0 not in s), data=st.data())
def test_positions_along_any_axis(name: str, shape: tuple, data: Any) -> None:
    b = Builder(Graph())
    x, p = fed(b, "x", shape, symbolic=data.draw(st.booleans()))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    assert_plain_equals_reference(b, {x: np.round(p)}, [getattr(b, name)(x, axis=axis)])


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((3, 100_003), 1), ((100_003, 3), 0), ((65, 130, 67), (0, 2)), ((300_007,), None)],
    ids=["long rows", "tall columns", "around the kept axis", "everything"],
)
def test_long_reductions_and_their_gradients_run_on_the_cpu(shape: tuple, axis: Any) -> None:
    b = Builder(Graph())
    x, p = fed(b, "x", shape, symbolic=True)
    reduced = [getattr(b, name)(x, axis=axis) for name in REDUCTIONS if name != "reduce_prod"]
    fetches = [*reduced, *(gradients(y, [x])[0] for y in reduced)]
    expected = evaluate(b.home, {x: p}, fetches)
    for value, wanted in zip(on_cpu(b.home, {x: p}, fetches, [], {}), expected, strict=True):
        assert_close(value, wanted, 20)
