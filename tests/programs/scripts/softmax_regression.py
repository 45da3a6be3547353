"""Softmax regression on digits, typed in an interactive session."""

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

digits = load_digits()
images = (digits.data / 16.0).astype(np.float32)
labels = np.eye(10, dtype=np.float32)[digits.target]
train_x, train_y = images[:1400], labels[:1400]
test_x, test_y = images[1400:], labels[1400:]

sess = tf.InteractiveSession()

x = tf.placeholder("float", shape=[None, 64])
y_ = tf.placeholder("float", [None, 10])
W = tf.Variable(tf.zeros([64, 10]))
b = tf.Variable(tf.zeros([10]))
y = tf.nn.softmax(tf.matmul(x, W) + b)

cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_ * tf.log(y), reduction_indices=[1]))
train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
correct_prediction = tf.equal(tf.argmax(y, 1), tf.argmax(y_, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, "float"))

tf.global_variables_initializer().run()
for i in range(200):
    at = i * 50 % 1400
    batch = train_x[at : at + 50], train_y[at : at + 50]
    if i % 40 == 0:
        print("step %d loss %.6f" % (i, cross_entropy.eval({x: batch[0], y_: batch[1]})))
    train_step.run(feed_dict={x: batch[0], y_: batch[1]})

print("accuracy %.4f" % accuracy.eval(feed_dict={x: test_x, y_: test_y}))
weights = W.eval()
print("largest weight %.5f of pixel %d" % (weights.max(), weights.max(1).argmax()))
print("bias", " ".join("%.5f" % v for v in b.eval()))
print("confusion of the first: ", end="")
print(tf.confusion_matrix(tf.argmax(test_y, 1), tf.argmax(y, 1)).eval({x: test_x})[0].tolist())
sess.close()
