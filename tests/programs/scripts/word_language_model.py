"""A language model of words: layers of LSTMs, dropout, the state fed back from run to run, a
learning rate that is assigned, one graph for training and one that shares its weights."""

import collections

import numpy as np
import tensorflow as tf

TEXT = (
    "a loop is written once and turned many times <eos> what a turn leaves the next turn finds "
    "<eos> the first turn finds what it is given <eos> a turn that is never taken leaves nothing "
    "<eos> what no turn changes is done once before the first <eos> "
).split() * 6


class SmallConfig(object):
    init_scale = 0.1
    learning_rate = 1.0
    max_grad_norm = 5
    num_layers = 2
    num_steps = 5
    hidden_size = 12
    max_epoch = 3
    max_max_epoch = 6
    keep_prob = 1.0  # what is dropped is drawn, and would be other numbers elsewhere
    lr_decay = 0.5
    batch_size = 4


def spread(shape, dtype=tf.float32, partition_info=None):
    """Numbers that only the shape decides."""
    rng = np.random.RandomState(sum(shape))
    scale = SmallConfig.init_scale
    return tf.constant(rng.uniform(-scale, scale, shape).astype(np.float32))


def build_vocab(words):
    counter = collections.Counter(words)
    pairs = sorted(counter.items(), key=lambda x: (-x[1], x[0]))
    return dict((word, k) for k, (word, _) in enumerate(pairs))


def producer(ids, batch_size, num_steps):
    rows = len(ids) // batch_size
    data = np.reshape(ids[: batch_size * rows], [batch_size, rows])
    for k in range((rows - 1) // num_steps):
        at = k * num_steps
        yield data[:, at : at + num_steps], data[:, at + 1 : at + num_steps + 1]


class Model(object):
    def __init__(self, is_training, config, vocab_size):
        self.batch_size = batch_size = config.batch_size
        self.num_steps = num_steps = config.num_steps
        size = config.hidden_size
        self.input_data = tf.placeholder(tf.int32, [batch_size, num_steps])
        self.targets = tf.placeholder(tf.int32, [batch_size, num_steps])
        self.keep_prob = tf.placeholder_with_default(1.0, [])

        def make_cell():
            cell = tf.nn.rnn_cell.BasicLSTMCell(size, forget_bias=0.0, state_is_tuple=True)
            if is_training:
                cell = tf.nn.rnn_cell.DropoutWrapper(cell, output_keep_prob=self.keep_prob)
            return cell

        cell = tf.nn.rnn_cell.MultiRNNCell(
            [make_cell() for _ in range(config.num_layers)], state_is_tuple=True
        )
        self.initial_state = cell.zero_state(batch_size, tf.float32)
        embedding = tf.get_variable("embedding", [vocab_size, size])
        inputs = tf.nn.embedding_lookup(embedding, self.input_data)
        outputs = []
        state = self.initial_state
        with tf.variable_scope("RNN"):
            for time_step in range(num_steps):
                if time_step > 0:
                    tf.get_variable_scope().reuse_variables()
                (cell_output, state) = cell(inputs[:, time_step, :], state)
                outputs.append(cell_output)
        output = tf.reshape(tf.concat(outputs, 1), [-1, size])
        softmax_w = tf.get_variable("softmax_w", [size, vocab_size])
        softmax_b = tf.get_variable("softmax_b", [vocab_size])
        logits = tf.matmul(output, softmax_w) + softmax_b
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=logits
        )
        self.cost = tf.reduce_sum(loss) / batch_size
        self.final_state = state
        if not is_training:
            return
        self.lr = tf.Variable(0.0, trainable=False)
        tvars = tf.trainable_variables()
        grads, self.norm = tf.clip_by_global_norm(
            tf.gradients(self.cost, tvars), config.max_grad_norm
        )
        optimizer = tf.train.GradientDescentOptimizer(self.lr)
        self.train_op = optimizer.apply_gradients(
            zip(grads, tvars), global_step=tf.train.get_or_create_global_step()
        )
        self.new_lr = tf.placeholder(tf.float32, shape=[], name="new_learning_rate")
        self.lr_update = tf.assign(self.lr, self.new_lr)

    def assign_lr(self, session, value):
        session.run(self.lr_update, feed_dict={self.new_lr: value})


def run_epoch(session, model, ids, eval_op=None):
    costs, iters = 0.0, 0
    state = session.run(model.initial_state)
    fetches = {"cost": model.cost, "final_state": model.final_state}
    if eval_op is not None:
        fetches["eval_op"] = eval_op
    for x, y in producer(ids, model.batch_size, model.num_steps):
        feed_dict = {model.input_data: x, model.targets: y}
        for i, (c, h) in enumerate(model.initial_state):
            feed_dict[c] = state[i].c
            feed_dict[h] = state[i].h
        vals = session.run(fetches, feed_dict)
        state = vals["final_state"]
        costs += vals["cost"]
        iters += model.num_steps
    return np.exp(costs / iters)


config = SmallConfig()
vocab = build_vocab(TEXT)
ids = [vocab[word] for word in TEXT]
with tf.Graph().as_default(), tf.Session() as session:
    with tf.name_scope("Train"), tf.variable_scope("Model", initializer=spread):
        m = Model(True, config, len(vocab))
    with tf.name_scope("Test"), tf.variable_scope("Model", reuse=True):
        mtest = Model(False, config, len(vocab))
    session.run(tf.global_variables_initializer())
    print(len(vocab), [v.name for v in tf.trainable_variables()])
    for i in range(config.max_max_epoch):
        decay = config.lr_decay ** max(i + 1 - config.max_epoch, 0.0)
        m.assign_lr(session, config.learning_rate * decay)
        rate = session.run(m.lr)
        perplexity = run_epoch(session, m, ids, eval_op=m.train_op)
        print("Epoch: %d rate: %.3f perplexity: %.4f" % (i + 1, rate, perplexity))
    print("Test perplexity: %.4f" % run_epoch(session, mtest, ids))
    print("steps", session.run(tf.train.get_global_step()))
