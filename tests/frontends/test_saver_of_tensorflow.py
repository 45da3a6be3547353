"""A model that TensorFlow trained and saved goes on here: its graph file, then its checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import graphc as tf

TRAINED = Path(__file__).with_name("fixtures") / "trained"
FEEDS = {"x:0": np.arange(8).reshape(2, 4) / 8, "y:0": [0, 2]}


def test_a_model_of_tensorflows_says_what_it_said_there(session):
    saver = tf.train.import_meta_graph(f"{TRAINED}.meta")
    sess = session()
    saver.restore(sess, str(TRAINED))
    said = json.loads(TRAINED.with_suffix(".json").read_text())
    (logits,) = tf.get_collection("outputs")
    np.testing.assert_allclose(sess.run(logits, FEEDS), said["logits"], rtol=1e-5)
    np.testing.assert_allclose(sess.run("loss:0", FEEDS), said["loss"], rtol=1e-5)
    assert sess.run("global_step:0") == 5


def test_it_is_trained_on_by_an_optimizer_made_here(session):
    saver = tf.train.import_meta_graph(f"{TRAINED}.meta")
    loss = tf.get_default_graph().get_tensor_by_name("loss:0")
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    sess = session()
    sess.run(tf.global_variables_initializer())
    saver.restore(sess, str(TRAINED))
    first = sess.run(loss, FEEDS)
    for _ in range(5):
        sess.run(step, FEEDS)
    assert sess.run(loss, FEEDS) < first


def test_variables_collections_and_the_savers_names_come_along():
    saver = tf.train.import_meta_graph(f"{TRAINED}.meta")
    assert [v.name for v in tf.trainable_variables()] == ["net/w:0", "net/b:0", "net/v:0"]
    assert tf.get_collection("rate") == [0.5]
    assert saver.as_saver_def().variables == {
        "w": "net/w:0", "net/b": "net/b:0", "net/v": "net/v:0", "step": "global_step:0",
    }  # fmt: skip


def test_what_is_not_provided_is_left_out_and_said(monkeypatch):
    from frontends.tf.platform import logging

    said: list[str] = []
    monkeypatch.setattr(logging, "warning", lambda text, *args: said.append(text % args))
    tf.train.import_meta_graph(f"{TRAINED}.meta")
    assert len(said) == 1
    assert "ApplyAdam" in said[0]
    with pytest.raises(KeyError, match="Adam"):
        tf.get_default_graph().get_operation_by_name("Adam/update_net/w/ApplyAdam")


def test_it_may_be_imported_under_a_scope(session):
    saver = tf.train.import_meta_graph(f"{TRAINED}.meta", import_scope="old")
    sess = session()
    saver.restore(sess, str(TRAINED))
    said = json.loads(TRAINED.with_suffix(".json").read_text())
    feeds = {f"old/{name}": value for name, value in FEEDS.items()}
    np.testing.assert_allclose(sess.run("old/logits:0", feeds), said["logits"], rtol=1e-5)


def test_a_file_cut_off_is_refused(tmp_path):
    data = Path(f"{TRAINED}.meta").read_bytes()
    for length in (0, 1, 7, 100, len(data) // 2 + 1, len(data) - 1):
        (tmp_path / "m.meta").write_bytes(data[:length])
        with pytest.raises(tf.errors.DataLossError):
            tf.train.import_meta_graph(str(tmp_path / "m.meta"))
        assert tf.get_default_graph().get_operations() == []
