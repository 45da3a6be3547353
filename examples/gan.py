"""Two networks play: one draws digits, the other tells them from real ones (Goodfellow, 2014).

Draws samples of the generator.  A classifier of real digits looks at them afterwards: it is sure
(above 90 %) of 77 % of the real ones and of 8 % of noise.  Should print that it sees at least nine
of the ten digits among 1,000 samples, and is sure of at least 35 % of them.
"""

import numpy as np
from pictures import COLOURS, panels, save, show
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import graphc as tf

NOISE, HIDDEN, STEPS, BATCH, SEED = 16, 128, 6000, 64, 2


def generator(z: tf.Tensor) -> tf.Tensor:
    with tf.variable_scope("generator"):
        h = tf.layers.dense(z, HIDDEN, tf.nn.relu)
        h = tf.layers.dense(h, HIDDEN, tf.nn.relu)
        return tf.layers.dense(h, 64, tf.sigmoid)


def discriminator(x: tf.Tensor) -> tf.Tensor:
    """The logit of ``x`` being real; the same weights for every caller."""
    with tf.variable_scope("discriminator", reuse=tf.AUTO_REUSE):
        h = tf.nn.leaky_relu(tf.layers.dense(x, HIDDEN, name="h1"))
        h = tf.nn.leaky_relu(tf.layers.dense(h, HIDDEN, name="h2"))
        return tf.layers.dense(h, 1, name="real")


def cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


def main() -> None:
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)

    tf.set_random_seed(SEED)
    real = tf.placeholder(tf.float32, [None, 64], name="real")
    z = tf.random_normal([tf.shape(real)[0], NOISE], name="z")
    fake = generator(z)
    on_real, on_fake = discriminator(real), discriminator(fake)
    d_loss = cross_entropy(on_real, 0.9) + cross_entropy(on_fake, 0.0)  # one-sided label smoothing
    g_loss = cross_entropy(on_fake, 1.0)
    d_train = tf.train.AdamOptimizer(5e-4, beta1=0.5).minimize(
        d_loss, var_list=tf.trainable_variables("discriminator")
    )
    g_train = tf.train.AdamOptimizer(5e-4, beta1=0.5).minimize(
        g_loss, var_list=tf.trainable_variables("generator")
    )

    random = np.random.default_rng(SEED)
    curves = []
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(STEPS):
            batch = images[random.integers(0, len(images), BATCH)]
            d, _ = sess.run([d_loss, d_train], {real: batch})
            g, _ = sess.run([g_loss, g_train], {real: batch})
            if step % 20 == 0:
                curves.append((step, d, g))
            if (step + 1) % 1000 == 0:
                print(f"step {step + 1:5}: discriminator {d:.3f}, generator {g:.3f}")
        samples = sess.run(fake, {real: images[:1000]})

    judge = LogisticRegression(max_iter=2000).fit(images, digits)
    sure = judge.predict_proba(samples).max(1)
    kinds = len(np.unique(judge.predict(samples)[sure > 0.9]))

    figure, (left, right) = panels(2)
    steps, d_curve, g_curve = zip(*curves, strict=True)
    left.plot(steps, d_curve, color=COLOURS[1], label="discriminator")
    left.plot(steps, g_curve, color=COLOURS[0], label="generator")
    left.set(title="losses of the game", xlabel="step")
    left.legend(frameon=False)
    show(right, samples[:80], 10, "samples of the generator")
    save(figure, "gan.png")
    print(f"kinds of digits it is sure of: {kinds} of 10")
    print(
        f"a classifier of real digits is sure of {100 * np.mean(sure > 0.9):.1f} % of the samples"
    )


if __name__ == "__main__":
    main()
