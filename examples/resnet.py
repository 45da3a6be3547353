"""Train and run residual networks (He et al., 2015) on random images.

ResNet-18 and -34 are made of basic blocks, -50, -101 and -152 of bottlenecks that halve the picture
in their 3 by 3 convolution. Every convolution is followed by batch normalization. Prints how many
parameters there are, how long compiling took, and what a training step and a prediction cost.

    python examples/resnet.py --depth 50 --size 224 --batch 4
"""

import argparse
import re
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import graphc as tf

STAGES = {
    18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3),
}  # fmt: skip
WIDTHS = (64, 128, 256, 512)
RATE, MOMENTUM, SEED = 1e-3, 0.9, 7


def convolved(x: Any, window: int, outputs: int, stride: int, name: str) -> Any:
    w = tf.get_variable(
        f"{name}/w", [window, window, x.shape[-1].value, outputs],
        initializer=tf.variance_scaling_initializer(scale=2.0, mode="fan_out"),
    )  # fmt: skip
    return tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding="SAME")


def normalised(x: Any, training: bool, name: str) -> Any:
    return tf.layers.batch_normalization(
        x, momentum=0.9, epsilon=1e-5, training=training, name=f"{name}/norm"
    )


def shortcut(x: Any, outputs: int, stride: int, training: bool) -> Any:
    """The block's input as it is, or projected to the shape of what the block adds to it."""
    if stride == 1 and x.shape[-1].value == outputs:
        return x
    return normalised(convolved(x, 1, outputs, stride, "projection"), training, "projection")


def basic(x: Any, width: int, stride: int, training: bool) -> Any:
    y = tf.nn.relu(normalised(convolved(x, 3, width, stride, "conv1"), training, "conv1"))
    y = normalised(convolved(y, 3, width, 1, "conv2"), training, "conv2")
    return tf.nn.relu(y + shortcut(x, width, stride, training))


def bottleneck(x: Any, width: int, stride: int, training: bool) -> Any:
    y = tf.nn.relu(normalised(convolved(x, 1, width, 1, "conv1"), training, "conv1"))
    y = tf.nn.relu(normalised(convolved(y, 3, width, stride, "conv2"), training, "conv2"))
    y = normalised(convolved(y, 1, 4 * width, 1, "conv3"), training, "conv3")
    return tf.nn.relu(y + shortcut(x, 4 * width, stride, training))


def network(images: Any, depth: int, classes: int, training: bool) -> Any:
    """The logits; called once for training and once for predicting, on the same variables."""
    block = bottleneck if depth >= 50 else basic
    with tf.variable_scope("resnet", reuse=tf.AUTO_REUSE):
        y = tf.nn.relu(normalised(convolved(images, 7, 64, 2, "first"), training, "first"))
        y = tf.nn.max_pool(y, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1], padding="SAME")
        for stage, (width, blocks) in enumerate(zip(WIDTHS, STAGES[depth], strict=True)):
            for number in range(blocks):
                with tf.variable_scope(f"stage{stage + 1}/block{number + 1}"):
                    y = block(y, width, 2 if stage and not number else 1, training)
        return tf.layers.dense(tf.reduce_mean(y, axis=[1, 2]), classes, name="logits")


def parameters() -> int:
    return sum(v.shape.num_elements() for v in tf.trainable_variables())


def kernels(sess: tf.Session) -> np.ndarray:
    """Kernels in the session's programs so far, and how many of them had to be compiled."""
    found = re.findall(r"(\d+) kernels \((\d+) compiled\)", "\n".join(sess.compile_log()))
    return np.array(found, int).sum(axis=0)


def measured(
    sess: tf.Session, title: str, call: Callable[[], Any], images: int, steps: int
) -> None:
    """Call once, which compiles, and then ``steps`` times; print what both took."""
    before, taken = kernels(sess), []
    for _ in range(steps + 1):
        began = perf_counter()
        call()
        taken.append(perf_counter() - began)
    first, each = taken[0], median(taken[1:])
    used, compiled = kernels(sess) - before
    print(f"{title}: {used} kernels, {compiled} of them new, compiled in {first - each:.2f} s")
    print(f"{title}: {1e3 * each:.2f} ms, {images / each:.1f} images a second")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="residual networks on random images")
    parser.add_argument("--depth", type=int, choices=sorted(STAGES), default=18)
    parser.add_argument("--size", type=int, default=64, help="rows and columns of an image")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=5, help="how many are timed")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    depth, size, batch = options.depth, options.size, options.batch
    tf.set_random_seed(SEED)
    began = perf_counter()
    images = tf.placeholder(tf.float32, [None, size, size, 3], name="images")
    labels = tf.placeholder(tf.int32, [None], name="labels")
    logits = network(images, depth, options.classes, training=True)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.MomentumOptimizer(RATE, MOMENTUM).minimize(loss)
    predicted = tf.nn.softmax(network(images, depth, options.classes, training=False))
    nodes = len(tf.get_default_graph().get_operations())
    print(f"ResNet-{depth}: {parameters() / 1e6:.2f} million parameters")
    print(f"graph: {nodes} nodes, built in {perf_counter() - began:.2f} s")

    random = np.random.default_rng(SEED)
    shown = random.random((batch, size, size, 3), dtype=np.float32)
    classes = random.integers(0, options.classes, batch).astype(np.int32)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        step = sess.make_callable([loss, train], [images, labels])
        predict = sess.make_callable(predicted, [images])
        measured(sess, "training", lambda: step(shown, classes), batch, options.steps)
        measured(sess, "inference", lambda: predict(shown), batch, options.steps)
        memory = [int(n) for n in re.findall(r"arena (\d+) bytes", "\n".join(sess.compile_log()))]
        print(f"memory for what is in between: at most {max(memory) / 2**20:.1f} MiB")
        last, _ = step(shown, classes)
    print(f"loss after {options.steps + 2} training steps on the same images: {last:.3f}")


if __name__ == "__main__":
    main()
