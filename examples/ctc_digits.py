"""Reading rows of handwritten digits without being told where one digit ends and the next begins.

Connectionist temporal classification (Graves, Fernandez, Gomez and Schmidhuber, 2006): a row is a
picture of one to eight digits, of any width, as close together as they may stand. A bidirectional
LSTM goes over its columns, and for each of them says which digit ends its reading there, or none:
that is the blank. The loss sums over all ways to read a row's digits, so the network finds out by
itself where they are.

The digits are scikit-learn's, and those of held-out rows are never learnt from. Prints how many
labels per hundred are wrong in held-out rows, read by the best path and by a search over prefixes,
and draws the spikes by which the network reads (``out/ctc_digits.png``). Two minutes on two cores.
"""

import time
from typing import Any

import numpy as np
from pictures import COLOURS, panels, save
from sklearn.datasets import load_digits
from tqdm import tqdm

import graphc as tf

HEIGHT, BLANK, MOST = 12, 10, 8  # rows of a picture, the class of the blank, digits in a row
UNITS, BATCH, STEPS, RATE = 80, 32, 2200, 4e-3
NOISE, SEED, HELD, SHOWN = 0.06, 3, 512, 3


def digits() -> tuple[list, list]:
    """Pairs of a picture, without its empty columns, and its digit: to learn, and held out."""
    data = load_digits()
    pairs = []
    for image, digit in zip(data.images / 16, data.target, strict=True):
        inked = np.flatnonzero(image.any(axis=0))
        pairs.append((image[:, inked[0] : inked[-1] + 1], int(digit)))
    order = np.random.default_rng(SEED).permutation(len(pairs))
    mixed = [pairs[k] for k in order]
    return mixed[360:], mixed[:360]


def row_of(pairs: list, rng: np.random.Generator) -> tuple[np.ndarray, list[int]]:
    """A picture [columns, HEIGHT] of a few digits in a row, and which they are."""
    chosen = [pairs[k] for k in rng.integers(len(pairs), size=rng.integers(1, MOST + 1))]
    parts = [np.zeros((HEIGHT, rng.integers(1, 4)))]
    for image, _ in chosen:
        part = np.zeros((HEIGHT, image.shape[1] + rng.integers(0, 5)))
        top = rng.integers(0, HEIGHT - 8 + 1)
        part[top : top + 8, : image.shape[1]] = image * rng.uniform(0.7, 1.0)
        parts.append(part)
    picture = np.concatenate(parts, axis=1)
    return (picture + rng.normal(0, NOISE, picture.shape)).T, [digit for _, digit in chosen]


def batch_of(rows: list) -> tuple[np.ndarray, np.ndarray, tf.SparseTensorValue]:
    """Pictures [columns, rows, HEIGHT], their widths, and their digits as a sparse matrix."""
    widths = np.array([len(picture) for picture, _ in rows], np.int32)
    x = np.zeros((widths.max(), len(rows), HEIGHT), np.float32)
    for k, (picture, _) in enumerate(rows):
        x[: len(picture), k] = picture
    places = [(k, j) for k, (_, labels) in enumerate(rows) for j in range(len(labels))]
    values = np.array([label for _, labels in rows for label in labels], np.int32)
    longest = max(len(labels) for _, labels in rows)
    return x, widths, tf.SparseTensorValue(np.array(places), values, (len(rows), longest))


class Reader:
    """The network, what it is trained by, and two ways to read its answers."""

    def __init__(self) -> None:
        self.x = tf.placeholder(tf.float32, [None, None, HEIGHT], name="columns")
        self.widths = tf.placeholder(tf.int32, [None], name="widths")
        self.labels = tf.sparse_placeholder(tf.int32, name="digits")
        self.rate = tf.placeholder(tf.float32, [], name="rate")
        cells = [tf.nn.rnn_cell.LSTMCell(UNITS) for _ in range(2)]
        (forwards, backwards), _ = tf.nn.bidirectional_dynamic_rnn(
            *cells, self.x, self.widths, dtype=tf.float32, time_major=True
        )
        both = tf.concat([forwards, backwards], axis=2)
        self.scores = tf.layers.dense(both, BLANK + 1, name="scores")  # [columns, rows, classes]
        self.loss = tf.reduce_mean(tf.nn.ctc_loss(self.labels, self.scores, self.widths))
        weights = tf.trainable_variables()
        slopes, _ = tf.clip_by_global_norm(tf.gradients(self.loss, weights), 5.0)
        self.train = tf.train.AdamOptimizer(self.rate).apply_gradients(
            zip(slopes, weights, strict=True)
        )
        self.posteriors = tf.nn.softmax(self.scores)
        (best,), _ = tf.nn.ctc_greedy_decoder(self.scores, self.widths)
        (found,), _ = tf.nn.ctc_beam_search_decoder(
            self.scores, self.widths, beam_width=30, merge_repeated=False
        )
        self.read = {"best path": best, "prefix search": found}
        self.wrong = {
            name: tf.edit_distance(tf.cast(path, tf.int32), self.labels, normalize=False)
            for name, path in self.read.items()
        }

    def feeds(self, rows: list) -> dict[Any, Any]:
        x, widths, labels = batch_of(rows)
        return {self.x: x, self.widths: widths, self.labels: labels}


