"""Gradients of loops: of what only running them tells, of nothing, of what they leave alone."""

import numpy as np
import pytest

import graphc as tf

DEVICES = ("/cpu:0", "/reference:0")


@pytest.fixture(params=DEVICES)
def session(request):
    with tf.Graph().as_default(), tf.Session(device=request.param) as session:
        yield session


def test_a_gradient_that_reads_no_turn_knows_how_many_there_were(session):
    turns, start = tf.placeholder(tf.int32, []), tf.placeholder(tf.float64, [3])
    _, last = tf.while_loop(lambda k, h: k < turns, lambda k, h: (k + 1, h * 0.5), [0, start])
    slope = tf.gradients(last, start)[0]
    for count in (3, 0, 5):
        got = session.run(slope, {turns: count, start: np.ones(3)})
        np.testing.assert_allclose(got, np.full(3, 0.5**count))


def test_a_loop_inside_keeps_what_its_number_of_turns_depends_on(session):
    """The gradient's inner scan reads nothing of the inner loop but how often it turned."""
    rows = tf.placeholder(tf.float64, [3, 2])

    def row(total, x):
        _, h, _ = tf.while_loop(
            lambda k, h, y: tf.reduce_sum(y) < 4.0,
            lambda k, h, y: (k + 1, h * 0.5, y * 2.0),
            [0, total, tf.square(x)],
        )
        return h + tf.sin(x)

    last = tf.foldl(row, rows, tf.ones([2], tf.float64))
    slope = tf.gradients(last, rows)[0]
    value = np.array([[1.0, 1.0], [0.25, 0.5], [3.0, 0.1]])
    halved = [0.5 ** [1, 4, 0][k] for k in range(3)]  # 2, 0.3125 and 9.01 doubled up to 4
    scale = np.array([halved[1] * halved[2], halved[2], 1.0])[:, None]
    np.testing.assert_allclose(session.run(slope, {rows: value}), np.cos(value) * scale)


@pytest.mark.parametrize("most", [None, 2])
def test_gradients_of_loops_whose_variables_grow(session, most):
    """Both orders, of the start and of what the body reads; also where no turn is taken."""
    x, w = tf.placeholder(tf.float64, [2, 3]), tf.placeholder(tf.float64, [3])
    turns = tf.placeholder(tf.int32, [])

    def turn(k, rows, total):
        new = tf.sin(rows[-1:] * w) + tf.reduce_mean(rows, 0, keepdims=True)
        return k + 1, tf.concat([rows, new], 0), total + tf.reduce_sum(rows * w)

    _, rows, total = tf.while_loop(
        lambda k, *_: k < turns, turn, [0, x, tf.constant(0.0, tf.float64)],
        shape_invariants=[[], [None, 3], []], maximum_iterations=most,
    )  # fmt: skip
    loss = tf.reduce_sum(tf.square(rows)) + total
    slopes = tf.gradients(loss, [x, w])
    along, across = (
        [random.standard_normal(s) for s in ((2, 3), 3)]
        for random in map(np.random.default_rng, range(2))
    )
    dotted = sum(tf.reduce_sum(s * d) for s, d in zip(slopes, along, strict=True))
    curves = tf.gradients(dotted, [x, w])
    start = np.array([[0.3, -0.2, 0.8], [0.5, 0.1, -0.4]]), np.array([0.7, -0.3, 0.4])

    def at(by, of, count):
        moved = [v + by * d for v, d in zip(start, across, strict=True)]
        return session.run(of, {x: moved[0], w: moved[1], turns: count})

    for count in (3, 0):
        for of, found in ((loss, slopes), (dotted, curves)):
            exact = sum(np.sum(s * d) for s, d in zip(at(0, found, count), across, strict=True))
            expected = (at(1e-5, of, count) - at(-1e-5, of, count)) / 2e-5
            np.testing.assert_allclose(exact, expected, rtol=1e-6, atol=1e-7)


def test_rows_that_grow_within_a_turn_do_not_leave_the_loop(session):
    """Their sizes differ from turn to turn: nothing of them is stacked, kept or done before."""
    x, w = tf.placeholder(tf.float64, [4, 3]), tf.placeholder(tf.float64, [3])

    def turn(total, pair):
        row, most = pair
        (rows,) = tf.while_loop(
            lambda rows: tf.shape(rows)[0] < most,
            lambda rows: [tf.concat([rows, rows[-1:] * 0.5], 0)],
            [row[tf.newaxis]], [tf.TensorShape([None, 3])], return_same_structure=True,
        )  # fmt: skip
        return total * 0.5 + tf.reduce_sum(tf.sin(rows * w) + tf.zeros_like(rows) + w, 0)

    last = tf.foldl(turn, (x, tf.constant([2, 1, 4, 3])), tf.zeros([3], tf.float64))
    slopes = tf.gradients(last, [x, w])
    value = np.random.default_rng(0).standard_normal((4, 3))
    weights = np.array([0.5, -1.0, 2.0])

    def meaning(value, weights):
        total = np.zeros(3)
        for row, most in zip(value, [2, 1, 4, 3], strict=True):
            rows = row * 0.5 ** np.arange(most)[:, None]
            total = total * 0.5 + np.sum(np.sin(rows * weights) + weights, 0)
        return total

    got, of_x, of_w = session.run([last, *slopes], {x: value, w: weights})
    np.testing.assert_allclose(got, meaning(value, weights))
    step = 1e-6
    for k in range(3):
        way = np.eye(3)[k] * step
        there, back = meaning(value, weights + way), meaning(value, weights - way)
        np.testing.assert_allclose(of_w[k], np.sum(there - back) / (2 * step), rtol=1e-6)
    way = np.random.default_rng(1).standard_normal((4, 3)) * step
    there, back = meaning(value + way, weights), meaning(value - way, weights)
    np.testing.assert_allclose(np.sum(of_x * way), np.sum(there - back) / 2, rtol=1e-6)


def test_no_turn_gives_no_slope_and_passes_the_start_on(session):
    x, w = tf.placeholder(tf.float64, [None, 3]), tf.placeholder(tf.float64, [3])
    start = tf.placeholder(tf.float64, [3])
    turns = tf.placeholder(tf.int32, [])
    results = {
        "scan": tf.reduce_sum(tf.scan(lambda a, r: a * w + r, x, start)),
        "map": tf.reduce_sum(tf.map_fn(lambda r: r * w, x)) + tf.reduce_sum(start),
        "foldl": tf.reduce_sum(tf.foldl(lambda a, r: a * w + r, x, start)),
        "foldr": tf.reduce_sum(tf.foldr(lambda a, r: a * w + r, x, start)),
        "while": tf.reduce_sum(
            tf.while_loop(lambda k, a: k < turns, lambda k, a: (k + 1, a * w), [0, start])[1]
        ),
        "at most none": tf.reduce_sum(
            tf.while_loop(lambda a: True, lambda a: a * w, [start], maximum_iterations=turns)
        ),
    }
    fed = {x: np.zeros((0, 3)), w: np.ones(3), start: np.arange(3.0), turns: 0}
    for name, result in results.items():
        slopes = [g for g in tf.gradients(result, [w, start, x]) if g is not None]
        value, of_w, *rest = session.run([result, *slopes], fed)
        passed = 0.0 if name == "scan" else 3.0
        assert value == passed, name
        np.testing.assert_array_equal(of_w, np.zeros(3), err_msg=name)
        np.testing.assert_array_equal(rest[0], np.full(3, passed / 3), err_msg=name)
