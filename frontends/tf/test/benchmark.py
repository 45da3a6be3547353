"""``tf.test.Benchmark``: classes that time operations."""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any


class Benchmark:
    """Methods called ``benchmark...`` time something and report it."""

    def run_op_benchmark(
        self, sess: Any, op_or_tensor: Any, feed_dict: dict | None = None, burn_iters: int = 2,
        min_iters: int = 10, store_trace: bool = False, store_memory_usage: bool = False,
        name: str | None = None, extras: dict | None = None, mbs: float = 0,
    ) -> dict[str, Any]:  # fmt: skip
        """Run it ``min_iters`` times after ``burn_iters``; report the median."""
        for _ in range(burn_iters):
            sess.run(op_or_tensor, feed_dict)
        times = []
        for _ in range(max(1, min_iters)):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict)
            times.append(time.perf_counter() - start)
        wall = statistics.median(times)
        found: dict[str, Any] = {
            "iters": len(times), "wall_time": wall, "name": name or type(self).__name__,
            "extras": {"wall_time_mean": statistics.fmean(times), "wall_time_min": min(times),
                       "wall_time_max": max(times), **(extras or {})},
            "throughput": mbs / wall if mbs else None,
        }  # fmt: skip
        self.report_benchmark(**found)
        return found

    def report_benchmark(
        self, iters: int | None = None, cpu_time: float | None = None,
        wall_time: float | None = None, throughput: float | None = None,
        extras: dict | None = None, name: str | None = None, metrics: Any = None,
    ) -> None:  # fmt: skip
        """Write a line with what is known."""
        known = {"iters": iters, "cpu_time": cpu_time, "wall_time": wall_time,
                 "throughput": throughput, **(extras or {})}  # fmt: skip
        said = ", ".join(f"{key}: {value}" for key, value in known.items() if value is not None)
        sys.stdout.write(f"{name or type(self).__name__}: {said}\n")

    def evaluate(self, tensors: Any) -> Any:
        """The values in the default session."""
        from runtime.session import get_default_session

        session = get_default_session()
        if session is None:
            raise ValueError("evaluate needs a default session: `with tf.Session():`")
        return session.run(tensors)
