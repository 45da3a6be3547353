"""The driver's end of a worker: start it, ask it, stop it."""

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class WorkerFailed(Exception):
    """A worker did not start, refused a command, or was silent for too long."""


MODELS = ("mlp", "rows", "unrolled")
CONTRACTIONS = ("product", "convolution")
NETWORKS = ("training", "inference")
SEQUENCES = ("recurrent", "sequence")


@dataclass(frozen=True)
class Framework:
    """A row of ``FRAMEWORKS``: which interpreter runs it and what its worker loads."""

    name: str
    interpreter: str  # key in GRAPHC_BENCH_PYTHONS
    imports: str  # the statement whose cost a user pays
    module: str
    attribute: str | None = None
    does: tuple[str, ...] = MODELS  # the worker's commands it has functions for
    environment: tuple[tuple[str, str], ...] = ()


_TF = "import tensorflow.compat.v1"
_EVERYTHING = (*MODELS, *CONTRACTIONS, *NETWORKS, *SEQUENCES)
_CELLS = (("TF_USE_LEGACY_KERAS", "1"),)  # where TensorFlow 2 keeps TF1's recurrent cells
_WIDE = (("OPENBLAS_CORETYPE", "SKYLAKEX"),)  # a BLAS may take a processor for an older one

FRAMEWORKS = (
    Framework("graphc", "graphc", "import graphc; graphc.Session", "graphc_tf1", "framework",
              (*_EVERYTHING, "loop", "ctc")),
    Framework("JAX jit", "jax", "import jax, jax.numpy", "jax_jit", None,
              (*MODELS, *CONTRACTIONS, *SEQUENCES, "loop")),
    Framework("torch eager", "torch", "import torch", "torch_modes", "eager",
              (*_EVERYTHING, "ctc")),
    Framework("torch.compile", "torch", "import torch", "torch_modes", "compiled"),
    Framework("TF1 graph", "tf", _TF, "tensorflow_graph", "plain", (*_EVERYTHING, "loop", "ctc"),
              _CELLS),
    Framework("TF1 + XLA", "tf", _TF, "tensorflow_graph", "xla"),
    Framework("PyTensor Numba", "pytensor", "import pytensor, pytensor.tensor", "pytensor_numba"),
    Framework("OpenBLAS", "graphc", "import numpy", "numpy_blas", None, ("product",)),
    Framework("OpenBLAS wide", "graphc", "import numpy", "numpy_blas", None, ("product",), _WIDE),
    Framework("ONNX Runtime", "ort", "import onnxruntime", "onnx_sessions", None, ("inference",)),
)  # fmt: skip


class Worker:
    """A running worker process. Commands are answered in order, one at a time."""

    def __init__(
        self, framework: Framework, python: str, log: Path, environment: dict[str, str]
    ) -> None:
        self.framework = framework
        arguments = [framework.module] + ([framework.attribute] if framework.attribute else [])
        with log.open("a") as stderr:
            self.process = subprocess.Popen(
                [python, "-m", "tests.benchmarks.worker", *arguments],
                cwd=ROOT,
                env=os.environ | dict(framework.environment) | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self.pending = b""
        try:
            self.version: str = self._answer(timeout=120)["version"]
        except WorkerFailed:
            self.stop()
            raise

    def ask(self, do: str, timeout: float = 600, **fields: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do} | fields).encode() + b"\n")
        self.process.stdin.flush()
        answer = self._answer(timeout)
        if "failed" in answer:
            raise WorkerFailed(f"{do}: {answer['failed']}")
        return answer

    def _answer(self, timeout: float) -> dict[str, Any]:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        deadline = time.monotonic() + timeout
        while b"\n" not in self.pending:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([descriptor], [], [], left)[0]:
                raise WorkerFailed(f"no answer within {timeout:.0f} s")
            arrived = os.read(descriptor, 1 << 16)
            if not arrived:
                raise WorkerFailed("the process ended; its log says why")
            self.pending += arrived
        line, self.pending = self.pending.split(b"\n", 1)
        return json.loads(line)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
