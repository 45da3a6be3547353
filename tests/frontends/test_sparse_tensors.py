"""SparseTensor: feeding and fetching it, and its functions against dense NumPy."""

import numpy as np
import pytest

import graphc as tf

A = np.array([[0, 3, 0, 0], [0, 0, 0, 0], [-4, 0, 0, 5]], np.float32)
B = np.array([[0, 1, 0, 0], [0, 0, 2, 0], [0, 0, 0, -5]], np.float32)
DENSE = np.arange(12, dtype=np.float32).reshape(3, 4) + 1


def sparse(x, order=None):
    places = np.argwhere(x)
    if order is not None:
        places = places[order]
    return tf.SparseTensor(places, tf.constant(x[tuple(places.T)]), x.shape)


def dense(value):
    out = np.zeros(value.dense_shape, np.asarray(value.values).dtype)
    assert [tuple(p) for p in value.indices] == sorted(tuple(p) for p in value.indices)
    for place, number in zip(value.indices, value.values, strict=True):
        out[tuple(place)] = number
    return out


def test_it_is_fed_and_fetched(session):
    sp = tf.sparse_placeholder(tf.float32, [None, 4])
    assert sp.get_shape().as_list()[1] == 4
    product = tf.sparse_tensor_dense_matmul(sp, tf.transpose(tf.constant(DENSE)))
    value = tf.SparseTensorValue(np.array([[0, 1], [4, 3]]), np.float32([2, 3]), [5, 4])
    sess = session()
    for fed in (value, tuple(value)):
        back, got = sess.run([sp, product], {sp: fed})
        assert isinstance(back, tf.SparseTensorValue)
        np.testing.assert_array_equal(dense(back)[4], [0, 0, 0, 3])
        np.testing.assert_array_equal(got, dense(back) @ DENSE.T)
    with pytest.raises(ValueError, match="another shape"):
        sess.run(product, {sp: (value.indices, value.values, [5, 3])})
    with pytest.raises(TypeError, match="SparseTensorValue"):
        sess.run(product, {sp: DENSE})


def test_an_unknown_shape_is_known_when_fed(session):
    sp = tf.sparse_placeholder(tf.float32)
    product = tf.sparse_tensor_dense_matmul(sp, tf.constant(DENSE))
    got = session().run(product, {sp: ([[1, 2]], [2.0], [2, 3])})
    np.testing.assert_array_equal(got, [[0, 0, 0, 0], 2 * DENSE[2]])


@pytest.mark.parametrize("adjoint_a", [False, True])
@pytest.mark.parametrize("adjoint_b", [False, True])
def test_product_with_a_dense_matrix_and_its_gradients(session, adjoint_a, adjoint_b):
    sp = sparse(A, order=[2, 0, 1])
    right = DENSE if adjoint_a else DENSE.T
    b = tf.constant(right.T if adjoint_b else right)
    y = tf.sparse_tensor_dense_matmul(sp, b, adjoint_a, adjoint_b)
    left = tf.constant(A)
    z = tf.matmul(tf.transpose(left) if adjoint_a else left, b, transpose_b=adjoint_b)
    grads = tf.gradients(tf.reduce_sum(y * y), [sp.values, b])
    wanted = tf.gradients(tf.reduce_sum(z * z), [left, b])
    got, expected, (dv, db), (da, wanted_b), places = session().run(
        [y, z, grads, wanted, sp.indices]
    )
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    np.testing.assert_allclose(db, wanted_b, rtol=1e-5)
    np.testing.assert_allclose(dv, da[tuple(places.T)], rtol=1e-5)


def test_a_sparse_index_outside_its_shape_is_named(session):
    sp = tf.SparseTensor([[0, 1], [3, 0]], [1.0, 2.0], [3, 4])
    sess = session()
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"indices\[1\] = \[3, 0\]"):
        sess.run(tf.sparse_tensor_to_dense(sp))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"rows\[1\] = 3 is not in \[0, 3\)"):
        sess.run(tf.sparse_tensor_dense_matmul(sp, DENSE.T))


def test_to_dense_and_back(session):
    sess = session()
    np.testing.assert_array_equal(sess.run(tf.sparse_tensor_to_dense(sparse(A))), A)
    np.testing.assert_array_equal(
        sess.run(tf.sparse_to_dense([1, 3], [5], 7.0, default_value=-1.0)), [-1, 7, -1, 7, -1]
    )
    np.testing.assert_array_equal(dense(sess.run(tf.sparse.from_dense(A))), A)
    words = tf.SparseTensor([[0, 1]], ["a"], [1, 2])
    assert sess.run(tf.sparse_tensor_to_dense(words, default_value="-")).tolist() == [[b"-", b"a"]]


@pytest.mark.parametrize(
    ("indices", "fact"), [([2, 1], "out of order"), ([1, 1], "indices.1. is repeated")]
)
def test_positions_out_of_order_are_refused(session, indices, fact):
    with pytest.raises(tf.errors.InvalidArgumentError, match=fact):
        session().run(tf.sparse_to_dense(indices, [3], [5.0, 6.0]))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, [0, 1]])
@pytest.mark.parametrize("keep", [False, True])
def test_reductions(session, axis, keep):
    sess, over = session(), tuple(axis) if isinstance(axis, list) else axis
    total = A.sum(over, keepdims=keep)
    np.testing.assert_array_equal(sess.run(tf.sparse_reduce_sum(sparse(A), axis, keep)), total)
    value = sess.run(tf.sparse_reduce_sum_sparse(sparse(A), axis, keep))
    np.testing.assert_array_equal(dense(value), total)
    with np.errstate(invalid="ignore"):
        largest = np.where(A == 0, -np.inf, A).max(over, keepdims=keep)
    largest = np.where(np.isinf(largest), 0, largest)
    np.testing.assert_array_equal(sess.run(tf.sparse_reduce_max(sparse(A), axis, keep)), largest)


