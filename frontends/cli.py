"""The ``graphc`` command."""

from __future__ import annotations

import argparse
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphc.errors import GraphcError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit status."""
    arguments = _parser().parse_args(argv)
    if arguments.command is None:
        _parser().print_help()
        return 2
    return inspect_script(arguments)


def _parser() -> argparse.ArgumentParser:
    import graphc

    parser = argparse.ArgumentParser(
        prog="graphc",
        description="Compile TensorFlow-1 style graphs and look at what became of them.",
    )
    parser.add_argument("--version", action="version", version=f"graphc {graphc.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    inspect = commands.add_parser(
        "inspect",
        help="run a script and report what was compiled",
        description="Run SCRIPT, then report the run it did most often: passes, kernels, launches, "
        "memory plan.",
    )
    inspect.add_argument("script", type=Path, metavar="SCRIPT")
    inspect.add_argument(
        "rest", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="for the script"
    )
    inspect.add_argument("--all", action="store_true", help="report every kind of run")
    inspect.add_argument("--json", action="store_true", help="the report as JSON")
    inspect.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write there, not to stdout"
    )
    return parser


def inspect_script(arguments: argparse.Namespace) -> int:
    """Run a script in this process, watching its sessions; then print the reports."""
    from runtime.session import WATCHERS

    if not arguments.script.is_file():
        print(f"graphc: there is no script {str(arguments.script)!r}", file=sys.stderr)
        return 2
    watcher = Watcher(everything=arguments.all)
    WATCHERS.append(watcher)
    try:
        status = _run(arguments.script, arguments.rest)
        reports = watcher.reports()
    finally:
        WATCHERS.remove(watcher)
    if not reports:
        print("graphc: the script ran nothing that is compiled", file=sys.stderr)
        return status or 1
    text = "\n".join(report.to_json() if arguments.json else str(report) for report in reports)
    if arguments.output:
        arguments.output.write_text(text, encoding="utf-8")
    else:
        print(text)
    return status


def _run(script: Path, rest: Sequence[str]) -> int:
    """Run a script as ``__main__``; its exit status."""
    outer, sys.argv = sys.argv, [str(script), *rest]
    sys.path.insert(0, str(script.parent.resolve()))
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    finally:
        sys.path.pop(0)
        sys.argv = outer
    return 0


@dataclass
class KindOfRun:
    """What one session was asked for, how often, and the values of its last run."""

    session: Any
    fetches: Any
    feeds: tuple
    count: int = 0
    values: tuple = ()
    report: Any = None


@dataclass
class Watcher:
    """Keeps the kinds of run of every session, and reports them before the session goes."""

    everything: bool = False
    kinds: list[KindOfRun] = field(default_factory=list)
    closed: list[Any] = field(default_factory=list)

    def prepared(self, session: Any, fetches: Any, feeds: tuple, call: Any) -> Any:
        kind = KindOfRun(session, fetches, feeds)
        self.kinds.append(kind)

        def watched(values: Any) -> Any:
            kind.values = tuple(values)
            kind.count += 1
            return call(kind.values)

        return watched

    def closing(self, session: Any) -> None:
        self.closed.append(session)
        mine = [kind for kind in self.kinds if kind.session is session]
        most = max((kind.count for kind in mine), default=0)
        for kind in mine:
            if kind.count and (self.everything or kind.count == most):
                self._report(kind)

    def _report(self, kind: KindOfRun) -> None:
        try:
            fed = dict(zip(kind.feeds, kind.values, strict=True))
            kind.report = kind.session.inspect(kind.fetches, fed)
        except (GraphcError, NotImplementedError) as error:
            print(f"graphc: no report of {kind.fetches}: {error}", file=sys.stderr)

    def reports(self) -> list[Any]:
        """The reports, most frequent kind first; sessions still open are asked now."""
        for kind in self.kinds:
            if not any(kind.session is session for session in self.closed):
                self.closing(kind.session)
        made = sorted((k for k in self.kinds if k.report is not None), key=lambda k: -k.count)
        return [kind.report for kind in (made if self.everything else made[:1])]


if __name__ == "__main__":
    sys.exit(main())
