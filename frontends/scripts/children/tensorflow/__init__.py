"""``import tensorflow`` in a process that a script under ``graphc run`` started.

A Python of another installation gets the ``tensorflow`` it has.
"""

import os
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent.parent
del sys.modules[__name__]
if os.environ.get("_GRAPHC_RUNS_IN") == sys.prefix:
    if str(_HERE.parents[2]) not in sys.path:
        sys.path.append(str(_HERE.parents[2]))
    from frontends.scripts.imports import FINDER

    sys.meta_path.insert(0, FINDER)
else:
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE]
__import__(__name__)
