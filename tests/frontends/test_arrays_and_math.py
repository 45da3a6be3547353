"""The array and math functions against NumPy, in TF1's spellings."""

import numpy as np
import pytest

import graphc as tf

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
M = np.array([[1.0, -2.0, 3.0], [4.0, 0.5, -6.0]], np.float32)
V = np.array([0.1, 0.5, 0.9], np.float32)

# name: (what to build, what NumPy says)
CASES = {
    "reshape": (lambda: tf.reshape(X, [-1, 4]), X.reshape(-1, 4)),
    "transpose": (lambda: tf.transpose(X, [1, 0, 2]), X.transpose(1, 0, 2)),
    "transpose_all": (lambda: tf.transpose(X), X.T),
    "matrix_band_part": (lambda: tf.matrix_band_part(X, 0, -1), np.triu(X)),
    "matrix_transpose": (lambda: tf.matrix_transpose(X), X.swapaxes(-1, -2)),
    "expand_dims": (lambda: tf.expand_dims(M, 1), M[:, None]),
    "expand_dims_dim": (lambda: tf.expand_dims(M, dim=-1), M[..., None]),
    "squeeze": (lambda: tf.squeeze(M[:, None, :, None]), M),
    "squeeze_dims": (lambda: tf.squeeze(M[:, None], squeeze_dims=[1]), M),
    "concat": (lambda: tf.concat([M, M * 2], 1), np.concatenate([M, M * 2], 1)),
    "stack": (lambda: tf.stack([M, M], axis=1), np.stack([M, M], 1)),
    "stack_numbers": (lambda: tf.stack([1.0, tf.constant(2.0)]), np.float32([1, 2])),
    "unstack": (lambda: tf.unstack(X, axis=1), [X[:, k] for k in range(3)]),
    "split": (lambda: tf.split(X, 2, axis=2), np.split(X, 2, 2)),
    "split_sizes": (lambda: tf.split(X, [1, 3], 2), [X[..., :1], X[..., 1:]]),
    "slice": (lambda: tf.slice(X, [0, 1, 0], [2, 2, -1]), X[:, 1:3]),
    "strided_slice": (
        lambda: tf.strided_slice(X, [0, 2, 0], [2, 0, 4], [1, -1, 2]), X[:, 2:0:-1, ::2],
    ),
    "strided_slice_masks": (
        lambda: tf.strided_slice(X, [0, 1], [0, 9], begin_mask=1, end_mask=3, shrink_axis_mask=0),
        X[:, 1:],
    ),
    "subscript": (lambda: tf.constant(X)[:, -1, 1:], X[:, -1, 1:]),
    "subscript_new_axis": (lambda: tf.constant(M)[..., tf.newaxis], M[..., None]),
    "gather": (lambda: tf.gather(X, [1, 0, 1]), X[[1, 0, 1]]),
    "gather_axis": (lambda: tf.gather(X, [2, 0], axis=1), X[:, [2, 0]]),
    "gather_nd": (lambda: tf.gather_nd(X, [[0, 1], [1, 2]]), X[[0, 1], [1, 2]]),
    "boolean_mask": (lambda: tf.boolean_mask(M, M > 0), M[M > 0]),
    "boolean_mask_rows": (lambda: tf.boolean_mask(M, [True, False]), M[:1]),
    "where": (lambda: tf.where(M > 0, M, -M), np.abs(M)),
    "where_rows": (lambda: tf.where([True, False], M, -M), np.stack([M[0], -M[1]])),
    "where_positions": (lambda: tf.where(M > 0), np.argwhere(M > 0)),
    "zeros": (lambda: tf.zeros([2, 3], tf.int32), np.zeros([2, 3], np.int32)),
    "ones": (lambda: tf.ones([2]), np.ones(2, np.float32)),
    "fill": (lambda: tf.fill([2, 2], 7), np.full([2, 2], 7, np.int32)),
    "zeros_like": (lambda: tf.zeros_like(M, tf.int64), np.zeros_like(M, np.int64)),
    "ones_like": (lambda: tf.ones_like(M), np.ones_like(M)),
    "range": (lambda: tf.range(3, 18, 3), np.arange(3, 18, 3, dtype=np.int32)),
    "range_float": (lambda: tf.range(0.0, 1.0, 0.25), np.arange(0, 1, 0.25, dtype=np.float32)),
    "linspace": (lambda: tf.linspace(0.0, 1.0, 5), np.linspace(0, 1, 5, dtype=np.float32)),
    "eye": (lambda: tf.eye(2, 3), np.eye(2, 3, dtype=np.float32)),
    "one_hot": (lambda: tf.one_hot([2, 0], 3), np.eye(3, dtype=np.float32)[[2, 0]]),
    "one_hot_values": (
        lambda: tf.one_hot([1], 3, on_value=5, off_value=-1), np.array([[-1, 5, -1]], np.int32),
    ),
    "one_hot_axis": (lambda: tf.one_hot([2, 0], 3, axis=0), np.eye(3, dtype=np.float32)[[2, 0]].T),
    "tile": (lambda: tf.tile(M, [2, 1]), np.tile(M, [2, 1])),
    "pad": (lambda: tf.pad(M, [[1, 0], [0, 2]], constant_values=9.0),
            np.pad(M, [[1, 0], [0, 2]], constant_values=9.0)),
    "reverse": (lambda: tf.reverse(M, [1]), M[:, ::-1]),
    "broadcast_to": (lambda: tf.broadcast_to(V, [2, 3]), np.broadcast_to(V, [2, 3])),
    "sequence_mask": (lambda: tf.sequence_mask([1, 3], 4), np.arange(4) < np.array([[1], [3]])),
    "meshgrid": (lambda: tf.meshgrid([1, 2], [3, 4, 5]), np.meshgrid([1, 2], [3, 4, 5])),
    "shape": (lambda: tf.shape(X), np.int32([2, 3, 4])),
    "size": (lambda: tf.size(X), np.int32(24)),
    "rank": (lambda: tf.rank(X), np.int32(3)),
    "reduce_sum": (lambda: tf.reduce_sum(X), X.sum()),
    "reduce_sum_axes": (lambda: tf.reduce_sum(X, [0, 2]), X.sum((0, 2))),
    "reduce_mean_old_names": (
        lambda: tf.reduce_mean(X, reduction_indices=[1], keep_dims=True), X.mean(1, keepdims=True),
    ),
    "reduce_max": (lambda: tf.reduce_max(M, 1), M.max(1)),
    "reduce_min": (lambda: tf.reduce_min(M, 0, keepdims=True), M.min(0, keepdims=True)),
    "reduce_prod": (lambda: tf.reduce_prod(M, 1), M.prod(1)),
    "reduce_all": (lambda: tf.reduce_all(M > 0, 1), (M > 0).all(1)),
    "reduce_any": (lambda: tf.reduce_any(M > 3, 1), (M > 3).any(1)),
    "reduce_logsumexp": (lambda: tf.reduce_logsumexp(M, 1), np.log(np.exp(M).sum(1))),
    "count_nonzero": (lambda: tf.count_nonzero([[0, 1], [2, 3]]), np.int64(3)),
    "argmax": (lambda: tf.argmax(M, 1), M.argmax(1)),
    "argmin_dimension": (lambda: tf.argmin(M, dimension=0), M.argmin(0)),
    "argmax_type": (lambda: tf.argmax(M, 1, output_type=tf.int32), M.argmax(1).astype(np.int32)),
    "add_n": (lambda: tf.add_n([M, M, M]), 3 * M),
    "cast": (lambda: tf.cast(M, tf.int32), M.astype(np.int32)),
    "to_float": (lambda: tf.to_float([1, 2]), np.float32([1, 2])),
    "saturate_cast": (lambda: tf.saturate_cast([-5.0, 300.0], tf.uint8), np.uint8([0, 255])),
    "matmul": (lambda: tf.matmul(M, M, transpose_b=True), M @ M.T),
    "tensordot": (lambda: tf.tensordot(X, M, [[1], [1]]), np.tensordot(X, M, [[1], [1]])),
    "clip_by_value": (lambda: tf.clip_by_value(M, -1.0, 2.0), M.clip(-1, 2)),
    "clip_by_norm": (lambda: tf.clip_by_norm(M, 1.0), M / np.linalg.norm(M)),
    "global_norm": (lambda: tf.global_norm([M, V]), np.sqrt((M**2).sum() + (V**2).sum())),
    "norm": (lambda: tf.norm(M, axis=1), np.linalg.norm(M, axis=1)),
    "divide_integers": (lambda: tf.divide([7, -7], [2, 2]), np.float64([3.5, -3.5])),
    "floordiv": (lambda: tf.floordiv([7, -7], [2, 2]), np.int32([3, -4])),
    "mod": (lambda: tf.mod([7, -7], [4, 4]), np.int32([3, 1])),
    "python_operators": (lambda: 2.0 / (1.0 - tf.constant(V)) ** 2.0, 2 / (1 - V) ** 2),
    "integer_operators": (lambda: tf.constant([7, 9]) // 2 % 3, np.int32([0, 1])),
    "comparison_operators": (lambda: (tf.constant(M) > 0.5) & (tf.constant(M) <= 3.0),
                             (M > 0.5) & (M <= 3)),
    "maximum": (lambda: tf.maximum(M, 0.0), np.maximum(M, 0)),
    "square": (lambda: tf.square(M), M**2),
    "squared_difference": (lambda: tf.squared_difference(M, V), (M - V) ** 2),
    "log_exp": (lambda: tf.log(tf.exp(M)), M),
    "rsqrt": (lambda: tf.rsqrt(V), 1 / np.sqrt(V)),
    "logical": (lambda: tf.logical_not(tf.logical_or(M > 0, M < -3)), ~((M > 0) | (M < -3))),
    "is_finite": (lambda: tf.is_finite([1.0, np.inf, np.nan]), np.array([True, False, False])),
    "sign_abs": (lambda: tf.sign(M) * tf.abs(M), M),
    "round_half_even": (lambda: tf.round([0.5, 1.5, -2.5]), np.float32([0, 2, -2])),
    "constant_repeats": (lambda: tf.constant(3, shape=[2, 2]), np.full([2, 2], 3, np.int32)),
    "convert_nested": (
        lambda: tf.convert_to_tensor([[1.0, tf.constant(2.0)], [3.0, 4.0]]),
        np.float32([[1, 2], [3, 4]]),
    ),
    "float64_arrays_join_float32_tensors": (
        lambda: tf.constant(V) + np.ones(3), V + np.float32(1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_numpy(session, name):
    build, expected = CASES[name]
    built = build()
    got = session().run(built)
    if not isinstance(built, list):
        got, expected, built = [got], [expected], [built]
    for value, wanted, tensor in zip(got, expected, built, strict=True):
        assert np.shape(value) == np.shape(wanted)
        assert tensor.get_shape().is_compatible_with(np.shape(value))
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)
    assert got[0].dtype == tf.as_dtype(built[0].dtype).as_numpy_dtype


def test_py_func_calls_python_with_copies(session):
    x = tf.placeholder(tf.float32, [3], name="x")

    def spoil(a: np.ndarray) -> tuple:
        a[0] = 99.0
        return a.sum(), np.int64(a.size)

    total, count = tf.py_func(spoil, [x * 1.0], [tf.float32, tf.int64])
    for part in (total, count):
        part.set_shape([])
    given = np.array([1, 2, 3], np.float32)
    got = session().run([total, count], {x: given})
    assert got == [104.0, 3]
    np.testing.assert_array_equal(given, [1, 2, 3])


def test_py_func_of_an_unknown_shape(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.py_func(lambda a: a[a > 0], [x], tf.float32)
    y.set_shape([None])
    total = tf.reduce_sum(y) * 2.0
    got = session().run([y, total], {x: [-1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(got[0], [2.0, 3.0])
    assert got[1] == 10.0


def test_print_writes_to_stderr_and_passes_its_input_on(session, capfd):
    x = tf.Print(tf.constant(2.0), [tf.constant([1, 2, 3, 4])], "values: ", summarize=2)
    assert session().run(x * 2.0) == 4.0
    assert "values: [1 2...]" in capfd.readouterr().err


def test_print_stops_after_first_n(session, capfd):
    x = tf.Print(tf.constant(2.0), [tf.constant(1)], "seen ", first_n=2)
    sess = session()
    for _ in range(4):
        sess.run(x)
    assert capfd.readouterr().err.count("seen") == 2


def test_assertions_pass_and_fail(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    with tf.control_dependencies([tf.assert_positive(x)]):
        y = tf.identity(x)
    sess = session()
    np.testing.assert_array_equal(sess.run(y, {x: [1.0]}), [1.0])
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(y, {x: [1.0, 0.0]})
    assert tf.assert_rank(x, 1) is not None
    with pytest.raises(ValueError, match="must have rank 2"):
        tf.assert_rank(x, 2)


def test_placeholder_with_default_takes_the_feed_when_there_is_one(session):
    keep = tf.placeholder_with_default(0.5, [], name="keep")
    y = keep * 2.0
    sess = session()
    assert sess.run(y) == 1.0
    assert sess.run(y, {keep: 2.0}) == 4.0


def test_a_batch_of_one_broadcasts_where_none_met_none(session):
    a = tf.placeholder(tf.float32, [None, 2], name="a")
    b = tf.placeholder(tf.float32, [None, 2], name="b")
    total = a + b
    sess = session()
    for rows_a, rows_b in ((3, 3), (3, 1), (1, 3), (1, 1), (5, 5)):
        left, right = np.ones([rows_a, 2]), np.ones([rows_b, 2])
        np.testing.assert_array_equal(sess.run(total, {a: left, b: right}), left + right)


def test_app_run_calls_main_and_exits_with_its_result(monkeypatch):
    monkeypatch.setattr("sys.argv", ["prog", "left"])
    seen = []
    with pytest.raises(SystemExit) as stop:
        tf.app.run(main=lambda argv: seen.append(argv))
    assert seen == [["prog", "left"]]
    assert stop.value.code is None


def test_bfloat16_is_filled_clipped_and_written_as_numbers(session):
    x = tf.cast(tf.constant([[3.0, 4.0]]), tf.bfloat16)
    shown = [tf.ones_like(x), tf.zeros([2], tf.bfloat16), tf.clip_by_norm(x, 1.0), tf.trace(x)]
    got = session().run([*(tf.cast(y, tf.float32) for y in shown), tf.as_string(x, precision=1)])
    np.testing.assert_array_equal(got[0], [[1.0, 1.0]])
    np.testing.assert_array_equal(got[1], [0.0, 0.0])
    np.testing.assert_allclose(got[2], [[0.6, 0.8]], rtol=1e-2)
    assert got[3] == 3.0
    np.testing.assert_array_equal(got[4], [[b"3.0", b"4.0"]])
