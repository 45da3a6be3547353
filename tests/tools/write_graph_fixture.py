"""Write ``tests/frontends/fixtures``: two graphs of TensorFlow's, and what they give.

    python -m tests.tools.write_graph_fixture        (where TensorFlow is installed)

One is frozen, with the kinds of operations frozen models have; one has its variables and a step of
training.  The values are what TensorFlow computes for the inputs beside them.
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


def training(tf: object) -> list:
    """The outputs of a graph with its variables, their initialisation and a step of descent."""
    x = tf.placeholder(tf.float32, [None, 8], name="x")
    y = tf.placeholder(tf.int64, [None], name="ids")
    keep = tf.placeholder_with_default(1.0, [], name="keep")
    rng = np.random.default_rng(1)
    with tf.variable_scope("net"):
        w = tf.get_variable("w", initializer=rng.normal(size=(8, 16)).astype(np.float32))
        bias = tf.Variable(tf.zeros([16]), name="b")
        h = tf.nn.dropout(tf.nn.relu(tf.nn.xw_plus_b(x, w, bias)), keep_prob=keep)
        mean, variance = tf.nn.moments(h, [0])
        h = tf.nn.batch_normalization(h, mean, variance, None, None, 1e-3)
        h = tf.reshape(tf.nn.l2_normalize(h, 1), [tf.shape(h)[0], 4, 4])
        last = tf.get_variable(
            "last", initializer=rng.normal(size=(16, 3)).astype(np.float32), use_resource=True
        )
        logits = tf.matmul(tf.reshape(h, [-1, 16]), last)
    labels = tf.one_hot(y, 3)
    step = tf.train.GradientDescentOptimizer(0.5).apply_gradients([(tf.ones_like(w) * 0.1, w)])
    tf.group(step, name="step")
    tf.group(tf.global_variables_initializer(), name="start")
    found = [
        logits,
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits),
        tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits),
        tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits),
        tf.add_n([tf.nn.l2_loss(w), tf.nn.l2_loss(last)]),
        tf.nn.in_top_k(logits, y, 1),
        tf.nn.top_k(logits, 2)[0],
        tf.reduce_logsumexp(logits, 1),
        tf.linalg.norm(logits, axis=1),
        tf.einsum("ij,kj->ik", logits, logits),
        tf.boolean_mask(logits, y > 0),
        tf.where(y > 0),
        tf.nn.crelu(logits),
        tf.sequence_mask(y, 5),
        tf.linalg.diag(logits),
        tf.linalg.diag_part(tf.matmul(logits, logits, transpose_a=True)),
        tf.math.segment_sum(logits, [0, 0, 1, 1]),
        tf.math.unsorted_segment_max(logits, y, 4),
        tf.dynamic_partition(logits, tf.cast(y > 0, tf.int32), 2)[1],
        tf.unique(y)[0],
        tf.roll(logits, 1, 0),
        tf.is_variable_initialized(w),
    ]
    return [x, y, [tf.identity(t, name=f"out/{k}") for k, t in enumerate(found)]]


def written(tf: object, name: str, build: object, freeze: bool) -> None:
    """Write one graph and what it gives."""
    with tf.Graph().as_default(), tf.Session() as sess:
        x, ids, outputs = build(tf)
        rng = np.random.default_rng(2)
        given = {"x": rng.normal(size=(4, 8)).astype(np.float32), "ids": np.array([0, 2, 1, 1])}
        sess.run(tf.global_variables_initializer())
        values = sess.run(outputs, {x: given["x"], ids: given["ids"]})
        graph_def = sess.graph.as_graph_def()
        if freeze:
            graph_def = tf.graph_util.convert_variables_to_constants(
                sess, graph_def, [t.op.name for t in outputs]
            )
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.pb").write_bytes(graph_def.SerializeToString())
    held = {f"out{k}": v for k, v in enumerate(values)}
    np.savez_compressed(FOLDER / f"{name}.npz", **given, **held)


def main() -> None:
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    written(tf, "frozen", model, freeze=True)
    written(tf, "training", training, freeze=False)


if __name__ == "__main__":
    main()
