"""Getting a model set: downloaded file by file, verified, and moved into place whole."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from retrieval.encoders import hub, open_clip, query_words, runtime
from retrieval.encoders.checksums import MEMORY, cached_sha256, sha256_of
from retrieval.encoders.model_store import (
    MANIFEST,
    StoredModel,
    StoredSet,
    models_folder,
    place_of,
    read_manifest,
    write_manifest,
)
from retrieval.encoders.published import LAION_TOKENIZER, PublishedModel, published_set
from retrieval.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from retrieval.encoders.hub import HubFile, HubRepository

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a pull is."""

    file: str
    """What is being fetched, e.g. `clap/model.safetensors`."""
    done: int
    """Bytes of all files that are here."""
    total: int
    """Bytes of all files."""


@dataclass(frozen=True)
class _Planned:
    model: PublishedModel
    repository: HubRepository
    files: tuple[HubFile, ...]

    @property
    def folder(self) -> str:
        return "clap" if self.model.kind == "laion_clap" else self.model.kind


def pull(
    name: str,
    *,
    to: Path | None = None,
    precision: str = "auto",
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Bring a model set onto this machine.

    The folder appears whole or not at all; a pull that was cut off goes on where it stopped, also
    in the middle of a file. Files that another set already has are linked, not fetched again.

    Args:
        name: A published set, or `open_clip:...+clap:...`; a part such as
            `open_clip:local-dir:FOLDER` is copied from a folder of this machine.
        to: Folder to make, to be carried elsewhere; else it becomes the set of this machine.
        precision: What the encoders will compute in: `fp32`, `bf16`, `fp16`, or `auto` for what
            suits this machine best. It becomes part of what the set is.
        progress: Called as bytes come in.

    Returns:
        The folder, to be given to `load_model_set`.

    Raises:
        ModelError: the hub cannot be reached or does not give what is needed, a checksum is
            wrong, or another process is pulling the same set.
    """
    wanted = published_set(name)
    place = to or place_of(wanted)
    if to and to.exists() and not (to / MANIFEST).is_file() and any(to.iterdir()):
        raise ModelError(f"{to} holds other files; name a new or empty folder.")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.part")
    try:
        with FileLock(place.with_name(f".{place.name}.lock"), timeout=0):
            plan = [_plan(model) for model in wanted.models]
            if _is_current(place, plan):
                return place
            _fetch_all(plan, draft, progress)
            models = tuple(_finish(one, draft / one.folder) for one in plan)
            write_manifest(draft, StoredSet(wanted.name, _settle(precision), models))
            _move_into_place(draft, place)
    except Timeout as error:
        raise ModelError(f"Another process is pulling {name} right now; let it finish.") from error
    return place


def _plan(model: PublishedModel) -> _Planned:
    """Look up what the hub has of a model and choose the files that are needed."""
    if model.place:
        repository = _look_in(model.place, model.wanted)
    else:
        repository = hub.look_at(model.repository or _repository_of_tag(model.source))
    files = [
        repository.files[found]
        for group in model.wanted
        if (found := next((n for n in group if n in repository.files), None))
    ]
    if not any(f.name in model.wanted[0] for f in files):
        wanted = " or ".join(model.wanted[0])
        raise ModelError(f"{repository.name} has no {wanted}: {model.id} cannot be had.")
    if model.kind == "laion_clap":
        others = hub.look_at(LAION_TOKENIZER).files
        files += [others[n] for n in open_clip.TOKENIZER if n in others]
    return _Planned(model, repository, tuple(files))


def _look_in(place: Path, wanted: tuple[tuple[str, ...], ...]) -> HubRepository:
    """A folder of this machine, seen as a repository."""
    names = [name for group in wanted for name in group if (place / name).is_file()]
    files = {
        name: hub.HubFile("", name, (place / name).stat().st_size, sha256_of(place / name), None)
        for name in names
    }
    content = "\n".join(f"{name} {files[name].sha256}" for name in sorted(files))
    revision = hashlib.sha256(content.encode()).hexdigest()[:40]
    return hub.HubRepository(str(place), revision, None, files)


def _repository_of_tag(source: str) -> str:
    """Where open_clip's own table has a `NAME/TAG`."""
    towers = import_module("retrieval.encoders.open_clip_towers")
    return str(towers.repository_of(source))


def _is_current(place: Path, plan: list[_Planned]) -> bool:
    if not (place / MANIFEST).is_file():
        return False
    try:
        stored = read_manifest(place)
    except ModelError:
        return False
    here = {model.id: model.revision for model in stored.models}
    return here == {one.model.id: one.repository.revision for one in plan}


def _fetch_all(
    plan: list[_Planned], draft: Path, progress: Callable[[Progress], None] | None
) -> None:
    total = sum(file.size for one in plan for file in one.files)
    done = 0
    for one in plan:
        for file in one.files:
            label = f"{one.folder}/{file.name}"

            def report(came: int, label: str = label) -> None:
                nonlocal done
                done += came
                if progress:
                    progress(Progress(label, done, total))

            target = draft / one.folder / file.name
            if (target.is_file() and file.matches(target)) or _link(file, target):
                report(file.size)
            elif one.model.place:
                target.parent.mkdir(parents=True, exist_ok=True)
                # Not linked: whoever owns that folder may write into it.
                shutil.copyfile(one.model.place / file.name, target)
                report(file.size)
            else:
                hub.fetch(file, target, report)


def _link(file: HubFile, target: Path) -> bool:
    """Take a file from another set of this machine, if one has the same content."""
    if not file.sha256:
        return False
    for manifest in models_folder().glob(f"*/{MANIFEST}"):
        try:
            models = read_manifest(manifest.parent).models
        except ModelError:
            continue
        for model in models:
            for name, facts in model.files.items():
                if facts["sha256"] == file.sha256:
                    _link_or_copy(manifest.parent / model.folder / name, target)
                    if file.matches(target):
                        return True
                    target.unlink()
    return False


def _link_or_copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _finish(one: _Planned, folder: Path) -> StoredModel:
    """Complete the folder of a model and write down what it holds."""
    model = one.model
    if model.kind == "laion_clap":
        checkpoint = folder / model.source
        laion_clap = import_module("retrieval.encoders.laion_clap")
        laion_clap.convert_laion_clap(checkpoint, folder, folder)
        checkpoint.unlink()
    elif model.kind == "open_clip":
        _complete_open_clip(model, folder)
    found_here = (MEMORY, query_words.RESULT, runtime.RESULT)
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in found_here)
    return StoredModel(
        id=model.id,
        kind=one.folder,
        folder=one.folder,
        repository=one.repository.name,
        revision=one.repository.revision,
        licence=one.repository.licence or model.licence,
        notice=model.notice,
        files={
            n: {"size": (folder / n).stat().st_size, "sha256": cached_sha256(folder / n)}
            for n in names
            if not n.endswith(".part")
        },
    )


def _complete_open_clip(model: PublishedModel, folder: Path) -> None:
    """Add what some repositories lack: the configuration, the tokenizer of another model."""
    config = folder / open_clip.CONFIG
    if not config.is_file():
        towers = import_module("retrieval.encoders.open_clip_towers")
        config.write_text(json.dumps(towers.config_of(model.source), indent=1), encoding="utf-8")
    named = open_clip.read_config(folder)["model_cfg"]["text_cfg"].get("hf_tokenizer_name")
    if not named or any((folder / n).is_file() for n in open_clip.TOKENIZER):
        return
    files = hub.look_at(named).files
    for name in open_clip.TOKENIZER:
        if name in files:
            hub.fetch(files[name], folder / name, lambda _: None)


def _settle(precision: str) -> str:
    device = import_module("retrieval.encoders.device")
    return str(device.choose_precision(device.choose_device("auto"), precision))


def _move_into_place(draft: Path, place: Path) -> None:
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.replace(old)
    draft.replace(place)
    shutil.rmtree(old, ignore_errors=True)
