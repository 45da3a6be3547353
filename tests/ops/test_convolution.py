"""Convolutions: every way to say one against loops, what they become, and what they refuse."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf
from graphc.compiler import compile_graph
from graphc.ir import dims
from graphc.ir.builder import Builder
from graphc.lowering.program import Place, Program


def placed(size: int, window: int, stride: int, rate: int, padding: str) -> tuple[int, int]:
    """(places of a window, zeros before it), by the definition in words."""
    reach = (window - 1) * rate + 1
    if padding == "VALID":
        return len(range(0, size - reach + 1, stride)), 0
    count = len(range(0, size, stride))
    return count, max((count - 1) * stride + reach - size, 0) // 2


def by_loops(
    x: np.ndarray, f: np.ndarray, strides: Sequence[int], rates: Sequence[int], padding: str
) -> np.ndarray:
    """A convolution one place, one element of the window at a time."""
    axes = f.ndim - 2
    rows = zip(x.shape[1:-1], f.shape[:-2], strides, rates, strict=True)
    counts, before = zip(*(placed(*row, padding) for row in rows), strict=True)
    groups = x.shape[-1] // f.shape[-2]
    each = f.shape[-1] // groups
    y = np.zeros((x.shape[0], *counts, f.shape[-1]))
    for at in itertools.product(*map(range, counts)):
        for tap in itertools.product(*map(range, f.shape[:-2])):
            where = [at[k] * strides[k] + tap[k] * rates[k] - before[k] for k in range(axes)]
            if not all(0 <= w < s for w, s in zip(where, x.shape[1:-1], strict=True)):
                continue
            parts = np.split(x[(slice(None), *where)], groups, axis=-1)
            for g, part in enumerate(parts):
                own = slice(g * each, (g + 1) * each)
                y[(slice(None), *at, own)] += part @ f[tap][:, own]
    return y


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    axes = draw(st.integers(1, 3))
    sizes = st.integers(1, {1: 20, 2: 9, 3: 5}[axes])
    windows = [draw(st.integers(1, 4)) for _ in range(axes)]
    rates = [draw(st.integers(1, 3)) for _ in range(axes)]
    padding = draw(st.sampled_from(["SAME", "VALID"]))
    reach = [(w - 1) * r + 1 for w, r in zip(windows, rates, strict=True)]
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    inputs, each = draw(st.integers(1, 5)), draw(st.sampled_from([1, 2, 5, 33]))
    return {
        "x": (
            draw(st.integers(0, 3)),
            *(draw(sizes) + (r - 1 if padding == "VALID" else 0) for r in reach),
            groups * inputs,
        ),
        "f": (*windows, inputs, groups * each),
        "strides": [draw(st.integers(1, 3)) for _ in range(axes)],
        "rates": rates,
        "padding": padding,
    }


@given(drawn=convolutions())
@settings(max_examples=60, deadline=None)
def test_values_and_both_gradients_are_those_of_the_definition(drawn: dict[str, Any]) -> None:
    rng = np.random.default_rng(0)
    x, f = (rng.integers(-3, 4, drawn[k]).astype(np.float32) for k in "xf")
    how = {k: drawn[k] for k in ("strides", "rates", "padding")}
    y = by_loops(x, f, **how)
    ct = rng.integers(-2, 3, y.shape).astype(np.float32)
    with tf.Graph().as_default() as graph, tf.Session() as sess:
        tensors = [tf.placeholder(tf.float32, a.shape) for a in (x, f, ct)]
        made = Builder(graph).convolution(
            *tensors[:2], strides=how["strides"], dilations=how["rates"], padding=how["padding"]
        )
        grads = tf.gradients(made, tensors[:2], tensors[2])
        found, dx, df = sess.run([made, *grads], dict(zip(tensors, (x, f, ct), strict=True)))
    np.testing.assert_array_equal(found, y)  # whole numbers: every order of adding is exact
    # <ct, conv(u, f)> = <u, dx> for every u, and likewise for filters
    for k, slope in ((0, dx), (1, df)):
        for _ in range(2):
            operands = [x, f]
            operands[k] = rng.integers(-2, 3, operands[k].shape).astype(np.float32)
            assert (by_loops(*operands, **how) * ct).sum() == (operands[k] * slope).sum()


def compiled(*shapes: tuple, **how: Any) -> Program:
    with tf.Graph().as_default() as graph:
        x, f = (tf.placeholder(tf.float32, s) for s in shapes)
        y = tf.nn.conv2d(x, f, **{"strides": 1, "padding": "SAME", **how})
        return compile_graph(graph, [x, f], [y, *tf.gradients(y, [x, f])])


def test_windows_of_one_element_are_products_of_matrices() -> None:
    program = compiled((4, 7, 7, 16), (1, 1, 16, 32))
    assert {k.name for k in program.kernels if "mul" in k.name} == {"matmul"}
    assert not any(k.name.startswith("convolve") for k in program.kernels)


def test_a_new_size_or_window_needs_no_new_kernel() -> None:
    keys = [
        {k.key for k in program.kernels if k.name.startswith("convolve")}
        for program in (
            compiled((4, 7, 7, 16), (3, 3, 16, 32)),
            compiled((None, None, None, 5), (5, 2, 5, 7), strides=1, dilations=2),
            compiled((2, 28, 28, 1), (5, 5, 1, 32)),
        )
    ]
    assert keys[0] == keys[1] == keys[2] != set()


def test_no_buffer_holds_what_all_windows_see() -> None:
    sizes = 8, 28, 28, 32
    program = compiled(sizes, (5, 5, 32, 64))
    spaces = [b for b in program.buffers if b.place is Place.ARENA and b.label == "workspace"]
    assert spaces
    for space in spaces:
        elements = dims.product(space.shape)
        assert isinstance(elements, int)
        assert elements * 4 <= 1 << 20  # the whole would be 20 MB


def test_channels_first_is_channels_last_rearranged() -> None:
    rng = np.random.default_rng(1)
    x, f = rng.normal(size=(2, 6, 5, 4)), rng.normal(size=(3, 2, 4, 3))
    with tf.Graph().as_default(), tf.Session() as sess:
        last = tf.nn.conv2d(x, f, [1, 2, 1, 1], "SAME")
        first = tf.nn.conv2d(
            x.transpose(0, 3, 1, 2), f, [1, 1, 2, 1], "SAME", data_format="NCHW"
        )  # fmt: skip
        wide = tf.nn.conv2d_transpose(
            first, f, [2, 4, 6, 5], [1, 1, 2, 1], "SAME", data_format="NCHW"
        )
        narrow = tf.nn.conv2d_transpose(last, f, [2, 6, 5, 4], [1, 2, 1, 1], "SAME")
        found = sess.run([last, tf.transpose(first, [0, 2, 3, 1]), narrow,
                          tf.transpose(wide, [0, 2, 3, 1])])  # fmt: skip
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[2], found[3])


def test_a_sum_in_parts_does_not_depend_on_threads() -> None:
    rng = np.random.default_rng(2)
    x, ct = rng.normal(size=(16, 20, 20, 3)), rng.normal(size=(16, 20, 20, 8))
    found = []
    for threads in (1, 2):
        with tf.Graph().as_default():
            slope = tf.nn.conv2d_backprop_filter(
                tf.constant(x, tf.float32), [5, 5, 3, 8], tf.constant(ct, tf.float32), 1, "SAME"
            )
            config = tf.ConfigProto(intra_op_parallelism_threads=threads)
            with tf.Session(config=config) as sess:
                found.append(sess.run(slope))
    np.testing.assert_array_equal(*found)


def test_depthwise_is_each_channel_with_its_own_filters() -> None:
    rng = np.random.default_rng(3)
    x, f = rng.normal(size=(2, 6, 5, 3)), rng.normal(size=(3, 2, 3, 2))
    with tf.Graph().as_default(), tf.Session() as sess:
        found = sess.run(tf.nn.depthwise_conv2d(x, f, [1, 1, 1, 1], "SAME"))
        for c in range(3):
            alone = tf.nn.conv2d(x[..., c : c + 1], f[:, :, c : c + 1], 1, "SAME")
            np.testing.assert_allclose(found[..., 2 * c : 2 * c + 2], sess.run(alone), atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "how", "said"),
    [
        (((1, 5, 5, 3), (3, 3, 2, 4)), {}, "the filter takes 2 channels, there are 3"),
        (((1, 5, 5, 4), (3, 3, 2, 3)), {}, "3 outputs cannot be in 2 groups"),
        (((1, 2, 5, 2), (3, 3, 2, 3)), {"padding": "VALID"}, "a window of 3 does not fit into 2"),
        (((5, 5, 2), (3, 3, 2, 3)), {}, "input must be of rank 4, its rank is 3"),
        (((1, 5, 5, 2), (3, 3, 2, 3)), {"strides": 0}, "strides must be at least 1"),
        (((1, 5, 5, 2), (3, 3, 2, 3)), {"strides": [2, 1, 1, 1]}, "along the batch and the chann"),
        (((1, 5, 5, 2), (3, 3, 2, 3)), {"padding": "FULL"}, "padding must be SAME, VALID or a"),
        (((1, 5, 5, 2), (3, 3, 2, 3)), {"data_format": "NCWH"}, "data_format must be NHWC or NCHW"),
    ],
)
def test_what_cannot_be_is_refused_at_the_users_line(
    shapes: tuple, how: dict[str, Any], said: str
) -> None:
    x, f = (tf.placeholder(tf.float32, s) for s in shapes)
    with pytest.raises(ValueError, match=said) as error:
        tf.nn.conv2d(x, f, **{"strides": 1, "padding": "SAME", **how})
    assert "test_convolution.py" in str(error.value)


def test_a_size_fed_too_small_for_the_window_gives_an_empty_result() -> None:
    x = tf.placeholder(tf.float32, [None, None, None, 2])
    y = tf.nn.conv2d(x, np.ones((3, 3, 2, 4), np.float32), 1, "VALID")
    with tf.Session() as sess:
        assert sess.run(y, {x: np.ones((2, 2, 5, 2))}).shape == (2, 0, 3, 4)


def test_channels_that_are_known_when_fed_must_be_those_of_the_filter() -> None:
    x = tf.placeholder(tf.float32, [None, None, None, None])
    y = tf.nn.conv2d(x, np.ones((3, 3, 2, 4), np.float32), 1, "SAME")
    with tf.Session() as sess:
        assert sess.run(y, {x: np.ones((2, 4, 5, 2))}).shape == (2, 4, 5, 4)
        with pytest.raises(ValueError, match="channels"):
            sess.run(y, {x: np.ones((2, 4, 5, 3))})


def test_tensors_of_unknown_rank_are_convolved_once_they_are_fed() -> None:
    x, f = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = tf.nn.conv2d(x, f, [1, 2, 2, 1], "SAME")
    with tf.Session() as sess:
        found = sess.run(y, {x: np.ones((1, 4, 4, 1)), f: np.ones((2, 2, 1, 3))})
    np.testing.assert_array_equal(found, np.full((1, 2, 2, 3), 4.0))


def test_names_are_those_of_tf1() -> None:
    with tf.Graph().as_default():
        x, f = tf.zeros([1, 4, 4, 2]), tf.zeros([3, 3, 2, 2])
        assert tf.nn.conv2d(x, f, 1, "SAME").op.name == "Conv2D"
        assert tf.nn.conv2d(x, f, 1, "SAME", name="edges").op.name == "edges"
        assert tf.nn.conv1d(x[0], f[0], 1, "SAME").op.name == "conv1d/Squeeze"
        first = tf.zeros([1, 2, 4, 4])
        turned = tf.nn.conv2d(first, f, 1, "SAME", data_format="NCHW", name="turned")
        assert turned.op.name == "turned"