def test_functions_of_two(session):
    sess, a, b = session(), sparse(A), sparse(B)
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_add(a, b))), A + B)
    assert len(sess.run(tf.sparse_add(a, b, threshold=0.5)).values) == 3  # 5 - 5 is dropped
    np.testing.assert_array_equal(sess.run(tf.sparse_add(a, DENSE)), A + DENSE)
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_maximum(a, b))), np.maximum(A, B))
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_minimum(a, b))), np.minimum(A, B))
    np.testing.assert_array_equal(
        dense(sess.run(tf.sparse_concat(0, [a, b]))), np.concatenate([A, B], 0)
    )
    np.testing.assert_array_equal(
        dense(sess.run(tf.sparse.concat(-1, [a, b]))), np.concatenate([A, B], 1)
    )
    np.testing.assert_array_equal(dense(sess.run(a * DENSE)), A * DENSE)
    np.testing.assert_array_equal(dense(sess.run(a / DENSE[1])), A / DENSE[1])
    np.testing.assert_array_equal(dense(sess.run(a * 2.0)), A * 2)


def test_functions_of_one(session):
    sess, a = session(), sparse(A, order=[2, 0, 1])
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_reorder(a))), A)
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_transpose(a))), A.T)
    np.testing.assert_array_equal(
        dense(sess.run(tf.sparse_reshape(sparse(A), [-1, 2]))), A.reshape(-1, 2)
    )
    np.testing.assert_array_equal(
        dense(sess.run(tf.sparse_slice(sparse(A), [1, 0], [5, 3]))), A[1:, :3]
    )
    kept = sess.run(tf.sparse_retain(sparse(A), [True, False, True]))
    np.testing.assert_array_equal(kept.values, [3, 5])
    halves = sess.run(tf.sparse_split(sp_input=sparse(A), num_split=2, axis=1))
    np.testing.assert_array_equal(dense(halves[1]), A[:, 2:])
    assert sess.run(tf.sparse_reset_shape(sparse(A[:, :2]))).dense_shape.tolist() == [3, 2]
    soft = sess.run(tf.sparse_softmax(sparse(A))).values
    np.testing.assert_allclose(soft, [1, np.exp(-9) / (1 + np.exp(-9)), 1 / (1 + np.exp(-9))],
                               rtol=1e-5)  # fmt: skip


def test_empty_rows_are_filled(session):
    filled, empty = session().run(tf.sparse_fill_empty_rows(sparse(A), 9.0))
    assert empty.tolist() == [False, True, False]
    expected = A.copy()
    expected[1, 0] = 9
    np.testing.assert_array_equal(dense(filled), expected)


def test_ids_become_columns(session):
    ids = tf.SparseTensor([[0, 0], [0, 1], [2, 0]], tf.constant([3, 0, 4], tf.int64), [3, 2])
    values = ids.with_values(tf.constant([1.0, 2.0, 3.0]))
    sess = session()
    merged = sess.run(tf.sparse_merge(ids, values, 5))
    assert merged.indices.tolist() == [[0, 0], [0, 3], [2, 4]]
    assert merged.values.tolist() == [2, 1, 3]
    there = sess.run(tf.sparse_to_indicator(ids, 5))
    assert np.argwhere(there).tolist() == merged.indices.tolist()


def test_gradients_flow_to_values(session):
    a, b = sparse(A), sparse(B)
    weights = tf.constant([1.0, 2.0, 3.0, 4.0])
    loss = tf.reduce_sum(tf.sparse_add(a, b).values * weights)
    da, db = tf.gradients(loss, [a.values, b.values])
    got_a, got_b = session().run([da, db])
    np.testing.assert_array_equal(got_a, [1, 3, 4])
    np.testing.assert_array_equal(got_b, [1, 2, 4])


def test_sparse_tensors_without_entries(session):
    empty = tf.SparseTensor([], tf.constant([], tf.float32), [3, 4])
    sess = session()
    np.testing.assert_array_equal(sess.run(tf.sparse_tensor_to_dense(empty)), np.zeros((3, 4)))
    np.testing.assert_array_equal(dense(sess.run(tf.sparse_add(empty, sparse(A)))), A)
    np.testing.assert_array_equal(
        sess.run(tf.sparse_tensor_dense_matmul(empty, DENSE.T)), np.zeros((3, 3))
    )


def test_functions_of_tensors_take_sparse_ones(session):
    a, sess = sparse(A), session()
    np.testing.assert_array_equal(dense(sess.run(tf.square(a))), A * A)
    np.testing.assert_array_equal(dense(sess.run(tf.abs(a))), abs(A))
    np.testing.assert_array_equal(dense(sess.run(tf.cast(a, tf.int32))), A)
    assert sess.run(tf.shape(a)).tolist() == [3, 4]
    assert sess.run([tf.size(a), tf.rank(a)]) == [12, 2]
    assert sess.run(a.values.op) is None


def test_a_shape_that_is_fed_needs_no_stages(session):
    sp = tf.sparse_placeholder(tf.float32, [None, 4])
    product = tf.sparse_tensor_dense_matmul(sp, tf.constant(DENSE.T))
    sess = session()
    for rows in (2, 5):
        fed = (np.array([[rows - 1, 2]]), np.float32([2]), [rows, 4])
        expected = np.zeros((rows, 3), np.float32)
        expected[-1] = 2 * DENSE[:, 2]
        np.testing.assert_array_equal(sess.run(product, {sp: fed}), expected)
    assert not any(node.op.binding for node in tf.get_default_graph().nodes)
