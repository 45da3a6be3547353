"""What importing costs, and what a forgotten graph leaves behind."""

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import frontends.tf
import graphc as tf
from tests.frontends.conftest import PRESENT

PROGRAM = """
import sys
import graphc as tf

x = tf.placeholder(tf.float32, [None, 3])
loss = tf.reduce_mean(tf.layers.dense(x, 2, tf.nn.relu))
train = tf.train.AdamOptimizer().minimize(loss)
heavy = {"numba", "llvmlite", "networkx", "scipy"} & set(sys.modules)
assert not heavy, heavy
with tf.Session(device="/reference:0") as sess:
    sess.run(tf.global_variables_initializer())
    sess.run(train, {x: [[1.0, 2.0, 3.0]]})
heavy = {"numba", "llvmlite", "networkx", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_building_and_reference_runs_load_no_compiler():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_nothing_of_it():
    code = "import sys, graphc; print(sorted(m for m in sys.modules if m.startswith('front')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("device", PRESENT)
def test_a_forgotten_graph_is_freed(device):
    def build_and_run() -> weakref.ref:
        x = tf.placeholder(tf.float32, [None, 3])
        with tf.variable_scope("s"):
            loss = tf.reduce_mean(tf.layers.dense(x, 2, tf.nn.relu))
        train = tf.train.AdamOptimizer().minimize(loss)
        with tf.Session(device=device) as sess:
            sess.run(tf.global_variables_initializer())
            sess.run([loss, train], {x: np.ones([4, 3])})
        return weakref.ref(tf.get_default_graph())

    gone = build_and_run()
    tf.reset_default_graph()
    gc.collect()
    assert gone() is None


def test_no_file_takes_the_place_of_a_name():
    """Importing ``frontends/tf/x.py`` makes it ``tf.x``: only modules may be called so."""
    files = {path.stem for path in Path(frontends.tf.__file__).parent.glob("*.py")}
    assert not files & set(frontends.tf._NAMES)
