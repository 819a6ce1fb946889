"""A new library: its folder with an empty catalog, which is there whole or not at all."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from filelock import FileLock

from retrieval import known_models
from retrieval.catalog.catalog import Catalog
from retrieval.encoders.model_set import ModelSet, load_model_set
from retrieval.errors import LibraryError, LibraryNotFound
from retrieval.library_folder import CATALOG, LOCK, holds_library
from retrieval.space import JointSpace

if TYPE_CHECKING:
    from pathlib import Path

NEW = f"{CATALOG}.new"
"""What a catalog is called while it is made."""


def make_library(path: Path, models: str | ModelSet) -> None:
    """Make a library for a model set, unless another process is quicker.

    Raises:
        LibraryNotFound: the folder holds other things.
        LibraryError: it cannot be written.
        ModelError: there is no such set.
    """
    model_set = models if isinstance(models, ModelSet) else load_model_set(models)
    # An attempt that was ended, by a full disk for one, has left its beginnings.
    if path.is_dir() and not all(f.name == LOCK or f.name.startswith(NEW) for f in path.iterdir()):
        raise LibraryNotFound(
            f"{path} holds other things and no library. Name a folder that is new or empty."
        )
    try:
        path.mkdir(parents=True, exist_ok=True)
        with FileLock(path / LOCK):
            if holds_library(path):
                return  # another process was quicker
            fresh = path / NEW
            for left in path.glob(f"{NEW}*"):
                left.unlink()
            Catalog.create(
                fresh,
                space_dims=JointSpace(model_set).dims,
                model_set=model_set.name,
                fingerprint=model_set.fingerprint,
                windows=asdict(model_set.windows),
                **known_models.fact(model_set),
            ).close()
            fresh.replace(path / CATALOG)
    except OSError as error:
        raise LibraryError(f"Cannot make a library at {path}: {error.strerror}.") from error
