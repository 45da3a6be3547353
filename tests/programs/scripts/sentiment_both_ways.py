"""Whether a sentence is kind: words embedded, read both ways at their own lengths, attended to."""

import numpy as np
import tensorflow as tf

KIND = "good fine warm kind bright".split()
UNKIND = "bad dull cold cruel dark".split()
OTHER = "the a day was and so it very not".split()
WORDS = ["<pad>"] + KIND + UNKIND + OTHER
UNITS, DEPTH, LONGEST = 6, 5, 9


def sentences(count, seed):
    rng = np.random.RandomState(seed)
    ids, lengths, labels = np.zeros([count, LONGEST], np.int32), [], []
    for row in range(count):
        length = rng.randint(3, LONGEST + 1)
        label = rng.randint(2)
        words = [OTHER[rng.randint(len(OTHER))] for _ in range(length)]
        words[rng.randint(length)] = (UNKIND, KIND)[label][rng.randint(5)]
        ids[row, :length] = [WORDS.index(w) for w in words]
        lengths.append(length)
        labels.append(label)
    return ids, np.array(lengths, np.int32), np.array(labels, np.int32)


def numbers(shape, dtype=tf.float32, partition_info=None):
    values = np.random.RandomState(sum(shape)).uniform(-0.5, 0.5, shape)
    return tf.constant(values.astype(np.float32))


class TextRNN(object):
    def __init__(self):
        self.input_x = tf.placeholder(tf.int32, [None, None], name="input_x")
        self.lengths = tf.placeholder(tf.int32, [None], name="lengths")
        self.input_y = tf.placeholder(tf.int32, [None], name="input_y")
        self.keep = tf.placeholder_with_default(1.0, [], name="keep")
        with tf.variable_scope("model", initializer=numbers):
            self._build()

    def _build(self):
        with tf.name_scope("embedding"):
            table = tf.get_variable("W", [len(WORDS), DEPTH])
            embedded = tf.nn.embedding_lookup(table, self.input_x)
        forward = tf.nn.rnn_cell.GRUCell(UNITS)
        backward = tf.nn.rnn_cell.GRUCell(UNITS)
        (ahead, back), states = tf.nn.bidirectional_dynamic_rnn(
            forward, backward, embedded, sequence_length=self.lengths, dtype=tf.float32
        )
        outputs = tf.concat([ahead, back], 2)  # [batch, time, 2 * units]
        self.summary = tf.concat(states, 1)
        with tf.variable_scope("attention"):
            w = tf.get_variable("w", [2 * UNITS, 4])
            b = tf.get_variable("b", [4], initializer=tf.zeros_initializer())
            u = tf.get_variable("u", [4])
            hidden = tf.tanh(tf.tensordot(outputs, w, axes=1) + b)
            scores = tf.tensordot(hidden, u, axes=1)
            mask = tf.sequence_mask(self.lengths, tf.shape(outputs)[1])
            scores = tf.where(mask, scores, tf.fill(tf.shape(scores), -1e9))
            self.weights = tf.nn.softmax(scores)
            attended = tf.reduce_sum(outputs * tf.expand_dims(self.weights, -1), 1)
        dropped = tf.nn.dropout(attended, keep_prob=self.keep)
        w = tf.get_variable("w", [2 * UNITS, 2])
        b = tf.get_variable("b", [2], initializer=tf.zeros_initializer())
        self.logits = tf.nn.xw_plus_b(dropped, w, b, name="logits")
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=self.input_y, logits=self.logits
        )
        self.loss = tf.reduce_mean(losses)
        predictions = tf.cast(tf.argmax(self.logits, 1), tf.int32)
        self.accuracy = tf.reduce_mean(tf.cast(tf.equal(predictions, self.input_y), tf.float32))


model = TextRNN()
global_step = tf.Variable(0, name="global_step", trainable=False)
optimizer = tf.train.AdamOptimizer(0.03)
gradients, variables = zip(*optimizer.compute_gradients(model.loss))
gradients, norm = tf.clip_by_global_norm(gradients, 3.0)
train = optimizer.apply_gradients(zip(gradients, variables), global_step=global_step)
ids, lengths, labels = sentences(96, 0)
held = sentences(40, 1)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    print([v.name for v in tf.trainable_variables()])
    for epoch in range(8):
        for at in range(0, 96, 24):
            most = lengths[at : at + 24].max()  # batches of their own time
            feed = {
                model.input_x: ids[at : at + 24, :most],
                model.lengths: lengths[at : at + 24],
                model.input_y: labels[at : at + 24],
            }
            _, loss, size = session.run([train, model.loss, norm], feed)
        step = session.run(global_step)
        print("epoch %d step %d loss %.4f norm %.4f" % (epoch, step, loss, size))
    feed = {model.input_x: held[0], model.lengths: held[1], model.input_y: held[2]}
    loss, accuracy, weights = session.run([model.loss, model.accuracy, model.weights], feed)
    print("held out: loss %.4f accuracy %.3f" % (loss, accuracy))
    print("attended beyond the end: %.6f" % max(w[n:].sum() for w, n in zip(weights, held[1])))
