"""A character model: an LSTM written by hand, unrolled by Python's loop, its state fed back."""

import argparse

import numpy as np
import tensorflow as tf

TEXT = (
    "the graph is built once and run often. what is built says what to do, not when. "
    "a session runs the part that is asked for, and nothing else. what is not asked for costs "
    "nothing. so a program first says all it may ever want, and then asks for little at a time. "
) * 4


class Config(object):
    init_scale = 0.2
    learning_rate = 1.0
    max_grad_norm = 5
    num_steps = 12
    hidden_size = 24
    max_epoch = 4
    max_max_epoch = 8
    lr_decay = 0.5
    batch_size = 8


def lstm(x, c, h, hidden, rng, scope):
    with tf.variable_scope(scope):
        size = x.get_shape().as_list()[1] + hidden
        weights = tf.get_variable(
            "weights",
            [size, 4 * hidden],
            initializer=tf.constant_initializer(rng.uniform(-0.2, 0.2, [size, 4 * hidden])),
        )
        bias = tf.get_variable("bias", [4 * hidden], initializer=tf.zeros_initializer())
        i, j, f, o = tf.split(tf.matmul(tf.concat([x, h], 1), weights) + bias, 4, axis=1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        return c, h


class Model(object):
    def __init__(self, is_training, config, vocabulary):
        batch_size, num_steps = config.batch_size, config.num_steps
        rng = np.random.RandomState(3)
        self.input_data = tf.placeholder(tf.int32, [batch_size, num_steps])
        self.targets = tf.placeholder(tf.int32, [batch_size, num_steps])
        self.initial_state = [
            tf.zeros([batch_size, config.hidden_size], name="state%d" % k) for k in range(4)
        ]
        inputs = tf.one_hot(self.input_data, vocabulary)
        state = list(self.initial_state)
        outputs = []
        with tf.variable_scope("RNN"):
            for t in range(num_steps):
                if t > 0:
                    tf.get_variable_scope().reuse_variables()
                x = inputs[:, t, :]
                for layer in range(2):
                    c, x = lstm(
                        x,
                        state[2 * layer],
                        state[2 * layer + 1],
                        config.hidden_size,
                        rng,
                        "cell_%d" % layer,
                    )
                    state[2 * layer : 2 * layer + 2] = [c, x]
                outputs.append(x)
        output = tf.reshape(tf.concat(outputs, 1), [-1, config.hidden_size])
        softmax_w = tf.get_variable(
            "softmax_w",
            initializer=rng.uniform(-0.2, 0.2, [config.hidden_size, vocabulary]).astype("f"),
        )
        softmax_b = tf.get_variable("softmax_b", [vocabulary], initializer=tf.zeros_initializer)
        self.logits = tf.nn.xw_plus_b(output, softmax_w, softmax_b)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.reshape(self.targets, [-1]), logits=self.logits
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
        self.train_op = optimizer.apply_gradients(zip(grads, tvars))
        self.new_lr = tf.placeholder(tf.float32, shape=[], name="new_learning_rate")
        self.lr_update = tf.assign(self.lr, self.new_lr)

    def assign_lr(self, session, lr_value):
        session.run(self.lr_update, feed_dict={self.new_lr: lr_value})


def run_epoch(session, model, config, ids, eval_op):
    costs, iters = 0.0, 0
    state = session.run(model.initial_state)
    columns = len(ids) // config.batch_size
    data = ids[: columns * config.batch_size].reshape(config.batch_size, columns)
    for k in range((columns - 1) // config.num_steps):
        x = data[:, k * config.num_steps : (k + 1) * config.num_steps]
        y = data[:, k * config.num_steps + 1 : (k + 1) * config.num_steps + 1]
        feed = {model.input_data: x, model.targets: y}
        feed.update(zip(model.initial_state, state))
        out = session.run([model.cost, eval_op] + model.final_state, feed)
        costs, state, iters = costs + out[0], out[2:], iters + config.num_steps
    return np.exp(costs / iters)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--out", default="/tmp/char_lstm")
    args = args.parse_args()
    chars = sorted(set(TEXT))
    ids = np.array([chars.index(c) for c in TEXT])
    config, eval_config = Config(), Config()
    eval_config.batch_size = eval_config.num_steps = 1

    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope("model", reuse=None):
            m = Model(True, config, len(chars))
        with tf.variable_scope("model", reuse=True):
            writer = Model(False, eval_config, len(chars))
        saver = tf.train.Saver(tf.trainable_variables())
        tf.global_variables_initializer().run()
        for i in range(config.max_max_epoch):
            m.assign_lr(
                session, config.learning_rate * config.lr_decay ** max(i - config.max_epoch, 0)
            )
            perplexity = run_epoch(session, m, config, ids, m.train_op)
            print("Epoch: %d Learning rate: %.3f" % (i + 1, session.run(m.lr)))
            print("Epoch: %d Train Perplexity: %.5f" % (i + 1, perplexity))
        print("Test Perplexity: %.4f" % run_epoch(session, writer, eval_config, ids, tf.no_op()))
        saver.save(session, args.out + "/model.ckpt")

        state, said, at = session.run(writer.initial_state), "t", chars.index("t")
        probabilities = tf.nn.softmax(writer.logits)
        for _ in range(3):
            feed = {writer.input_data: [[at]], **dict(zip(writer.initial_state, state))}
            p, state = session.run([probabilities, writer.final_state], feed)
            at = int(p.argmax())
            said += chars[at]
            print("%r with %.3f" % (said, p.max()))
        print(len(tf.trainable_variables()), "variables")


if __name__ == "__main__":
    main()
