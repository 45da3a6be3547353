"""What a session warns of: models that look wrong, and graphs that grow between runs.

Every remark is made once, as a Python warning at the user's line.  ``GRAPHC_LINT=off`` or a warning
filter on :class:`graphc.errors.ModelWarning` silences them.
"""

from __future__ import annotations

import os
import warnings
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from graphc.errors import ModelWarning
from graphc.ir.graph import Graph, Node, Tensor
from graphc.ir.source import Site, here

GROWTH_WARNS_AT = 8
LARGEST = 20_000  # nodes of a run; beyond this reading them all would be felt

_said: weakref.WeakKeyDictionary[Graph, set] = weakref.WeakKeyDictionary()


def examine(graph: Graph, nodes: Sequence[Node], values: Mapping[Tensor, Any]) -> None:
    """Warn of what looks wrong in a run of ``graph`` that computes ``nodes``, once each."""
    if _silenced() or len(nodes) > LARGEST:
        return
    from graphc.lint import findings

    said = _said.setdefault(graph, set())
    for finding in findings(graph, nodes, values):
        # gradients and unrolled cells repeat a line: what counts is the line, or else the words
        key = (finding.rule, finding.site or finding.fact)
        if key not in said:
            said.add(key)
            _warn(finding.warning())


class Growth:
    """Notices ops being created between runs: each such run compiles again.

    Warns once per session, with the line that creates them, after ``GROWTH_WARNS_AT`` runs in a row
    from one line of the caller met a larger graph.
    """

    def __init__(self) -> None:
        self.line: Any = None
        self.revision = 0
        self.count = 0

    def note(self, graph: Graph) -> None:
        site = here()
        if site is None or self.count >= GROWTH_WARNS_AT or _silenced():
            return
        line = (site.code, site.offset)
        grew = line == self.line and graph.revision > self.revision
        self.count = self.count + 1 if grew else 0
        self.line, self.revision = line, graph.revision
        if self.count == GROWTH_WARNS_AT:
            _warn(_grows(graph, site))


def _silenced() -> bool:
    return os.environ.get("GRAPHC_LINT", "").lower() in ("off", "0")


def _grows(graph: Graph, run: Site) -> ModelWarning:
    newest = next((n.site for n in reversed(graph.nodes) if n.site), None)
    made = [("created at", newest.describe(), "")] if newest else []
    return ModelWarning(
        "every run here met new operations and compiled again [growing-graph]",
        rows=made,
        site=run,
        hint="build the graph once, before the loop; tf.get_default_graph().finalize() finds the "
        "line that adds to it",
    )


def _warn(warning: ModelWarning) -> None:
    site = warning.site or here()
    where = (site.filename, site.line) if site is not None else ("<graph>", 0)
    warnings.warn_explicit(warning, ModelWarning, *where)
