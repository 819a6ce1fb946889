"""Checksums of model files, remembered beside them so that they are not read at every start."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

MEMORY = ".checksums.json"
"""File in a model's folder: name to size, time of change and SHA-256 of its other files."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_sha1_of(path: Path) -> str:
    """The id git gives to a file's content, by which a model hub names its small files."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def cached_sha256(path: Path) -> str:
    """SHA-256 of a file, read from it only if its size or time of change is a new one."""
    memory = path.parent / MEMORY
    known = _read(memory)
    state = path.stat()
    entry = known.get(path.name, {})
    if (entry.get("size"), entry.get("mtime_ns")) == (state.st_size, state.st_mtime_ns):
        return str(entry["sha256"])
    digest = sha256_of(path)
    known[path.name] = {
        "size": state.st_size,
        "mtime_ns": state.st_mtime_ns,
        "sha256": digest,
    }
    try:
        draft = memory.with_suffix(".new")
        draft.write_text(json.dumps(known, indent=1), encoding="utf-8")
        draft.replace(memory)
    except OSError as error:
        logger.info("Checksums cannot be kept in %s: %s", path.parent, error)
    return digest


def _read(memory: Path) -> dict[str, Any]:
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
