"""Convolutions by register tiles: blocks, long lines, and those with fewer products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf
from graphc.compiler import compile_graph
from graphc.ir.builder import Builder
from graphc.ops.products.convolution import (
    Convolution,
    ConvolutionBackpropFilter,
    ConvolutionBackpropInput,
)


def made(x: np.ndarray, f: np.ndarray, ct: np.ndarray | None = None, **how: Any) -> list:
    """(the convolution, what it passes back to x and to f), run on the CPU; ``ct``: of ones."""
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tensors = [tf.placeholder(a.dtype, a.shape) for a in (x, f)]
        y = Builder(graph).convolution(*tensors, **how)
        given = np.ones([int(n) for n in y.shape], x.dtype) if ct is None else ct
        grads = tf.gradients(y, tensors, tf.constant(given))
        return sess.run([y, *grads], dict(zip(tensors, (x, f), strict=True)))


def wanted(x: np.ndarray, f: np.ndarray, ct: np.ndarray, **how: Any) -> list:
    """The same in NumPy."""
    return [
        Convolution(**how).reference(x, f),
        ConvolutionBackpropInput(size=x.shape[1:], **how).reference(f, ct),
        ConvolutionBackpropFilter(window=f.shape[:-1], **how).reference(x, ct),
    ]


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    axes = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, each = draw(st.sampled_from([1, 3, 16, 17, 40])), draw(st.sampled_from([1, 16, 35]))
    windows = [draw(st.sampled_from([1, 2, 3, 3, 5])) for _ in range(axes)]
    dilations = [draw(st.sampled_from([1, 1, 1, 2])) for _ in range(axes)]
    pads = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in range(axes)]
    reach = [(w - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)]
    most = {1: 40, 2: 17, 3: 5}[axes]
    sizes = [max(draw(st.integers(0, most)), r - sum(p)) for r, p in zip(reach, pads, strict=True)]
    return {
        "shapes": ((draw(st.integers(0, 3)), *sizes, groups * inputs),
                   (*windows, inputs, groups * each)),
        "dtype": draw(st.sampled_from(["float32", "float32", "float64"])),
        "how": {
            "strides": tuple(draw(st.sampled_from([1, 1, 2, 3])) for _ in range(axes)),
            "dilations": tuple(dilations),
            "padding": tuple(pads),
        },
    }  # fmt: skip


@given(drawn=convolutions())
@settings(max_examples=60, deadline=None)
def test_all_three_are_those_of_the_reference(drawn: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x, f = (rng.integers(-3, 4, shape).astype(drawn["dtype"]) for shape in drawn["shapes"])
    shape = Convolution(**drawn["how"]).reference(x, f).shape
    ct = rng.integers(-2, 3, shape).astype(x.dtype)
    found = made(x, f, ct, **drawn["how"])
    for own, reference in zip(found, wanted(x, f, ct, **drawn["how"]), strict=True):
        np.testing.assert_array_equal(own, reference)  # whole numbers: every order is exact


@pytest.mark.parametrize(
    ("size", "window", "stride"),
    [
        ((1, 3, 1500, 2), (3, 3, 2, 5), 1),
        ((1, 2, 1000, 70), (2, 3, 70, 4), 2),
        ((2, 5, 950, 16), (3, 3, 16, 16), 1),
        ((1, 7, 1001, 16), (5, 5, 16, 40), 1),
        ((2, 3000, 3), (7, 3, 4), 1),
        ((50, 4, 4, 16), (3, 3, 16, 33), 1),
        ((30, 5, 5, 17), (5, 5, 17, 16), 1),
        ((3, 40, 9, 100), (3, 3, 100, 16), 1),
    ],
)
def test_long_lines_and_many_small_pictures_are_cut_to_blocks(
    size: tuple, window: tuple, stride: int
) -> None:
    rng = np.random.default_rng(1)
    x, f = (rng.integers(-2, 3, shape).astype(np.float32) for shape in (size, window))
    how = {"strides": (stride,) * (len(size) - 2), "padding": "SAME"}
    ct = rng.integers(-1, 2, Convolution(**how).reference(x, f).shape).astype(np.float32)
    found = made(x, f, ct, **how)
    for own, reference in zip(found, wanted(x, f, ct, **how), strict=True):
        np.testing.assert_array_equal(own, reference)


def kernels(size: tuple, window: tuple, dtype: Any = tf.float32, stride: int = 1) -> set[str]:
    with tf.Graph().as_default() as graph:
        x, f = tf.placeholder(dtype, size), tf.placeholder(dtype, window)
        y = tf.nn.conv2d(x, f, stride, "SAME")
        program = compile_graph(graph, [x, f], [y, *tf.gradients(y, [x, f])])
        return {kernel.name for kernel in program.kernels}


def test_fewer_products_are_made_where_windows_and_channels_allow() -> None:
    few = {"convolve_winograd_3", "convolve_filter_winograd_3"}
    assert few <= kernels((4, 14, 14, 32), (3, 3, 32, 64))
    assert few <= kernels((None, None, None, 32), (3, 3, 32, 64))
    assert {"convolve_winograd_5"} <= kernels((4, 14, 14, 32), (5, 5, 32, 64))
    for other in (
        kernels((4, 14, 14, 32), (3, 3, 32, 64), tf.float64),
        kernels((4, 14, 14, 32), (3, 3, 32, 64), stride=2),
        kernels((4, 14, 14, 3), (3, 3, 3, 64)),
        kernels((1, 7, 7, 512), (3, 3, 512, 512)),  # transforming the filter would be most
    ):
        assert not any("winograd" in name for name in other)


def relative(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


@pytest.mark.parametrize("window", [3, 5])
def test_fewer_products_err_no_more_than_twice_as_much(window: int) -> None:
    rng = np.random.default_rng(2)
    x, ct = (rng.standard_normal((4, 14, 14, 32)).astype(np.float32) for _ in range(2))
    f = rng.standard_normal((window, window, 32, 32)).astype(np.float32)
    how = {"padding": "SAME"}
    found = made(x, f, ct, **how)
    true = wanted(*(a.astype(np.float64) for a in (x, f, ct)), **how)
    direct = wanted(x, f, ct, **how)
    for own, exact, other in zip(found, true, direct, strict=True):
        assert relative(own, exact) <= 2 * relative(other, exact)
        assert relative(own, exact) < 1e-6


@pytest.mark.parametrize("window", [3, 5])
def test_what_is_not_finite_reaches_what_sees_it_and_no_more(window: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 21, 20, 16)).astype(np.float32)
    f = rng.standard_normal((window, window, 16, 16)).astype(np.float32)
    x[0, 7, 8, 3], x[1, 20, 19, 0], x[1, 0, 0, 0] = np.nan, np.inf, 3e38
    found = made(x, f, padding="SAME")
    with np.errstate(all="ignore"):
        true = wanted(x, f, np.ones(x.shape, np.float32), padding="SAME")
    for own, reference in zip(found, true, strict=True):
        np.testing.assert_array_equal(np.isfinite(own), np.isfinite(reference))
        np.testing.assert_array_equal(np.isnan(own), np.isnan(reference))
