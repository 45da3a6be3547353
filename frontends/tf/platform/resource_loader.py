"""``tf.resource_loader``: files that lie beside the program that asks for them."""

from __future__ import annotations

from pathlib import Path

from graphc.errors import NotFoundError
from graphc.ir.source import here


def get_data_files_path() -> str:
    """The folder of the file that calls."""
    site = here()
    return str(Path(site.filename).resolve().parent) if site is not None else str(Path.cwd())


def get_path_to_datafile(path: str) -> str:
    """A path beside the file that calls."""
    return str(Path(get_data_files_path()) / path)


def get_root_dir_with_all_resources() -> str:
    """The folder of the file that calls."""
    return get_data_files_path()


def load_resource(path: str) -> bytes:
    """The bytes of a file beside the one that calls."""
    full = Path(get_path_to_datafile(path))
    if not full.is_file():
        raise NotFoundError(f"{full}; No such file", site=here())
    return full.read_bytes()


def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """The path as it is."""
    return path
