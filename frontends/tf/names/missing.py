"""Which name of TF1 is what: looked up under the name that owns it, or refused with what is near.

``tf1_names.txt`` lists TF1's names, :mod:`frontends.tf.names.aliases` the ones that stand for
others.  A module of :mod:`frontends.tf` that has no such name of its own asks :func:`elsewhere`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from frontends.tf.names.aliases import PLACES, aliases, modules

_ABSENT = object()
_FILE = Path(__file__).with_name("tf1_names.txt")


@cache
def tf1_names() -> frozenset[str]:
    """Dotted names of TF1's API (``nn.conv2d``).  A line of the file is ``module:
    names``; the top level's module is empty."""
    found: set[str] = set()
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        module, _, names = line.partition(":")
        prefix = f"{module}." if module else ""
        found.update(f"{prefix}{name}" for name in names.split())
        if module:
            parts = module.split(".")
            found.update(".".join(parts[: k + 1]) for k in range(len(parts)))
    return frozenset(found)


class Namespace(ModuleType):
    """A module of TF1 whose names all live elsewhere: ``tf.manip``, ``tf.python.ops.math_ops``."""

    def __init__(self, path: str) -> None:
        super().__init__(f"tf.{path}")
        self._path = path

    def __getattr__(self, name: str) -> Any:
        value = elsewhere(self._path, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        inner = f"{self._path}."
        listed = (*aliases(), *modules(), *_forwards())
        own = {row.removeprefix(inner).partition(".")[0] for row in listed if row.startswith(inner)}
        for place in _places(self._path):
            own.update(dir(place))
        return sorted(own)


def resolve(path: str) -> Any:
    """What ``tf.<path>`` is; ``""`` is ``tf`` itself."""
    value: Any = import_module("frontends.tf")
    for name in path.split(".") if path else ():
        value = getattr(value, name)
    return value


def elsewhere(
    module: str, name: str, own: Callable[[], Iterable[str]] | Iterable[str] | None = None
) -> Any:
    """``tf.<module>.<name>``, which the module itself does not have: the plain forward, the alias
    or the module of that name.  ``own`` are the module's names or gives them, for the error."""
    found = _found(module, name)
    if found is _ABSENT:
        provided = own or namespace(module).__dir__
        raise missing(module, name, provided() if callable(provided) else provided)
    return found


@cache
def _found(module: str, name: str) -> Any:
    full = f"{module}.{name}" if module else name
    if name.startswith("_") and full not in aliases():
        return _ABSENT
    if full in _forwards():
        return import_module("frontends.tf.names.forwards").forward(full)
    if full in aliases():
        return _placed(aliases()[full])
    if full in modules():
        return namespace(full)
    found = (getattr(place, name, _ABSENT) for place in _places(module))
    return next((v for v in found if v is not _ABSENT and not isinstance(v, Namespace)), _ABSENT)


def _places(module: str) -> Iterator[Any]:
    """The modules that provide the names of one at another address."""
    for place in PLACES.get(module, ()):
        try:
            yield resolve(place)
        except AttributeError:
            continue


@cache
def namespace(path: str) -> Namespace:
    """The one object for a module that has no file of its own."""
    return Namespace(path)


def _placed(place: str) -> Any:
    module, colon, name = place.partition(":")
    if not colon:
        return resolve(place)
    found = import_module(module, "frontends.tf")
    return getattr(found, name) if name else found


def _forwards() -> dict:
    return import_module("frontends.tf.names.forwards").FORWARDS


def missing(module: str, name: str, provided: Iterable[str]) -> AttributeError:
    """The error for ``tf.<module>.<name>``."""
    if name.startswith("__"):
        return AttributeError(name)
    full = f"{module}.{name}" if module else name
    for place in PLACES.get(module, ()):
        if (f"{place}.{name}" if place else name) in tf1_names():
            return missing(place, name, provided)
    if full.startswith(("python.", "core.")) and module not in PLACES:
        return AttributeError(
            f"tf.{full} is not provided by graphc: it is of TensorFlow's inside"
            f"{_hint(module, name, provided, 0.8)}"
        )
    if full not in tf1_names():
        return AttributeError(f"there is no tf.{full}{_hint(module, name, provided, 0.6)}")
    from frontends.tf.names.families import family_of

    family = family_of(full)
    hint = _hint(module, name, provided, 0.8)
    if family is None:
        return AttributeError(f"tf.{full} is part of TF1 but not provided by graphc{hint}")
    return AttributeError(
        f"tf.{full} is part of TF1 but not provided by graphc yet ({family.title}){hint}"
    )


def _hint(module: str, name: str, provided: Iterable[str], likeness: float) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(provided), 3, likeness)
    prefix = f"tf.{module}." if module else "tf."
    return f"; near: {', '.join(prefix + n for n in near)}" if near else ""
