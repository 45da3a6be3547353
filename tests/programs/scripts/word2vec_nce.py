"""Skip-gram by noise-contrastive estimation on a small text; random noise, so figures are bands."""

import collections
import math
import random

import numpy as np
import tensorflow as tf

TEXT = """
a graph holds nodes and a node holds an op . an op says what one element is . a pass reads a graph
and writes a graph . a rule rewrites a node . a kernel runs a group of nodes . a session runs a
graph and a program runs kernels . the compiler makes a program of a graph . the device runs a
program . the device holds memory and the memory holds buffers . a buffer holds elements . a loop
visits elements . a kernel has loops and a loop has a body . the body loads elements and stores
elements . a gradient is a graph . a loss is a node . the optimizer writes variables . a variable
is a node . the session holds variables . a checkpoint holds variables . the saver writes a
checkpoint .
"""

vocabulary_size = 40


def build_dataset(words):
    count = [["UNK", -1]]
    count.extend(collections.Counter(words).most_common(vocabulary_size - 1))
    dictionary = {word: index for index, (word, _) in enumerate(count)}
    data = [dictionary.get(word, 0) for word in words]
    return data, count, dictionary, dict(zip(dictionary.values(), dictionary.keys()))


data, count, dictionary, reverse_dictionary = build_dataset(TEXT.split())
print("Most common words (+UNK)", count[1:4])
data_index = 0
random.seed(4)


def generate_batch(batch_size, num_skips, skip_window):
    global data_index
    batch = np.ndarray(shape=(batch_size), dtype=np.int32)
    labels = np.ndarray(shape=(batch_size, 1), dtype=np.int32)
    span = 2 * skip_window + 1
    buffer = collections.deque(maxlen=span)
    for _ in range(span):
        buffer.append(data[data_index])
        data_index = (data_index + 1) % len(data)
    for i in range(batch_size // num_skips):
        context = [w for w in range(span) if w != skip_window]
        for j, w in enumerate(random.sample(context, num_skips)):
            batch[i * num_skips + j] = buffer[skip_window]
            labels[i * num_skips + j, 0] = buffer[w]
        buffer.append(data[data_index])
        data_index = (data_index + 1) % len(data)
    data_index = (data_index + len(data) - span) % len(data)
    return batch, labels


batch_size, embedding_size, num_sampled = 64, 24, 16
rng = np.random.RandomState(0)
graph = tf.Graph()
with graph.as_default():
    with tf.name_scope("inputs"):
        train_inputs = tf.placeholder(tf.int32, shape=[batch_size])
        train_labels = tf.placeholder(tf.int32, shape=[batch_size, 1])
        valid_dataset = tf.constant([dictionary["graph"], dictionary["kernel"]], dtype=tf.int32)
    with tf.device("/cpu:0"):
        embeddings = tf.Variable(
            rng.uniform(-1.0, 1.0, [vocabulary_size, embedding_size]).astype(np.float32)
        )
        embed = tf.nn.embedding_lookup(embeddings, train_inputs)
        nce_weights = tf.Variable(
            tf.truncated_normal(
                [vocabulary_size, embedding_size], stddev=1.0 / math.sqrt(embedding_size)
            )
        )
        nce_biases = tf.Variable(tf.zeros([vocabulary_size]))
    loss = tf.reduce_mean(
        tf.nn.nce_loss(
            weights=nce_weights,
            biases=nce_biases,
            labels=train_labels,
            inputs=embed,
            num_sampled=num_sampled,
            num_classes=vocabulary_size,
        )
    )
    tf.summary.scalar("loss", loss)
    optimizer = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
    normalized_embeddings = embeddings / norm
    valid_embeddings = tf.nn.embedding_lookup(normalized_embeddings, valid_dataset)
    similarity = tf.matmul(valid_embeddings, normalized_embeddings, transpose_b=True)
    scores = tf.matmul(embed, nce_weights, transpose_b=True) + nce_biases
    hit = tf.reduce_mean(tf.to_float(tf.nn.in_top_k(scores, train_labels[:, 0], 5)))
    init = tf.global_variables_initializer()

with tf.Session(graph=graph) as session:
    init.run()
    total, hits = 0.0, []
    for step in range(3000):
        inputs, labels = generate_batch(batch_size, 2, 1)
        _, now, found = session.run(
            [optimizer, loss, hit], feed_dict={train_inputs: inputs, train_labels: labels}
        )
        total += now
        hits.append(found)
        if (step + 1) % 1000 == 0:
            print(
                "Average loss at step %d: %.4f, a hit in five %.4f"
                % (step + 1, total / 1000, np.mean(hits[-1000:]))
            )
            total = 0.0
    sim = similarity.eval()
    print("a word is like itself: %.4f" % sim[0, dictionary["graph"]])
    final = normalized_embeddings.eval()
    print("norms: %.4f %.4f" % (np.linalg.norm(final, axis=1).min(), final.shape[0]))
