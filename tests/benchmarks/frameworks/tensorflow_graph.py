"""TensorFlow's own graph mode, plain and with XLA clustering the whole graph."""

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_XLA_FLAGS", "--tf_xla_cpu_global_jit")  # XLA leaves the CPU out otherwise

import numpy as np
import tensorflow.compat.v1 as tf

from tests.benchmarks import subjects
from tests.benchmarks.frameworks.tf1_program import Tf1

tf.disable_v2_behavior()


class TensorFlow(Tf1):
    def rows(
        self, spec: subjects.Rows
    ) -> tuple[Callable[[], object], Callable[[object], np.ndarray]]:
        """Operands are variables, because TensorFlow would copy a feed of this size."""
        with tf.Graph().as_default():
            held = {
                name: tf.get_variable(name, initializer=value)
                for name, value in spec.inputs().items()
            }
            y = self.row_meaning(spec, held)
            sess = self.session()
            sess.run(tf.global_variables_initializer())
            return sess.make_callable(y), np.asarray


def _config(xla: bool) -> object:
    config = tf.ConfigProto()
    if xla:
        level = tf.OptimizerOptions.ON_1
        config.graph_options.optimizer_options.global_jit_level = level
    return config


plain = TensorFlow(tf, tf.version.VERSION, _config(xla=False))
xla = TensorFlow(tf, tf.version.VERSION, _config(xla=True))
