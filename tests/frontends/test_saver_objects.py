"""tf.train.Checkpoint: objects saved by the way their variables are reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import graphc as tf

BUNDLES = Path(__file__).parents[1] / "runtime" / "bundles"


@pytest.fixture(autouse=True)
def no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_LINT", "off")


class Model:
    def __init__(self, start: float) -> None:
        self.kernel = tf.Variable(tf.fill([2, 2], start))
        self.bias = tf.Variable(tf.fill([2], start))


def test_objects_come_back_under_other_names(session, tmp_path):
    checkpoint = tf.train.Checkpoint(model=Model(2.0), rest=[tf.Variable(5), {"a": tf.Variable(6)}])
    sess = session()
    sess.run(tf.global_variables_initializer())
    prefix = checkpoint.save(str(tmp_path / "c"), session=sess)
    assert prefix == str(tmp_path / "c-1")
    assert checkpoint.save(str(tmp_path / "c"), session=sess) == str(tmp_path / "c-2")
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "c-2")
    names = [name for name, _ in tf.train.list_variables(prefix)]
    assert "model/kernel/.ATTRIBUTES/VARIABLE_VALUE" in names
    assert "rest/1/a/.ATTRIBUTES/VARIABLE_VALUE" in names
    model, number = Model(0.0), tf.Variable(0)
    again = tf.train.Checkpoint(model=model, rest=[number, {"a": tf.Variable(0)}])
    other = session()
    again.restore(prefix).assert_consumed().run_restore_ops(other)
    assert (other.run(model.kernel) == 2).all()
    assert other.run(number) == 5
    assert again.save(str(tmp_path / "d"), session=other).endswith("d-2")


def test_optimizers_bring_their_slots(session, tmp_path):
    def made(seed):
        model = Model(1.0)
        optimizer = tf.train.AdamOptimizer(0.1)
        loss = tf.reduce_sum(tf.square(model.kernel - 3.0)) + tf.reduce_sum(model.bias)
        step = optimizer.minimize(loss, var_list=[model.kernel, model.bias])
        return tf.train.Checkpoint(model=model, optimizer=optimizer), model, step

    checkpoint, model, step = made(0)
    sess = session()
    sess.run(tf.global_variables_initializer())
    sess.run(step)
    prefix = checkpoint.write(str(tmp_path / "c"), session=sess)
    sess.run(step)
    names = dict(tf.train.list_variables(prefix))
    assert "model/kernel/.OPTIMIZER_SLOT/optimizer/m/.ATTRIBUTES/VARIABLE_VALUE" in names
    second, other_model, other_step = made(1)
    other = session()
    with other.as_default():
        second.restore(prefix).assert_nontrivial_match().initialize_or_restore()
        other.run(other_step)
    np.testing.assert_array_equal(other.run(other_model.kernel), sess.run(model.kernel))


def test_a_checkpoint_of_tensorflows_is_restored(session):
    model, step = Model(0.0), tf.Variable(0, dtype=tf.int64)
    checkpoint = tf.train.Checkpoint(model=model, step=step)
    sess = session()
    checkpoint.restore(str(BUNDLES / "objects")).assert_consumed().run_restore_ops(sess)
    np.testing.assert_array_equal(sess.run(model.kernel), np.eye(2))
    assert sess.run(step) == 7


def test_what_does_not_match_is_said_when_asked(session):
    checkpoint = tf.train.Checkpoint(model=Model(4.0), more=tf.Variable(8.0))
    status = checkpoint.restore(str(BUNDLES / "objects"))
    with pytest.raises(AssertionError, match="more"):
        status.assert_existing_objects_matched()
    with pytest.raises(AssertionError, match="step"):
        tf.train.Checkpoint(model=checkpoint.model).restore(
            str(BUNDLES / "objects")
        ).assert_consumed()
    sess = session()
    status.expect_partial().initialize_or_restore(sess)
    assert sess.run(checkpoint.more) == 8


def test_no_path_gives_initial_values(session):
    checkpoint = tf.train.Checkpoint(v=tf.Variable(3.0))
    sess = session()
    checkpoint.restore(None).initialize_or_restore(sess)
    assert sess.run(checkpoint.v) == 3


def test_no_session_is_said(tmp_path):
    with pytest.raises(ValueError, match="no default session"):
        tf.train.Checkpoint(v=tf.Variable(3.0)).save(str(tmp_path / "c"))
