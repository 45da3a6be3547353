"""Partitioners, templates, static values, device and tensor specs, assigned averages.

The expected values are TensorFlow's.
"""

import numpy as np
import pytest

import graphc as tf

SHAPE = tf.TensorShape([10, 7])


def test_partitioners_cut_along_their_axis():
    fixed = [tf.fixed_size_partitioner(n, axis)(shape=SHAPE) for n in (3, 20) for axis in (0, 1)]
    assert fixed == [[3, 1], [1, 3], [10, 1], [1, 7]]
    by_size = [
        tf.variable_axis_size_partitioner(size)(shape=SHAPE, dtype=tf.float32)
        for size in (1, 30, 60, 100, 1000)
    ]
    assert by_size == [[10, 1], [10, 1], [5, 1], [4, 1], [1, 1]]
    within = [
        tf.min_max_variable_partitioner(6, 0, size)(shape=SHAPE, dtype=tf.float32)
        for size in (1, 60, 100, 1000)
    ]
    assert within == [[6, 1], [5, 1], [3, 1], [1, 1]]


def test_a_partitioned_variable_is_its_parts_and_joins_them(session):
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    cut = tf.fixed_size_partitioner(3)
    with tf.variable_scope("s"):
        w = tf.get_variable("w", partitioner=cut, initializer=rows)
    looked_up = tf.nn.embedding_lookup(w, [0, 4], partition_strategy="div")
    slopes = tf.gradients(tf.reduce_sum(w * w), list(w))
    bigger = w.assign_add(tf.ones([5, 2]))
    assert [(p.name, p.shape.as_list()) for p in w] == [
        ("s/w/part_0:0", [2, 2]), ("s/w/part_1:0", [2, 2]), ("s/w/part_2:0", [1, 2]),
    ]  # fmt: skip
    assert (w.name, w.shape.as_list(), len(w)) == ("s/w", [5, 2], 3)
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_array_equal(sess.run(w.as_tensor()), rows)
    np.testing.assert_array_equal(sess.run(looked_up), rows[[0, 4]])
    np.testing.assert_array_equal(sess.run(slopes)[2], 2 * rows[4:])
    sess.run(bigger)
    np.testing.assert_array_equal(sess.run(w.as_tensor()), rows + 1)


def test_a_partitioned_variable_is_cut_along_one_axis_into_no_more_parts_than_rows():
    for cut in ([2, 2], [4, 1], [0, 1], [2]):
        with pytest.raises(ValueError, match="variable 'w'"):
            tf.get_variable("w", [3, 2], partitioner=lambda shape, dtype, cut=cut: cut)


def double(x):
    return x * tf.get_variable("w", [], initializer=tf.ones_initializer())


def test_a_template_shares_the_variables_of_its_first_call():
    layer = tf.make_template("layer", double)
    layer(tf.constant(2.0))
    layer(tf.constant(3.0))
    with tf.variable_scope("s"):
        inner = tf.make_template("layer", double)
        inner(1.0)
    tf.make_template("layer", double, create_scope_now_=True)(1.0)
    tf.make_template("x", double, unique_name_="exact")(1.0)
    names = [v.name for v in tf.global_variables()]
    assert names == ["layer/w:0", "s/layer/w:0", "layer_1/w:0", "exact/w:0"]
    assert [v.name for v in layer.trainable_variables] == ["layer/w:0"]
    assert (layer.name, layer.variable_scope_name) == ("layer", "layer/")
    assert inner.var_scope.name == "s/layer"


def test_static_values_are_known_without_a_run():
    constant_value = tf.python.framework.tensor_util.constant_value
    assert constant_value(tf.constant([1, 2])).tolist() == [1, 2]
    assert constant_value(tf.shape(tf.zeros([3, 4]))).tolist() == [3, 4]
    assert constant_value(tf.placeholder(tf.float32)) is None
    assert constant_value(tf.shape(tf.placeholder(tf.float32, [None, 3]))) is None


@pytest.mark.parametrize(
    ("values", "options", "dtype", "held"),
    [
        (1.5, {}, "float32", 1.5),
        ([1, 2, 3], {}, "int32", [1, 2, 3]),
        ([1.0, 2.0], {"dtype": tf.float64}, "float64", [1.0, 2.0]),
        (["a", "b"], {}, "object", [b"a", b"b"]),
        (7, {"shape": [2, 2]}, "int32", [[7, 7], [7, 7]]),
        (np.arange(4.0), {}, "float64", [0.0, 1.0, 2.0, 3.0]),
        ([], {}, "float32", []),
        (True, {}, "bool", True),
        ([1, 2], {"shape": [2, 1]}, "int32", [[1], [2]]),
    ],
)
def test_tensor_messages_hold_what_they_were_made_of(values, options, dtype, held):
    array = tf.make_ndarray(tf.make_tensor_proto(values, **options))
    assert (array.dtype, array.tolist()) == (np.dtype(dtype), held)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("/job:worker/replica:0/task:3/device:GPU:2", "/job:worker/replica:0/task:3/device:GPU:2"),
        ("/cpu:0", "/device:CPU:0"),
        ("/job:ps/task:1/cpu:0", "/job:ps/task:1/device:CPU:0"),
        ("/gpu:*", "/device:GPU:*"),
        ("", ""),
    ],
)
def test_device_specs_read_and_write_names(given, said):
    assert tf.DeviceSpec.from_string(given).to_string() == said


