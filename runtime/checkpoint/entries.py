"""What a checkpoint holds under a name, and what every kind of checkpoint answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np

from graphc.errors import DataLossError
from graphc.ir.dtype import DType


class Entry(NamedTuple):
    """An array's element type and shape."""

    dtype: DType
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


class Checkpoint(Protocol):
    """Arrays by name, read when asked for."""

    path: str  # what to call it
    metadata: Mapping[str, str]

    @property
    def entries(self) -> Mapping[str, Entry]: ...

    def array(self, name: str) -> np.ndarray:
        """A writable array that is the caller's own; writing it does not reach the file."""
        ...


def damaged(path: str, fact: str) -> DataLossError:
    """The error for a file that is not what it should be."""
    return DataLossError(fact, subject=f"checkpoint {path!r}")
