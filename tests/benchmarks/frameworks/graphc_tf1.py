"""graphc, through its public face only, with what its reports say of memory and of compiles."""

import re
from collections.abc import Callable

import numpy as np

import graphc as tf
from tests.benchmarks import subjects
from tests.benchmarks.frameworks.tf1_program import Tf1


class Graphc(Tf1):
    def __init__(self) -> None:
        super().__init__(tf, tf.__version__)
        self.sessions: list[tf.Session] = []

    def session(self) -> tf.Session:
        self.sessions.append(super().session())
        return self.sessions[-1]

    def kernels_compiled(self) -> int:
        """By all sessions so far, as their compile logs say."""
        lines = (line for sess in self.sessions for line in sess.compile_log())
        return sum(int(n) for line in lines for n in re.findall(r"(\d+) compiled\)", line))

    def result(self, sess: tf.Session, y: tf.Tensor) -> tuple[Callable[[], object], Callable]:
        """Into a variable: what nobody asks for is not computed."""
        kept = tf.get_variable("kept", initializer=tf.zeros(y.shape))
        sess.run(kept.initializer)
        return sess.make_callable(tf.assign(kept, y).op), lambda _: sess.run(kept)

    def memory(self, name: str) -> tuple[int, int]:
        """``(peak, bound)`` of a subject's memory plan, in bytes."""
        with tf.Graph().as_default():
            if name in subjects.MLPS:
                spec = subjects.MLPS[name]
                x, labels, loss, train = self.mlp_graph(spec)
                fetches, feeds = [loss, train], dict(zip((x, labels), spec.data(), strict=True))
            elif name in subjects.ROWS_BY_NAME:
                fetches, feeds = self._row_graph(subjects.ROWS_BY_NAME[name])
            else:
                fetches, feeds = self.unrolled_graph(subjects.UnrolledCell(int(name))), {}
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
                memory = sess.inspect(fetches, feeds).memory
        return memory.peak, memory.bound

    def _row_graph(self, spec: subjects.Rows) -> tuple[tf.Tensor, dict[tf.Tensor, np.ndarray]]:
        inputs = spec.inputs()
        fed = {name: tf.placeholder(tf.float32, value.shape) for name, value in inputs.items()}
        return self.row_meaning(spec, fed), {fed[name]: inputs[name] for name in inputs}


framework = Graphc()
