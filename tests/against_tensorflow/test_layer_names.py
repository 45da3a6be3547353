"""Layers make the variables, shapes, collections and refusals of TensorFlow 1."""

from __future__ import annotations

import json

import pytest

import graphc as tf
from tests.against_tensorflow.layer_names import PROGRAMS, RECORDED

WANTED = json.loads(RECORDED.read_text())


def test_every_program_is_recorded():
    assert list(WANTED) == list(PROGRAMS), "run tests.against_tensorflow.layer_names"


@pytest.mark.parametrize("title", PROGRAMS)
def test_agrees(title):
    with tf.Graph().as_default():
        found = PROGRAMS[title](tf)
    assert json.loads(json.dumps(found)) == WANTED[title]
