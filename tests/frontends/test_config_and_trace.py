"""``tf.ConfigProto`` and its parts; what a traced run records."""

import json

import numpy as np
import pytest

import graphc as tf


def test_the_fields_scripts_set_are_there():
    config = tf.ConfigProto(allow_soft_placement=True, device_count={"GPU": 0})
    config.gpu_options.allow_growth = True
    config.graph_options.rewrite_options.constant_folding = 2
    config.inter_op_parallelism_threads = 4
    other = tf.ConfigProto()
    other.CopyFrom(config)
    assert other == config
    other.gpu_options.allow_growth = False
    assert config.gpu_options.allow_growth is True
    assert config.HasField("gpu_options")
    other.Clear()
    assert not other.HasField("gpu_options")
    other.MergeFrom(config)
    assert other == config


def test_a_field_that_is_not_there_is_refused_by_name():
    with pytest.raises(AttributeError, match=r"tf\.ConfigProto has no field 'alow_growth'"):
        tf.ConfigProto().alow_growth = True


def test_the_optimizer_can_be_turned_off():
    config = tf.ConfigProto()
    config.graph_options.optimizer_options.opt_level = tf.OptimizerOptions.L0
    assert not config.session_options().optimize


def traced(fetches: object, feed: dict) -> tf.RunMetadata:
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        sess.run(fetches, feed, options=options, run_metadata=metadata)
    return metadata


def test_a_traced_run_says_what_each_launch_took(tmp_path):
    x = tf.placeholder(tf.float32, [8, 4])
    y = tf.nn.softmax(tf.matmul(x, tf.ones([4, 3])))
    metadata = traced(y, {x: np.ones((8, 4), np.float32)})
    rows = metadata.step_stats.dev_stats[0].node_stats
    assert len(rows) == len(metadata.report.launches) > 0
    trace = tf.python.client.timeline.Timeline(metadata.step_stats).generate_chrome_trace_format()
    events = json.loads(trace)["traceEvents"]
    assert [e["ph"] for e in events] == ["M", *("X" for _ in rows)]
    with tf.summary.FileWriter(tmp_path) as writer:
        writer.add_run_metadata(metadata, "step 1", 1)
        with pytest.raises(ValueError, match="already written under the tag 'step 1'"):
            writer.add_run_metadata(metadata, "step 1", 2)
    (path,) = tmp_path.iterdir()
    *_, last = tf.train.summary_iterator(path)
    assert (last.tagged_run_metadata.tag, last.step) == ("step 1", 1)


def test_tracing_changes_no_variable_and_repeats_no_python(capsys):
    v = tf.Variable(1.0)
    step = v.assign_add(1.0)
    calls = []
    noted = tf.py_func(lambda a: calls.append(1) or a, [tf.constant(1.0)], tf.float32)
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf.Session() as sess:
        sess.run(v.initializer)
        sess.run(step, options=options, run_metadata=metadata)
        assert sess.run(v) == 2.0
        assert metadata.report is not None
        metadata = tf.RunMetadata()
        calls.clear()
        sess.run(noted, options=options, run_metadata=metadata)
        assert (len(calls), metadata.report) == (1, None)


def test_a_run_without_a_trace_has_no_timeline():
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        sess.run(tf.constant(1.0), run_metadata=metadata)
    with pytest.raises(tf.errors.FailedPreconditionError, match="no times were recorded"):
        tf.python.client.timeline.Timeline(metadata.step_stats)


def test_text_and_bytes_are_converted():
    assert tf.compat.as_bytes("é") == "é".encode()
    assert tf.compat.as_str(b"a") == tf.compat.as_text("a") == tf.compat.as_str_any(b"a") == "a"
    assert tf.compat.as_str_any(3) == "3"
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        tf.compat.as_text(3)
    assert isinstance(np.int64(3), tf.compat.integral_types)
    assert tf.compat.v1.constant is tf.constant


def test_a_run_that_feeds_any_rank_can_be_traced():
    x = tf.placeholder(tf.float32)
    metadata = tf.RunMetadata()
    with tf.Session() as sess:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        assert sess.run(x * 2.0, {x: [[3.0]]}, options, metadata).tolist() == [[6.0]]
    assert metadata.SerializeToString()


def test_inspection_without_a_feed_dict_asks_for_ranks():
    x = tf.placeholder(tf.float32, name="x")
    with (
        tf.Session() as sess,
        pytest.raises(ValueError, match="the rank of x:0 is not known"),
    ):
        sess.inspect(x * 2.0)
