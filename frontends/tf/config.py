"""``ConfigProto`` and its parts: the fields that mean something here; any other is refused by
name."""

from __future__ import annotations

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
        self.__dict__.update(other.__dict__)


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
        "allocator_type": "",
    }  # fmt: skip


class OptimizerOptions(Message):
    """``opt_level`` L0 runs the graph as written; anything else optimises it."""

    L1, L0 = 0, -1
    DEFAULT, OFF, ON_1, ON_2 = 0, -1, 1, 2
    fields: ClassVar[dict[str, Any]] = {"opt_level": 0}
    ignored: ClassVar[dict[str, Any]] = {
        "do_common_subexpression_elimination": False, "do_constant_folding": False,
        "do_function_inlining": False, "global_jit_level": 0,
    }  # fmt: skip


class RewriterConfig(Message):
    """Which of TensorFlow's own rewrites to do: taken, and nothing here."""

    DEFAULT, ON, OFF, AGGRESSIVE = 0, 1, 2, 3
    NO_MEM_OPT, MANUAL, SWAPPING_HEURISTICS, RECOMPUTATION_HEURISTICS = 1, 2, 4, 5
    SCHEDULING_HEURISTICS, HEURISTICS, DEFAULT_MEM_OPT = 6, 3, 0
    ignored: ClassVar[dict[str, Any]] = {
        "layout_optimizer": 0, "constant_folding": 0, "shape_optimization": 0, "remapping": 0,
        "arithmetic_optimization": 0, "dependency_optimization": 0, "loop_optimization": 0,
        "function_optimization": 0, "debug_stripper": 0, "disable_model_pruning": False,
        "memory_optimization": 0, "auto_mixed_precision": 0, "disable_meta_optimizer": False,
        "pin_to_host_optimization": 0, "scoped_allocator_optimization": 0,
        "meta_optimizer_iterations": 0, "min_graph_nodes": 0, "fail_on_optimizer_errors": False,
    }  # fmt: skip


class GraphOptions(Message):
    """Options about rewriting the graph."""

    fields: ClassVar[dict[str, Any]] = {"optimizer_options": OptimizerOptions}
    ignored: ClassVar[dict[str, Any]] = {
        "infer_shapes": True, "place_pruned_graph": False, "rewrite_options": RewriterConfig,
        "enable_bfloat16_sendrecv": False, "build_cost_model": 0, "timeline_step": 0,
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
        "allow_soft_placement": False, "gpu_options": GPUOptions,
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
        "timeout_in_ms": 0, "output_partition_graphs": False,
        "report_tensor_allocations_upon_oom": False,
    }  # fmt: skip


class RunMetadata(Message):
    """What a run leaves behind; empty so far."""

    ignored: ClassVar[dict[str, Any]] = {"step_stats": None}
