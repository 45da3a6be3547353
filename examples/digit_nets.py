"""LeCun's five nets of 1989: the same digits, and ever more known about pictures in the wiring.

After "Generalization and network design strategies" (CRG-TR-89-4): digits as bitmaps of 16 by 13,
12 of each, each put at four places of a 16 by 16 picture; of these 480 pictures 320 are learnt and
160 held out. There one person drew them; here they are scikit-learn's digits of 8 by 8, read one
after another from a random place, enlarged bilinearly and cut at one half of full ink.

A picture at a time, squared error, units of 1.7159 tanh(2x / 3). The paper divides each weight's
rate by its second derivative; what stands here for that is the number of inputs of its unit,
times the root of how many units share it. Averages over 40 draws of digits, splits and first
weights, which all five nets share. Prints the table beside the paper's, and must keep its order.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import graphc as tf

DRAWS, EPOCHS, RATE, DECAY, BACKGROUND = 40, 40, 0.7, 0.95, -1.0
PAPER = {"Net-1": 80.0, "Net-2": 87.0, "Net-3": 88.5, "Net-4": 94.0, "Net-5": 98.4}


@dataclass
class Net:
    """A net while it is wired: its links so far, and how fast each of its weights learns."""

    name: str
    links: int = 0
    rates: dict[Any, float] = field(default_factory=dict)

    def weight(self, shape: list[int], inputs: int, shared: float = 1.0) -> Any:
        """A variable for units of so many inputs, the bias counted."""
        most = 2.4 / inputs
        made = tf.Variable(tf.random_uniform(shape, -most, most))
        self.rates[made] = 1 / (inputs * shared**0.5)
        return made

    def units(self, sums: Any, inputs: int) -> Any:
        """What units make of their sums: each has a link to every input and to its bias."""
        self.links += count(sums) * (inputs + 1)
        bias = self.weight(sums.shape.as_list()[1:], inputs + 1)
        return 1.7159 * tf.tanh((sums + bias) * (2 / 3))

    def full(self, x: Any, units: int) -> Any:
        """Every unit sees everything."""
        seen = count(x)
        w = self.weight([seen, units], seen + 1)
        return self.units(tf.matmul(tf.reshape(x, [-1, seen]), w), seen)

    def local(self, x: Any, window: int) -> Any:
        """Units at every other place, each with its own weights for the window around it."""
        seen = tf.extract_image_patches(
            framed(x, window), [1, window, window, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"
        )
        _, *places, inputs = seen.shape.as_list()
        w = self.weight([*places, inputs], inputs + 1)
        return self.units(tf.reduce_sum(seen * w, axis=-1, keepdims=True), inputs)

    def shared(self, x: Any, window: int, maps: int) -> Any:
        """Maps of units at every other place: one window of weights a map, a bias a unit."""
        inputs = window * window * x.shape[-1].value
        places = (x.shape[1].value // 2) ** 2
        w = self.weight([window, window, x.shape[-1].value, maps], inputs + 1, shared=places)
        return self.units(tf.nn.conv2d(framed(x, window), w, [1, 2, 2, 1], "VALID"), inputs)

    def weights(self) -> int:
        return sum(int(np.prod(w.shape.as_list())) for w in self.rates)


def count(x: Any) -> int:
    """How many units a picture has there."""
    return int(np.prod(x.shape.as_list()[1:]))


def framed(x: Any, window: int) -> Any:
    """The picture in as much background as windows at every other place reach over its edge."""
    before = (window - 1) // 2
    after = window - 2 - before
    edges = [[0, 0], [before, after], [before, after], [0, 0]]
    return tf.pad(x, edges, constant_values=BACKGROUND)


def wired(x: Any) -> list[tuple[Net, Any]]:
    """The five nets and what they say of the pictures."""
    nets = one, two, three, four, five = [Net(name) for name in PAPER]
    return list(
        zip(
            nets,
            [
                one.full(x, 10),
                two.full(two.full(x, 12), 10),
                three.full(three.local(three.local(x, 3), 5), 10),
                four.full(four.local(four.shared(x, 3, 2), 5), 10),
                five.full(five.shared(five.shared(x, 3, 2), 5, 4), 10),
            ],
            strict=True,
        )
    )


def bitmaps(images: np.ndarray) -> np.ndarray:
    """Digits [n, 8, 8] as [n, 16, 13] of background and ink."""
    with tf.Graph().as_default(), tf.Session() as sess:
        large = sess.run(tf.image.resize_bilinear(images[..., None] / 16.0, [16, 13]))
    return np.where(large > 0.5, 1.0, BACKGROUND).astype(np.float32)


def drawn(maps: np.ndarray, digits: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """320 pictures to learn and their digits, 160 held out and theirs."""
    order = np.roll(np.arange(len(digits)), -int(random.integers(len(digits))))
    chosen = np.concatenate([order[digits[order] == digit][:12] for digit in range(10)])
    wide = np.pad(maps[chosen], ((0, 0), (0, 0), (3, 3), (0, 0)), constant_values=BACKGROUND)
    pictures = np.concatenate([wide[:, :, k : k + 16] for k in range(4)])
    labels = np.tile(digits[chosen], 4)
    mixed = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    learnt, held = (np.concatenate([m[part] for m in mixed]) for part in (slice(32), slice(32, 48)))
    return [pictures[learnt], labels[learnt], pictures[held], labels[held]]


def draw(curves: np.ndarray) -> None:
    try:
        from pictures import COLOURS, panels, save
    except ModuleNotFoundError as missing:
        print(f"no picture: {missing}")
        return
    figure, (axis,) = panels(1)
    for curve, name, colour in zip(curves.T, PAPER, COLOURS, strict=False):
        axis.plot(range(1, len(curve) + 1), curve, color=colour, label=name)
    axis.set(xlabel="epoch", title=f"held-out digits recognised, %, over {DRAWS} draws")
    axis.legend(loc="lower right", frameon=False)
    save(figure, "digit_nets.png")


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    maps = bitmaps(images.reshape(-1, 8, 8))

    tf.set_random_seed(1)
    x = tf.placeholder(tf.float32, [None, 16, 16, 1], name="x")
    y = tf.placeholder(tf.int32, [None], name="y")
    rate = tf.placeholder(tf.float32, [], name="rate")
    wanted = 2.0 * tf.one_hot(y, 10) - 1.0
    nets = wired(x)
    correct, updates = [], []
    for net, said in nets:
        loss = tf.reduce_mean(tf.reduce_sum(tf.square(said - wanted), axis=1)) / 2.0
        slopes = tf.gradients(loss, list(net.rates))
        updates += [
            tf.assign_sub(w, rate * share * slope)
            for (w, share), slope in zip(net.rates.items(), slopes, strict=True)
        ]
        right = tf.equal(tf.argmax(said, 1, output_type=tf.int32), y)
        correct.append(100.0 * tf.reduce_mean(tf.cast(right, tf.float32)))
    train, measured = tf.group(*updates), tf.stack(correct)
    start = tf.global_variables_initializer()

    found = np.zeros([DRAWS, EPOCHS, len(nets)])
    learnt = np.zeros([DRAWS, len(nets)])
    with tf.Session() as sess:
        step = sess.make_callable(train, [x, y, rate])
        for k in range(DRAWS):
            random = np.random.default_rng(k)
            shown, labels, held, answers = drawn(maps, digits.astype(np.int32), random)
            sess.run(start)
            for epoch in range(EPOCHS):
                now = np.float32(RATE * DECAY**epoch)
                for i in random.permutation(len(shown)):
                    step(shown[i : i + 1], labels[i : i + 1], now)
                found[k, epoch] = sess.run(measured, {x: held, y: answers})
            learnt[k] = sess.run(measured, {x: shown, y: labels})

    draw(found.mean(axis=0))
    average, error = found[:, -1].mean(axis=0), found[:, -1].std(axis=0) / DRAWS**0.5
    print(f"{'':7}{'links':>7}{'weights':>9}{'learnt %':>10}{'held out %':>18}{'paper %':>9}")
    for k, (net, _) in enumerate(nets):
        print(
            f"{net.name:7}{net.links:7}{net.weights():9}{learnt[:, k].mean():10.1f}"
            f"{average[k]:11.1f} ± {error[k]:.1f}{PAPER[net.name]:9.1f}"
        )


if __name__ == "__main__":
    main()
