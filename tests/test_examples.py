"""The examples run as a person would run them, and print the numbers they promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def printed(name: str, folder: Path) -> list[float]:
    """The last number of each line that ``examples/name`` prints, run in ``folder``."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / name)],
        cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = (re.findall(r"\d+\.\d+", line) for line in done.stdout.splitlines())
    return [float(numbers[-1]) for numbers in found if numbers]


@pytest.mark.slow
def test_the_digits_are_recognised(tmp_path: Path) -> None:
    *_, accuracy = printed("digits_mlp.py", tmp_path)
    assert accuracy >= 97.0


@pytest.mark.slow
def test_the_autoencoder_keeps_more_than_linear_components(tmp_path: Path) -> None:
    *_, linear, kept = printed("autoencoder.py", tmp_path)
    assert kept >= 80.0
    assert linear < 70.0


@pytest.mark.slow
def test_word_vectors_tell_more_of_neighbours_than_frequencies(tmp_path: Path) -> None:
    *_, alone, told = printed("word2vec.py", tmp_path)
    assert told <= alone - 0.3
