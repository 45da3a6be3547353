"""Checkpoints that do not fit, or are none."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


SAVED = """
    import pathlib
    kernel = tf.Variable(tf.zeros([4, 3]), name="dense/kernel")
    bias = tf.Variable(tf.zeros([3]), name="dense/bias")
    with session() as sess:
        sess.run(tf.global_variables_initializer())
        tf.train.Saver().save(sess, "model.ckpt")
    tf.reset_default_graph()
"""


def test_variables_do_not_fit_the_checkpoint(complaint, golden):
    text = complaint(
        SAVED
        + """
    w = tf.Variable(tf.zeros([3, 4]), name="dense/kernel")
    b = tf.Variable(tf.zeros([3]), name="dense_1/bias")
    tf.train.Saver().restore(session(), "model.ckpt")
"""
    )
    assert text == golden


def test_a_checkpoint_is_cut_off(complaint, golden):
    text = complaint(
        SAVED
        + """
    path = pathlib.Path("model.ckpt.safetensors")
    path.write_bytes(path.read_bytes()[:-8])
    w = tf.Variable(tf.zeros([4, 3]), name="dense/kernel")
    tf.train.Saver().restore(session(), "model.ckpt")
"""
    )
    assert text == golden


def test_a_checkpoint_is_a_pickle(complaint, golden):
    text = complaint("""
        import pathlib, pickle
        pathlib.Path("model.ckpt").write_bytes(pickle.dumps({"w": 1.0}))
        w = tf.Variable(0.0, name="w")
        tf.train.Saver().restore(session(), "model.ckpt")
    """)
    assert text == golden


def test_a_variable_is_saved_before_it_has_a_value(complaint, golden):
    text = complaint("""
        w = tf.Variable(0.0, name="w")
        tf.train.Saver().save(session(), "model.ckpt")
    """)
    assert text == golden


def test_a_graph_is_imported_into_one_that_has_its_names(complaint, golden):
    text = complaint("""
        w = tf.Variable(0.0, name="w")
        tf.train.export_meta_graph("model.meta")
        tf.train.import_meta_graph("model.meta")
    """)
    assert text == golden
