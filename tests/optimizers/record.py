"""Write ``trajectories.npz``: what TensorFlow's optimizers make of the problem.

Run from the repository's root by a Python that has TensorFlow::

    PYTHONPATH=. python tests/optimizers/record.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf

from tests.optimizers.problem import CASES, PARAMETERS, SCHEDULE_STEPS, Problem, schedules

RECORDED = Path(__file__).with_name("trajectories.npz")


def main() -> None:
    tf.disable_v2_behavior()
    found: dict[str, np.ndarray] = {"version": np.array(tf.__version__)}
    for dtype in ("float32", "float64"):
        for case, make in CASES.items():
            if dtype == "float64" and case.startswith("proximal"):
                continue  # their sparse update refuses the float32 rate
            with tf.Graph().as_default(), tf.Session() as session:
                columns, ends = Problem(tf, make, dtype).trajectory(tf, session)
            key = f"{dtype}|{case}"
            found |= {f"{key}|{name}": c for name, c in zip(PARAMETERS, columns, strict=True)}
            slots = {name: value for name, value in ends.items() if name not in PARAMETERS}
            found[f"{key}|names"] = np.array(list(ends))
            if dtype == "float32":
                found |= {f"{key}|end|{name}": value for name, value in slots.items()}
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        rates = schedules(tf, step)
        found["schedules"] = np.array([session.run(rates, {step: k}) for k in SCHEDULE_STEPS])
    np.savez_compressed(RECORDED, **found)


if __name__ == "__main__":
    main()
