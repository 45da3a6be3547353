"""Variables: values, order of writes, initialisation, the store behind them."""

import numpy as np
import pytest

import graphc as tf
from runtime.variables import VariableStore, random_key


def test_assignments_return_the_new_value_and_keep_it(session):
    v = tf.Variable([1.0, 2.0])
    set_it, add, sub = v.assign([5.0, 5.0]), v.assign_add([1.0, 2.0]), tf.assign_sub(v, [2.0, 2.0])
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(set_it), [5.0, 5.0])
    np.testing.assert_array_equal(sess.run(add), [6.0, 7.0])
    np.testing.assert_array_equal(sess.run(sub), [4.0, 5.0])
    np.testing.assert_array_equal(sess.run(v), [4.0, 5.0])


def test_a_read_without_a_dependency_sees_the_value_before_the_run(session):
    v = tf.Variable(1.0)
    add = v.assign_add(10.0)
    doubled = v * 2.0
    sess = session()
    sess.run(v.initializer)
    assert sess.run([add, doubled]) == [11.0, 2.0]


def test_a_read_after_a_control_dependency_sees_the_write(session):
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign_add(10.0)]):
        after = v.read_value() * 2.0
    sess = session()
    sess.run(v.initializer)
    assert sess.run(after) == 22.0


def test_writes_of_one_variable_happen_in_creation_order(session):
    v = tf.Variable(1.0)
    both = tf.group(v.assign(5.0), v.assign_add(1.0))
    sess = session()
    sess.run(v.initializer)
    sess.run(both)
    assert sess.run(v) == 6.0


def test_an_initial_value_may_be_a_function_a_tensor_or_a_value(session):
    a = tf.Variable(lambda: tf.zeros([2]), name="a")
    b = tf.Variable(tf.ones([2]) * 3.0, name="b")
    c = tf.Variable(np.array([1, 2], np.int64), name="c")
    d = tf.Variable(7, dtype=tf.float32, name="d")
    sess = session()
    sess.run(tf.global_variables_initializer())
    assert [v.dtype.name for v in (a, b, c, d)] == ["float32", "float32", "int64", "float32"]
    np.testing.assert_array_equal(sess.run(b), [3.0, 3.0])
    assert sess.run(d) == 7.0


def test_a_variable_may_start_at_anothers_initial_value(session):
    a = tf.Variable(tf.random_normal([4]), name="a")
    b = tf.Variable(a.initialized_value() * 2.0, name="b")
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose(sess.run(b), sess.run(a) * 2.0, rtol=1e-6)


def test_an_initial_value_may_be_computed_from_other_variables(session):
    a = tf.Variable(tf.random_normal([4]), name="a")
    b = tf.Variable(a, name="b")
    c = tf.Variable(tf.reduce_sum(b * 2.0 + a), name="c")
    sess = session()
    sess.run(tf.global_variables_initializer())
    first, second, third = sess.run([a, b, c])
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(third, 3.0 * first.sum(), rtol=1e-5, atol=1e-5)


def test_collections_hold_what_was_made():
    a = tf.Variable(1.0, name="a")
    b = tf.Variable(1.0, trainable=False, name="b")
    c = tf.get_local_variable("c", [2])
    assert tf.global_variables() == [a, b]
    assert tf.trainable_variables() == [a]
    assert tf.local_variables() == [c]
    assert tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="b") == [b]


def test_uninitialised_variables_are_reported_by_name(session):
    a = tf.Variable(1.0, name="a")
    tf.Variable(2.0, name="b")
    report, asked = tf.report_uninitialized_variables(), tf.is_variable_initialized(a)
    sess = session()
    assert sess.run(report).tolist() == [b"a", b"b"]
    assert not sess.run(asked)
    sess.run(a.initializer)
    assert sess.run(report).tolist() == [b"b"]
    assert sess.run(asked)


def test_load_sets_a_value_from_outside(session):
    v = tf.Variable([1.0, 2.0])
    sess = session()
    v.load([3.0, 4.0], sess)
    np.testing.assert_array_equal(sess.run(v), [3.0, 4.0])


