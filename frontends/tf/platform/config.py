"""``ConfigProto`` and its parts: the fields that mean something here; any other is refused by
name."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from runtime.session import SessionOptions


class Message:
    """A record with known fields, set by keyword or attribute; ``ignored`` ones are taken and do
    nothing."""

    fields: ClassVar[dict[str, Any]] = {}
    ignored: ClassVar[dict[str, Any]] = {}

    def __init__(self, **given: Any) -> None:
        for name, default in {**self.fields, **self.ignored}.items():
            self.__dict__[name] = default() if isinstance(default, type) else default
        for name, value in given.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.fields and name not in self.ignored:
            raise _refusal(self, name)
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _refusal(self, name)

    def __repr__(self) -> str:
        said = ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items() if v)
        return f"tf.{type(self).__name__}({said})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def CopyFrom(self, other: Message) -> None:
        """Take all values of another."""
        self.__dict__.update(copy.deepcopy(other.__dict__))

    def MergeFrom(self, other: Message) -> None:
        """Take the values of another that it was given."""
        plain = type(other)()
        for name, value in other.__dict__.items():
            if isinstance(value, Message):
                self.__dict__[name].MergeFrom(value)
            elif value != plain.__dict__[name]:
                self.__dict__[name] = copy.deepcopy(value)

    def Clear(self) -> None:
        """Forget all values."""
        self.__dict__.update(type(self)().__dict__)

    def HasField(self, name: str) -> bool:
        """Whether a field has another value than it starts with."""
        return getattr(self, name) != getattr(type(self)(), name)


def _refusal(message: Message, name: str) -> AttributeError:
    known = sorted({**message.fields, **message.ignored})
    title = type(message).__name__
    return AttributeError(
        f"tf.{title} has no field {name!r} here; it has: {', '.join(known) or 'none'}"
    )


class GPUOptions(Message):
    """How memory of a GPU is taken; nothing to say for the CPU."""

    ignored: ClassVar[dict[str, Any]] = {
        "allow_growth": False, "per_process_gpu_memory_fraction": 0.0, "visible_device_list": "",
        "allocator_type": "", "deferred_deletion_bytes": 0, "polling_active_delay_usecs": 0,
        "polling_inactive_delay_msecs": 0, "force_gpu_compatible": False,
    }  # fmt: skip


class OptimizerOptions(Message):
    """``opt_level`` L0 runs the graph as written; anything else optimises it."""

    L1, L0 = 0, -1
    DEFAULT, OFF, ON_1, ON_2 = 0, -1, 1, 2
    fields: ClassVar[dict[str, Any]] = {"opt_level": 0}
    ignored: ClassVar[dict[str, Any]] = {
        "do_common_subexpression_elimination": False, "do_constant_folding": False,
        "do_function_inlining": False, "global_jit_level": 0, "max_folded_constant_in_bytes": 0,
        "cpu_global_jit": False,
    }  # fmt: skip


_REWRITES = (
    "layout_optimizer", "constant_folding", "shape_optimization", "remapping",
    "common_subgraph_elimination", "arithmetic_optimization", "dependency_optimization",
    "loop_optimization", "function_optimization", "debug_stripper",
    "disable_model_pruning", "scoped_allocator_optimization", "pin_to_host_optimization",
    "implementation_selector", "auto_mixed_precision", "disable_meta_optimizer",
    "meta_optimizer_iterations", "min_graph_nodes", "memory_optimization",
    "memory_optimizer_target_node_name_scope", "meta_optimizer_timeout_ms",
    "fail_on_optimizer_errors",
)  # fmt: skip


class RewriterConfig(Message):
    """TensorFlow's own rewrites; ours are chosen by ``OptimizerOptions.opt_level``."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    DEFAULT_MEM_OPT, NO_MEM_OPT, MANUAL = 0, 1, 2
    SWAPPING_HEURISTICS, RECOMPUTATION_HEURISTICS, SCHEDULING_HEURISTICS, HEURISTICS = 4, 5, 6, 3
    DEFAULT_NUM_ITERS, ONE, TWO = 0, 1, 2
    ignored: ClassVar[dict[str, Any]] = {**dict.fromkeys(_REWRITES, 0), "optimizers": list}


