"""What a person reads whose windows do not fit what they slide over."""

import graphc as tf

PICTURES = 'x = tf.placeholder(tf.float32, ["batch", 8, 8, 6], name="x")\n'


def program(line: str) -> str:
    return PICTURES + line


def test_channels_of_a_filter_differ(complaint, golden):
    text = complaint(program("y = tf.nn.conv2d(x, tf.zeros([3, 3, 4, 8], name='w'), 1, 'SAME')"))
    assert text == golden


def test_groups_that_do_not_divide(complaint, golden):
    text = complaint(program("y = tf.nn.conv2d(x, tf.zeros([3, 3, 3, 5], name='w'), 1, 'SAME')"))
    assert text == golden


def test_a_window_larger_than_the_padded_input(complaint, golden):
    text = complaint(program(
        "pads = [[0, 0], [1, 1], [1, 1], [0, 0]]\n"
        "y = tf.nn.conv2d(x, tf.zeros([11, 3, 6, 8], name='w'), 1, pads)"
    ))  # fmt: skip
    assert text == golden


def test_a_pool_larger_than_the_input(complaint, golden):
    assert complaint(program("y = tf.nn.max_pool(x, 9, 2, 'VALID')")) == golden


def test_integers_are_convolved_as_int32_alone(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.int64, [1, 8, 8, 6], name="x")
        y = tf.nn.conv2d(x, tf.ones([3, 3, 6, 8], tf.int64), 1, "SAME")
    """)
    assert text == golden


def test_a_picture_without_a_batch(complaint, golden):
    assert complaint(program("y = tf.nn.conv2d(x[0], tf.zeros([3, 3, 6, 8]), 1, 'SAME')")) == golden


def test_a_format_of_another_library(complaint, golden):
    text = complaint(program(
        "w = tf.zeros([3, 3, 6, 8])\n"
        "y = tf.nn.conv2d(x, w, 1, 'SAME', data_format='channels_first')"
    ))  # fmt: skip
    assert text == golden


def test_a_layer_with_the_format_of_a_function(complaint, golden):
    assert complaint(program("y = tf.layers.conv2d(x, 8, 3, data_format='NCHW')")) == golden


def test_steps_and_gaps_at_once(complaint, golden):
    text = complaint(program(
        "y = tf.nn.convolution(x, tf.zeros([3, 3, 6, 8]), 'SAME', strides=2, dilation_rate=[2, 1])"
    ))  # fmt: skip
    assert text == golden


def test_a_layer_of_integers(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.uint8, [None, 28, 28, 1], name="x")
        y = tf.layers.conv2d(x, 32, 5)
    """)
    assert text == golden


def test_a_layer_that_does_not_know_its_channels(complaint, golden):
    text = complaint("""
        x = tf.placeholder(tf.float32, [None, 28, 28, None], name="x")
        y = tf.layers.conv2d(x, 32, 5)
    """)
    assert text == golden


def test_numbers_that_windows_cannot_have(complaint):
    for call, says in (
        ("tf.nn.conv2d(x, w, 0, 'SAME')", "strides must be at least 1, got [0, 0]"),
        ("tf.nn.conv2d(x, w, 1, [[0, 0], [-1, 1], [1, 1], [0, 0]])", "[-1, 1]"),
        ("tf.nn.conv2d(x, w, 1, 'SAME', dilations=0)", "dilations must be at least 1, got [0, 0]"),
        ("tf.nn.max_pool(x, 2, 0, 'SAME')", "strides must be at least 1, got 0"),
        ("tf.layers.conv2d(x, 8, 3, strides=-1)", "strides needs 2 positive integers, got -1"),
        ("tf.layers.conv2d(x, 8, 0)", "kernel_size needs 2 positive integers, got 0"),
        ("tf.layers.Conv2D(8, 3, groups=3)", "8 filters are no 3 groups of one size"),
        ("tf.layers.conv2d(x, 8, 3, padding='full')", "padding is valid or same, got 'full'"),
        ("tf.image.extract_image_patches(x, [1, 3, 3, 1], [1, 0, 1, 1], [1] * 4, 'SAME')",
         "strides must be at least 1, got [0, 1]"),
    ):  # fmt: skip
        text = complaint(program(f"w = tf.zeros([3, 3, 6, 8])\ny = {call}"))
        assert says in text
        assert "train.py:3" in text


def test_sizes_of_zero_are_no_mistake():
    w = tf.zeros([3, 3, 6, 8])
    for shape in ([0, 8, 8, 6], [2, 0, 8, 6]):
        y = tf.nn.conv2d(tf.zeros(shape), w, 1, "SAME")
        with tf.Session() as session:
            assert session.run(y).shape == (*shape[:3], 8)
