"""Random numbers in branches and loops: new ones every turn and every run, the same for whoever
goes back through the turns, the same again for the same seeds."""

import numpy as np
import pytest

import graphc as tf

DEVICES = ("/cpu:0", "/reference:0")
X = np.arange(1.0, 13.0).reshape(4, 3)


@pytest.fixture(params=DEVICES)
def device(request):
    with tf.Graph().as_default():
        yield request.param


def test_every_turn_and_every_run_draws_anew(device):
    drawn = tf.scan(lambda a, _: tf.random_uniform([2]), tf.zeros([5]), tf.zeros([2]))
    with tf.Session(device=device) as session:
        one, two = session.run(drawn), session.run(drawn)
    assert len({*one.ravel(), *two.ravel()}) == 20


def test_seeds_give_the_same_numbers_again_on_every_device():
    found = []
    for device in DEVICES:
        for _ in range(2):
            with tf.Graph().as_default(), tf.Session(device=device) as session:
                tf.set_random_seed(3)

                def turn(k, total):
                    inner = tf.map_fn(lambda t: t * tf.random_normal([], seed=2), tf.ones([3]))
                    return k + 1, total + inner + tf.random_uniform([3])

                total = tf.while_loop(lambda k, t: k < 4, turn, [0, tf.zeros([3])])[1]
                found.append([session.run(total), session.run(total)])
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=1e-6)
    assert not np.allclose(found[0][0], found[0][1])


@pytest.mark.parametrize("kind", ["scan", "while", "map", "branch"])
def test_a_gradient_sees_the_numbers_that_were_drawn(device, kind):
    """Dropout keeps the same elements on the way back; so does the gradient of the gradient."""
    x = tf.placeholder(tf.float64, [4, 3])
    drop = lambda t: tf.nn.dropout(t, keep_prob=0.5)  # noqa: E731
    if kind == "scan":
        y = tf.scan(lambda a, row: drop(row), x, tf.zeros([3], tf.float64))
    elif kind == "map":
        y = tf.map_fn(drop, x)
    elif kind == "branch":
        y = tf.cond(tf.reduce_sum(x) > 0, lambda: drop(x), lambda: x)
    else:
        turns = tf.placeholder_with_default(4, [])
        y = tf.while_loop(
            lambda k, t: k < turns,
            lambda k, t: (
                k + 1,
                t + drop(x[k])[None] * tf.one_hot(k, 4, dtype=tf.float64)[:, None],
            ),
            [0, tf.zeros([4, 3], tf.float64)],
        )[1]
    slope = tf.gradients(tf.reduce_sum(y * y), x)[0]
    curve = tf.gradients(tf.reduce_sum(slope * slope), x)[0]
    with tf.Session(device=device) as session:
        value, found, twice = session.run([y, slope, curve], {x: X})
    kept = value != 0
    assert 0 < kept.sum() < 12
    np.testing.assert_allclose(value[kept], 2 * X[kept])
    np.testing.assert_allclose(found, np.where(kept, 8 * X, 0))
    np.testing.assert_allclose(twice, np.where(kept, 128 * X, 0))
