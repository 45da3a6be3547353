"""Windows along the channels give what the reference gives: sizes, strides, gaps, ties and NaN."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import graphc as tf


def results(build: Any, arrays: list[np.ndarray], device: str) -> list[np.ndarray]:
    with tf.Graph().as_default():
        fed = [tf.placeholder(tf.float32, [None, *a.shape[1:]]) for a in arrays]
        with tf.Session(device=device) as session:
            return session.run(build(*fed), dict(zip(fed, arrays, strict=True)))


def agree(build: Any, arrays: list[np.ndarray]) -> None:
    found, wanted = (results(build, arrays, d) for d in ("/cpu:0", "/reference:0"))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(0, 2), st.integers(4, 9), st.integers(4, 21)),
    channels=st.sampled_from([1, 3, 16, 37]),
    window=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    stride=st.integers(1, 2),
    rate=st.integers(1, 2),
    each=st.sampled_from([1, 2, 3, 4]),
    padding=st.sampled_from(["SAME", "VALID"]),
)
def test_a_convolution_of_each_channel_and_its_gradients(
    sizes: tuple[int, ...], channels: int, window: tuple[int, int], stride: int, rate: int,
    each: int, padding: str,
) -> None:  # fmt: skip
    stride = 1 if rate > 1 else stride
    if padding == "VALID" and any(
        (w - 1) * rate >= n for w, n in zip(window, sizes[1:], strict=False)
    ):
        padding = "SAME"
    draw = np.random.default_rng(sum(sizes) + channels)
    x = draw.standard_normal((*sizes, channels)).astype(np.float32)
    f = draw.standard_normal((*window, channels, each)).astype(np.float32)

    def build(fed: Any) -> list:
        filter = tf.constant(f)
        y = tf.nn.depthwise_conv2d(fed, filter, [1, stride, stride, 1], padding, [rate, rate])
        return [y, *tf.gradients(tf.sin(y), [fed, filter])]

    agree(build, [x])


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(0, 2), st.integers(3, 8), st.integers(3, 21)),
    channels=st.sampled_from([1, 16, 21]),
    window=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.sampled_from(["SAME", "VALID"]),
    odd=st.sampled_from([0.0, np.nan, -np.inf]),
)
def test_pools_with_ties_and_their_gradients(
    sizes: tuple[int, ...], channels: int, window: tuple[int, int], stride: tuple[int, int],
    padding: str, odd: float,
) -> None:  # fmt: skip
    draw = np.random.default_rng(sum(sizes) + channels)
    x = draw.integers(-2, 3, (*sizes, channels)).astype(np.float32)
    x[draw.random(x.shape) < 0.1] = odd
    how = ([1, *window, 1], [1, *stride, 1], padding)

    def build(fed: Any) -> list:
        largest, mean = tf.nn.max_pool(fed, *how), tf.nn.avg_pool(fed, *how)
        weights = tf.cumsum(tf.ones_like(largest), axis=2)
        return [largest, mean, *tf.gradients(largest * weights, fed)]

    agree(build, [x])
