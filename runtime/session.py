"""Sessions: run parts of a graph on a device, with the variables the session owns.

``run`` turns (fetches, feed keys) into a prepared call once and remembers it under those very
objects, so that the next ``run`` costs a look-up.  What runs it is an executor of the session's
device::

    Executor(state)
        prepare(feeds, fetches, targets) -> Prepared
        close()                                       (optional)
        inspect(feeds, fetches, targets, values) -> report   (optional)
    Prepared
        run(arrays) -> tuple         one NumPy value per fetch
        checks_feeds = False         True: ``run`` takes the caller's values unconverted

``state`` is a :class:`SessionState`; feeds and fetches are tensors, targets are nodes, each once.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from graphc.errors import GraphError
from graphc.ir.graph import Graph, Node, Tensor, default_graph
from graphc.ir.op import Kind
from graphc.ir.source import here
from runtime.advice import Growth, examine
from runtime.feeds import Feeds, composite_feeds, feed_tensors, missing_feed
from runtime.fetches import Fetches, needed_nodes, structure_token
from runtime.variables import VariableStore

DEVICES = {
    "reference": "runtime.devices.reference.executor",
    "cpu": "runtime.executor",
}  # module with the Executor class of each device

Call = Callable[[Any], Any]  # values in feed order -> the fetched structure

# Told of every run that is prepared and every session that closes (the command line's report):
#   prepared(session, fetches, feeds, call) -> call      closing(session) -> None
WATCHERS: list[Any] = []

CALLS_KEPT = 256
LOG_LINES = 10_000  # of the compile log, the latest


@dataclass(frozen=True)
class SessionOptions:
    """What a caller may choose about a session.

    ``threads`` 0 means one per core.  ``optimize`` False runs the graph as written (no pass that
    is not required).  ``log_device_placement`` prints where each prepared run goes.
    ``memory_limit`` is the most bytes a run's temporaries may take (0: no limit), ``segments`` the
    lengths of segments that loops of these names are run again in.  ``reroll`` False leaves turns
    that Python wrote out as they are.
    """

    threads: int = 0
    optimize: bool = True
    log_device_placement: bool = False
    memory_limit: int = 0
    segments: tuple[tuple[str, tuple[int, ...]], ...] = ()
    reroll: bool = True


@dataclass
class SessionState:
    """What an executor works with: everything the session owns."""

    graph: Graph
    device: str
    options: SessionOptions
    variables: VariableStore = field(default_factory=VariableStore)
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def note(self, line: str) -> None:
        """Add a line to ``compile_log``."""
        self.log.append(line)


class Session:
    """Runs a graph.

    >>> with tf.Session() as sess:
    ...     sess.run(tf.global_variables_initializer())
    ...     value, _ = sess.run([loss, train_op], {x: images, y: labels})

    ``graph`` defaults to the default graph; ``device`` (``"/cpu:0"``, ``"/reference:0"``) to the
    CPU. A session may be used from several threads.
    """

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        device: str | None = None,
    ) -> None:
        if target:
            raise GraphError(
                f"there is no server {target!r} to connect to",
                subject="Session",
                hint="sessions run in this process: tf.Session()",
                site=here(),
            )
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, got {type(graph).__name__}")
        if config is not None and not hasattr(config, "session_options"):
            raise TypeError(f"config must be a tf.ConfigProto, got {type(config).__name__}")
        options = config.session_options() if config is not None else SessionOptions()
        folder, name = device_name(device)
        self._state = SessionState(graph or default_graph(), name, options)
        self._executor: Any = import_module(DEVICES[folder]).Executor(self._state)
        self._calls: dict[Any, Call] = {}
        self._closed = False
        self._growth = Growth()
        self._entered: list[Any] = []

    # --- running -------------------------------------------------------------------------------

    def run(
        self,
        fetches: Any,
        feed_dict: dict | None = None,
        options: Any = None,
        run_metadata: Any = None,
    ) -> Any:
        """Compute ``fetches`` (a tensor, operation, variable, name, or a nest of them).

        Returns NumPy values in the same structure; None stands for an operation.  ``feed_dict``
        maps placeholders, or any other tensors, to values.  With ``run_metadata``, and ``options``
        whose trace level asks for it, what each launch took is recorded there.

        >>> sess.run({"loss": loss, "step": train_op}, feed_dict={x: images})
        {'loss': 0.25, 'step': None}
        """
        if run_metadata is not None:
            return self._traced_run(fetches, feed_dict or {}, options, run_metadata)
        if feed_dict is None:
            feed_dict = _NOTHING_FED
        kind = fetches.__class__
        try:
            if kind is list or kind is tuple:
                token: Any = (kind, tuple(fetches), tuple(feed_dict))
            else:
                token = (kind, fetches, tuple(feed_dict))
            call = self._calls.get(token)
        except TypeError:  # a nest of lists or dicts, which do not hash
            token = (structure_token(fetches), _feed_keys(feed_dict))
            call = self._calls.get(token) if _is_hashable(token) else None
        if call is None:
            call = self._new_call(token, fetches, feed_dict)
        return call(feed_dict.values())

    def _traced_run(self, fetches: Any, feed_dict: dict, options: Any, run_metadata: Any) -> Any:
        """Run, then time the launches of such a run; not where timing would repeat what Python
        functions do."""
        values = self.run(fetches, feed_dict)
        wanted = getattr(options, "trace_level", 0) and hasattr(self._executor, "inspect")
        if wanted:
            parts = Fetches(self.graph, fetches)
            fed = feed_tensors(self.graph, tuple(feed_dict))
            ops = [node.op for node in needed_nodes(parts.tensors, parts.targets, fed)]
            if not any(op.kind is Kind.HOST and (op.effect or op.random) for op in ops):
                run_metadata.record(self.inspect(fetches, feed_dict))
        return values

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function of the values for ``feed_list``, in order, that runs ``fetches``.

        >>> step = sess.make_callable([loss, train_op], [x, y])
        >>> step(images, labels)
        """
        if accept_options:
            raise NotImplementedError("make_callable(accept_options=True) is not provided")
        keys = tuple(feed_list or ())
        call = self._prepared_call(fetches, keys)

        def step(*values: Any) -> Any:
            if self._closed:
                self._require_open()
            if len(values) != len(keys):
                raise TypeError(f"takes {len(keys)} values (feed_list), got {len(values)}")
            return call(values)

        return step

    def _new_call(self, token: Any, fetches: Any, feed_dict: Any) -> Call:
        if not isinstance(feed_dict, dict):
            raise TypeError(f"feed_dict must be a dict, got {type(feed_dict).__name__}")
        self._growth.note(self.graph)
        call = self._prepared_call(fetches, tuple(feed_dict), tuple(feed_dict.values()))
        if not _is_hashable(token):
            return call
        for oldest in tuple(self._calls)[: max(0, len(self._calls) + 1 - CALLS_KEPT)]:
            self._calls.pop(oldest, None)
        self._calls[token] = call
        return call

    def _prepared_call(self, fetches: Any, keys: tuple, values: tuple = ()) -> Call:
        """``call(values) -> structure``; the cheap function every run goes through.

        ``values`` are those of the first run, where there is one already."""
        self._require_open()
        composite = composite_feeds(keys)
        if composite is not None:
            inner = self._prepared_call(
                fetches, composite.keys, tuple(composite.values(values)) if values else ()
            )
            return lambda given: inner(composite.values(given))
        wanted = Fetches(self.graph, fetches)
        tensors = feed_tensors(self.graph, keys)
        nodes = needed_nodes(wanted.tensors, wanted.targets, tensors)
        require_fed(nodes, tensors, wanted)
        examine(self.graph, nodes, dict(zip(tensors, values, strict=False)))
        if self._state.options.log_device_placement:
            names = ", ".join([t.name for t in wanted.tensors] + [n.name for n in wanted.targets])
            sys.stderr.write(f"{names}: {self.device}\n")
        prepared = self._executor.prepare(tensors, wanted.tensors, wanted.targets)
        run, pack = prepared.run, wanted.pack
        if any(node.op.kind is Kind.HOST for node in nodes):
            run = self._announced(run)
        convert = tuple if getattr(prepared, "checks_feeds", False) else Feeds(tensors).convert
        call: Call = lambda values: pack(run(convert(values)))  # noqa: E731
        for watcher in WATCHERS:
            call = watcher.prepared(self, fetches, tensors, call)
        return call

    def _announced(self, run: Callable[[Any], Any]) -> Call:
        """``run``, during which :func:`running_session` is this session."""

        def announced(arrays: Any) -> Any:
            outer, _stack.running = _stack.running, self
            try:
                return run(arrays)
            finally:
                _stack.running = outer

        return announced

    # --- state ---------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        return self._state.graph

    @property
    def graph_def(self) -> Any:
        """The graph as a ``tf.GraphDef``."""
        return self.graph.as_graph_def(add_shapes=True)  # type: ignore[attr-defined]

    @property
    def variables(self) -> VariableStore:
        """The session's variables, by key (a variable's name without ``:0``)."""
        return self._state.variables

    @property
    def device(self) -> str:
        return self._state.device

    def list_devices(self) -> list[str]:
        return [f"/{folder}:0" for folder in DEVICES]

    def compile_log(self) -> list[str]:
        """One line per compile and re-plan of this session, with its reason."""
        return list(self._state.log)

    def inspect(self, fetches: Any, feed_dict: dict | None = None) -> Any:
        """What the compiler made of ``fetches``: passes, kernels, launches, memory plan.

        With ``feed_dict`` sizes are numbers and every launch is timed (the graph runs some twenty
        times; variables are put back as they were).  Print it, or ask ``to_json()``.

        >>> print(sess.inspect([loss, train_op], {x: images, y: labels}))
        """
        self._require_open()
        wanted = Fetches(self.graph, fetches)
        look = getattr(self._executor, "inspect", None)
        if look is None:
            raise NotImplementedError(f"device {self.device} compiles nothing to inspect")
        keys = tuple(feed_dict or ())
        values = None if feed_dict is None else tuple(feed_dict.values())
        composite = composite_feeds(keys)
        if composite is not None and values is not None:
            keys, values = composite.keys, tuple(composite.values(values))
        feeds = feed_tensors(self.graph, keys)
        return look(feeds, wanted.tensors, wanted.targets, values)

    def close(self) -> None:
        """Free what the session owns; running it afterwards is an error."""
        if not self._closed:
            for watcher in WATCHERS:
                watcher.closing(self)
        self._closed = True
        self._calls.clear()
        close = getattr(self._executor, "close", None)
        if close is not None:
            close()

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")

    # --- as the default ------------------------------------------------------------------------

    def as_default(self) -> _AsDefault:
        """A context in which ``tensor.eval()`` and ``operation.run()`` use this session."""
        return _AsDefault(self)

    def __enter__(self) -> Session:
        scope = self.graph.as_default(), self.as_default()
        scope[0].__enter__()
        scope[1].__enter__()
        self._entered.append(scope)
        return self

    def __exit__(self, *exception: Any) -> None:
        graph_scope, session_scope = self._entered.pop()
        session_scope.__exit__(*exception)
        graph_scope.__exit__(*exception)
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError(
            "a Session holds memory and compiled code of this process and cannot be pickled or "
            "copied; pickle its graph (sess.graph) and save its variables"
        )


