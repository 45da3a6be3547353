"""Runs the subjects: one worker process for each framework, rounds in turn, ratios within a round.

Alternating is what makes the ratios hold on a machine that is not quiet: a slow second hits all
of them. A framework that fails a subject is left out of it, with the reason among the notes.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import alignments, contractions, networks, recurrence, subjects
from tests.benchmarks.channel import FRAMEWORKS, Framework, Worker, WorkerFailed
from tests.benchmarks.quiet import Gate

OURS = "graphc"
ROUND_SECONDS = 0.2  # a worker's turn
FAMILY_ROUND_SECONDS = 0.05  # where there are many subjects of one kind
PAUSE = 0.15  # seconds before a turn: threads of OpenBLAS and OpenMP spin on after their last work
TOLERANCE = 1e-3  # a framework further from NumPy than this computes something else
FIRST_NEW_BATCH = 17


@dataclass(frozen=True)
class Settings:
    pythons: dict[str, str]
    rounds: int
    log: Path
    frameworks: tuple[Framework, ...]
    gate: Gate


@dataclass
class Figure:
    """One framework on one subject. Times are seconds; ``ratio`` is ours over theirs."""

    subject: str
    framework: str
    median: float
    p10: float
    p90: float
    ratio: float | None = None
    facts: dict[str, object] = field(default_factory=dict)


@dataclass
class Results:
    figures: list[Figure] = field(default_factory=list)
    memory: dict[str, tuple[int, int]] = field(default_factory=dict)  # peak and bound, bytes
    errors: dict[str, dict[str, float]] = field(default_factory=dict)  # from float64, by framework
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def note(self, subject: str, framework: str, reason: object) -> None:
        self.notes.append(f"{subject}: {framework}: {reason}")


def figures(subject: str, rounds: dict[str, list[list[float]]]) -> list[Figure]:
    """Medians over all samples; ratios are medians of the ratios of each round's medians."""
    ours = [statistics.median(taken) for taken in rounds.get(OURS, [])]
    made = []
    for name, turns in rounds.items():
        samples = sorted(itertools.chain.from_iterable(turns))
        ratio = None
        if ours and name != OURS:
            theirs = [statistics.median(taken) for taken in turns]
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        last = len(samples) - 1
        made.append(
            Figure(
                subject,
                name,
                statistics.median(samples),
                samples[round(0.1 * last)],
                samples[round(0.9 * last)],
                ratio,
            )
        )
    return made


def in_turns(
    names: list[str], rounds: int, turn: Callable[[str, int], list[float]], gate: Gate
) -> dict[str, list[list[float]]]:
    """``turn(name, round)`` for every name in every round; who goes first rotates."""
    taken: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(rounds):
        gate.wait()
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(PAUSE)
            taken[name].append(turn(name, number))
    return taken


