"""``graphc run``: unmodified TF1 scripts, with ``import tensorflow`` meaning graphc."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from frontends.cli import main
from tests.conftest import TESTS

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Writes a script and runs it the way a user does."""

    def go(
        source: str, *arguments: str, options: tuple[str, ...] = (), given: str = "",
        name: str = "train.py", env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess:  # fmt: skip
        (tmp_path / name).write_text(textwrap.dedent(source), encoding="utf-8")
        command = [sys.executable, "-m", "frontends.cli", "run", *options, name, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, input=given, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(TESTS.parent), **(env or {})},
        )  # fmt: skip

    return go


def test_the_ways_scripts_import_tensorflow_give_one_api(run):
    done = run(
        """
        import tensorflow as tf
        import tensorflow.compat.v1 as v1
        import tensorflow.contrib.layers as L
        from tensorflow import nn
        from tensorflow.compat import v1 as again
        from tensorflow.contrib import layers
        from tensorflow.python.client import device_lib
        from tensorflow.python.framework import dtypes, ops, tensor_shape
        from tensorflow.python.ops import array_ops, init_ops, math_ops, nn_ops
        from tensorflow.python.ops import variable_scope as vs
        from tensorflow.python.platform import app, flags, tf_logging as logging
        from tensorflow.python.training import moving_averages
        from tensorflow.python.util import nest

        assert v1 is tf and again is tf and nn is tf.nn is v1.nn
        assert layers is L is tf.contrib.layers
        assert math_ops.matmul is tf.matmul and array_ops.concat is tf.concat
        assert nn_ops.relu is nn.relu and vs.get_variable is tf.get_variable
        assert ops.reset_default_graph is tf.reset_default_graph
        assert dtypes.float32 is tf.float32 and tensor_shape.TensorShape is tf.TensorShape
        assert flags.FLAGS is tf.flags.FLAGS and app.run is tf.app.run
        assert logging.info == tf.logging.info
        assert init_ops.zeros_initializer is tf.zeros_initializer
        assert tf.__version__.startswith("1.15")
        assert [d.device_type for d in device_lib.list_local_devices()] == ["CPU"]
        """
    )
    assert done.returncode == 0, done.stderr


def test_a_star_import_brings_the_names(run):
    done = run("from tensorflow import *\nwith Session() as s: print(s.run(add(constant(1), 2)))")
    assert done.stdout == "3\n", done.stderr


def test_the_script_is_main_with_its_arguments_and_folder(run, tmp_path):
    (tmp_path / "beside.py").write_text("WORD = 'found'\n")
    done = run(
        """
        import sys
        import beside
        print(__name__, __file__ == sys.modules["__main__"].__file__, sys.argv, beside.WORD)
        print(sys.stdin.read())
        """,
        "--device", "x", "-m",
        given="typed",
    )  # fmt: skip
    said = "__main__ True ['train.py', '--device', 'x', '-m'] found\ntyped\n"
    assert done.stdout == said, done.stderr


@pytest.mark.parametrize(
    ("ending", "status", "said"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('no data')", 1, "no data\n"),
        ("raise SystemExit(False)", 0, ""),
    ],
)
def test_the_exit_status_is_the_scripts(run, ending, status, said):
    done = run(f"import sys\n{ending}\n")
    assert (done.returncode, done.stderr) == (status, said)


def test_app_run_parses_flags_and_calls_main(run):
    done = run(
        """
        import tensorflow as tf
        tf.app.flags.DEFINE_integer("steps", 1, "how many")
        FLAGS = tf.app.flags.FLAGS

        def main(argv):
            print(FLAGS.steps, argv[1:])

        if __name__ == "__main__":
            tf.app.run()
        """,
        "--steps", "7", "rest",
    )  # fmt: skip
    assert done.stdout == "7 ['rest']\n", done.stderr


@pytest.mark.parametrize("way", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_import_it_too(run, way):
    done = run(
        f"""
        import multiprocessing
        import tensorflow as tf

        def double(x):
            import tensorflow as inner
            with inner.Graph().as_default(), inner.Session() as sess:
                return float(sess.run(inner.constant(x) * 2.0))

        if __name__ == "__main__":
            with multiprocessing.get_context("{way}").Pool(1) as pool:
                print(pool.map(double, [1.0, 2.5]))
        """
    )
    assert done.stdout == "[2.0, 5.0]\n", done.stderr


def test_a_python_that_the_script_starts_imports_it_too(run):
    done = run(
        """
        import subprocess, sys
        code = "import tensorflow.contrib.layers as L, tensorflow as tf; print(tf, L)"
        subprocess.run([sys.executable, "-c", code], check=True)
        """
    )
    assert "<module 'tensorflow' (graphc)>" in done.stdout, done.stderr


def test_nothing_of_it_stays_in_this_process(tmp_path):
    (tmp_path / "script.py").write_text("import tensorflow.nn, os; os.environ['KEPT'] = '1'\n")
    before = list(sys.path), list(sys.meta_path), sys.argv, sys.modules["__main__"]
    assert main(["run", "--device", "/reference:0", str(tmp_path / "script.py")]) == 0
    assert before == (list(sys.path), list(sys.meta_path), sys.argv, sys.modules["__main__"])
    assert not [name for name in sys.modules if name.partition(".")[0] == "tensorflow"]
    assert "_GRAPHC_RUNS_IN" not in os.environ
    assert "GRAPHC_DEVICE" not in os.environ


FAILING = """
import tensorflow as tf

def model(x):
    return tf.matmul(x, tf.zeros([2, 3]))

model(tf.zeros([2, 3]))
"""


def test_a_failing_script_shows_its_own_lines_and_graphc_folded(run, tmp_path):
    done = run(FAILING)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip("^ ~")]
    file = tmp_path / "train.py"
    assert lines[:5] == [
        "Traceback (most recent call last):",
        f'  File "{file}", line 7, in <module>',
        "    model(tf.zeros([2, 3]))",
        f'  File "{file}", line 5, in model',
        "    return tf.matmul(x, tf.zeros([2, 3]))",
    ]
    assert "frames inside graphc" in lines[5]
    assert lines[6] == "graphc.errors.ShapeError: matmul 'matmul': inner dimensions differ"
    assert lines[-1] == "  hint: b fits transposed: tf.matmul(a, b, transpose_b=True)"
    assert "builder.py" not in done.stderr


