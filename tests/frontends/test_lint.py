"""Mistakes a model runs with are warned of once, at the line, with the fix; right models are
silent."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ModelWarning
from runtime.advice import GROWTH_WARNS_AT


def advice(fetches, feeds=None, session=None):
    """The rules that a first run of ``fetches`` sets off, with their warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if session is None:
            with tf.Session(device="/reference:0") as session:
                session.run(tf.global_variables_initializer())
                session.run(fetches, feeds)
        else:
            session.run(fetches, feeds)
    found = [w for w in caught if issubclass(w.category, ModelWarning)]
    return {str(w.message).splitlines()[0].rpartition("[")[2].rstrip("]"): w for w in found}


def regression(label_shape, prediction_shape=(None, 1)):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.placeholder(tf.float32, label_shape, name="y")
    w = tf.get_variable("w", [3, 1])
    prediction = tf.reshape(tf.matmul(x, w), [-1 if n is None else n for n in prediction_shape])
    feeds = {x: np.ones((4, 3)), y: np.ones([4 if n is None else n for n in label_shape])}
    return prediction, y, feeds


def test_a_row_of_labels_against_a_column_of_predictions():
    prediction, y, feeds = regression([None])
    loss = tf.reduce_mean(tf.square(prediction - y))
    found = advice(loss, feeds)
    assert list(found) == ["column-against-row"]
    warning = found["column-against-row"]
    assert os.path.samefile(warning.filename, __file__)
    text = str(warning.message)
    assert "loss = tf.reduce_mean(tf.square(prediction - y))" in text
    assert "tf.squeeze('Reshape:0', axis=1)" in text


def test_labels_and_predictions_of_one_shape_are_silent():
    prediction, y, feeds = regression([None, 1])
    assert not advice(tf.reduce_mean(tf.square(prediction - y)), feeds)


def test_a_table_of_all_pairs_that_is_no_loss_is_silent():
    prediction, y, feeds = regression([None])
    assert not advice(prediction - y, feeds)


def test_all_pairs_on_purpose_are_silent():
    x, y = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
    kernel = tf.reduce_mean(tf.exp(-tf.square(x - y[:, tf.newaxis])))
    assert not advice(kernel, {x: np.ones(4), y: np.ones(4)})


def test_a_row_and_a_column_of_different_lengths_are_silent():
    x, y = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None, 1])
    total = tf.reduce_sum(x - y)
    assert not advice(total, {x: np.ones(4), y: np.ones((3, 1))})


def test_softmax_before_softmax_cross_entropy():
    logits = tf.nn.softmax(tf.get_variable("w", [4, 3]))
    loss = tf.losses.softmax_cross_entropy(tf.one_hot([0, 1, 2, 0], 3), logits)
    assert list(advice(loss)) == ["softmax-twice"]


def test_sigmoid_before_sigmoid_cross_entropy():
    p = tf.sigmoid(tf.get_variable("w", [4, 1]))
    loss = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones([4, 1]), logits=p)
    assert list(advice(loss)) == ["softmax-twice"]


def test_softmax_beside_the_loss_is_silent():
    logits = tf.get_variable("w", [4, 3])
    shares = tf.nn.softmax(logits)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 1, 2, 0], logits=logits)
    assert not advice([loss, shares])


def test_class_numbers_in_a_squared_error():
    y = tf.placeholder(tf.int32, [None, 1])
    prediction = tf.matmul(tf.ones([4, 3]), tf.get_variable("w", [3, 1]))
    feeds = {y: np.ones((4, 1), np.int32)}
    assert list(advice(tf.losses.mean_squared_error(y, prediction), feeds)) == ["integer-labels"]


def test_class_numbers_one_hot_in_a_cross_entropy_are_silent():
    y = tf.placeholder(tf.int32, [None])
    logits = tf.matmul(tf.ones([4, 3]), tf.get_variable("w", [3, 2]))
    loss = tf.losses.softmax_cross_entropy(tf.one_hot(y, 2), logits)
    assert not advice(loss, {y: np.zeros(4, np.int32)})


def dropped(keep):
    w = tf.get_variable("w", [8, 2])
    y = tf.nn.dropout(tf.matmul(tf.ones([4, 8]), w), keep)
    loss = tf.reduce_mean(tf.square(y))
    return loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss)


