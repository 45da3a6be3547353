"""``tf.contrib``: the parts that are provided have a file here; the others are aliases."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["framework", "image", "layers", "legacy_seq2seq", "opt", "rnn", "seq2seq"]  # the files


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"frontends.tf.contrib.{name}")
    from frontends.tf.names.missing import elsewhere

    value = globals()[name] = elsewhere("contrib", name, __dir__)
    return value


def __dir__() -> list[str]:
    from frontends.tf.names.missing import namespace

    return sorted({*__all__, *namespace("contrib").__dir__()})
