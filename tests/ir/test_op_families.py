"""Op families are imported when somebody asks for them, and nobody sees a difference."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphc import ops
from graphc.ir.builder import COMPOSITES, Builder, meaning
from graphc.ir.graph import Graph
from graphc.ir.op import REGISTRY

ROOT = Path(__file__).parents[2]


def in_a_new_process(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_training_step_imports_no_family_it_does_not_use():
    found = in_a_new_process(
        "import sys, graphc as tf\n"
        "x = tf.placeholder(tf.float32, [None, 3])\n"
        "loss = tf.reduce_mean(tf.square(tf.layers.dense(x, 2)))\n"
        "tf.train.AdamOptimizer().minimize(loss)\n"
        "from graphc.ops import THE_REST\n"
        "print([f for f in THE_REST.split() if f'graphc.ops.{f}' in sys.modules])"
    )
    assert found == "[]"


def test_an_op_of_a_later_family_is_found_by_name():
    found = in_a_new_process(
        "from graphc.ir.op import REGISTRY\n"
        "print('top_k' in REGISTRY, REGISTRY['lgamma'].__module__, REGISTRY.get('no_such_op'))"
    )
    assert found == "True graphc.ops.elementwise.special None"


def test_looking_at_all_ops_sees_those_of_every_family():
    seen = in_a_new_process("from graphc.ir.op import REGISTRY\nprint(len(REGISTRY))")
    of_the_house = [kind for kind in REGISTRY.values() if kind.__module__.startswith("graphc.")]
    assert int(seen) == len(of_the_house)


def test_what_goes_before_an_op_of_its_name_is_imported_with_the_package():
    rest = {f"graphc.ops.{family}" for family in ops.THE_REST.split()}
    hidden = [n for n in COMPOSITES if n in REGISTRY and COMPOSITES[n].__module__ in rest]
    assert not hidden


def test_a_name_nobody_has_is_said_to_be_unknown():
    assert meaning("no_such_op") is None
    with pytest.raises(AttributeError, match="no op is called 'no_such_op'"):
        _ = Builder(Graph()).no_such_op
