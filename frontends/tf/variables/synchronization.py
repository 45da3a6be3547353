"""How copies of a variable on several devices would be kept alike; here there is one copy."""

from __future__ import annotations

from enum import Enum


class VariableSynchronization(Enum):
    """When copies of a variable would be made equal.  ON_READ variables are not trained."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(Enum):
    """How writes to copies of a variable would be joined."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


def is_trained(trainable: bool | None, synchronization: VariableSynchronization) -> bool:
    """Whether a variable is trained: True unless said, or unless it is read from copies."""
    if synchronization is VariableSynchronization.ON_READ:
        if trainable:
            raise ValueError("a variable with synchronization=ON_READ cannot be trainable")
        return False
    return trainable is not False
