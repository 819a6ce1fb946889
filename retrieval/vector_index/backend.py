"""FAISS, imported when it is first needed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from retrieval.errors import MissingPackage


def faiss() -> Any:
    """The module `faiss`.

    Raises:
        MissingPackage: neither faiss-cpu nor faiss-gpu is installed.
    """
    require_faiss()
    return import_module("faiss")


def require_faiss() -> None:
    """Check that FAISS is installed, without the time it takes to import it.

    Raises:
        MissingPackage: neither faiss-cpu nor faiss-gpu is installed.
    """
    if find_spec("faiss") is None:
        raise MissingPackage(
            "Searching needs FAISS. Install it with: pip install 'anyseek[cpu]' "
            "or, on a machine with CUDA: pip install 'anyseek[gpu]'"
        )