def test_frames_between_are_folded_and_the_scripts_own_are_not(run):
    done = run(
        """
        import contextlib
        import tensorflow as tf

        @contextlib.contextmanager
        def mine():
            with tf.variable_scope("s", reuse=True):
                yield tf.get_variable("absent", [2])

        with mine():
            pass
        """
    )
    files = [line.split('"')[1] for line in done.stderr.splitlines() if line[:7] == "  File "]
    assert [Path(file).name for file in files] == ["train.py", "contextlib.py", "train.py"]


def test_a_failing_thread_shows_the_scripts_lines_and_graphc_folded(run):
    done = run("""
        import threading
        import tensorflow as tf
        def work():
            with tf.Session() as sess:
                sess.run("nothing:0")
        thread = threading.Thread(target=work, name="worker")
        thread.start()
        thread.join()
        print("goes on")
    """)
    assert (done.returncode, done.stdout) == (0, "goes on\n")
    assert done.stderr.startswith("Exception in thread worker:\nTraceback (most recent call last):")
    assert "in work\n" in done.stderr
    assert "frames inside graphc" in done.stderr
    assert "session.py" not in done.stderr


@pytest.mark.parametrize(
    ("options", "env"), [(("--full-traceback",), {}), ((), {"GRAPHC_FULL_TRACEBACK": "1"})]
)
def test_all_frames_are_shown_on_request(run, options, env):
    done = run(FAILING, options=options, env=env)
    assert "builder.py" in done.stderr
    assert "running.py" not in done.stderr


def test_causes_are_folded_too(run):
    done = run(
        """
        import tensorflow as tf
        try:
            tf.matmul(tf.zeros([2, 3]), tf.zeros([2, 3]))
        except ValueError as error:
            raise RuntimeError("no model") from error
        """
    )
    assert done.stderr.count("inside graphc") == 1
    assert done.stderr.endswith("RuntimeError: no model\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("from tensorflow.contrib import tpu", "tf.contrib.tpu is part of TF1 but not provided"),
        ("import tensorflow.keras.models as K", "tf.keras.models is part of TF1 but not provided"),
        (
            "from tensorflow.examples.tutorials.mnist import input_data",
            "not provided by graphc yet (datasets and input pipelines)",
        ),
        (
            "from tensorflow.nn import quantized_conv2d",
            "tf.nn.quantized_conv2d is part of TF1 but not provided",
        ),
        ("import tensorflow.nn.relu", "No module named 'tensorflow.nn.relu'"),
        ("from tensorflow import no_such_thing", "there is no tf.no_such_thing"),
    ],
)
def test_an_import_of_what_is_absent_says_why_at_its_line(run, line, said):
    done = run(f"import os\n{line}\n")
    assert done.returncode == 1
    assert 'train.py", line 2, in <module>' in done.stderr
    assert said in done.stderr
    assert "ImportError: " in done.stderr or "ModuleNotFoundError: " in done.stderr


def test_absent_modules_can_be_tried_as_scripts_do(run):
    done = run(
        """
        try:
            from tensorflow.contrib import tpu
        except ImportError:
            tpu = None
        print(tpu)
        """
    )
    assert done.stdout == "None\n", done.stderr


def test_a_python_2_script_is_told_by_its_line(run):
    done = run("import tensorflow as tf\nprint tf.__version__\n")
    assert done.returncode == 1
    assert done.stderr.startswith('  File "')
    assert done.stderr.endswith("hint: line 2 is Python 2; convert the script to Python 3\n")


def test_device_sends_sessions_there(run):
    source = "import tensorflow as tf\nprint(tf.Session().device)\n"
    done = run(source, options=("--device", "reference"))
    assert done.stdout == "/reference:0\n", done.stderr


def test_an_unknown_device_and_a_missing_script_are_refused(run):
    done = run("", options=("--device", "/tpu:9"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("graphc: there is no device '/tpu:9'; devices: ")
    assert main(["run", "no_such_script.py"]) == 2


def test_a_module_runs_by_name(run, tmp_path):
    (tmp_path / "part.py").write_text(
        "import sys, tensorflow as tf; print(__name__, sys.argv[1:], tf.VERSION)"
    )
    done = run("", "a", options=("-m",), name="part")
    assert done.stdout == "__main__ ['a'] 1.15.0\n", done.stderr
