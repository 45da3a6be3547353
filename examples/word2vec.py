"""Learn word vectors by skip-gram from Python's own manual, which every CPython carries.

Each word is to tell its neighbours (a softmax over the whole vocabulary).  Prints the nearest words
of a few; the held-out loss it ends with should be at least 0.3 nats below that of word frequencies
alone.
"""

import re
from collections import Counter
from pydoc_data.topics import topics

import numpy as np

import graphc as tf

VOCABULARY, SIZE, WINDOW = 800, 48, 3
STEPS, BATCH, SEED = 6000, 256, 5
SHOWN = ["list", "class", "exception", "float", "module"]


def skip_grams() -> tuple[list[str], np.ndarray]:
    """The words, commonest first, and (word, neighbour) pairs by number in random order."""
    text = re.findall(r"[a-z]+", " ".join(topics.values()).lower())
    words = [word for word, _ in Counter(text).most_common(VOCABULARY)]
    number = {word: k for k, word in enumerate(words)}
    ids = np.array([number[word] for word in text if word in number], np.int32)
    pairs = [
        pair
        for offset in range(1, WINDOW + 1)
        for pair in ((ids[:-offset], ids[offset:]), (ids[offset:], ids[:-offset]))
    ]
    joined = np.concatenate([np.stack(pair, 1) for pair in pairs])
    return words, np.random.default_rng(SEED).permutation(joined)


def main() -> None:
    words, pairs = skip_grams()
    held_out, pairs = pairs[:20_000], pairs[20_000:]

    tf.set_random_seed(SEED)
    word = tf.placeholder(tf.int32, [None], name="word")
    neighbour = tf.placeholder(tf.int32, [None], name="neighbour")
    table = tf.Variable(tf.random_uniform([VOCABULARY, SIZE], -1.0, 1.0), name="table")
    with tf.variable_scope("softmax"):
        w = tf.get_variable("w", [SIZE, VOCABULARY], initializer=tf.zeros_initializer())
        b = tf.get_variable("b", [VOCABULARY], initializer=tf.zeros_initializer())
    logits = tf.matmul(tf.nn.embedding_lookup(table, word), w) + b
    loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=neighbour, logits=logits)
    )
    step = tf.Variable(0, trainable=False, name="step")
    rate = tf.train.exponential_decay(0.01, step, 2000, 0.5)
    train = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)

    asked = tf.placeholder(tf.int32, [None], name="asked")
    unit = tf.nn.l2_normalize(table, 1)
    closeness = tf.matmul(tf.gather(unit, asked), unit, transpose_b=True)

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        losses = []
        for k in range(STEPS):
            batch = pairs[k * BATCH % len(pairs) :][:BATCH]
            feed = {word: batch[:, 0], neighbour: batch[:, 1]}
            losses.append(sess.run([loss, train], feed_dict=feed)[0])
            if (k + 1) % 1000 == 0:
                print(f"step {k + 1}: loss {np.mean(losses[-1000:]):.3f}")
        found = sess.run(closeness, {asked: [words.index(name) for name in SHOWN]})
        for name, row in zip(SHOWN, found, strict=True):
            near = [words[k] for k in np.argsort(-row)[1:6]]
            print(f"{name:>9} is near {', '.join(near)}")
        told = sess.run(loss, {word: held_out[:, 0], neighbour: held_out[:, 1]})

    counts = np.bincount(pairs[:, 1], minlength=VOCABULARY)
    alone = -np.log(counts / counts.sum())[held_out[:, 1]].mean()
    print(f"held-out loss of word frequencies alone {alone:.3f}")
    print(f"held-out loss {told:.3f}")


if __name__ == "__main__":
    main()
