"""FAISS, imported when it is first needed."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from retrieval.errors import MissingPackage

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@contextmanager
def threads(n: int | None) -> Iterator[None]:
    """Let FAISS use n threads in this thread for a while; None for as many as it does."""
    if n is None:
        yield
        return
    before = faiss().omp_get_max_threads()
    faiss().omp_set_num_threads(n)
    try:
        yield
    finally:
        faiss().omp_set_num_threads(before)
