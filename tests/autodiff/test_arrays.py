"""Gradients through arrays that loops read and write, first and second order, against finite
differences; and equal to the reference."""

import numpy as np
import pytest

import graphc as tf

STEP = 1e-5


def array(size, **given):
    return tf.TensorArray(tf.float64, size=size, **given)


def zeros():
    return tf.zeros([2, 3], tf.float64)


def forwards(x, w):
    rows, out = array(5).unstack(x), array(5)

    def turn(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + rows.read(i))
        return i + 1, h, out.write(i, h)

    return tf.while_loop(lambda i, *_: i < 5, turn, [0, zeros(), out])[2].stack()


def from_the_end(x, w):
    rows, out = array(5).unstack(x), array(5)

    def turn(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + rows.read(4 - i))
        return i + 1, h, out.write(4 - i, h)

    return tf.while_loop(lambda i, *_: i < 5, turn, [0, zeros(), out])[2].stack()


def counting_down(x, w):
    rows, out = array(5).unstack(x), array(5)

    def turn(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + rows.read(i))
        return i - 1, h, out.write(i, h)

    return tf.while_loop(lambda i, *_: i >= 0, turn, [4, zeros(), out])[2].stack()


def some_rows(x, w):
    rows, out = array(5).unstack(x), array(7)

    def turn(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + rows.read(i))
        return i + 1, h, out.write(i + 2, h)

    return tf.while_loop(lambda i, *_: i < 4, turn, [1, zeros(), out])[2].stack()


def fed_back(x, w):
    held = array(6, clear_after_read=False).write(0, x[0])

    def turn(i, held):
        row = tf.tanh(tf.matmul(held.read(i - 1), w)) + held.read(0) * 0.1
        return i + 1, held.write(i, row)

    return tf.while_loop(lambda i, _: i < 6, turn, [1, held])[1].stack()


def until_large(x, w):
    def turn(i, h, out):
        h = tf.matmul(h, w) * 1.3
        return i + 1, h, out.write(i, h)

    def goes_on(i, h, out):
        return tf.logical_and(i < 20, tf.reduce_sum(h * h) < 1e3)

    return tf.while_loop(goes_on, turn, [0, x[0], array(20)])[2].stack() * 0.1


def growing(x, w):
    def turn(i, h, out):
        h = tf.matmul(h, w) * 1.3
        return i + 1, h, out.write(i, h)

    def goes_on(i, h, out):
        return tf.logical_and(i < 20, tf.reduce_sum(h * h) < 1e3)

    out = tf.while_loop(goes_on, turn, [0, x[0], array(0, dynamic_size=True)])[2]
    return tf.reduce_sum(tf.tanh(out.stack() * 0.01), [0])


def in_a_branch(x, w):
    def turn(i, k, out):
        keep = tf.equal(i % 2, 0)
        out = tf.cond(keep, lambda: out.write(k, tf.matmul(x[i], w)), lambda: out)
        return i + 1, k + tf.cast(keep, tf.int32), out

    return tf.while_loop(lambda i, *_: i < 5, turn, [0, 0, array(5)])[2].stack()


def gathered(x, w):
    rows = array(5, clear_after_read=False).unstack(x)

    def turn(i, total):
        pair = rows.gather(tf.stack([i, 4 - i]))
        row = tf.matmul(pair[0], w) + pair[1] * rows.read(2)
        return i + 1, total + row

    return tf.while_loop(lambda i, _: i < 5, turn, [0, zeros()])[1]


def inside_another(x, w):
    def turn(i, h, out):
        def inner(j, g, rows):
            g = tf.tanh(tf.matmul(g, w) + x[i + j])
            return j + 1, g, rows.write(j, g)

        _, h, rows = tf.while_loop(lambda j, *_: j < 2, inner, [0, h, array(2)])
        return i + 1, h, out.write(i, tf.reduce_sum(rows.stack(), 0))

    return tf.while_loop(lambda i, *_: i < 3, turn, [0, zeros(), array(3)])[2].stack()


