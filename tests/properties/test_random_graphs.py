"""Random graphs: every pass keeps every value, verified and evaluated by the reference device;
compiled ones give the same values, as plain Python and as machine code.

Passes may change rounding (a sum spelled another way) and stability rows may come nearer to the
exact value, so values are compared within what rounding can do to them, and that is measured: the
graph is also evaluated with each inexact result off by a few units in the last place.  Where that
noise moves a result much (a difference of equal numbers, a step), a mismatch means nothing and is
let through.

    GRAPHC_RANDOM_GRAPHS=20000 pytest tests/properties    more than CI's 2,000 (100 compiled)
"""

import os
from unittest import mock

import numpy as np
import pytest

from graphc.compiler import compile_graph
from graphc.errors import InvalidArgumentError
from graphc.ir.edit import extract
from graphc.ir.graph import Graph
from graphc.ir.op import Kind
from graphc.ir.text import print_graph
from graphc.ops.running import precision
from graphc.passes.cut import cut
from graphc.passes.options import Options
from graphc.passes.specialise import specialise
from graphc.pipeline import Record, run_pipeline
from runtime.devices.reference import evaluate as reference
from tests.devices import on_cpu
from tests.plain_program import run_program
from tests.properties.random_graphs import Drawn, draw

COUNT = int(os.environ.get("GRAPHC_RANDOM_GRAPHS", "2000"))
COMPILED = COUNT // 20
CHUNK = 50
COMPILED_CHUNK = 10
EXACT = (Kind.VIEW, Kind.SOURCE, Kind.EFFECT, Kind.GATHER, Kind.HOST, Kind.OPAQUE)
NOISE = 8  # units in the last place
SLACK = 100  # how many times the measured effect of noise is allowed


@pytest.mark.parametrize("first", range(0, COUNT, CHUNK))
def test_every_pass_keeps_every_value(first: int) -> None:
    for seed in range(first, first + CHUNK):
        wrong = mismatch(seed)
        if wrong:
            smallest = next((k for k in range(5, 60) if mismatch(seed, k)), 60)
            pytest.fail(mismatch(seed, smallest) or wrong)


@pytest.mark.parametrize("device", ["plain", "cpu"])
@pytest.mark.parametrize("first", range(0, COMPILED, COMPILED_CHUNK))
def test_compiled_graphs_give_the_values_of_the_reference(first: int, device: str) -> None:
    for seed in range(first, first + COMPILED_CHUNK):
        wrong = compiled_mismatch(seed, device)
        if wrong:
            smallest = next((k for k in range(5, 60) if compiled_mismatch(seed, device, k)), 60)
            pytest.fail(compiled_mismatch(seed, device, smallest) or wrong)


def compiled_mismatch(seed: int, device: str, most: int = 60) -> str | None:
    """What the compiled graph computes that the reference does not; None when nothing."""
    drawn = draw(seed, most)
    if device == "cpu" and drawn.random:
        return None  # a session draws its own keys
    runs = reference_results(drawn)
    if runs is None:
        return None
    wanted, *noisy = runs
    variables = {key: value.copy() for key, value in drawn.variables.items()}
    if device == "cpu":
        values = on_cpu(drawn.graph, drawn.feeds, drawn.fetches, drawn.targets, variables)
    else:
        program = compile_graph(drawn.graph, list(drawn.feeds), drawn.fetches, drawn.targets)
        values = run_program(program, list(drawn.feeds.values()), variables, drawn.random)
    got = {f"fetch {k}": np.asarray(v) for k, v in enumerate(values)} | variables
    for name, value in wanted.items():
        wrong = differs(value, got[name], [other[name] for other in noisy])
        if wrong:
            text = print_graph(extract(drawn.graph, (), drawn.fetches, drawn.targets), sites=False)
            return f"seed {seed}, most {most}, {device}: {name}: {wrong}\n{text}"
    return None


def mismatch(seed: int, most: int = 60) -> str | None:
    """What differs after which pass; None when nothing does."""
    drawn = draw(seed, most)
    runs = reference_results(drawn)
    if runs is None:
        return None
    wanted, *noisy = runs
    graph, _ = cut(drawn.graph, list(drawn.feeds), drawn.fetches, drawn.targets, {})
    graph = specialise(graph, {})
    records: list[Record] = []
    sequenced = False
    run_pipeline(graph, Options(check=True), records.append)
    for record in records:
        sequenced |= record.name == "sequence-effects"
        if not record.changed:
            continue
        got = results(record.after, drawn, sequenced=sequenced)
        for name, value in wanted.items():
            wrong = differs(value, got[name], [other[name] for other in noisy])
            if wrong:
                texts = print_graph(record.before, sites=False), record.after_text
                return f"seed {seed}, most {most}: {name} after {record.name}: {wrong}\n" + "".join(
                    texts
                )
    return None


