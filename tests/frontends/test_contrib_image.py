"""``tf.contrib.image``: pictures turned and moved, against NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

import graphc as tf

image = tf.contrib.image
PICTURES = np.random.default_rng(0).normal(size=(3, 5, 5, 2)).astype("f4")


@pytest.mark.parametrize("interpolation", ["NEAREST", "BILINEAR"])
def test_quarter_turns_are_those_of_numpy(interpolation, session):
    angles = [0.0, math.pi / 2, math.pi]
    turned = session().run(image.rotate(PICTURES, angles, interpolation))
    for k in range(3):
        np.testing.assert_allclose(turned[k], np.rot90(PICTURES[k], k), atol=1e-4)


def test_pictures_move_and_zeros_follow(session):
    moved = image.translate(PICTURES, [1.0, -2.0])
    half = image.translate(PICTURES[0], [0.5, 0.0], "BILINEAR")
    sess = session()
    found = sess.run(moved)
    np.testing.assert_array_equal(found[:, :3, 1:], PICTURES[:, 2:, :4])
    assert not found[:, 3:].any()
    assert not found[:, :, 0].any()
    mean = (PICTURES[0, :, :4] + PICTURES[0, :, 1:]) / 2
    np.testing.assert_allclose(sess.run(half)[:, 1:], mean, atol=1e-6)


def test_transforms_compose_as_matrices(session):
    turn = image.angles_to_projective_transforms(0.3, 5, 5)
    both = image.compose_transforms(turn, [[1, 0, 2, 0, 1, -1, 0.01, 0]])
    matrix = image.flat_transforms_to_matrices(both)
    first = image.flat_transforms_to_matrices(turn)
    a, b, whole = session().run([first, matrix, both])
    wanted = a[0] @ [[1, 0, 2], [0, 1, -1], [0.01, 0, 1]]
    np.testing.assert_allclose(b[0], wanted / wanted[2, 2], rtol=1e-5, atol=1e-6)
    assert whole.shape == (1, 8)


def test_gradients_reach_the_pictures_and_the_angle():
    x, angle = tf.constant(PICTURES.astype("f8")), tf.constant(0.4)
    y = image.rotate(x, angle, "BILINEAR")
    with tf.Session():
        assert tf.test.compute_gradient_error(x, [3, 5, 5, 2], y, [3, 5, 5, 2]) < 1e-6
        slope, risen, fallen = tf.Session().run([
            tf.gradients(tf.reduce_sum(y * y), angle)[0],
            *(tf.reduce_sum(image.rotate(x, a, "BILINEAR") ** 2) for a in (0.401, 0.399)),
        ])  # fmt: skip
    np.testing.assert_allclose(slope, (risen - fallen) / 0.002, rtol=0.02)


def test_sizes_that_are_fed_and_sizes_of_the_result(session):
    x = tf.placeholder(tf.uint8, [None, None, None, 1])
    whole = np.arange(40, dtype="u1").reshape(1, 5, 8, 1)
    same = image.transform(x, [1, 0, 0, 0, 1, 0, 0, 0])
    part = image.transform(x, [1, 0, 1, 0, 1, 2, 0, 0], output_shape=[2, 3])
    a, b = session().run([same, part], {x: whole})
    np.testing.assert_array_equal(a, whole)
    np.testing.assert_array_equal(b, whole[:, 2:4, 1:4])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: image.transform(PICTURES, np.ones((2, 8))), "a row for each of 3 pictures"),
        (lambda: image.transform(PICTURES, np.ones(6)), r"transforms are \[8\] or \[n, 8\]"),
        (lambda: image.rotate(PICTURES, 0.1, "CUBIC"), "NEAREST or BILINEAR, got 'CUBIC'"),
        (lambda: image.translate(PICTURES, [1.0]), r"\[2\] or \[n, 2\], got float32\[1\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
