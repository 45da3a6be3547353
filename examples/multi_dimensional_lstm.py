"""An LSTM of two dimensions reads handwritten digits: a scan over rows of scans along them.

After "Multi-dimensional recurrent neural networks" (Graves, Fernández and Schmidhuber, 2007). The
cell at a pixel sees the pixel and the cells above and to the left, and has a forget gate for each
of these two. Four such networks read a digit from its four corners, and the digit is told from
what each has seen at the end. Draws the course of training, and what some cells hold while they
read. Should recognise at least 97.5 % of the held-out digits.
"""

from typing import Any

import numpy as np
from matplotlib import colormaps
from pictures import COLOURS, panels, save
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import trange

import graphc as tf

UNITS, EPOCHS, BATCH, RATE, NOISE, SEED = 16, 60, 32, 5e-3, 0.2, 5
State = tf.nn.rnn_cell.LSTMStateTuple


def cell(x: Any, above: Any, left: Any) -> Any:
    """The state at pixels ``x`` [batch, 1], from those above and to the left."""
    seen = tf.concat([x, above.h, left.h], 1)
    sums = tf.layers.dense(seen, 5 * UNITS, name="gates", reuse=tf.AUTO_REUSE)
    new, enter, leave, keep_above, keep_left = tf.split(sums, 5, 1)
    kept = tf.sigmoid(keep_above) * above.c + tf.sigmoid(keep_left) * left.c
    c = kept + tf.sigmoid(enter) * tf.tanh(new)
    return State(c, tf.sigmoid(leave) * tf.tanh(c))


def read(pictures: Any) -> Any:
    """The states at all pixels of ``pictures`` [rows, columns, batch, 1], from the top left on."""
    _, columns, _, _ = pictures.shape.as_list()
    batch = tf.shape(pictures)[2]
    outside = tf.zeros([batch, UNITS])
    before = tf.zeros([columns, batch, UNITS])

    def along(left: Any, given: Any) -> Any:
        x, above = given
        return cell(x, above, left)

    def row(above: Any, pixels: Any) -> Any:
        return tf.scan(along, (pixels, above), State(outside, outside))

    return tf.scan(row, pictures, State(before, before))


def sheet(shown: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Pictures side by side, and under each what the six cells that vary most hold."""
    most = np.argsort(-held.std((0, 1, 2)))[:6]
    maps = np.tanh(held[..., most].transpose(3, 2, 0, 1))  # [cells, digits, rows, columns]
    lines = [colormaps["gray_r"](shown), *colormaps["RdBu"](0.5 + maps / 2)]
    tiles = np.pad(lines, [(0, 0), (0, 0), (0, 1), (0, 1), (0, 0)], constant_values=1.0)
    rows, columns, high, wide, _ = tiles.shape
    return tiles.transpose(0, 2, 1, 3, 4).reshape(rows * high, columns * wide, 4)


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 8, 8)
    digits = digits.astype(np.int32)
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits, test_size=0.25, random_state=SEED, stratify=digits
    )

    tf.set_random_seed(SEED)
    x = tf.placeholder(tf.float32, [None, 8, 8], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    rate = tf.placeholder(tf.float32, [], name="rate")
    pictures = tf.transpose(x, [1, 2, 0])[..., None]
    corners = []
    for k, axes in enumerate([[], [0], [1], [0, 1]]):
        with tf.variable_scope(f"corner_{k}"):
            corners.append(read(tf.reverse(pictures, axes)))
    ends = tf.concat([states.h[-1, -1] for states in corners], 1)
    logits = tf.layers.dense(ends, 10, name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    weights = tf.trainable_variables()
    slopes, _ = tf.clip_by_global_norm(tf.gradients(loss, weights), 1.0)
    train = tf.train.AdamOptimizer(rate).apply_gradients(zip(slopes, weights, strict=True))
    correct = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), y)
    accuracy = 100 * tf.reduce_mean(tf.cast(correct, tf.float32))

    random = np.random.default_rng(SEED)
    found = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        step = sess.make_callable([loss, train], [x, y, rate])
        for epoch in (bar := trange(EPOCHS, unit="epoch")):
            order = random.permutation(len(train_x))
            now = RATE * (1 - epoch / EPOCHS)
            for k in range(0, len(order), BATCH):
                lot = order[k : k + BATCH]
                noise = random.normal(0, NOISE, train_x[lot].shape)
                step(train_x[lot] + noise, train_y[lot], now)
            sets = ((train_x, train_y), (test_x, test_y))
            found.append([sess.run([accuracy, loss], {x: a, y: b}) for a, b in sets])
            bar.set_postfix_str(f"held out {found[-1][1][0]:.1f} %")
        shown = test_x[[np.flatnonzero(test_y == digit)[0] for digit in range(10)]]
        held = sess.run(corners[0].c, {x: shown})  # [rows, columns, digits, units]

    figure, (left, right) = panels(2, 5.2, 3.6)
    errors = 100 - np.array(found)[:, :, 0]
    epochs = range(1, EPOCHS + 1)
    left.plot(epochs, errors[:, 0], color=COLOURS[1], label="learnt")
    left.plot(epochs, errors[:, 1], color=COLOURS[0], label="held out")
    left.set(xlabel="epoch", title="digits not recognised, %", yscale="log")
    left.legend(frameon=False)
    right.imshow(sheet(shown, held))
    right.set(title="held-out digits, and what six cells hold as they read")
    right.axis("off")
    save(figure, "multi_dimensional_lstm.png")
    print(f"held-out accuracy: {100 - errors[-1, 1]:.1f} %")


if __name__ == "__main__":
    main()
