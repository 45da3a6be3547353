"""export_meta_graph and import_meta_graph: a graph goes on in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest

import graphc as tf

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHC_LINT", "off")


def model() -> None:
    """A small network with everything a file must carry."""
    tf.set_random_seed(5)
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    y = tf.placeholder(tf.int64, [None], name="y")
    table = tf.constant(np.linspace(0, 1, 100, dtype=np.float32).reshape(25, 4), name="table")
    with tf.variable_scope("net"):
        h = tf.layers.dense(x + table[3], 8, tf.nn.tanh)
        h = tf.nn.dropout(h, 0.7)
        logits = tf.layers.dense(h, 3, name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, global_step=step, name="train")
    tf.add_to_collection("steps", train)
    tf.add_to_collection("hyper", 0.25)
    tf.add_to_collection("names", "größe")
    tf.add_to_collection("pairs", (x, [y, None], b"\xff"))


def fed(sess: tf.Session, count: int) -> list[float]:
    feeds = {
        "x:0": np.random.default_rng(1).random((6, 4), np.float32),
        "y:0": np.array([0, 1, 2, 0, 1, 2]),
    }
    loss = tf.get_collection("losses")[0]
    train = tf.get_collection("steps")[0]
    return [float(sess.run([loss, train], feeds)[0]) for _ in range(count)]


def test_an_imported_graph_goes_on_exactly(session, tmp_path):
    model()
    sess = session()
    sess.run(tf.global_variables_initializer())
    fed(sess, 2)
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    expected = fed(sess, 3)
    tf.reset_default_graph()
    saver = tf.train.import_meta_graph(prefix + ".meta")
    other = session()
    saver.restore(other, prefix)
    assert fed(other, 3) == expected
    assert saver.save(other, prefix, global_step=tf.train.get_global_step()).endswith("m-5")


def test_another_process_goes_on_exactly(tmp_path):
    model()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
        expected = fed(sess, 3)
    program = dedent(
        f"""
        import numpy as np
        import graphc as tf
        saver = tf.train.import_meta_graph({prefix + ".meta"!r})
        graph = tf.get_default_graph()
        with tf.Session() as sess:
            saver.restore(sess, {prefix!r})
            x = graph.get_tensor_by_name("x:0")
            rows = np.random.default_rng(1).random((6, 4), np.float32)
            feeds = {{x: rows, "y:0": np.array([0, 1, 2, 0, 1, 2])}}
            loss, train = tf.get_collection("losses")[0], graph.get_operation_by_name("train")
            print([float(sess.run([loss, train], feeds)[0]) for _ in range(3)])
            more = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
            sess.run(tf.global_variables_initializer())
            sess.run(more, feeds)
            print(sorted(v.name for v in tf.global_variables())[:2], len(tf.trainable_variables()))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    first, second = done.stdout.splitlines() or (done.stderr, "")
    assert first == str(expected)
    assert second == "['global_step:0', 'net/dense/bias/Momentum:0'] 4"


def test_collections_come_back(tmp_path):
    model()
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    before = {k: len(v) for k, v in tf.get_default_graph().collections.items()}
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    graph = tf.get_default_graph()
    assert {k: len(v) for k, v in graph.collections.items()} == before
    assert tf.get_collection("hyper") == [0.25]
    assert tf.get_collection("names") == ["größe"]
    ((x, rest, raw),) = tf.get_collection("pairs")
    assert (x, rest, raw) == (
        graph.get_tensor_by_name("x:0"), [graph.get_tensor_by_name("y:0"), None], b"\xff",
    )  # fmt: skip
    assert tf.get_collection("steps") == [graph.get_operation_by_name("train")]
    assert {v for v in tf.trainable_variables()} < {v for v in tf.global_variables()}
    assert tf.train.get_global_step() in tf.global_variables()
    assert all(v.trainable for v in tf.trainable_variables())


def test_an_imported_graph_is_exported_as_it_was():
    model()
    before = tf.train.Saver().export_meta_graph()
    tf.reset_default_graph()
    tf.set_random_seed(5)  # as in TF1, the graph's seed is not part of it
    after = tf.train.import_meta_graph(before).export_meta_graph()
    assert str(after) == str(before)


def test_new_names_do_not_collide_with_imported_ones(tmp_path):
    model()
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    assert tf.identity(tf.constant(1.0), name="x").name == "x_1:0"
    with tf.name_scope("net") as scope:
        assert scope == "net_1/"


def test_a_scope_keeps_two_imports_apart(session, tmp_path):
    model()
    sess = session()
    sess.run(tf.global_variables_initializer())
    prefix = tf.train.Saver().save(sess, str(tmp_path / "m"))
    tf.reset_default_graph()
    first = tf.train.import_meta_graph(prefix + ".meta", import_scope="a")
    second = tf.train.import_meta_graph(prefix + ".meta", import_scope="b")
    other = session()
    first.restore(other, prefix)
    with pytest.raises(tf.errors.FailedPreconditionError):
        other.run("b/net/dense/kernel:0")
    second.restore(other, prefix)
    other.run("a/train", {"a/x:0": np.ones((1, 4)), "a/y:0": [0]})
    a, b = other.run(["a/net/dense/kernel:0", "b/net/dense/kernel:0"])
    np.testing.assert_array_equal(b, sess.run("net/dense/kernel:0"))
    assert (a != b).any()


