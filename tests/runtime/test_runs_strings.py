"""Strings in a graph: fed, kept in variables, rearranged, compared and fetched."""

import numpy as np
import pytest

import graphc as tf
from graphc.errors import DTypeError
from runtime.feeds import FeedTypeError


def texts(*values: str | bytes) -> list[bytes]:
    return [v.encode() if isinstance(v, str) else v for v in values]


@pytest.fixture(params=["/cpu:0", "/reference:0"])
def sess(request):
    tf.reset_default_graph()
    with tf.Session(device=request.param) as session:
        yield session


@pytest.mark.parametrize(
    "value",
    [
        ["a", "ü"],
        [b"a", "ü".encode()],
        np.array(["a", "ü"]),
        np.array(["a", "ü"], object),
        np.array([b"a", "ü".encode()]),
        ("a", "ü".encode()),
    ],
)
def test_every_way_to_write_strings_may_be_fed(sess, value):
    x = tf.placeholder(tf.string, [None])
    found = sess.run(x, {x: value})
    assert found.dtype == object
    assert found.tolist() == texts("a", "ü")


def test_a_scalar_is_fetched_as_bytes(sess):
    x = tf.placeholder(tf.string)
    assert sess.run(x, {x: "hello"}) == b"hello"
    assert sess.run(tf.constant(["a\0", "b\0\0"])[1]) == b"b\0\0"


def test_strings_are_rearranged_by_the_ops_that_rearrange_numbers(sess):
    x = tf.placeholder(tf.string, [None])
    c = tf.constant(["p", "q", "r"])
    made = {
        "concat": tf.concat([x, c], 0),
        "stack": tf.stack([c, c], axis=1),
        "gather": tf.gather(c, [2, 0]),
        "slice": c[1:],
        "reshape": tf.reshape(c, [3, 1]),
        "where": tf.where(tf.equal(c, "q"), c, ["0", "1", "2"]),
        "mask": tf.boolean_mask(c, tf.not_equal(c, "q")),
        "tile": tf.tile(x, [2]),
        "size": tf.size(x),
    }
    found = sess.run(made, {x: ["a"]})
    assert found["concat"].tolist() == texts("a", "p", "q", "r")
    assert found["stack"].tolist() == [texts(v, v) for v in "pqr"]
    assert found["gather"].tolist() == texts("r", "p")
    assert found["slice"].tolist() == texts("q", "r")
    assert found["reshape"].tolist() == [texts(v) for v in "pqr"]
    assert found["where"].tolist() == texts("0", "q", "2")
    assert found["mask"].tolist() == texts("p", "r")
    assert found["tile"].tolist() == texts("a", "a")
    assert found["size"] == 1


def test_a_variable_of_strings_is_assigned_and_read(sess):
    v = tf.Variable(["a", "b"])
    sess.run(tf.global_variables_initializer())
    assert sess.run(v).tolist() == texts("a", "b")
    assert sess.run(v.assign(["c", "longer than before"])).tolist() == texts(
        "c", "longer than before"
    )
    taken = sess.run(v)
    taken[0] = b"changed by the caller"
    assert sess.run(v).tolist() == texts("c", "longer than before")


@pytest.mark.parametrize("value", [3, [1.5], [["a"], ["b", "c"]], np.arange(3), [None]])
def test_what_is_no_string_is_refused(sess, value):
    x = tf.placeholder(tf.string, name="x")
    with pytest.raises(FeedTypeError, match="the value fed for x:0"):
        sess.run(x, {x: value})


def test_a_string_is_no_number(sess):
    x = tf.placeholder(tf.float32, name="x")
    with pytest.raises(FeedTypeError, match="is not numeric"):
        sess.run(x, {x: "abc"})
    with pytest.raises(DTypeError, match="expected float32, got 'a' of string"):
        tf.constant("a", tf.float32)
    with pytest.raises(DTypeError, match="expected string, got 1 of int64"):
        tf.constant(1, tf.string)
    with pytest.raises(DTypeError):
        tf.constant(["a", 1], tf.string)


def test_text_made_beside_kernels_needs_no_run_by_stages(sess, monkeypatch):
    from runtime import executor

    def refuse(*_args):
        raise AssertionError("run stage by stage")

    monkeypatch.setattr(executor, "run_staged", refuse)
    x = tf.placeholder(tf.float32, [None])
    total = tf.Variable(0.0)
    loss = tf.reduce_sum(x)
    with tf.control_dependencies([tf.assert_positive(x, message="x")]):
        step = total.assign_add(loss)
    line = tf.string_join(["loss: ", tf.as_string(loss, precision=1), "\0\0"])
    sess.run(total.initializer)
    for k in range(3):
        found, text = sess.run([step, line], {x: np.ones(3 + k)})
        assert text == b"loss: %d.0\0\0" % (3 + k)
    assert found == 12
    with pytest.raises(tf.errors.InvalidArgumentError, match="x > 0 did not hold"):
        sess.run([step, line], {x: [-1.0]})
    assert sess.run(total) == 12


def test_complex_numbers_are_rearranged_and_kept(sess):
    x = tf.placeholder(tf.complex64, [None])
    v = tf.Variable(np.array([1j, 2], np.complex64))
    sess.run(tf.global_variables_initializer())
    made = [tf.concat([x, v], 0), tf.gather(x, [1]), tf.reshape(x, [2, 1]), v.assign(x)]
    found = sess.run(made, {x: [1 + 2j, 3]})
    assert [part.ravel().tolist() for part in found] == [
        [1 + 2j, 3, 1j, 2], [3], [1 + 2j, 3], [1 + 2j, 3],
    ]  # fmt: skip
    assert sess.run(v).tolist() == [1 + 2j, 3]
