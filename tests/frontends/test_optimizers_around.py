"""What stands around optimizers: several runs as one, averages, clipping, whole training ops."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import graphc as tf


def started(sess: tf.Session) -> tf.Session:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    return sess


# --- SyncReplicasOptimizer -----------------------------------------------------------------------


def pulled(runs: int) -> tuple:
    """w pulled by a fed number, and the global step, under a momentum of so many runs."""
    w, pull = tf.Variable([1.0, 2.0], name="w"), tf.placeholder(tf.float32, [])
    counter = tf.train.get_or_create_global_step()
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.MomentumOptimizer(0.5, 0.5), runs)
    step = optimizer.minimize(tf.reduce_sum(w) * pull, global_step=counter)
    return w, pull, counter, optimizer, step


def test_the_mean_of_several_runs_is_one_step(session: Callable) -> None:
    w, pull, counter, optimizer, step = pulled(3)
    sess = started(session())
    seen = []
    for k in range(6):
        sess.run(step, {pull: float(k)})
        seen.append(
            (sess.run(w)[0], sess.run(counter), sess.run(optimizer.get_slot(w, "momentum"))[0])
        )
    assert seen == [
        (1.0, 0, 0.0), (1.0, 0, 0.0), (0.5, 1, 1.0),
        (0.5, 1, 1.0), (0.5, 1, 1.0), (-1.75, 2, 4.5),
    ]  # fmt: skip


def test_one_replica_is_the_optimizer_inside(session: Callable) -> None:
    w, pull, counter, optimizer, step = pulled(1)
    sess = session()
    sess.run(tf.global_variables_initializer())
    for k in (1.0, 2.0):
        sess.run(step, {pull: k})
    np.testing.assert_array_equal(sess.run(w), [1.0 - 0.5 - 0.5 * 2.5, 2.0 - 0.5 - 0.5 * 2.5])
    assert sess.run(counter) == 2
    assert optimizer.variables() == [optimizer.get_slot(w, "momentum")]
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == [step]


def test_what_other_machines_had_does_nothing(session: Callable) -> None:
    optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.5), 2)
    for asked in (optimizer.get_chief_queue_runner, optimizer.get_init_tokens_op):
        with pytest.raises(ValueError, match="should be called after apply_gradients"):
            asked()
    w = tf.Variable(1.0)
    with pytest.raises(ValueError, match="needs global_step"):
        optimizer.minimize(w * 2.0)
    optimizer.minimize(w * 2.0, global_step=tf.train.get_or_create_global_step())
    assert optimizer.get_chief_queue_runner().create_threads(None) == []
    sess = session()
    sess.run([tf.global_variables_initializer(), optimizer.get_init_tokens_op()])
    assert len(sess.run(optimizer.ready_for_local_init_op)) == 0
    hook = optimizer.make_session_run_hook(is_chief=True)
    hook.begin()
    hook.after_create_session(sess, None)
    assert len(sess.run(tf.report_uninitialized_variables())) == 0


# --- averages and clipping -----------------------------------------------------------------------


def test_a_swapping_saver_saves_averages_in_place_of_weights(
    session: Callable, tmp_path: Path
) -> None:
    w = tf.Variable([4.0], name="w")
    optimizer = tf.contrib.opt.MovingAverageOptimizer(
        tf.train.GradientDescentOptimizer(1.0), average_decay=0.5
    )
    with pytest.raises(RuntimeError, match="before swapping_saver"):
        optimizer.swapping_saver()
    step = optimizer.minimize(tf.reduce_sum(w))
    sess = started(session())
    sess.run(step)
    average = optimizer._ema.average(w)
    assert [float(v[0]) for v in sess.run([w, average])] == [3.0, 3.5]
    path = optimizer.swapping_saver().save(sess, str(tmp_path / "model"))
    tf.train.Saver().restore(sess, path)
    assert [float(v[0]) for v in sess.run([w, average])] == [3.5, 3.0]
    optimizer.swapping_saver().restore(sess, path)
    assert [float(v[0]) for v in sess.run([w, average])] == [3.0, 3.5]


def test_clipped_variables_keep_the_rows_that_no_gradient_names(session: Callable) -> None:
    table = tf.Variable(np.full((3, 2), 10.0, np.float32))
    optimizer = tf.contrib.opt.VariableClippingOptimizer(
        tf.train.GradientDescentOptimizer(0.0), {table: [1]}, max_norm=5.0
    )
    step = optimizer.minimize(tf.reduce_sum(tf.gather(table, [2, 0, 2])))
    sess = started(session())
    sess.run(step)
    norms = np.linalg.norm(sess.run(table), axis=1)
    np.testing.assert_allclose(norms, [5.0, 200**0.5, 5.0], rtol=1e-6)


def test_only_chosen_variables_decay(session: Callable) -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    optimizer = tf.contrib.opt.MomentumWOptimizer(0.5, learning_rate=0.0, momentum=0.9)
    step = optimizer.minimize(a + b, decay_var_list=[a])
    sess = started(session())
    sess.run(step)
    assert sess.run([a, b]) == [0.5, 1.0]


# --- whole training ops --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer",
    [
        "SGD",
        tf.train.GradientDescentOptimizer,
        lambda rate: tf.train.GradientDescentOptimizer(rate),
    ],
    ids=["name", "class", "function"],
)
def test_optimize_loss_clips_scales_and_counts(session: Callable, optimizer: object) -> None:
    a, b = tf.Variable(0.0, name="a"), tf.Variable(0.0, name="b")
    counter = tf.train.get_or_create_global_step()
    moved = tf.Variable(0.0, trainable=False)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, moved.assign_add(1.0))
    train = tf.contrib.layers.optimize_loss(
        3.0 * a + 2.0 * b, counter, learning_rate=1.0, optimizer=optimizer,
        gradient_multipliers={"b": 2.0}, clip_gradients=1.0,
        learning_rate_decay_fn=lambda rate, step: rate / tf.cast(step + 1, tf.float32),
        summaries=tf.contrib.layers.OPTIMIZER_SUMMARIES,
    )  # fmt: skip
    tags = {t.op.name for t in tf.get_collection(tf.GraphKeys.SUMMARIES)}
    assert {"OptimizeLoss/loss", "OptimizeLoss/global_norm/gradient_norm"} <= tags
    assert {"OptimizeLoss/gradients/a", "OptimizeLoss/gradient_norm/b"} <= tags
    assert "OptimizeLoss/learning_rate" in [v.op.name for v in tf.global_variables()]
    sess = started(session())
    assert sess.run(train) == 0.0
    np.testing.assert_allclose(sess.run([a, b]), [-0.6, -0.8], rtol=1e-6)
    sess.run(train)
    np.testing.assert_allclose(sess.run([a, b]), [-0.9, -1.2], rtol=1e-6)
    assert sess.run([counter, moved]) == [2, 2.0]


def test_optimize_loss_refuses_what_it_does_not_know() -> None:
    w = tf.Variable(0.0)
    counter = tf.train.get_or_create_global_step()
    refused = {
        "Optimizer name should be one of": {"optimizer": "Speed"},
        "Unrecognized optimizer": {"optimizer": 3},
        "summaries should be one of": {"summaries": ["weights"]},
        "Unknown type": {"clip_gradients": "much"},
        "Invalid learning_rate": {"learning_rate": "fast"},
    }
    for message, changed in refused.items():
        given = {"learning_rate": 0.1, "optimizer": "SGD", **changed}
        with pytest.raises(ValueError, match=message):
            tf.contrib.layers.optimize_loss(w * 1.0, counter, **given)


def test_create_train_op_gives_the_loss_and_refuses_nan(session: Callable) -> None:
    w, pull = tf.Variable([0.0, 0.0], name="w"), tf.placeholder(tf.float32, [2])
    train = tf.contrib.training.create_train_op(
        tf.reduce_sum(w * pull) + 1.0, tf.train.GradientDescentOptimizer(1.0),
        transform_grads_fn=tf.contrib.training.clip_gradient_norms_fn(5.0),
        summarize_gradients=True,
    )  # fmt: skip
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == 2
    sess = started(session())
    assert sess.run(train, {pull: [6.0, 8.0]}) == 1.0
    np.testing.assert_allclose(sess.run(w), [-3.0, -4.0], rtol=1e-6)
    assert sess.run(tf.train.get_global_step()) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="LossTensor is inf or nan"):
        sess.run(train, {pull: [np.nan, 0.0]})


# --- constraints ---------------------------------------------------------------------------------


def test_constraints_are_those_of_keras(session: Callable) -> None:
    made = tf.keras.constraints
    w = tf.constant([[3.0, 0.1], [4.0, -0.1]])
    got = session().run(
        [
            made.MaxNorm(2.0)(w), made.max_norm(2.0, axis=1)(w), made.UnitNorm()(w),
            made.NonNeg()(w), made.MinMaxNorm(0.5, 2.0, 0.5)(w),
        ]
    )  # fmt: skip
    wanted = [
        [[1.2, 0.09999993], [1.6, -0.09999993]],
        [[1.9988898, 0.06662966], [1.9993753, -0.04998438]],
        [[0.6, 0.70710623], [0.8, -0.70710623]],
        [[3.0, 0.1], [4.0, 0.0]],
        [[2.1, 0.22677653], [2.8, -0.22677653]],
    ]
    for found, expected in zip(got, wanted, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert made.MaxNorm(3.0, axis=[0, 1]).get_config() == {"max_value": 3.0, "axis": [0, 1]}


def test_a_layer_keeps_its_constraint_through_training(session: Callable) -> None:
    x = tf.constant(np.ones((1, 4), np.float32))
    y = tf.layers.dense(x, 3, kernel_constraint=tf.keras.constraints.MaxNorm(0.5))
    step = tf.train.AdamOptimizer(0.3).minimize(-tf.reduce_sum(y))
    sess = started(session())
    for _ in range(5):
        sess.run(step)
    (kernel,) = sess.run(tf.trainable_variables()[:1])
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), [0.5] * 3, rtol=1e-5)
