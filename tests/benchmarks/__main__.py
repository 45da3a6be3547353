"""``make bench``: measure, print the table, leave it in out/ with the JSON and a picture."""

import argparse
import os
from pathlib import Path

from tests.benchmarks import (
    alignments,
    contractions,
    limits,
    networks,
    recurrence,
    report,
    subjects,
)
from tests.benchmarks.driver import Settings, available, measure, parse_pythons
from tests.benchmarks.quiet import Gate

GROUPS = (
    *subjects.MLPS,
    "mlp_small_run",
    *subjects.ROWS_BY_NAME,
    *contractions.FAMILIES,
    *networks.TRAINED,
    *networks.INFERRED,
    *recurrence.TRAINED,
    *recurrence.INFERRED,
    *recurrence.LOOPS,
    alignments.CTC.name,
    "compile",
    "new_batch",
    "memory",
    "first_step",
    "import",
    "scaling",
)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", help=f"comma-separated, of: {', '.join(GROUPS)}")
    parser.add_argument("--frameworks", help="comma-separated names; all that are found otherwise")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2, help="cores everything is held to")
    parser.add_argument("--quick", action="store_true", help="fewer processes, the smallest graph")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds to wait in all for a quiet machine"
    )
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="path without suffix")
    return parser.parse_args()


def hold_to(threads: int) -> int:
    """Keep this process and the workers on so many cores; returns how many there are."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, cores)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    os.environ.update(dict.fromkeys(names, str(len(cores))))
    return len(cores)


def main() -> None:
    options = arguments()
    wanted = frozenset(options.only.split(",")) if options.only else frozenset(GROUPS)
    if unknown := wanted - set(GROUPS):
        raise SystemExit(f"no such subject: {', '.join(sorted(unknown))}")
    threads = hold_to(options.threads)
    pythons = parse_pythons(os.environ.get("GRAPHC_BENCH_PYTHONS", ""))
    frameworks = available(pythons)
    if options.frameworks:
        chosen = options.frameworks.split(",")
        frameworks = tuple(row for row in frameworks if row.name in chosen)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    log = options.out.with_suffix(".log")
    log.unlink(missing_ok=True)

    gate = Gate(threads, options.patience)
    gate.wait()
    reached = limits.of_machine(threads)
    about = report.machine(threads)
    settings = Settings(pythons, options.rounds, log, frameworks, gate)
    results = measure(settings, wanted, options.quick)

    gate.wait()
    later = limits.of_machine(threads)
    reached = {name: max(value, later[name]) for name, value in reached.items()}
    about["neighbours"] = gate.summary()
    text = report.table(results, reached, about)
    print(text, end="")
    options.out.with_suffix(".txt").write_text(text)
    options.out.with_suffix(".json").write_text(report.as_json(results, reached, about))
    try:
        report.picture(results, options.out.with_suffix(".png"))
    except ModuleNotFoundError as missing:
        print(f"no picture: {missing}")


if __name__ == "__main__":
    main()
