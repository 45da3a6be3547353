"""Learn word vectors by skip-gram from Python's own manual, which every CPython carries.

Each word is to tell its neighbours.  Training compares each neighbour with a few sampled words
(sampled softmax), so that a step costs the rows it names, not the vocabulary.  Prints the nearest
words of a few; the held-out loss it ends with, over the whole vocabulary, should be at least 0.3
nats below that of word frequencies alone.
"""

import re
from collections import Counter
from pydoc_data.topics import topics

import numpy as np

import graphc as tf

VOCABULARY, SIZE, WINDOW = 4000, 64, 3
STEPS, BATCH, SAMPLED, SEED = 30_000, 256, 256, 5
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
    table = tf.Variable(tf.random_uniform([len(words), SIZE], -0.5, 0.5), name="table")
    with tf.variable_scope("softmax"):
        w = tf.get_variable("w", [len(words), SIZE], initializer=tf.zeros_initializer())
        b = tf.get_variable("b", [len(words)], initializer=tf.zeros_initializer())
    vectors = tf.nn.embedding_lookup(table, word)
    loss = tf.reduce_mean(
        tf.nn.sampled_softmax_loss(w, b, tf.expand_dims(neighbour, 1), vectors, SAMPLED, len(words))
    )
    train = tf.train.AdagradOptimizer(0.5).minimize(loss)

    logits = tf.matmul(vectors, w, transpose_b=True) + b
    whole_loss = tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=neighbour, logits=logits)
    )
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
            if (k + 1) % 5000 == 0:
                print(f"step {k + 1}: sampled loss {np.mean(losses[-5000:]):.3f}")
        found = sess.run(closeness, {asked: [words.index(name) for name in SHOWN]})
        for name, row in zip(SHOWN, found, strict=True):
            near = [words[k] for k in np.argsort(-row)[1:6]]
            print(f"{name:>9} is near {', '.join(near)}")
        told = sess.run(whole_loss, {word: held_out[:, 0], neighbour: held_out[:, 1]})

    counts = np.bincount(pairs[:, 1], minlength=len(words)) + 1e-9
    alone = -np.log(counts / counts.sum())[held_out[:, 1]].mean()
    print(f"held-out loss of word frequencies alone {alone:.3f}")
    print(f"held-out loss {told:.3f}")


if __name__ == "__main__":
    main()
