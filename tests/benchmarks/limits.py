"""What the machine itself can do: copy bandwidth and multiply-add rate.

Run as a process of its own for each thread count (``python -m tests.benchmarks.limits THREADS``),
because a BLAS reads its thread count once. NumPy's copy and NumPy's BLAS stand for the machine, and
beside them a loop of fused multiply-adds that never leaves the registers. An OpenBLAS that takes a
processor for an older one works at half width, so on AVX-512 it is also asked for its AVX-512
kernels, and the better figure counts.
"""

import ctypes
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks import subjects
from tests.benchmarks.channel import ROOT

COPIES, MATMULS = 200, 60
SGEMM = 1024
ATTEMPTS = 2
CHAINS, ROUNDS, PEAK_REPEATS = 16, 10_000_000, 12


def _best_seconds(call: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def copy_bytes_per_second(threads: int, size: tuple[int, int]) -> float:
    """Bytes read plus bytes written; each thread copies its own band of rows over and over."""
    source, target = np.ones(size, np.float32), np.zeros(size, np.float32)
    bands = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))
    start = threading.Barrier(threads + 1)
    done = threading.Barrier(threads + 1)

    def run(band: tuple[np.ndarray, np.ndarray]) -> None:
        for _ in range(COPIES):
            start.wait()
            np.copyto(band[1], band[0])
            done.wait()

    for band in bands:
        threading.Thread(target=run, args=(band,), daemon=True).start()

    def once() -> None:
        start.wait()
        done.wait()

    return 2 * source.nbytes / _best_seconds(once, COPIES)


def multiply_add_flops() -> float:
    """float32 flops a second in a square matmul, with as many threads as the BLAS was given."""
    a = np.ones((SGEMM, SGEMM), np.float32)
    out = np.empty_like(a)
    return 2 * SGEMM**3 / _best_seconds(lambda: np.matmul(a, a, out=out), MATMULS)


def fused_multiply_adds() -> Callable[[int], None]:
    """A function that does so many rounds of ``CHAINS`` fused multiply-adds of the widest vectors,
    each waiting only for the one of the round before."""
    import llvmlite.binding as llvm

    kind = f"<{lanes()} x float>"
    name = f"llvm.fma.v{lanes()}f32"
    chains = range(CHAINS)
    entry = "\n".join(f"  %a{k} = phi {kind} [ %x, %entry ], [ %b{k}, %loop ]" for k in chains)
    work = "\n".join(
        f"  %b{k} = call {kind} @{name}({kind} %a{k}, {kind} %x, {kind} %x)" for k in chains
    )
    kept = "\n".join(f"  store volatile {kind} %b{k}, ptr %out" for k in chains)
    text = f"""
declare {kind} @{name}({kind}, {kind}, {kind})
define void @work(i64 %rounds) {{
entry:
  %out = alloca {kind}
  store volatile {kind} zeroinitializer, ptr %out
  %x = load volatile {kind}, ptr %out
  br label %loop
loop:
  %n = phi i64 [ 0, %entry ], [ %next, %loop ]
{entry}
{work}
  %next = add i64 %n, 1
  %more = icmp ult i64 %next, %rounds
  br i1 %more, label %loop, label %done
done:
{kept}
  ret void
}}
"""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(text), target)
    engine.finalize_object()
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64)(engine.get_function_address("work"))

    def work(rounds: int, engine: object = engine) -> None:  # the code lives as long as its engine
        call(rounds)

    return work


def lanes() -> int:
    return next((n for name, n in (("avx512f", 16), ("avx", 8)) if name in cpu_flags()), 4)


def peak_flops(threads: int) -> float:
    """float32 flops a second in registers alone, all threads together."""
    work = fused_multiply_adds()

    def once() -> None:
        running = [threading.Thread(target=work, args=(ROUNDS,)) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return threads * 2 * ROUNDS * CHAINS * lanes() / _best_seconds(once, PEAK_REPEATS)


def of_machine(threads: int) -> dict[str, float]:
    """``copy``, ``flops`` and ``peak`` with all the threads; ``copy_1`` and so on with one."""
    one, several = _measured(1), _measured(threads)
    reached = {name: max(value, one[name]) for name, value in several.items()}
    return reached | {f"{name}_1": value for name, value in one.items()}


def _measured(threads: int) -> dict[str, float]:
    """The best of a few fresh processes with that many threads."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    wide = environment | {"OPENBLAS_CORETYPE": "SKYLAKEX"}
    choices = [environment, wide] if "avx512f" in cpu_flags() else [environment]
    seen = [_measured_once(threads, choice) for choice in choices * ATTEMPTS]
    return {name: max(limits[name] for limits in seen) for name in seen[0]}


def _measured_once(threads: int, environment: dict[str, str]) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.limits", str(threads)],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    return json.loads(answer.stdout)


def cpu_fields() -> dict[str, str]:
    """The first processor's lines of /proc/cpuinfo; empty where there is none."""
    info = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    if info.exists():
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    return fields


def cpu_flags() -> list[str]:
    return cpu_fields().get("flags", "").split()


if __name__ == "__main__":
    threads = int(sys.argv[1])
    size = (subjects.ROWS, subjects.COLUMNS)
    print(
        json.dumps(
            {
                "flops": multiply_add_flops(),
                "copy": copy_bytes_per_second(threads, size),
                "peak": peak_flops(threads),
            }
        )
    )
