"""The runner of passes: the list and its order, skipping, dumping, checking, records."""

from itertools import pairwise

import pytest

from graphc.errors import AttributeValueError, InternalError
from graphc.ir.edit import Edit
from graphc.ir.graph import Graph
from graphc.ir.text import print_graph
from graphc.passes.options import Options
from graphc.pipeline import ORDER, PIPELINE, Pass, Record, run_pipeline, shuffled
from tests.passes.rewriting import parsed

MODEL = """
    graph model(x: float32[n, 4], y: float32[n, 3]) -> loss, ^train
      %w = variable(key='w') : float32[4, 3] # model.py:3
      %h = matmul(%x, %w) # model.py:4
      %each = softmax_cross_entropy_with_logits(%h, %y) # model.py:5
      %loss = reduce_mean(%each) # model.py:5
      %rate = const(value=float32(0.5))
      %p = softmax(%h)
      %d = sub(%p, %y)
      %g = matmul(%x, %d, transpose_a=True)
      %s = mul(%g, %rate)
      %step = assign_sub(%w, %s) # model.py:6
      %train = no_op(^%step)
      %unread = exp(%h)
"""


def run(text: str = MODEL, **given) -> tuple[Graph, list[Record]]:
    records: list[Record] = []
    return run_pipeline(parsed(text), Options(check=True, **given), records.append), records


def test_the_whole_pipeline_on_a_model(golden) -> None:
    graph, _ = run()
    assert print_graph(graph) == golden


def test_names_are_unique_and_the_order_names_passes() -> None:
    names = [row.name for row in PIPELINE]
    assert len(set(names)) == len(names)
    assert {name for earlier, later, _ in ORDER for name in (earlier, later)} <= set(names)
    assert all(len(because) > 10 for _, _, because in ORDER)


def test_level_0_runs_required_passes_only() -> None:
    _, records = run(level=0)
    assert [r.name for r in records if not r.skipped] == [r.name for r in PIPELINE if r.required]


def test_a_pass_can_be_skipped() -> None:
    _, records = run(skip=frozenset({"cse"}))
    assert [r.name for r in records if r.skipped] == ["cse"]


def test_a_required_pass_refuses_to_be_skipped() -> None:
    with pytest.raises(AttributeValueError, match="'expand' is required and cannot be skipped"):
        run(skip=frozenset({"expand"}))


@pytest.mark.parametrize("what", ["skip", "dump"])
def test_a_name_that_is_no_pass_is_refused(what: str) -> None:
    with pytest.raises(AttributeValueError, match=f"cannot {what} 'cze': no pass is called that"):
        run(**{what: frozenset({"cze"})})


def test_options_come_from_the_environment_where_nothing_is_given() -> None:
    said = {"GRAPHC_SKIP": "cse, simplify", "GRAPHC_CHECK": "1", "GRAPHC_DUMP": "all"}
    options = Options.from_environment(said, dump=frozenset())
    assert options.skip == {"cse", "simplify"}
    assert options.check
    assert not options.dump
    assert not Options.from_environment({"GRAPHC_CHECK": "0"}).check


def test_the_options_key_tells_what_changes_the_result() -> None:
    assert Options(check=True).key == Options(dump=frozenset({"all"})).key
    assert Options(skip=frozenset({"cse"})).key != Options().key


def test_a_dump_shows_the_change_or_that_there_is_none(capsys) -> None:
    text = "graph g(x: float32[3]) -> y\n %a = neg(%x)\n %y = neg(%a)"
    run(text, dump=frozenset({"simplify", "cse"}))
    shown = capsys.readouterr().err
    assert "(unchanged)" in shown.partition("-- cse")[2]
    assert "%a = neg(%x)" in shown
    assert "-- after simplify\ngraph g(x: float32[3]) -> x\n" in shown


def test_records_hold_the_graph_around_each_pass_and_its_notes() -> None:
    _, records = run()
    expansion = next(r for r in records if r.name == "expand")
    assert expansion.changed
    assert "%each = softmax_cross_entropy_with_logits" in expansion.before_text
    assert "softmax_cross_entropy" not in expansion.after_text
    assert {note.stage for note in expansion.notes} == {"expand"}
    for before, after in pairwise(records):
        assert len(before.after.nodes) == len(after.before.nodes)


def test_a_pass_that_breaks_the_graph_is_blamed_by_name() -> None:
    def forget(graph: Graph, _: Options) -> Graph:
        change = Edit(graph)
        change.replace(graph.outputs[0], change.builder(graph.nodes[0]).exp(graph.inputs[0]))
        broken = change.done()
        broken.nodes.reverse()
        return broken

    graph = parsed("graph g(x: float32[3]) -> y\n %y = neg(%x)")
    rows = (Pass("forget", forget),)
    with pytest.raises(InternalError, match=r"bug in graphc: after pass 'forget': \[I1\]"):
        run_pipeline(graph, Options(check=True), passes=rows)


def test_shuffling_keeps_dependencies_and_depends_on_the_name_only() -> None:
    graph = parsed(MODEL)
    one, same, other = (shuffled(graph, name) for name in ("cse", "cse", "fold"))
    assert one.nodes == same.nodes
    assert one.nodes != other.nodes
    assert {*one.nodes} == {*graph.nodes}
    position = one.positions()
    assert all(position[t.node] < position[n] for n in one.nodes for t in n.operands)


def test_shuffling_before_every_pass_changes_no_result() -> None:
    plain = run_pipeline(parsed(MODEL), Options())
    checked, _ = run()
    ops = sorted(node.op.name for node in plain.nodes)
    assert sorted(node.op.name for node in checked.nodes) == ops
