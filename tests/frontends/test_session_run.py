"""What ``run`` takes and gives back."""

import warnings
from collections import OrderedDict, namedtuple
from threading import Thread

import numpy as np
import pytest

import graphc as tf


def test_fetches_keep_their_structure(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    y, z = x * 2.0, x + 1.0
    step = tf.no_op()
    Pair = namedtuple("Pair", "left right")
    sess = session()
    feed = {x: [1.0, 2.0]}
    nested = sess.run([y, (z, [step, y]), {"a": y, "b": (z,)}, Pair(y, z)], feed)
    assert [type(part) for part in nested] == [np.ndarray, tuple, dict, Pair]
    assert nested[1][1][0] is None
    np.testing.assert_array_equal(nested[2]["b"][0], [2.0, 3.0])
    np.testing.assert_array_equal(nested[3].left, [2.0, 4.0])
    ordered = sess.run(OrderedDict([("q", z), ("p", y)]), feed)
    assert list(ordered) == ["q", "p"]
    assert isinstance(ordered, OrderedDict)
    assert sess.run([], feed) == []


def test_names_fetch_and_feed(session):
    x = tf.placeholder(tf.float32, [], name="x")
    tf.multiply(x, 3.0, name="triple")
    sess = session()
    assert sess.run("triple:0", {"x:0": 2.0}) == 6.0
    assert sess.run("triple", {"x:0": 2.0}) is None


def test_a_scalar_comes_back_as_a_numpy_scalar(session):
    value = session().run(tf.constant(2.0) * 3.0)
    assert isinstance(value, np.float32)
    assert value == 6.0


def test_the_same_tensor_twice_is_computed_once_and_returned_twice(session):
    y = tf.constant([1.0, 2.0]) * 2.0
    first, second = session().run([y, y])
    np.testing.assert_array_equal(first, second)


def test_a_variable_is_fetched_as_a_copy(session):
    v = tf.Variable([1.0, 2.0])
    sess = session()
    sess.run(v.initializer)
    taken = sess.run(v)
    taken[:] = 9.0
    np.testing.assert_array_equal(sess.run(v), [1.0, 2.0])


def test_any_tensor_can_be_fed(session):
    x = tf.placeholder(tf.float32, [2], name="x")
    middle = x * 2.0
    y = middle + 1.0
    np.testing.assert_array_equal(session().run(y, {middle: [10.0, 20.0]}), [11.0, 21.0])


def test_a_fed_variable_does_not_change(session):
    v = tf.Variable(1.0)
    sess = session()
    sess.run(v.initializer)
    assert sess.run(v + 1.0, {v: 5.0}) == 6.0
    assert sess.run(v) == 1.0


def test_a_fed_tensor_can_be_fetched(session):
    x = tf.placeholder(tf.float32, [2], name="x")
    np.testing.assert_array_equal(session().run(x, {x: [1.0, 2.0]}), [1.0, 2.0])


@pytest.mark.parametrize(
    ("dtype", "value", "expected"),
    [
        (tf.float32, np.array([1.5], np.float64), np.array([1.5], np.float32)),
        (tf.float32, [1, 2], np.array([1, 2], np.float32)),
        (tf.float32, np.array([True, False]), np.array([1, 0], np.float32)),
        (tf.int32, np.array([7], np.int64), np.array([7], np.int32)),
        (tf.int64, np.array([7], np.uint8), np.array([7], np.int64)),
        (tf.bool, [1, 0], np.array([True, False])),
    ],
)
def test_same_kind_values_are_cast(session, dtype, value, expected):
    x = tf.placeholder(dtype, [None], name="x")
    got = session().run(tf.identity(x), {x: value})
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_arrays_that_are_not_contiguous_are_fed_right(session):
    x = tf.placeholder(tf.float32, [None, None], name="x")
    base = np.arange(12, dtype=np.float32).reshape(3, 4)
    sess = session()
    np.testing.assert_array_equal(sess.run(x + 0.0, {x: base.T}), base.T)
    np.testing.assert_array_equal(sess.run(x + 0.0, {x: base[::2, ::-1]}), base[::2, ::-1])


def test_feeding_leaves_the_array_alone(session):
    x = tf.placeholder(tf.float32, [3], name="x")
    v = tf.Variable(tf.zeros([3]))
    given = np.array([1, 2, 3], np.float32)
    sess = session()
    sess.run(v.initializer)
    sess.run(v.assign(x * 2.0), {x: given})
    np.testing.assert_array_equal(given, [1, 2, 3])


def test_numbers_in_an_object_array_can_be_fed(session):
    x = tf.placeholder(tf.float32, [None])
    n = tf.placeholder(tf.int32, [None])
    rows = np.array([[np.ones(2), 1, 0.5], [np.ones(2), 2, 1.5]], dtype=object)
    a, b = session().run([x * 2.0, n * 2], {x: rows[:, 2], n: rows[:, 1]})
    assert (a.tolist(), b.tolist()) == ([1.0, 3.0], [2, 4])


def test_make_callable_takes_values_in_feed_order(session):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.placeholder(tf.float32, [], name="y")
    step = session().make_callable([x - y, x], [y, x])
    assert step(1.0, 5.0) == [4.0, 5.0]
    with pytest.raises(TypeError, match="takes 2 values"):
        step(1.0)


def test_eval_uses_the_default_session(session):
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(3.0)
    with session():
        v.initializer.run()
        assert (x + v).eval({x: 1.0}) == 4.0
        assert v.eval() == 3.0


def test_sessions_nest_and_the_innermost_is_the_default(session):
    outer, inner = session(), session()
    assert tf.get_default_session() is None
    with outer.as_default():
        with inner.as_default():
            assert tf.get_default_session() is inner
        assert tf.get_default_session() is outer
    assert tf.get_default_session() is None


def test_an_interactive_session_is_the_default_until_closed():
    sess = tf.InteractiveSession(device="/reference:0")
    assert tf.get_default_session() is sess
    assert tf.constant(2.0).eval() == 2.0
    sess.close()
    assert tf.get_default_session() is None


def test_a_session_runs_its_own_graph(session):
    graph = tf.Graph()
    with graph.as_default():
        c = tf.constant(4.0)
    with session(graph=graph) as sess:
        assert tf.get_default_graph() is graph
        assert sess.graph is graph
        assert sess.run(c) == 4.0


def test_variables_belong_to_the_session(session):
    v = tf.Variable(1.0)
    first, second = session(), session()
    for sess in (first, second):
        sess.run(v.initializer)
    first.run(v.assign(5.0))
    assert first.run(v) == 5.0
    assert second.run(v) == 1.0


def test_runs_from_several_threads_lose_no_update(session):
    v = tf.Variable(0.0)
    add = v.assign_add(1.0)
    sess = session()
    sess.run(v.initializer)
    threads = [Thread(target=lambda: [sess.run(add) for _ in range(25)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sess.run(v) == 100.0


def test_a_changed_fetch_list_is_not_mistaken_for_the_old_one(session):
    a, b = tf.constant(1.0), tf.constant(2.0)
    fetches = [a, a]
    sess = session()
    assert sess.run(fetches) == [1.0, 1.0]
    fetches[1] = b
    assert sess.run(fetches) == [1.0, 2.0]
    assert sess.run((a, b)) == (1.0, 2.0)


def test_a_closed_session_refuses(session):
    sess = session()
    c = tf.constant(1.0)
    sess.run(c)
    sess.close()
    with pytest.raises(RuntimeError, match="closed"):
        sess.run(c)


def test_a_failed_run_leaves_variables_as_they_were(session):
    x = tf.placeholder(tf.float32, [], name="x")
    v = tf.Variable(1.0)
    both = tf.group(v.assign(2.0), tf.check_numerics(x, "x").op)
    sess = session()
    sess.run(v.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(both, {x: np.nan})
    assert sess.run(v) == 1.0
    sess.run(both, {x: 0.0})
    assert sess.run(v) == 2.0


def test_building_in_a_loop_around_run_warns_once_with_the_line(session):
    sess = session()
    x = tf.constant(1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(30):
            y = x + float(k)
            sess.run(y)
    (warning,) = caught
    assert "created at: test_session_run.py" in str(warning.message)
    assert "y = x + float(k)" in str(warning.message)


def test_config_accepts_what_means_something_and_refuses_the_rest_by_name(session):
    config = tf.ConfigProto(intra_op_parallelism_threads=1, allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    assert session(config=config).run(tf.constant(1.0)) == 1.0
    with pytest.raises(AttributeError, match="ConfigProto has no field 'cluster_def'"):
        tf.ConfigProto(cluster_def=None)
    with pytest.raises(AttributeError, match="GPUOptions has no field 'alow_growth'"):
        config.gpu_options.alow_growth = True


def test_a_check_that_a_write_depends_on_stops_the_write(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable([1.0, 2.0, 3.0])
    with tf.control_dependencies([tf.check_numerics(x, "x")]):
        update = v.assign(x * 2.0)
    sess = session()
    sess.run(v.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(update, {x: [1.0, np.nan, 3.0]})
    np.testing.assert_array_equal(sess.run(v), [1.0, 2.0, 3.0])
    sess.run(update, {x: [1.0, 2.0, 3.0]})
    np.testing.assert_array_equal(sess.run(v), [2.0, 4.0, 6.0])


def test_a_check_after_a_write_puts_the_write_back(session):
    x = tf.placeholder(tf.float32, [None], name="x")
    v = tf.Variable([1.0, 2.0, 3.0])
    with tf.control_dependencies([v.assign(x * 2.0)]):
        checked = tf.check_numerics(tf.log(v.read_value()), "log")
    sess = session()
    sess.run(v.initializer)
    with pytest.raises(tf.errors.InvalidArgumentError):
        sess.run(checked, {x: [1.0, 0.0, 3.0]})
    np.testing.assert_array_equal(sess.run(v), [1.0, 2.0, 3.0])