def test_a_word_that_is_no_part_of_a_device_is_refused():
    with pytest.raises(ValueError, match="'bogus:1' is no part"):
        tf.DeviceSpec.from_string("/bogus:1")


def test_a_tensor_spec_says_what_fits():
    spec = tf.TensorSpec([None, 3], tf.float32)
    assert spec.is_compatible_with(tf.zeros([2, 3]))
    assert not spec.is_compatible_with(tf.zeros([2, 4]))
    assert not spec.is_compatible_with(tf.zeros([2, 3], tf.int32))


@pytest.mark.parametrize(
    ("zero_debias", "expected"),
    [
        (True, [[1.0, 0.0], [1.526316, -1.052632], [2.070111, -2.140221]]),
        (False, [[0.1, 0.0], [0.29, -0.2], [0.561, -0.58]]),
    ],
)
def test_assigned_averages_follow_the_values(session, zero_debias, expected):
    moving = tf.python.training.moving_averages
    v = tf.get_variable("v", [2], initializer=tf.zeros_initializer())
    x = tf.placeholder(tf.float32, [2])
    step = moving.assign_moving_average(v, x, 0.9, zero_debias=zero_debias)
    sess = session()
    sess.run(tf.global_variables_initializer())
    seen = [sess.run(step, {x: [1.0 + k, -2.0 * k]}) for k in range(3)]
    np.testing.assert_allclose(seen, expected, rtol=2e-6)


def test_weighted_averages_are_of_the_values(session):
    moving = tf.python.training.moving_averages
    x = tf.placeholder(tf.float32, [])
    mean = moving.weighted_moving_average(x, 0.8, tf.constant(2.0))
    sess = session()
    sess.run(tf.global_variables_initializer())
    np.testing.assert_allclose([sess.run(mean, {x: v}) for v in (1.0, 2.0)], [1.0, 14 / 9], 1e-6)


def test_rewriter_options_are_taken():
    config_pb2 = tf.core.protobuf.rewriter_config_pb2
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.memory_optimization = config_pb2.RewriterConfig.OFF
    with tf.Session(config=config, device="/reference:0") as sess:
        assert sess.run(tf.constant(1)) == 1


def test_cross_entropy_is_taken_along_any_axis(session):
    labels, logits = np.eye(3, dtype=np.float32)[:, :2], np.arange(6.0, dtype=np.float32)
    x = tf.constant(logits.reshape(3, 2))
    along = tf.nn.softmax_cross_entropy_with_logits_v2(labels, x, axis=0)
    turned = tf.nn.softmax_cross_entropy_with_logits_v2(labels.T, tf.transpose(x))
    first, second = session().run([along, turned])
    np.testing.assert_allclose(first, second)
    np.testing.assert_allclose(first, [4.1429, 2.1429], rtol=1e-4)


def test_batch_norm_with_global_normalization_scales_where_asked(session):
    x = tf.constant([[1.0, 2.0], [3.0, 6.0]])
    norm = tf.nn.batch_norm_with_global_normalization
    outputs = [
        norm(x, [2.0, 4.0], [1.0, 4.0], [0.5, 0.5], [2.0, 2.0], 0.0, scaled)
        for scaled in (False, True)
    ]
    plain, scaled = session().run(outputs)
    np.testing.assert_allclose(plain, [[-0.5, -0.5], [1.5, 1.5]])
    np.testing.assert_allclose(scaled, [[-1.5, -1.5], [2.5, 2.5]])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_bits": 4}, [-1.3714, -0.4571, 0.4571, 0.4571, 3.2]),
        ({"signed_input": False}, [-1.3051, -0.502, 0.251, 0.502, 3.2]),
        ({"range_given": True, "num_bits": 3, "round_mode": "HALF_UP"},
         [-1.3333, -0.6667, 0.0, 0.6667, 2.0]),
        ({"narrow_range": True, "num_bits": 3}, [-1.0667, 0.0, 0.0, 0.0, 3.2]),
    ],
)  # fmt: skip
def test_values_are_quantised_as_tensorflow_does(session, options, expected):
    x = tf.constant([-1.3, -0.5, 0.25, 0.5, 3.2])
    y = tf.quantization.quantize_and_dequantize(x, -1.0, 2.0, **options)
    np.testing.assert_allclose(session().run(y), expected, atol=1e-4)
    assert session().run(tf.gradients(y, x)[0]).tolist() == [1.0] * 5
