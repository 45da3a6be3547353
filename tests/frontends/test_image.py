"""``tf.image`` beyond what is compared with TensorFlow: gradients, draws, sizes known only when
fed."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf

METHODS = [
    tf.image.ResizeMethod.BILINEAR, tf.image.ResizeMethod.NEAREST_NEIGHBOR,
    tf.image.ResizeMethod.BICUBIC, tf.image.ResizeMethod.AREA,
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_resizing_is_linear_and_its_gradient_the_transpose(method):
    random = np.random.default_rng(0)
    x, w = random.normal(size=(1, 4, 5, 2)).astype("f4"), random.normal(size=(1, 7, 3, 2))
    fed = tf.placeholder(tf.float32, [None, None, None, 2])
    y = tf.image.resize_images(fed, [7, 3], method)
    slope = tf.gradients(y * w.astype("f4"), fed)[0]
    with tf.Session() as session:
        value, back = session.run([y, slope], {fed: x})
    assert np.sum(value * w) == pytest.approx(np.sum(back * x), rel=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_resizing_keeps_a_picture_of_one_colour(method):
    y = tf.image.resize_images(np.full((3, 4, 2), 0.25, "f4"), [8, 5], method)
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(y), 0.25, rtol=1e-5)


def test_a_size_that_is_fed_resizes_as_one_that_is_known():
    x = np.random.default_rng(1).normal(size=(2, 4, 5, 3)).astype("f4")
    size = tf.placeholder(tf.int32, [2])
    known, fed = (tf.image.resize_bilinear(x, s, align_corners=True) for s in ([6, 1], size))
    with tf.Session() as session:
        np.testing.assert_allclose(*session.run([known, fed], {size: [6, 1]}), rtol=1e-6)


def test_flips_at_random_flip_each_picture_or_not():
    x = np.arange(64 * 2 * 3, dtype="f4").reshape(64, 2, 3, 1)
    y = tf.image.random_flip_left_right(x, seed=1)
    with tf.Session() as session:
        found = session.run(y)
    flipped = [np.array_equal(a, b[:, ::-1]) for a, b in zip(found, x, strict=True)]
    kept = [np.array_equal(a, b) for a, b in zip(found, x, strict=True)]
    assert all(np.logical_xor(flipped, kept))
    assert 10 < sum(flipped) < 54


def test_hues_go_round_and_come_back():
    x = np.random.default_rng(2).uniform(size=(3, 4, 3)).astype("f4")
    there = tf.image.adjust_hue(x, 0.3)
    back = tf.image.adjust_hue(tf.image.adjust_hue(there, 0.5), 0.2)
    with tf.Session() as session:
        one, two = session.run([there, back])
    assert np.abs(one - x).max() > 0.05
    np.testing.assert_allclose(two, x, atol=1e-5)


def test_brightness_drawn_at_random_moves_all_pixels_alike():
    x = np.random.default_rng(3).uniform(size=(3, 4, 3)).astype("f4")
    y = tf.image.random_brightness(x, 0.25, seed=5)
    with tf.Session() as session:
        moves = session.run(y) - x, session.run(y) - x
    for move in moves:
        assert np.ptp(move) < 1e-6
        assert np.abs(move).max() <= 0.25
    assert moves[0][0, 0, 0] != moves[1][0, 0, 0]


def test_a_box_of_a_picture_that_is_not_there_is_an_error_of_the_run():
    which = tf.placeholder(tf.int32, [1])
    y = tf.image.crop_and_resize(np.zeros((2, 3, 3, 1), "f4"), [[0.0, 0, 1, 1]], which, [2, 2])
    with tf.Session() as session:
        session.run(y, {which: [1]})
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(y, {which: [2]})


def test_pictures_in_files_are_said_to_be_missing():
    with pytest.raises(AttributeError, match="not provided"):
        tf.image.decode_jpeg  # noqa: B018
