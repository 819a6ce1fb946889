"""Which library is meant, and with which models it is opened."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    from retrieval.user_path import user_path

    if library is not None:
        return user_path(library)
    from platformdirs import user_data_path

    return user_data_path("anyseek", appauthor=False) / "library"


def existing(
    library: Path | None, models: str | None = None, device: Device = Device.AUTO
) -> "Library":
    """Open a library that must be there."""
    from retrieval.library import Library

    opened = Library.open(place(library), models=models, create=False)
    if device is Device.AUTO:
        return opened
    named = models or opened.stats().models
    opened.close()
    chosen = _on(device, named)
    return Library.open(place(library), models=chosen, create=False, device=device.value)


def new_or_existing(
    library: Path | None, models: str | None, device: Device = Device.AUTO
) -> "Library":
    """Open a library, or make it with a model set."""
    from retrieval.library import CATALOG, DEFAULT_MODELS, Library

    if (place(library) / CATALOG).exists():
        return existing(library, models, device)
    chosen = models if device is Device.AUTO else _on(device, models or DEFAULT_MODELS)
    return Library.open(place(library), models=chosen, device=device.value)


def _on(device: Device, models: str) -> "ModelSet":
    from retrieval.encoders.model_set import load_model_set

    # A plain word: messages show it.
    return load_model_set(models, device=device.value)
