"""Random convolutions, written as they can be written, each a function of one number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import graphc as tf
from graphc.ir.builder import Builder

CHANNELS = (0, 1, 1, 2, 3, 4, 5, 8, 16, 17, 31, 32, 33, 64, 70)
DTYPES = ("float32",) * 5 + ("float64",) * 2 + ("float16", "bfloat16")
MOST_PRODUCTS = 3e6
SPECIAL = (np.nan, np.inf, -np.inf)


@dataclass
class Windows:
    """What slides over what; ``axes`` of sizes, each with a window."""

    dtype: str
    sizes: list[int]
    windows: list[int]
    strides: list[int]
    dilations: list[int]
    padding: Any
    batch: int
    inputs: int  # of a group
    outputs: int  # of all groups
    groups: int
    channels_first: bool
    sizes_known: bool
    twice: bool  # whether derivatives of derivatives are wanted

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of the tensor and the filter."""
        x = (self.batch, *self.sizes, self.inputs * self.groups)
        return x, (*self.windows, self.inputs, self.outputs)

    @property
    def fed(self) -> str:
        return "float32" if self.dtype == "bfloat16" else self.dtype


def draw_windows(rng: np.random.Generator) -> Windows:
    axes = int(rng.choice([1, 2, 2, 2, 3]))

    def numbers(low: int, high: int, share: float = 1.0) -> list[int]:
        return [int(rng.integers(low, high)) if rng.random() < share else low for _ in range(axes)]

    windows = numbers(1, 6 if axes < 3 else 4, 0.85)
    dilations = numbers(1, 4, 0.3)
    padding: Any = ("SAME", "VALID", "zeros")[rng.integers(3)]
    reach = [(w - 1) * d + 1 for w, d in zip(windows, dilations, strict=True)]
    sizes = numbers(1, {1: 60, 2: 18, 3: 6}[axes])
    if padding != "SAME":
        sizes = [s + r - 1 for s, r in zip(sizes, reach, strict=True)]
    if padding == "zeros":
        padding = tuple(zip(numbers(0, 4), numbers(0, 4), strict=True))
    if rng.random() < 0.25:  # channel by channel
        groups, inputs = int(rng.choice(CHANNELS[1:])), 1
        outputs = groups * int(rng.choice([1, 1, 2, 3]))
    else:
        groups = int(rng.choice([1, 1, 1, 2, 3]))
        inputs, outputs = int(rng.choice(CHANNELS)), groups * int(rng.choice(CHANNELS[1:]))
    batch = int(rng.choice([0, 1, 1, 2, 3, 5]))
    work = np.prod([*sizes, *windows]) * max(inputs, 1) * groups * outputs
    return Windows(
        str(rng.choice(DTYPES)), sizes, windows, numbers(1, 4, 0.5), dilations, padding,
        min(batch, max(1, int(MOST_PRODUCTS // work))), inputs, outputs, groups,
        bool(rng.random() < 0.2), bool(rng.random() < 0.5), bool(rng.random() < 0.4),
    )  # fmt: skip


def convolved(given: Windows, x: tf.Tensor, f: tf.Tensor) -> tf.Tensor:
    how = {"strides": tuple(given.strides), "dilations": tuple(given.dilations)}
    b = Builder(tf.get_default_graph())
    if not given.channels_first:
        return b.convolution(x, f, **how, padding=given.padding)
    axes = len(given.sizes)
    call = (tf.nn.conv1d, tf.nn.conv2d, tf.nn.conv3d)[axes - 1]
    padding = given.padding if isinstance(given.padding, str) else [[0, 0], [0, 0], *given.padding]
    steps = (h[0] if axes == 1 else list(h) for h in how.values())
    y = call(
        tf.transpose(x, [0, axes + 1, *range(1, axes + 1)]), f, next(steps), padding,
        data_format=("NCW", "NCHW", "NCDHW")[axes - 1], dilations=next(steps),
    )  # fmt: skip
    return tf.transpose(y, [0, *range(2, axes + 2), 1])


def values(
    seed: int, device: str, threads: int = 1, place: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> tuple[Windows, list[np.ndarray]]:
    """The convolution, both its gradients and what those pass back; of whole numbers, with one
    special value among them now and then.  Feeds lie where ``place`` puts them."""
    rng = np.random.default_rng(seed)
    given = draw_windows(rng)
    x_shape, f_shape = given.shapes
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    with tf.Graph().as_default(), tf.Session(device=device, config=config) as sess:
        placeholders = [
            tf.placeholder(given.fed, s if given.sizes_known else [None] * (len(s) - 1) + [s[-1]])
            for s in (x_shape, f_shape)
        ]
        if not given.sizes_known:
            placeholders[1].set_shape([None] * len(given.sizes) + [*f_shape[-2:]])
        x, f = (tf.cast(t, given.dtype) for t in placeholders)
        y = convolved(given, x, f)
        counts = convolved(given, *(tf.zeros(s, given.dtype) for s in given.shapes)).shape.as_list()
        placeholders.append(tf.placeholder(given.fed, [None] * len(counts)))
        ct = tf.cast(placeholders[-1], given.dtype)
        fetches = [y, *tf.gradients(y, [x, f], ct)]
        if given.twice:
            total = tf.reduce_sum(tf.square(fetches[1])) + tf.reduce_sum(fetches[2])
            fetches += [t for t in tf.gradients(total, [x, f, ct]) if t is not None]
        most = 1 if given.dtype in ("float16", "bfloat16") else 3
        fed = [
            rng.integers(-most, most + 1, shape).astype(given.fed)
            for shape in (x_shape, f_shape, counts)
        ]
        if rng.random() < 0.1 and fed[0].size and fed[2].size and not given.twice:
            for array in (fed[0], fed[2]):
                array.flat[rng.integers(array.size)] = rng.choice(SPECIAL)
        with np.errstate(all="ignore"):
            fetched = sess.run(
                [tf.cast(t, given.fed) for t in fetches],
                dict(zip(placeholders, map(place, fed), strict=True)),
            )
    return given, fetched
