"""Python in a graph: functions, and what is printed, in TF1's formats."""

import time

import numpy as np
import pytest

import graphc as tf


def test_print_writes_as_tf1_did(session, capsys):
    x = tf.constant([1.0, 2.5])
    data = [x, tf.constant("abc"), tf.constant([["a", "b"]]), tf.ones([2, 2]), tf.constant(True)]
    session().run(tf.Print(x, data, "message "))
    assert capsys.readouterr().err == "message [1 2.5][abc][[a b]][[1 1][1...]...][1]\n"


def test_print_v2_writes_tensors_within_structures(session, capsys):
    x = tf.constant([1.0, 2.0])
    sess = session()
    sess.run(tf.print(x, "and", [1, x], {"a": x}, 3.5, None, sep=";"))
    sess.run(tf.print("hello", tf.constant("word"), tf.constant(["s"])))
    sess.run(tf.print(tf.constant("alone"), end="|"))
    assert capsys.readouterr().err == (
        '[1 2];and;[1, [1 2]];{\'a\': [1 2]};3.5;None\nhello "word" ["s"]\nalone|'
    )


def test_print_v2_writes_where_it_is_told(session, capsys, tmp_path):
    import sys

    path = tmp_path / "printed.txt"
    sess = session()
    sess.run(tf.print(tf.range(20), summarize=2, output_stream=sys.stdout))
    sess.run(tf.print(tf.range(3), output_stream=f"file://{path}"))
    assert capsys.readouterr().out == "[0 1 ... 18 19]\n"
    assert path.read_text() == "[0 1 2]\n"
    with pytest.raises(ValueError, match="output_stream must be"):
        tf.print("x", output_stream=3)


def test_a_function_takes_and_gives_text(session):
    x = tf.placeholder(tf.string)
    shouted = tf.py_func(lambda word: word.upper(), [x], tf.string)
    several = tf.py_func(lambda: ("a", 1), [], [tf.string, tf.int64])
    sess = session()
    assert sess.run(shouted, {x: "abc"}) == b"ABC"
    assert sess.run(several) == [b"a", 1]


def test_a_function_without_results_is_an_operation(session):
    seen = []
    note = tf.py_func(lambda value: seen.append(float(value)), [tf.constant(2.0)], [])
    session().run(note)
    assert seen == [2.0]


def test_py_function_may_use_operations(session):
    x = tf.constant([1.0, 2.0])
    made = tf.py_function(lambda v: [v.numpy() + 1, tf.reduce_sum(v)], [x], [tf.float32] * 2)
    found = session().run(made)
    np.testing.assert_array_equal(found[0], [2.0, 3.0])
    assert found[1] == 3.0
    assert session().run(tf.numpy_function(np.max, [x], tf.float32)) == 2.0


def test_an_exception_keeps_its_traceback_and_names_the_node(session):
    def divide(value):
        return 1 / 0 * value

    failing = tf.py_func(divide, [tf.constant(1.0)], tf.float32, name="divide")
    with pytest.raises(ZeroDivisionError) as caught:
        session().run(failing)
    assert any(entry.name == "divide" for entry in caught.traceback)
    assert any("py_func 'divide'" in note for note in caught.value.__notes__)


def test_the_time_is_that_of_the_run(session):
    now = tf.timestamp()
    sess = session()
    first = sess.run(now)
    assert time.time() - 60 < first <= sess.run(now) <= time.time()
