"""Segments, scatters, scans and moves by their TF1 names: what recorded figures do not say."""

import numpy as np
import pytest

import graphc as tf
from runtime.devices.cpu.boot import native

IDS = np.random.default_rng(0).integers(-1, 50, 4000).astype(np.int32)
X = np.random.default_rng(1).normal(size=(4000, 40)).astype(np.float32)

# name: (what to build, words its error must have when it runs)
FAILING = {
    "scatter_nd": (lambda: tf.scatter_nd([[1], [4]], [1.0, 2.0], [4]),
                   "indices[1] = [4] is outside [4]"),
    "scatter_nd_pairs": (lambda: tf.scatter_nd([[0, 1], [1, 3]], [1.0, 2.0], [2, 3]),
                         "indices[1] = [1, 3] is outside [2, 3]"),
    "tensor_scatter_nd_update": (
        lambda: tf.tensor_scatter_nd_update(tf.zeros([3]), [[-1]], [1.0]),
        "indices[0] = [-1] is outside [3]"),
    "gather_nd": (lambda: tf.gather_nd(tf.zeros([2, 3]), [[0, 3]]),
                  "indices[..., 1][0] = 3 is not in [0, 3)"),
    "batch_gather": (lambda: tf.batch_gather(tf.zeros([2, 3]), [[0], [3]]),
                     "indices[1, 0] = 3 is not in [0, 3)"),
    "segment_ids": (lambda: tf.segment_sum(tf.zeros([3]), tf.identity([0, 2, 1])),
                    "segment_ids[2] = 1 is below segment_ids[1] = 2"),
    "segment_ids_negative": (lambda: tf.segment_max(tf.zeros([2]), tf.identity([-1, 1])),
                             "segment_ids[0] = -1 is below 0"),
    "unsorted_segment": (lambda: tf.unsorted_segment_max(tf.zeros([2]), [0, 5], 3),
                         "segment_ids[1] = 5 is not in [0, 3)"),
    "invert_permutation": (lambda: tf.invert_permutation(tf.identity([1, 1, 0])),
                           "1 is in x more than once"),
    "reverse_sequence": (lambda: tf.reverse_sequence(tf.zeros([2, 3]), [1, 4], seq_axis=1),
                         "lengths[1] = 4 is not in [0, 3]"),
    "bincount": (lambda: tf.bincount(tf.identity([1, -2])), "arr[1] = -2"),
    "unravel_index": (lambda: tf.unravel_index([1, 6], [2, 3]), "indices[1] = 6"),
}  # fmt: skip

# name: (what to build, words of the error)
REFUSED = {
    "pad_mode": (lambda: tf.pad([1.0], [[1, 1]], "WRAP"), "CONSTANT, REFLECT or SYMMETRIC"),
    "pad_pairs": (lambda: tf.pad([1.0], [[1, 1, 1]]), "[before, after]"),
    "where_shapes": (lambda: tf.where([[True], [False]], tf.ones([2, 3]), tf.ones([2, 3])),
                     "tf.where_v2 broadcasts"),
    "roll_axes": (lambda: tf.roll([1.0], [1, 2], [0]), "shift and axis"),
    "band": (lambda: tf.matrix_diag([1.0], k=(-1, 1)), "a band of diagonals is not provided"),
    "norm_order": (lambda: tf.norm([[1.0]], "fro", axis=0), "give a pair of axes"),
    "block": (lambda: tf.space_to_depth(tf.zeros([1, 3, 4, 1]), 2), "3 does not divide by 2"),
    "data_format": (lambda: tf.depth_to_space(tf.zeros([1, 2, 2, 4]), 2, data_format="CHW"),
                    "NHWC or NCHW"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), FAILING.values(), ids=FAILING.keys())
def test_a_position_outside_is_named_when_it_runs(session, build, words):
    y = build()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session().run(y)
    assert words in str(caught.value)


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_when_it_is_built(build, words):
    with pytest.raises((tf.errors.GraphcError, ValueError)) as caught:
        build()
    assert words in str(caught.value)


def test_a_failed_scatter_leaves_variables_alone(session):
    v = tf.Variable([1.0, 2.0, 3.0])
    update = v.assign(
        tf.tensor_scatter_nd_add(v, tf.placeholder(tf.int32, [2, 1], "i"), [5.0, 5.0])
    )
    sess = session()
    sess.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(update, {"i:0": [[0], [3]]})
    np.testing.assert_array_equal(sess.run(v), [1, 2, 3])


