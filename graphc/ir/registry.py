"""What op families define, by name, each family imported no sooner than it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Registry(dict):
    """A dict that the modules of :mod:`graphc.ops` fill.

    The families that nearly every graph uses are imported with the package.  A name they do not
    have, or a look at all names, imports the others first, so nobody sees the difference.
    """

    def __missing__(self, name: str) -> Any:
        if not self._reach(name):
            raise KeyError(name)
        return dict.__getitem__(self, name)

    def __contains__(self, name: object) -> bool:
        return self._reach(name)

    def get(self, name: str, default: Any = None) -> Any:
        return dict.get(self, name, default) if self._reach(name) else default

    def loaded(self, name: str) -> Any:
        """What has that name among the families imported so far, or None."""
        return dict.get(self, name)

    def _reach(self, name: object) -> bool:
        """Whether anything has that name; imports what it takes to tell."""
        if dict.__contains__(self, name):
            return True
        from graphc import ops  # importing the package registers the families all graphs use

        if not dict.__contains__(self, name):
            ops.import_the_rest()
        return dict.__contains__(self, name)

    def _whole(self) -> dict:
        from graphc import ops

        ops.import_the_rest()
        return self

    def __iter__(self) -> Iterator[str]:
        return dict.__iter__(self._whole())

    def __len__(self) -> int:
        return dict.__len__(self._whole())

    def keys(self) -> Any:
        return dict.keys(self._whole())

    def values(self) -> Any:
        return dict.values(self._whole())

    def items(self) -> Any:
        return dict.items(self._whole())
