"""Train a small network on scikit-learn's 1,797 handwritten digits, the way TF1 code does.

Leaves the learning curve (``out/digits_mlp.png``) and the report of the compiled graph
(``out/digits_mlp.txt``). Should print a held-out accuracy of at least 97 %.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc as tf

OUT = Path("out")
EPOCHS, BATCH, HIDDEN, RATE, SEED = 40, 32, 64, 2e-3, 7


def progress(items: Iterable[int]) -> Iterable[int]:
    """A bar where tqdm is installed, a line now and then where it is not."""
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return plain_progress(list(items))
    return tqdm(items, desc="training", unit="epoch")


def plain_progress(items: list[int]) -> Iterator[int]:
    for done, item in enumerate(items, 1):
        yield item
        if done % 10 == 0 or done == len(items):
            print(f"epoch {done} of {len(items)}")


def batches(count: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    order = random.permutation(count)
    for start in range(0, count, BATCH):
        yield order[start : start + BATCH]  # the last one is smaller: no new kernel for it


def draw(curves: dict[str, list[float]], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    epochs = range(1, EPOCHS + 1)
    left.plot(epochs, curves["loss"], color="#c1440e")
    left.set(xlabel="epoch", title="training loss", yscale="log")
    right.plot(epochs, curves["training"], color="#8aa0b5", label="training")
    right.plot(epochs, curves["held out"], color="#c1440e", label="held out")
    right.axhline(0.97, color="grey", linewidth=0.8, linestyle=":")
    right.set(xlabel="epoch", title="accuracy", ylim=(0.85, 1.005))
    right.legend(loc="lower right", frameon=False)
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    digits = digits.astype(np.int32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.25, random_state=SEED, stratify=digits
    )

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 64], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    hidden = tf.layers.dense(x, HIDDEN, activation=tf.nn.relu, name="hidden")
    logits = tf.layers.dense(hidden, 10, name="logits")
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits), name="loss"
    )
    correct = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), y)
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")
    train = tf.train.AdamOptimizer(RATE).minimize(loss)

    random = np.random.default_rng(SEED)
    curves: dict[str, list[float]] = {"loss": [], "training": [], "held out": []}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        step = sess.make_callable([loss, train], [x, y])
        for _ in progress(range(EPOCHS)):
            losses = [step(train_x[i], train_y[i])[0] for i in batches(len(train_x), random)]
            curves["loss"].append(float(np.mean(losses)))
            curves["training"].append(float(sess.run(accuracy, {x: train_x, y: train_y})))
            curves["held out"].append(float(sess.run(accuracy, {x: test_x, y: test_y})))
        report = str(sess.inspect([loss, train], {x: train_x[:BATCH], y: train_y[:BATCH]}))

    OUT.mkdir(exist_ok=True)
    (OUT / "digits_mlp.txt").write_text(report)
    print(f"report of the compiled graph: {OUT / 'digits_mlp.txt'}")
    try:
        draw(curves, OUT / "digits_mlp.png")
    except ModuleNotFoundError as missing:
        print(f"no picture: {missing}")
    else:
        print(f"learning curve: {OUT / 'digits_mlp.png'}")
    print(f"held-out accuracy: {100 * curves['held out'][-1]:.1f} %")


if __name__ == "__main__":
    main()
