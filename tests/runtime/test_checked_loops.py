"""Checks that are added to loops fail nothing that is finite, and change nothing."""

import numpy as np
import pytest

import graphc as tf


@pytest.mark.parametrize("device", ["/cpu:0", "/reference:0"])
def test_checks_of_what_is_finite_change_nothing(device):
    x = np.random.default_rng(0).standard_normal((2, 5, 3))
    found = []
    for checked in (False, True):
        with tf.Graph().as_default(), tf.Session(device=device) as session:
            tf.set_random_seed(1)
            given = tf.placeholder(tf.float32, [None, None, 3])
            cell = tf.nn.rnn_cell.DropoutWrapper(
                tf.nn.rnn_cell.GRUCell(4, kernel_initializer=tf.ones_initializer()),
                output_keep_prob=0.5,
            )
            outputs, _ = tf.nn.dynamic_rnn(cell, given, [5, 3], dtype=tf.float32)
            grown = tf.while_loop(
                lambda rows: tf.shape(rows)[0] < 6,
                lambda rows: tf.concat([rows, rows[:1] * 0.5], 0),
                [given[0]],
                shape_invariants=[tf.TensorShape([None, 3])],
            )
            loss = tf.reduce_sum(tf.square(outputs)) + tf.reduce_sum(grown)
            train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
            check = tf.add_check_numerics_ops() if checked else tf.no_op()
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                value, _, _ = session.run([loss, train, check], {given: x})
            found.append((value, session.run(tf.trainable_variables())))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-5)
    for a, b in zip(found[1][1], found[0][1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