def results(
    graph: Graph, drawn: Drawn, noise: int = 0, sequenced: bool = False
) -> dict[str, np.ndarray]:
    """The fetches by position and the variables by key, after one run."""
    variables = {key: value.copy() for key, value in drawn.variables.items()}
    inputs, fetches, targets = graph.inputs, graph.outputs, graph.targets
    if graph is drawn.graph:  # the user's graph, which has no roots of its own
        inputs, fetches, targets = tuple(drawn.feeds), drawn.fetches, drawn.targets
    fed = {x.name: value for x, value in drawn.feeds.items()}
    feeds = {x: fed.pop(x.name) for x in inputs}
    # What nothing reads is fed all the same: its sizes may be wanted.
    feeds |= {x: value for x, value in drawn.feeds.items() if x.name in fed}
    shaken = _Shaken(noise) if noise else precision.reference_values
    with mock.patch.object(reference, "reference_values", shaken), np.errstate(all="ignore"):
        values = reference.evaluate(
            graph, feeds, fetches, variables=variables, random=drawn.random, targets=targets,
            sequenced=sequenced,
        )  # fmt: skip
    return {f"fetch {k}": v for k, v in enumerate(values)} | variables


def reference_results(drawn: Drawn) -> list[dict[str, np.ndarray]] | None:
    """What to expect, then the same under rounding noise three times.

    None where a run fails: an index that noise moves, or that comes from a variable once written.
    """
    try:
        return [results(drawn.graph, drawn, noise) for noise in range(4)]
    except InvalidArgumentError:
        return None


class _Shaken:
    """Reference values whose inexact results are off by a few units in the last place.

    With an odd seed, what is that small beside the operands it came from is 0 too.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.cancels = seed % 2 == 1

    def __call__(self, op, arrays, *types):
        outputs = precision.reference_values(op, arrays, *types)
        if op.kind in EXACT:
            return outputs
        read = [np.abs(a).max(initial=0) for a in arrays if np.asarray(a).dtype.kind in "fc"]
        return tuple(self.off(output, max(read, default=0)) for output in outputs)

    def off(self, array: np.ndarray, read: float) -> np.ndarray:
        if array.dtype.kind not in "fc":
            return array
        step = NOISE * np.finfo(array.dtype).eps
        by: np.ndarray = self.rng.uniform(-1, 1, array.shape)
        if array.dtype.kind == "c":  # a part is off by what is small beside the whole
            by = by + 1j * self.rng.uniform(-1, 1, array.shape)
        moved = array * (1 + step * by)
        if self.cancels:
            moved = np.where(np.abs(array) < step * read, 0, moved)
        return np.asarray(moved, array.dtype)


def differs(want: np.ndarray, got: np.ndarray, noisy: list[np.ndarray]) -> str | None:
    if want.dtype != got.dtype or want.shape != got.shape:
        return f"{got.dtype}{list(got.shape)} for {want.dtype}{list(want.shape)}"
    if any(other.shape != want.shape for other in noisy):
        return None  # a count that noise changes
    if want.dtype.kind not in "fc":
        steady = np.all([other == want for other in noisy], axis=0)
        wrong = steady & (want != got)
    else:
        with np.errstate(all="ignore"):
            spread = np.max([np.abs(other - want) for other in noisy], axis=0)
            allowed = SLACK * (spread + np.finfo(want.dtype).eps * np.abs(want))
            finite = np.isfinite(want) & np.isfinite(spread)
            wrong = finite & ~(np.abs(got - want) <= allowed)
    if not wrong.any():
        return None
    at = tuple(int(k) for k in np.argwhere(wrong)[0])
    return f"{got[at]!r} for {want[at]!r} at {list(at)}"


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_makes_one_graph(seed: int) -> None:
    assert print_graph(draw(seed).graph, sites=False) == print_graph(draw(seed).graph, sites=False)


def test_drawn_graphs_hold_most_ops_and_are_long() -> None:
    drawn = [draw(seed) for seed in range(200)]
    used = {node.op.name for each in drawn for node in each.graph.nodes}
    assert len(used) > 90
    assert np.mean([len(each.graph.nodes) for each in drawn]) > 30


def test_the_comparison_sees_a_wrong_value() -> None:
    one = np.ones(3)
    assert (
        differs(one, one * (1 + 1e-9), [one])
        == "np.float64(1.000000001) for np.float64(1.0) at [0]"
    )
    assert differs(one, one.astype(np.float32), [one]) == "float32[3] for float64[3]"
    assert differs(one, one * (1 + 1e-9), [one + 1e-10]) is None
    assert differs(np.arange(3), np.zeros(3, int), [np.arange(3)]) is not None
