"""What to say of a name that is not provided: whether TF1 had it, or what is near."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("tf1_names.txt")


@lru_cache(maxsize=1)
def tf1_names() -> frozenset[str]:
    """Dotted names of TF1's API (``nn.conv2d``).  The file has a line per module: ``module:
    names``."""
    found: set[str] = set()
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        module, _, names = line.partition(":")
        prefix = f"{module}." if module else ""
        found.update(f"{prefix}{name}" for name in names.split())
        if module:
            parts = module.split(".")
            found.update(".".join(parts[: k + 1]) for k in range(len(parts)))
    return frozenset(found)


def missing(module: str, name: str, provided: Iterable[str]) -> AttributeError:
    """The error for ``tf.<module>.<name>``."""
    if name.startswith("__"):
        return AttributeError(name)
    from difflib import get_close_matches

    full = f"{module}.{name}" if module else name
    near = get_close_matches(name, list(provided), 3)
    prefix = f"tf.{module}." if module else "tf."
    hint = f"; near: {', '.join(prefix + n for n in near)}" if near else ""
    if full in tf1_names():
        return AttributeError(f"tf.{full} is part of TF1 but not provided by graphc{hint}")
    return AttributeError(f"there is no tf.{full}{hint}")
