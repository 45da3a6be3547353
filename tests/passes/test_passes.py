"""Every pass on a small graph: text in, text out."""

import pytest

from graphc.errors import GraphError, InternalError
from graphc.ir.text import parse_graph, print_graph
from graphc.ir.verify import verify
from graphc.passes.constant_fold import constant_fold
from graphc.passes.cse import cse
from graphc.passes.drop_overwritten import drop_overwritten
from graphc.passes.expand import expand
from graphc.passes.options import Options
from graphc.passes.prune import prune
from graphc.passes.sequence_effects import sequence_effects
from graphc.passes.shape_fold import shape_fold
from tests.passes.rewriting import is_left_alone, parsed, rewritten


def test_prune_keeps_what_a_root_needs(golden) -> None:
    text = """
        graph g(x: float32[n]) -> y, ^write
          %w = variable(key='w') : float32[n]
          %unread = exp(%x)
          %y = neg(%x)
          %before = print(%x)
          %write = assign(%w, %x, ^%before)
          %alone = assign(%w, %unread)
    """
    assert rewritten(prune, text) == golden


def test_prune_cuts_at_a_fed_tensor(golden) -> None:
    text = """
        graph g(x: float32[n], %h) -> y
          %h = exp(%x)
          %y = add(%h, %x)
    """
    assert rewritten(prune, text) == golden


def test_prune_leaves_a_needed_graph_alone() -> None:
    assert is_left_alone(prune, "graph g(x: float32[n]) -> y\n %y = neg(%x)")


COUNTING = """
    graph g(m: bool[n]) -> y where data(count)
      %rows = true_positions(%m, count=count)
      %one = const(value=float32(1.0))
      %y = broadcast_to(%one, shape=(count,))
"""


@pytest.mark.parametrize("function", [prune, cse, sequence_effects, constant_fold])
def test_the_node_that_counts_outlives_its_readers(function) -> None:
    assert "%rows" in rewritten(function, COUNTING)


def test_effects_on_a_variable_form_a_chain_and_reads_see_what_they_depend_on(golden) -> None:
    text = """
        graph g(x: float32[3]) -> before, after, late, w, ^all
          %w = variable(key='w') : float32[3]
          %other = variable(key='other') : float32[3]
          %before = mul(%w, %x)
          %up = assign_add(%w, %x)
          %down = assign_sub(%w, %before)
          %apart = assign(%other, %w)
          %after = mul(%w, %x, ^%up)
          %data = neg(%down)
          %late = add(%data, %w)
          %all = no_op(^%up, ^%down, ^%apart)
    """
    assert rewritten(sequence_effects, text, ("I6",)) == golden


def test_a_control_dependency_turns_creation_order_around(golden) -> None:
    text = """
        graph g(x: float32[3]) -> ^a, ^b
          %w = variable(key='w') : float32[3]
          %b = assign(%w, %x)
          %read = neg(%w, ^%b)
          %a = assign_add(%w, %x, ^%read)
    """
    assert rewritten(sequence_effects, text, ("I6",)) == golden


def test_effects_wait_for_effects_through_pure_nodes(golden) -> None:
    text = """
        graph g(x: float32[3]) -> ^second
          %w = variable(key='w') : float32[3]
          %first = print(%x, message='first')
          %pure = exp(%first)
          %group = no_op(^%pure)
          %second = print(%x, ^%group, message='second')
    """
    assert rewritten(sequence_effects, text, ("I6",)) == golden


def test_a_check_that_only_control_kept_becomes_a_target(golden) -> None:
    text = """
        graph g(x: float32[3]) -> y
          %checked = check_numerics(%x)
          %y = neg(%x, ^%checked)
    """
    assert rewritten(sequence_effects, text, ("I6",)) == golden


def test_a_write_inside_a_scope_of_control_dependencies_keeps_gradients_free(golden) -> None:
    text = """
        graph g(x: float32[3]) -> ^train
          %w = variable(key='w') : float32[3]
          %mean = variable(key='mean') : float32[3]
          %update = assign(%mean, %x)
          %step = mul(%x, %w, ^%update)
          %train = assign_sub(%w, %step, ^%update)
    """
    assert rewritten(sequence_effects, text, ("I6",)) == golden