@pytest.mark.parametrize(
    "build",
    [
        lambda x, ids: tf.unsorted_segment_sum(x, ids, 50),
        lambda x, ids: tf.unsorted_segment_mean(x, ids, 50),
        lambda x, ids: tf.cumsum(x, 0),
        lambda x, ids: tf.cumsum(x, 1),
        lambda x, ids: tf.cumprod(tf.reshape(x, [-1]), reverse=True),
        lambda x, ids: tf.gradients(tf.square(tf.gather(x, tf.abs(ids))), x)[0],
    ],
)
def test_any_number_of_threads_gives_the_same_bits(build):
    x, ids = tf.placeholder(tf.float32, [None, 40]), tf.placeholder(tf.int32, [None])
    y = build(x, ids)
    found = []
    try:
        for threads in (1, 2, 4):
            native().pool.resize(threads)
            with tf.Session(device="/cpu:0") as sess:
                found.append(sess.run(y, {x: X, ids: IDS}).tobytes())
    finally:
        native().pool.resize(None)
    assert found[1:] == found[:1] * 2


def test_the_last_id_says_how_many_segments_there_are(session):
    ids = tf.placeholder(tf.int32, [None])
    y = tf.segment_sum(tf.ones_like(ids), ids)
    sess = session()
    assert y.shape.as_list() == [None]
    np.testing.assert_array_equal(sess.run(y, {ids: [0, 0, 3]}), [2, 0, 0, 1])
    np.testing.assert_array_equal(sess.run(y, {ids: [1]}), [0, 1])
    assert sess.run(y, {ids: np.zeros(0, np.int32)}).shape == (0,)
    assert tf.segment_sum([1.0, 2.0], [0, 4]).shape.as_list() == [5]


def test_results_have_the_name_and_parts_its_scope(session):
    y = tf.scatter_nd([[1]], [2.0], [3], name="put")
    assert y.name == "put:0"
    assert tf.reshape([1.0], [1, 1]).name == "Reshape:0"
    with tf.name_scope("net"):
        assert tf.space_to_depth(tf.zeros([1, 2, 2, 1]), 2).name == "net/SpaceToDepth:0"


def test_the_gradient_of_a_running_product_is_exact_at_a_zero(session):
    x = tf.placeholder(tf.float64, [4])
    slope = tf.gradients(tf.cumprod(x), x)[0]
    # d(x0 + x0 x1 + x0 x1 x2 + x0 x1 x2 x3) at x1 = 0
    np.testing.assert_allclose(session().run(slope, {x: [2, 0, 3, 4]}), [1, 32, 0, 0])


def test_ensured_shapes_are_checked_when_the_graph_runs():
    x = tf.placeholder(tf.float32, [None, 3])
    y = tf.ensure_shape(x, [2, None])
    assert y.shape.as_list() == [2, 3]
    with tf.Session(device="/cpu:0") as sess, pytest.raises(tf.errors.GraphcError):
        sess.run(y, {x: np.ones((4, 3))})


def test_bounds_of_a_slice_may_be_fed(session):
    x = tf.constant(np.arange(10))
    begin, end = tf.placeholder(tf.int32, [1]), tf.placeholder(tf.int32, [1])
    y = tf.strided_slice(x, begin, end)
    sess = session()
    for low, high in ((2, 5), (-3, 10), (8, -5), (-20, 3)):
        np.testing.assert_array_equal(
            sess.run(y, {begin: [low], end: [high]}), np.arange(10)[low:high]
        )


def test_the_gradient_of_nothing_taken_reads_nothing(session):
    x = tf.placeholder(tf.float32, [None, None])
    taken = x[0:1:-3]
    slope = tf.gradients(taken, x, [tf.exp(taken)])[0]
    found = session().run(slope, {x: np.ones((4, 2))})
    np.testing.assert_array_equal(found, np.zeros((4, 2)))


def test_parts_of_an_unknown_number_are_asked_for():
    with pytest.raises(tf.errors.GraphcError, match="give num"):
        tf.unstack(tf.placeholder(tf.float32, [None, 2]))
