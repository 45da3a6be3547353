"""Descriptions: of a device, and of a tensor that is yet to be."""

from __future__ import annotations

from typing import Any

from frontends.tf.graph.shapes import TensorShape
from graphc.ir.dtype import as_dtype, float32

_PARTS = ("job", "replica", "task", "device_type", "device_index")


class DeviceSpec:
    """The parts of a device's name, any of them unknown.

    >>> tf.DeviceSpec(job="worker", device_type="GPU", device_index=0).to_string()
    '/job:worker/device:GPU:0'
    """

    def __init__(
        self, job: str | None = None, replica: int | None = None, task: int | None = None,
        device_type: str | None = None, device_index: int | None = None,
    ) -> None:  # fmt: skip
        self.job, self.replica, self.task = job or None, replica, task
        self.device_type = device_type.upper() if device_type else None
        self.device_index = device_index

    @staticmethod
    def from_string(spec: str) -> DeviceSpec:
        """The parts of a name such as ``/job:ps/task:1/cpu:0``."""
        return DeviceSpec().parse_from_string(spec)

    def parse_from_string(self, spec: str) -> DeviceSpec:
        """Take the parts from a name; those it does not say are unknown."""
        found: dict[str, Any] = dict.fromkeys(_PARTS)
        for word in filter(None, (spec or "").split("/")):
            kind, *rest = word.split(":")
            if kind in ("replica", "task") and len(rest) == 1:
                found[kind] = int(rest[0])
            elif kind == "job" and len(rest) == 1:
                found["job"] = rest[0]
            elif (kind == "device" and len(rest) == 2) or kind in ("cpu", "gpu", "CPU", "GPU"):
                name, index = (rest if kind == "device" else (kind, *rest, "*"))[:2]
                found["device_type"] = name.upper() if name != "*" else None
                found["device_index"] = None if index == "*" else int(index)
            else:
                raise ValueError(f"{word!r} is no part of a device's name, in {spec!r}")
        self.__init__(**found)  # type: ignore[misc]
        return self

    def merge_from(self, dev: DeviceSpec) -> None:
        """Take over the parts that ``dev`` knows."""
        for part in _PARTS:
            value = getattr(dev, part)
            if value is not None:
                setattr(self, part, value)

    def to_string(self) -> str:
        """The name; parts that are unknown are left out."""
        text = "".join(
            f"/{part}:{getattr(self, part)}"
            for part in ("job", "replica", "task")
            if getattr(self, part) is not None
        )
        if self.device_type is None:
            return text
        index = "*" if self.device_index is None else self.device_index
        return f"{text}/device:{self.device_type}:{index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DeviceSpec) and self.to_string() == other.to_string()

    def __hash__(self) -> int:
        return hash(self.to_string())

    def __repr__(self) -> str:
        return f"tf.DeviceSpec({self.to_string()!r})"


class TensorSpec:
    """The shape and dtype of a tensor, and its name if it has one."""

    def __init__(self, shape: Any, dtype: Any = float32, name: str | None = None) -> None:
        self.shape, self.dtype, self.name = TensorShape(shape), as_dtype(dtype), name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        return cls(tensor.shape, tensor.dtype, name or tensor.op.name)

    @classmethod
    def from_spec(cls, spec: Any, name: str | None = None) -> TensorSpec:
        return cls(spec.shape, spec.dtype, name or spec.name)

    def is_compatible_with(self, spec_or_tensor: Any) -> bool:
        """Whether a tensor can be one of these."""
        return self.dtype is as_dtype(spec_or_tensor.dtype) and self.shape.is_compatible_with(
            spec_or_tensor.shape
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"
