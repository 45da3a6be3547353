"""``slim.summaries``: summaries named after what they show, or printed beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from frontends.tf.functions.host import Print
from frontends.tf.networks.nn import zero_fraction
from frontends.tf.summary import operations
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Tensor


def _title(tensor: Any, name: str | None, prefix: str | None) -> str:
    found = as_tensor(tensor)
    title = name or (tensor.op.name if found is not None else "summary")
    return f"{prefix}/{title}" if prefix else title


def add_scalar_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary of a number; ``print_summary`` prints it too."""
    title = _title(tensor, name, prefix)
    made = operations.scalar(title, tensor)
    return Print(made, [tensor], title) if print_summary else made


def add_histogram_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None
) -> Tensor:
    """A summary of how numbers are spread."""
    return operations.histogram(_title(tensor, name, prefix), tensor)


def add_image_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary of pictures [batch, rows, columns, 1, 3 or 4]."""
    title = _title(tensor, name, prefix)
    made = operations.image(title, tensor)
    return Print(made, [tensor], title) if print_summary else made


def add_zero_fraction_summary(
    tensor: Any, name: str | None = None, prefix: str | None = None, print_summary: bool = False
) -> Tensor:
    """A summary of the share of zeros."""
    title = _title(tensor, name, prefix)
    return add_scalar_summary(zero_fraction(tensor), title, None, print_summary)


def add_scalar_summaries(values_to_names: Mapping[Any, str], **how: Any) -> list[Tensor]:
    """A summary of each tensor under its name: ``{tensor: name}``."""
    return [add_scalar_summary(tensor, name, **how) for tensor, name in values_to_names.items()]


def add_histogram_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """A histogram of each tensor."""
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


def add_image_summaries(tensors: Iterable[Any], prefix: str | None = None) -> list[Tensor]:
    """The pictures of each tensor."""
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]