class InteractiveSession(Session):
    """A session that is the default from its construction until ``close``.

    >>> sess = tf.InteractiveSession()
    >>> tf.constant(2.0).eval()
    2.0
    """

    def __init__(
        self,
        target: str = "",
        graph: Graph | None = None,
        config: Any = None,
        device: str | None = None,
    ) -> None:
        super().__init__(target, graph, config, device)
        self._scopes = [self.as_default()]
        if graph is not None:
            self._scopes.append(graph.as_default())  # type: ignore[arg-type]
        for scope in self._scopes:
            scope.__enter__()

    def close(self) -> None:
        scopes, self._scopes = self._scopes, []
        for scope in reversed(scopes):
            scope.__exit__(None, None, None)
        super().close()


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.running: Session | None = None


_stack = _Stack()
_NOTHING_FED: dict = {}


class _AsDefault:
    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self) -> Session:
        _stack.sessions.append(self.session)
        return self.session

    def __exit__(self, *exception: Any) -> None:
        for k in reversed(range(len(_stack.sessions))):
            if _stack.sessions[k] is self.session:
                del _stack.sessions[k]
                return


def get_default_session() -> Session | None:
    """The innermost session entered with ``with`` in this thread, or None."""
    return _stack.sessions[-1] if _stack.sessions else None