class Run:
    """Workers that live as long as their subjects need them, and what came out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.results = Results()

    def start(self, framework: Framework, **environment: str) -> Worker:
        python = self.settings.pythons[framework.interpreter]
        return Worker(framework, python, self.settings.log, environment)

    def modelling(self) -> tuple[Framework, ...]:
        """The frameworks that can build and train a model."""
        return tuple(row for row in self.settings.frameworks if "mlp" in row.does)

    @contextmanager
    def workers(self, *kinds: str) -> Iterator[dict[str, Worker]]:
        """One worker for each framework that has such subjects and starts."""
        with ExitStack() as stack:
            alive = {}
            for framework in self.settings.frameworks:
                if not set(kinds) & set(framework.does):
                    continue
                try:
                    worker = stack.enter_context(self.start(framework))
                except WorkerFailed as error:
                    self.results.note("start", framework.name, error)
                    continue
                alive[framework.name] = worker
                self.results.versions[framework.name] = worker.version
            yield alive

    def prepare(
        self, subject: str, alive: dict[str, Worker], **command: object
    ) -> dict[str, Worker]:
        """Those whose result agrees with NumPy's."""
        agreed = {}
        for name, worker in alive.items():
            if command["do"] not in worker.framework.does:
                continue
            try:
                answer = worker.ask(**command)
            except WorkerFailed as error:
                self.results.note(subject, name, error)
                continue
            if not answer["error"] <= TOLERANCE:
                self.results.note(subject, name, f"differs from NumPy by {answer['error']:.2g}")
                continue
            agreed[name] = worker
            self.results.errors.setdefault(subject, {})[name] = answer["error"]
        return agreed

    def steps(
        self,
        subject: str,
        alive: dict[str, Worker],
        seconds: float = ROUND_SECONDS,
        **command: object,
    ) -> None:
        """The time of a prepared call; a worker's turn takes about so many seconds."""
        alive = self.prepare(subject, alive, **command)
        if not alive:
            return
        self.settings.gate.wait()
        counts = {}
        for name, worker in alive.items():
            warm = worker.ask("time", name=subject, steps=5)["ns"]
            warm = worker.ask("time", name=subject, steps=5)["ns"] if min(warm) < 1e7 else warm
            counts[name] = int(min(5000, max(3, seconds * 1e9 / min(warm))))

        def turn(name: str, _: int) -> list[float]:
            answer = alive[name].ask("time", name=subject, steps=counts[name])
            return [ns * 1e-9 for ns in answer["ns"]]

        self.results.figures += figures(
            subject, in_turns(list(alive), self.settings.rounds, turn, self.settings.gate)
        )

    def family(self, command: str, specs: tuple[contractions.Spec, ...]) -> None:
        """Products or convolutions, one shape after the other."""
        with self.workers(command) as alive:
            for spec in specs:
                self.steps(spec.name, alive, FAMILY_ROUND_SECONDS, do=command, name=spec.name)

    def networks(self, command: str, names: tuple[str, ...]) -> None:
        for name in names:
            with self.workers(command) as alive:  # each afresh: their memory is large
                self.steps(name, alive, do=command, name=name)

    def sequences(self, wanted: frozenset[str]) -> None:
        kinds: tuple[tuple[str, Iterable[str]], ...] = (
            ("recurrent", recurrence.TRAINED), ("sequence", recurrence.INFERRED),
            ("loop", recurrence.LOOPS), ("ctc", (alignments.CTC.name,)),
        )  # fmt: skip
        for command, known in kinds:
            names = [name for name in known if name in wanted]
            if names:
                with self.workers(command) as alive:
                    for name in names:
                        self.steps(name, alive, do=command, name=name)

    def compiles(self, names: tuple[str, ...], peers: tuple[str, ...], rounds: int) -> None:
        """Building a recurrent training step and its first run; empty caches, then full ones."""
        for name, framework in itertools.product(names, self.settings.frameworks):
            beside = framework.name in peers and name != recurrence.LONG.name  # minutes
            if framework.name != OURS and not beside:
                continue
            taken: dict[str, list[list[float]]] = {"empty": [], "full": []}
            try:
                for _ in range(rounds):
                    self.settings.gate.wait()
                    with tempfile.TemporaryDirectory() as folder:
                        for caches in taken:
                            answer = self._first_step_in(
                                framework, folder, do="first_recurrent", name=name
                            )
                            taken[caches].append([answer["first_s"]])
            except WorkerFailed as error:
                self.results.note(f"compile {name}", framework.name, error)
                continue
            for caches, rows in taken.items():
                subject = f"compile_{name}_{caches}"
                self.results.figures += figures(subject, {framework.name: rows})

    def new_batch(self, alive: dict[str, Worker]) -> None:
        """The first step at a batch size the small MLP has not seen."""
        compiled: list[int] = []
        ready = {}
        for name, worker in alive.items():
            try:
                worker.ask("mlp", name="mlp_small")
            except WorkerFailed as error:
                self.results.note("new_batch", name, error)
                continue
            ready[name] = worker

        def turn(name: str, number: int) -> list[float]:
            answer = ready[name].ask("new_batch", name="mlp_small", batch=FIRST_NEW_BATCH + number)
            if answer["compiled"] is not None:
                compiled.append(answer["compiled"])
            return [answer["first_s"]]

        if ready:
            turns = in_turns(list(ready), self.settings.rounds, turn, self.settings.gate)
            made = figures("new_batch", turns)
            for figure in made:
                figure.facts = {"compiled": sum(compiled)} if figure.framework == OURS else {}
            self.results.figures += made

    def memory(self, alive: dict[str, Worker], names: tuple[str, ...]) -> None:
        """What our memory plan of each subject takes beside the least any plan could."""
        for name in names if OURS in alive else ():
            try:
                answer = alive[OURS].ask("memory", name=name)
            except WorkerFailed as error:
                self.results.note(f"memory of {name}", OURS, error)
                continue
            self.results.memory[name] = (answer["peak"], answer["bound"])

    def first_step(self, rounds: int) -> None:
        """From the import to the end of a step of the small MLP: empty caches, then full ones."""
        cold: dict[str, list[list[float]]] = {}
        warm: dict[str, list[list[float]]] = {}
        facts: dict[str, dict[str, object]] = {}
        for framework in self.modelling():
            try:
                for _ in range(rounds):
                    self.settings.gate.wait()
                    with tempfile.TemporaryDirectory() as folder:
                        for taken in (cold, warm):
                            answer = self._first_step_in(framework, folder)
                            taken.setdefault(framework.name, []).append([answer["first_s"]])
                facts[framework.name] = {"loaded when warm": answer["loaded"]}
            except WorkerFailed as error:
                self.results.note("first_step", framework.name, error)
                for taken in (cold, warm):
                    taken.pop(framework.name, None)
        made = figures("first_step_cold", cold) + figures("first_step_warm", warm)
        for figure in made:
            figure.facts = facts[figure.framework]
        self.results.figures += made

    def _first_step_in(
        self, framework: Framework, folder: str, **command: object
    ) -> dict[str, object]:
        caches = {
            "GRAPHC_CACHE_DIR": f"{folder}/graphc",
            "TORCHINDUCTOR_CACHE_DIR": f"{folder}/inductor",
            "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor",
            "NUMBA_CACHE_DIR": f"{folder}/numba",
        }
        with self.start(framework, **caches) as worker:
            return worker.ask(**(command or {"do": "mlp", "name": "mlp_small"}))

    def imports(self, rounds: int) -> None:
        """What the import statement adds to a bare interpreter, in fresh processes."""
        statements = {}
        for framework in self.modelling():
            python = self.settings.pythons[framework.interpreter]
            if all(known != (python, framework.imports) for known in statements.values()):
                statements[framework.name] = (python, framework.imports)

        def turn(name: str, _: int) -> list[float]:
            python, statement = statements[name]
            bare = _process_seconds(python, "pass")
            return [_process_seconds(python, statement) - bare]

        for name, (python, statement) in list(statements.items()):
            try:
                _process_seconds(python, statement)  # writes the bytecode, warms the file cache
            except subprocess.CalledProcessError as error:
                self.results.note("import", name, error.stderr.decode().splitlines()[-1])
                del statements[name]
        if statements:
            turns = in_turns(list(statements), rounds, turn, self.settings.gate)
            self.results.figures += figures("import", turns)

    def scaling(self, sizes: tuple[int, ...], peers: tuple[str, ...], peer_limit: int) -> None:
        """Compile time of an unrolled cell with gradients, each size in a fresh process."""
        for size, framework in itertools.product(sizes, self.modelling()):
            wanted = framework.name == OURS or (framework.name in peers and size <= peer_limit)
            if not wanted:
                continue
            subject = f"unrolled_{size}"
            try:
                with (
                    tempfile.TemporaryDirectory() as folder,
                    self.start(framework, GRAPHC_CACHE_DIR=folder) as worker,
                ):
                    facts = worker.ask("unrolled", nodes=size, timeout=900)
            except WorkerFailed as error:
                self.results.note(subject, framework.name, error)
                continue
            seconds = facts["compile_s"]
            self.results.figures.append(
                Figure(subject, framework.name, seconds, seconds, seconds, facts=facts)
            )


