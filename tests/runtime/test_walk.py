"""The native walk: what each row does, and where a walk stops and goes on."""

import signal
from types import FrameType, SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from runtime.devices.cpu.boot import Native
from runtime.devices.cpu.table import (
    COMMITTED,
    DONE,
    FAILED,
    HOST_ROW,
    NEEDS_DIMS,
    PC,
    ROW,
    SLICE,
    SLICED,
    STATUS,
    Entry,
    Relative,
    RunState,
    TableBuilder,
)


class Program:
    """A table under construction with a log that its `say` rows append to."""

    def __init__(self, kernels: SimpleNamespace) -> None:
        self.kernels = kernels
        self.build = TableBuilder()
        self.log = self.build.block([0] * 4000)

    def say(self, word: int | Relative) -> None:
        """Append a number, or what a word holds when the row is reached."""
        place = word if isinstance(word, Relative) else self.build.counter(word)
        block = self.build.block([self.log, place])
        self.build.launch(self.kernels.note, [Entry(block, 1, 1)])

    def state(self) -> RunState:
        return self.build.build().state()

    def said(self, state: RunState) -> list[int]:
        first = state.index(self.log)
        return state.words[first + 1 : first + 1 + state.words[first]].tolist()


@pytest.fixture
def program(kernels: SimpleNamespace) -> Program:
    return Program(kernels)


def test_rows_run_in_order(program: Program, native: Native) -> None:
    for number in range(5):
        program.say(number)
    state = program.state()
    assert native.run(state) == DONE
    assert program.said(state) == [0, 1, 2, 3, 4]


