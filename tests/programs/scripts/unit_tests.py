"""The tests of a small program, with tf.test: gradients, kinds of errors, sessions, files."""

import os

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import dtypes
from tensorflow.python.ops import math_ops, nn_ops, variable_scope
from tensorflow.python.platform import test


def smooth_l1(x, delta=1.0):
    small = tf.less(tf.abs(x), delta)
    return tf.where(small, 0.5 * tf.square(x), delta * (tf.abs(x) - 0.5 * delta))


def highway(x, carry_bias=-1.0, scope="highway"):
    with variable_scope.variable_scope(scope, default_name="h", values=[x]):
        size = x.get_shape()[1].value
        gate_w = variable_scope.get_variable(
            "gate", [size, size], dtypes.float32, tf.orthogonal_initializer(seed=1)
            if hasattr(tf, "orthogonal_initializer") else None,
        )  # fmt: skip
        gate = math_ops.sigmoid(math_ops.matmul(x, gate_w) + carry_bias)
        return gate * nn_ops.relu(x) + (1.0 - gate) * x


class SmoothL1Test(tf.test.TestCase):
    def setUp(self):
        super(SmoothL1Test, self).setUp()
        self.values = np.array([-3.0, -0.5, 0.0, 0.25, 2.0], np.float32)

    def testValues(self):
        with self.test_session() as sess:
            out = sess.run(smooth_l1(tf.constant(self.values)))
            self.assertAllClose([2.5, 0.125, 0.0, 0.03125, 1.5], out)
            self.assertAllEqual(out.shape, self.values.shape)
            print("smooth %.5f" % out.sum())

    def testGradient(self):
        with self.test_session():
            x = tf.constant(self.values[[0, 1, 3]], name="x")
            error = tf.test.compute_gradient_error(x, [3], smooth_l1(x), [3], x_init_value=None)
            self.assertLess(error, 1e-2)
            g = tf.gradients(smooth_l1(x), x)[0]
            self.assertAllClose(g.eval(), [-1.0, -0.5, 0.25])

    def testWrongSizes(self):
        with self.assertRaisesRegexp(ValueError, "[Ss]hape|[Dd]imension|sizes"):
            tf.zeros([2, 3]) + tf.zeros([4, 3])


class HighwayTest(test.TestCase):
    def testCarriesWhenClosed(self):
        with tf.Graph().as_default(), self.session() as sess:
            x = tf.constant(np.linspace(-1, 1, 12).reshape(3, 4), tf.float32)
            y = highway(x, carry_bias=-50.0)
            sess.run(tf.global_variables_initializer())
            self.assertAllClose(*sess.run([x, y]))
            self.assertEqual(["highway/gate:0"], [v.name for v in tf.trainable_variables()])
            self.assertShapeEqual(np.zeros((3, 4)), y)

    @tf.test.mock.patch.object(tf.logging, "info") if hasattr(tf.test, "mock") else lambda f: f
    def testSaves(self, *mocked):
        with self.cached_session() as sess:
            highway(tf.ones([1, 4]))
            tf.global_variables_initializer().run()
            path = tf.train.Saver().save(sess, os.path.join(self.get_temp_dir(), "model"))
            self.assertTrue(tf.train.checkpoint_exists(path))
            ((name, shape),) = tf.train.list_variables(path)
            self.assertEqual(("highway/gate", [4, 4]), (name, shape))
            self.assertAllInRange(tf.train.load_variable(path, name), -1.0, 1.0)
        print("saved", name)

    def testErrorsAreOfTheirKind(self):
        with self.cached_session():
            i = tf.placeholder(tf.int32, [])
            with self.assertRaises(tf.errors.InvalidArgumentError):
                tf.gather([1.0, 2.0], i).eval({i: 7})
            v = tf.Variable(1.0)
            with self.assertRaises(tf.errors.FailedPreconditionError):
                v.eval()
            with self.assertRaisesOpError("must be"):
                tf.Assert(tf.equal(i, 0), ["must be", i]).run({i: 1})


if __name__ == "__main__":
    tf.test.main()
