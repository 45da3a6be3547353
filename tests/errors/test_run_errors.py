"""What a person reads who runs a graph in a way that cannot be."""

import pytest

import graphc as tf
from tests.errors.conftest import PRESENT, run_program


def test_missing_feed(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 784], name="x")
        y = tf.reduce_sum(x, name="y")
        session().run(y)
    """)
    assert text == golden


def test_feed_of_the_wrong_size(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 784], name="x")
        session().run(x + 1.0, {x: np.zeros([32, 10])})
    """)
    assert text == golden


def test_feed_of_one_example(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 784], name="x")
        session().run(x + 1.0, {x: np.zeros([784])})
    """)
    assert text == golden


def test_feed_that_is_not_castable(complaint, golden):
    text = complaint("""
        labels = tf.placeholder(tf.int32, ["batch"], name="labels")
        session().run(labels + 1, {labels: np.array([0.5, 1.0])})
    """)
    assert text == golden


def test_feed_out_of_range(complaint, golden):
    text = complaint("""
        labels = tf.placeholder(tf.int32, ["batch"], name="labels")
        session().run(labels + 1, {labels: np.array([2**40])})
    """)
    assert text == golden


def test_feed_of_text_for_numbers(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch"], name="x")
        session().run(x + 1.0, {x: ["a", "b"]})
    """)
    assert text == golden


def test_feed_of_none(complaint):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch"], name="x")
        session().run(x + 1.0, {x: None})
    """)
    assert "the value fed for x:0 is None" in text


def test_feed_of_a_ragged_list(complaint):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None, None], name="x")
        session().run(x + 1.0, {x: [[1.0, 2.0], [3.0]]})
    """)
    assert "not a rectangular array" in text
    assert "placeholder, train.py:1" in text


def test_feed_of_a_tensor(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [], name="x")
        session().run(x + 1.0, {x: tf.constant(1.0)})
    """)
    assert text == golden


def test_same_named_sizes_disagree(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, ["batch", 3], name="x")
        y = tf.placeholder(tf.int32, ["batch"], name="y")
        z = tf.reduce_sum(x, 1) + tf.to_float(y)
        session().run(z, {x: np.zeros([32, 3]), y: np.zeros([16], np.int32)})
    """)
    assert text == golden


def test_feeding_what_is_no_tensor(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [], name="x")
        session().run(x + 1.0, {3: 1.0})
    """)
    assert text == golden


def test_feeding_an_operation(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [], name="x")
        session().run(x + 1.0, {x.op: 1.0})
    """)
    assert text == golden


def test_fetching_nothing(complaint, golden):
    text = complaint("""
        session().run(None)
    """)
    assert text == golden


def test_fetching_a_number(complaint, golden):
    text = complaint("""
        x = tf.constant(1.0)
        session().run([x, 3])
    """)
    assert text == golden


def test_fetching_from_another_graph(complaint, golden):
    text = complaint("""
        with tf.Graph().as_default():
            a = tf.constant(1.0, name="a")
        session().run(a)
    """)
    assert text == golden


def test_fetching_a_name_that_is_not_there(complaint, golden):
    text = complaint("""
        loss = tf.constant(1.0, name="loss")
        session().run("los:0")
    """)
    assert text == golden


def test_uninitialised_variables(complaint, golden):
    text = complaint("""
        w = tf.get_variable("w", [3])
        b = tf.get_variable("b", [3])
        y = w * 2.0 + b
        session().run(y)
    """)
    assert text == golden


def test_no_default_session(complaint, golden):
    text = complaint("""
        c = tf.constant(1.0)
        c.eval()
    """)
    assert text == golden


def test_default_session_of_another_graph(complaint, golden):
    text = complaint("""
        c = tf.constant(1.0)
        with tf.Session(graph=tf.Graph()):
            c.eval()
    """)
    assert text == golden


def test_session_target(complaint, golden):
    text = complaint("""
        sess = tf.Session("grpc://localhost:2222")
    """)
    assert text == golden


def test_unknown_device(complaint, golden):
    text = complaint("""
        sess = tf.Session(device="/tpu:0")
    """)
    assert text == golden


@pytest.mark.parametrize("device", PRESENT)
def test_a_failed_run_leaves_the_session_usable(device):
    run_program(
        """
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        v = tf.Variable(1.0)
        y = v * tf.reduce_sum(x)
        sess = session()
        sess.run(v.initializer)
        for wrong in ({}, {x: np.zeros([2, 4])}, {x: [["a"] * 3]}, {x: [1.0]}):
            try:
                sess.run([y, v.assign(7.0)], wrong)
            except ValueError:
                pass
            else:
                raise AssertionError("not refused")
        value = sess.run(y, {x: np.ones([2, 3])})
        assert value == 6.0, value
        """,
        device,
    )


def test_messages_show_no_line_of_graphc(complaint):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.layers.dense(x, 4) + tf.zeros([5])
    """)
    assert "train.py:2" in text
    assert "layers.py" not in text


def test_a_missing_feed_is_a_value_error_that_names_the_placeholder():
    tf.reset_default_graph()
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.Session(device=PRESENT[0]) as sess, pytest.raises(ValueError, match="'x'"):
        sess.run(x + 1.0)
