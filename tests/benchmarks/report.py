"""The measured figures as a table, as JSON and as a picture."""

import json
import platform
import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import alignments, contractions, limits, networks, recurrence, subjects
from tests.benchmarks.channel import FRAMEWORKS
from tests.benchmarks.driver import OURS, Figure, Results

TITLES = {
    **{name: spec.title for name, spec in subjects.MLPS.items()},
    "mlp_small_run": "MLP 64-32-10 by plain sess.run([loss, train], {...})",
    **{name: spec.title for name, spec in subjects.ROWS_BY_NAME.items()},
    **{name: spec.title for name, spec in (networks.TRAINED | networks.INFERRED).items()},
    **{spec.name: spec.title for spec in (*recurrence.TRAINED.values(), alignments.CTC)},
    **{name: spec.title for name, spec in (recurrence.INFERRED | recurrence.LOOPS).items()},
    **{
        f"compile_{name}_{caches}": f"build and first step, {caches} caches: {spec.title}"
        for name, spec in recurrence.COMPILED.items()
        for caches in ("empty", "full")
    },
    "new_batch": "first step at a new batch size, small MLP",
    "first_step_cold": "build and first step, MLP 64-32-10, empty caches",
    "first_step_warm": "build and first step, MLP 64-32-10, full caches",
    "import": "import, over a bare interpreter",
    **{f"unrolled_{n}": f"unrolled cell, about {n:,} nodes" for n in subjects.SCALING_NODES},
}
RIVALS = {  # a family's title, and whose faster time ours is compared with
    "products": ("matrix products, m x n x k", ("OpenBLAS", "OpenBLAS wide")),
    "fused_products": (
        "relu(matrix product + bias), against two passes more",
        ("OpenBLAS", "OpenBLAS wide"),
    ),
    "convolutions": ("convolutions and their gradients", ("TF1 graph", "torch eager")),
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
    trained = subjects.MLPS | recurrence.TRAINED
    if figure.subject in trained:
        rate = trained[figure.subject].flops / figure.median
        return f"{100 * rate / reached['peak']:.0f} % of peak"
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
            f"{reached['flops_1'] / 1e9:.0f} GFLOP/s on one, {reached['flops'] / 1e9:.0f} on all, "
            f"in registers {reached['peak_1'] / 1e9:.0f} and {reached['peak'] / 1e9:.0f}"
        )
    for family in contractions.FAMILIES:
        lines += family_lines(family, results, reached)
    for subject in single_subjects(results):
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


def single_subjects(results: Results) -> list[str]:
    """The subjects with a table of their own."""
    names = dict.fromkeys(figure.subject for figure in results.figures)
    return [name for name in names if name not in contractions.BY_NAME]


def family_lines(family: str, results: Results, reached: dict[str, float]) -> list[str]:
    """A line a shape: everybody's time, ours over the faster rival's, and both errors."""
    title, rivals = RIVALS[family]
    by_subject: dict[str, dict[str, Figure]] = {}
    for figure in results.figures:
        by_subject.setdefault(figure.subject, {})[figure.framework] = figure
    rows = {s: by_subject[s.name] for s in contractions.FAMILIES[family] if s.name in by_subject}
    names = [f.name for f in FRAMEWORKS if any(f.name in row for row in rows.values())]
    ratios, lines = [], []
    for spec, row in rows.items():
        times = "".join(f"{time_text(row[n].median) if n in row else '':>14}" for n in names)
        known = {n: row[n].ratio or 0.0 for n in rivals if n in row}
        line = f"  {spec.title:42}{times}"
        if OURS in row:
            rate = spec.flops / row[OURS].median
            share = f"{100 * rate / reached['peak']:.0f} %" if reached else ""
            line += f"{rate / 1e9:>9.0f}{share:>8}"
        if OURS in row and known:
            rival = max(known, key=known.__getitem__)
            ratios.append(known[rival])
            errors = (results.errors[spec.name][name] for name in (OURS, rival))
            line += f"{known[rival]:>10.2f}" + "".join(f"{error:>10.1e}" for error in errors)
        lines.append(line)
    if not lines:
        return []
    head = "".join(f"{name:>14}" for name in names)
    columns = f"{'GFLOP/s':>9}{'of peak':>8}{'ours/its':>10}{'error':>10}{'its':>10}"
    against = f"the faster of {' and '.join(rivals)}"
    mean = f"  geometric mean of ours/its, {against}: {statistics.geometric_mean(ratios):.2f}"
    return ["", title, f"  {'':42}{head}{columns}", *lines, *([mean] if ratios else [])]


def as_json(results: Results, reached: dict[str, float], about: dict[str, object]) -> str:
    content = {"machine": about, "limits": reached} | asdict(results)
    return json.dumps(content, indent=1) + "\n"


def picture(results: Results, path: Path) -> None:
    """A panel a subject, a bar a framework, on a logarithmic scale; graphc stands out."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = single_subjects(results)
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
