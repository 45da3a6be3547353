"""One framework in one process: reads a command a line, answers a line.

Runs under the framework's own interpreter, where graphc need not be installed. Commands and answers
are JSON objects; ``do`` names a function of ``Worker``. What a framework prints goes to stderr.
"""

import functools
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from tests.benchmarks import alignments, contractions, networks, recurrence, subjects

CHECKED_STEPS = 3


class Worker:
    """The commands. Each takes the command's other fields and returns the answer's."""

    def __init__(self, module: str, attribute: str | None) -> None:
        loaded = import_module(f"tests.benchmarks.frameworks.{module}")
        self.framework = getattr(loaded, attribute) if attribute else loaded
        self.prepared: dict[str, Callable[[], object]] = {}
        self.steps: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {}

    def mlp(self, name: str, plain_run: bool = False) -> dict[str, object]:
        """Build it and run the first step; compare a few losses with NumPy's."""
        spec = subjects.MLPS[name]
        build = self.framework.mlp_run if plain_run else self.framework.mlp
        return self._trained(name + "_run" if plain_run else name, spec, build)

    def _trained(
        self, name: str, spec: Any, build: Callable, losses_of: Callable | None = None
    ) -> dict[str, object]:
        x, labels = spec.data()
        begin = time.perf_counter()
        step = build(spec)
        losses = [step(x, labels)]
        first = time.perf_counter() - begin
        loaded = [module for module in ("numba", "networkx") if module in sys.modules]
        losses += [step(x, labels) for _ in range(CHECKED_STEPS - 1)]
        self.steps[name] = step
        self.prepared[name] = lambda: step(x, labels)
        error = np.abs(np.subtract(losses, (losses_of or spec.losses)(CHECKED_STEPS))).max()
        return {"first_s": first, "error": float(error), "loaded": loaded}

    def rows(self, name: str) -> dict[str, object]:
        """Build it and run it once; compare the first rows with NumPy's."""
        spec = subjects.ROWS_BY_NAME[name]
        begin = time.perf_counter()
        call, as_numpy = self.framework.rows(spec)
        result = call()
        first = time.perf_counter() - begin
        expected = spec.first_rows()
        error = np.abs(as_numpy(result)[: len(expected)] - expected).max()
        self.prepared[name] = call
        return {"first_s": first, "error": float(error)}

    def product(self, name: str) -> dict[str, object]:
        return self._compared(name, self.framework.product, contractions.BY_NAME[name])

    def convolution(self, name: str) -> dict[str, object]:
        return self._compared(name, self.framework.convolution, contractions.BY_NAME[name])

    def _compared(self, name: str, build: Callable, spec: Any) -> dict[str, object]:
        """Build it and run it once; how far it is from NumPy's float64, of the whole."""
        call, as_numpy = build(spec)
        self.prepared = {name: call}  # the one before and its operands may go
        return {"error": _relative(as_numpy(call()), spec.result())}

    def training(self, name: str) -> dict[str, object]:
        spec = networks.TRAINED[name]
        return self._trained(name, spec, self.framework.training)

    def inference(self, name: str) -> dict[str, object]:
        spec = networks.INFERRED[name]
        x, _ = spec.data()
        call = self.framework.inference(spec)
        self.prepared = {name: lambda: call(x)}
        return {"error": _relative(call(x), spec.logits())}

    def recurrent(self, name: str) -> dict[str, object]:
        spec = recurrence.TRAINED[name]
        equations = getattr(self.framework, "EQUATIONS", {}).get(spec.cell)
        losses = functools.partial(spec.losses, equations=equations)
        return self._trained(name, spec, self.framework.recurrent, losses)

    def first_recurrent(self, name: str) -> dict[str, object]:
        """Build a training step and run it once."""
        spec = recurrence.COMPILED[name]
        data = spec.data()
        begin = time.perf_counter()
        self.framework.recurrent(spec)(*data)
        return {"first_s": time.perf_counter() - begin}

    def sequence(self, name: str) -> dict[str, object]:
        spec = recurrence.INFERRED[name]
        x, call = spec.inputs(), self.framework.sequence(spec)
        self.prepared = {name: lambda: call(x)}
        return {"error": _relative(call(x), spec.outputs())}

    def loop(self, name: str) -> dict[str, object]:
        return self._compared(name, self.framework.loop, recurrence.LOOPS[name])

    def ctc(self, name: str) -> dict[str, object]:
        return self._compared(name, self.framework.ctc, alignments.CTC)

    def time(self, name: str, steps: int) -> dict[str, object]:
        call, clock = self.prepared[name], time.perf_counter_ns
        taken = []
        for _ in range(steps):
            begin = clock()
            call()
            taken.append(clock() - begin)
        return {"ns": taken}

    def new_batch(self, name: str, batch: int) -> dict[str, object]:
        """One step of a prepared model at a batch size it has not seen."""
        x, labels = subjects.MLPS[name].data(batch)
        step = self.steps[name]
        compiled = getattr(self.framework, "kernels_compiled", lambda: None)
        before = compiled()
        begin = time.perf_counter()
        step(x, labels)
        first = time.perf_counter() - begin
        return {"first_s": first, "compiled": None if before is None else compiled() - before}

    def memory(self, name: str) -> dict[str, object]:
        """What the framework's memory plan takes, and the least any plan could."""
        peak, bound = self.framework.memory(name)
        return {"peak": peak, "bound": bound}

    def unrolled(self, nodes: int) -> dict[str, object]:
        spec = subjects.UnrolledCell(nodes)
        begin = time.perf_counter()
        call, counted = self.framework.unrolled(spec)
        built = time.perf_counter()
        loss = call()
        first = time.perf_counter()
        call()
        again = time.perf_counter()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return {
            "nodes": counted,
            "build_s": built - begin,
            "compile_s": (first - built) - (again - first),
            "step_s": again - first,
            "peak_bytes": peak,
            "loss": loss,
        }


def _relative(found: np.ndarray, expected: np.ndarray) -> float:
    """The distance as a share of what is expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


def main(module: str, attribute: str | None = None) -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # a framework's own prints must not end up between the answers
    worker = Worker(module, attribute)
    print(json.dumps({"version": worker.framework.VERSION}), file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = getattr(worker, command.pop("do"))(**command)
        except Exception as error:
            answer = {"failed": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
