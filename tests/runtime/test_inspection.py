"""What ``sess.inspect`` reports, and that it leaves the session as it was."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import graphc as tf


@pytest.fixture(autouse=True)
def fresh_graph():
    tf.reset_default_graph()


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def softmax():
    x = tf.placeholder(tf.float32, ["rows", 3], name="x")
    return x, tf.nn.softmax(tf.nn.relu(x) * 2.0, name="y")


def model():
    """A loss with a random op, and a step of training."""
    x = tf.placeholder(tf.float32, ["batch", 4], name="x")
    w = tf.get_variable("w", [4, 2], initializer=tf.ones_initializer())
    loss = tf.reduce_mean(tf.square(tf.nn.dropout(tf.matmul(x, w), 0.5, seed=3)))
    return x, w, loss, tf.train.AdamOptimizer(0.1).minimize(loss)


def settled(text: str) -> str:
    """The text without what may differ: times, digests, line numbers, widths, the session's log."""
    text = text[: text.index("\nlog\n")]
    for changing in (r"(?<= )\d+\.\d+(?= )", r"(?<= )[0-9a-f]{12}(?= )", r"(?<=\.py:)\d+"):
        text = re.sub(changing, "#", text)
    return re.sub(r"(?<=\S) +", " ", text)


def test_the_report_of_one_kernel(session, golden):
    x, y = softmax()
    report = session.inspect(y, {x: np.ones((8, 3), np.float32)})
    assert settled(str(report)) == golden


def test_without_feeds_sizes_are_names_and_nothing_runs(session):
    _, w, loss, train = model()
    report = session.inspect([loss, train])
    assert report.sizes == {}
    assert report.memory is None
    assert all(entry.microseconds is None for entry in report.launches)
    assert any("batch" in entry.extent for entry in report.launches)
    assert not session.run(tf.is_variable_initialized(w))


def test_with_feeds_every_launch_is_timed_and_memory_is_planned(session):
    x, _, loss, train = model()
    session.run(tf.global_variables_initializer())
    report = session.inspect([loss, train], {x: np.ones((5, 4))})
    assert report.sizes["batch"] == 5
    assert all(entry.microseconds is not None for entry in report.launches)
    assert report.memory.peak >= report.memory.bound > 0
    assert sum(size for _, size, _ in report.memory.owners) <= report.memory.bound


def test_inspecting_a_training_step_changes_nothing(session):
    x, _, loss, train = model()
    feeds = {x: np.random.default_rng(0).normal(size=(6, 4))}

    def losses(inspected: bool) -> list[float]:
        with tf.Session() as fresh:
            fresh.run(tf.global_variables_initializer())
            first = fresh.run([loss, train], feeds)[0]
            if inspected:
                fresh.inspect([loss, train], feeds)
            return [first, fresh.run([loss, train], feeds)[0]]

    assert losses(inspected=True) == losses(inspected=False)


def test_inspecting_an_initializer_initialises_nothing(session):
    _, w, _, _ = model()
    session.inspect(tf.global_variables_initializer(), {})
    assert session.variables.keys() == []
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(w)


def test_passes_show_the_graph_around_them_and_which_rule_fired(session):
    x = tf.placeholder(tf.float32, [3], name="x")
    report = session.inspect(tf.log(tf.nn.sigmoid(x)))
    simplify = next(entry for entry in report.passes if entry.name == "simplify")
    assert simplify.notes == ["log(sigmoid(x)) == log_sigmoid(x)"]
    assert "sigmoid(%x)" in simplify.before
    assert "log_sigmoid(%x)" in simplify.after


def test_neighbours_that_stay_apart_say_why(session):
    x = tf.placeholder(tf.float32, [4, 3], name="x")
    total = tf.reduce_sum(tf.reduce_sum(x, axis=1, name="rows"), name="all")
    report = session.inspect(total)
    assert ("rows", "all", "they reduce over different axes") in report.declined


def test_a_kernel_shows_its_constants_and_machine_code(session):
    _, y = softmax()
    (kernel,) = session.inspect(y).kernels
    assert "float32(2.0)" in kernel.constants.values()
    assert f"gx_{kernel.key}" in kernel.llvm_ir
    assert f"gx_{kernel.key}" in kernel.assembly


def test_json_says_what_the_text_says(session):
    x, y = softmax()
    report = session.inspect(y, {x: np.ones((2, 3))})
    data = json.loads(report.to_json())
    assert data["title"] == "y:0"
    assert data["sizes"] == {"rows": 2}
    assert data["kernels"][0]["source"] == report.kernels[0].source
    assert [p["name"] for p in data["passes"]] == [p.name for p in report.passes]
    assert "llvm_ir" not in data["kernels"][0]
    assert "define" in json.loads(report.to_json(native=True))["kernels"][0]["llvm_ir"]


def test_the_reference_device_compiles_nothing_to_inspect():
    _, y = softmax()
    with (
        tf.Session(device="/reference:0") as session,
        pytest.raises(NotImplementedError, match="compiles nothing"),
    ):
        session.inspect(y)
