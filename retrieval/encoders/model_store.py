"""Models on disk: where they live, what is there, what it says about itself."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from math import prod
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from safetensors import safe_open

from retrieval.encoders.checksums import sha256_of
from retrieval.encoders.published import ENTRY_POINTS, SETS, SHIPPED, PublishedSet, published_set
from retrieval.errors import ModelError

MANIFEST = "model_set.json"
"""In the folder of a model set. It is written last, so a folder that has it is whole."""
FORMAT = 1
"""Of the manifest; counts up when an older anyseek could misread it."""


@dataclass(frozen=True)
class StoredModel:
    """One model in the folder of a set."""

    id: str
    kind: str
    """`open_clip` or `clap`: which encoder reads it."""
    folder: str
    """Below the folder of the set."""
    repository: str
    revision: str
    licence: str | None
    notice: str
    files: dict[str, dict[str, Any]]
    """Name to `size` in bytes and `sha256`."""


@dataclass(frozen=True)
class StoredSet:
    """What the manifest of a set says."""

    name: str
    precision: str
    """`fp32`, `bf16` or `fp16`: what suited the machine that made the folder. It travels with the
    folder, so that a library made on one machine opens on another."""
    models: tuple[StoredModel, ...]

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(int(f["size"]) for model in self.models for f in model.files.values())


@dataclass(frozen=True)
class ModelInfo:
    """What is known of one model of a set."""

    id: str
    licence: str | None
    notice: str
    url: str | None
    parameters: int | None
    size: int | None
    """Bytes on disk; None while it is not here."""
    revision: str | None
    """Of its repository; None while it is not here, or if it has none."""
    dim: int | None
    """Length of its vectors."""
    trained_on: str
    folder: Path | None
    """Where it lies; None while it is not here."""


@dataclass(frozen=True)
class ModelSetInfo:
    """What is known of a set."""

    name: str
    about: str
    path: Path | None
    """Its folder; None while it is not here."""
    size: int | None
    """Bytes on disk; None while it is not here."""
    precision: str | None
    models: tuple[ModelInfo, ...]

    @property
    def present(self) -> bool:
        """Whether it can be used without a network."""
        return self.path is not None


def models_folder() -> Path:
    """Where pulled models live: `ANYSEEK_MODELS`, else the user's data folder."""
    named = os.environ.get("ANYSEEK_MODELS")
    return Path(named) if named else user_data_path("anyseek", appauthor=False) / "models"


def place_of(wanted: PublishedSet) -> Path:
    """The folder of a set, whether it is there or not."""
    return models_folder() / wanted.folder_name


def read_manifest(folder: Path) -> StoredSet:
    """What the folder of a set says about itself.

    Raises:
        ModelError: it is no such folder, or one of a newer anyseek.
    """
    try:
        held = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = held.pop("format")
        if version > FORMAT:
            raise ModelError(f"{folder} was made by a newer anyseek; upgrade this one.")
        models = tuple(StoredModel(**model) for model in held.pop("models"))
        stored = StoredSet(models=models, **held)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{folder} is no folder of models: its {MANIFEST} is missing or damaged. "
            "Make one with 'anyseek models pull SET --to DIR'."
        ) from error
    for model in stored.models:
        for name, facts in model.files.items():
            path = folder / model.folder / name
            if not path.is_file() or path.stat().st_size != facts["size"]:
                raise ModelError(
                    f"{path} is missing or has another size than when it was pulled. "
                    f"Pull {stored.name} again."
                )
    return stored


def write_manifest(folder: Path, stored: StoredSet) -> None:
    """Say what a folder holds; the last step of making it."""
    text = json.dumps({"format": FORMAT, **asdict(stored)}, indent=1)
    draft = folder / f"{MANIFEST}.new"
    draft.write_text(text, encoding="utf-8")
    draft.replace(folder / MANIFEST)


def path_of(name: str) -> Path:
    """The folder of a set that is here: pulled, shipped inside, or of another package.

    Raises:
        ModelError: it was not; the message says how to get it.
    """
    if name == SHIPPED or _entry_point(name):
        return Path(str(info(name).path))
    folder = place_of(published_set(name))
    if not (folder / MANIFEST).is_file():
        raise ModelError(
            f"The models of {name} are not on this machine. Get them with "
            f"'anyseek models pull {name}'; without a network here, run "
            f"'anyseek models pull {name} --to DIR' elsewhere, carry DIR over and use "
            "--models DIR. For a try without any download use --models mini."
        )
    read_manifest(folder)
    return folder