def around_a_search(x, w):
    def turn(i, h, out):
        _, g = tf.while_loop(
            lambda j, g: tf.reduce_sum(g * g) < 50.0,
            lambda j, g: (j + 1, g * 1.2 + tf.matmul(g, w) * 0.1),
            [0, h + x[i]],
        )
        return i + 1, tf.tanh(g), out.write(i, g)

    return tf.while_loop(lambda i, *_: i < 3, turn, [0, zeros(), array(3)])[2].stack()


def split_and_joined(x, w):
    pieces = array(5).split(tf.reshape(x, [10, 3]), [2] * 5)
    return tf.matmul(pieces.concat(), w)


def scattered(x, w):
    held = array(6).scatter([4, 0, 2, 1, 3], x)
    return tf.matmul(held.write(5, x[0] * x[1]).stack()[5], w)


FORMS = [
    forwards, from_the_end, counting_down, some_rows, fed_back, until_large, growing, in_a_branch,
    gathered, inside_another, around_a_search, split_and_joined, scattered,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_gradients_are_slopes_twice(form):
    draw = np.random.default_rng(5)
    values = [draw.standard_normal(shape) for shape in ((5, 2, 3), (3, 3))]
    ways = [draw.standard_normal(shape) for shape in ((5, 2, 3), (3, 3))]
    with tf.Graph().as_default():
        xs = [tf.placeholder(tf.float64, v.shape) for v in values]
        vs = [tf.placeholder(tf.float64, v.shape) for v in values]
        y = form(*xs)
        loss = tf.reduce_sum(tf.sin(y))
        slopes = tf.gradients(loss, xs)
        along = tf.add_n([tf.reduce_sum(g * v) for g, v in zip(slopes, vs, strict=True)])
        second = [g for g in tf.gradients(along, xs) if g is not None]
        held = [v for g, v in zip(tf.gradients(along, xs), ways, strict=True) if g is not None]

        def fed(t):
            moved = [x + t * v for x, v in zip(values, ways, strict=True)]
            return dict(zip([*xs, *vs], [*moved, *ways], strict=True))

        with tf.Session() as session:
            low, high = (session.run([loss, along], fed(t)) for t in (-STEP, STEP))
            got, curved, *rows = session.run([along, second, y, *slopes], fed(0.0))
        np.testing.assert_allclose(got, (high[0] - low[0]) / (2 * STEP), rtol=1e-5, atol=1e-6)
        if second:
            bent = sum((a * b).sum() for a, b in zip(curved, held, strict=True))
            np.testing.assert_allclose(bent, (high[1] - low[1]) / (2 * STEP), rtol=1e-4, atol=1e-5)
        with tf.Session(device="/reference:0") as session:
            for a, b in zip(session.run([y, *slopes], fed(0.0)), rows, strict=True):
                np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("size", [None, 5])
def test_a_recurrence_of_arrays_is_the_scan_it_would_be_without(size):
    draw = np.random.default_rng(2)
    value = draw.standard_normal((5, 2, 3)).astype("f")
    x = tf.placeholder(tf.float32, [size, 2, 3])
    w = tf.Variable(draw.standard_normal((3, 3)).astype("f"))
    count = tf.shape(x)[0]
    rows = tf.TensorArray(tf.float32, size=count).unstack(x)
    out = tf.TensorArray(tf.float32, size=count)

    def turn(i, h, out):
        h = tf.tanh(tf.matmul(h, w) + rows.read(i))
        return i + 1, h, out.write(i, h)

    by_rows = tf.while_loop(lambda i, *_: i < count, turn, [0, tf.zeros([2, 3]), out])[2].stack()
    by_scan = tf.scan(lambda h, x: tf.tanh(tf.matmul(h, w) + x), x, tf.zeros([2, 3]))
    found = []
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for y in (by_rows, by_scan):
            fetches = [y, *tf.gradients(tf.reduce_sum(y * y), [x, w])]
            found.append(session.run(fetches, {x: value}))
            said = session.inspect(fetches, {x: value})
            names = [kernel.name for kernel in said.kernels]
            assert not any(n.startswith(("put_rows", "fill_rows", "gather")) for n in names), names
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