def _process_seconds(python: str, statement: str) -> float:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    begin = time.perf_counter()
    subprocess.run(
        [python, "-c", statement],
        cwd=Path(__file__).parents[2],
        env=environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begin


def available(pythons: dict[str, str]) -> tuple[Framework, ...]:
    """The frameworks whose interpreter was named."""
    return tuple(row for row in FRAMEWORKS if row.interpreter in pythons)


def parse_pythons(text: str) -> dict[str, str]:
    """``jax=/path/python,torch=...`` -> interpreters; graphc runs in this one unless named."""
    pairs = (item.split("=", 1) for item in text.split(",") if item.strip())
    return {"graphc": sys.executable} | {key.strip(): path.strip() for key, path in pairs}


def measure(settings: Settings, wanted: frozenset[str], quick: bool) -> Results:
    """All wanted subjects, in the order of the report."""
    run = Run(settings)
    models = (*subjects.MLPS, *subjects.ROWS_BY_NAME)
    if wanted & {*models, "mlp_small_run", "new_batch", "memory"}:
        with run.workers("mlp", "rows") as alive:
            for name in subjects.MLPS:
                if name in wanted:
                    run.steps(name, alive, do="mlp", name=name)
            if "mlp_small_run" in wanted:
                tf1 = {name: alive[name] for name in alive if name in (OURS, "TF1 graph")}
                run.steps("mlp_small_run", tf1, do="mlp", name="mlp_small", plain_run=True)
            for name in subjects.ROWS_BY_NAME:
                if name in wanted:
                    run.steps(name, alive, do="rows", name=name)
            if "new_batch" in wanted:
                run.new_batch(alive)
            if "memory" in wanted:
                run.memory(alive, (*models, str(subjects.SCALING_NODES[0])))
    for family, specs in contractions.FAMILIES.items():
        if family in wanted:
            run.family("convolution" if family == "convolutions" else "product", specs)
    for command, known in (("training", networks.TRAINED), ("inference", networks.INFERRED)):
        run.networks(command, tuple(name for name in known if name in wanted))
    run.sequences(wanted)
    processes = 1 if quick else 3
    if "compile" in wanted:
        names = list(recurrence.COMPILED)[: 2 if quick else None]
        run.compiles(tuple(names), ("JAX jit", "TF1 graph"), processes)
    if "first_step" in wanted:
        run.first_step(processes)
    if "import" in wanted:
        run.imports(3 * processes)
    if "scaling" in wanted:
        sizes = subjects.SCALING_NODES[: 1 if quick else None]
        run.scaling(sizes, ("JAX jit", "TF1 graph"), peer_limit=subjects.SCALING_NODES[0])
    return run.results
