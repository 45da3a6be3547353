"""``tf.test.TestCase``: each test has an empty default graph, fixed seeds and a session."""

from __future__ import annotations

import random
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from frontends.tf.graph.building import set_random_seed
from frontends.tf.platform import nest
from frontends.tf.test.assertions import Assertions
from graphc.errors import OpError
from graphc.ir.builder import as_tensor
from graphc.ir.graph import Graph, Node, default_graph, reset_default_graph
from runtime.session import Session, get_default_session

GRAPH_SEED = 87654321  # TensorFlow's tests run under this seed


class TestCase(Assertions):
    """A ``unittest.TestCase`` for graphs.

    >>> class SquareTest(tf.test.TestCase):
    ...     def testSquare(self):
    ...         with self.test_session():
    ...             self.assertAllEqual(tf.square([2, 3]).eval(), [4, 9])
    """

    __test__ = False  # the class itself has no tests; those derived from it do

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._session: Session | None = None
        self._folder: str | None = None

    def setUp(self) -> None:
        self._close()
        random.seed(GRAPH_SEED)
        np.random.seed(GRAPH_SEED)  # noqa: NPY002
        reset_default_graph()
        set_random_seed(GRAPH_SEED)

    def tearDown(self) -> None:
        self._close()

    def run(self, result: Any = None) -> Any:
        """The test, after which its folder is gone, whatever ``tearDown`` does."""
        try:
            return super().run(result)
        finally:
            self._close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def get_temp_dir(self) -> str:
        """A folder of this test, gone after it."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix=f"{self._testMethodName}_")
        return self._folder

    # --- sessions ------------------------------------------------------------------------------

    @contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
        force_gpu: bool = False,
    ) -> Iterator[Session]:  # fmt: skip
        """A new session, the default inside; closed after it."""
        with Session(graph=graph, config=config) as session:
            yield session

    @contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
        force_gpu: bool = False,
    ) -> Iterator[Session]:  # fmt: skip
        """The session of this test, the default inside: the same one each time."""
        wanted = graph if graph is not None else default_graph()
        if self._session is None:
            self._session = Session(graph=wanted, config=config)
        elif self._session.graph is not wanted:
            raise ValueError(
                "The graph used to get the cached session is different than the one that was used "
                "to create the session. Maybe create a new session with self.session()"
            )
        with wanted.as_default(), self._session.as_default():
            yield self._session

    def test_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = True,
        force_gpu: bool = False,
    ) -> Any:  # fmt: skip
        """The session of this test; a new one where a graph is given."""
        if self._testMethodName == "test_session":  # by its name it looks like one
            self.skipTest("Not a test.")
        how: dict[str, Any] = {"config": config, "use_gpu": use_gpu, "force_gpu": force_gpu}
        return self.cached_session(**how) if graph is None else self.session(graph, **how)

    def evaluate(self, tensors: Any) -> Any:
        """The values of a nest of tensors, in the default session or the test's own."""
        session = get_default_session()
        if session is not None:
            return session.run(tensors)
        with self.test_session() as own:
            return own.run(tensors)

    def _array(self, value: Any) -> np.ndarray:
        """A value as an array; tensors are evaluated."""
        if as_tensor(value) is not None:
            value = self.evaluate(as_tensor(value))
        elif isinstance(value, list | tuple) and any(
            as_tensor(v) is not None for v in nest.flatten(value)
        ):
            value = nest.map_structure(
                lambda v: self.evaluate(v) if as_tensor(v) is not None else v, value
            )
        return np.asarray(value)

    # --- errors --------------------------------------------------------------------------------

    @contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """The block raises such an error, and the pattern is found in its message (or the
        predicate holds for it)."""
        if isinstance(exception_type, str):
            raise TypeError("exception_type is a class of errors")
        wanted = expected_err_re_or_predicate
        try:
            yield
        except exception_type as error:
            if callable(wanted):
                fits = wanted(error)
            else:
                op = f"\nCaused by op: {error.node_name!r}" if isinstance(error, OpError) else ""
                fits = re.search(wanted, f"{error}{op}") is not None
            if not fits:
                raise AssertionError(
                    f"Exception of type {type(error)}: {error} is not what was expected: {wanted!r}"
                ) from error
        else:
            self.fail(f"{exception_type} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """The block raises a ``tf.errors.OpError`` whose message has the pattern."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)

    @contextmanager
    def assertRaisesWithLiteralMatch(
        self, expected_exception: Any, expected_exception_message: str
    ) -> Iterator[None]:
        """The block raises such an error with exactly this message."""
        with self.assertRaises(expected_exception) as caught:
            yield
        self.assertEqual(str(caught.exception), expected_exception_message)

    # --- graphs and threads --------------------------------------------------------------------

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Two names of one device."""
        self.assertEqual(_device(device1), _device(device2), msg)

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """The static shapes of two values, tensors or arrays."""
        self.assertEqual(_static(input_a), _static(input_b), msg)

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """The element type of a tensor or array."""
        from graphc.ir.dtype import as_dtype

        tensor = as_tensor(target)
        found = tensor.dtype if tensor is not None else as_dtype(np.asarray(target).dtype)
        self.assertEqual(found, as_dtype(expected_dtype))

    def checkedThread(self, target: Callable, args: Any = None, kwargs: Any = None) -> Any:
        """A thread whose error fails the test when it is joined."""
        return _CheckedThread(self, target, args or (), kwargs or {})


def _device(name: Any) -> str:
    if isinstance(name, Node):
        name = name.device
    return str(name).lower().replace("/device:", "/")


def _static(value: Any) -> Any:
    tensor = as_tensor(value)
    return tensor.shape.as_list() if tensor is not None else list(np.shape(value))


class _CheckedThread:
    def __init__(self, case: TestCase, target: Callable, args: Any, kwargs: Any) -> None:
        self._case = case
        self._error: BaseException | None = None

        def run() -> None:
            try:
                target(*args, **kwargs)
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def is_alive(self) -> bool:
        return self._thread.is_alive()


class StubOutForTesting:
    """Replaces attributes, and puts them back."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, str, Any]] = []

    def Set(self, parent: Any, child_name: str, new_child: Any) -> None:
        self._kept.append((parent, child_name, getattr(parent, child_name)))
        setattr(parent, child_name, new_child)

    SmartSet = Set

    def CleanUp(self) -> None:
        for parent, name, old in reversed(self._kept):
            setattr(parent, name, old)
        self._kept.clear()

    UnsetAll = SmartUnsetAll = CleanUp
