"""A gigabyte of variables saved and restored, beside a copy of the same file.

``python -m tests.benchmarks.checkpoints [FOLDER] [ROUNDS]``: everything takes turns in each round,
and ends when the disk has it.  The folder must have room for three gigabytes.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import graphc as tf

SHAPE, COUNT = (4096, 4096), 16
BYTES = 4 * COUNT * SHAPE[0] * SHAPE[1]


def seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def measured(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of each subject, a number per round."""
    names = [f"w{k}" for k in range(COUNT)]
    made = [tf.get_variable(n, SHAPE, initializer=tf.zeros_initializer()) for n in names]
    sess, saver = tf.Session(), tf.train.Saver(max_to_keep=None)
    random = np.random.default_rng(0)
    for variable in made:
        variable.load(random.random(SHAPE, dtype=np.float32), sess)
    prefix = saver.save(sess, str(folder / "source"))
    source, copied = f"{prefix}.safetensors", folder / "copy"

    def copy() -> None:
        subprocess.run(["cp", source, copied], check=True)
        with copied.open("rb") as file:
            os.fsync(file.fileno())

    def save() -> None:
        saver.save(sess, str(folder / "saved"))

    def restore() -> None:
        saver.restore(tf.Session(), prefix)

    def restore_and_read() -> None:
        other = tf.Session()
        saver.restore(other, prefix)
        for name in names:
            other.variables.array(name).sum()

    subjects = {"cp": copy, "save": save, "restore": restore, "and read": restore_and_read}
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        os.sync()
        for name, act in subjects.items():
            taken[name].append(seconds(act))
        copied.unlink()
        (folder / "saved.safetensors").unlink()
    return taken


def main() -> None:
    where = sys.argv[1] if len(sys.argv) > 1 else None
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory(dir=where) as folder:
        taken = measured(Path(folder), rounds)
    for name, times in taken.items():
        middle = statistics.median(times)
        print(
            f"{name:9} {middle:8.4f} s (from {min(times):.4f} to {max(times):.4f})"
            f" {BYTES / middle / 1e9:9.2f} GB/s"
        )
    pairs = zip(taken["cp"], taken["save"], strict=True)
    ratio = statistics.median(taken["cp"]) / statistics.median(taken["save"])
    each = ", ".join(f"{c / s:.2f}" for c, s in pairs)
    print(f"speed of save over cp: {ratio:.2f} (by round: {each})")


if __name__ == "__main__":
    main()
