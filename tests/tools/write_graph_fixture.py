"""Write ``tests/frontends/fixtures/frozen.pb`` and ``frozen.npz``: a graph and what it gives.

    python -m tests.tools.write_graph_fixture        (where TensorFlow is installed)

The graph is TensorFlow's own, with the kinds of operations frozen models have; the values are what
TensorFlow computes for the inputs beside them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent.parent / "frontends" / "fixtures"


def model(tf: object) -> list:
    """The graph's outputs, by TensorFlow's functions."""
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    ids = tf.placeholder(tf.int32, [None], name="ids")
    rng = np.random.default_rng(1)
    w = tf.get_variable("w", initializer=rng.normal(size=(8, 6)).astype(np.float32))
    table = tf.get_variable(
        "table", initializer=rng.normal(size=(5, 6)).astype(np.float32), use_resource=True
    )
    with tf.name_scope("dense"):
        h = tf.nn.bias_add(tf.matmul(x, w), tf.constant(np.arange(6.0), tf.float32))
        h = tf.nn.relu(h) + tf.nn.leaky_relu(h, 0.3) - tf.nn.elu(h) * tf.nn.sigmoid(h)
    rows = tf.nn.embedding_lookup(table, ids)
    count = tf.shape(h)[0]
    found = [
        h,
        rows,
        tf.nn.softmax(h),
        tf.nn.log_softmax(h),
        tf.reduce_mean(h, axis=[0]),
        tf.reduce_sum(h, 1, keepdims=True),
        tf.reduce_max(h, axis=-1),
        tf.argmax(h, 1),
        tf.reshape(h, [count, 2, 3]),
        tf.reshape(h, [-1]),
        tf.concat([h, rows], 1),
        tf.stack([h, rows], 1),
        h[:, 1:4],
        h[::-1, ::2],
        h[:, -1],
        h[:, None],
        tf.slice(h, [0, 2], [-1, 3]),
        tf.transpose(h),
        tf.expand_dims(h, 1),
        tf.squeeze(h[:, None], [1]),
        tf.pad(h, [[1, 0], [0, 2]]),
        tf.pad(h, [[0, 0], [1, 1]], constant_values=2.0),
        tf.pad(h, [[0, 0], [2, 1]], "REFLECT"),
        tf.tile(h, [1, 2]),
        tf.cast(h, tf.int32),
        tf.one_hot(ids, 5, 2.0, -1.0),
        tf.gather(h, [1, 0], axis=1),
        tf.split(h, 3, 1)[1],
        tf.unstack(h, axis=1)[2],
        tf.fill([2, 3], 1.5) * tf.ones([3]),
        tf.range(count) * 2,
        tf.clip_by_value(h, -1.0, 1.0),
        tf.where(h > 0.5, h, -h),
        tf.square(h) / (1.0 + tf.exp(-h)),
        tf.cast(ids // 2 + ids % 3, tf.float32) ** 2.0,
        tf.cumsum(h, 1, exclusive=True),
        tf.reverse(h, [1]),
        tf.matmul(tf.reshape(h, [-1, 2, 3]), tf.reshape(h, [-1, 2, 3]), transpose_b=True),
        tf.logical_and(h > 0, tf.logical_not(h > 1.0)),
        tf.add_n([h, h, h]),
        tf.rsqrt(tf.abs(h) + 1.0) + tf.tanh(h) + tf.maximum(h, 0.0),
    ]
    return [x, ids, [tf.identity(t, name=f"out/{k}") for k, t in enumerate(found)]]


def main() -> None:
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    x, ids, outputs = model(tf)
    rng = np.random.default_rng(2)
    given = {"x": rng.normal(size=(4, 8)).astype(np.float32), "ids": np.array([0, 3, 4, 1])}
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        values = sess.run(outputs, {x: given["x"], ids: given["ids"]})
        names = [t.op.name for t in outputs]
        frozen = tf.graph_util.convert_variables_to_constants(
            sess, sess.graph.as_graph_def(), names
        )
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "frozen.pb").write_bytes(frozen.SerializeToString())
    np.savez_compressed(
        FOLDER / "frozen.npz", **given, **{f"out{k}": v for k, v in enumerate(values)}
    )


if __name__ == "__main__":
    main()