def errors(sess: tf.Session, reader: Reader, rows: list) -> dict[str, float]:
    """Labels per hundred that are wrong, by each way to read."""
    total = sum(len(labels) for _, labels in rows)
    counts = dict.fromkeys(reader.wrong, 0.0)
    for k in range(0, len(rows), 64):
        found = sess.run(reader.wrong, reader.feeds(rows[k : k + 64]))
        for name, wrong in found.items():
            counts[name] += wrong.sum()
    return {name: 100 * wrong / total for name, wrong in counts.items()}


def draw(sess: tf.Session, reader: Reader, rows: list, losses: list[float]) -> None:
    """Rows, the network's answers column by column, and how it learnt."""
    feeds = reader.feeds(rows)
    answers, paths = sess.run([reader.posteriors, reader.read["prefix search"]], feeds)
    figure, axes = panels(len(rows) + 1, 4.6, 3.8)
    axes[0].plot(losses, color=COLOURS[1], linewidth=0.7)
    axes[0].set(title="loss of a row", xlabel="steps", ylabel="nats", yscale="log")
    for k, (axis, (picture, labels)) in enumerate(zip(axes[1:], rows, strict=True)):
        read = [int(v) for (row, _), v in zip(paths.indices, paths.values, strict=True) if row == k]
        columns = np.arange(len(picture))
        extent = (-0.5, len(picture) - 0.5, 1.08, 1.48)
        axis.imshow(1 - picture.T, cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto")
        said = answers[: len(picture), k]
        axis.plot(columns, said[:, BLANK], color="#bbbbbb", linestyle=":", linewidth=1)
        for digit in range(BLANK):
            axis.plot(columns, said[:, digit], color=COLOURS[digit], linewidth=1.4)
            before = np.concatenate([[0.0], said[:-1, digit]])
            for column in np.flatnonzero((said[:, digit] > 0.5) & (before <= 0.5)):
                axis.text(column, 1.01, str(digit), color=COLOURS[digit], ha="center", fontsize=9)
        spelt, meant = ("".join(map(str, part)) for part in (read, labels))
        title = f"read {spelt}" + ("" if spelt == meant else f", written {meant}")
        axis.set(title=title, xlabel="column", ylim=(0, 1.5), yticks=[0, 0.5, 1])
    axes[1].set(ylabel="probability")
    save(figure, "ctc_digits.png")


def main() -> None:
    tf.set_random_seed(SEED)
    learnt, held = digits()
    rng = np.random.default_rng(SEED)
    tests = [row_of(held, np.random.default_rng([SEED, k])) for k in range(HELD)]
    reader = Reader()
    losses = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        started = time.perf_counter()
        for step in (bar := tqdm(range(STEPS), unit="step", mininterval=1.0)):
            rows = [row_of(learnt, rng) for _ in range(BATCH)]
            rate = RATE * min(1.0, 2 * (1 - step / STEPS))
            loss, _ = sess.run(
                [reader.loss, reader.train], {**reader.feeds(rows), reader.rate: rate}
            )
            losses.append(float(loss))
            if (step + 1) % (STEPS // 8) == 0:
                told = errors(sess, reader, tests[:128])["best path"]
                bar.write(
                    f"step {step + 1:5}: loss {np.mean(losses[-50:]):6.2f}, "
                    f"wrong of 128 held-out rows {told:5.1f} %"
                )
        print(f"{STEPS} steps of {BATCH} rows in {time.perf_counter() - started:.0f} s")
        for name, wrong in errors(sess, reader, tests).items():
            print(f"labels wrong in {HELD} held-out rows by {name}: {wrong:.2f} %")
        draw(sess, reader, tests[:SHOWN], losses)


if __name__ == "__main__":
    main()
