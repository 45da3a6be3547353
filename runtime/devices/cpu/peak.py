"""What one core multiplies and adds at most: measured once per machine, kept in the object cache.

The loop holds all its operands in registers, so nothing but the processor's multipliers bounds it.
Time is the thread's own processor time, which others on the machine hardly change.
"""

from __future__ import annotations

import ctypes
import hashlib
import time
from functools import cache

from runtime.devices.cpu import llvm_target, loader
from runtime.devices.cpu.fingerprint import fingerprint
from runtime.object_cache import default_cache

KIND = "peak"
SUMS = 12  # independent ones: more than the multipliers' latency times their number
STEPS = 100_000
SAMPLES = 12


@cache
def fma_peak(dtype: str) -> float:
    """Billions of operations a second of one core on ``dtype`` (a multiplication and an addition
    are two)."""
    key = hashlib.sha256(f"peak {dtype} {fingerprint()}".encode()).hexdigest()
    kept = default_cache().get(key, KIND)
    if kept is not None:
        return float(kept.decode())
    found = _measured(dtype)
    default_cache().put(key, f"{found:.6g}".encode(), KIND)
    return found


def _measured(dtype: str) -> float:
    lanes = _vector_bytes() // (8 if dtype == "float64" else 4)
    symbol = f"gx_peak_{dtype}"
    code = loader.link([_object(dtype, lanes, symbol)], {symbol: 0})[symbol]
    loop = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p)(code.address)
    numbers = (ctypes.c_double * 8)(*[0.5] * 8)
    seconds = []
    for _ in range(SAMPLES):
        started = time.thread_time_ns()
        loop(STEPS, ctypes.addressof(numbers))
        seconds.append((time.thread_time_ns() - started) * 1e-9)
    return 2 * SUMS * lanes * STEPS / min(seconds) / 1e9


def _vector_bytes() -> int:
    features = llvm_target.host().features.split(",")
    if "+avx512f" in features:
        return 64
    return 32 if "+avx2" in features else 16


def _object(dtype: str, lanes: int, symbol: str) -> bytes:
    """``loop(steps, numbers)``: sums[k] = sums[k] * x + x, ``steps`` times."""
    from llvmlite import ir

    from runtime.devices.cpu.refs import F64, I64, VALUES

    machine = llvm_target.host()
    module = llvm_target.new_module(symbol, machine)
    vector = ir.VectorType(VALUES[dtype], lanes)
    kind = ir.FunctionType(ir.VoidType(), [I64, F64.as_pointer()])
    function = ir.Function(module, kind, symbol)
    llvm_target.set_attributes(function, machine)
    b = ir.IRBuilder(function.append_basic_block("entry"))
    loop, done = b.append_basic_block("loop"), b.append_basic_block("done")
    steps, numbers = function.args
    given = b.load(numbers)
    x = b.fptrunc(given, VALUES[dtype]) if VALUES[dtype] is not F64 else given
    whole = ir.Constant(vector, ir.Undefined)
    for lane in range(lanes):
        whole = b.insert_element(whole, x, I64(lane))
    name = f"llvm.fma.v{lanes}{'f64' if dtype == 'float64' else 'f32'}"
    fma = ir.Function(module, ir.FunctionType(vector, [vector] * 3), name)
    firsts = [b.fadd(whole, ir.Constant(vector, [float(k)] * lanes)) for k in range(SUMS)]
    entry = b.block
    b.branch(loop)
    b.position_at_end(loop)
    count = b.phi(I64)
    sums = [b.phi(vector) for _ in range(SUMS)]
    after = [b.call(fma, [s, whole, whole]) for s in sums]
    following = b.add(count, I64(1))
    pairs = zip(sums, firsts, after, strict=True)
    for phi, first, later in ((count, I64(0), following), *pairs):
        phi.add_incoming(first, entry)
        phi.add_incoming(later, loop)
    b.cbranch(b.icmp_signed("<", following, steps), loop, done)
    b.position_at_end(done)
    total = after[0]
    for s in after[1:]:
        total = b.fadd(total, s)
    result = b.extract_element(total, I64(0))
    b.store(result if VALUES[dtype] is F64 else b.fpext(result, F64), b.gep(numbers, [I64(1)]))
    b.ret_void()
    return llvm_target.compile_module(module, machine)
