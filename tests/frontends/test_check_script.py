"""``graphc check``: what a script uses of TF1, read without running it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frontends.cli import main
from frontends.scripts.checking import check
from frontends.scripts.uses import uses

SCRIPT = """
import numpy as np
import tensorflow as tf
import tensorflow.contrib.tpu as tpu
from tensorflow.contrib import layers as L
from tensorflow.python.ops import math_ops

raise SystemExit("checking must not run this")
rnn_cell = tf.nn.rnn_cell

def model(x, tf2):
    cell = rnn_cell.BasicLSTMCell(3)
    net = tpu.rewrite(x, 3, [3, 3])
    tf2.nothing(np.zeros(3))
    return L.fully_connected(tf.nn.relu(net), 10)

tf.nn.dropot(1)
tf.nn.softmax(logits=1, wrong=2)
tf.nn.softmax_cross_entropy_with_logits(1)
print(tf.float32.name, math_ops.reduce_sum)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def names(source: str) -> dict[str, list[int]]:
    return {use.name: use.lines for use in uses(source)}


def test_names_are_followed_through_imports_and_aliases(script):
    assert names(SCRIPT) == {
        "contrib.tpu": [4],
        "contrib.layers": [5],
        "python.ops.math_ops": [6],
        "nn.rnn_cell": [9],
        "nn.rnn_cell.BasicLSTMCell": [12],
        "contrib.tpu.rewrite": [13],
        "contrib.layers.fully_connected": [15],
        "nn.relu": [15],
        "nn.dropot": [17],
        "nn.softmax": [18],
        "nn.softmax_cross_entropy_with_logits": [19],
        "float32.name": [20],
        "python.ops.math_ops.reduce_sum": [20],
    }


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow\ntensorflow.add",
        "import tensorflow.compat.v1 as tf\ntf.add",
        "from tensorflow.compat import v1\nv1.add",
        "import tensorflow as tf\ntf = tf.compat.v1\ntf.add",
        "import graphc as tf\ntf.add",
        "from tensorflow import *\nadd(1, len([2]))",
        "try:\n import tensorflow as tf\nexcept ImportError: tf = None\ntf.add",
        "def f():\n    import tensorflow as tf\n    return lambda x: tf.add(x, x)",
        "import tensorflow as tf\nclass A:\n    def f(self): return [tf.add(x, x) for x in self]",
        "import tensorflow as tf\nf = lambda x, op=tf.add: op(x)",
        "import tensorflow as tf\n@tf.add\ndef f(): pass",
    ],
)
def test_every_way_to_the_library_is_seen(source):
    assert "add" in names(source)


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow as tf\ndef f(tf): tf.add",
        "import numpy as tf\ntf.add",
        "import tensorflow_hub as tf\ntf.add",
        "from mine.tensorflow import nn\nnn.add",
    ],
)
def test_what_only_looks_like_it_is_not(source):
    assert names(source) == {}


def test_findings_say_what_is_wrong(script):
    problems = {finding.name: finding.problem for finding in check(script).names}
    assert problems["nn.relu"] == problems["float32"] == ""
    assert problems["contrib.tpu.rewrite"].startswith("tf.contrib.tpu is part of TF1 but not")
    assert problems["nn.dropot"] == "there is no tf.nn.dropot; near: tf.nn.dropout"
    assert problems["nn.softmax"] == (
        "tf.nn.softmax: it takes no argument 'wrong' here; it takes logits, axis, name, dim"
    )
    assert problems["nn.softmax_cross_entropy_with_logits"].endswith(
        "its arguments must be named: labels=..., logits=..."
    )


def test_the_exit_status_says_whether_all_is_provided(script, tmp_path, capsys):
    assert main(["check", str(script)]) == 1
    fine = tmp_path / "fine.py"
    fine.write_text("import tensorflow as tf\ntf.add(1, 2)\n")
    assert main(["check", str(fine)]) == 0
    assert "1 name of TF1, all provided" in capsys.readouterr().out
    assert main(["check", str(tmp_path / "absent.py")]) == 2


def test_a_folder_is_all_its_scripts_and_json_has_the_same(script, tmp_path, capsys):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "old.py").write_text("import tensorflow as tf\nprint 'x'\n")
    assert main(["check", "--json", str(tmp_path)]) == 1
    old, new = json.loads(capsys.readouterr().out)
    assert old["unreadable"].startswith("line 2 is Python 2 (Missing parentheses")
    assert new["provided"] is False
    tpu = next(found for found in new["names"] if found["name"] == "contrib.tpu.rewrite")
    assert (tpu["lines"], tpu["provided"], tpu["family"]) == ([13], False, "distributed")
