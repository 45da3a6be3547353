"""graphc: a dataflow-graph compiler.  ``import graphc as tf`` gives the TF1 API.

Names are forwarded to :mod:`frontends.tf` on first use (PEP 562): the package's look upward.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'graphc' has no attribute {name!r}")
    value = getattr(import_module("frontends.tf"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(dir(import_module("frontends.tf"))))
