"""Graphs and Programs travel and run elsewhere; sessions say that they cannot."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graphc as tf
from graphc.compiler import compile_graph
from graphc.lowering.program import Program
from runtime.session import Session
from tests.plain_program import run_program
from tests.runtime.models import MODELS, assert_same_bits, classifier, state_of

COPIES = [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))]


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


def by_name(feeds: dict) -> dict:
    return {tensor.name: value for tensor, value in feeds.items()}


@pytest.mark.parametrize("make", MODELS)
def test_a_pickled_graph_trains_to_the_same_bits(make):
    tf.set_random_seed(5)
    model = make()
    names = [f.name for f in model.everything]
    init = tf.global_variables_initializer().name
    other = pickle.loads(pickle.dumps(tf.get_default_graph()))
    with tf.Session() as here, Session(graph=other) as there:
        here.run(init)
        there.run(init)
        for k in range(3):
            feeds = by_name(model.feeds(8 + k, k))
            assert_same_bits(there.run(names, feeds), here.run(names, feeds))
        assert_same_bits(state_of(there), state_of(here))


def program_of(make: object) -> tuple[Program, dict]:
    model = make()
    feeds = model.feeds(6, 0)
    return compile_graph(tf.get_default_graph(), list(feeds), model.fetches, []), feeds


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("make", [MODELS[0], MODELS[1]])
def test_a_copied_program_computes_the_same(make, duplicate):
    program, feeds = program_of(make)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        variables = state_of(sess)
    other = duplicate(program)
    assert isinstance(other, Program)
    assert [k.key for k in other.kernels] == [k.key for k in program.kernels]
    assert [(type(s), s.origin.names) for s in other.steps] == [
        (type(s), s.origin.names) for s in program.steps
    ]
    values = list(feeds.values())
    assert_same_bits(
        run_program(other, values, dict(variables)), run_program(program, values, variables)
    )


def test_a_pickled_program_shows_its_lines_elsewhere(tmp_path):
    program, _ = program_of(classifier)
    file = tmp_path / "program.pickle"
    file.write_bytes(pickle.dumps(program))
    show = (
        "import pickle, sys; p = pickle.load(open(sys.argv[1], 'rb'));"
        "print(p.steps[0].origin.sites[0].describe(), len(p.kernels))"
    )
    root = Path(tf.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", show, str(file)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert "models.py:" in done.stdout
    assert done.stdout.split()[-1] == str(len(program.kernels))


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_session_refuses_in_words(duplicate):
    with tf.Session() as sess, pytest.raises(TypeError, match="pickle its graph"):
        duplicate(sess)


def test_errors_travel():
    x = tf.placeholder(tf.int32, [None], name="x")
    y = tf.gather(tf.constant(np.zeros(3, np.float32)), x)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError) as caught:
        sess.run(y, {x: [5]})
    other = pickle.loads(pickle.dumps(caught.value))
    assert type(other) is type(caught.value)
    assert str(other) == str(caught.value)
