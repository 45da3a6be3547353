"""``import tensorflow`` as graphc, in this process and the Pythons it starts; nothing is installed.

A module ``tensorflow.x.y`` shows what ``tf.x.y`` is: the same objects, under TF1's module names.
``import tensorflow.x.y`` fails with the reason where there is no such module here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from frontends.tf.names.missing import Namespace, resolve
from graphc.errors import GraphcError

NAME = "tensorflow"
CHILDREN = str(Path(__file__).resolve().parent / "children")


class Redirected(ModuleType):
    """The module ``tensorflow.x.y``; its names are those of ``tf.x.y``."""

    def __getattr__(self, name: str) -> Any:
        target = self.__dict__["_target"]
        if name in ("__version__", "__doc__"):
            return getattr(target, name)
        if name == "__all__":  # without print: scripts that import everything mean Python's
            names = (n for n in dir(target) if n[0] != "_" and n != "print")
            return [n for n in names if _is_there(target, n)]
        value = getattr(target, name)
        if is_ours(value):
            return import_module(f"{self.__name__}.{name}")
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*dir(self.__dict__["_target"]), *super().__dir__()})


def _is_there(module: ModuleType, name: str) -> bool:
    """Whether a name can be had: some need a package that is not installed."""
    try:
        return hasattr(module, name)
    except GraphcError:
        return False


def is_ours(value: Any) -> bool:
    """Whether a value is one of the modules that make up the TF1 API."""
    return isinstance(value, Namespace) or (
        isinstance(value, ModuleType)
        and value.__name__.partition(".")[0] in ("frontends", "graphc", "runtime")
    )


class _Finder(MetaPathFinder, Loader):
    """Finds ``tensorflow`` and everything below it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NAME and not fullname.startswith(f"{NAME}."):
            return None
        return ModuleSpec(fullname, self, origin="graphc", is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        inner = spec.name.partition(".")[2].removeprefix("compat.v1").lstrip(".")
        try:
            found = resolve(inner)
        except AttributeError as error:
            raise ImportError(f"{spec.name}: {error}", name=spec.name) from None
        if not is_ours(found):
            raise ModuleNotFoundError(f"No module named {spec.name!r}; it is a {_kind(found)}")
        return _module(inner, found)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing runs: the names are looked up when they are used."""


@cache
def _module(inner: str, target: ModuleType) -> Redirected:
    """The one module for ``tf.<inner>``, whether it is imported from v1's address or not."""
    module = Redirected(f"{NAME}.{inner}" if inner else NAME)
    module.__dict__["_target"] = target
    del module.__dict__["__doc__"]
    return module


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    return "function" if callable(value) else "value"


FINDER = _Finder()


@contextmanager
def as_tensorflow(environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Within, ``import tensorflow`` gives graphc: here, in forked and spawned children, and in
    Pythons that a script starts.  ``environment`` holds there as well."""
    hidden = {name: sys.modules.pop(name) for name in _redirected()}
    given = os.environ.get("PYTHONPATH")
    setting = {
        "PYTHONPATH": f"{CHILDREN}{os.pathsep}{given}" if given else CHILDREN,
        "_GRAPHC_RUNS_IN": sys.prefix,
        **(environment or {}),
    }
    before = {name: os.environ.get(name) for name in setting}
    os.environ.update(setting)
    sys.meta_path.insert(0, FINDER)
    sys.path.insert(min(1, len(sys.path)), CHILDREN)
    try:
        yield
    finally:
        sys.meta_path.remove(FINDER)
        if CHILDREN in sys.path:
            sys.path.remove(CHILDREN)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        for name in _redirected():
            del sys.modules[name]
        sys.modules.update(hidden)


def _redirected() -> list[str]:
    return [name for name in sys.modules if name == NAME or name.startswith(f"{NAME}.")]
