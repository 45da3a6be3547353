"""What variables can be told and asked: limits, creators, constraints, parts; and refusals."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import GraphError


def test_counting_up_stops_at_the_limit_and_leaves_the_variable(session):
    v = tf.Variable(0)
    wide = tf.Variable(5, dtype=tf.int64)
    step, other = v.count_up_to(2), tf.count_up_to(wide, 6)
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert [sess.run(step), sess.run(step), sess.run(v), sess.run(other)] == [0, 1, 2, 5]
    for run in (step, other):
        with pytest.raises(tf.errors.OutOfRangeError, match="reached limit of"):
            sess.run(run)
    assert (sess.run(v), sess.run(wide)) == (2, 6)


def test_positions_are_gathered_and_variables_do_not_iterate(session):
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    found = v.gather_nd([[0, 1], [1, 0]])
    sess = session()
    sess.run(v.initializer)
    np.testing.assert_array_equal(sess.run(found), [2.0, 3.0])
    with pytest.raises(TypeError, match=r"tf\.unstack"):
        iter(v)


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="needs an initial_value"):
        tf.Variable()
    with pytest.raises(ValueError, match="collections is a list of keys, got 'mine'"):
        tf.Variable(1.0, collections="mine")
    with pytest.raises(ValueError, match="constraint is a function"):
        tf.Variable(1.0, constraint=3)
    with pytest.raises(ValueError, match=r"the shape \(3,\) was asked for"):
        tf.Variable([1.0, 2.0], shape=tf.TensorShape([3]))
    on_read = tf.VariableSynchronization.ON_READ
    with pytest.raises(ValueError, match="ON_READ cannot be trainable"):
        tf.Variable(1.0, trainable=True, synchronization=on_read)
    assert not tf.Variable(1.0, synchronization=on_read).trainable
    with pytest.raises(NotImplementedError, match="export_meta_graph"):
        tf.Variable(1.0).to_proto()


def test_a_creator_may_change_what_is_made(session):
    def doubled(next_creator, **kwargs):
        return next_creator(**{**kwargs, "dtype": tf.float64, "initial_value": 2.0})

    with tf.variable_creator_scope(doubled):
        v = tf.Variable(1.0, name="v")
        w = tf.get_variable("w", [], trainable=False)
    assert (v.dtype, w.dtype) == (tf.float64, tf.float64)
    assert [t.name for t in tf.trainable_variables()] == ["v:0"]
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert sess.run([v, w]) == [2.0, 2.0]
    assert tf.Variable(1.0).dtype == tf.float32


def test_a_getter_may_stand_between(session):
    def halved(getter, name, *args, **kwargs):
        return getter(name, *args, **kwargs) * 0.5

    ones = tf.ones_initializer()
    with tf.variable_scope("s", custom_getter=halved, initializer=ones):
        once = tf.get_variable("v", [2])
        with tf.variable_scope("t", custom_getter=halved):
            twice = tf.get_variable("v", [2])
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert sess.run(once).tolist() == [0.5, 0.5]
    assert sess.run(twice).tolist() == [0.25, 0.25]
    with pytest.raises(ValueError, match="a custom getter is a function"):
        tf.get_variable("w", [2], custom_getter=3)


def test_an_existing_variable_is_told_with_both_lines():
    tf.get_variable("layer/w", [2])
    with pytest.raises(GraphError) as caught:
        tf.get_variable("layer/w", [2])
    said = str(caught.value)
    assert "variable 'layer/w'" in said
    assert said.count("test_variable_options.py") == 2
    assert "reuse=tf.AUTO_REUSE" in said


def test_a_missing_variable_is_told_with_what_is_near():
    tf.get_variable("layer/weights", [2])
    with (
        tf.variable_scope("layer", reuse=True),
        pytest.raises(GraphError, match=r"near.*'layer/weights'"),
    ):
        tf.get_variable("weight", [2])


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"shape": [3]}, r"another shape[\s\S]*\(2,\)[\s\S]*\(3,\)"),
     ({"shape": [2], "dtype": tf.int32}, r"another dtype[\s\S]*float32[\s\S]*int32")],
)  # fmt: skip
def test_sharing_with_another_type_shows_both(asked, said):
    tf.get_variable("w", [2])
    with tf.variable_scope("", reuse=True), pytest.raises(GraphError, match=said):
        tf.get_variable("w", **asked)


def test_a_value_as_initializer_has_its_own_dtype_and_shape():
    with pytest.raises(ValueError, match="the initializer is float32, dtype is float64"):
        tf.get_variable("a", dtype=tf.float64, initializer=tf.zeros([2]))
    with pytest.raises(ValueError, match="leave out shape"):
        tf.get_variable("a", [2], initializer=np.zeros(2))
    made = tf.get_variable("a", initializer=lambda: tf.ones([3], tf.int64))
    assert (made.dtype, made.shape.as_list()) == (tf.int64, [3])


def test_a_part_asked_for_whole_is_refused():
    tf.get_variable("v", [4], partitioner=tf.fixed_size_partitioner(2))
    with (
        tf.variable_scope("", reuse=tf.AUTO_REUSE),
        pytest.raises(ValueError, match="made in parts"),
    ):
        tf.get_variable("v", [4])
    with pytest.raises(ValueError, match="a partitioner is a function"):
        tf.get_variable("w", [4], partitioner=3)


def test_partitioned_variables_train_and_are_saved_part_by_part(session, tmp_path):
    v = tf.get_variable("v", [3], initializer=tf.ones_initializer(),
                        partitioner=tf.fixed_size_partitioner(2))  # fmt: skip
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(v * v))
    saver = tf.train.Saver()
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    path = saver.save(sess, str(tmp_path / "model"))
    sess.run(tf.global_variables_initializer())
    saver.restore(sess, path)
    np.testing.assert_array_equal(sess.run(v.as_tensor()), np.zeros(3))
