"""A network that learns to write Python from Python's own library, a character at a time.

An LSTM (Hochreiter and Schmidhuber, 1997) reads the standard library of the Python that runs it and
guesses each next character. It trains for two minutes, and shows its loss, its speed and what it
writes. Ctrl-C stops it; the next start goes on from there as if it had never stopped. ``--minutes``
or ``--steps`` say how long it trains in all, ``--fresh`` begins anew.

Leaves the loss and what surprises the network (``out/char_rnn.png``), and the report of the
compiled graph (``out/char_rnn.txt``). Two minutes on two cores should bring it below 1.6 nats a
character on files it never saw; how frequent each character is gives about 3.2 alone.
"""

import argparse
import shutil
import sysconfig
import time
from pathlib import Path
from typing import Any

import numpy as np
from pictures import COLOURS, panels, save, shades
from tqdm import tqdm

import graphc as tf

OUT, KEPT = Path("out"), Path("out/char_rnn")
ALPHABET = "?\t\n" + "".join(map(chr, range(32, 127)))  # "?" also stands for all others
UNITS, WIDTH = 256, 32
BATCH, TURNS, RATE, SEED = 16, 64, 4e-3, 5
NOTES, SHOWS = 40, 8  # how often losses are noted, and samples shown
SAMPLE, WARMTH, LOT = 400, 0.7, 32


def sources() -> tuple[np.ndarray, np.ndarray]:
    """The library's text as numbers of characters: what is learnt, and one file in 20 held out."""
    library = Path(sysconfig.get_path("stdlib"))
    passed = {"site-packages", "dist-packages", "test", "tests", "idle_test"}
    passed |= {"encodings", "pydoc_data"}  # tables and a manual
    files = [file for file in sorted(library.rglob("*.py")) if not passed & set(file.parts)]
    order = np.random.default_rng(SEED).permutation(len(files))
    texts = [numbers(files[k].read_text("utf-8", errors="replace")) for k in order]
    held = len(texts) // 20
    return np.concatenate(texts[held:]), np.concatenate(texts[:held])


def numbers(text: str) -> np.ndarray:
    """The place of each character in the alphabet, int32."""
    places = np.zeros(0x110000, np.int32)
    places[[ord(character) for character in ALPHABET]] = np.arange(len(ALPHABET))
    return places[np.frombuffer(text.encode("utf-32-le"), np.uint32)]


class Network:
    """From characters to guesses at the next ones, in three uses that share their weights."""

    def __init__(self) -> None:
        self.cell = tf.nn.rnn_cell.LSTMCell(UNITS)
        self.table = tf.get_variable("characters", [len(ALPHABET), WIDTH])

        # A step of training reads on where the last one stopped, its memory kept in variables. One
        # row in turn forgets, for a text may begin anywhere.
        self.x = tf.placeholder(tf.int32, [BATCH, TURNS], name="x")
        self.y = tf.placeholder(tf.int32, [BATCH, TURNS], name="y")
        self.rate = tf.placeholder(tf.float32, [], name="rate")
        self.steps, self.seconds = tf.train.get_or_create_global_step(), kept("seconds", [])
        memory = [kept(name, [BATCH, UNITS]) for name in "ch"]
        going = 1.0 - tf.one_hot(self.steps % BATCH, BATCH)[:, None]
        start = tf.nn.rnn_cell.LSTMStateTuple(*(old * going for old in memory))
        logits, last = self.read(self.x, start)
        self.loss = tf.reduce_mean(surprise(logits, self.y), name="loss")
        weights = tf.trainable_variables()
        slopes, _ = tf.clip_by_global_norm(tf.gradients(self.loss, weights), 1.0)
        self.train = tf.group(
            tf.train.AdamOptimizer(self.rate).apply_gradients(
                zip(slopes, weights, strict=True), self.steps
            ),
            *(tf.assign(old, new) for old, new in zip(memory, last, strict=True)),
        )

        # What each character of a text but the first tells it.
        self.text = tf.placeholder(tf.int32, [None, None], name="text")
        logits, _ = self.read(self.text[:, :-1])
        self.told = surprise(logits, self.text[:, 1:])

        # What it writes after a prompt.
        self.prompt = tf.placeholder(tf.int32, [1, None], name="prompt")
        self.written = self.write(self.prompt, SAMPLE, WARMTH)

    def read(self, x: Any, memory: Any = None) -> tuple[Any, Any]:
        """Logits of what follows each of ``x`` [batch, time], and the memory after the last."""
        inputs = tf.nn.embedding_lookup(self.table, x)
        h, memory = tf.nn.dynamic_rnn(self.cell, inputs, initial_state=memory, dtype=tf.float32)
        return self.guess(h), memory

    def guess(self, h: Any) -> Any:
        return tf.layers.dense(h, len(ALPHABET), name="guess", reuse=tf.AUTO_REUSE)

    def write(self, prompt: Any, count: int, warmth: float) -> Any:
        """``count`` characters, each drawn by what the network guesses after those before."""
        _, memory = self.read(prompt[:, :-1])

        def turn(before: Any, _: Any) -> Any:
            character, memory = before
            h, memory = self.cell(tf.nn.embedding_lookup(self.table, character), memory)
            drawn = tf.multinomial(self.guess(h) / warmth, 1, output_dtype=tf.int32)
            return drawn[:, 0], memory

        drawn, _ = tf.scan(turn, tf.range(count), (prompt[:, -1], memory))
        return drawn[:, 0]


