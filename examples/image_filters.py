"""Filter scikit-learn's two sample photographs: edges, edges enhanced, blur, sharpen.

The four filters are one depthwise convolution: each colour of a photograph with each window of 5
by 5, the photograph mirrored at its edges. Leaves the pictures (``out/image_filters.png``), and
prints how fast it was.

Then cross-correlation, which is what networks call convolution, and true convolution, with the
window turned round, in SciPy's three modes: everywhere the window touches the photograph (full),
as many places as the photograph has (same), and where it is inside (valid). Prints the largest
difference from ``scipy.signal``, which should be a few times 1e-6.
"""

from time import perf_counter
from typing import Any

import numpy as np
from scipy import signal
from sklearn.datasets import load_sample_images

import graphc as tf

RUNS, SEED = 10, 7
BINOMIAL = np.array([1, 4, 6, 4, 1]) / 16


def around(window: list[list[float]]) -> np.ndarray:
    """A window of 3 by 3 with zeros around it."""
    return np.pad(np.array(window, float), 1)


FILTERS = {
    "edges": around([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "edges enhanced": around([[-0.5, -0.5, -0.5], [-0.5, 5, -0.5], [-0.5, -0.5, -0.5]]),
    "blurred": np.outer(BINOMIAL, BINOMIAL),
    "sharpened": around([[0, -1, 0], [-1, 5, -1], [0, -1, 0]]),
}


def filtered(photographs: Any) -> Any:
    """[n, h, w, colours] to [n, h, w, colours, filters], cut to what can be shown."""
    windows = np.stack(list(FILTERS.values()), axis=-1)[:, :, None]
    colours = photographs.shape[-1].value
    wide = tf.pad(photographs, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="SYMMETRIC")
    y = tf.nn.depthwise_conv2d(
        wide, tf.constant(np.repeat(windows, colours, axis=2), tf.float32), [1, 1, 1, 1], "VALID"
    )
    shape = tf.shape(photographs)
    return tf.clip_by_value(tf.reshape(y, tf.concat([shape, [len(FILTERS)]], 0)), 0.0, 1.0)


def draw(photographs: np.ndarray, results: np.ndarray) -> None:
    try:
        from pictures import panels, save
    except ModuleNotFoundError as missing:
        print(f"no picture: {missing}")
        return
    figure, axes = panels(1 + len(FILTERS), width=4.3, height=6.0)
    shown = [photographs, *np.moveaxis(results, -1, 0)]
    for axis, title, pictures in zip(axes, ["as taken", *FILTERS], shown, strict=True):
        axis.imshow(np.concatenate(list(pictures)))
        axis.set(title=title)
        axis.axis("off")
    save(figure, "image_filters.png")


def compare(sess: Any, grey: np.ndarray) -> None:
    """How far both ways of sliding a window are from SciPy's, in double precision there."""
    random = np.random.default_rng(SEED)
    exact = grey.astype(float)
    for sizes in ((5, 5), (4, 6)):
        window = random.normal(size=sizes).astype(np.float32)
        size = " by ".join(map(str, sizes))
        for mode in ("full", "same", "valid"):
            found = sess.run({
                "correlation": tf.signal.correlate(grey, window, mode),
                "convolution": tf.signal.convolve(grey, window, mode),
            })  # fmt: skip
            wanted = {
                "correlation": signal.correlate(exact, window.astype(float), mode, "direct"),
                "convolution": signal.convolve(exact, window.astype(float), mode, "direct"),
            }
            for name, values in found.items():
                away = np.abs(values - wanted[name]).max()
                print(f"{name} {size}, {mode:5}: at most {away:.7f} from SciPy")


def main() -> None:
    photographs = np.stack(load_sample_images().images).astype(np.float32) / 255.0
    x = tf.placeholder(tf.float32, [None, None, None, 3], name="photographs")
    y = filtered(x)

    with tf.Session() as sess:
        run = sess.make_callable(y, [x])
        results = run(photographs)
        seconds = []
        for _ in range(RUNS):
            began = perf_counter()
            run(photographs)
            seconds.append(perf_counter() - began)
        draw(photographs, results)
        values = results.size / min(seconds)
        print(f"{len(FILTERS)} filters: {values / 1e6:,.0f} million filtered values a second")

        compare(sess, photographs[0].mean(axis=-1))


if __name__ == "__main__":
    main()
