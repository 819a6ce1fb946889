"""Which library is meant, and with which models it is opened."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .paths import typed_path

if TYPE_CHECKING:
    from retrieval.encoders.model_set import ModelSet
    from retrieval.library import Library


class Device(StrEnum):
    """Where models run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        parser=typed_path,
        metavar="FOLDER",
        envvar="ANYSEEK_LIBRARY",
        help="The library's folder. Without it: the user's data folder.",
        show_default=False,
    ),
]
ModelsOption = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="SET",
        help="The model set: a name, or a folder made by models pull --to. A library knows the "
        "one it was made with; another one is refused.",
        show_default=False,
    ),
]
DeviceOption = Annotated[
    Device,
    typer.Option(
        "--device",
        metavar="DEVICE",
        help="Where models run: auto, cpu, cuda or mps. With cuda large indexes are searched "
        "there too.",
    ),
]


def place(library: Path | None) -> Path:
    """The folder of the library: the one named, else the user's own."""
    if library is not None:
        return library
    from platformdirs import user_data_path

    return user_data_path("anyseek", appauthor=False) / "library"


def existing(
    library: Path | None, models: str | None = None, device: Device = Device.AUTO
) -> "Library":
    """Open a library that must be there."""
    from retrieval.library_folder import must_hold_library

    must_hold_library(place(library))  # before anything slow is imported
    from retrieval.known_models import find_again
    from retrieval.library import Library

    opened = Library.open(place(library), models=models, create=False)
    if device is Device.AUTO:
        return opened
    facts = opened.catalog.facts()
    opened.close()
    if models is None:
        chosen = find_again(opened.path, facts, device=device.value)
    else:
        chosen = _on(device, models)
    return Library.open(place(library), models=chosen, create=False, device=device.value)


def new_or_existing(
    library: Path | None, models: str | None, device: Device = Device.AUTO
) -> "Library":
    """Open a library, or make it with a model set."""
    from retrieval.library_folder import holds_library

    if holds_library(place(library)):
        return existing(library, models, device)
    from retrieval.library import DEFAULT_MODELS, Library

    chosen = models if device is Device.AUTO else _on(device, models or DEFAULT_MODELS)
    return Library.open(place(library), models=chosen, device=device.value)


def check_known(library: "Library", place: Path) -> None:
    """Refuse a place that the library does not know: no root, and no file at it or below it."""
    from retrieval.errors import QueryError

    roots = library.catalog.roots()
    if any(root.folder.is_relative_to(place.resolve()) for root in roots):
        return
    if next(iter(library.files(under=place)), None) is None:
        named = [root for root in roots if root.name == str(place)]
        hint = "See what it knows: anyseek roots"
        if named:
            hint = f"The root {place} lies at {named[0].folder}"
        raise QueryError(f"The library knows nothing at {place}. {hint}")


def _on(device: Device, models: str) -> "ModelSet":
    from retrieval.encoders.model_set import load_model_set

    # A plain word: messages show it.
    return load_model_set(models, device=device.value)
