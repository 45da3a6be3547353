"""Programs that must fail: run as ``train.py``, so that messages show the lines a person sees."""

import linecache
from collections.abc import Callable
from importlib.util import find_spec
from textwrap import dedent

import numpy as np
import pytest

import graphc as tf
from graphc.errors import GraphcError
from runtime.session import DEVICES

PRESENT = [f"/{name}:0" for name, module in DEVICES.items() if find_spec(module)]


def run_program(source: str, device: str) -> None:
    """Execute a program as the file ``train.py``; its ``session()`` is on ``device``."""
    text = dedent(source).strip() + "\n"
    linecache.cache["train.py"] = (len(text), None, text.splitlines(True), "train.py")
    tf.reset_default_graph()
    scope = {"tf": tf, "np": np, "session": lambda: tf.Session(device=device)}
    exec(compile(text, "train.py", "exec"), scope)


def complaint_on(device: str, source: str) -> str:
    """The message of the error a program ends in on one device, with its class in front."""
    with pytest.raises((GraphcError, TypeError, ValueError)) as caught:
        run_program(source, device)
    return f"{type(caught.value).__name__}: {caught.value}"


@pytest.fixture
def complaint() -> Callable[[str], str]:
    """The message of the error a program ends in, with its class in front; one for all devices."""

    def told(source: str) -> str:
        messages = [complaint_on(device, source) for device in PRESENT]
        assert messages == messages[:1] * len(PRESENT)
        return messages[0]

    return told
