"""Waits for the neighbours: figures taken beside a busy process say little about a framework.

Looked at only between rounds, when every worker sits idle, so whatever is running is not ours.
"""

import time
from pathlib import Path

SAMPLE_SECONDS = 0.2
QUIET = 0.06  # of one core

STAT = Path("/proc/stat")


def _idle_and_total() -> tuple[int, int]:
    ticks = [int(field) for field in STAT.read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def busy_cores(cores: int) -> float:
    """How many cores' worth of work the machine does now; 0 where it cannot be told."""
    if not STAT.exists():
        return 0.0
    idle, total = _idle_and_total()
    time.sleep(SAMPLE_SECONDS)
    idle_later, total_later = _idle_and_total()
    passed = max(1, total_later - total)
    return cores * (1 - (idle_later - idle) / passed)


class Gate:
    """Lets a round start when the machine is quiet, or when patience for this run is used up."""

    def __init__(self, cores: int, patience_seconds: float) -> None:
        self.cores = cores
        self.patience = patience_seconds
        self.seen: list[float] = []  # busy cores at the start of each round

    def wait(self) -> None:
        begin = time.monotonic()
        busy = busy_cores(self.cores)
        while busy > QUIET * self.cores and time.monotonic() - begin < self.patience:
            busy = busy_cores(self.cores)
        self.patience = max(0.0, self.patience - (time.monotonic() - begin))
        self.seen.append(busy)

    def summary(self) -> str:
        loud = sum(busy > QUIET * self.cores for busy in self.seen)
        return f"{loud} of {len(self.seen)} rounds started beside a busy neighbour"
