"""Products and convolutions with random work before and after, some of it fetched on the way, each
a function of one number: what the fuser may take into a contraction's kernel, and what not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import graphc as tf

WIDTHS = (1, 2, 3, 7, 8, 16, 17, 31, 32, 33, 64, 70)
ACTIVATIONS: tuple[Callable[[Any], Any], ...] = (
    tf.nn.relu, tf.tanh, tf.sigmoid, tf.abs, tf.square, tf.nn.leaky_relu, tf.nn.elu, tf.negative,
    tf.stop_gradient, tf.identity,
    lambda t: tf.maximum(t, 0.5), lambda t: t * 0.5 + 1.0, lambda t: tf.where(t > 0, t, t * 0.1),
    lambda t: tf.cast(t > 0, t.dtype) * t,
)  # fmt: skip


class Drawing:
    """A graph of one contraction; ``fed`` are the placeholders with the axes they have.

    The axes named ``n``, ``h`` and ``w`` are known when fed, or when the graph is built.
    """

    def __init__(self, rng: np.random.Generator, dtype: str) -> None:
        self.rng, self.dtype = rng, dtype
        self.fed: list[tuple[Any, tuple]] = []
        self.known = self.chance(0.4)
        self.sizes = self.new_sizes()
        self.images = self.chance(0.4)
        self.outer = ("n", "h", "w") if self.images else ("n",)

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def choose(self, options: Any) -> Any:
        return options[int(self.rng.integers(len(options)))]

    def new_sizes(self) -> dict[str, int]:
        return {
            "n": int(self.rng.integers(1, 60)),
            **{k: int(self.rng.integers(1, 9)) for k in "hw"},
        }

    def placeholder(self, *axes: str | int) -> Any:
        shape = [self.sizes[a] if isinstance(a, str) and self.known else a for a in axes]
        made = tf.placeholder(self.dtype, [a if isinstance(a, int) else None for a in shape])
        self.fed.append((made, axes))
        return made

    def arrays(self) -> dict[Any, np.ndarray]:
        """Values for the placeholders; of new sizes where those are not known."""
        sizes = self.sizes if self.known else self.new_sizes()
        shapes = ([sizes.get(a, a) for a in axes] for _, axes in self.fed)
        drawn = ((0.7 * self.rng.normal(size=s)).astype(self.dtype) for s in shapes)
        return dict(zip((t for t, _ in self.fed), drawn, strict=True))

    def contraction(self) -> Any:
        depth, width = int(self.choose(WIDTHS)), int(self.choose(WIDTHS))
        if not self.images:
            ta, tb = self.chance(0.3), self.chance(0.3)
            a = self.placeholder(*((depth, "n") if ta else ("n", depth)))
            b = self.placeholder(*((width, depth) if tb else (depth, width)))
            a = tf.tanh(a) if self.chance(0.3) else a
            return tf.matmul(a, b, transpose_a=ta, transpose_b=tb)
        x, window = self.placeholder(*self.outer, depth), int(self.choose([1, 2, 3]))
        x = tf.nn.relu(x) if self.chance(0.3) else x
        if self.chance(0.3):
            x = tf.nn.depthwise_conv2d(
                x, self.placeholder(window, window, depth, 1), [1, 1, 1, 1], "SAME"
            )
            if self.chance(0.5):
                return x
        f = self.placeholder(window, window, depth, width)
        return tf.nn.conv2d(x, f, 1, "SAME")

    def extended(self, y: Any, made: list[Any]) -> Any:
        """One more op on ``y``."""
        width, ones = y.shape[-1].value, (1,) * len(self.outer)
        others = (
            lambda: y + self.placeholder(width),
            lambda: y * self.placeholder(width),
            lambda: y + self.placeholder(*self.outer, width),
            lambda: y * self.placeholder(*self.outer, 1),
            lambda: y - self.placeholder(*ones, 1),
            lambda: y + self.placeholder(),
            lambda: self.choose(made) + y,
        )
        return self.choose(others)() if self.chance(0.45) else self.choose(ACTIVATIONS)(y)

    def ended(self, y: Any, first: Any) -> Any:
        """What is made of it all."""
        width, rank = y.shape[-1].value, len(self.outer) + 1
        ends = [
            lambda: tf.reduce_sum(y, 0), lambda: tf.reduce_sum(y, -1), lambda: tf.nn.softmax(y),
            lambda: tf.transpose(y, list(range(rank))[::-1]), lambda: tf.reshape(y, [-1]),
            lambda: tf.tensordot(y, self.placeholder(width, 5), 1), lambda: y[1:],
            lambda: tf.concat([y, first], -1), lambda: tf.reduce_max(y, -1), lambda: y, lambda: y,
        ]  # fmt: skip
        if self.images:
            ends += [
                lambda: tf.nn.max_pool(y, 2, 2, "SAME"),
                lambda: tf.nn.avg_pool(y, 2, 2, "SAME"),
            ]
        return self.choose(ends)()

    def fetches(self) -> list[Any]:
        made = [self.contraction()]
        for _ in range(int(self.rng.integers(0, 7))):
            made.append(self.extended(made[-1], made))
        last = self.ended(made[-1], made[0])
        wanted = [last, *(t for t in made if self.chance(0.25))]
        if self.chance(0.5):
            loss = tf.reduce_sum(tf.square(last)) if self.chance(0.5) else tf.reduce_mean(last)
            passed = tf.gradients(loss, [t for t, _ in self.fed])
            wanted += [t for t in passed if t is not None and self.chance(0.7)]
        return [wanted[k] for k in self.rng.permutation(len(wanted))]


def values(
    seed: int, device: str, threads: int = 1, place: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> list[np.ndarray]:
    """All fetches of three runs, of different sizes where they may be.  Feeds lie where ``place``
    puts them."""
    rng = np.random.default_rng(seed)
    config = tf.ConfigProto(intra_op_parallelism_threads=threads)
    with tf.Graph().as_default(), tf.Session(device=device, config=config) as sess:
        drawing = Drawing(rng, "float32" if seed % 4 == 0 else "float64")
        fetches = drawing.fetches()
        with np.errstate(all="ignore"):
            return [
                value
                for _ in range(3)
                for value in sess.run(
                    fetches, {t: place(array) for t, array in drawing.arrays().items()}
                )
            ]
