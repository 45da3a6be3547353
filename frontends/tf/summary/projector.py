"""``tf.contrib.tensorboard.plugins.projector``: what TensorBoard's embedding view shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphc.protocol import tensorboard_module, text_of

_MESSAGES = ("EmbeddingInfo", "EmbeddingMetadata", "ProjectorConfig", "SpriteMetadata")


def visualize_embeddings(summary_writer: Any, config: Any) -> None:
    """Write ``config`` (a ``ProjectorConfig``) beside the event files of ``summary_writer``.

    >>> config = projector.ProjectorConfig()
    >>> config.embeddings.add().tensor_name = embedding.name
    >>> projector.visualize_embeddings(writer, config)
    """
    logdir = (
        summary_writer.get_logdir() if hasattr(summary_writer, "get_logdir") else summary_writer
    )
    if logdir is None:
        raise ValueError("the writer has no folder")
    folder = Path(str(logdir))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "projector_config.pbtxt").write_text(text_of(config))


def __getattr__(name: str) -> Any:
    if name in _MESSAGES:
        return getattr(tensorboard_module("plugins.projector.projector_config_pb2"), name)
    from frontends.tf.names.missing import missing

    raise missing("contrib.tensorboard.plugins.projector", name, __dir__())


def __dir__() -> list[str]:
    return sorted([*_MESSAGES, "visualize_embeddings"])
