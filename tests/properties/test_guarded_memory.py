"""Kernels stay inside their operands: no vector is read or written beyond the end of one."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are closed as Linux does")


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_random_contractions_touch_their_operands_alone() -> None:
    done = run("tests.properties.guarded_memory", "0", "12")
    assert done.returncode == 0, done.stderr[-2000:] or f"signal {-done.returncode}"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(12, 1212, 60))
def test_many_random_contractions_touch_their_operands_alone(first: int) -> None:
    done = run("tests.properties.guarded_memory", str(first), str(first + 60))
    assert done.returncode == 0, done.stderr[-2000:] or f"signal {-done.returncode}"


def test_the_guard_ends_a_process_that_reads_on() -> None:
    source = (
        "from tests.properties.guarded_memory import guarded;"
        "import ctypes; a = guarded((3,), 'float32'); ctypes.string_at(a.ctypes.data, 13)"
    )
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=False)
    assert done.returncode < 0
