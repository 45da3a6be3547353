"""The walk, the prepared call and the pool's worker, in the int64 subset of Python.

Imported only when these must be compiled (`int64.py` says how); a process that finds them in the
object cache never loads this file.  The layouts are those of `table.py` and `pool.py`.  First the
words, functions that emit LLVM IR, then what is written in them.

The pool follows one 64-bit ticket: generation (24 bits), chunk count (20), next chunk (20).  One
fetch-and-add claims a chunk and says which row it belongs to; a claim is valid while next < count,
and the job cannot change under a valid claim, because the caller publishes again only once every
chunk is finished.  The caller waits for claimed chunks, never for a worker that claimed nothing.
"""

from __future__ import annotations

import platform
import time

import llvmlite.binding as llvm
from llvmlite import ir
from llvmlite.ir import IRBuilder as Builder
from llvmlite.ir import Value

from runtime.devices.cpu import int64, llvm_target
from runtime.devices.cpu.int64 import INT, Word
from runtime.devices.cpu.pool import (
    ALONE_UNTIL,
    BUSY,
    CALLER_PROCESSOR,
    CALLER_SLEEPS,
    COUNT_BITS,
    FUTEX_CALL,
    JOB_COUNT,
    JOB_ENTRIES,
    JOB_KERNEL,
    LEFT,
    SLEEPERS,
    STARTED,
    TICKET,
    WORKERS,
)
from runtime.devices.cpu.pool import STATUS as POOL_STATUS
from runtime.devices.cpu.table import (
    ADVANCE,
    ARRAY_DATA,
    ARRAY_DESCR,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_RANK,
    ARRAY_TYPE,
    ASSIGN,
    BIND,
    BRANCH,
    CLOCK,
    CLOCK_WORDS,
    COMMIT,
    COMMITTED,
    COPY,
    DONE,
    END,
    ENTRY_WORDS,
    FAILED,
    FEED_COUNT,
    FEEDS_DIFFER,
    FETCHES_DIFFER,
    HOLD_GIL,
    HOST,
    HOST_ROW,
    JUMP,
    LAUNCH,
    LOOP_BEGIN,
    LOOP_NEXT,
    NEEDS_DIMS,
    NEEDS_POOL,
    OBJECT_TYPE,
    OPERAND,
    OPERAND_COUNT,
    OPERANDS,
    PARALLEL,
    PC,
    POOL,
    READABLE,
    ROW,
    ROW_WORDS,
    ROWS,
    SLICE,
    SLICED,
    STATUS,
    TRIPLE_WORDS,
    WORD,
    WRITEABLE,
)

INT32 = ir.IntType(32)
POINTER = INT.as_pointer()

COUNT_MASK = (1 << COUNT_BITS) - 1
GENERATION_SHIFT = 2 * COUNT_BITS
GENERATION_MASK = (1 << (64 - GENERATION_SHIFT - 1)) - 1  # a ticket is never negative
ENTRY_BYTES = ENTRY_WORDS * WORD
ROW_BYTES = ROW_WORDS * WORD
TRIPLE_BYTES = TRIPLE_WORDS * WORD
CLOCK_BYTES = CLOCK_WORDS * WORD

SPIN_NANOSECONDS = 50_000  # before a worker sleeps
CALLER_SPIN_NANOSECONDS = 20_000  # before the caller of a row does
ALONE_FACTOR = 16
CROWDED_NANOSECONDS = 500_000  # without sharing after a worker met its caller on one processor
POLLS_PER_LOOK = 32  # polls between two looks at the clock
ROWS_PER_LOOK = 256

# C functions the object may need.
EXTERNAL = (
    "clock_gettime",
    "memcpy",
    "sched_getcpu",
    "syscall",
    "usleep",
    "PyEval_SaveThread",
    "PyEval_RestoreThread",
    "PyLong_FromLongLong",
)

PAUSE = {"x86_64": "llvm.x86.sse2.pause", "AMD64": "llvm.x86.sse2.pause"}.get(platform.machine())


def _place(b: Builder, address: Value, index: Value) -> Value:
    """A pointer to the index-th word at an address."""
    return b.inttoptr(b.add(address, b.shl(index, INT(3))), POINTER)


def _external(b: Builder, name: str, returns: ir.Type, *arguments: ir.Type) -> ir.Function:
    known = b.module.globals.get(name)
    return known or ir.Function(b.module, ir.FunctionType(returns, arguments), name)


