"""A network that writes number words as figures: three hundred and seven is 307.

One GRU reads the words from left to right, another from right to left (Schuster and Paliwal, 1997);
a third writes the digits, and looks at the words again for each of them (Bahdanau, Cho and Bengio,
"Neural Machine Translation by Jointly Learning to Align and Translate", 2015). It learns from
numbers below a million, of which it never sees one in 20, and is asked for 2,000 of these: digit by
digit, and by a search that keeps the five best beginnings.

Prints how many it writes without a fault, and draws where it looked (``out/seq2seq.png``).
"""

from typing import Any

import numpy as np
from tqdm import trange

import graphc as tf

UNITS, WIDTH, BEAMS = 64, 32, 5
BATCH, STEPS, RATE, SEED = 128, 800, 4e-3, 3
LIMIT, ASKED, DIGITS = 1_000_000, 2_000, 6
ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
WORDS = ["", *ONES, *TENS, "hundred", "thousand", "and"]
PLACES = {word: place for place, word in enumerate(WORDS)}
START, END = 10, 11  # beside the ten digits
SHOWN = (307, 90_012, 746_815)


def spoken(n: int) -> list[str]:
    """A number in words: 12,005 is twelve thousand and five."""
    thousands, rest = divmod(n, 1000)
    if thousands:
        joined = ["and"] if 0 < rest < 100 else []
        return [*spoken(thousands), "thousand", *joined, *(spoken(rest) if rest else [])]
    hundreds, rest = divmod(n, 100)
    if hundreds:
        return [ONES[hundreds], "hundred", *(["and", *spoken(rest)] if rest else [])]
    if n < 20:
        return [ONES[n]]
    return [TENS[n // 10 - 2], *([ONES[n % 10]] if n % 10 else [])]


def read(numbers: Any) -> tuple[np.ndarray, np.ndarray]:
    """The words of numbers as places [batch, longest], 0 after the last, and how many they are."""
    rows = [[PLACES[word] for word in spoken(int(n))] for n in numbers]
    lengths = np.array([len(row) for row in rows], np.int32)
    table = np.zeros((len(rows), lengths.max()), np.int32)
    for line, row in zip(table, rows, strict=True):
        line[: len(row)] = row
    return table, lengths


def written(numbers: Any) -> tuple[np.ndarray, np.ndarray]:
    """The digits of numbers and an END [batch, DIGITS + 1], ENDs after it; how many they are."""
    table = np.full((len(numbers), DIGITS + 1), END, np.int32)
    for line, n in zip(table, numbers, strict=True):
        figures = str(n)
        line[: len(figures)] = [int(figure) for figure in figures]
    return table, (table != END).sum(1).astype(np.int32) + 1


def figures(row: np.ndarray) -> str:
    """What digits say, up to the first END."""
    said = row[: np.argmax(np.append(row, END) == END)]
    return "".join(str(digit) if digit < 10 else "?" for digit in said)


class Network:
    """From words to digits, in three uses that share their weights."""

    def __init__(self) -> None:
        self.words = tf.placeholder(tf.int32, [None, None], name="words")
        self.lengths = tf.placeholder(tf.int32, [None], name="lengths")
        self.digits = tf.placeholder(tf.int32, [None, DIGITS + 1], name="digits")
        self.counts = tf.placeholder(tf.int32, [None], name="counts")
        self.rate = tf.placeholder(tf.float32, [], name="rate")
        self.rows = tf.shape(self.words)[0]
        self.figures = tf.get_variable("table_of_figures", [END + 1, WIDTH])
        self.guess = tf.layers.Dense(END + 1, name="guess")
        table = tf.get_variable("table_of_words", [len(WORDS), WIDTH])
        words = tf.nn.embedding_lookup(table, self.words)
        ahead, back = tf.nn.rnn_cell.GRUCell(UNITS), tf.nn.rnn_cell.GRUCell(UNITS)
        seen, last = tf.nn.bidirectional_dynamic_rnn(
            ahead, back, words, self.lengths, dtype=tf.float32
        )
        self.memory, self.state = tf.concat(seen, 2), tf.concat(last, 1)

        # Taught: each digit follows from those before it, the true ones.
        begun = tf.concat([tf.fill([self.rows, 1], START), self.digits[:, :-1]], 1)
        taught = tf.contrib.seq2seq.TrainingHelper(self.embedded(begun), self.counts)
        outputs, _, _ = self.decode(taught)
        logits = outputs.rnn_output
        many = tf.shape(logits)[1]
        weights = tf.sequence_mask(self.counts, many, tf.float32)
        self.loss = tf.contrib.seq2seq.sequence_loss(logits, self.digits[:, :many], weights)
        optimizer = tf.train.AdamOptimizer(self.rate)
        slopes, variables = zip(*optimizer.compute_gradients(self.loss), strict=True)
        slopes, _ = tf.clip_by_global_norm(slopes, 1.0)
        self.train = optimizer.apply_gradients(zip(slopes, variables, strict=True))

        # Alone: each digit follows from those it wrote itself.
        starts = tf.fill([self.rows], START)
        greedy = tf.contrib.seq2seq.GreedyEmbeddingHelper(self.figures, starts, END)
        outputs, state, _ = self.decode(greedy)
        self.greedy, self.looks = outputs.sample_id, state.alignment_history.stack()
        self.best = self.search(starts).predicted_ids[:, :, 0]

    def embedded(self, digits: Any) -> Any:
        return tf.nn.embedding_lookup(self.figures, digits)

    def decoder(self, beams: int = 1, history: bool = False) -> tuple[Any, Any]:
        """The cell that writes, its attention on the words of each beam, and its state."""
        memory, lengths, state = tf.contrib.seq2seq.tile_batch(
            (self.memory, self.lengths, self.state), beams
        )
        attention = tf.contrib.seq2seq.BahdanauAttention(UNITS, memory, lengths)
        cell = tf.contrib.seq2seq.AttentionWrapper(
            tf.nn.rnn_cell.GRUCell(2 * UNITS), attention, 2 * UNITS, alignment_history=history
        )
        start = cell.zero_state(self.rows * beams, tf.float32)
        return cell, start.clone(cell_state=state)

    def decode(self, helper: Any) -> Any:
        """What the decoder makes of what a helper gives it."""
        with tf.variable_scope("writing", reuse=tf.AUTO_REUSE):
            alone = not isinstance(helper, tf.contrib.seq2seq.TrainingHelper)
            cell, start = self.decoder(history=alone)
            decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, start, self.guess)
            return tf.contrib.seq2seq.dynamic_decode(
                decoder, maximum_iterations=DIGITS + 1, impute_finished=True
            )

    def search(self, starts: Any) -> Any:
        """The best of several beginnings, kept side by side."""
        with tf.variable_scope("writing", reuse=tf.AUTO_REUSE):
            cell, start = self.decoder(BEAMS)
            decoder = tf.contrib.seq2seq.BeamSearchDecoder(
                cell, self.figures, starts, END, start, BEAMS, self.guess
            )
            outputs, _, _ = tf.contrib.seq2seq.dynamic_decode(
                decoder, maximum_iterations=DIGITS + 1
            )
            return outputs


def lot(random: np.random.Generator, held: np.ndarray) -> np.ndarray:
    """Numbers to learn from: of every count of digits as many, and none that is held out."""
    most = 10 ** random.integers(1, DIGITS + 1, 2 * BATCH)
    drawn = random.integers(most)
    return drawn[~held[drawn]][:BATCH]


def exact(sess: Any, net: Network, asked: np.ndarray, said: Any) -> float:
    """How many of the numbers are written without a fault, in percent."""
    right = 0
    for part in np.array_split(asked, 4):
        words, lengths = read(part)
        rows = sess.run(said, {net.words: words, net.lengths: lengths})
        right += sum(figures(row) == str(n) for row, n in zip(rows, part, strict=True))
    return 100 * right / len(asked)


def draw(curve: list[tuple[int, float]], looks: list[Any]) -> None:
    try:
        from pictures import COLOURS, panels, save, shades
    except ModuleNotFoundError as missing:
        print(f"no picture: {missing}")
        return
    figure, (first, *others) = panels(1 + len(SHOWN), width=3.6, height=4.2)
    first.plot(*zip(*curve, strict=True), color=COLOURS[0])
    first.set(xlabel="step", yscale="log", title="nats a digit")
    for axis, n, (said, weights) in zip(others, SHOWN, looks, strict=True):
        words, marks = spoken(n), [*said, "end"]
        axis.imshow(weights[: len(marks), : len(words)].T, cmap=shades(COLOURS[1]), vmin=0, vmax=1)
        axis.set_xticks(range(len(marks)), marks)
        axis.set_yticks(range(len(words)), words)
        axis.tick_params(length=0)
        axis.set(title=f"where it looks for {n:,}")
    save(figure, "seq2seq.png")


def main() -> None:
    random = np.random.default_rng(SEED)
    held = random.random(LIMIT) < 0.05
    asked = random.choice(np.flatnonzero(held), ASKED, replace=False)

    tf.set_random_seed(SEED)
    net = Network()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        fed = [net.words, net.lengths, net.digits, net.counts, net.rate]
        step = sess.make_callable([net.loss, net.train], fed)
        curve: list[tuple[int, float]] = []
        losses: list[float] = []
        bar = trange(STEPS, bar_format="{percentage:3.0f} % |{bar:24}| {elapsed}{postfix}")
        for k in bar:
            numbers = lot(random, held)
            losses.append(step(*read(numbers), *written(numbers), RATE * (1 - k / STEPS))[0])
            if (k + 1) % 50 == 0:
                curve.append((k + 1, float(np.mean(losses[-50:]))))
                bar.set_postfix_str(f"loss {curve[-1][1]:.4f}", refresh=False)
            if (k + 1) % (STEPS // 4) == 0:
                right = exact(sess, net, asked[:400], net.greedy)
                bar.write(f"step {k + 1}: loss {curve[-1][1]:.4f}, {right:.1f} % of 400 held out")
        for n in SHOWN:
            words, lengths = read([n])
            (row,) = sess.run(net.best, {net.words: words, net.lengths: lengths})
            print(f"{' '.join(spoken(n))}: {figures(row)}")
        looks = []
        for n in SHOWN:
            words, lengths = read([n])
            given = {net.words: words, net.lengths: lengths}
            rows, weights = sess.run([net.greedy, net.looks], given)
            looks.append((figures(rows[0]), weights[:, 0]))
        draw(curve, looks)
        for how, said in (("digit by digit", net.greedy), (f"the best of {BEAMS} beams", net.best)):
            print(f"held out, {how}: {exact(sess, net, asked, said):.2f} % exact")


if __name__ == "__main__":
    main()
