"""Products of a turn that share an operand are one, forwards and backwards."""

import numpy as np
import pytest

import graphc as tf
from graphc.passes.cut import cut
from graphc.passes.options import Options
from graphc.pipeline import run_pipeline
from tests.tolerances import assert_close

TURNS, BATCH, WIDTH = 6, 3, 5


def gates_apart(h, c, x, w, u, forms):
    i, j, f, o = (
        tf.matmul(x, a) + tf.matmul(h, b, transpose_b=form)
        for a, b, form in zip(w, u, forms, strict=True)
    )
    c = c * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
    return tf.tanh(c) * tf.sigmoid(o), c


def built(forms):
    draw = np.random.default_rng(2)

    def some(count):
        shape = [WIDTH, WIDTH]
        return [tf.Variable(draw.standard_normal(shape).astype("f") * 0.5) for _ in range(count)]

    x = tf.placeholder(tf.float32, [TURNS, BATCH, WIDTH])
    w, u = some(4), some(4)
    start = (tf.zeros([BATCH, WIDTH]), tf.zeros([BATCH, WIDTH]))
    states = tf.scan(lambda s, xt: gates_apart(*s, xt, w, u, forms), x, start)
    loss = tf.reduce_sum(states[0] ** 2)
    return x, [loss, *tf.gradients(loss, [x, *w, *u])]


def products(forms):
    """How many products each loop has in a turn."""
    with tf.Graph().as_default() as graph:
        x, wanted = built(forms)
        part, _ = cut(graph, [x], wanted, [], {})
        made = run_pipeline(part, Options())
    loops = [node.op.body.graph for node in made.nodes if node.op.name == "scan"]
    return [sum(n.op.name == "matmul" for n in body.nodes) for body in loops]


@pytest.mark.parametrize(
    ("forms", "counts"),
    [((False,) * 4, [1, 1]), ((True,) * 4, [1, 1]), ((True, False) * 2, [2, 2])],
)
def test_one_product_of_all_gates(forms, counts):
    assert products(forms) == counts
    found = []
    value = np.random.default_rng(1).standard_normal((TURNS, BATCH, WIDTH)).astype("f")
    for device in ("/cpu:0", "/reference:0"):
        with tf.Graph().as_default(), tf.Session(device=device) as session:
            x, wanted = built(forms)
            session.run(tf.global_variables_initializer())
            found.append(session.run(wanted, {x: value}))
    for one, other in zip(*found, strict=True):
        assert_close(one, other, slack=20)
