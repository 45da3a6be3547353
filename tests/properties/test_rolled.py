"""Cells drawn at random, repeated by Python: rolled into loops they give what they gave, and so do
their gradients, whatever is read of which turn."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import graphc as tf
from tests.tolerances import assert_close

BATCH, WIDTH = 2, 3
PARTS = ("product", "gate", "mixed", "scaled", "summed", "squeezed", "rotated")


def cell(parts, x, h, c, t, weights):
    """A turn of two states; every part reads what the parts before left."""
    w, v, bias = weights
    for part in parts:
        if part == "product":
            h = tf.tanh(tf.matmul(h, w) + tf.matmul(x, v) + bias)
        elif part == "gate":
            z = tf.sigmoid(tf.matmul(tf.concat([x, h], 1), tf.concat([v, w], 0)))
            h, c = z * h + (1 - z) * c, c * 0.9 + h * z
        elif part == "mixed":
            h, c = h + c * 0.3, tf.sin(h)
        elif part == "scaled":
            h = h * (0.5 + 0.1 * t) + x
        elif part == "summed":
            h = h - tf.reduce_mean(h, 1, keepdims=True) + bias
        elif part == "squeezed":
            c = tf.reshape(
                tf.transpose(tf.reshape(c, [BATCH, WIDTH, 1]), [0, 2, 1]), [BATCH, WIDTH]
            )
        elif part == "rotated":
            h, c = c, h
    return h, c


def inputs(form, turns):
    """The slices that the turns read, and the placeholder they come from."""
    if form == "stack":
        x = tf.placeholder(tf.float32, [turns, BATCH, WIDTH])
        return x, [x[t] for t in range(turns)]
    if form == "unstack":
        x = tf.placeholder(tf.float32, [BATCH, turns, WIDTH])
        return x, tf.unstack(x, axis=1)[::-1]
    x = tf.placeholder(tf.float32, [BATCH, turns * WIDTH])
    return x, tf.split(x, turns, 1)


def read(kind, outputs, h, c):
    """What is made of the turns' outputs."""
    if kind == "last":
        return tf.reduce_sum(h * h) + tf.reduce_sum(c), [outputs[-1], outputs[1]]
    if kind == "all":
        return tf.reduce_sum(tf.stack(outputs, 1) ** 2), [tf.concat(outputs, 1)]
    if kind == "some":
        return tf.reduce_sum(outputs[2] * outputs[-2]) + tf.reduce_sum(c), [outputs[0]]
    total = 0.0
    for output in outputs:
        total = total + tf.reduce_mean(tf.square(output))
    return total, [tf.add_n(outputs)]


def results(parts, form, kind, turns):
    draw = np.random.default_rng(4)
    with tf.Graph().as_default(), tf.Session() as session:
        weights = [
            tf.Variable(draw.standard_normal(shape).astype("f") * 0.5)
            for shape in ((WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH,))
        ]
        x, slices = inputs(form, turns)
        h, c, outputs = tf.zeros([BATCH, WIDTH]), tf.zeros([BATCH, WIDTH]) + bool(turns % 2), []
        for t, row in enumerate(slices):
            h, c = cell(parts, row, h, c, t, weights)
            outputs.append(h)
        loss, others = read(kind, outputs, h, c)
        gradients = [
            tf.convert_to_tensor(g) for g in tf.gradients(loss, [x, *weights]) if g is not None
        ]
        session.run(tf.global_variables_initializer())
        value = draw.standard_normal(x.shape.as_list()).astype("f")
        return session.run([loss, *others, *gradients], {x: value})


@example(parts=["gate", "product", "product", "rotated"], form="stack", kind="last", turns=5)
@settings(max_examples=25, deadline=None)
@given(
    parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4),
    form=st.sampled_from(["stack", "unstack", "split"]),
    kind=st.sampled_from(["last", "all", "some", "sum"]),
    turns=st.sampled_from([4, 5, 9]),
)
def test_rolled_or_not(parts, form, kind, turns):
    found = []
    for skip in ("", "reroll"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRAPHC_CHECK", "1")
            patch.setenv("GRAPHC_SKIP", skip)
            found.append(results(parts, form, kind, turns))
    for one, other in zip(*found, strict=True):
        assert_close(one, other, slack=30)
