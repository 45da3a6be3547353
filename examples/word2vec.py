"""Word vectors from Python's own words: its manual and the docstrings of its library.

After "Distributed representations of words and phrases" (Mikolov et al., 2013). A skip-gram tells a
word's neighbours from the word; a continuous bag of words tells the word from all its neighbours.
Both learn by telling true words from a few sampled ones (noise-contrastive estimation), so a step
costs the rows that it names and not the vocabulary. Prints the nearest words of some, and draws the
vectors in two dimensions (t-SNE).

The held-out loss over the whole vocabulary should be below that of word frequencies alone, by 0.5
nats for the bag of words and by 0.15 for the skip-gram. Of the words in KINDS the nearest other one
should be of the same kind for more than 60 %; chance gives 13 %.
"""

import ast
import re
import sysconfig
from collections import Counter
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
from pictures import COLOURS, panels, save
from sklearn.manifold import TSNE
from tqdm import trange

import graphc as tf

VOCABULARY, SIZE, WINDOW, OFTEN = 4000, 64, 3, 1e-3
STEPS, BATCH, SAMPLED, RATE, SEED = 6000, 256, 64, 0.6, 5
SHOWN = ["list", "class", "exception", "float", "module", "two"]
KINDS = {
    "containers": "list tuple dict dictionary set string bytes sequence mapping",
    "numbers": "integer float decimal complex fraction int",
    "errors": "valueerror typeerror keyerror indexerror attributeerror oserror runtimeerror",
    "files": "file directory path filename directories files",
    "network": "server client host port socket connection url",
    "windows": "widget window button menu canvas frame dialog",
    "counting": "one two three four first second third",
    "verbs": "returns raises creates sets contains calls",
}


