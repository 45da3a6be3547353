"""Record what TensorFlow gives for every case: run with a Python that has TensorFlow.

    python -m tests.against_tensorflow.record [--refused] [FAMILY ...]

Writes ``recorded/<family>.json.gz`` beside this file; ``--refused`` shows what is refused, and why.
"""

from __future__ import annotations

import gzip
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path

from tests.against_tensorflow import families
from tests.against_tensorflow.outcome import outcome, packed, titles

RECORDED = Path(__file__).with_name("recorded")
FAMILIES = sorted(module.name for module in pkgutil.iter_modules(families.__path__))


def main(names: list[str], told: bool = False) -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()
    tf.logging.set_verbosity(tf.logging.ERROR)
    for name in names or FAMILIES:
        cases = titles(importlib.import_module(f"{families.__name__}.{name}").cases())
        also = (AssertionError, LookupError)
        rows = {title: packed(outcome(tf, case, also)) for title, case in cases.items()}
        for title, row in rows.items():
            says = row.pop("says", None)  # words of another project, which may name files
            if says and told:
                sys.stdout.write(f"  {title}\n    {says}\n")
        text = json.dumps({"tensorflow": tf.__version__, "cases": rows}, indent=0)
        data = gzip.compress(text.encode(), 9, mtime=0)
        (RECORDED / f"{name}.json.gz").write_bytes(data)
        failed = [title for title, row in rows.items() if "error" in row]
        sys.stdout.write(f"{name}: {len(rows)} cases, {len(failed)} refused, {len(data):,} bytes\n")


if __name__ == "__main__":
    main([a for a in sys.argv[1:] if a != "--refused"], "--refused" in sys.argv)