def test_names_are_as_tf1_makes_them():
    first, second = tf.Variable(1.0, name="w"), tf.Variable(1.0, name="w")
    with tf.name_scope("block"):
        inside = tf.Variable(1.0, name="w")
        shared = tf.get_variable("w", [])
    assert [v.name for v in (first, second, inside)] == ["w:0", "w_1:0", "block/w:0"]
    assert shared.name.startswith("w")
    assert first.op.name == "w"
    assert tf.get_default_graph().get_tensor_by_name("block/w:0") is inside.as_graph_tensor()


def test_operators_read_the_variable(session):
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    sess = session()
    sess.run(v.initializer)
    np.testing.assert_array_equal(sess.run(1.0 - v), [[0.0, -1.0], [-2.0, -3.0]])
    np.testing.assert_array_equal(sess.run(v[1]), [3.0, 4.0])
    np.testing.assert_array_equal(sess.run(v @ v), [[7.0, 10.0], [15.0, 22.0]])
    with pytest.raises(TypeError, match="assign_add"):
        v += 1.0


def test_the_store_keeps_arrays_where_they_are_and_aligned():
    store = VariableStore()
    array = store.declare("w", tf.float32, (3, 5))
    assert array.ctypes.data % 64 == 0
    assert store.uninitialized(["w"]) == ["w"]
    store.set("w", np.ones((3, 5)))
    assert store.declare("w", tf.float32, (3, 5)) is array
    np.testing.assert_array_equal(store.get("w"), np.ones((3, 5)))
    assert store.keys() == ["w"]


def test_memory_that_cannot_be_had_is_told_with_its_size_and_purpose():
    with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
        VariableStore().declare("huge", tf.float32, (1 << 20, 1 << 30))
    assert "variable 'huge': 4194304.0 GiB for float32[1048576, 1073741824]" in str(caught.value)


def test_random_keys_follow_seeds_then_paths():
    assert random_key((1, 2), "a", 0) == random_key((1, 2), "b", 9)
    assert random_key((1, None), "a", 0) == random_key((1, None), "a", 9)
    assert random_key((1, None), "a", 0) != random_key((1, None), "b", 0)
    assert random_key((None, None), "a", 0) != random_key((None, None), "a", 1)


def test_seeds_repeat_in_every_session_and_move_on_in_one(session):
    tf.set_random_seed(3)
    x = tf.random_uniform([8])
    first, second = session(), session()
    one, two = first.run(x), first.run(x)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(second.run(x), one)


def test_without_a_seed_sessions_draw_afresh(session):
    x = tf.random_uniform([8])
    assert not np.array_equal(session().run(x), session().run(x))


def test_an_unrelated_random_op_shifts_nothing(session):
    def draw(extra: bool) -> np.ndarray:
        tf.reset_default_graph()
        tf.set_random_seed(5)
        if extra:
            tf.random_normal([3], name="extra")
        x = tf.random_uniform([8], name="mine")
        return session().run(x)

    np.testing.assert_array_equal(draw(False), draw(True))


def test_random_ops_stay_in_their_range(session):
    sess = session()
    uniform = sess.run(tf.random_uniform([1000], -3.0, 5.0))
    assert uniform.min() >= -3.0
    assert uniform.max() < 5.0
    whole = sess.run(tf.random_uniform([1000], 2, 6, dtype=tf.int32))
    assert set(whole.tolist()) == {2, 3, 4, 5}
    cut = sess.run(tf.truncated_normal([1000], mean=1.0, stddev=2.0))
    assert np.abs(cut - 1.0).max() <= 4.0
    normal = sess.run(tf.random_normal([4000], 3.0, 0.5, seed=1))
    assert abs(normal.mean() - 3.0) < 0.05
    assert abs(normal.std() - 0.5) < 0.05
    rows = sess.run(tf.random_shuffle(tf.range(50), seed=2))
    assert sorted(rows.tolist()) == list(range(50))
    assert rows.tolist() != list(range(50))
