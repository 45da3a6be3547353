"""Where the user made a node: kept as (code object, instruction offset), formatted only when
shown.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

_HOUSE = (
    *(
        f"{Path(__file__).resolve().parents[2] / package}/"
        for package in ("graphc", "runtime", "frontends")
    ),
    contextlib.__file__,  # stands between a `with` of ours and its function
)
_inside: dict[str, bool] = {}  # the answers of inside()


@dataclass(frozen=True, slots=True)
class Site:
    """One line of the user's program."""

    code: CodeType | None
    offset: int
    file: str = ""
    number: int = 0

    @property
    def filename(self) -> str:
        return self.code.co_filename if self.code else self.file

    @property
    def line(self) -> int:
        if self.code is None:
            return self.number
        for start, end, line in self.code.co_lines():
            if start <= self.offset < end and line is not None:
                return line
        return self.code.co_firstlineno

    @property
    def short(self) -> str:
        """``train.py:12``."""
        return f"{Path(self.filename).name}:{self.line}"

    @property
    def text(self) -> str:
        return linecache.getline(self.filename, self.line).strip()

    def describe(self) -> str:
        """``train.py:12   logits = tf.matmul(x, w)``."""
        return f"{self.short}   {self.text}".rstrip()

    def __reduce__(self) -> tuple:
        return Site, (None, 0, self.filename, self.line)


def here() -> Site | None:
    """The innermost frame outside graphc's own packages."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if not inside(frame.f_code.co_filename):
            return Site(frame.f_code, frame.f_lasti)
        frame = frame.f_back
    return None


def inside(filename: str) -> bool:
    """Whether a file is of graphc's own packages."""
    known = _inside.get(filename)
    if known is None:
        known = _inside[filename] = filename.startswith(_HOUSE)
    return known
