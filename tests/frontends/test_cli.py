"""The ``graphc`` command."""

import json
from pathlib import Path

import pytest

import graphc
from frontends.cli import main

SCRIPT = """
import sys
from pathlib import Path

import numpy as np

import graphc as tf

tf.reset_default_graph()
x = tf.placeholder(tf.float32, [None, 4], name="x")
w = tf.get_variable("w", [4, 2])
loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(x, w))), name="loss")
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
if __name__ == "__main__":
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(3):
            sess.run([loss, train], {x: np.ones([3, 4])})
        Path(sys.argv[1]).write_text(str(sess.run(w).shape))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "small.py"
    path.write_text(SCRIPT)
    return path


def test_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"graphc {graphc.__version__}\n"


def test_inspect_runs_the_script_and_reports_what_it_ran_most(script, tmp_path, capsys):
    assert main(["inspect", str(script), str(tmp_path / "shape")]) == 0
    assert (tmp_path / "shape").read_text() == "(4, 2)"
    text = capsys.readouterr().out
    assert "loss:0, GradientDescent" in text
    assert "small.py:12" in text
    assert text.count("compiled graph:") == 1


def test_inspect_writes_json_of_every_kind_of_run(script, tmp_path):
    out = tmp_path / "report.json"
    arguments = ["--json", "--all", "-o", str(out), str(script), str(tmp_path / "shape")]
    assert main(["inspect", *arguments]) == 0
    decoder, text, reports = json.JSONDecoder(), out.read_text(), []
    while text:
        report, end = decoder.raw_decode(text)
        reports.append(report)
        text = text[end:].lstrip()
    assert [r["title"] for r in reports] == ["loss:0, GradientDescent", "init", "w:0"]


def test_inspect_passes_on_the_scripts_exit_status(tmp_path, capsys):
    script = tmp_path / "stops.py"
    script.write_text("raise SystemExit(3)\n")
    assert main(["inspect", str(script)]) == 3
    assert "ran nothing" in capsys.readouterr().err


def test_a_missing_script_is_told(capsys):
    assert main(["inspect", "no_such_script.py"]) == 2
    assert "no_such_script.py" in capsys.readouterr().err