@Word
def load(b: Builder, address: Value, index: Value) -> Value:
    """The index-th word at an address."""
    return b.load(_place(b, address, index))


@Word
def store(b: Builder, address: Value, index: Value, value: Value) -> None:
    """Write the index-th word at an address."""
    b.store(value, _place(b, address, index))


@Word
def load_int32(b: Builder, address: Value, index: Value) -> Value:
    """The int32 at the start of the index-th word."""
    pointer = b.bitcast(_place(b, address, index), INT32.as_pointer())
    return b.sext(b.load(pointer), INT)


@Word
def load_byte(b: Builder, address: Value) -> Value:
    """The byte at an address."""
    return b.zext(b.load(b.inttoptr(address, ir.IntType(8).as_pointer())), INT)


@Word
def copy_bytes(b: Builder, target: Value, source: Value, size: Value) -> None:
    """Copy memory that does not overlap."""
    byte = ir.IntType(8).as_pointer()
    copy = b.module.declare_intrinsic("llvm.memcpy", [byte, byte, INT])
    b.call(copy, [b.inttoptr(target, byte), b.inttoptr(source, byte), size, ir.IntType(1)(0)])


@Word
def atomic_load(b: Builder, address: Value, index: Value) -> Value:
    """A sequentially consistent load."""
    return b.load_atomic(_place(b, address, index), "seq_cst", WORD)


@Word
def atomic_store(b: Builder, address: Value, index: Value, value: Value) -> None:
    """A sequentially consistent store."""
    b.store_atomic(value, _place(b, address, index), "seq_cst", WORD)


@Word
def atomic_add(b: Builder, address: Value, index: Value, value: Value) -> Value:
    """Add to a word and return what it was."""
    return b.atomic_rmw("add", _place(b, address, index), value, "seq_cst")


@Word
def atomic_or(b: Builder, address: Value, index: Value, value: Value) -> Value:
    """Set bits of a word and return what it was."""
    return b.atomic_rmw("or", _place(b, address, index), value, "seq_cst")


@Word
def atomic_replace(b: Builder, address: Value, index: Value, old: Value, new: Value) -> Value:
    """Write `new` over `old`; 1 if `old` was there."""
    pair = b.cmpxchg(_place(b, address, index), old, new, "seq_cst", "seq_cst")
    return b.zext(b.extract_value(pair, 1), INT)


@Word
def call_kernel(b: Builder, kernel: Value, args: Value, start: Value, stop: Value) -> Value:
    """Call the kernel at an address; its mask of failed checks."""
    kind = ir.FunctionType(INT, [POINTER, INT, INT]).as_pointer()
    return b.call(b.inttoptr(kernel, kind), [b.inttoptr(args, POINTER), start, stop])


@Word
def nanoseconds(b: Builder) -> Value:
    """The monotonic clock."""
    with b.goto_entry_block():  # a slot made in a loop would eat the stack
        pair = b.alloca(ir.ArrayType(INT, 2))
    clock = _external(b, "clock_gettime", INT32, INT32, pair.type)
    b.call(clock, [INT32(time.CLOCK_MONOTONIC), pair])
    seconds, rest = (b.extract_value(b.load(pair), k) for k in range(2))
    return b.add(b.mul(seconds, INT(1_000_000_000)), rest)


@Word
def processor(b: Builder) -> Value:
    """The processor we run on, -1 if that cannot be had."""
    if not FUTEX_CALL:
        return INT(-1)
    return b.sext(b.call(_external(b, "sched_getcpu", INT32), []), INT)


@Word
def pause(b: Builder) -> None:
    """Tell the processor that this thread polls."""
    if PAUSE is not None:
        b.call(_external(b, PAUSE, ir.VoidType()), [])


@Word
def wait(b: Builder, address: Value, seen: Value) -> None:
    """Sleep until woken, unless the int32 at the address is no longer `seen`.

    May return early.  Without a futex it always does, after 0.2 ms, and nobody need be woken.
    """
    if FUTEX_CALL:
        _futex(b, address, 128, seen)  # FUTEX_WAIT_PRIVATE
    else:
        b.call(_external(b, "usleep", INT32, INT32), [INT32(200)])


@Word
def wake(b: Builder, address: Value, count: Value) -> None:
    """Wake up to `count` threads that wait at the address."""
    if FUTEX_CALL:
        _futex(b, address, 129, count)  # FUTEX_WAKE_PRIVATE


