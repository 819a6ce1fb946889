"""Packages that only some formats need: imported when such a file comes, named when missing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from retrieval.errors import MediaError

if TYPE_CHECKING:
    from types import ModuleType


def optional_package(module: str, what: str) -> ModuleType:
    """Import a package of the extra `formats`.

    Args:
        module: Name of the module.
        what: What it is needed for, in the plural: "PDF files".

    Raises:
        MediaError: it is not installed; the message names the pip line.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MediaError(
            f"{what} need the package {module}: pip install 'anyseek[formats]'"
        ) from error