def test_a_launch_covers_every_entry_whole(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    words = build.block([0] * 12)
    blocks = [build.block([words.word(start)]) for start in (0, 3, 10)]
    entries = [Entry(block, extent, 2) for block, extent in zip(blocks, (3, 7, 0), strict=True)]
    build.launch(kernels.visit, entries)
    state = build.build().state()
    assert native.run(state) == DONE
    first = state.index(words)
    assert state.words[first : first + 12].tolist() == [1] * 10 + [0] * 2


def test_a_failed_check_stops_the_walk_at_its_row(program: Program, native: Native) -> None:
    build = program.build
    masks = build.block([4, 0, 2])
    program.say(1)
    row = build.launch(
        program.kernels.fail, [Entry(build.block([masks]), 3, 3)], tag="the one that fails"
    )
    program.say(2)
    state = program.state()
    assert native.run(state) == FAILED
    assert state.words[ROW] == row
    assert state.words[STATUS] == 6
    assert state.table.tags[row] == "the one that fails"
    assert program.said(state) == [1]


@pytest.mark.parametrize("fails_before_commit", [True, False])
def test_a_failed_run_knows_whether_it_committed(
    program: Program, native: Native, fails_before_commit: bool
) -> None:
    build = program.build
    block = build.block([build.counter(1)])
    if not fails_before_commit:
        commit = build.commit()
    build.launch(program.kernels.fail, [Entry(block, 1, 1)])
    if fails_before_commit:
        build.commit()
    state = program.state()
    for _ in range(2):
        assert native.run(state) == FAILED
        assert state.words[COMMITTED] == (0 if fails_before_commit else commit + 1)


def test_copy_moves_bytes(program: Program, native: Native) -> None:
    source = np.arange(100, dtype=np.uint8)
    target = np.zeros(100, np.uint8)
    program.build.copy(target.ctypes.data + 3, source.ctypes.data + 10, 77)
    assert native.run(program.state()) == DONE
    assert target.tolist() == [0] * 3 + list(range(10, 87)) + [0] * 20


@pytest.mark.parametrize(("left", "said"), [(1, [1, 3]), (9, [2, 3])])
def test_branch_takes_one_side(
    program: Program, native: Native, left: int, said: list[int]
) -> None:
    build = program.build
    predicate = build.counter()
    pointer = build.block([predicate])
    block = build.block([predicate, build.counter(left), build.counter(5)])
    build.launch(program.kernels.is_below, [Entry(block, 1, 1)])
    otherwise = build.branch(pointer)
    program.say(1)
    end = build.jump()
    build.land(otherwise)
    program.say(2)
    build.land(end)
    program.say(3)
    state = program.state()
    assert native.run(state) == DONE
    assert program.said(state) == said


@pytest.mark.parametrize("trips", [0, 1, 4])
def test_a_loop_runs_its_trip_count(program: Program, native: Native, trips: int) -> None:
    build = program.build
    counter, limit = build.counter(77), build.counter(trips)
    begin = build.loop_begin(counter, limit)
    body = build.next_row()
    program.say(counter)
    build.loop_next(counter, limit, body)
    build.land(begin)
    state = program.state()
    for run in range(1, 3):
        assert native.run(state) == DONE
        assert program.said(state) == list(range(trips)) * run


def test_a_while_loop_ends_when_its_predicate_does(program: Program, native: Native) -> None:
    build = program.build
    value, one, limit = (build.counter(number) for number in (0, 1, 5))
    predicate = build.counter()
    counter, forever = build.counter(), build.counter(2**62)
    begin = build.loop_begin(counter, forever)
    body = build.next_row()
    test = build.block([predicate, value, limit])
    build.launch(program.kernels.is_below, [Entry(test, 1, 1)])
    leave = build.branch(build.block([predicate]))
    build.launch(program.kernels.add, [Entry(build.block([value, value, one]), 1, 1)])
    build.loop_next(counter, forever, body)
    build.land(begin)
    build.land(leave)
    program.say(value)
    state = program.state()
    assert native.run(state) == DONE
    assert program.said(state) == [5]


def test_advance_steps_through_scanned_operands(program: Program, native: Native) -> None:
    build = program.build
    rows = build.block([10, 20, 30])
    counter, trips = build.counter(), build.counter(3)
    forward, backward = (build.block([program.log, 0]) for _ in range(2))
    begin = build.loop_begin(counter, trips)
    body = build.next_row()
    slots = [(forward.word(1), rows, 8), (backward.word(1), rows.word(2), -8)]
    build.advance(counter, slots)
    for block in (forward, backward):
        build.launch(program.kernels.note, [Entry(block, 1, 1)])
    build.loop_next(counter, trips, body)
    build.land(begin)
    state = program.state()
    assert native.run(state) == DONE
    assert program.said(state) == [10, 30, 20, 20, 30, 10]


def test_swap_alternates_the_buffers_of_a_carry(program: Program, native: Native) -> None:
    build = program.build
    even, odd, one = (build.counter(number) for number in (100, 0, 1))
    step = build.block([0, 0, one])
    counter, trips = build.counter(), build.counter(3)
    after = build.block([program.log, 0])
    begin = build.loop_begin(counter, trips)
    body = build.next_row()
    build.swap(counter, [(step.word(0), odd, even), (step.word(1), even, odd)])
    build.launch(program.kernels.add, [Entry(step, 1, 1)])
    build.loop_next(counter, trips, body)
    build.land(begin)
    build.swap(counter, [(after.word(1), even, odd)])
    build.launch(program.kernels.note, [Entry(after, 1, 1)])
    state = program.state()
    for expected in ([103], [103, 105]):  # the second run starts from what the first left in `even`
        assert native.run(state) == DONE
        assert program.said(state) == expected


def test_assign_spreads_a_size_found_at_run_time(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    size, two, three, double, triple = (build.counter(number) for number in (0, 2, 3, 0, 0))
    build.launch(kernels.add, [Entry(build.block([size, two, three]), 1, 1)])
    build.assign([(double, size, 2), (triple, size, 3)])
    state = build.build().state()
    assert native.run(state) == DONE
    assert [state.words[state.index(place)] for place in (size, double, triple)] == [5, 10, 15]


@pytest.mark.parametrize("parallel", [False, True])
def test_an_entry_may_shrink_to_a_size_found_at_run_time(
    kernels: SimpleNamespace, native: Native, parallel: bool
) -> None:
    build = TableBuilder()
    words = build.block([0] * 10)
    size = build.counter(7)
    entries = build.entries([Entry(build.block([words]), 10, 2)])
    build.assign([(entries.extent(0), size, 1)])
    build.launch(kernels.visit, entries, parallel=parallel)
    state = build.build().state({}, native.pool.address)
    assert native.go_on(state, native.run(state)) == DONE
    first = state.index(words)
    assert state.words[first : first + 10].tolist() == [1] * 7 + [0] * 3


def test_a_host_row_inside_a_loop_is_left_and_resumed(program: Program, native: Native) -> None:
    build = program.build
    counter, trips = build.counter(), build.counter(3)
    begin = build.loop_begin(counter, trips)
    body = build.next_row()
    row = build.host(42, tag="callback")
    program.say(counter)
    build.loop_next(counter, trips, body)
    build.land(begin)
    state = program.state()
    reason, stops = native.run(state), 0
    while reason == HOST_ROW:
        assert state.words[ROW] == row
        assert program.said(state) == list(range(stops))
        stops += 1
        reason = native.go_on(state, native.walk(state.address))
    assert (reason, stops) == (DONE, 3)
    assert program.said(state) == [0, 1, 2]


def test_a_bind_row_asks_for_dims(program: Program, native: Native) -> None:
    row = program.build.bind(7)
    program.say(1)
    state = program.state()
    assert native.run(state) == NEEDS_DIMS
    assert state.words[ROW] == row
    assert native.walk(state.address) == DONE
    assert program.said(state) == [1]


def test_a_walk_cut_into_slices_does_the_same(program: Program, native: Native) -> None:
    build = program.build
    counter, trips = build.counter(), build.counter(3000)
    begin = build.loop_begin(counter, trips)
    body = build.next_row()
    program.say(counter)
    build.loop_next(counter, trips, body)
    build.land(begin)
    state = program.state()
    state.words[SLICE] = 0
    state.words[PC] = 0
    reason, slices = native.walk(state.address), 0
    while reason == SLICED:
        slices += 1
        reason = native.walk(state.address)
    assert reason == DONE
    assert slices > 1
    assert program.said(state) == list(range(3000))


def test_a_signal_reaches_python_during_an_endless_loop(program: Program, native: Native) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    program.build.jump(0)
    state = program.state()
    state.words[SLICE] = 1_000_000
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(Interrupted):
            native.run(state)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_the_clock_counts_what_each_row_did(program: Program, native: Native) -> None:
    build = program.build
    program.say(0)
    counter, trips = build.counter(), build.counter(5)
    begin = build.loop_begin(counter, trips)
    body = build.next_row()
    program.say(counter)
    build.loop_next(counter, trips, body)
    build.land(begin)
    never = build.jump()
    program.say(9)
    build.land(never)
    state = program.state()
    assert native.run(state) == DONE
    assert not state.clock().any()
    state.stamp(True)
    assert native.run(state) == DONE
    clock = state.clock()
    assert clock[:, 3].tolist() == [1, 1, 5, 5, 1, 0, 0]
    ran = clock[clock[:, 3] > 0]
    assert (ran[:, 0] <= ran[:, 1]).all()
    assert (ran[:, 2] <= ran[:, 1] - ran[:, 0]).all()
    assert (np.diff(ran[[0, 1, 4], 0]) >= 0).all()
    state.stamp(False)
    assert native.run(state) == DONE
    assert not state.clock().any()


def test_states_of_one_table_share_no_word(program: Program, native: Native) -> None:
    program.say(1)
    table = program.build.build()
    first, second = table.state(), table.state()
    for _ in range(3):
        assert native.run(first) == DONE
    assert native.run(second) == DONE
    assert program.said(first) == [1, 1, 1]
    assert program.said(second) == [1]


def test_a_state_follows_an_arena_that_moves(kernels: SimpleNamespace, native: Native) -> None:
    build = TableBuilder()
    build.launch(kernels.visit, [Entry(build.block([Relative("arena", 16)]), 2, 2)])
    table = build.build()
    assert table.bases == {"arena"}
    old, new = np.zeros(4, np.int64), np.zeros(4, np.int64)
    state = table.state({"arena": old.ctypes.data})
    assert native.run(state) == DONE
    state.rebase("arena", new.ctypes.data)
    assert native.run(state) == DONE
    assert native.run(state) == DONE
    assert old.tolist() == [0, 0, 1, 1]
    assert new.tolist() == [0, 0, 2, 2]


def test_a_scalar_result_is_read_in_its_own_type(native: Native) -> None:
    build = TableBuilder()
    build.counter()
    place = build.scalar()
    source = np.array([1.5 - 2j])
    build.copy(place, source.ctypes.data, 16)
    state = build.build().state()
    assert native.run(state) == DONE
    value = state.value(place, np.dtype(np.complex128))[0]
    assert type(value) is np.complex128
    assert value == 1.5 - 2j


# Random programs: numbers to say, loops and branches, nested.
STATEMENTS = st.recursive(
    st.integers(0, 9),
    lambda inner: st.one_of(
        st.tuples(st.just("loop"), st.integers(0, 3), st.lists(inner, max_size=4)),
        st.tuples(
            st.just("branch"),
            st.booleans(),
            st.lists(inner, max_size=3),
            st.lists(inner, max_size=3),
        ),
        st.tuples(st.just("host")),
    ),
    max_leaves=12,
)


def meaning(statements: list) -> list[int]:
    said: list[int] = []
    for statement in statements:
        match statement:
            case int(number):
                said.append(number)
            case ("loop", trips, body):
                for trip in range(trips):
                    said.append(100 + trip)
                    said += meaning(body)
            case ("branch", truth, yes, no):
                said += meaning(yes if truth else no)
    return said


def emit(program: Program, statements: list) -> None:
    build = program.build
    for statement in statements:
        match statement:
            case int(number):
                program.say(number)
            case ("host",):
                build.host(0)
            case ("loop", trips, body):
                counter, limit = build.counter(), build.counter(trips)
                shown, hundred = build.counter(), build.counter(100)
                begin = build.loop_begin(counter, limit)
                first = build.next_row()
                block = build.block([shown, counter, hundred])
                build.launch(program.kernels.add, [Entry(block, 1, 1)])
                program.say(shown)
                emit(program, body)
                build.loop_next(counter, limit, first)
                build.land(begin)
            case ("branch", truth, yes, no):
                predicate = build.counter(int(truth))
                otherwise = build.branch(build.block([predicate]))
                emit(program, yes)
                end = build.jump()
                build.land(otherwise)
                emit(program, no)
                build.land(end)


@given(st.lists(STATEMENTS, max_size=6), st.booleans())
def test_a_random_program_says_what_it_means(
    kernels: SimpleNamespace, shared_native: Native, statements: list, sliced: bool
) -> None:
    program = Program(kernels)
    emit(program, statements)
    state = program.state()
    if sliced:
        state.words[SLICE] = 0
    reason = shared_native.run(state)
    while reason == HOST_ROW:
        reason = shared_native.go_on(state, shared_native.walk(state.address))
    assert reason == DONE
    assert program.said(state) == meaning(statements)