def _futex(b: Builder, address: Value, operation: int, value: Value) -> None:
    call = _external(b, "syscall", INT, *[INT] * 7)
    none = INT(0)
    b.call(call, [INT(FUTEX_CALL), address, INT(operation), value, none, none, none])


@Word
def save_thread(b: Builder) -> Value:
    """Give the interpreter lock away."""
    return b.call(_external(b, "PyEval_SaveThread", INT), [])


@Word
def restore_thread(b: Builder, thread: Value) -> None:
    """Take the interpreter lock back."""
    b.call(_external(b, "PyEval_RestoreThread", ir.VoidType(), INT), [thread])


@Word
def python_int(b: Builder, value: Value) -> Value:
    """A new reference to a Python int."""
    return b.call(_external(b, "PyLong_FromLongLong", INT, INT), [value])


def claim(pool: int) -> int:
    """Run chunks of the published row until none is left to claim; how many were run."""
    claimed = 0
    generation = -1
    kernel = 0
    entries = 0
    entry_count = 0
    while True:
        ticket = atomic_add(pool, TICKET, 1)
        chunk = ticket & COUNT_MASK
        if chunk >= (ticket >> COUNT_BITS) & COUNT_MASK:
            return claimed
        claimed += 1
        if ticket >> GENERATION_SHIFT != generation:  # a worker may go on into the next row
            generation = ticket >> GENERATION_SHIFT
            kernel = load(pool, JOB_KERNEL)
            entries = load(pool, JOB_ENTRIES)
            entry_count = load(pool, JOB_COUNT)
        entry = entries
        count = entry_count
        while count > 1:  # the last entry whose first chunk is not behind this one
            half = count >> 1
            if load(entry + half * ENTRY_BYTES, 3) <= chunk:
                entry += half * ENTRY_BYTES
                count -= half
            else:
                count = half
        extent = load(entry, 1)
        grain = load(entry, 2)
        start = (chunk - load(entry, 3)) * grain
        stop = start + grain
        if stop > extent:
            stop = extent
        if start < stop:
            failed = call_kernel(kernel, load(entry, 0), start, stop)
            if failed != 0:
                atomic_or(pool, POOL_STATUS, failed)
        if atomic_add(pool, LEFT, -1) == 1 and atomic_load(pool, CALLER_SLEEPS) != 0:
            wake(pool + LEFT * WORD, 1)


def worker(pool: int, index: int) -> int:
    """What a thread of the pool does until the pool wants no more than `index` of them."""
    seen = atomic_load(pool, TICKET) >> GENERATION_SHIFT
    while index < atomic_load(pool, WORKERS):
        polls = 0
        asleep_at = 0
        ticket = atomic_load(pool, TICKET)
        while ticket >> GENERATION_SHIFT == seen and index < atomic_load(pool, WORKERS):
            pause()
            polls += 1
            if polls & (POLLS_PER_LOOK - 1) == 0:
                now = nanoseconds()
                if asleep_at == 0:
                    asleep_at = now + SPIN_NANOSECONDS
                if processor() == load(pool, CALLER_PROCESSOR):  # we only take it from the caller
                    atomic_store(pool, ALONE_UNTIL, now + CROWDED_NANOSECONDS)
                    asleep_at = now
                if now >= asleep_at:
                    atomic_add(pool, SLEEPERS, 1)
                    ticket = atomic_load(pool, TICKET)
                    if ticket >> GENERATION_SHIFT == seen:
                        wait(pool + TICKET * WORD + 4, ticket >> 32)
                    atomic_add(pool, SLEEPERS, -1)
                    asleep_at = 0
            ticket = atomic_load(pool, TICKET)
        seen = ticket >> GENERATION_SHIFT
        claim(pool)
    return 0


def run_alone(row: int) -> int:
    """Run a LAUNCH row in this thread, every entry in one piece."""
    kernel = load(row, 1)
    entry = load(row, 2)
    end = entry + load(row, 3) * ENTRY_BYTES
    failed = 0
    while entry != end:
        failed |= call_kernel(kernel, load(entry, 0), 0, load(entry, 1))
        entry += ENTRY_BYTES
    return failed