def kept(name: str, shape: list[int]) -> Any:
    """A variable that training does not change but a checkpoint has."""
    return tf.get_variable(name, shape, initializer=tf.zeros_initializer(), trainable=False)


def surprise(logits: Any, y: Any) -> Any:
    """Nats by which each of ``y`` was unexpected."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits)


class Training:
    """A session while it learns: where it is, what it shows, what it keeps.

    Steps, seconds, memory and moments of the weights are variables, so a checkpoint has them all.
    """

    def __init__(self, sess: tf.Session, net: Network, minutes: float, steps: int) -> None:
        self.sess, self.net, self.minutes, self.steps = sess, net, minutes, steps
        self.saver = tf.train.Saver()
        self.curve: list[Any] = []  # steps, loss, held-out loss
        sess.run(tf.global_variables_initializer())
        if checkpoint := tf.train.latest_checkpoint(str(KEPT)):
            self.saver.restore(sess, checkpoint)
        self.done, earlier = (n.item() for n in sess.run([net.steps, net.seconds]))
        if checkpoint:
            self.curve = [row for row in np.load(KEPT / "curve.npy") if row[0] <= self.done]
            print(f"going on after {self.done:,} steps")
        self.began = time.monotonic() - earlier

    def spent(self) -> float:
        """The share of the training that is over."""
        minutes = (time.monotonic() - self.began) / 60
        return min(self.done / self.steps if self.steps else minutes / self.minutes, 1.0)

    def learn(self, learnt: np.ndarray, held: np.ndarray) -> None:
        net = self.net
        step = self.sess.make_callable([net.loss, net.train], [net.x, net.y, net.rate])
        look = "{percentage:3.0f} % |{bar:24}| {elapsed}{postfix}"
        bar = tqdm(total=1.0, initial=self.spent(), bar_format=look)
        losses, since, noted = [], time.monotonic(), int(self.spent() * NOTES)
        while (spent := self.spent()) < 1:
            losses.append(step(*piece(learnt, self.done), RATE * (1 - spent))[0])
            self.done += 1
            speed = len(losses) * BATCH * TURNS / (time.monotonic() - since)
            state = f"loss {np.mean(losses[-50:]):.3f}, {speed:,.0f} characters/s"
            bar.set_postfix_str(state, refresh=False)
            bar.update(self.spent() - bar.n)
            if int(self.spent() * NOTES) > noted:
                noted = int(self.spent() * NOTES)
                told = self.told(pieces(held)[:LOT]).mean()
                self.curve.append((self.done, np.mean(losses), told))
                self.keep()
                if noted * SHOWS % NOTES == 0:
                    bar.write(f"\n{self.says('def ')}\n")
                losses, since = [], time.monotonic()
        bar.close()

    def told(self, rows: np.ndarray) -> np.ndarray:
        """Nats of each character but the first of rows of text that know nothing of each other."""
        lots = (rows[k : k + LOT] for k in range(0, len(rows), LOT))
        return np.concatenate([self.sess.run(self.net.told, {self.net.text: lot}) for lot in lots])

    def says(self, prompt: str) -> str:
        """A prompt, and what the network writes after it."""
        drawn = self.sess.run(self.net.written, {self.net.prompt: numbers(f"\n\n{prompt}")[None]})
        return prompt + "".join(ALPHABET[k] for k in drawn)

    def keep(self) -> None:
        """Write a checkpoint, and before it the curve, which may then be ahead but never lacks."""
        KEPT.mkdir(parents=True, exist_ok=True)
        self.net.seconds.load(time.monotonic() - self.began, self.sess)
        np.save(KEPT / "curve.npy", self.curve)
        self.saver.save(self.sess, str(KEPT / "model"))


def pieces(text: np.ndarray) -> np.ndarray:
    """A text as rows of 1024 characters."""
    return text[: len(text) // 1024 * 1024].reshape(-1, 1024)


def piece(text: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """What a step reads and what follows it, [BATCH, TURNS]: a row for each track of the text."""
    tracks = text[: len(text) // BATCH * BATCH].reshape(BATCH, -1)
    start = step % ((tracks.shape[1] - 1) // TURNS) * TURNS
    return tracks[:, start : start + TURNS], tracks[:, start + 1 : start + TURNS + 1]


def excerpt(text: np.ndarray) -> tuple[int, list[str]]:
    """Where a function begins in a text, and its first 28 lines, none of them long."""
    lines = "".join(ALPHABET[k] for k in text).split("\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    for k in range(20, len(lines) - 28):
        if lines[k].startswith("def ") and all(len(line) < 80 for line in lines[k : k + 28]):
            return int(starts[k]), lines[k : k + 28]
    raise ValueError("no function among the held-out files")


def draw(training: Training, held: np.ndarray, alone: float) -> None:
    """The losses, and a piece of held-out code on a ground that is redder the less expected."""
    figure, (left, right) = panels(2, 6.4, 4.8)
    steps, losses, unseen = np.array(training.curve).T
    read = steps * BATCH * TURNS / 1e6
    left.plot(read, losses, color=COLOURS[1], label="learnt")
    left.plot(read, unseen, color=COLOURS[0], label="held out")
    left.axhline(alone, color="grey", linewidth=0.8, linestyle=":")
    left.text(read[-1], alone, "frequencies alone", color="grey", ha="right", va="bottom")
    left.set(xlabel="million characters read", title="nats a character", ylim=(1, 3.5))
    left.legend(frameon=False)

    start, lines = excerpt(held)
    before = min(start, 500)
    told = training.told(held[start - before : start + len("\n".join(lines))][None])[
        0, before - 1 :
    ]
    ground = np.zeros([len(lines), max(map(len, lines))])
    for y, line in enumerate(lines):
        ground[y, : len(line)], told = told[: len(line)], told[len(line) + 1 :]
        for x, character in enumerate(line):
            right.text(x, y, character, family="monospace", fontsize=7, ha="center", va="center")
    right.imshow(ground, cmap=shades(COLOURS[0]), vmin=0, vmax=8, aspect="auto")
    right.set(title="held-out code, redder where the network expected something else")
    right.axis("off")
    save(figure, "char_rnn.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=2.0, help="train for so long in all")
    parser.add_argument("--steps", type=int, default=0, help="so many steps in all instead")
    parser.add_argument("--fresh", action="store_true", help="forget what was learnt before")
    options = parser.parse_args()
    if options.fresh:
        shutil.rmtree(KEPT, ignore_errors=True)

    learnt, held = sources()
    counts = np.bincount(learnt, minlength=len(ALPHABET)) + 1
    alone = -np.log(counts / counts.sum())[held].mean()
    print(f"{len(learnt):,} characters to learn, {len(held):,} held out")

    tf.set_random_seed(SEED)
    net = Network()
    with tf.Session() as sess:
        training = Training(sess, net, options.minutes, options.steps)
        try:
            training.learn(learnt, held)
        except KeyboardInterrupt:
            training.keep()
            print("\nstopped; the next start goes on from here")
            return
        training.keep()
        for prompt in ("class ", "def ", "import "):
            print(f"\n{training.says(prompt)}\n")
        feed = dict(zip([net.x, net.y, net.rate], [*piece(learnt, 0), RATE], strict=True))
        (OUT / "char_rnn.txt").write_text(str(sess.inspect([net.loss, net.train], feed)))
        print(f"report of the compiled graph: {OUT / 'char_rnn.txt'}")
        draw(training, held, alone)
        told = training.told(pieces(held)).mean()

    print(f"held-out loss of frequencies alone {alone:.3f} nats a character")
    print(f"held-out loss {told:.3f}")


if __name__ == "__main__":
    main()
