"""Loops as compiled give what the reference gives, and what the same turns written out give.

Cells are drawn at random from parts that recurrent networks are made of, so that what leaves the
loop, what is kept for the gradient and what is summed afterwards differ from one to the next.
"""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphc as tf

TURNS, BATCH, WIDTH = 5, 3, 4
NAMES = ("gated", "plain", "joined", "lasting", "branched", "masked", "normalised", "counted")


def cells(w, v, bias):
    """The parts: each takes (state, x, number of the turn) and gives a new state."""

    def gated(h, x, t):
        z, c = tf.split(tf.matmul(tf.concat([x, h], 1), w) + bias, 2, 1)
        return tf.sigmoid(z) * h + (1 - tf.sigmoid(z)) * tf.tanh(c)

    def plain(h, x, t):
        return tf.tanh(tf.matmul(x, v) + tf.matmul(h, v) * 0.5)

    def joined(h, x, t):
        both = tf.concat([h, x], 1)
        return tf.nn.relu(tf.matmul(both, tf.square(w))[:, :WIDTH]) * 0.3 + h

    def lasting(h, x, t):
        return h + tf.exp(tf.reduce_mean(v)) * tf.sin(x)

    def branched(h, x, t):
        return tf.cond(
            tf.reduce_sum(h[:, 0]) > 0.1, lambda: h * 0.5 + x, lambda: tf.matmul(h, v) - x
        )

    def masked(h, x, t):
        return tf.where(tf.reduce_sum(x, 1) > 0, tf.sin(h + x), h)

    def normalised(h, x, t):
        s = h + x
        return (s - tf.reduce_mean(s, 1, keepdims=True)) / (
            1 + tf.reduce_max(tf.abs(s), 1, keepdims=True)
        )

    def counted(h, x, t):
        return h * tf.cast(t + 1, tf.float32) * 0.3 + x

    return {name: part for name, part in locals().items() if name in NAMES}


def built(parts, reverse, form):
    """Loss and gradients of the cells one after another, as a scan, a while or written out."""
    x = tf.placeholder(tf.float32, [TURNS, None, WIDTH], name="x")
    w = tf.Variable(RANDOM.standard_normal((2 * WIDTH, 2 * WIDTH)).astype("f") * 0.4)
    v = tf.Variable(RANDOM.standard_normal((WIDTH, WIDTH)).astype("f") * 0.4)
    bias = tf.Variable(RANDOM.standard_normal(2 * WIDTH).astype("f") * 0.4)
    known = cells(w, v, bias)

    def turn(h, x, t):
        for name in parts:
            h = known[name](h, x, t)
        return h

    start = tf.zeros_like(x[0]) + 0.1
    order = range(TURNS - 1, -1, -1) if reverse else range(TURNS)
    if form == "scan":
        numbers = tf.range(TURNS)
        states = tf.scan(lambda h, xt: turn(h, *xt), (x, numbers), start, reverse=reverse)
        last = states[0] if reverse else states[-1]
        total = tf.reduce_sum(states * states)
    elif form == "while":

        def body(k, h, total):
            t = TURNS - 1 - k if reverse else k
            h = turn(h, tf.gather(x, t), t)
            return k + 1, h, total + tf.reduce_sum(h * h)

        _, last, total = tf.while_loop(lambda k, *_: k < TURNS, body, (0, start, 0.0))
    else:
        last, total = start, 0.0
        for t in order:
            last = turn(last, x[t], t)
            total = total + tf.reduce_sum(last * last)
    loss = total + tf.reduce_sum(tf.sin(last))
    found = tf.gradients(loss, [x, w, v, bias])
    return x, [loss, last, *(g for g in found if g is not None)]


RANDOM = np.random.default_rng(0)


def results(parts, reverse, form, value, device="/cpu:0"):
    global RANDOM
    RANDOM = np.random.default_rng(7)
    with tf.Graph().as_default(), tf.Session(device=device) as session:
        x, wanted = built(parts, reverse, form)
        session.run(tf.global_variables_initializer())
        return session.run(wanted, {x: value})


@pytest.mark.parametrize("form", ["scan", "while"])
@settings(max_examples=12, deadline=None)
@given(
    parts=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    reverse=st.booleans(),
    batch=st.sampled_from([1, BATCH]),
)
@example(parts=["gated", "gated", "normalised"], reverse=True, batch=BATCH)
def test_a_loop_gives_what_its_turns_written_out_give(form, parts, reverse, batch):
    value = np.random.default_rng(3).standard_normal((TURNS, batch, WIDTH)).astype("f")
    expected = results(parts, reverse, "unrolled", value)
    for device in ("/cpu:0", "/reference:0"):
        got = results(parts, reverse, form, value, device)
        assert len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4)