def test_dropout_active_in_a_run_that_trains_nothing():
    keep = tf.placeholder_with_default(0.5, [])
    loss, train = dropped(keep)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert not advice([loss, train], session=session)
        assert not advice(loss, {keep: 1.0}, session=session)
        found = advice(loss, session=session)
    assert list(found) == ["dropout-when-evaluating"]
    assert "drops 50% of its elements" in str(found["dropout-when-evaluating"].message)


def test_dropout_behind_a_training_flag_is_judged_by_the_flag():
    training = tf.placeholder(tf.bool, [])
    w = tf.get_variable("w", [8, 2])
    y = tf.layers.dropout(tf.matmul(tf.ones([4, 8]), w), 0.5, training=training)
    loss = tf.reduce_mean(tf.square(y))
    tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    assert not advice(loss, {training: False})
    assert list(advice(loss, {training: True})) == ["dropout-when-evaluating"]


def test_a_variable_the_loss_does_not_reach():
    used, idle = tf.get_variable("used", [2]), tf.get_variable("idle", [2])
    loss = tf.reduce_sum(used * tf.cast(tf.argmax(idle), tf.float32))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    found = advice(train)
    assert list(found) == ["unreached-variables"]
    text = str(found["unreached-variables"].message)
    assert "does not reach idle:0" in text
    assert 'tf.get_variable("idle", [2])' in text


def test_a_variable_that_another_loss_updates_is_silent():
    first, second = tf.get_variable("first", [2]), tf.get_variable("second", [2])
    steps = [
        tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(v)))
        for v in (first, second)
    ]
    assert not advice(steps)


def normalised():
    x = tf.get_variable("w", [8, 3])
    y = tf.layers.batch_normalization(x, training=True)
    return tf.reduce_mean(tf.square(y - 1.0))


def test_moving_averages_that_nothing_updates():
    train = tf.train.GradientDescentOptimizer(0.1).minimize(normalised())
    found = advice(train)
    assert list(found) == ["updates-not-run"]
    assert "tf.GraphKeys.UPDATE_OPS" in str(found["updates-not-run"].message)


@pytest.mark.parametrize("how", ["control", "fetched"])
def test_moving_averages_that_run_are_silent(how):
    loss = normalised()
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with tf.control_dependencies(updates if how == "control" else []):
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    assert not advice([train, updates] if how == "fetched" else train)


def test_operations_created_in_a_loop():
    x = tf.placeholder(tf.float32, [])
    with warnings.catch_warnings(record=True) as caught, tf.Session() as session:
        warnings.simplefilter("always")
        for k in range(GROWTH_WARNS_AT + 3):
            session.run(x * float(k), {x: 1.0})
    (warning,) = caught
    assert warning.category is ModelWarning
    assert "growing-graph" in str(warning.message)


def test_a_remark_is_made_once():
    prediction, y, feeds = regression([None])
    loss = tf.reduce_mean(tf.square(prediction - y))
    assert advice(loss, feeds)
    assert not advice(loss, feeds)


def test_remarks_can_be_silenced(monkeypatch):
    monkeypatch.setenv("GRAPHC_LINT", "off")
    prediction, y, feeds = regression([None])
    assert not advice(tf.reduce_mean(tf.square(prediction - y)), feeds)


def test_the_warning_shows_the_line_of_the_script(tmp_path):
    script = tmp_path / "model.py"
    script.write_text(
        "import graphc as tf\n"
        "w = tf.get_variable('w', [4, 3], initializer=tf.ones_initializer())\n"
        "loss = tf.nn.softmax_cross_entropy_with_logits(\n"
        "    labels=tf.one_hot([0, 1, 2, 0], 3), logits=tf.nn.softmax(w))\n"
        "with tf.Session(device='/reference:0') as sess:\n"
        "    sess.run(tf.global_variables_initializer())\n"
        "    sess.run(loss)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )  # fmt: skip
    assert "model.py:3: ModelWarning: softmax_cross_entropy_with_logits takes logits" in done.stderr
    assert "hint: pass what went into the softmax" in done.stderr