def fork_join(pool: int, row: int) -> int:
    """Run a LAUNCH row with the pool's threads; whoever finds them taken runs the row alone.

    A worker that loses its processor in mid chunk keeps the row waiting.  The time so lost is
    bounded: it is followed by ``ALONE_FACTOR`` times as long in which no row is shared out.
    """
    if pool == 0 or atomic_load(pool, WORKERS) == 0:
        return run_alone(row)
    began = nanoseconds()
    if began < atomic_load(pool, ALONE_UNTIL) or atomic_replace(pool, BUSY, 0, 1) == 0:
        return run_alone(row)
    chunks = load(row, 4)
    store(pool, JOB_KERNEL, load(row, 1))
    store(pool, JOB_ENTRIES, load(row, 2))
    store(pool, JOB_COUNT, load(row, 3))
    store(pool, LEFT, chunks)
    store(pool, POOL_STATUS, 0)
    store(pool, CALLER_PROCESSOR, processor())
    generation = ((atomic_load(pool, TICKET) >> GENERATION_SHIFT) + 1) & GENERATION_MASK
    atomic_store(pool, TICKET, (generation << GENERATION_SHIFT) | (chunks << COUNT_BITS))
    if atomic_load(pool, SLEEPERS) != 0:
        wake(pool + TICKET * WORD + 4, chunks - 1)
    claimed = claim(pool)
    if atomic_load(pool, LEFT) != 0:
        join(pool, began, claimed)
    failed = load(pool, POOL_STATUS)
    atomic_store(pool, BUSY, 0)
    return failed


def join(pool: int, began: int, claimed: int) -> int:
    """Wait until every chunk of the row is finished, of which the caller has run `claimed`."""
    ready = nanoseconds()
    now = ready
    polls = 0
    left = atomic_load(pool, LEFT)
    while left != 0:
        pause()
        polls += 1
        if polls & (POLLS_PER_LOOK - 1) == 0:
            now = nanoseconds()
            if now - ready > CALLER_SPIN_NANOSECONDS:
                atomic_store(pool, CALLER_SLEEPS, 1)
                wait(pool + LEFT * WORD, left)
                atomic_store(pool, CALLER_SLEEPS, 0)
                now = nanoseconds()
        left = atomic_load(pool, LEFT)
    if claimed != 0:
        lost = now - ready - CALLER_SPIN_NANOSECONDS
        if lost * claimed > 2 * (ready - began):  # more than two of our chunks took
            atomic_store(pool, ALONE_UNTIL, now + ALONE_FACTOR * lost)
    return 0


def walk(state: int) -> int:
    """Go on with a run from its PC; the reason why it stopped, with ROW and PC behind it."""
    rows = load(state, ROWS)
    clock = load(state, CLOCK)
    pc = load(state, PC)
    looks = ROWS_PER_LOOK
    slice_end = 0
    started = 0
    while True:
        at = pc
        row = rows + at * ROW_BYTES
        opcode = load(row, 0)
        pc = at + 1
        if clock != 0:
            started = nanoseconds()
        if opcode == LAUNCH:
            if load(row, 5) == PARALLEL:
                pool = load(state, POOL)
                if pool != 0 and load(pool, STARTED) == 0:
                    return leave(state, at, at, NEEDS_POOL)
                failed = fork_join(pool, row)
                looks = 0
            else:
                failed = run_alone(row)
            if failed != 0:
                store(state, STATUS, failed)
                return leave(state, at, pc, FAILED)
        elif opcode == END:
            return leave(state, at, at, DONE)
        elif opcode == COPY:
            copy_bytes(load(row, 1), load(row, 2), load(row, 3))
        elif opcode == COMMIT:
            store(state, COMMITTED, at + 1)
        elif opcode == HOST:
            return leave(state, at, pc, HOST_ROW)
        elif opcode == BIND:
            return leave(state, at, pc, NEEDS_DIMS)
        elif opcode <= LOOP_NEXT:
            pc = next_row(row, opcode, pc)
        else:
            patch(row, opcode)
        if clock != 0:
            stamp(clock + at * CLOCK_BYTES, started)
        looks -= 1
        if looks <= 0:
            looks = ROWS_PER_LOOK
            now = nanoseconds()
            if slice_end == 0:
                slice_end = now + load(state, SLICE)
            elif now > slice_end:
                return leave(state, at, pc, SLICED)


def leave(state: int, row: int, pc: int, reason: int) -> int:
    """Note where the walk stops and where it goes on."""
    store(state, ROW, row)
    store(state, PC, pc)
    return reason


