"""Every test here starts with an empty default graph and runs on each device that is there."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

import graphc as tf
from runtime.session import DEVICES

PRESENT = [f"/{name}:0" for name, module in DEVICES.items() if find_spec(module)]


@pytest.fixture(autouse=True)
def fresh_graph() -> None:
    tf.reset_default_graph()


@pytest.fixture(params=PRESENT)
def session(request: pytest.FixtureRequest) -> Iterator[Callable]:
    """Makes sessions on one of the devices; closes them."""
    opened = []

    def make(**kwargs: object) -> tf.Session:
        opened.append(tf.Session(device=request.param, **kwargs))
        return opened[-1]

    yield make
    for one in opened:
        one.close()
