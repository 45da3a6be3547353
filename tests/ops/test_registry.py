"""What every registered op must keep, walked from its own samples: a new op needs no new test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from graphc.autodiff.forward import jvp
from graphc.autodiff.reverse import gradients
from graphc.ir.dims import substitute, symbol
from graphc.ir.dtype import bfloat16, int32, int64, uint64
from graphc.ir.edit import extract
from graphc.ir.graph import infer
from graphc.ir.op import Kind, NotDifferentiable, Op
from graphc.ir.text import parse_graph, print_graph
from graphc.ir.types import Mismatch, TensorType
from graphc.lowering.host import NO_KERNEL
from graphc.ops.running.precision import reference_values
from graphc.passes.options import Options
from runtime.devices.reference.evaluate import evaluate
from tests.devices import DEVICES, Device, on_plain, on_reference
from tests.ops.one_element import lowered_value
from tests.ops.sampling import REGISTERED, Case, OneNode, cases, parse_type, refusals
from tests.tolerances import FINITE_DIFFERENCE, STEP, assert_close

CASES = cases()
REFUSALS = refusals()
# Ops whose value lives in a session or in a user's function; their own tests cover them.
WITHOUT_SAMPLES = {"custom_gradient", "placeholder", "random_state", "timestamp", "variable"}


def each(chosen: dict[str, Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", chosen.values(), ids=chosen.keys())


def reference(case: Case, arrays: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    return reference_values(case.op, arrays, case.types, case.result_types)


def assert_results(case: Case, found: Sequence[np.ndarray], arrays: list[np.ndarray]) -> None:
    """What ran is what the reference says, as close as the sample asks."""
    expected = reference(case, arrays)
    for value, wanted, type in zip(found, expected, case.result_types, strict=True):
        assert_close(value, wanted, case.sample.tolerance, type.dtype)


@pytest.mark.parametrize("name", REGISTERED)
def test_op_says_what_it_means(name: str) -> None:
    kind = REGISTERED[name]
    assert kind.__dict__.get("__doc__"), f"{name} has no docstring of its own"
    assert kind.samples or name in WITHOUT_SAMPLES, f"{name} has no samples"


@pytest.mark.parametrize("name", REGISTERED)
def test_every_attribute_is_immutable_and_changes_equality(name: str) -> None:
    for case in (c for c in CASES.values() if c.op.name == name):
        again = type(case.op)(**dict(case.op.values()))
        assert again == case.op
        assert hash(again) == hash(case.op)
        for key, _ in case.op.values():
            with pytest.raises(AttributeError):
                setattr(case.op, key, None)


@each(CASES)
def test_type_rule_agrees_with_reference(case: Case) -> None:
    arrays = case.arrays()
    copies = [a.copy() for a in arrays]
    for value, type in zip(reference(case, arrays), case.result_types, strict=True):
        assert value.dtype == type.dtype.numpy
        assert [d for d in type.shape if isinstance(d, int)] == [
            n for n, d in zip(value.shape, type.shape, strict=True) if isinstance(d, int)
        ]
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy, err_msg="the reference changed its operand")


@each({k: c for k, c in CASES.items() if c.types})
def test_type_rule_holds_for_symbolic_sizes(case: Case) -> None:
    def unknown(size: object) -> object:
        return symbol(f"n{size}") if isinstance(size, int) and size > 1 else size

    sizes = {f"n{d}": d for t in case.types for d in t.shape if isinstance(d, int)}
    symbolic = [
        t if t.dtype is uint64 else t.with_shape(tuple(unknown(d) for d in t.shape))  # random state
        for t in case.types
    ]
    try:
        found, _ = infer(case.op, symbolic)
    except Mismatch as mismatch:
        pytest.skip(f"needs a known size: {mismatch.fact}")
    for type, expected in zip(found, case.result_types, strict=True):
        assert type.dtype is expected.dtype
        assert tuple(substitute(d, sizes) for d in type.shape) == expected.shape


@each({k: c for k, c in CASES.items() if c.types})
def test_type_rule_holds_for_unknown_rank(case: Case) -> None:
    found, _ = infer(case.op, [t.with_shape(None) for t in case.types])
    for type, expected in zip(found, case.result_types, strict=True):
        assert type.dtype is expected.dtype
        assert type.shape is None or len(type.shape) == len(expected.shape)


@pytest.mark.parametrize(("kind", "row"), REFUSALS.values(), ids=REFUSALS.keys())
def test_refuses_with_its_words(kind: type[Op], row: object) -> None:
    with pytest.raises(Mismatch) as caught:
        infer(kind(**row.attributes), [parse_type(t) for t in row.types])
    assert caught.value.fact == row.message


def lowers_by_element(case: Case) -> bool:
    # Views, contractions, kernels, hosts and partial reductions have no single element: the
    # devices test those.
    op = case.op
    if any(t.dtype.kind in NO_KERNEL for t in (*case.types, *case.result_types)):
        return False  # a host step, whatever slots it has
    slots = (op.scalar, op.element, op.reduction)
    return op.kind is not Kind.EFFECT and not hasattr(op, "chunk") and slots != (None, None, None)


@each({k: c for k, c in CASES.items() if lowers_by_element(c)})
def test_lowering_means_the_reference(case: Case) -> None:
    arrays = case.arrays()
    assert_results(case, [lowered_value(OneNode.of(case), arrays)], arrays)


@each({k: c for k, c in CASES.items() if c.op.kind is Kind.EXPANDED})
def test_expansion_means_the_reference(case: Case) -> None:
    arrays = case.arrays()
    built = OneNode.of(case)
    expanded = case.op.expand(built.b, *built.operands)
    outputs = list(expanded) if isinstance(expanded, list | tuple) else [expanded]
    assert [t.type for t in outputs] == [t.type for t in built.node.outputs]
    feeds, variables = built.bound(arrays)
    assert_results(case, evaluate(built.graph, feeds, outputs, variables=variables), arrays)


@pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())
@each({k: c for k, c in CASES.items() if not c.op.source})
def test_compiled_alone_it_equals_the_reference(case: Case, device: Device) -> None:
    arrays = case.arrays()
    built = OneNode.of(case)
    feeds, variables = built.bound(arrays)
    held = dict(variables)
    found = device(built.graph, feeds, list(built.node.outputs), [built.node], held)
    assert_results(case, found, arrays)
    on_reference(built.graph, feeds, [], [built.node], variables)
    for key, expected in variables.items():
        assert_close(held[key], expected, case.sample.tolerance)


@each(CASES)
def test_text_round_trip(case: Case) -> None:
    built = OneNode.of(case)
    fed = [t for t in built.operands if t.node.op.name == "placeholder"]
    graph = extract(built.graph, fed, built.node.outputs, [built.node])
    literals: dict = {}
    text = print_graph(graph, literals=literals)
    again = parse_graph(text, literals)
    assert print_graph(again, literals={}) == text
    parsed = again.by_name[built.node.name]
    assert parsed.op == case.op
    assert [t.type for t in parsed.outputs] == [t.type for t in built.node.outputs]


def is_shape_arithmetic(case: Case) -> bool:
    return case.op.dims_value is not None and all(
        t.dtype in (int32, int64) and len(t.shape) <= 1 for t in (*case.types, *case.result_types)
    )


@each({k: c for k, c in CASES.items() if is_shape_arithmetic(c)})
def test_value_as_dims_is_the_value(case: Case) -> None:
    arrays = case.arrays()
    found = case.op.dims_value(*(a.tolist() if a.ndim == 0 else tuple(a.tolist()) for a in arrays))
    if found is not None and not (isinstance(found, tuple) and None in found):
        (expected,) = reference(case, arrays)
        np.testing.assert_array_equal(np.asarray(found, expected.dtype), expected)


# --- traits: what simplify and cse rely on ------------------------------------------------------


def where(holds: Callable[[Op], Any]) -> dict[str, Case]:
    """The cases of ops with a trait; without bfloat16, whose arrays are bits."""
    return {k: c for k, c in CASES.items() if holds(c.op) and c.types[0].dtype is not bfloat16}


def apply(case: Case, *arrays: np.ndarray) -> np.ndarray:
    types = [TensorType(t.dtype, a.shape) for t, a in zip(case.types, arrays, strict=True)]
    (value,) = reference_values(case.op, arrays, types, case.result_types)
    return value


@each(where(lambda op: op.commutative))
def test_commutative_op_takes_its_operands_either_way(case: Case) -> None:
    x, y = case.arrays()
    assert_close(apply(case, x, y), apply(case, y, x))


@each(where(lambda op: op.associative))
def test_associative_op_groups_either_way(case: Case) -> None:
    x, y = case.arrays()
    z = np.flip(y)
    left, right = apply(case, apply(case, x, y), z), apply(case, x, apply(case, y, z))
    if case.sample.values and x.dtype.kind == "f":  # huge values: rounding may become overflow
        kept = np.isfinite(left) & np.isfinite(right)
        left, right = left[kept], right[kept]
    assert_close(left, right, 10)


@each(where(lambda op: op.identity_element is not None))
def test_identity_element_changes_nothing(case: Case) -> None:
    x = case.arrays()[0]
    element = np.asarray(case.op.identity_element, x.dtype)
    assert_close(apply(case, x, element), x)
    if case.op.commutative:
        assert_close(apply(case, element, x), x)


@each(where(lambda op: op.idempotent and op.kind is Kind.ELEMENTWISE))
def test_idempotent_op_changes_nothing_the_second_time(case: Case) -> None:
    if len(case.types) == 1:
        once = apply(case, *case.arrays())
        assert_close(apply(case, once), once)
    else:
        x = case.arrays()[0]
        assert_close(apply(case, x, x), x)


@each(
    {
        k: c.doubled()
        for k, c in where(lambda op: op.linear).items()
        if c.types[0].dtype.is_floating and not c.sample.values
    }
)
def test_linear_op_commutes_with_sums_and_factors(case: Case) -> None:
    first = case.arrays()
    second = [np.flip(a) if a.dtype.kind == "f" else a for a in first]
    mixed = [
        -1.75 * p + q if p.dtype.kind == "f" else p for p, q in zip(first, second, strict=True)
    ]
    for value, p, q in zip(
        reference(case, mixed), reference(case, first), reference(case, second), strict=True
    ):
        assert_close(value, -1.75 * p + q, 10)


# --- derivatives --------------------------------------------------------------------------------


def is_smooth(case: Case) -> bool:
    wide = case.doubled()
    return (
        case.sample.gradient
        and not isinstance(case.op.vjp, NotDifferentiable)
        and any(t.dtype.is_differentiable for t in wide.types)
        and any(t.dtype.is_differentiable for t in wide.result_types)
    )


SMOOTH = {k: c.doubled() for k, c in CASES.items() if is_smooth(c)}


def inner(a: np.ndarray, b: np.ndarray) -> float:
    """The real inner product: of complex numbers, that of their parts."""
    return float(np.sum(np.real(np.conj(a) * b)))


class Directional:
    """A graph's outputs, weighted and summed, as a function along one random line of operands."""

    def __init__(self, case: Case) -> None:
        self.built = OneNode.of(case)
        self.arrays = case.arrays()
        self.rng = np.random.default_rng(7)
        self.xs = [t for t in self.built.operands if t.dtype.is_differentiable]
        self.ys = [t for t in self.built.node.outputs if t.dtype.is_differentiable]
        self.direction = self.normal_like([self.arrays[self.port(x)] for x in self.xs])

    def port(self, x: object) -> int:
        return next(k for k, t in enumerate(self.built.operands) if t is x)

    def normal_like(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return [
            self.rng.normal(size=np.shape(a))
            + (1j * self.rng.normal(size=np.shape(a)) if np.iscomplexobj(a) else 0)
            for a in arrays
        ]

    def evaluate(self, fetches: list, step: float = 0.0) -> list[np.ndarray]:
        moved = list(self.arrays)
        for x, d in zip(self.xs, self.direction, strict=True):
            moved[self.port(x)] = moved[self.port(x)] + step * d
        feeds, variables = self.built.bound(moved)
        return list(evaluate(self.built.graph, feeds, fetches, variables=variables))

    def slope(self, fetches: list, weights: list[np.ndarray]) -> float:
        """Of ``sum(fetches * weights)`` along the line, by central differences."""
        ahead, behind = self.evaluate(fetches, STEP), self.evaluate(fetches, -STEP)
        return sum(
            inner((a - b) / (2 * STEP), w) for a, b, w in zip(ahead, behind, weights, strict=True)
        )

    def along(self, cotangents: list) -> float:
        """``<cotangents, direction>``; None is zero."""
        pairs = [(g, d) for g, d in zip(cotangents, self.direction, strict=True) if g is not None]
        values = self.evaluate([g for g, _ in pairs])
        return sum(inner(v, d) for v, (_, d) in zip(values, pairs, strict=True))

    def constants(self, arrays: list[np.ndarray]) -> list:
        return [self.built.b.tensor(a) for a in arrays]


def assert_slopes_agree(found: float, expected: float) -> None:
    relative, absolute = FINITE_DIFFERENCE
    np.testing.assert_allclose(found, expected, rtol=relative, atol=absolute)


@each(SMOOTH)
def test_gradient_is_the_slope(case: Case) -> None:
    line = Directional(case)
    weights = line.normal_like(line.evaluate(line.ys))
    first = gradients(line.ys, line.xs, line.constants(weights))
    for gradient, x in zip(first, line.xs, strict=True):
        assert gradient is None or gradient.type == x.type
    assert_slopes_agree(line.along(first), line.slope(line.ys, weights))


@each(SMOOTH)
def test_second_gradient_is_the_slope_of_the_first(case: Case) -> None:
    line = Directional(case)
    first = gradients(line.ys, line.xs, line.constants(line.normal_like(line.evaluate(line.ys))))
    first = [g for g in first if g is not None]
    weights = line.normal_like(line.evaluate(first))
    second = gradients(first, line.xs, line.constants(weights))
    assert_slopes_agree(line.along(second), line.slope(first, weights))


@each(SMOOTH)
def test_forward_mode_is_the_slope(case: Case) -> None:
    line = Directional(case)
    weights = line.normal_like(line.evaluate(line.ys))
    moved = jvp(line.ys, line.xs, line.constants(line.direction))
    pairs = [(t, w) for t, w in zip(moved, weights, strict=True) if t is not None]
    values = line.evaluate([t for t, _ in pairs])
    found = sum(inner(v, w) for v, (_, w) in zip(values, pairs, strict=True))
    assert_slopes_agree(found, line.slope(line.ys, weights))


COMPILED_GRADIENTS = {k: c for k, c in CASES.items() if is_smooth(c)}


@pytest.mark.parametrize("options", [Options(), Options(level=0)], ids=["optimised", "as written"])
@each(COMPILED_GRADIENTS)
def test_compiled_gradient_equals_the_reference(case: Case, options: Options) -> None:
    built = OneNode.of(case)
    arrays = case.arrays()
    feeds, variables = built.bound(arrays)
    xs = [t for t in built.operands if t.dtype.is_differentiable]
    ys = [t for t in built.node.outputs if t.dtype.is_differentiable]
    rng = np.random.default_rng(5)
    weights = [
        built.b.cast(built.b.tensor(rng.uniform(0.5, 2, value.shape)), dtype=y.dtype)
        for y, value in zip(ys, evaluate(built.graph, feeds, ys, variables=variables), strict=True)
    ]
    fetches = [g for g in gradients(ys, xs, weights) if g is not None]
    expected = evaluate(built.graph, feeds, fetches, variables=variables)
    found = on_plain(built.graph, feeds, fetches, [], dict(variables), options)
    for tensor, value, wanted in zip(fetches, found, expected, strict=True):
        assert_close(value, wanted, 8 * case.sample.tolerance, tensor.dtype)
