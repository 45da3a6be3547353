"""tf.train.Saver: what is saved comes back, all of it or an error that names what does not fit."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import graphc as tf
from runtime.checkpoint.tensor_file import TensorFile

BUNDLES = Path(__file__).parents[1] / "runtime" / "bundles"


@pytest.fixture(autouse=True)
def no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_LINT", "off")


def two(session):
    """Variables w and b, and a session that has given them values."""
    w = tf.Variable(np.arange(6, dtype=np.float32).reshape(2, 3), name="w")
    b = tf.Variable([1.5, 2.5], name="b")
    sess = session()
    sess.run(tf.global_variables_initializer())
    return w, b, sess


# --- save and restore ----------------------------------------------------------------------------


def test_values_come_back_in_another_session(session, tmp_path):
    w, b, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "model.ckpt"))
    assert prefix == str(tmp_path / "model.ckpt")
    other = session()
    tf.train.Saver().restore(other, prefix)
    found = other.run([w, b])
    np.testing.assert_array_equal(found[0], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(found[1], [1.5, 2.5])


def test_a_session_that_has_run_takes_restored_values(session, tmp_path):
    w, _, sess = two(session)
    saver = tf.train.Saver()
    more = w.assign_add(tf.ones([2, 3]))
    prefix = saver.save(sess, str(tmp_path / "m"))
    for _ in range(3):
        sess.run(more)
    saver.restore(sess, prefix)
    np.testing.assert_array_equal(sess.run(more), np.arange(6).reshape(2, 3) + 1)


def test_writing_restored_variables_leaves_the_file_alone(session, tmp_path):
    w = tf.Variable(tf.zeros([64, 64]), name="w")
    more = w.assign_add(tf.ones([64, 64]))
    sess = session()
    sess.run(w.initializer)
    saver = tf.train.Saver()
    prefix = saver.save(sess, str(tmp_path / "m"))
    data = Path(prefix + ".safetensors").read_bytes()
    other = session()
    saver.restore(other, prefix)
    other.run(more)
    assert Path(prefix + ".safetensors").read_bytes() == data
    assert other.run(w)[0, 0] == 1


def test_large_variables_of_a_fresh_session_are_the_files_own_pages(tmp_path):
    w = tf.Variable(tf.ones([256, 256]), name="w")
    with tf.Session() as sess:
        sess.run(w.initializer)
        prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Session() as sess:
        tf.train.Saver().restore(sess, prefix)
        assert not sess.variables.array("w").flags.owndata
        base = sess.variables.array("w")
        while isinstance(base, np.ndarray):
            base = base.base
        assert type(base).__name__ in ("mmap", "memoryview")
        assert sess.run(tf.reduce_sum(w)) == 256 * 256


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(True, tf.bool), (3, tf.int64), (0.1, tf.float64), (2, tf.uint8), (-1.5, tf.float16)],
)
def test_every_dtype_comes_back(session, tmp_path, value, dtype):
    v = tf.Variable(tf.constant(value, dtype), name="v")
    sess = session()
    sess.run(v.initializer)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    other = session()
    tf.train.Saver().restore(other, prefix)
    assert other.run(v) == sess.run(v)
    assert tf.train.load_variable(prefix, "v").dtype == dtype.numpy


@pytest.mark.parametrize("step", [7, np.int32(7), "tensor", "variable"])
def test_the_global_step_ends_the_prefix(session, tmp_path, step):
    tf.Variable(0.0, name="w")
    counter = tf.Variable(7, name="step", trainable=False)
    sess = session()
    sess.run(tf.global_variables_initializer())
    given = {"tensor": tf.constant(7), "variable": counter}.get(step, step)  # type: ignore[call-overload]
    assert tf.train.Saver().save(sess, str(tmp_path / "m"), global_step=given).endswith("/m-7")


def test_the_step_is_padded_when_asked(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver(pad_step_number=True).save(sess, str(tmp_path / "m"), global_step=7)
    assert prefix.endswith("/m-00000007")


def test_a_list_saves_a_part_and_a_dict_renames(session, tmp_path):
    w, b, sess = two(session)
    part = tf.train.Saver([w]).save(sess, str(tmp_path / "part"))
    assert tf.train.list_variables(part) == [("w", [2, 3])]
    renamed = tf.train.Saver({"old/w": w, "old/b": b}).save(sess, str(tmp_path / "renamed"))
    assert [n for n, _ in tf.train.list_variables(renamed)] == ["old/b", "old/w"]
    other = session()
    tf.train.Saver({"old/b": b}).restore(other, renamed)
    np.testing.assert_array_equal(other.run(b), [1.5, 2.5])
    with pytest.raises(tf.errors.FailedPreconditionError):
        other.run(w)


def test_the_formats_library_reads_a_checkpoint(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    found = load_file(prefix + ".safetensors")
    np.testing.assert_array_equal(found["b"], np.float32([1.5, 2.5]))


def test_reshape_restores_other_shapes_of_as_many_elements(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default() as graph:
        w = tf.Variable(tf.zeros([3, 2]), name="w")
        other = session(graph=graph)
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.train.Saver().restore(other, prefix)
        tf.train.Saver(reshape=True).restore(other, prefix)
        np.testing.assert_array_equal(other.run(w), np.arange(6).reshape(3, 2))


def test_a_bundle_of_tensorflows_is_restored(session):
    w0 = tf.Variable(tf.zeros([3, 2]), name="w0")
    rows = tf.Variable(tf.zeros([200, 3]), name="rows")
    sess = session()
    tf.train.Saver({"w0": w0, "sliced/rows": rows}).restore(sess, str(BUNDLES / "slices"))
    assert sess.run(w0).tolist() == [[3, 3]] * 3
    np.testing.assert_array_equal(sess.run(rows).ravel(), np.arange(600))


# --- a run that is resumed -----------------------------------------------------------------------


def trained(seed):
    """A model with dropout and noise; (loss, train op, feeds)."""
    tf.set_random_seed(seed)
    x = tf.placeholder(tf.float32, [None, 8])
    h = tf.nn.dropout(tf.layers.dense(x, 16, tf.nn.relu), 0.5)
    loss = tf.reduce_mean(tf.square(tf.layers.dense(h, 1) + tf.random_normal([1], seed=4)))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    return loss, train, {x: np.random.default_rng(0).random((12, 8), np.float32)}


def test_a_resumed_run_is_bit_equal_to_one_that_never_stopped(session, tmp_path):
    loss, train, feeds = trained(3)
    saver = tf.train.Saver()
    sess = session()
    sess.run(tf.global_variables_initializer())
    for _ in range(3):
        sess.run(train, feeds)
    prefix = saver.save(sess, str(tmp_path / "m"))
    uninterrupted = [sess.run([loss, train], feeds)[0] for _ in range(4)]
    fresh, used = session(), session()
    used.run(tf.global_variables_initializer())
    used.run([loss, train], feeds)
    for resumed in (fresh, used, sess):
        saver.restore(resumed, prefix)
        assert [resumed.run([loss, train], feeds)[0] for _ in range(4)] == uninterrupted


def test_a_saver_of_a_part_leaves_random_ops_alone(session, tmp_path):
    w = tf.Variable(0.0, name="w")
    tf.Variable(0.0, name="other")
    draw = tf.random_uniform([], seed=1)
    sess = session()
    sess.run(tf.global_variables_initializer())
    whole, part = tf.train.Saver(), tf.train.Saver([w])
    prefix = whole.save(sess, str(tmp_path / "m"))
    first = sess.run(draw)
    part.restore(sess, prefix)
    assert sess.run(draw) != first
    whole.restore(sess, prefix)
    assert sess.run(draw) == first


def test_unseeded_random_ops_are_fresh_after_a_restore(session, tmp_path):
    tf.Variable(0.0, name="w")
    draw = tf.random_uniform([])
    sess = session()
    sess.run(tf.global_variables_initializer())
    saver = tf.train.Saver()
    first = sess.run(draw)
    prefix = saver.save(sess, str(tmp_path / "m"))
    saver.restore(sess, prefix)
    assert sess.run(draw) != first


def test_a_save_beside_a_run_sees_all_of_the_run_or_nothing(session, tmp_path):
    first = tf.Variable(tf.zeros([50_000]), name="first")
    second = tf.Variable(tf.zeros([]), name="second")
    more = tf.group(first.assign_add(tf.ones([50_000])), second.assign_add(1.0))
    sess = session()
    sess.run(tf.global_variables_initializer())
    saver = tf.train.Saver()
    over = threading.Event()

    def train() -> None:
        while not over.is_set():
            sess.run(more)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        for step in range(12):
            prefix = saver.save(sess, str(tmp_path / "m"), step, write_meta_graph=False)
            values = tf.train.load_variable(prefix, "first")
            assert (values == tf.train.load_variable(prefix, "second")).all()
    finally:
        over.set()
        thread.join()


# --- what does not fit ---------------------------------------------------------------------------


def test_one_error_names_all_that_does_not_fit_and_nothing_changes(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default() as graph:
        variables = [
            tf.Variable(tf.zeros([2]), name="b"), tf.Variable(tf.zeros([2, 2]), name="w"),
            tf.Variable(0.0, name="w_1"), tf.Variable(0.0, name="wholly/different"),
        ]  # fmt: skip
        other = session(graph=graph)
        other.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.NotFoundError) as caught:
            tf.train.Saver().restore(other, prefix)
        assert not other.run(variables[0]).any()
    text = str(caught.value)
    assert "cannot restore 3 of 4 variables (2 missing, 1 of another shape or dtype)" in text
    assert "nothing was changed" in text
    assert "float32[2, 2] here" in text
    assert "float32[2, 3] in the checkpoint" in text
    assert "test_saver.py" in text


def test_a_near_name_is_hinted(session, tmp_path):
    tf.Variable(0.0, name="dense/kernel")
    sess = session()
    sess.run(tf.global_variables_initializer())
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default() as graph:
        tf.Variable(0.0, name="dense_1/kernel")
        with pytest.raises(tf.errors.NotFoundError, match="near: dense/kernel"):
            tf.train.Saver().restore(session(graph=graph), prefix)


def test_another_dtype_is_an_invalid_argument(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default() as graph:
        tf.Variable(tf.zeros([2], tf.float64), name="b")
        with pytest.raises(tf.errors.InvalidArgumentError, match="float64"):
            tf.train.Saver().restore(session(graph=graph), prefix)


def test_a_value_that_cannot_be_read_changes_nothing(session, tmp_path):
    for path in BUNDLES.glob("slices.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "slices.data-00002-of-00003").write_bytes(b"short")
    names = ("w0", "w1")
    variables = [tf.Variable(tf.zeros([3, 2]), name=name) for name in names]
    sess = session()
    sess.run(tf.global_variables_initializer())
    with pytest.raises(tf.errors.DataLossError):
        tf.train.Saver().restore(sess, str(tmp_path / "slices"))
    assert not np.any(sess.run(variables))


@pytest.mark.parametrize("content", [b"", b"text\n" * 9, pickle.dumps({"w": 1})])
@pytest.mark.parametrize("name", ["m.safetensors", "m"])
def test_foreign_files_are_refused(session, tmp_path, content, name):
    _, _, sess = two(session)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        tf.train.Saver().restore(sess, str(tmp_path / "m"))


def test_an_npz_is_refused(session, tmp_path):
    _, _, sess = two(session)
    np.savez(tmp_path / "m.npz", w=np.zeros(3))
    with pytest.raises(tf.errors.DataLossError, match="zip archive"):
        tf.train.Saver().restore(sess, str(tmp_path / "m.npz"))


def test_no_checkpoint_and_no_path_are_said(session, tmp_path):
    _, _, sess = two(session)
    saver = tf.train.Saver()
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        saver.restore(sess, str(tmp_path / "nothing"))
    with pytest.raises(ValueError, match="not a valid checkpoint"):
        saver.restore(sess, str(tmp_path))
    with pytest.raises(ValueError, match="when it is None"):
        saver.restore(sess, None)


def test_counts_that_cannot_be_are_refused(session, tmp_path):
    _, _, sess = two(session)
    saver = tf.train.Saver()
    prefix = saver.save(sess, str(tmp_path / "m"))
    path = Path(prefix + ".safetensors")
    data = path.read_bytes()
    assert b'"graphc.random":"[]"' in data
    path.write_bytes(data.replace(b'"graphc.random":"[]"', b'"graphc.random":"[3"'))
    with pytest.raises(tf.errors.DataLossError, match=r"graphc\.random"):
        saver.restore(sess, prefix)


# --- saving that fails ---------------------------------------------------------------------------


def test_a_missing_folder_is_made_as_tensorflow_makes_it(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "a" / "m"))
    assert tf.train.latest_checkpoint(str(tmp_path / "a")) == prefix


def test_a_folder_that_cannot_be_is_said_as_tensorflow_says_it(session, tmp_path):
    _, _, sess = two(session)
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "a" / "b"):
        path = str(folder / "m")
        words = f"Parent directory of {path} doesn't exist, can't save."
        with pytest.raises(ValueError, match=words):
            tf.train.Saver().save(sess, path)


def test_a_variable_without_a_value_is_named(session, tmp_path):
    tf.Variable(0.0, name="forgotten")
    with pytest.raises(tf.errors.FailedPreconditionError, match="forgotten"):
        tf.train.Saver().save(session(), str(tmp_path / "m"))
    assert os.listdir(tmp_path) == []


def test_a_disk_that_is_full_leaves_the_latest_checkpoint(session, tmp_path):
    w = tf.Variable(tf.ones([1 << 16]), name="w")
    more = w.assign_add(w)
    sess = session()
    sess.run(w.initializer)
    saver = tf.train.Saver()
    first = saver.save(sess, str(tmp_path / "m"), global_step=1)
    sess.run(more)
    files = sorted(os.listdir(tmp_path))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 17, hard))
    try:
        for step in (1, 2):
            with pytest.raises(tf.errors.ResourceExhaustedError, match="as they were"):
                saver.save(sess, str(tmp_path / "m"), global_step=step)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(os.listdir(tmp_path)) == files
    assert tf.train.latest_checkpoint(str(tmp_path)) == first
    saver.restore(sess, first)
    assert sess.run(w)[0] == 1


def test_a_folder_that_may_not_be_written_is_said(session, tmp_path, monkeypatch):
    _, _, sess = two(session)
    real = os.open

    def refuse(path: str, flags: int, *rest: object, **more: object) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(tf.errors.PermissionDeniedError, match="Permission denied"):
        tf.train.Saver().save(sess, str(tmp_path / "m"))


def test_an_interrupt_waits_until_a_restore_is_whole(session, tmp_path, monkeypatch):
    w, b, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    sess.run(tf.group(w.assign(w * 0), b.assign(b * 0)))
    store = sess.variables
    place = type(store)._place_for

    def interrupted(*args):
        signal.raise_signal(signal.SIGINT)
        return place(*args)

    monkeypatch.setattr(type(store), "_place_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tf.train.Saver().restore(sess, prefix)
    assert sess.run(w)[1, 2] == 5
    assert sess.run(b)[1] == 2.5


def test_a_name_the_format_uses_is_refused(session, tmp_path):
    w, _, sess = two(session)
    with pytest.raises(ValueError, match="the format uses that name"):
        tf.train.Saver({"__metadata__": w}).save(sess, str(tmp_path / "m"))
    assert os.listdir(tmp_path) == []


def test_a_session_of_another_graph_and_what_is_none_are_refused(session, tmp_path):
    two(session)
    saver = tf.train.Saver()
    with pytest.raises(ValueError, match="another graph"):
        saver.save(session(graph=tf.Graph()), str(tmp_path / "m"))
    with pytest.raises(TypeError, match="must be a Session"):
        saver.save(None, str(tmp_path / "m"))


def test_var_lists_that_are_none_are_refused():
    with pytest.raises(ValueError, match="No variables to save"):
        tf.train.Saver()
    v = tf.Variable(0.0, name="v")
    with pytest.raises(TypeError, match="not a Variable"):
        tf.train.Saver([tf.constant(1.0)])
    with pytest.raises(ValueError, match="At least two variables have the same name: v"):
        tf.train.Saver([v, v])
    with pytest.raises(TypeError, match="dict or a list"):
        tf.train.Saver(v)
    with pytest.raises(ValueError, match="with two names: b"):
        tf.train.Saver({"a": v, "b": v})
    with pytest.raises(ValueError, match="deferred"):
        tf.train.Saver([v], defer_build=True)


def test_an_empty_saver_saves_nothing(session, tmp_path):
    saver = tf.train.Saver(allow_empty=True)
    sess = session()
    assert saver.save(sess, str(tmp_path / "m"), write_meta_graph=False) is None
    saver.restore(sess, None)
    assert os.listdir(tmp_path) == []


def test_a_deferred_saver_has_the_variables_of_its_build(session, tmp_path):
    saver = tf.train.Saver(defer_build=True)
    _, _, sess = two(session)
    with pytest.raises(RuntimeError, match="build"):
        saver.save(sess, str(tmp_path / "m"))
    saver.build()
    prefix = saver.save(sess, str(tmp_path / "m"))
    assert len(tf.train.list_variables(prefix)) == 2


def test_a_file_holds_no_more_than_the_variables(session, tmp_path):
    _, _, sess = two(session)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    assert TensorFile(prefix + ".safetensors").entries.keys() == {"w", "b"}
    assert sorted(os.listdir(tmp_path)) == ["checkpoint", "m.meta", "m.safetensors"]
