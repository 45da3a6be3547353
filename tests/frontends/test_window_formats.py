"""Windows of ``tf.nn`` give the same whether channels come first or last, with their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

RNG = np.random.default_rng(0)
SIZES = {1: (2, 9, 4), 2: (2, 7, 6, 4), 3: (1, 5, 4, 6, 4)}
LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}
WINDOWS = {1: (3,), 2: (3, 2), 3: (2, 3, 2)}
OWN = RNG.normal(size=(3, 2, 4, 2)).astype("f4")
MIXING = RNG.normal(size=(1, 1, 8, 3)).astype("f4")


def turned(t, rank):
    return tf.transpose(t, [0, rank + 1, *range(1, rank + 1)])


def convolution(rank, padding, **how):
    f = RNG.normal(size=(*WINDOWS[rank], 4, 3)).astype("f4")
    return lambda x, format: tf.nn.convolution(x, f, padding, data_format=format, **how)


def by_channel(x, format, padding, strides, mixed):
    steps = [1, 1, *strides] if format == "NCHW" else [1, *strides, 1]
    if not mixed:
        return tf.nn.depthwise_conv2d(x, OWN, steps, padding, data_format=format)
    return tf.nn.separable_conv2d(x, OWN, MIXING, steps, padding, data_format=format)


CASES = {
    **{
        f"convolution {rank} {padding} {how}": (rank, convolution(rank, padding, **how))
        for rank in (1, 2, 3)
        for padding in ("SAME", "VALID")
        for how in ({}, {"strides": 2}, {"dilation_rate": 2})
        if not (rank == 3 and padding == "VALID" and how == {"dilation_rate": 2})
    },
    **{
        f"pool {rank} {kind} {padding}": (
            rank,
            lambda x, format, r=rank, k=kind, p=padding: tf.nn.pool(
                x, [2] * r, k, p, strides=[2] * r, data_format=format
            ),
        )
        for rank in (1, 2, 3)
        for kind in ("MAX", "AVG")
        for padding in ("SAME", "VALID")
    },
    **{
        f"by channel {strides} mixed={mixed}": (
            2,
            lambda x, format, s=strides, m=mixed: by_channel(x, format, "SAME", s, m),
        )
        for strides in ((1, 1), (2, 2), (2, 1))
        for mixed in (False, True)
    },
    "pool, elements apart": (
        2,
        lambda x, format: tf.nn.pool(x, [2, 2], "MAX", "VALID", [2, 1], data_format=format),
    ),
}


@pytest.mark.parametrize("title", CASES)
def test_formats_agree(title, session):
    rank, function = CASES[title]
    x = tf.constant(RNG.normal(size=SIZES[rank]).astype("f4"))
    last = function(x, LAST[rank])
    first = function(turned(x, rank), FIRST[rank])
    back = tf.transpose(first, [0, *range(2, rank + 2), 1])
    assert back.shape.as_list() == last.shape.as_list()
    slopes = [tf.gradients(tf.reduce_sum(tf.square(y)), x)[0] for y in (last, first)]
    found = session().run([last, back, *slopes])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_transposed_ones_agree(rank, session):
    small = tf.constant(RNG.normal(size=(2, *[3] * rank, 3)).astype("f4"))
    f = RNG.normal(size=(*WINDOWS[rank], 4, 3)).astype("f4")
    function = (tf.nn.conv1d_transpose, tf.nn.conv2d_transpose, tf.nn.conv3d_transpose)[rank - 1]
    last = function(small, f, [2, *[6] * rank, 4], 2, "SAME", LAST[rank])
    first = function(turned(small, rank), f, [2, 4, *[6] * rank], 2, "SAME", FIRST[rank])
    back = tf.transpose(first, [0, *range(2, rank + 2), 1])
    slopes = [tf.gradients(tf.reduce_sum(tf.square(y)), small)[0] for y in (last, first)]
    found = session().run([last, back, *slopes])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[2], found[3], rtol=1e-4, atol=1e-4)