class GraphOptions(Message):
    """Options about rewriting the graph."""

    fields: ClassVar[dict[str, Any]] = {"optimizer_options": OptimizerOptions}
    ignored: ClassVar[dict[str, Any]] = {
        "infer_shapes": True, "place_pruned_graph": False, "rewrite_options": RewriterConfig,
        "enable_recv_scheduling": False, "build_cost_model": 0, "build_cost_model_after": 0,
        "enable_bfloat16_sendrecv": False, "timeline_step": 0,
    }  # fmt: skip


class ConfigProto(Message):
    """Options of a session.

    >>> tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2))

    ``intra_op_parallelism_threads`` is the number of threads (0: one per core); ``graph_options``
    can turn the optimiser off; ``log_device_placement`` prints where runs go.
    """

    fields: ClassVar[dict[str, Any]] = {
        "intra_op_parallelism_threads": 0, "graph_options": GraphOptions, "log_device_placement":
        False,
    }  # fmt: skip
    ignored: ClassVar[dict[str, Any]] = {
        "inter_op_parallelism_threads": 0, "use_per_session_threads": False, "device_count": dict,
        "allow_soft_placement": False, "gpu_options": GPUOptions, "device_filters": list,
        "placement_period": 0, "operation_timeout_in_ms": 0, "isolate_session_state": False,
        "session_inter_op_thread_pool": list, "share_cluster_devices_in_session": False,
    }  # fmt: skip

    def session_options(self) -> SessionOptions:
        """What the session does about it."""
        level = self.graph_options.optimizer_options.opt_level
        return SessionOptions(
            threads=int(self.intra_op_parallelism_threads),
            optimize=level >= 0,
            log_device_placement=bool(self.log_device_placement),
        )


class RunOptions(Message):
    """Options of one run; only the trace level is known."""

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = 0, 1, 2, 3
    fields: ClassVar[dict[str, Any]] = {"trace_level": 0}
    ignored: ClassVar[dict[str, Any]] = {
        "timeout_in_ms": 0, "output_partition_graphs": False, "inter_op_thread_pool": 0,
        "report_tensor_allocations_upon_oom": False, "debug_options": None,
    }  # fmt: skip


class RunMetadata(Message):
    """What a run leaves behind: after a run with ``trace_level`` set, ``step_stats`` says what
    each launch took, and ``report`` is the session's report of such a run.

    >>> metadata = tf.RunMetadata()
    >>> sess.run(train, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE),
    ...          run_metadata=metadata)
    >>> print(metadata.report)
    """

    fields: ClassVar[dict[str, Any]] = {"report": None}
    ignored: ClassVar[dict[str, Any]] = {"partition_graphs": list, "cost_graph": None}

    def record(self, report: Any) -> None:
        """Keep the report of a run."""
        self.report = report

    @property
    def step_stats(self) -> Any:
        """A ``StepStats`` message: one device, one row per launch, one after the other."""
        from graphc.protocol import message

        made = message("step_stats", "StepStats")()
        if self.report is None:
            return made
        device = made.dev_stats.add(device=f"/job:localhost/replica:0/task:0{self.report.device}")
        start = 0.0
        for launch in self.report.launches:
            took = launch.microseconds or 0.0
            device.node_stats.add(
                node_name=launch.nodes[-1] if launch.nodes else launch.what,
                timeline_label=f"{launch.what}: {', '.join(launch.nodes)}",
                all_start_micros=round(start), op_start_rel_micros=0,
                op_end_rel_micros=max(1, round(took)), all_end_rel_micros=max(1, round(took)),
            )  # fmt: skip
            start += max(1.0, took)
        return made

    def SerializeToString(self) -> bytes:
        """As TensorFlow's ``RunMetadata`` message."""
        from graphc.protocol import message

        return message("config", "RunMetadata")(step_stats=self.step_stats).SerializeToString()
