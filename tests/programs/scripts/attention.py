"""Self-attention over short sequences: masks, positions, heads, layer norm, warm-up."""

import numpy as np
import tensorflow as tf

VOCAB, LENGTH, DIM, HEADS = 12, 8, 16, 4
rng = np.random.RandomState(4)


def sequences(n):
    """Numbers, padded by zeros; the answer is the sequence sorted."""
    lengths = rng.randint(3, LENGTH + 1, n)
    x = np.zeros([n, LENGTH], np.int32)
    for row, k in zip(x, lengths):
        row[:k] = rng.randint(1, VOCAB, k)
    y = np.where(x > 0, x, 99)
    y.sort(axis=1)
    return x, np.where(y == 99, 0, y).astype(np.int32), lengths.astype(np.int32)


def variable(name, *shape):
    start = rng.normal(0, shape[0] ** -0.5, shape)
    return tf.get_variable(name, shape, tf.float32, tf.constant_initializer(start))


def normalize(inputs, epsilon=1e-8, scope="ln", reuse=None):
    with tf.variable_scope(scope, reuse=reuse):
        params_shape = inputs.get_shape()[-1:]
        mean, variance = tf.nn.moments(inputs, [-1], keep_dims=True)
        beta = tf.Variable(tf.zeros(params_shape))
        gamma = tf.Variable(tf.ones(params_shape))
        normalized = (inputs - mean) / ((variance + epsilon) ** 0.5)
        return gamma * normalized + beta


def embedding(inputs, vocab_size, num_units, zero_pad=True, scope="embedding"):
    with tf.variable_scope(scope):
        lookup_table = variable("lookup_table", vocab_size, num_units)
        if zero_pad:
            lookup_table = tf.concat((tf.zeros(shape=[1, num_units]), lookup_table[1:, :]), 0)
        return tf.nn.embedding_lookup(lookup_table, inputs) * (num_units**0.5)


def positional_encoding(inputs, num_units):
    N, T = inputs.get_shape().as_list()[0], inputs.get_shape().as_list()[1]
    position_ind = tf.tile(tf.expand_dims(tf.range(T), 0), [tf.shape(inputs)[0], 1])
    assert N is None
    angle = np.array(
        [[pos / np.power(100, 2.0 * i / num_units) for i in range(num_units)] for pos in range(T)]
    )
    angle[:, 0::2], angle[:, 1::2] = np.sin(angle[:, 0::2]), np.cos(angle[:, 1::2])
    return tf.nn.embedding_lookup(tf.convert_to_tensor(angle.astype(np.float32)), position_ind)


def multihead_attention(queries, keys, seen, num_heads=8, causality=False, scope="attention"):
    with tf.variable_scope(scope):
        units = queries.get_shape().as_list()[-1]
        Q, K, V = (
            tf.nn.relu(tf.tensordot(x, variable(n, units, units), [[2], [0]]))
            for n, x in (("q", queries), ("k", keys), ("v", keys))
        )
        Q_ = tf.concat(tf.split(Q, num_heads, axis=2), axis=0)
        K_ = tf.concat(tf.split(K, num_heads, axis=2), axis=0)
        V_ = tf.concat(tf.split(V, num_heads, axis=2), axis=0)
        outputs = tf.matmul(Q_, tf.transpose(K_, [0, 2, 1]))
        outputs = outputs / (K_.get_shape().as_list()[-1] ** 0.5)
        key_masks = tf.tile(tf.squeeze(seen, -1), [num_heads, 1])
        key_masks = tf.tile(tf.expand_dims(key_masks, 1), [1, tf.shape(queries)[1], 1])
        paddings = tf.ones_like(outputs) * (-(2**32) + 1)
        outputs = tf.where(tf.equal(key_masks, 0), paddings, outputs)
        if causality:
            tril = tf.matrix_band_part(tf.ones_like(outputs[0, :, :]), -1, 0)
            masks = tf.tile(tf.expand_dims(tril, 0), [tf.shape(outputs)[0], 1, 1])
            outputs = tf.where(tf.equal(masks, 0), paddings, outputs)
        outputs = tf.nn.softmax(outputs)
        query_masks = tf.tile(tf.sign(tf.abs(tf.reduce_max(seen, axis=-1))), [num_heads, 1])
        query_masks = tf.tile(tf.expand_dims(query_masks, -1), [1, 1, tf.shape(keys)[1]])
        outputs *= query_masks
        outputs = tf.matmul(outputs, V_)
        outputs = tf.concat(tf.split(outputs, num_heads, axis=0), axis=2)
        return normalize(outputs + queries)


def feedforward(inputs, num_units, scope="feedforward"):
    with tf.variable_scope(scope):
        inner = tf.nn.relu(tf.einsum("btd,de->bte", inputs, variable("w0", DIM, num_units)))
        return normalize(tf.einsum("bte,ed->btd", inner, variable("w1", num_units, DIM)) + inputs)


def label_smoothing(inputs, epsilon=0.1):
    K = inputs.get_shape().as_list()[-1]
    return ((1 - epsilon) * inputs) + (epsilon / K)


x = tf.placeholder(tf.int32, [None, LENGTH])
y = tf.placeholder(tf.int32, [None, LENGTH])
lengths = tf.placeholder(tf.int32, [None])
enc = embedding(x, VOCAB, DIM)
seen = tf.to_float(tf.expand_dims(tf.not_equal(x, 0), -1))
enc = (enc + positional_encoding(x, DIM)) * seen
for k in range(2):
    with tf.variable_scope("block_%d" % k):
        enc = multihead_attention(enc, enc, seen, HEADS, causality=k == 1)
        enc = feedforward(enc, 2 * DIM)
logits = tf.tensordot(enc, variable("out", DIM, VOCAB), 1)
preds = tf.to_int32(tf.argmax(logits, axis=-1))
istarget = tf.sequence_mask(lengths, LENGTH, dtype=tf.float32)
acc = tf.reduce_sum(tf.to_float(tf.equal(preds, y)) * istarget) / tf.reduce_sum(istarget)
y_smoothed = label_smoothing(tf.one_hot(y, depth=VOCAB))
loss = tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y_smoothed)
mean_loss = tf.reduce_sum(loss * istarget) / (tf.reduce_sum(istarget))

global_step = tf.train.get_or_create_global_step()
step = tf.cast(global_step + 1, dtype=tf.float32)
warmup = 20.0
rate = 0.03 * warmup**0.5 * tf.minimum(step * warmup**-1.5, step**-0.5)
optimizer = tf.train.AdamOptimizer(learning_rate=rate, beta1=0.9, beta2=0.98, epsilon=1e-8)
train_op = optimizer.minimize(mean_loss, global_step=global_step)

with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    for i in range(61):
        a, b, c = sequences(64)
        feed = {x: a, y: b, lengths: c}
        value, right, r, _ = sess.run([mean_loss, acc, rate, train_op], feed)
        if i % 12 == 0:
            print("step %d: loss %.5f accuracy %.4f rate %.5f" % (i, value, right, r))
    shape = sess.run(tf.shape(enc), feed)
    print(shape.tolist(), sum(int(np.prod(v.shape.as_list())) for v in tf.trainable_variables()))
