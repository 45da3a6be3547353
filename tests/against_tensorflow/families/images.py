"""``tf.image``: sizes, frames, flips, colours, boxes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from tests.against_tensorflow.inputs import fed, reals, whole
from tests.against_tensorflow.outcome import Case

UNIT: dict[str, Any] = {"low": 0.0, "high": 1.0}
SIZES = ((3, 4), (5, 7), (2, 2), (9, 3), (1, 1), (4, 6))


def cases() -> Iterator[Case]:
    yield from _resized()
    yield from _resize_images()
    yield from _framed()
    yield from _not_framed()
    yield from _dtypes()
    yield from _colours()
    yield from _adjusted()
    yield from _drawn()
    yield from _boxes()
    yield from _suppressed()
    yield from _measured()
    yield from _parts()
    yield from _best()


def _resized() -> Iterator[Case]:
    x = reals(2, 4, 6, 2)
    for name in ("bilinear", "nearest_neighbor", "bicubic", "area"):
        function, slopes = f"image.resize_{name}", name != "area"
        for size, align in product(SIZES, (False, True)):
            how = {"align_corners": align}
            yield Case(function, (fed(x), size), how, gradients=slopes, tolerance=1e-4)
        if name != "area":
            half = {"half_pixel_centers": True}
            for size in SIZES:
                yield Case(function, (fed(x), size), half, tolerance=1e-4)
        more: dict[str, Any] = {"gradients": slopes, "tolerance": 1e-4}
        yield Case(function, (fed(x, (None, None, None, 2)), (5, 3)), **more)
        yield Case(function, (fed(x), fed(np.array([5, 3], np.int32))), **more)
        yield Case(function, (fed(x.astype("float64")), (5, 3)), **more)
        yield Case(function, (fed(whole(1, 3, 3, 1, low=0, high=256, dtype="uint8")), (5, 4)))
        yield Case(function, (fed(reals(3, 3, 1)), (2, 2)))
        yield Case(function, (fed(x), (2, 2, 2)))
        yield Case(function, (fed(x), (0, 2)))


def _resize_images() -> Iterator[Case]:
    for method, x in product(range(4), (reals(2, 4, 6, 2), reals(4, 6, 2))):
        more: dict[str, Any] = {"gradients": method != 3, "tolerance": 1e-4}
        yield Case("image.resize_images", (fed(x), (3, 5), method), **more)
        yield Case("image.resize_images", (fed(x), [4, 6], method), **more)
        keep = {"preserve_aspect_ratio": True}
        yield Case("image.resize_images", (fed(x), (8, 3), method), keep, **more)
        yield Case("image.resize_image_with_pad", (fed(x), 5, 4, method), **more)
        yield Case("image.resize_image_with_pad", (fed(x), 9, 12, method), **more)
    picture = whole(4, 6, 3, low=0, high=256, dtype="uint8")
    for method in range(4):
        yield Case("image.resize_images", (fed(picture), (4, 6), method))
        yield Case("image.resize_images", (fed(picture), (2, 3), method))
    yield Case("image.resize_images", (fed(reals(4, 6)), (2, 2)))
    yield Case("image.resize_images", (fed(reals(4, 6, 1)), (2.5, 2)))
    yield Case("image.resize_images", (fed(reals(4, 6, 1)), (2, 2), 7))


def _framed() -> Iterator[Case]:
    for x in (reals(4, 5, 2), reals(2, 4, 5, 2)):
        for name in ("flip_left_right", "flip_up_down", "rot90", "transpose_image", "transpose"):
            yield Case(f"image.{name}", (fed(x),))
        for k in (-1, 0, 1, 2, 3, 5):
            yield Case("image.rot90", (fed(x), k))
        for share in (1.0, 0.5, 0.3, 0.9, 0.01):
            yield Case("image.central_crop", (fed(x), share))
        for box in ((0, 0, 4, 5), (1, 2, 2, 3), (3, 4, 1, 1)):
            yield Case("image.crop_to_bounding_box", (fed(x), *box))
        for box in ((0, 0, 4, 5), (1, 2, 6, 9), (0, 3, 4, 8)):
            yield Case("image.pad_to_bounding_box", (fed(x), *box))
        for size in ((4, 5), (2, 2), (7, 8), (3, 9), (9, 1), (1, 6)):
            yield Case("image.resize_image_with_crop_or_pad", (fed(x), *size))
        static = (*x.shape[:-3], None, None, 2)
        yield Case("image.flip_left_right", (fed(x, static),))
        yield Case("image.resize_image_with_crop_or_pad", (fed(x, static), 3, 7))
        yield Case("image.crop_to_bounding_box", (fed(x, static), 1, 2, 2, 3))
        yield Case("image.pad_to_bounding_box", (fed(x, static), 1, 2, 6, 9))


def _not_framed() -> Iterator[Case]:
    x = fed(reals(4, 5, 2))
    for name in ("crop_to_bounding_box", "pad_to_bounding_box"):
        for box in ((-1, 0, 2, 2), (0, -1, 9, 9), (3, 0, 3, 5), (0, 0, 0, 0)):
            yield Case(f"image.{name}", (x, *box))
        yield Case(f"image.{name}", (fed(reals(4, 5)), 0, 0, 4, 5))
    yield Case("image.resize_image_with_crop_or_pad", (x, 0, 3))
    yield Case("image.resize_image_with_crop_or_pad", (x, 3, -1))
    yield Case("image.central_crop", (x, 0.0))
    yield Case("image.central_crop", (x, 1.5))
    yield Case("image.flip_up_down", (fed(reals(4, 5)),))


def _dtypes() -> Iterator[Case]:
    dtypes = ("uint8", "int16", "int32", "float16", "float32", "float64")
    for given, wanted, saturate in product(dtypes, dtypes, (False, True)):
        if given == "float16" and not wanted.startswith("float"):
            continue  # TensorFlow rounds to float16 between two ops, where one kernel need not
        floating = given.startswith("float")
        x = reals(2, 3, dtype=given, **UNIT) if floating else whole(2, 3, low=0, high=120)
        x = x.astype(given)
        yield Case("image.convert_image_dtype", (fed(x), wanted, saturate), tolerance=1e-3)
    wild = reals(2, 3, low=-1.0, high=2.0)
    for wanted in ("uint8", "int16"):
        yield Case("image.convert_image_dtype", (fed(wild), wanted, True))


def _colours() -> Iterator[Case]:
    for x in (reals(4, 5, 3, **UNIT), reals(2, 2, 3, 3, **UNIT)):
        for name in ("rgb_to_grayscale", "rgb_to_yiq", "yiq_to_rgb", "rgb_to_yuv", "yuv_to_rgb"):
            yield Case(f"image.{name}", (fed(x),), tolerance=1e-4)
        for name in ("rgb_to_hsv", "hsv_to_rgb"):
            yield Case(f"image.{name}", (fed(x),), gradients=False, tolerance=1e-4)
            wide = fed(x.astype("float64"))
            yield Case(f"image.{name}", (wide,), gradients=False, tolerance=1e-9)
        yield Case("image.grayscale_to_rgb", (fed(x[..., :1]),))
    corners = np.array(list(product((0.0, 0.5, 1.0), repeat=3)), np.float32).reshape(3, 9, 3)
    for name in ("rgb_to_hsv", "hsv_to_rgb"):
        yield Case(f"image.{name}", (fed(corners),), gradients=False)
        yield Case(f"image.{name}", (fed(reals(2, 2, 2)),))
    picture = whole(3, 4, 3, low=0, high=256, dtype="uint8")
    yield Case("image.rgb_to_grayscale", (fed(picture),))
    yield Case("image.grayscale_to_rgb", (fed(picture[..., :1]),))
    yield Case("image.grayscale_to_rgb", (fed(picture),))


def _adjusted() -> Iterator[Case]:
    pictures = (reals(4, 5, 3, **UNIT), reals(2, 3, 2, 3, **UNIT))
    for x in (*pictures, whole(3, 4, 3, low=0, high=256, dtype="uint8")):
        for delta in (0.1, -0.4, 0.0):
            yield Case("image.adjust_brightness", (fed(x), delta))
            yield Case("image.adjust_hue", (fed(x), delta), gradients=False, tolerance=1e-4)
        for factor in (0.0, 0.5, 2.0):
            yield Case("image.adjust_contrast", (fed(x), factor), gradients=False, tolerance=1e-4)
            yield Case("image.adjust_saturation", (fed(x), factor), gradients=False, tolerance=1e-4)
        for gamma, gain in ((1, 1), (2.0, 0.5), (0.5, 1)):
            yield Case("image.adjust_gamma", (fed(x), gamma, gain), tolerance=1e-4)
        yield Case("image.per_image_standardization", (fed(x),), tolerance=1e-3)
    yield Case("image.per_image_standardization", (fed(np.ones((2, 2, 1), np.float32)),),
               gradients=False)  # fmt: skip
    yield Case("image.adjust_gamma", (fed(pictures[0]), -1.0))
    yield Case("image.adjust_contrast", (fed(reals(3, 3)), 2.0))


def _drawn() -> Iterator[Case]:
    def case(name: str, *arguments: object) -> Case:
        return Case(f"image.{name}", arguments, gradients=False, drawn=True)

    for x in (reals(4, 5, 3, **UNIT), whole(3, 4, 3, low=0, high=256, dtype="uint8")):
        for name in ("random_flip_left_right", "random_flip_up_down"):
            yield case(name, fed(x))
        for name in ("random_brightness", "random_hue"):
            yield case(name, fed(x), 0.2)
            yield case(name, fed(x), -0.2)
        for name in ("random_contrast", "random_saturation"):
            yield case(name, fed(x), 0.2, 1.8)
            yield case(name, fed(x), 1.8, 0.2)
    yield case("random_flip_left_right", fed(reals(2, 4, 5, 3)))


def _boxes() -> Iterator[Case]:
    x = reals(2, 5, 6, 2)
    corners = [[0, 0, 1, 1], [0.1, 0.2, 0.8, 0.7], [0.9, 0.8, 0.1, 0.2], [-0.5, 0.5, 0.5, 1.5]]
    boxes = np.array(corners, np.float32)
    which = np.array([0, 1, 1, 0], np.int32)
    for size, method in product(((3, 4), (1, 1), (7, 2)), ("bilinear", "nearest")):
        given = (fed(x), boxes, fed(which), size, method)
        yield Case("image.crop_and_resize", given, {"extrapolation_value": 2.0},
                   gradients=method == "bilinear", tolerance=1e-4)  # fmt: skip
    for size in ((3, 4), (1, 1), (2, 2)):  # boxes have gradients too
        yield Case("image.crop_and_resize", (fed(x), fed(boxes), which, size), tolerance=2e-4)
    picture = whole(1, 5, 6, 2, low=0, high=256, dtype="uint8")
    yield Case("image.crop_and_resize", (fed(picture), boxes, np.zeros(4, np.int32), (3, 3)),
               tolerance=1e-4)  # fmt: skip
    yield Case(
        "image.crop_and_resize", (fed(x), fed(boxes), fed(np.array([0, 1], np.int32)), (2, 2))
    )
    yield Case("image.crop_and_resize", (fed(x), boxes, which, (2, 2), "cubic"))


def _suppressed() -> Iterator[Case]:
    corners = reals(12, 2, low=0.0, high=3.0)
    boxes = np.concatenate([corners, corners + reals(12, 2, low=0.2, high=2.0, seed=3)], axis=1)
    turned = boxes[:, [2, 1, 0, 3]]
    scores = reals(12, low=0.0, high=1.0, seed=5)

    def case(*arguments: object, **how: object) -> Case:
        name = "image.non_max_suppression"
        return Case(f"{name}_padded" if how else name, arguments, how, gradients=False)

    for given, most, overlap in product((boxes, turned), (1, 4, 20), (0.1, 0.5, 1.0)):
        yield case(fed(given), fed(scores), most, overlap)
    yield case(fed(boxes), fed(scores), 20, 0.5, 0.4)
    yield case(fed(boxes), fed(np.round(scores * 2).astype(np.float32)), 20)
    yield case(fed(boxes), fed(scores[:3]), 20)
    for padded in (False, True):
        yield case(fed(boxes), fed(scores), 9, 0.3, pad_to_max_output_size=padded)


def _measured() -> Iterator[Case]:
    x = reals(2, 4, 5, 3)
    yield Case("image.total_variation", (fed(x),))
    yield Case("image.total_variation", (fed(x[0]),))
    yield Case("image.image_gradients", (fed(x),))
    yield Case("image.sobel_edges", (fed(x),), tolerance=1e-4)
    pair = fed(reals(2, 12, 13, 1, **UNIT)), fed(reals(2, 12, 13, 1, seed=2, **UNIT))
    grey = [fed(whole(12, 13, 3, low=0, high=256, dtype="uint8", seed=k)) for k in (0, 1)]
    for name in ("psnr", "ssim"):
        yield Case(f"image.{name}", (*pair, 1.0), tolerance=1e-3)
        yield Case(f"image.{name}", (*grey, 255), tolerance=1e-3)
        yield Case(f"image.{name}", (pair[0], fed(reals(2, 12, 12, 1)), 1.0))
    yield Case("image.ssim", (fed(x), fed(x), 1.0))


def _parts() -> Iterator[Case]:
    x = fed(reals(2, 7, 9, 3))
    boxes = fed(np.float32([[[0.1, 0.2, 0.8, 0.6], [-0.2, 0.5, 0.4, 1.4]],
                            [[0.5, 0.5, 0.5, 0.5], [0.9, 0.1, 0.2, 0.8]]]))  # fmt: skip
    yield Case("image.draw_bounding_boxes", (x, boxes), gradients=False)
    colors = fed(np.float32([[0.5, 0.25, 0.125]]))
    yield Case("image.draw_bounding_boxes", (x, boxes), {"colors": colors}, gradients=False)
    yield Case("image.draw_bounding_boxes", (fed(reals(2, 5, 4, 1)), boxes), gradients=False)
    inside = fed(np.float32([[0.0, 0.0], [0.2, -0.3]]))
    for how in ({}, {"size": [4, 5]}, {"size": [4, 3]}, {"size": [3, 5]}):
        size = how.get("size", [3, 3])
        yield Case("image.extract_glimpse", (x, size, inside), gradients=False)
    pixels = fed(np.float32([[3.0, 4.0], [2.0, 5.6]]))
    for centered in (False, True):
        how = {"centered": centered, "normalized": False}
        yield Case("image.extract_glimpse", (x, [3, 3], pixels), how, gradients=False)
    shares = fed(np.float32([[0.5, 0.5], [0.4, 0.6]]))
    yield Case("image.extract_glimpse", (x, [3, 3], shares), {"centered": False}, gradients=False)
    size, one = fed(np.int32([40, 30, 3])), fed(np.float32([[[0.1, 0.2, 0.8, 0.9]]]))
    yield Case("image.sample_distorted_bounding_box", (size, one), {"seed": 3}, drawn=True)
    yield Case(
        "image.sample_distorted_bounding_box",
        (size, fed(np.zeros((1, 0, 4), "f4"))),
        {"use_image_if_no_bounding_boxes": True, "min_object_covered": 0.5},
        drawn=True,
    )
    a, b = reals(2, 64, 48, 3, low=0.0, high=1.0), reals(2, 64, 48, 3, low=0.0, high=1.0, seed=5)
    how = {"power_factors": (0.3, 0.7), "filter_size": 7}
    yield Case(
        "image.ssim_multiscale",
        (fed(a), fed((a + b) / 2), 1.0),
        how,
        tolerance=1e-3,
        gradients=False,
    )
    odd = [fed(t[:, :61, :45]) for t in (a, (a + b) / 2)]
    yield Case("image.ssim_multiscale", (*odd, 1.0), how, tolerance=1e-3, gradients=False)
    yield Case(
        "image.ssim",
        (fed(a), fed((a + b) / 2), 1.0),
        {"filter_size": 5, "filter_sigma": 1.0, "k1": 0.02, "k2": 0.05},
        tolerance=1e-3,
        gradients=False,
    )


def _best() -> Iterator[Case]:
    k = 12
    corners = reals(k, 2, low=0.0, high=0.7)
    boxes = np.concatenate([corners, corners + reals(k, 2, low=0.1, high=0.5, seed=3)], axis=1)
    scores = reals(k, low=0.0, high=1.0, seed=7)
    for sigma, least in ((0.0, 0.0), (0.5, 0.0), (0.5, 0.3), (0.1, 0.1)):
        args = (fed(boxes), fed(scores), 8, 0.5, least, sigma)
        yield Case("image.non_max_suppression_with_scores", args, gradients=False)
    hard = {"iou_threshold": 1.0, "soft_nms_sigma": 0.3}
    yield Case(
        "image.non_max_suppression_with_scores",
        (fed(boxes), fed(scores), 20),
        hard,
        gradients=False,
    )
    table = np.abs(reals(k, k, low=0.0, high=1.0))
    yield Case(
        "image.non_max_suppression_overlaps", (fed(table), fed(scores), 6, 0.6), gradients=False
    )
    shared, rated = boxes[None, :, None], reals(2, k, 3, low=0.0, high=1.0)
    both = np.concatenate([shared, shared[:, ::-1]])
    for boxes_of in (both, np.concatenate([both, both * 0.9, both * 1.2], axis=2)):
        for how in ({}, {"pad_per_class": True}, {"clip_boxes": False}, {"score_threshold": 0.4}):
            args = (fed(boxes_of.astype("float32")), fed(rated), 3, 7)
            yield Case("image.combined_non_max_suppression", args, how, gradients=False)
