"""Random parts of pictures, and glimpses that reach over their borders."""

from __future__ import annotations

import numpy as np
import pytest

import graphc as tf
from graphc.errors import ShapeError

PICTURES = np.random.default_rng(0).uniform(2, 3, size=(2, 6, 8, 3)).astype("f4")


def test_a_random_part_holds_enough_of_the_object(session):
    box = np.float32([[[0.25, 0.25, 0.75, 0.75]]])
    begin, size, where = tf.image.sample_distorted_bounding_box(
        [40, 60, 3], box, seed=1, min_object_covered=0.5, aspect_ratio_range=(0.8, 1.25),
        area_range=(0.2, 0.9),
    )  # fmt: skip
    sess = session()
    found = [sess.run([begin, size, where]) for _ in range(20)]
    assert len({tuple(b) for b, _, _ in found}) > 5
    for (y, x, z), (h, w, rest), share in found:
        assert (z, rest) == (0, -1)
        np.testing.assert_allclose(share[0, 0] * [40, 60, 40, 60], [y, x, y + h, x + w], atol=1e-4)
        assert 0.2 * 2400 <= h * w <= 0.9 * 2400
        assert 0.8 - 2 / h <= w / h <= 1.25 + 2 / h
        inside = (min(30, y + h) - max(10, y)) * (min(45, x + w) - max(15, x))
        assert inside >= 0.5 * 20 * 30


def test_without_a_box_the_part_is_of_the_picture(session):
    none = np.zeros((1, 0, 4), "f4")
    with pytest.raises(ShapeError, match="there is no bounding box"):
        tf.image.sample_distorted_bounding_box([40, 60, 3], none)
    begin, size, _ = tf.image.sample_distorted_bounding_box(
        [40, 60, 3], none, use_image_if_no_bounding_boxes=True, area_range=(0.999, 1.0)
    )
    (y, x, _), (h, w, _) = session().run([begin, size])
    assert (y, x, h, w) == (0, 0, 40, 60)


@pytest.mark.parametrize("uniform", [True, False])
def test_a_glimpse_over_the_border_is_filled_with_noise(uniform, session):
    y = tf.image.extract_glimpse(PICTURES, [4, 4], [[-1.0, -1.0], [1.0, 1.0]],
                                 uniform_noise=uniform)  # fmt: skip
    (slope,) = tf.gradients(y, [tf.constant(PICTURES)])
    assert slope is None
    found = session().run(y)
    np.testing.assert_array_equal(found[0, 2:, 2:], PICTURES[0, :2, :2])
    np.testing.assert_array_equal(found[1, :2, :2], PICTURES[1, 4:, 6:])
    outside = found[0, :2]
    assert len(np.unique(outside)) == outside.size
    assert 1.5 < outside.mean() < 3.5


def test_a_glimpse_passes_gradients_to_what_it_sees(session):
    x = tf.constant(PICTURES)
    y = tf.image.extract_glimpse(x, [2, 2], [[0.0, 0.0], [0.0, 0.0]])
    (slope,) = tf.gradients(y, [x])
    wanted = np.zeros_like(PICTURES)
    wanted[:, 2:4, 3:5] = 1
    np.testing.assert_array_equal(session().run(slope), wanted)


def test_drawn_boxes_take_colors_in_turn(session):
    boxes = [[[0.0, 0.0, 1.0, 1.0], [0.4, 0.4, 0.4, 0.4]]] * 2
    y = session().run(tf.image.draw_bounding_boxes(PICTURES, boxes, colors=[[1, 0, 0], [0, 0, 1]]))
    np.testing.assert_array_equal(y[0, 0], [[1, 0, 0]] * 8)
    np.testing.assert_array_equal(y[1, 2, 2], [0, 0, 1])
    np.testing.assert_array_equal(y[0, 1:5, 3:7], PICTURES[0, 1:5, 3:7])
