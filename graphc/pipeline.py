"""The passes, in order, and the only place that runs them.

A pass is ``(Graph, Options) -> Graph`` and returns the same object when nothing changed.  The
runner alone verifies the graph after every pass, shuffles node order before it (check mode: no pass
may rely on it), skips, times and dumps.

    GRAPHC_DUMP=cse,simplify   print the graph before and after these passes (or "all")
    GRAPHC_SKIP=cse            leave a pass out (a required one refuses)
    GRAPHC_CHECK=1             verify after every pass and shuffle before it
"""

from __future__ import annotations

import heapq
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from graphc.errors import AttributeValueError
from graphc.ir.bindings import Bindings
from graphc.ir.collector import collector_paused
from graphc.ir.graph import Graph, Node
from graphc.ir.text import print_graph
from graphc.ir.verify import verify
from graphc.passes.array_reads import check_array_reads
from graphc.passes.bodies import optimise_bodies
from graphc.passes.constant_fold import constant_fold
from graphc.passes.count_turns import count_turns
from graphc.passes.cse import cse
from graphc.passes.drop_overwritten import drop_overwritten
from graphc.passes.expand import expand
from graphc.passes.layout import layout
from graphc.passes.loops import lighten_loops
from graphc.passes.loops.segments import cut_loops
from graphc.passes.narrow import narrow
from graphc.passes.options import Note, Options
from graphc.passes.preserve_versions import preserve_versions
from graphc.passes.prune import prune
from graphc.passes.reroll import reroll
from graphc.passes.sequence_effects import sequence_effects
from graphc.passes.shape_fold import shape_fold
from graphc.passes.simplify import simplify
from graphc.passes.split_reductions import split_reductions


@dataclass(frozen=True)
class Pass:
    """``establishes`` names the invariants of the verifier that hold from this pass on."""

    name: str
    function: Callable[[Graph, Options], Graph]
    required: bool = False
    establishes: tuple[str, ...] = ()


def _inside_bodies(graph: Graph, options: Options) -> Graph:
    return optimise_bodies(graph, lambda body: run_pipeline(body, options))


PIPELINE = (
    Pass("prune", prune, required=True),  # drop what no fetch needs, cut at feeds
    Pass("sequence-effects", sequence_effects, required=True, establishes=("I6",)),
    Pass("array-reads", check_array_reads, required=True),  # rows that are read once, twice
    Pass("shape-fold", shape_fold),  # shapes as numbers: rules and loops see sizes
    Pass("reroll", reroll),  # what was repeated turn by turn is a loop
    Pass("constant-fold", constant_fold),
    Pass("count-turns", count_turns),  # loops that count are scans
    Pass("simplify", simplify),  # rules on ops as the user wrote them: log(softmax(x))
    Pass("expand", expand, required=True, establishes=("I8",)),
    Pass("late-constant-fold", constant_fold),  # expansions bring constants
    Pass("late-simplify", simplify),
    Pass("layout", layout),  # transposes go round what does not mind them, and cancel
    Pass("cse", cse),  # gradients and expansions repeat work
    Pass("segments", cut_loops),  # loops whose turns are run again, to keep less of them
    Pass("narrow", narrow),  # outputs that nobody reads
    Pass("bodies", _inside_bodies, required=True),  # the same inside branches and loops
    Pass("loops", lighten_loops),  # what leaves loops
    Pass("drop-overwritten", drop_overwritten),  # a write that the next one makes again
    Pass("preserve-versions", preserve_versions, required=True),  # what is read after a write
    Pass("split-reductions", split_reductions),  # long folds in chunks that run in parallel
)

ORDER = (  # (earlier, later, because)
    ("prune", "sequence-effects", "an effect that nothing needs must not order the others"),
    ("sequence-effects", "constant-fold", "a read after a write must not look like the variable"),
    ("sequence-effects", "cse", "two reads are equal only once each reads a fixed value"),
    ("sequence-effects", "reroll", "a turn that reads what another wrote is told by its operands"),
    ("shape-fold", "reroll", "which slice a turn takes is known as a number"),
    ("reroll", "constant-fold", "a first turn that starts from zeros must look like the others"),
    ("array-reads", "expand", "a read that is spelled out is a gather like others"),
    ("shape-fold", "constant-fold", "sizes that are numbers make constants"),
    ("constant-fold", "simplify", "rules look for constants"),
    ("shape-fold", "count-turns", "a bound that is a size is known as one"),
    ("count-turns", "bodies", "a scan has no trace whose size a run decides"),
    ("simplify", "expand", "log(softmax(x)) cannot be seen once softmax is spelled out"),
    ("expand", "late-simplify", "expansions are written for clarity, not to be minimal"),
    ("late-simplify", "layout", "a region ends where an op stands that changes nothing"),
    ("layout", "cse", "a transpose that several need should be made once"),
    ("late-constant-fold", "cse", "equal subgraphs look equal only once folded"),
    ("late-simplify", "cse", "equal subgraphs look equal only once simplified"),
    ("expand", "drop-overwritten", "steps must be spelled as assigns"),
    ("drop-overwritten", "preserve-versions", "the end of a version nobody writes is no end"),
    ("cse", "preserve-versions", "a read that merges with an earlier one needs no copy"),
    ("cse", "split-reductions", "a fold should be split once, not once per reader"),
    ("cse", "narrow", "what one of two equal nodes is read for, both give"),
    ("cse", "bodies", "what two loops share should be compiled once"),
    ("count-turns", "segments", "segments are of a scan's turns"),
    ("cse", "segments", "two loops of one gradient that are the same are one"),
    ("segments", "bodies", "the passes see the loops inside the segments"),
    ("expand", "bodies", "the ops that mean a branch or loop must be there"),
    ("bodies", "loops", "equal work looks equal only once bodies are spelled out"),
    ("loops", "split-reductions", "sums over the turns become reductions"),
)