def test_constants_fold_to_the_readers_that_remain(golden) -> None:
    text = """
        graph g(x: float32[2]) -> y, k
          %a = const(value=float32([1.0, 2.0]))
          %b = const(value=float32(3.0))
          %k = mul(%a, %b)
          %e = neg(%k)
          %y = add(%x, %e)
    """
    assert rewritten(constant_fold, text) == golden


@pytest.mark.parametrize(
    "node",
    [
        "broadcast_to(%c, shape=(100,))",  # larger than what it reads
        "broadcast_to(%c, shape=(n,))",  # of unknown size
        "print(%c)",  # an effect
        "gather(%v, %i)",  # fails when run
    ],
)
def test_constant_folding_leaves_alone(node: str) -> None:
    text = f"""
        graph g(x: float32[n]) -> y
          %c = const(value=float32(1.0))
          %v = const(value=float32([1.0, 2.0]))
          %i = const(value=int32(5))
          %y = {node}
    """
    assert constant_fold(graph := prune(parsed(text), Options()), Options()) is graph


def test_shapes_become_numbers_and_dims(golden) -> None:
    text = """
        graph g(x: float32[n, 4], z: float32[2, 3]) -> whole, rows, four, size, wrapped
          %whole = shape(%z)
          %s = shape(%x)
          %zero = const(value=int32(0))
          %one = const(value=int32(1))
          %two = const(value=int32(2))
          %first = gather(%s, %zero)
          %rows = mul(%first, %two)
          %four = gather(%s, %one)
          %size = size(%x)
          %big = const(value=int32(2000000000))
          %wrapped = add(%big, %big)
    """
    assert rewritten(shape_fold, text) == golden


def test_expansion_spells_out_to_the_end(golden) -> None:
    text = """
        graph g(x: float32[n, 4], y: float32[n, 4]) -> loss
          %each = softmax_cross_entropy_with_logits(%x, %y)
          %loss = reduce_mean(%each)
    """
    assert rewritten(expand, text, ("I8",)) == golden


def test_an_expanded_effect_waits_for_the_same_effects(golden) -> None:
    text = """
        graph g(x: float32[3]) -> ^train
          %w = variable(key='w') : float32[3]
          %said = print(%x)
          %train = assign_sub(%w, %x, ^%said)
    """
    assert rewritten(expand, text, ("I6", "I8")) == golden


def test_cse_computes_equal_things_once(golden) -> None:
    text = """
        graph g(x: float32[3], y: float32[3]) -> r, t
          %a = add(%x, %y) # model.py:1
          %b = add(%y, %x) # model.py:2
          %c = sub(%x, %y)
          %d = sub(%y, %x)
          %e = exp(%a)
          %f = exp(%b)
          %r = add_n(%c, %d, %e, %f)
          %one = const(value=float32(1.0))
          %uno = const(value=float32(1.0))
          %t = sub(%one, %uno)
    """
    assert rewritten(cse, text) == golden


def test_cse_keeps_the_lines_of_both(golden) -> None:
    graph = parsed("""
        graph g(x: float32[3]) -> a, b
          %a = exp(%x) # model.py:1
          %b = exp(%x) # model.py:2
    """)
    assert print_graph(cse(graph, Options())) == golden


@pytest.mark.parametrize(
    "nodes",
    [
        "%a = print(%x)\n %b = print(%x)",
        "%a = exp(%x) @/cpu:0\n %b = exp(%x) @/cpu:1",
        "%a = reduce_sum(%x, axis=(0,))\n %b = reduce_sum(%x)",
        "%a = random_state(path='p') : uint64[2]\n %b = random_state(path='p') : uint64[2]",
        "%a = placeholder() : float32[]\n %b = placeholder() : float32[]",
    ],
)
def test_cse_leaves_apart(nodes: str) -> None:
    assert is_left_alone(cse, f"graph g(x: float32[3]) -> a, b\n {nodes}")


