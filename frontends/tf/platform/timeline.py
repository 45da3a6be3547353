"""``tf.python.client.timeline``: a traced run as Chrome's tracing view (chrome://tracing)."""

from __future__ import annotations

import json
from typing import Any

from graphc.errors import FailedPreconditionError
from graphc.ir.source import here


class Timeline:
    """What the launches of a run took.

    >>> stats = run_metadata.step_stats
    >>> open("timeline.json", "w").write(Timeline(stats).generate_chrome_trace_format())
    """

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        if not any(device.node_stats for device in step_stats.dev_stats):
            raise FailedPreconditionError(
                "no times were recorded",
                hint="run with options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), "
                "run_metadata=...; runs that call Python functions are not timed",
                site=here(),
            )
        self._step_stats = step_stats

    def generate_chrome_trace_format(
        self, show_dataflow: bool = True, show_memory: bool = False
    ) -> str:
        """JSON that Chrome's tracing view opens."""
        events: list[dict[str, Any]] = []
        for process, device in enumerate(self._step_stats.dev_stats):
            events.append(
                {"ph": "M", "name": "process_name", "pid": process, "args": {"name": device.device}}
            )
            for row in device.node_stats:
                what, _, nodes = row.timeline_label.partition(": ")
                events.append({
                    "ph": "X", "cat": "Op", "name": what, "pid": process, "tid": 0,
                    "ts": row.all_start_micros, "dur": row.all_end_rel_micros,
                    "args": {"name": row.node_name, "nodes": nodes},
                })  # fmt: skip
        return json.dumps({"traceEvents": events}, indent=1)
