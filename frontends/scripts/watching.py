"""Watching the sessions of a script, to report what they compiled."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from graphc.errors import GraphcError


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
            sys.stderr.write(f"graphc: no report of {kind.fetches}: {error}\n")

    def reports(self) -> list[Any]:
        """The reports, most frequent kind first; sessions still open are asked now."""
        for kind in self.kinds:
            if not any(kind.session is session for session in self.closed):
                self.closing(kind.session)
        made = sorted((k for k in self.kinds if k.report is not None), key=lambda k: -k.count)
        return [kind.report for kind in (made if self.everything else made[:1])]