def running_session() -> Session | None:
    """The session whose run calls the Python function that asks (py_func and its like)."""
    return _stack.running or get_default_session()


def session_for(session: Session | None, graph: Graph) -> Session:
    """``session``, or the default one; it must be of ``graph``."""
    chosen = session or get_default_session()
    if chosen is None:
        raise GraphError(
            "there is no default session to evaluate in",
            hint="use `with tf.Session():`, or pass session=...",
            site=here(),
        )
    if chosen.graph is not graph:
        raise GraphError(
            "the session given is of another graph"
            if session
            else "the default session is of another graph",
            hint="pass a session of the tensor's graph: session=tf.Session(graph=x.graph)",
            site=here(),
        )
    return chosen


def device_name(device: str | None) -> tuple[str, str]:
    """``("cpu", "/cpu:0")`` for ``"/cpu:0"``, ``"/device:CPU:0"``, ``"cpu"``; None is what the
    environment says (``GRAPHC_DEVICE``), else the CPU."""
    text = (device or os.environ.get("GRAPHC_DEVICE") or "/cpu:0").lower()
    folder, _, index = text.removeprefix("/device:").strip("/").partition(":")
    if folder not in DEVICES or index not in ("", "0"):
        raise GraphError(
            f"there is no device {device!r}",
            subject="Session",
            hint=f"devices: {', '.join(f'/{name}:0' for name in DEVICES)}",
            site=here(),
        )
    return folder, f"/{folder}:0"


def require_fed(nodes: Sequence[Node], fed: Sequence[Tensor], wanted: Fetches) -> None:
    """Raise for the first placeholder (in graph order) that a run needs and nobody feeds."""
    known = set(fed)
    unfed = [n for n in nodes if n.op.name == "placeholder" and n.outputs[0] not in known]
    if unfed:
        first = min(unfed, key=lambda node: (node.site.line if node.site else 0, node.name))
        asked = [*(t.name for t in wanted.tensors), *(n.name for n in wanted.targets)]
        raise missing_feed(first.outputs[0], asked)


def _is_hashable(token: Any) -> bool:
    try:
        hash(token)
    except TypeError:
        return False
    return True


def _feed_keys(feed_dict: Any) -> tuple:
    if not isinstance(feed_dict, dict):
        raise TypeError(f"feed_dict must be a dict, got {type(feed_dict).__name__}")
    return tuple(feed_dict)


def evaluate(tensor: Tensor, feed_dict: dict | None = None, session: Session | None = None) -> Any:
    """``tensor.eval()``."""
    return session_for(session, tensor.graph).run(tensor, feed_dict)