def test_a_control_cycle_is_refused_by_name() -> None:
    graph = parsed("graph g(x: float32[3]) -> b\n %a = print(%x)\n %b = print(%a)")
    a, b = graph.by_name["a"], graph.by_name["b"]
    a.control = (b,)
    graph.targets = (a,)
    with pytest.raises(GraphError, match="depends on itself"):
        sequence_effects(graph, Options())


# --- the verifier -------------------------------------------------------------------------------

BROKEN = [
    pytest.param("I4", (), "%y = neg(%x) : float32[4]", id="type"),
    pytest.param("I6", ("I6",), "%y = neg(%x, ^%p)", id="pure-waits"),
    pytest.param("I6", ("I6",), "%y = assign(%w, %x)\n %z = assign(%w, %x)", id="two-writes"),
    pytest.param("I6", ("I6",), "%y = assign(%x, %x)", id="no-variable"),
    pytest.param("I8", ("I8",), "%y = reduce_mean(%x)", id="not-expanded"),
]


@pytest.mark.parametrize(("number", "established", "nodes"), BROKEN)
def test_the_verifier_names_the_pass_and_the_invariant(number, established, nodes, golden) -> None:
    graph = parse_graph(f"""
        graph g(x: float32[3]) -> y
          %w = variable(key='w') : float32[3]
          %p = print(%x)
          {nodes}
    """)
    with pytest.raises(InternalError) as caught:
        verify(graph, "cse", established)
    assert f"bug in graphc: after pass 'cse': [{number}]" in str(caught.value)
    assert str(caught.value) == golden


def test_the_verifier_wants_dependency_order_and_membership() -> None:
    graph = parsed("graph g(x: float32[3]) -> b\n %a = neg(%x)\n %b = neg(%a)")
    graph.nodes.reverse()
    with pytest.raises(InternalError, match=r"\[I1\] b stands before a"):
        verify(graph)
    graph.nodes.reverse()
    graph.nodes.pop()
    with pytest.raises(InternalError, match=r"\[I7\] root b is not in the graph"):
        verify(graph)
    graph.nodes = [parsed("graph g(x: float32[3]) -> a\n %a = neg(%x)").nodes[1]]
    with pytest.raises(InternalError, match=r"\[I1\] a depends on x, which is not in the graph"):
        verify(graph)


def test_the_verifier_wants_unique_names() -> None:
    graph = parsed("graph g(x: float32[3]) -> b\n %a = neg(%x)\n %b = neg(%a)")
    graph.by_name["a"].name = "b"
    with pytest.raises(InternalError, match=r"\[I5\] two nodes are called b"):
        verify(graph)


def test_a_write_that_the_next_one_makes_again_is_left_out(golden) -> None:
    text = """
        graph g(x: float32[3]) -> kept, ^third
          %w = variable(key='w') : float32[3]
          %said = print(%x)
          %lower = sub(%w, %x)
          %first = assign(%w, %lower, ^%said)
          %kept = neg(%first)
          %capped = minimum(%first, %x)
          %second = assign(%first, %capped)
          %last = mul(%second, %x)
          %third = assign(%second, %last)
    """
    assert rewritten(drop_overwritten, text, ("I6",)) == golden


def test_a_write_that_something_waits_for_or_nobody_reads_is_kept() -> None:
    unread = """
        graph g(x: float32[3]) -> ^second
          %w = variable(key='w') : float32[3]
          %first = assign(%w, %x)
          %second = assign(%first, %x)
    """
    awaited = """
        graph g(x: float32[3]) -> ^second, ^said
          %w = variable(key='w') : float32[3]
          %first = assign(%w, %x)
          %said = print(%x, ^%first)
          %more = neg(%first)
          %second = assign(%first, %more)
    """
    assert is_left_alone(drop_overwritten, unread)
    assert is_left_alone(drop_overwritten, awaited)
