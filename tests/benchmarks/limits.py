"""What the machine itself can do: copy bandwidth and multiply-add rate.

Run as a process of its own for each thread count (``python -m tests.benchmarks.limits THREADS``),
because a BLAS reads its thread count once. NumPy's copy and NumPy's BLAS stand for the machine.
"""

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np

from tests.benchmarks import subjects
from tests.benchmarks.channel import ROOT

REPEATS = 200
SGEMM = 1024


def _best_seconds(call) -> float:
    taken = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def copy_bytes_per_second(threads: int, size: tuple[int, int]) -> float:
    """Bytes read plus bytes written; each thread copies its own band of rows over and over."""
    source, target = np.ones(size, np.float32), np.zeros(size, np.float32)
    bands = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    start = threading.Barrier(threads + 1)
    done = threading.Barrier(threads + 1)

    def run(band: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(REPEATS):
            start.wait()
            np.copyto(band[1], band[0])
            done.wait()

    for band in bands:
        threading.Thread(target=run, args=(band,), daemon=True).start()

    def once() -> None:
        start.wait()
        done.wait()

    return 2 * source.nbytes / _best_seconds(once)


def multiply_add_flops() -> float:
    """float32 flops a second in a square matmul, with as many threads as the BLAS was given."""
    a = np.ones((SGEMM, SGEMM), np.float32)
    out = np.empty_like(a)
    return 2 * SGEMM**3 / _best_seconds(lambda: np.matmul(a, a, out=out))


def measure(threads: int) -> dict[str, float]:
    """Both limits with that many threads, measured in a fresh process."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.limits", str(threads)],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(names, str(threads)),
        check=True,
        capture_output=True,
    )
    return json.loads(answer.stdout)


if __name__ == "__main__":
    threads = int(sys.argv[1])
    size = (subjects.ROWS, subjects.COLUMNS)
    print(
        json.dumps(
            {
                "flops": multiply_add_flops(),
                "copy": copy_bytes_per_second(threads, size),
            }
        )
    )
