"""Gradients of rows: what tf.gradients gives for look-ups, and what optimizers do with it."""

import numpy as np
import pytest

import graphc as tf

TABLE = np.arange(12, dtype=np.float32).reshape(4, 3)


def looked_up(*ids):
    table = tf.Variable(TABLE, name="table")
    return table, tf.add_n([tf.reduce_sum(tf.gather(table, i) ** 2) for i in ids])


def test_the_gradient_of_a_look_up_is_of_its_rows(session):
    table, loss = looked_up([1, 3, 1])
    (grad,) = tf.gradients(loss, table)
    assert isinstance(grad, tf.IndexedSlices)
    assert grad.shape.as_list() == [4, 3]
    assert not any(n.op.name == "unsorted_segment_sum" for n in tf.get_default_graph().nodes)
    sess = session()
    sess.run(table.initializer)
    value = sess.run(grad)
    assert isinstance(value, tf.IndexedSlicesValue)
    np.testing.assert_array_equal(value.indices, [1, 3, 1])
    np.testing.assert_array_equal(value.values, 2 * TABLE[[1, 3, 1]])
    np.testing.assert_array_equal(value.dense_shape, [4, 3])
    dense = sess.run(tf.convert_to_tensor(grad))
    np.testing.assert_array_equal(dense, 2 * TABLE * np.array([[0], [2], [0], [1]]))


def test_several_look_ups_are_concatenated_and_dense_ones_added(session):
    table, loss = looked_up([1, 3], [[2], [1]])
    (rows,) = tf.gradients(loss, table)
    (mixed,) = tf.gradients(loss + tf.reduce_sum(table), table)
    assert rows.indices.shape.as_list() == [4]
    assert isinstance(mixed, tf.Tensor)
    sess = session()
    sess.run(table.initializer)
    expected = 2 * TABLE * np.array([[0], [2], [1], [1]])
    np.testing.assert_array_equal(sess.run(rows + 0.0), expected)
    np.testing.assert_array_equal(sess.run(mixed), expected + 1)


def test_it_passes_through_identities_and_stops_at_arithmetic():
    table = tf.Variable(TABLE)
    assert isinstance(
        tf.gradients(tf.gather(tf.identity(table.read_value()), [0]), table)[0], tf.IndexedSlices
    )
    assert isinstance(tf.gradients(tf.gather(table * 2.0, [0]), table)[0], tf.Tensor)
    assert isinstance(tf.gradients(tf.gather(table, [0], axis=1), table)[0], tf.Tensor)


def test_second_derivatives_go_through_rows(session):
    table, loss = looked_up([1, 1])
    (grad,) = tf.gradients(loss, table)
    (second,) = tf.gradients(tf.reduce_sum(grad.values**2), table)
    sess = session()
    sess.run(table.initializer)
    np.testing.assert_allclose(
        sess.run(tf.convert_to_tensor(second)), 16 * TABLE * np.array([[0], [1], [0], [0]])
    )


def test_clipping_keeps_rows(session):
    table, loss = looked_up([1, 3])
    (grad,) = tf.gradients(loss, table)
    norm = np.sqrt(np.sum((2 * TABLE[[1, 3]]) ** 2))
    (clipped,), found = tf.clip_by_global_norm([grad], 1.0)
    sess = session()
    sess.run(table.initializer)
    np.testing.assert_allclose(sess.run(found), norm, rtol=1e-6)
    for made in (clipped, tf.clip_by_norm(grad, 1.0), tf.scalar_mul(1 / norm, grad)):
        assert isinstance(made, tf.IndexedSlices)
        np.testing.assert_allclose(sess.run(made).values, 2 * TABLE[[1, 3]] / norm, rtol=1e-5)
    np.testing.assert_array_equal(
        sess.run(tf.clip_by_value(grad, 3.0, 9.0)).values, np.clip(2 * TABLE[[1, 3]], 3, 9)
    )
    np.testing.assert_array_equal(sess.run(-grad).values, -2 * TABLE[[1, 3]])


def test_slices_without_a_shape_are_fetched_but_not_made_dense(session):
    slices = tf.IndexedSlices([[1.0]], [2])
    assert session().run(slices) == ([[1.0]], [2], None)
    with pytest.raises(ValueError, match="cannot become a tensor"):
        tf.convert_to_tensor(slices)


# Each: an optimizer, and one step of it in NumPy on the rows of (w, slots) with summed gradient g.
def _momentum(w, s, g):
    s[0][:] = 0.9 * s[0] + g
    w -= 0.1 * s[0]


