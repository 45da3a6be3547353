"""Programs of the kinds tutorials and papers' code are written in run unmodified under ``graphc
run`` and print what TensorFlow printed for them (``record.py``).

The lines must be equal but for their decimal numbers, and those as near as :mod:`listing` says.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs.listing import EXACT_MATHS, PROGRAMS, Close, Program

ROOT = Path(__file__).parent.parent.parent
FAILING = "fails_in_a_layer"
DECIMAL = re.compile(r"[-+]?(?:\d+\.\d*(?:e[-+]?\d+)?|\bnan\b|\binf\b)")


def run(script: Path, arguments: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess:
    """``graphc run`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "frontends.cli", "run", str(script), *arguments], cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def numbers(line: str) -> list[float]:
    return [float(found) for found in DECIMAL.findall(line)]


def words(line: str) -> list[str]:
    return DECIMAL.sub("#", line).split()


def closeness(program: Program, line: str) -> Close:
    found = (close for pattern, close in program.looser.items() if re.search(pattern, line))
    return next(found, EXACT_MATHS)


def compare(program: Program, printed: list[str], recorded: list[str]) -> None:
    assert [words(line) for line in printed] == [words(line) for line in recorded]
    for line, expected in zip(printed, recorded, strict=True):
        close = closeness(program, expected)
        assert numbers(line) == [
            pytest.approx(number, rel=close.rtol, abs=close.atol, nan_ok=True)
            for number in numbers(expected)
        ], f"printed {line!r}, recorded {expected!r}"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(program, id=program.name, marks=() if program.quick else pytest.mark.slow)
        for program in PROGRAMS
    ],
)
def test_a_program_prints_what_tensorflow_printed(program: Program, tmp_path: Path) -> None:
    for arguments, recorded in zip(
        program.runs, json.loads(program.figures.read_text(encoding="utf-8")), strict=True
    ):
        done = run(program.script, arguments, tmp_path)
        assert done.returncode == 0, done.stderr
        compare(program, done.stdout.splitlines(), recorded)


def test_a_script_that_fails_shows_its_own_lines_first(tmp_path: Path) -> None:
    script = Path(__file__).parent / "scripts" / f"{FAILING}.py"
    done = run(script, (), tmp_path)
    assert (done.returncode, done.stdout) == (1, "building\n")
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{script}", line 24, in <module>'
    files = {line.split('"')[1] for line in lines if line.startswith("  File ")}
    assert files == {str(script)}
    assert "    return tf.nn.relu(tf.matmul(x, w, transpose_a=True))" in lines
    failure = lines.index("graphc.errors.ShapeError: matmul 'matmul': inner dimensions differ")
    assert lines[failure + 1 : failure + 3] == [
        "    a: float32[2, 4]   from x   (placeholder, fails_in_a_layer.py:18)",
        "    b: float32[4, 5]   from hidden/w   (variable, fails_in_a_layer.py:8)",
    ]
    assert lines[-1] == "  hint: a fits as it is: tf.matmul(a, b)"


def test_every_script_is_listed_and_recorded() -> None:
    names = {program.name for program in PROGRAMS}
    folder = Path(__file__).parent
    assert {path.stem for path in (folder / "scripts").glob("*.py")} == names | {FAILING}
    assert {path.stem for path in (folder / "recorded").glob("*.json")} == names
    assert {path.stem for path in (folder / "twins").glob("*.py")} <= names


def test_a_number_that_is_off_fails() -> None:
    program = PROGRAMS[0]
    compare(program, ["step 1 loss 1.00000"], ["step 1 loss 1.00005"])
    with pytest.raises(AssertionError, match=r"printed 'step 1 loss 1\.001'"):
        compare(program, ["step 1 loss 1.001"], ["step 1 loss 1.000"])
    with pytest.raises(AssertionError):
        compare(program, ["step 2 loss 1.0"], ["step 1 loss 1.0"])
