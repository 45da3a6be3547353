"""The best paths through a lattice, kept in TensorArrays and walked back: Viterbi's search, and a
beam of three."""

import numpy as np
import tensorflow as tf

np.random.seed(11)
STEPS, STATES, BEAM = 9, 6, 3
scores = tf.placeholder(tf.float32, [None, STATES])
table = tf.Variable(np.random.normal(size=[STATES, STATES]).astype(np.float32))
links = table * 1.0
steps = tf.shape(scores)[0]


def viterbi():
    pointers = tf.TensorArray(tf.int32, size=steps - 1, clear_after_read=True)

    def forward(t, best, pointers):
        through = best[:, tf.newaxis] + links
        pointers = pointers.write(t - 1, tf.argmax(through, 0, output_type=tf.int32))
        return t + 1, tf.reduce_max(through, 0) + scores[t], pointers

    _, best, pointers = tf.while_loop(
        lambda t, *_: t < steps, forward, [tf.constant(1), scores[0], pointers]
    )
    end = tf.argmax(best, output_type=tf.int32)
    path = tf.TensorArray(tf.int32, size=steps).write(steps - 1, end)

    def back(t, state, path):
        state = pointers.read(t)[state]
        return t - 1, state, path.write(t, state)

    path = tf.while_loop(lambda t, *_: t >= 0, back, [steps - 2, end, path])[2]
    return tf.reduce_max(best), path.stack()


def beam():
    first, states = tf.nn.top_k(scores[0], BEAM)
    came = tf.TensorArray(tf.int32, size=steps).write(0, tf.range(BEAM))
    kept = tf.TensorArray(tf.int32, size=steps).write(0, states)

    def forward(t, totals, states, came, kept):
        wide = totals[:, tf.newaxis] + tf.gather(links, states) + scores[t]
        totals, places = tf.nn.top_k(tf.reshape(wide, [-1]), BEAM)
        states = places % STATES
        return t + 1, totals, states, came.write(t, places // STATES), kept.write(t, states)

    _, totals, _, came, kept = tf.while_loop(
        lambda t, *_: t < steps, forward, [tf.constant(1), first, states, came, kept]
    )
    came, kept = came.stack(), kept.stack()
    out = tf.TensorArray(tf.int32, size=steps)

    def back(t, row, out):
        out = out.write(t, tf.gather(kept[t], row))
        return t - 1, tf.gather(came[t], row), out

    out = tf.while_loop(lambda t, *_: t >= 0, back, [steps - 1, tf.range(BEAM), out])[2]
    return totals, tf.transpose(out.stack())


best, path = viterbi()
totals, paths = beam()
slope = tf.gradients(best, table)[0]
spread = tf.gradients(tf.reduce_logsumexp(totals), [table, scores])

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for count in (STEPS, 4, 2):
        feed = {scores: np.random.normal(size=[count, STATES])}
        top, way, sums, ways = sess.run([best, path, totals, paths], feed)
        print("best %.5f" % top, way.tolist())
        for total, row in zip(sums, ways):
            print("  beam %.5f" % total, row.tolist())
        used, (left, right) = sess.run([slope, spread], feed)
        print("  links used %d, spread %.5f %.5f" % (used.sum(), left.sum(), right.sum()))