def next_row(row: int, opcode: int, following: int) -> int:
    """Where a JUMP, BRANCH, LOOP_BEGIN or LOOP_NEXT goes."""
    first = load(row, 1)
    second = load(row, 2)
    if opcode == JUMP:
        return first
    if opcode == BRANCH:
        return second if load_byte(load(first, 0)) == 0 else following
    count = 0 if opcode == LOOP_BEGIN else load(first, 0) + 1
    store(first, 0, count)
    if (count < load(second, 0)) == (opcode == LOOP_NEXT):
        return load(row, 3)
    return following


def patch(row: int, opcode: int) -> int:
    """What an ADVANCE, SWAP or ASSIGN does to the words of its list."""
    count = 0 if opcode == ASSIGN else load(load(row, 1), 0)
    triple = load(row, 2)
    end = triple + load(row, 3) * TRIPLE_BYTES
    while triple != end:
        value = load(triple, 1)
        if opcode == ADVANCE:
            value += count * load(triple, 2)
        elif opcode == ASSIGN:
            value = load(value, 0) * load(triple, 2)
        elif count & 1 != 0:
            value = load(triple, 2)
        store(load(triple, 0), 0, value)
        triple += TRIPLE_BYTES
    return 0


def stamp(record: int, started: int) -> int:
    """Add the execution of a row to its clock record."""
    ended = nanoseconds()
    times = load(record, 3)
    if times == 0:
        store(record, 0, started)
    store(record, 1, ended)
    store(record, 2, load(record, 2) + ended - started)
    store(record, 3, times + 1)
    return 0


def enter(self: int, arguments: int, count: int) -> int:
    """The prepared call, a METH_FASTCALL whose `self` is the state's ndarray.

    The arguments are the feeds, then the fetches.  Returns a Python int, the walk's reason.
    """
    state = load(self, ARRAY_DATA)
    if count != load(state, OPERAND_COUNT):
        store(state, OPERAND, -1)
        return python_int(FEEDS_DIFFER)
    feeds = load(state, FEED_COUNT)
    record = load(state, OPERANDS)
    operand = 0
    while operand < count:
        array = load(arguments, operand)
        is_feed = operand < feeds
        if fits(array, record, load(state, ARRAY_TYPE), READABLE if is_feed else WRITEABLE) == 0:
            store(state, OPERAND, operand if is_feed else operand - feeds)
            return python_int(FEEDS_DIFFER if is_feed else FETCHES_DIFFER)
        data = load(array, ARRAY_DATA)
        place = record + (3 + load(record, 1)) * WORD
        record = place + load(record, 2) * WORD
        while place != record:
            store(load(place, 0), 0, data)
            place += WORD
        operand += 1
    store(state, PC, 0)
    store(state, COMMITTED, 0)
    if load(state, HOLD_GIL) != 0:
        return python_int(walk(state))
    thread = save_thread()
    reason = walk(state)
    restore_thread(thread)
    return python_int(reason)


def fits(array: int, record: int, array_type: int, wanted: int) -> int:
    """Whether an object is an ndarray as a feed's or fetch's record says, with the wanted flags."""
    rank = load(record, 1)
    if not (
        load(array, OBJECT_TYPE) == array_type
        and load(array, ARRAY_DESCR) == load(record, 0)
        and load_int32(array, ARRAY_RANK) == rank
        and load_int32(array, ARRAY_FLAGS) & wanted == wanted
    ):
        return 0
    dims = load(array, ARRAY_DIMS)
    axis = 0
    while axis < rank:
        if load(dims, axis) != load(record, 3 + axis):
            return 0
        axis += 1
    return 1


INLINED = (run_alone, leave, next_row, patch, stamp, fits)
FUNCTIONS = (claim, worker, fork_join, join, walk, enter, *INLINED)


def compile_native() -> bytes:
    """The object that defines ``graphc_`` + name for each of these functions.

    A few passes do for such code what the whole pipeline does, in a tenth of its time, for which
    every process that finds an empty cache waits.
    """
    machine = llvm_target.host()
    module = llvm_target.new_module("graphc", machine)
    int64.emit(module, {f"graphc_{function.__name__}": function for function in FUNCTIONS})
    for function in INLINED:
        module.get_global(f"graphc_{function.__name__}").attributes.add("alwaysinline")
    optimised = llvm.parse_assembly(str(module))
    optimised.verify()
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_always_inliner_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    options = llvm.create_pipeline_tuning_options()
    passes.run(optimised, llvm.create_pass_builder(llvm_target.target_machine(machine), options))
    return llvm_target.object_code(optimised, machine, EXTERNAL)
