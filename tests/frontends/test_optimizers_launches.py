"""All parameters of a network are updated by one launch, whatever the optimizer."""

from collections.abc import Callable
from typing import Any

import pytest

import graphc as tf
from graphc.compiler import compile_graph
from graphc.lowering.program import Launch, Place, Program
from tests.optimizers import contributed
from tests.optimizers.problem import CASES

PARAMETERS = 12
MAKERS: dict[str, Callable[[Any, Any], Any]] = {
    **CASES,
    **{name: make for name, (make, _) in contributed.CASES.items() if name != "clipping"},
    "momentum by fours": lambda tf, _: tf.train.SyncReplicasOptimizer(
        tf.train.MomentumOptimizer(0.1, 0.9), 4
    ),
}


def trained(make: Callable[[Any, Any], Any], constraint: Callable | None = None) -> Program:
    """A step of a network of six layers."""
    x = tf.placeholder(tf.float32, [32, 20])
    h = x
    for k in range(PARAMETERS // 2):
        h = tf.layers.dense(h, 16 + k, tf.nn.tanh, kernel_constraint=constraint)
    counter = tf.train.get_or_create_global_step()
    step = make(tf, counter).minimize(tf.reduce_mean(tf.square(h)), global_step=counter)
    return compile_graph(tf.get_default_graph(), [x], [], [step])


def writing(program: Program) -> list[set[str]]:
    """The parameters that each launch writes, of those that write any."""
    found = []
    for step in program.steps:
        assert isinstance(step, Launch)
        operands = program.kernels[step.kernel].operands
        written = {
            program.buffers[buffer].key
            for block in step.blocks
            for buffer, operand in zip(block.buffers, operands, strict=True)
            if program.buffers[buffer].place is Place.VARIABLE and operand.access in ("w", "rw")
        }
        parameters = {key for key in written if key.rpartition("/")[2] in ("kernel", "bias")}
        if parameters:
            found.append(parameters)
    return found


@pytest.mark.parametrize("case", MAKERS)
def test_one_launch_updates_all_parameters(case: str) -> None:
    (only,) = writing(trained(MAKERS[case]))
    assert len(only) == PARAMETERS


def test_a_constraint_is_part_of_the_update() -> None:
    program = trained(CASES["adam"], constraint=lambda w: tf.clip_by_value(w, -1.0, 1.0))
    launches = writing(program)
    assert sum(map(len, launches)) == PARAMETERS
    assert len(launches) <= 2  # the biases have none
