"""Tones to letters: stacked LSTMs and the CTC loss, fed sparse labels; decoded both ways."""

import numpy as np
import tensorflow as tf

num_features = 5
num_classes = 4 + 1 + 1  # letters, a space, the blank
num_hidden = 12
num_layers = 2
batch_size = 4
num_examples = 12
num_epochs = 60
initial_learning_rate = 0.02
momentum = 0.9


def utterance(rng):
    """Frames of a few tones, each of some length, and the letters they stand for."""
    letters = [int(k) for k in rng.randint(0, 5, rng.randint(1, 5))]
    frames = [np.zeros((1, num_features))]
    for letter in letters:
        frames.append(np.tile(np.eye(num_features)[letter], (rng.randint(2, 5), 1)))
        frames.append(np.zeros((rng.randint(1, 3), num_features)))
    frames = np.concatenate(frames)
    return (frames + 0.1 * rng.uniform(-1, 1, frames.shape)).astype(np.float32), letters


def sparse_tuple_from(sequences, dtype=np.int32):
    indices = []
    values = []
    for n, seq in enumerate(sequences):
        indices.extend(zip([n] * len(seq), range(len(seq))))
        values.extend(seq)
    indices = np.asarray(indices, dtype=np.int64)
    values = np.asarray(values, dtype=dtype)
    shape = np.asarray([len(sequences), indices.max(0)[1] + 1], dtype=np.int64)
    return indices, values, shape


def pad_sequences(sequences):
    lengths = np.asarray([len(s) for s in sequences], dtype=np.int64)
    x = np.zeros((len(sequences), lengths.max(), num_features), np.float32)
    for k, s in enumerate(sequences):
        x[k, : len(s)] = s
    return x, lengths.astype(np.int32)


graph = tf.Graph()
with graph.as_default():
    inputs = tf.placeholder(tf.float32, [None, None, num_features])
    targets = tf.sparse_placeholder(tf.int32)
    seq_len = tf.placeholder(tf.int32, [None])

    cells = [tf.nn.rnn_cell.LSTMCell(num_hidden, state_is_tuple=True) for _ in range(num_layers)]
    stack = tf.nn.rnn_cell.MultiRNNCell(cells, state_is_tuple=True)
    outputs, _ = tf.nn.dynamic_rnn(stack, inputs, seq_len, dtype=tf.float32)

    shape = tf.shape(inputs)
    batch_s, max_time_steps = shape[0], shape[1]
    outputs = tf.reshape(outputs, [-1, num_hidden])
    W = tf.Variable(tf.zeros([num_hidden, num_classes]))
    b = tf.Variable(tf.constant(0.0, shape=[num_classes]))
    logits = tf.matmul(outputs, W) + b
    logits = tf.reshape(logits, [batch_s, -1, num_classes])
    logits = tf.transpose(logits, (1, 0, 2))

    losses = tf.nn.ctc_loss(targets, logits, seq_len)
    cost = tf.reduce_mean(losses)
    optimizer = tf.train.MomentumOptimizer(initial_learning_rate, momentum).minimize(cost)

    best, neg_sum_logits = tf.nn.ctc_greedy_decoder(logits, seq_len)
    decoded, log_prob = tf.nn.ctc_beam_search_decoder(
        logits, seq_len, beam_width=20, top_paths=2, merge_repeated=False
    )
    ler = tf.reduce_mean(tf.edit_distance(tf.cast(decoded[0], tf.int32), targets))
    rng = np.random.RandomState(5)
    starts = [
        tf.assign(v, rng.uniform(-0.4, 0.4, v.get_shape().as_list()))
        for v in tf.trainable_variables()
    ]

examples = [utterance(rng) for _ in range(num_examples)]
with tf.Session(graph=graph) as session:
    session.run(tf.global_variables_initializer())
    session.run(starts)
    for epoch in range(num_epochs):
        train_cost = train_ler = 0.0
        for at in range(0, num_examples, batch_size):
            some = examples[at : at + batch_size]
            x, lengths = pad_sequences([s for s, _ in some])
            feed = {inputs: x, targets: sparse_tuple_from([y for _, y in some]), seq_len: lengths}
            batch_cost, _ = session.run([cost, optimizer], feed)
            train_cost += batch_cost * len(some)
            train_ler += session.run(ler, feed) * len(some)
        if epoch % 6 == 5:
            log = "Epoch %d/%d, cost = %.3f, ler = %.3f"
            cost_of, ler_of = train_cost / num_examples, train_ler / num_examples
            print(log % (epoch + 1, num_epochs, cost_of, ler_of))
    x, lengths = pad_sequences([s for s, _ in examples])
    feed = {inputs: x, targets: sparse_tuple_from([y for _, y in examples]), seq_len: lengths}
    paths, probabilities, path, score = session.run(
        [decoded, log_prob, best[0], neg_sum_logits], feed
    )
    print("probabilities", " ".join("%.3f" % v for v in probabilities.ravel()))
    print("best", path.values.tolist(), path.dense_shape.tolist())
    print("scores", " ".join("%.3f" % v for v in score.ravel()))
    for k in range(2):
        print("path", k, paths[k].values.tolist())
    print("losses", " ".join("%.3f" % v for v in session.run(losses, feed)))