def info(name: str) -> ModelSetInfo:
    """What is known of a set, by name or by the folder that `pull --to` made; nothing is loaded.

    Raises:
        ModelError: there is no such set, or its folder is damaged.
    """
    if (Path(name) / MANIFEST).is_file():
        stored = read_manifest(Path(name))
        try:
            wanted = published_set(stored.name)
        except ModelError:
            wanted = PublishedSet(stored.name, "from a folder", ())
        return _info(wanted, Path(name))
    if name == SHIPPED:
        return _shipped()
    point = _entry_point(name)
    if point is not None:
        return _from_package(point)
    wanted = published_set(name)
    folder = place_of(wanted)
    return _info(wanted, folder if (folder / MANIFEST).is_file() else None)


def list_model_sets() -> list[ModelSetInfo]:
    """Every set that can be pulled, and all others that are here."""
    names = dict.fromkeys(SETS)
    for manifest in sorted(models_folder().glob(f"*/{MANIFEST}")):
        names[read_manifest(manifest.parent).name] = None
    names[SHIPPED] = None
    names |= dict.fromkeys(sorted(point.name for point in entry_points(group=ENTRY_POINTS)))
    return [info(name) for name in names]


def damaged_files(folder: Path) -> list[Path]:
    """Files of a set whose content is not what was pulled; reads all of them."""
    wrong = []
    for model in read_manifest(folder).models:
        for name, facts in model.files.items():
            path = folder / model.folder / name
            if sha256_of(path) != facts["sha256"]:
                wrong.append(path)
    return wrong


def _shipped() -> ModelSetInfo:
    """What is known of `mini`, from the header of its weights."""
    from retrieval.encoders.mini.encoder import WEIGHTS
    from retrieval.encoders.mini.towers import DIM

    with safe_open(WEIGHTS, framework="numpy") as file:
        shapes = [file.get_slice(tensor).get_shape() for tensor in file.keys()]  # noqa: SIM118
    model = ModelInfo(
        id=SHIPPED,
        licence="Apache-2.0",
        notice="trained by anyseek; its model card is README.md in that place",
        url=None,
        parameters=sum(prod(shape) for shape in shapes),
        size=WEIGHTS.stat().st_size,
        revision=None,
        dim=DIM,
        trained_on="a generated world: 48 things, drawn and synthesised, with English sentences",
        folder=WEIGHTS.parent,
    )
    about = "a demonstration: drawn pictures and synthesised sounds only"
    return ModelSetInfo(SHIPPED, about, WEIGHTS.parent, model.size, "fp32", (model,))


def _entry_point(name: str) -> EntryPoint | None:
    """The set of this name that another package brings."""
    return next(iter(entry_points(group=ENTRY_POINTS, name=name)), None)


def _from_package(point: EntryPoint) -> ModelSetInfo:
    """What is known of another package's set, without running anything of it."""
    package = point.dist
    maker = f"{package.name} {package.version}" if package else ""
    stated = package.metadata.json if package else {}
    licence = stated.get("license_expression") or stated.get("license")
    spec = find_spec(point.module.partition(".")[0])
    place = Path(spec.origin).parent if spec and spec.origin else None
    model = ModelInfo(
        id=point.value,
        licence=str(licence) if licence else None,
        notice=maker,
        url=None,
        parameters=None,
        size=None,
        revision=None,
        dim=None,
        trained_on="",
        folder=None,
    )
    return ModelSetInfo(point.name, "from another package", place, None, None, (model,))


def _info(wanted: PublishedSet, folder: Path | None) -> ModelSetInfo:
    stored = read_manifest(folder) if folder else None
    by_id = {m.id: m for m in stored.models} if stored else {}
    published = {m.id: m for m in wanted.models}
    models = []
    for model_id in {**published, **by_id}:
        there, known = by_id.get(model_id), published.get(model_id)
        repository = there.repository if there else known and known.repository
        local = ":local-dir:" in model_id
        models.append(
            ModelInfo(
                id=model_id,
                licence=next((m.licence for m in (there, known) if m and m.licence), None),
                notice=there.notice if there else known.notice if known else "",
                url=f"https://huggingface.co/{repository}" if repository and not local else None,
                parameters=known.parameters if known else None,
                size=sum(int(f["size"]) for f in there.files.values()) if there else None,
                revision=there.revision if there else None,
                dim=known.dim if known else None,
                trained_on=known.trained_on if known else "",
                folder=folder / there.folder if folder and there else None,
            )
        )
    return ModelSetInfo(
        name=wanted.name,
        about=wanted.about,
        path=folder,
        size=stored.size if stored else None,
        precision=stored.precision if stored else None,
        models=tuple(models),
    )
