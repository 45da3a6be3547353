"""Matrix factorisation of ratings: rows of embeddings and biases, trained by sparse gradients."""

import tensorflow as tf
import numpy as np
from sklearn.datasets import load_digits

# "ratings": how dark pixel j of image i is
ratings = load_digits().data[:300] / 4.0
rng = np.random.RandomState(9)
users, items = [a.ravel() for a in np.indices(ratings.shape)]
order = rng.permutation(users.size)
train, held = order[:16000], order[16000:18000]

NUM_USERS, NUM_ITEMS, DIM = 300, 64, 6


def inference(user_batch, item_batch, user_num, item_num, dim=5, device="/cpu:0"):
    with tf.device("/cpu:0"):
        bias_global = tf.get_variable("bias_global", shape=[], initializer=tf.zeros_initializer())
        w_bias_user = tf.get_variable(
            "embd_bias_user", shape=[user_num], initializer=tf.zeros_initializer()
        )
        w_bias_item = tf.get_variable(
            "embd_bias_item", shape=[item_num], initializer=tf.zeros_initializer()
        )
        bias_user = tf.nn.embedding_lookup(w_bias_user, user_batch, name="bias_user")
        bias_item = tf.nn.embedding_lookup(w_bias_item, item_batch, name="bias_item")
        w_user = tf.get_variable(
            "embd_user",
            shape=[user_num, dim],
            initializer=tf.constant_initializer(rng.randn(user_num, dim) * 0.1),
        )
        w_item = tf.get_variable(
            "embd_item",
            shape=[item_num, dim],
            initializer=tf.constant_initializer(rng.randn(item_num, dim) * 0.1),
        )
        embd_user = tf.nn.embedding_lookup(w_user, user_batch, name="embedding_user")
        embd_item = tf.gather(w_item, item_batch, name="embedding_item")
    with tf.device(device):
        infer = tf.reduce_sum(tf.multiply(embd_user, embd_item), 1)
        infer = tf.add(infer, bias_global)
        infer = tf.add(infer, bias_user)
        infer = tf.add(infer, bias_item, name="svd_inference")
        regularizer = tf.add(
            tf.nn.l2_loss(embd_user), tf.nn.l2_loss(embd_item), name="svd_regularizer"
        )
    return infer, regularizer


def optimization(infer, regularizer, rate_batch, name, reg=0.0005):
    global_step = tf.train.get_global_step()
    assert global_step is not None
    cost_l2 = tf.nn.l2_loss(tf.subtract(infer, rate_batch))
    cost = tf.add(cost_l2, tf.multiply(regularizer, reg))
    if name == "adam":
        opt = tf.train.AdamOptimizer(0.02)
    elif name == "adagrad":
        opt = tf.train.AdagradOptimizer(0.3)
    else:
        opt = tf.train.MomentumOptimizer(0.01, 0.5)
    grads = opt.compute_gradients(cost)
    print(name, [isinstance(g, tf.IndexedSlices) for g, _ in grads])
    return cost, opt.apply_gradients(grads, global_step=global_step)


for name in ("adam", "adagrad", "momentum"):
    tf.reset_default_graph()
    rng = np.random.RandomState(9)
    user_batch = tf.placeholder(tf.int32, shape=[None], name="id_user")
    item_batch = tf.placeholder(tf.int32, shape=[None], name="id_item")
    rate_batch = tf.placeholder(tf.float32, shape=[None])
    infer, regularizer = inference(user_batch, item_batch, NUM_USERS, NUM_ITEMS, DIM)
    tf.train.create_global_step()
    cost, train_op = optimization(infer, regularizer, rate_batch, name)
    rmse = tf.sqrt(tf.reduce_mean(tf.squared_difference(infer, rate_batch)))

    def feed(rows):
        return {
            user_batch: users[rows],
            item_batch: items[rows],
            rate_batch: ratings[users[rows], items[rows]],
        }

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for i in range(80):
            sess.run(train_op, feed_dict=feed(train[i * 200 : (i + 1) * 200]))
            if i % 20 == 19:
                print(
                    "%3d: rmse %.5f held out %.5f"
                    % (
                        tf.train.get_global_step().eval(),
                        sess.run(rmse, feed(train[:2000])),
                        sess.run(rmse, feed(held)),
                    )
                )