@dataclass
class Record:
    """What one pass did: the graphs around it (their texts are made when asked), time and notes."""

    name: str
    before: Graph
    after: Graph
    seconds: float
    notes: list[Note] = field(default_factory=list)
    skipped: bool = False

    @property
    def changed(self) -> bool:
        return self.after is not self.before

    @property
    def before_text(self) -> str:
        return print_graph(self.before)

    @property
    def after_text(self) -> str:
        return print_graph(self.after)


Listener = Callable[[Record], None]


def run_pipeline(
    graph: Graph,
    options: Options,
    listener: Listener | None = None,
    passes: tuple[Pass, ...] = PIPELINE,
) -> Graph:
    """The graph after every pass.  ``listener`` receives a :class:`Record` per pass."""
    check_names(options, passes)
    with collector_paused():
        return _run(graph, options, listener, passes)


def _run(
    graph: Graph, options: Options, listener: Listener | None, passes: tuple[Pass, ...]
) -> Graph:
    established: tuple[str, ...] = ()
    if options.check:
        verify(graph)
    for row in passes:
        if not is_run(row, options):
            if listener is not None:
                listener(Record(row.name, graph, graph, 0.0, skipped=True))
            continue
        before = shuffled(graph, row.name) if options.check else graph
        notes = len(options.log.notes)
        start = time.perf_counter()
        after = row.function(before, options)
        seconds = time.perf_counter() - start
        established += row.establishes
        graph = graph if after is before else after
        if options.check:
            verify(after, row.name, established)
        record = Record(row.name, before, after, seconds, options.log.notes[notes:])
        if row.name in options.dump or "all" in options.dump:
            sys.stderr.write(dumped(record))
        if listener is not None:
            listener(record)
    return graph


def is_run(row: Pass, options: Options) -> bool:
    return row.required or (options.level > 0 and row.name not in options.skip)


def check_names(options: Options, passes: tuple[Pass, ...] = PIPELINE) -> None:
    """Refuse to skip a required pass, and names that are no pass."""
    known = [row.name for row in passes]
    for what in ("skip", "dump"):
        for name in sorted(getattr(options, what)):
            if name not in known and name not in STAGES and not (what == "dump" and name == "all"):
                raise AttributeValueError(
                    f"cannot {what} {name!r}: no pass is called that",
                    hint=f"passes: {', '.join((*known, *STAGES))}",
                )
    for row in passes:
        if row.required and row.name in options.skip:
            raise AttributeValueError(f"pass {row.name!r} is required and cannot be skipped")


STAGES: tuple[str, ...] = ("fuse",)  # what follows the passes and makes kernels of the graph


def dumped(record: Record) -> str:
    """The text of a dump: what changed, or that nothing did."""
    title = f"-- {record.name} ({record.seconds * 1e3:.1f} ms)"
    if not record.changed:
        return f"{title} (unchanged)\n"
    return f"{title}\n{record.before_text}-- after {record.name}\n{record.after_text}"


def shuffled(graph: Graph, seed: str) -> Graph:
    """The same graph with its nodes in another dependency order, drawn from ``seed``."""
    draw = random.Random(seed)
    position = graph.positions()
    sizes = Bindings(graph.nodes)
    waiting = [0] * len(graph.nodes)
    after: list[list[int]] = [[] for _ in graph.nodes]
    for k, node in enumerate(graph.nodes):
        needed = (*(t.node for t in node.operands), *node.control, *sizes.before(node))
        for before in {position[n] for n in needed}:
            after[before].append(k)
            waiting[k] += 1
    ready = [(draw.random(), k) for k, count in enumerate(waiting) if not count]
    heapq.heapify(ready)
    order: list[Node] = []
    while ready:
        _, k = heapq.heappop(ready)
        order.append(graph.nodes[k])
        for reader in after[k]:
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, (draw.random(), reader))
    new = Graph(graph.title)
    new.inputs, new.outputs, new.targets = graph.inputs, graph.outputs, graph.targets
    new.seed, new.nodes, new.by_name = graph.seed, order, graph.by_name
    return new


def check_order() -> None:
    """Every ordering fact names passes of the list and holds."""
    position = {row.name: k for k, row in enumerate(PIPELINE)}
    assert len(position) == len(PIPELINE), "two passes have one name"
    for earlier, later, because in ORDER:
        assert position[earlier] < position[later], f"{earlier} must precede {later}: {because}"


check_order()
