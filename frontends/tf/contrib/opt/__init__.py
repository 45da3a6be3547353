"""``tf.contrib.opt``: more optimizers, optimizers around others, optimizers outside the graph."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "frontends.tf.contrib.opt.adam_variants": ("AdaMaxOptimizer LazyAdamOptimizer NadamOptimizer"),
    "frontends.tf.contrib.opt.signs": (
        "AddSignOptimizer PowerSignOptimizer get_cosine_decay_fn get_linear_decay_fn "
        "get_restart_decay_fn"
    ),
    "frontends.tf.contrib.opt.weight_decay": (
        "AdamWOptimizer DecoupledWeightDecayExtension MomentumWOptimizer "
        "extend_with_decoupled_weight_decay"
    ),
    "frontends.tf.contrib.opt.around": "MovingAverageOptimizer VariableClippingOptimizer",
    "frontends.tf.contrib.opt.external": "ExternalOptimizerInterface ScipyOptimizerInterface",
    "frontends.tf.contrib.opt.hessian_free": "HessianFreeOptimizer",
}
_NAMES = {name: module for module, names in _WHERE.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        value = globals()[name] = getattr(import_module(_NAMES[name]), name)
        return value
    from frontends.tf.names.missing import elsewhere

    return elsewhere("contrib.opt", name, __dir__)


def __dir__() -> list[str]:
    return sorted(_NAMES)