def _adagrad(w, s, g):
    s[0][:] += g * g
    w -= 0.1 * g / np.sqrt(s[0])


def _rms_prop(w, s, g):
    s[0][:] = 0.9 * s[0] + 0.1 * g * g
    s[1][:] = 0.5 * s[1] + 0.1 * g / np.sqrt(s[0] + 1e-10)
    w -= s[1]


OPTIMIZERS = {
    "sgd": (
        lambda: tf.train.GradientDescentOptimizer(0.1),
        (),
        lambda w, s, g: w.__isub__(0.1 * g),
    ),
    "momentum": (lambda: tf.train.MomentumOptimizer(0.1, 0.9), (0.0,), _momentum),
    "adagrad": (lambda: tf.train.AdagradOptimizer(0.1), (0.1,), _adagrad),
    "rmsprop": (lambda: tf.train.RMSPropOptimizer(0.1, momentum=0.5), (1.0, 0.0), _rms_prop),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_only_the_rows_of_a_gradient_are_updated(session, name):
    make, initial, step = OPTIMIZERS[name]
    ids = tf.placeholder(tf.int32, [None])
    table = tf.Variable(TABLE)
    loss = tf.reduce_sum(tf.gather(table, ids) ** 2)
    train = make().minimize(loss)
    sess = session()
    sess.run(tf.global_variables_initializer())
    w, slots = TABLE.astype(np.float64), [np.full((4, 3), x) for x in initial]
    for fed in ([1, 3, 1], [3], [0, 3, 3]):
        sess.run(train, {ids: fed})
        counts = np.bincount(fed, minlength=4)[:, None]
        gradient = 2 * w * counts
        for row in np.flatnonzero(counts):
            step(w[row], [s[row] for s in slots], gradient[row])
    np.testing.assert_allclose(sess.run(table), w, rtol=1e-4)


def test_adam_decays_every_row_as_in_tf1(session):
    ids = tf.placeholder(tf.int32, [None])
    table = tf.Variable(TABLE)
    train = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.gather(table, ids) ** 2))
    sess = session()
    sess.run(tf.global_variables_initializer())
    w, m, v = TABLE.astype(np.float64), np.zeros((4, 3)), np.zeros((4, 3))
    for t, fed in enumerate(([1, 3, 1], [3], [0, 3, 3]), 1):
        sess.run(train, {ids: fed})
        g = 2 * w * np.bincount(fed, minlength=4)[:, None]
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-8)
    np.testing.assert_allclose(sess.run(table), w, rtol=1e-4)


def test_two_optimizers_of_one_table_in_one_run_lose_no_update(session):
    table, loss = looked_up([1, 3])
    trains = [tf.train.GradientDescentOptimizer(0.1).minimize(loss) for _ in range(2)]
    sess = session()
    sess.run(table.initializer)
    sess.run(trains)
    expected = TABLE - 0.4 * TABLE * np.array([[0], [1], [0], [1]])
    np.testing.assert_allclose(sess.run(table), expected, rtol=1e-5)


def test_a_subclass_may_say_its_sparse_update_as_in_tf1(session):
    class Scaled(tf.train.Optimizer):
        def __init__(self):
            super().__init__(False, "Scaled")

        def _apply_dense(self, grad, var):
            return tf.assign_sub(var, grad)

        def _apply_sparse(self, grad, var):
            return tf.scatter_sub(var, grad.indices, 0.25 * grad.values)

    table, loss = looked_up([1, 3, 1])
    train = Scaled().minimize(loss)
    sess = session()
    sess.run(table.initializer)
    sess.run(train)
    expected = TABLE - 0.5 * TABLE * np.array([[0], [2], [0], [1]])
    np.testing.assert_allclose(sess.run(table), expected)


def test_rows_outside_the_variable_are_refused_before_anything_changes(session):
    table = tf.Variable(TABLE)
    other = tf.Variable([1.0, 2.0])
    pairs = [(tf.constant([1.0, 1.0]), other),
             (tf.IndexedSlices(np.ones((2, 3), np.float32), [0, 4]), table)]  # fmt: skip
    train = tf.train.MomentumOptimizer(0.1, 0.9).apply_gradients(pairs)
    sess = session()
    sess.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1\] = 4 is not in \[0, 4\)"):
        sess.run(train)
    np.testing.assert_array_equal(sess.run(table), TABLE)
    np.testing.assert_array_equal(sess.run(other), [1, 2])
