"""Write ``tf1_signatures.txt``: the parameters of TF1's public functions and classes.

    python tests/frontends/record_signatures.py        (where TensorFlow 2 is installed)

``tf.compat.v1`` of TensorFlow 2 has the parameters of 1.15 and some that came later; those are left
out (``LATER``).  A line is a name and its parameters in order; ``name=value`` has that default.
"""

import json
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LATER = {
    "layout", "bad_indices_policy", "align", "grad_a", "grad_b", "index_type", "sparse_gradient",
    "allow_fast_lookup", "handle_data", "type_enum", "type_value", "experimental_attributes",
    "use_own_namescope_for_non_slot_vars", "alg",
}  # fmt: skip
LATER_OF = {
    "matmul": {"output_type"}, "linalg.matmul": {"output_type"}, "linspace": {"axis"},
    "lin_space": {"axis"}, "nn.swish": {"beta"}, "nn.silu": {"beta"},
    "quantization.quantize_and_dequantize": {"axis"}, "numpy_function": {"stateful"},
    "flags.FlagHolder": {"ensure_non_none_value"},
    "flags.Flag": {"allow_override_cpp", "allow_hide_cpp", "allow_overwrite",
                   "allow_using_method_names"},
}  # fmt: skip
OTHERS = (
    "raw_ops", "keras", "data", "app", "compat", "config", "distribute", "estimator",
    "experimental", "lite", "mlir", "types", "saved_model", "lookup", "feature_column",
    "mixed_precision", "image",
)  # fmt: skip


def signatures(tf: Any, inspect: Any) -> Iterator[str]:
    for name, value in sorted(public(tf, "")):
        constructed = isinstance(value, type)
        if constructed and (issubclass(value, BaseException | tuple) or not own_init(value)):
            continue
        try:
            spec = inspect.getfullargspec(value.__init__ if constructed else value)
        except TypeError:
            continue
        left_out = LATER | LATER_OF.get(name, set())
        given = [p for p in parameters(spec) if p.partition("=")[0] not in left_out]
        yield f"{name}: {' '.join(given[1:] if constructed else given)}".rstrip()


def own_init(value: type) -> bool:
    return value.__init__ is not object.__init__


def public(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every function and class with its dotted name."""
    for name in dir(module):
        full = f"{path}.{name}" if path else name
        if name.startswith("_") or full in OTHERS or name in ("tf_decorator", "layers", "rnn_cell"):
            continue
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            if value.__name__.startswith("tensorflow") and full.count(".") < 3:
                yield from public(value, full)
        elif callable(value):
            yield full, value


def parameters(spec: Any) -> Iterator[str]:
    defaults = list(spec.defaults or ())
    first = len(spec.args) - len(defaults)
    for k, name in enumerate(spec.args):
        yield name if k < first else f"{name}={written(defaults[k - first])}"
    for name in spec.kwonlyargs:
        yield f"{name}={written((spec.kwonlydefaults or {}).get(name))}"


def written(value: Any) -> str:
    """A default as JSON without spaces; ``?`` for an object."""
    if hasattr(value, "as_numpy_dtype"):
        return f'"{value.name}"'
    try:
        text = json.dumps(value)
    except TypeError:
        return "?"
    return "?" if " " in text else text


if __name__ == "__main__":
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow.compat.v1 as tf
    from tensorflow.python.util import tf_inspect

    lines = signatures(tf, tf_inspect)
    (HERE / "tf1_signatures.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    sys.exit()