def test_the_same_names_twice_are_refused(tmp_path):
    model()
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    with pytest.raises(ValueError, match="already"):
        tf.train.import_meta_graph(str(tmp_path / "m.meta"))


def test_devices_are_cleared_when_asked(tmp_path):
    with tf.device("/gpu:0"):
        tf.constant(1.0, name="c")
    made = tf.train.export_meta_graph()
    tf.reset_default_graph()
    assert tf.train.import_meta_graph(made, clear_devices=True) is None
    assert tf.get_default_graph().get_tensor_by_name("c:0").device == ""
    tf.reset_default_graph()
    tf.train.import_meta_graph(made)
    assert tf.get_default_graph().get_tensor_by_name("c:0").device == "/gpu:0"


def test_only_named_collections_go_along(tmp_path):
    model()
    made = tf.train.export_meta_graph(collection_list=["hyper"])
    assert list(made.collection_def) == ["hyper"]


def test_a_graph_without_variables_gives_no_saver():
    tf.constant(1.0)
    made = tf.train.export_meta_graph()
    tf.reset_default_graph()
    assert tf.train.import_meta_graph(made) is None


def test_python_functions_stay_behind_and_are_named_when_run(session, tmp_path):
    x = tf.placeholder(tf.float32, [2], name="x")
    y = tf.py_func(lambda v: v * 2, [x], tf.float32, name="doubled")
    y.set_shape([2])
    tf.multiply(x, 3.0, name="tripled")
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    sess = session()
    assert sess.run("tripled:0", {"x:0": [1, 2]}).tolist() == [3, 6]
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"lambda.*not exported"):
        sess.run("doubled:0", {"x:0": [1, 2]})


def test_long_constants_and_strings_come_back(session, tmp_path):
    big = np.random.default_rng(0).random((50, 3))
    tf.constant(big, name="big")
    tf.constant(np.array([f"s{k}" for k in range(30)], object), name="strings")
    tf.train.export_meta_graph(str(tmp_path / "m.meta"))
    tf.reset_default_graph()
    tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    np.testing.assert_array_equal(session().run("big:0"), big)
    assert session().run("strings:0")[29] == b"s29"


def test_the_file_is_readable_text(tmp_path):
    tf.Variable(1.0, name="w")
    tf.train.Saver().export_meta_graph(str(tmp_path / "m.meta"))
    document = json.loads((tmp_path / "m.meta").read_text())
    assert document["graph"][0].startswith("graph ")
    assert any(
        line.startswith("  %w = variable(key='w') : float32[]") for line in document["graph"]
    )
    assert document["saver"]["variables"] == {"w": "w:0"}


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", b"\x0a\x80\x01TensorFlow", b"[1]", b"{}", b'{"format": "other"}',
     b'{"format": "graphc graph", "version": 99}', b'{"format": "graphc graph", "version": 1}',
     b"\x80\x04N.", b"[" * 100_000],
)  # fmt: skip
def test_files_that_hold_no_graph_are_refused(tmp_path, content):
    (tmp_path / "m.meta").write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    assert tf.get_default_graph().get_operations() == []


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(OSError, match="does not exist"):
        tf.train.import_meta_graph(str(tmp_path / "none.meta"))


CHANGES = {
    "an unknown op": lambda d: d["graph"].append("  %z = mystery() : float32[]"),
    "a line cut off": lambda d: d["graph"].append("  %z = add(%x"),
    "code as an attribute": lambda d: d["graph"].append(
        "  %z = const(value=__import__('os').mkdir('x')) : float32[]"
    ),
    "a name twice": lambda d: d["graph"].append(d["graph"][1]),
    "a variable that is not there": lambda d: d["variables"][0].update(name="none"),
    "an initial value that is not there": lambda d: d["variables"][0].update(initial_value="n:0"),
    "a collection of nothing": lambda d: d["collections"].update(x=[{"tensor": "none:0"}]),
    "a variable of a collection": lambda d: d["collections"].update(x=[{"variable": "x"}]),
    "a constant that is not there": lambda d: d["arrays"].clear(),
    "a constant cut off": lambda d: next(iter(d["arrays"].values())).update(data="AAAA"),
    "a constant of another type": lambda d: next(iter(d["arrays"].values())).update(dtype="no"),
    "a forward link to nothing": lambda d: d["forward"].update(x="none"),
    "collections of another kind": lambda d: d.update(collections=[]),
    "no text": lambda d: d.update(graph=None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_file_is_refused_and_the_graph_stays_as_it_was(name, tmp_path):
    model()
    document = tf.train.export_meta_graph().document
    document = json.loads(json.dumps(document))
    CHANGES[name](document)
    (tmp_path / "m.meta").write_text(json.dumps(document))
    tf.reset_default_graph()
    with pytest.raises(tf.errors.DataLossError):
        tf.train.import_meta_graph(str(tmp_path / "m.meta"))
    graph = tf.get_default_graph()
    assert graph.get_operations() == []
    assert not any(graph.collections.values())
