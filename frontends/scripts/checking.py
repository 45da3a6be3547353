"""Whether graphc provides what a script uses of TF1."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from frontends.scripts.imports import is_ours
from frontends.scripts.uses import Call, python_2, uses
from frontends.tf.names.families import family_of
from frontends.tf.names.missing import Namespace, resolve, tf1_names
from graphc.errors import GraphcError


@dataclass
class Finding:
    """A name of TF1 in a script.  ``problem`` is empty where it is provided and called rightly."""

    name: str
    lines: list[int]
    provided: bool
    family: str = ""
    problem: str = ""


@dataclass
class Checked:
    """A script and its names.  ``unreadable`` says why there are none, where it does not parse."""

    file: str
    names: list[Finding] = field(default_factory=list)
    unreadable: str = ""

    @property
    def is_fine(self) -> bool:
        return not self.unreadable and not any(finding.problem for finding in self.names)

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**asdict(self), "provided": self.is_fine}

    def lines(self) -> Iterator[str]:
        """What to tell: what is missing with the reason, then what is there."""
        if self.unreadable:
            yield f"{self.file}: {self.unreadable}"
            return
        problems = [finding for finding in self.names if finding.problem]
        there = [finding for finding in self.names if not finding.problem]
        count = f"{len(self.names)} names of TF1" if len(self.names) != 1 else "1 name of TF1"
        verdict = f"{len(problems)} to look at" if problems else "all provided"
        yield f"{self.file}: {count}, {verdict}"
        for finding in problems:
            yield f"  {'line ' + _numbers(finding.lines):<16} {finding.problem}"
        if there:
            width = max(len(finding.name) for finding in there)
            for finding in there:
                yield f"  provided   tf.{finding.name:<{width}}  {_numbers(finding.lines)}"


def scripts_in(path: Path) -> list[Path]:
    """A file, or the Python files of a folder."""
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def check(path: Path) -> Checked:
    """Read one script; nothing of it runs."""
    try:
        found = uses(path.read_bytes(), str(path))
    except SyntaxError as error:
        line = f"line {error.lineno}" if error.lineno else "somewhere"
        if python_2(error):
            reason = f"{line} is Python 2 ({error.msg}); convert the script to Python 3"
        else:
            reason = f"{line} does not parse: {error.msg}"
        return Checked(str(path), unreadable=reason)
    except (OSError, ValueError) as error:
        return Checked(str(path), unreadable=str(error))
    return Checked(str(path), list(_findings(found)))


def _findings(found: list[Any]) -> Iterator[Finding]:
    """One finding per name; names inside a class or value count as the part that TF1 names."""
    merged: dict[str, Finding] = {}
    for use in found:
        name, value, problem = look_up(use.name)
        finding = merged.setdefault(name, Finding(name, [], not problem, problem=problem))
        finding.lines = sorted({*finding.lines, *use.lines})
        if problem:
            family = family_of(name)
            finding.family = family.key if family else ""
        elif name == use.name:
            wrong = [text for call in use.calls if (text := misfit(value, call))]
            if wrong:
                finding.problem = f"tf.{name}: {'; '.join(dict.fromkeys(wrong))}"
    yield from (f for f in merged.values() if not _is_only_a_way(f, merged))


def _is_only_a_way(finding: Finding, merged: dict[str, Finding]) -> bool:
    """Whether a name is a module on the way to others that are listed: ``nn`` of ``nn.relu``."""
    return not finding.problem and any(name.startswith(f"{finding.name}.") for name in merged)


@cache
def look_up(name: str) -> tuple[str, Any, str]:
    """The part of a dotted name that TF1 names, what it is, and what is wrong with it (``""``:
    nothing).

    ``float32.name`` is about ``float32``; ``Session.reset`` about the class's attribute.
    """
    value: Any = resolve("")
    parts = name.split(".")
    for k, part in enumerate(parts):
        path = ".".join(parts[: k + 1])
        if not is_ours(value):
            if isinstance(value, type) and not hasattr(value, part) and not part.startswith("_"):
                owner = ".".join(parts[:k])
                return path, None, f"tf.{path}: {owner} here has no attribute {part!r}"
            return ".".join(parts[:k]), value, ""
        try:
            value = getattr(value, part)
        except AttributeError as error:
            full = name if name in tf1_names() else path
            return full, None, str(error) or f"there is no tf.{full}"
        except GraphcError as error:  # it needs a package that is not installed
            return path, None, f"tf.{path}: {error.fact}; {error.hint}"
    if isinstance(value, Namespace) and not any(True for _ in provided_in(value)):
        return name, None, f"tf.{name} is part of TF1 but nothing of it is provided"
    return name, value, ""


def provided_in(module: ModuleType) -> Iterator[str]:
    """The names of a module that lead to something."""
    for name in dir(module):
        if not name.startswith("_"):
            try:
                value = getattr(module, name)
            except (AttributeError, GraphcError):
                continue
            if not isinstance(value, Namespace) or any(True for _ in provided_in(value)):
                yield name


def misfit(function: Any, call: Call) -> str:
    """Why a call cannot be one of ``function``'s; ``""`` where it can."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return ""
    alone = call.positional == 1 and "labels" not in call.keywords
    if parameters and parameters[0].name == "_sentinel" and alone:
        right = ", ".join(f"{p.name}=..." for p in parameters[1:3])
        return f"its arguments must be named: {right}"
    kinds = {parameter.kind for parameter in parameters}
    named = {p.name for p in parameters if p.kind not in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)}
    unknown = [name for name in call.keywords if name not in named]
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        takes = ", ".join(p.name for p in parameters)
        return f"it takes no argument {', '.join(map(repr, unknown))} here; it takes {takes}"
    most = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    if inspect.Parameter.VAR_POSITIONAL not in kinds and (call.positional or 0) > most:
        return f"it takes {most} arguments by position here, not {call.positional}"
    return ""


def _numbers(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:6]))
    return f"{shown}, ..." if len(lines) > 6 else shown
