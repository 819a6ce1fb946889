"""Files of the Hugging Face hub: what a repository holds, and one file, resumed and verified."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx2
from huggingface_hub import HfApi, get_session
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from retrieval.encoders.checksums import git_sha1_of, sha256_of
from retrieval.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

logger = logging.getLogger(__name__)

TIMEOUT_S = 10.0
"""Longest wait for a connection or for the next bytes."""
TRIES = 5
"""Connections in a row that may break without a single new byte before it is given up."""


@dataclass(frozen=True)
class HubFile:
    """One file of a repository at one revision."""

    url: str
    name: str
    size: int
    sha256: str | None
    """Of large files."""
    git_sha1: str | None
    """Of small files."""

    @property
    def checksum(self) -> str:
        """What tells this content from every other."""
        return self.sha256 or self.git_sha1 or f"size-{self.size}"

    def matches(self, path: Path) -> bool:
        """Whether a file on this machine has this content."""
        if path.stat().st_size != self.size:
            return False
        if self.sha256:
            return sha256_of(path) == self.sha256
        return not self.git_sha1 or git_sha1_of(path) == self.git_sha1


@dataclass(frozen=True)
class HubRepository:
    """What a repository holds now."""

    name: str
    revision: str
    licence: str | None
    """As its card states it."""
    files: dict[str, HubFile]


def look_at(repository: str) -> HubRepository:
    """List a model repository with the sizes and checksums of its files.

    Raises:
        ModelError: the hub cannot be reached, or has no such repository.
    """
    api = HfApi()
    try:
        info = api.model_info(repository, files_metadata=True, timeout=TIMEOUT_S)
    except (OfflineModeIsEnabled, httpx2.TransportError) as error:
        raise ModelError(_unreachable(api.endpoint, error)) from error
    except HfHubHTTPError as error:
        raise ModelError(f"{api.endpoint} does not give {repository}: {error}") from error
    revision = info.sha or "main"
    files = {
        sibling.rfilename: HubFile(
            url=f"{api.endpoint}/{repository}/resolve/{revision}/{quote(sibling.rfilename)}",
            name=sibling.rfilename,
            size=sibling.size or 0,
            sha256=sibling.lfs.sha256 if sibling.lfs else None,
            git_sha1=None if sibling.lfs else sibling.blob_id,
        )
        for sibling in info.siblings or []
    }
    licence = getattr(info.card_data, "license", None)
    return HubRepository(repository, revision, str(licence) if licence else None, files)


def fetch(file: HubFile, target: Path, progress: Callable[[int], None]) -> None:
    """Download a file to `target`, which appears only when it is whole and verified.

    What an earlier try left is continued. `progress` is called with the number of bytes that came
    (negative where bytes turned out to be useless).

    Raises:
        ModelError: the connection broke for good, or the content is not what the hub announces.
    """
    partial = target.with_name(f"{target.name}.{file.checksum[:16]}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    continued = partial.exists()
    progress(partial.stat().st_size if continued else 0)
    _download(file, partial, progress)
    if not file.matches(partial) and continued:
        logger.warning("%s was damaged by an earlier try; it is downloaded anew", file.name)
        progress(-partial.stat().st_size)
        partial.unlink()
        _download(file, partial, progress)
    if not file.matches(partial):
        partial.unlink()
        raise ModelError(
            f"{file.url} came with another checksum than the hub announces, so it was thrown "
            "away. Pull again; if it stays so, the file is damaged at its source."
        )
    partial.replace(target)


def _download(file: HubFile, partial: Path, progress: Callable[[int], None]) -> None:
    """Bring `partial` to full length, continuing it after every break that brought new bytes."""
    failures = 0
    while True:
        size = partial.stat().st_size if partial.exists() else 0
        if size == file.size:
            partial.touch()
            return
        if size > file.size:
            progress(-size)
            partial.unlink()
            continue
        try:
            _continue(file, partial, size, progress)
        except OfflineModeIsEnabled as error:
            raise ModelError(_unreachable(file.url, error)) from error
        except httpx2.HTTPStatusError as error:
            raise ModelError(
                f"{file.url} is not to be had: HTTP status {error.response.status_code}."
            ) from error
        except httpx2.TransportError as error:
            grew = partial.exists() and partial.stat().st_size > size
            failures = 0 if grew else failures + 1
            if isinstance(error, httpx2.ConnectError) or failures == TRIES:
                raise ModelError(_unreachable(file.url, error)) from error
            logger.info("The transfer of %s broke (%s); it is continued", file.name, error)


def _continue(file: HubFile, partial: Path, size: int, progress: Callable[[int], None]) -> None:
    # Compressed transfers cannot be continued in the middle.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if size:
        headers["Range"] = f"bytes={size}-"
    with get_session().stream("GET", file.url, headers=headers, timeout=TIMEOUT_S) as response:
        response.raise_for_status()
        if size and response.status_code != httpx2.codes.PARTIAL_CONTENT:
            progress(-size)
            size = 0
        with partial.open("r+b" if size else "wb") as out:
            out.seek(size)
            for chunk in response.iter_raw():
                out.write(chunk)
                progress(len(chunk))


def _unreachable(place: str, error: Exception) -> str:
    return (
        f"{place} cannot be reached ({error}). Pull again when there is a network: what has come "
        "so far is kept."
    )
