"""A recurrent network written with TensorArrays, as before dynamic_rnn: it learns to say when the
running sum of what it reads was last above zero."""

import numpy as np
import tensorflow as tf

np.random.seed(3)
TIME, BATCH, DEPTH, UNITS = 12, 16, 2, 8

x = tf.placeholder(tf.float32, [None, None, DEPTH], name="x")
y = tf.placeholder(tf.float32, [None, None], name="y")
lengths = tf.placeholder(tf.int32, [None], name="lengths")


def weights(name, shape):
    value = np.random.uniform(-0.5, 0.5, shape).astype(np.float32)
    return tf.get_variable(name, initializer=value)


gates_w, gates_b = weights("gates_w", [DEPTH + UNITS, 2 * UNITS]), weights("gates_b", [2 * UNITS])
cand_w, cand_b = weights("cand_w", [DEPTH + UNITS, UNITS]), weights("cand_b", [UNITS])
out_w, out_b = weights("out_w", [UNITS, 1]), weights("out_b", [1])


def gru(inputs, state):
    gates = tf.sigmoid(tf.matmul(tf.concat([inputs, state], 1), gates_w) + gates_b)
    reset, update = tf.split(gates, 2, axis=1)
    candidate = tf.tanh(tf.matmul(tf.concat([inputs, reset * state], 1), cand_w) + cand_b)
    return update * state + (1 - update) * candidate


time_steps, batch = tf.shape(x)[0], tf.shape(x)[1]
inputs_ta = tf.TensorArray(tf.float32, size=time_steps, tensor_array_name="inputs").unstack(x)
outputs_ta = tf.TensorArray(tf.float32, size=time_steps, tensor_array_name="outputs")


def turn(time, state, outputs):
    new_state = gru(inputs_ta.read(time), state)
    new_state = tf.where(time < lengths, new_state, state)
    logits = tf.matmul(new_state, out_w) + out_b
    return time + 1, new_state, outputs.write(time, tf.squeeze(logits, 1))


_, last, outputs_ta = tf.while_loop(
    lambda time, *_: time < time_steps,
    turn,
    [0, tf.zeros([batch, UNITS]), outputs_ta],
    parallel_iterations=8,
)
logits = outputs_ta.stack()
logits.set_shape([None, None])
mask = tf.transpose(tf.sequence_mask(lengths, time_steps, tf.float32))
costs = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits) * mask
loss = tf.reduce_sum(costs) / tf.reduce_sum(mask)
variables = tf.trainable_variables()
gradients = tf.gradients(loss, variables)
norm = tf.global_norm(gradients)
with tf.control_dependencies(gradients):  # no weight moves while a slope is still being taken
    slopes = [tf.identity(gradient) for gradient in gradients]
    train = tf.train.GradientDescentOptimizer(0.5).apply_gradients(zip(slopes, variables))
saliency = tf.gradients(loss, x)[0]


def examples(steps):
    values = np.random.normal(size=(steps, BATCH, DEPTH)).astype(np.float32)
    told = (values.sum(2).cumsum(0) > 0).astype(np.float32)
    return {x: values, y: told, lengths: np.random.randint(1, steps + 1, BATCH)}


with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(40):
        feed = examples(TIME if step % 3 else 7)
        cost, size = sess.run([loss, norm], feed)
        sess.run(train, feed)
        if step % 8 == 0:
            print("step %d loss %.5f norm %.5f" % (step, cost, size))
    feed = examples(9)
    cost, found, felt = sess.run([loss, last, saliency], feed)
    print("held out %.5f, state %.5f, slopes %.6f" % (cost, found.sum(), np.abs(felt).sum()))
    print("beyond the lengths %.1f" % np.abs(felt[8, feed[lengths] < 9]).sum())
