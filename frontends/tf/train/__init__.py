"""``tf.train``: optimizers, the global step, learning-rate schedules, moving averages."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "frontends.tf.train.optimizer": "Optimizer",
    "frontends.tf.train.optimizers": (
        "AdadeltaOptimizer AdagradOptimizer AdamOptimizer GradientDescentOptimizer "
        "MomentumOptimizer RMSPropOptimizer"
    ),
    "frontends.tf.train.penalised": (
        "AdagradDAOptimizer FtrlOptimizer ProximalAdagradOptimizer ProximalGradientDescentOptimizer"
    ),
    "frontends.tf.train.sync": "SyncReplicasOptimizer",
    "frontends.tf.train.steps": (
        "create_global_step get_global_step get_or_create_global_step global_step "
        "assert_global_step"
    ),
    "frontends.tf.train.schedules": (
        "cosine_decay cosine_decay_restarts exponential_decay inverse_time_decay "
        "linear_cosine_decay natural_exp_decay noisy_linear_cosine_decay piecewise_constant "
        "polynomial_decay"
    ),
    "frontends.tf.train.averages": "ExponentialMovingAverage",
    "frontends.tf.train.saver": "Saver",
    "frontends.tf.train.meta_graph": "SaverDef export_meta_graph import_meta_graph",
    "frontends.tf.train.checkpoint_state": (
        "checkpoint_exists checkpoints_iterator generate_checkpoint_state_proto "
        "get_checkpoint_mtimes "
        "get_checkpoint_state latest_checkpoint remove_checkpoint update_checkpoint_state"
    ),
    "frontends.tf.train.trackable": "Checkpoint",
    "frontends.tf.train.checkpoint_reader": (
        "NewCheckpointReader init_from_checkpoint list_variables load_checkpoint load_variable "
        "warm_start"
    ),
    "frontends.tf.graph_def.exporting": "write_graph",
    "frontends.tf.summary.reading": "summary_iterator",
    "frontends.tf.summary.older": "SummaryWriter",
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("train", name, __dir__)


def __dir__() -> list[str]:
    return sorted(_NAMES)
