"""Record what TensorFlow prints for the programs, with an interpreter that has TensorFlow:

    python -m tests.programs.record --python PATH/TO/python [NAME ...]

A program that the ``compat.v1`` of TensorFlow 2 cannot run (0.x names, ``contrib``, Keras-made
layers) is recorded from its twin in ``twins/``, which says the same in names that it has.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.programs.listing import PROGRAMS, Program

STARTER = """
import runpy, sys
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)
sys.modules["tensorflow"] = tf
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=os.environ.get("TENSORFLOW_PYTHON"))
    parser.add_argument("names", nargs="*", help="programs; all when none is named")
    arguments = parser.parse_args()
    if not arguments.python:
        parser.error("name an interpreter that has TensorFlow: --python, or TENSORFLOW_PYTHON")
    for program in PROGRAMS:
        if not arguments.names or program.name in arguments.names:
            print(program.name, flush=True)
            text = json.dumps(recorded(program, arguments.python), indent=1)
            program.figures.write_text(text + "\n", encoding="utf-8")
    return 0


def recorded(program: Program, python: str) -> list[list[str]]:
    """The lines of each of the program's runs."""
    script = program.twin if program.twin.exists() else program.script
    with tempfile.TemporaryDirectory() as folder:
        return [lines(python, script, arguments, Path(folder)) for arguments in program.runs]


def lines(python: str, script: Path, arguments: tuple[str, ...], folder: Path) -> list[str]:
    done = subprocess.run(
        [python, "-c", STARTER, str(script), *arguments], cwd=folder, check=False, text=True,
        capture_output=True, env={**os.environ, **QUIET},
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stdout.splitlines()


QUIET = {
    "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "CUDA_VISIBLE_DEVICES": "",
    "TF_USE_LEGACY_KERAS": "1",  # where the recurrent cells are (pip install tf_keras)
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
