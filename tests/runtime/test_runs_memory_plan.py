"""Temporaries: nothing is read that another value has overwritten, nor anything nobody wrote."""

from collections import Counter
from collections.abc import Iterator
from math import prod

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import compile_graph
from graphc.ir.dtype import as_dtype
from graphc.lowering.memory_plan import ALIGNMENT
from graphc.lowering.program import Again, Place, Program, Turns
from graphc.passes.options import Options
from runtime.executor import Executor
from runtime.feeds import bind_dims
from runtime.memory import Arena
from runtime.plan import ARENA, Plan, Sizes, bind
from runtime.session import Session
from tests.properties.random_graphs import Drawn, draw
from tests.runtime.models import MODELS, assert_same_bits, ready, state_of

RANDOM_GRAPHS = 60
RANDOM_RUNS = 6
NOBODY = -1


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def plan_of(program: Program, sizes: dict[str, int]) -> Plan:
    return bind(program, Sizes(program), [0] * len(program.kernels), sizes)


def faults(plan: Plan) -> list[str]:
    """What goes wrong when the steps are followed, each piece of the arena knowing who wrote it.

    Looks at places and sizes only: no live range and no other idea of the planner's is used.
    """
    program = plan.program
    owner = np.full(plan.memory.peak // ALIGNMENT, NOBODY)
    found = []

    def pieces(buffer: int) -> np.ndarray:
        size = prod(plan.shapes[buffer]) * as_dtype(program.buffers[buffer].dtype).size
        start = plan.memory.offsets[buffer]
        assert start % ALIGNMENT == 0
        assert start + size <= plan.memory.peak
        return owner[start // ALIGNMENT : -(-(start + size) // ALIGNMENT)]

    def check(number: int, buffer: int) -> None:
        writers = set(pieces(buffer)) - {buffer}
        if writers:
            found.append(f"step {number} needs {buffer}, where {writers} wrote")

    known: set[int] = set()
    for number in followed(program):
        step = program.steps[number]
        reads, writes = (
            [b for b in map(program.base, buffers) if program.buffers[b].place is Place.ARENA]
            for buffers in (program.reads(step), program.writes(step))
        )
        for buffer in reads:  # a kernel may read back what it has written: its first step is no use
            if buffer in known or buffer not in writes:
                check(number, buffer)
        for buffer in writes:
            pieces(buffer)[:] = buffer
        for buffer in (*reads, *writes):
            check(number, buffer)
        known.update(writes)
    return found


def followed(program: Program) -> Iterator[int]:
    """The steps as they are run, two turns of every loop."""
    begins: dict[int, int] = {}
    turns: Counter[int] = Counter()
    at = 0
    while at < len(program.steps):
        yield at
        step = program.steps[at]
        if isinstance(step, Turns):
            begins[step.loop], turns[step.loop] = at, 0
        elif isinstance(step, Again):
            turns[step.loop] += 1
            if turns[step.loop] < 2:
                at = begins[step.loop]
        at += 1


def drawn_plans(seed: int) -> list[Plan]:
    drawn = draw(seed)
    feeds = list(drawn.feeds)
    sizes = bind_dims(feeds, list(drawn.feeds.values()))
    programs = [
        compile_graph(drawn.graph, feeds, drawn.fetches, drawn.targets, options)
        for options in (Options(), Options(level=0))
    ]
    return [plan_of(p, sizes | dict.fromkeys(data_sizes(p), 3)) for p in programs]


@pytest.mark.parametrize("first", range(0, RANDOM_GRAPHS, 20))
def test_no_value_is_lost_in_plans_of_random_graphs(first):
    planned = 0
    for seed in range(first, first + 20):
        for plan in drawn_plans(seed):
            planned += plan.memory.peak > 0
            assert faults(plan) == [], f"seed {seed}"
    assert planned > 10


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("batch", [1, 37, 512])
def test_no_value_is_lost_in_plans_of_models(make, batch):
    model = make()
    feeds = model.feeds(batch, 0)
    program = compile_graph(tf.get_default_graph(), list(feeds), model.fetches, [model.train])
    sizes = bind_dims(list(feeds), list(feeds.values()))
    sizes |= dict.fromkeys(data_sizes(program), batch)
    assert faults(plan_of(program, sizes)) == []


def data_sizes(program: Program) -> list[str]:
    return [name for step in program.steps for *_, name in getattr(step, "binds", ())]


def test_the_check_finds_overlaps():
    model = MODELS[1]()
    feeds = model.feeds(50, 0)
    program = compile_graph(tf.get_default_graph(), list(feeds), model.fetches, [model.train])
    plan = plan_of(program, {"rows": 50})
    temporaries = [b for b in plan.memory.offsets if prod(plan.shapes[b]) > ALIGNMENT]
    assert len(temporaries) > 1
    plan.memory.offsets.update(dict.fromkeys(temporaries, 0))
    assert faults(plan)


def test_every_arena_address_in_a_table_is_its_buffers_place():
    model = MODELS[0]()
    feeds = model.feeds(48, 0)
    program = compile_graph(tf.get_default_graph(), list(feeds), model.fetches, [model.train])
    plan = plan_of(program, {"batch": 48})
    assert set(plan.table.image[plan.table.relocations[ARENA]]) <= set(plan.memory.offsets.values())


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every arena is full of ones (NaN, -1, true) when a run gets it; counts them."""
    taken: list[int] = []
    take = Executor.take_arena

    def poison(self: Executor, size: int) -> Arena:
        arena = take(self, size)
        arena.memory[:] = 0xFF
        taken.append(size)
        return arena

    monkeypatch.setattr(Executor, "take_arena", poison)
    return taken


def outcome(drawn: Drawn) -> list:
    """Two runs of a drawn graph, and the variables they leave."""
    with Session(graph=drawn.graph) as sess:
        sess.variables.entropy = 0
        for key, value in drawn.variables.items():
            sess.variables.set(key, value)
        runs = [sess.run([*drawn.fetches, *drawn.targets], drawn.feeds) for _ in range(2)]
        return [*runs, state_of(sess)]


@pytest.mark.parametrize("seed", range(RANDOM_RUNS))
def test_random_graphs_read_nothing_from_a_poisoned_arena(seed, poisoned, monkeypatch):
    drawn = draw(seed, 25)
    dirty = outcome(drawn)
    monkeypatch.undo()
    assert_same_bits(outcome(drawn), dirty)


@pytest.mark.parametrize("make", MODELS[:4])
def test_models_read_nothing_from_a_poisoned_arena(make, poisoned, monkeypatch):
    def steps() -> list:
        tf.reset_default_graph()
        tf.set_random_seed(1)
        model = make()
        with ready(model) as sess:
            seen = [sess.run(model.everything, model.feeds(n, n)) for n in (9, 200, 9)]
            return [*seen, state_of(sess)]

    dirty = steps()
    assert poisoned
    monkeypatch.undo()
    assert_same_bits(steps(), dirty)
