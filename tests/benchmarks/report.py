"""The measured figures as a table, as JSON and as a picture."""

import json
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import limits, subjects
from tests.benchmarks.driver import OURS, Figure, Results

TITLES = {
    **{name: spec.title for name, spec in subjects.MLPS.items()},
    "mlp_small_run": "MLP 64-32-10 by plain sess.run([loss, train], {...})",
    **{name: spec.title for name, spec in subjects.ROWS_BY_NAME.items()},
    "new_batch": "first step at a new batch size, small MLP",
    "first_step_cold": "build and first step, MLP 64-32-10, empty caches",
    "first_step_warm": "build and first step, MLP 64-32-10, full caches",
    "import": "import, over a bare interpreter",
    **{f"unrolled_{n}": f"unrolled cell, about {n:,} nodes" for n in subjects.SCALING_NODES},
}


def machine(threads: int) -> dict[str, object]:
    """What the figures depend on, and nothing that names a particular computer."""
    fields, flags = limits.cpu_fields(), limits.cpu_flags()
    widest = next((name for name in ("avx512f", "avx2", "sse4_2") if name in flags), "")
    return {
        "cpu": fields.get("model name", platform.machine()),
        "family": f"{fields.get('cpu family', '?')}/{fields.get('model', '?')}",
        "vectors": widest,
        "threads": threads,
        "system": platform.system(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def time_text(seconds: float) -> str:
    units = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))
    unit, scale = next((row for row in units if abs(seconds) >= row[1]), units[-1])
    value = seconds / scale
    return f"{value:.0f} {unit}" if abs(value) >= 100 else f"{value:.3g} {unit}"


def share_text(figure: Figure, reached: dict[str, float]) -> str:
    """How much of the machine's limit the subject's least traffic or arithmetic comes to."""
    if figure.subject in subjects.ROWS_BY_NAME:
        moved = subjects.ROWS_BY_NAME[figure.subject].bytes_moved / figure.median
        return f"{100 * moved / reached['copy']:.0f} % of copy"
    if figure.subject in subjects.MLPS:
        rate = subjects.MLPS[figure.subject].flops / figure.median
        return f"{100 * rate / reached['flops']:.0f} % of peak"
    return ""


def facts_text(figure: Figure) -> str:
    facts = dict(figure.facts)
    if "nodes" in facts:
        nodes = f"{facts['nodes']:,} nodes, " if facts["nodes"] else ""
        built = time_text(facts["build_s"])
        return f"{nodes}built in {built}, peak {facts['peak_bytes'] / 2**20:.0f} MiB"
    if "compiled" in facts:
        return f"kernels compiled: {facts['compiled']}"
    if figure.framework == OURS and "loaded when warm" in facts:
        return f"loaded when warm: {', '.join(facts['loaded when warm']) or 'neither'}"
    return ""


def table(results: Results, reached: dict[str, float], about: dict[str, object]) -> str:
    """One block a subject, the fastest first; ``ours/its`` below 1 means graphc is faster."""
    lines = [", ".join(f"{key} {value}" for key, value in about.items())]
    lines.append(", ".join(f"{name} {version}" for name, version in results.versions.items()))
    if reached:
        lines.append(
            f"limits: copy {reached['copy_1'] / 1e9:.0f} GB/s on one thread, "
            f"{reached['copy'] / 1e9:.0f} on all; multiply-add "
            f"{reached['flops_1'] / 1e9:.0f} GFLOP/s on one, {reached['flops'] / 1e9:.0f} on all"
        )
    for subject in dict.fromkeys(figure.subject for figure in results.figures):
        rows = [figure for figure in results.figures if figure.subject == subject]
        lines += ["", TITLES[subject]]
        lines.append(f"  {'':16}{'median':>10}{'p10':>10}{'p90':>10}{'ours/its':>10}")
        for row in sorted(rows, key=lambda row: row.median):
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            times = "".join(f"{time_text(t):>10}" for t in (row.median, row.p10, row.p90))
            extra = share_text(row, reached) if reached else ""
            extra = extra or facts_text(row)
            lines.append(f"  {row.framework:16}{times}{ratio:>10}  {extra}".rstrip())
    if results.memory:
        lines += ["", "memory plan: peak bytes, of the bound"]
    for name, (peak, bound) in results.memory.items():
        ratio = f"{peak / bound:.3f}" if bound else "nothing to place"
        lines.append(f"  {TITLES.get(name, TITLES.get(f'unrolled_{name}')):44}{peak:>12,}  {ratio}")
    if results.notes:
        lines += ["", "Not measured", *(f"  {note}" for note in results.notes)]
    return "\n".join(lines) + "\n"


def as_json(results: Results, reached: dict[str, float], about: dict[str, object]) -> str:
    content = {"machine": about, "limits": reached} | asdict(results)
    return json.dumps(content, indent=1) + "\n"


def picture(results: Results, path: Path) -> None:
    """A panel a subject, a bar a framework, on a logarithmic scale; graphc stands out."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(figure.subject for figure in results.figures))
    columns = max(1, min(3, len(names)))
    rows = max(1, -(-len(names) // columns))
    figure, axes = plt.subplots(
        rows, columns, figsize=(5.4 * columns, 2.4 * rows), squeeze=False, layout="constrained"
    )
    for axis in axes.flat[len(names) :]:
        axis.axis("off")
    for axis, subject in zip(axes.flat, names, strict=False):
        bars = [row for row in results.figures if row.subject == subject]
        bars.sort(key=lambda row: -row.median)
        colours = ["#c1440e" if row.framework == OURS else "#8aa0b5" for row in bars]
        drawn = axis.barh(
            [row.framework for row in bars], [row.median for row in bars], color=colours
        )
        axis.bar_label(drawn, [time_text(row.median) for row in bars], padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.margins(x=0.25)
        axis.set_title(TITLES[subject], fontsize=9)
        axis.tick_params(labelsize=8)
        axis.xaxis.set_major_formatter(lambda value, _: time_text(value))
        axis.xaxis.set_minor_formatter("")
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