def library() -> list[str]:
    """The words of the manual and of the docstrings."""
    root = Path(sysconfig.get_path("stdlib"))
    passed = {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3"}
    texts = list(topics.values())
    for file in sorted(root.rglob("*.py")):
        if not passed & set(file.parts):
            nodes = ast.walk(ast.parse(file.read_bytes()))
            documented = ast.Module | ast.ClassDef | ast.FunctionDef
            texts += [ast.get_docstring(n) or "" for n in nodes if isinstance(n, documented)]
    return re.findall(r"[a-z]+", " ".join(texts).lower())


def windows(text: list[str]) -> tuple[list[str], np.ndarray]:
    """The vocabulary, commonest first, and by number words with their neighbours, in random order.

    Of the neighbours [words, 1 + 2 * WINDOW] the first is the word itself. Common words are passed
    over at random, as in the paper.
    """
    random = np.random.default_rng(SEED)
    counts = Counter(text).most_common(VOCABULARY)
    words = [word for word, _ in counts]
    number = {word: k for k, word in enumerate(words)}
    ids = np.array([number[word] for word in text if word in number], np.int32)
    share = np.array([count for _, count in counts]) / len(ids)
    ids = ids[random.random(len(ids)) < np.sqrt(OFTEN / share)[ids]]
    found = np.lib.stride_tricks.sliding_window_view(ids, 2 * WINDOW + 1)
    found = np.concatenate([found[:, WINDOW : WINDOW + 1], np.delete(found, WINDOW, 1)], 1)
    return words, random.permutation(found)


class Model:
    """Vectors of words, learnt by guessing a word from others near it."""

    def __init__(self, given: Any, count: int) -> None:
        """``given``: a word [batch], or as many [batch, many] whose vectors are averaged."""
        self.given = given
        self.wanted = tf.placeholder(tf.int32, [None], name="wanted")
        self.rate = tf.placeholder(tf.float32, [], name="rate")
        table = tf.Variable(tf.random_uniform([count, SIZE], -1.0, 1.0) / (2 * SIZE**0.5))
        w, b = tf.Variable(tf.zeros([count, SIZE])), tf.Variable(tf.zeros([count]))
        seen = tf.nn.embedding_lookup(table, given)
        if given.shape.ndims == 2:
            seen = tf.reduce_mean(seen, axis=1)
        losses = tf.nn.nce_loss(w, b, self.wanted[:, None], seen, SAMPLED, count)
        self.loss = tf.reduce_mean(losses)
        self.train = tf.train.AdagradOptimizer(self.rate).minimize(tf.reduce_sum(losses))

        logits = tf.matmul(seen, w, transpose_b=True) + b
        self.told = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=self.wanted, logits=logits)
        )
        self.vectors = tf.nn.l2_normalize(table, 1)

    def examples(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is given and what is wanted, of rows of a word and its neighbours."""
        if self.given.shape.ndims == 2:
            return rows[:, 1:], rows[:, 0]
        return np.repeat(rows[:, 0], 2 * WINDOW), rows[:, 1:].ravel()


def kinds(words: list[str]) -> dict[int, int]:
    """The number of each word in KINDS that is known, and of its kind."""
    lines = [line.split() for line in KINDS.values()]
    return {words.index(w): k for k, line in enumerate(lines) for w in line if w in words}


def alike(vectors: np.ndarray, kind: dict[int, int]) -> float:
    """Of the words of all kinds, the share whose nearest other one is of the same kind, in %."""
    some, of = vectors[list(kind)], np.array(list(kind.values()))
    near = np.argmax(some @ some.T - 2 * np.eye(len(some)), 1)
    return 100 * float(np.mean(of[near] == of))


def draw(axis: Any, vectors: np.ndarray, words: list[str], kind: dict[int, int]) -> None:
    """The words of KINDS, near each other where their vectors are, a colour for each kind."""
    near = TSNE(perplexity=8, metric="cosine", init="random", random_state=SEED)
    places = near.fit_transform(vectors[list(kind)])
    axis.scatter(*places.T, s=0)
    for place, (k, of) in zip(places, kind.items(), strict=True):
        axis.text(*place, words[k], color=COLOURS[of], fontsize=9, ha="center", va="center")
    axis.spines[:].set(visible=True, color="lightgrey")
    axis.set(xticks=[], yticks=[])


def main() -> None:
    words, rows = windows(library())
    held_out, rows = rows[:4000], rows[4000:]
    counts = np.bincount(rows[:, 0], minlength=len(words)) + 1
    alone = -np.log(counts / counts.sum())[held_out[:, 0]].mean()
    kind = kinds(words)
    print(f"{len(rows):,} words to learn, {len(words):,} of them different")

    tf.set_random_seed(SEED)
    several = tf.placeholder(tf.int32, [None, 2 * WINDOW], name="neighbours")
    one = tf.placeholder(tf.int32, [None], name="word")
    models = {"bag of words": Model(several, len(words)), "skip-gram": Model(one, len(words))}
    figure, axes = panels(2, 6.4, 5.2)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for (name, m), axis in zip(models.items(), axes, strict=True):
            step = sess.make_callable([m.loss, m.train], [m.given, m.wanted, m.rate])
            losses = []
            for k in (bar := trange(STEPS, desc=name)):
                at = k * BATCH % (len(rows) - BATCH)
                rate = RATE * (1 - k / STEPS)
                losses.append(step(*m.examples(rows[at : at + BATCH]), rate)[0])
                if (k + 1) % 100 == 0:
                    bar.set_postfix_str(f"loss {np.mean(losses[-100:]):.3f}")
            given, wanted = m.examples(held_out)
            vectors, told = sess.run([m.vectors, m.told], {m.given: given, m.wanted: wanted})
            for word in SHOWN:
                near = np.argsort(-(vectors[:2000] @ vectors[words.index(word)]))[1:7]
                print(f"{word:>9} is near {', '.join(words[k] for k in near)}")
            share = alike(vectors, kind)
            print(f"{name}: nearest word of the same kind for {share:.1f} %")
            print(f"{name}: held-out loss {told:.3f}, of frequencies alone {alone:.3f}")
            draw(axis, vectors, words, kind)
            axis.set(title=name)
    save(figure, "word2vec.png")


if __name__ == "__main__":
    main()
