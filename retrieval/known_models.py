"""The models that a library was made with, found again.

The folder they came from is remembered as a hint where to look. It is not what they are: that is
their fingerprint, which decides, wherever they lie now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrieval.encoders.model_set import ModelSet, load_model_set
from retrieval.encoders.model_store import MANIFEST
from retrieval.errors import ModelError, ModelMismatch
from retrieval.user_path import user_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from retrieval.catalog.catalog import Catalog

FOLDER = "models_folder"
"""The fact in a catalog."""


def came_from(model_set: ModelSet) -> str | None:
    """The folder that a set was pulled into; None for one that was not."""
    folder = model_set.folder
    return str(folder.resolve()) if folder and (folder / MANIFEST).is_file() else None


def fact(model_set: ModelSet) -> dict[str, str]:
    """Where the models lie, as it is put into a new catalog."""
    folder = came_from(model_set)
    return {FOLDER: folder} if folder else {}


def remember(catalog: Catalog, model_set: ModelSet) -> None:
    """Note where the models of a library lie now; the caller holds the writer's lock."""
    folder = came_from(model_set)
    if folder is not None and folder != catalog.facts().get(FOLDER):
        with catalog.transaction() as transaction:
            transaction.set_fact(FOLDER, folder)


def find_again(path: Path, facts: Mapping[str, Any], *, device: str = "auto") -> ModelSet:
    """The set that the library at a path was made with: from where it was last, or by its name.

    Raises:
        ModelError: it is not to be found; the message says where it was and what to do.
        ModelMismatch: where it was, there is another one.
    """
    name, folder = facts["model_set"], facts.get(FOLDER)
    there = folder is not None and (user_path(folder) / MANIFEST).is_file()
    found: list[ModelSet] = []
    failed: list[ModelError] = []
    for place in [folder, name] if there else [name]:
        try:
            found.append(load_model_set(place, device=device))
            check(path, facts, found[-1])
        except ModelMismatch:
            continue
        except ModelError as error:
            failed.append(error)
        else:
            return found[-1]
    if found:
        check(path, facts, found[0])
    if folder is None or there:
        raise failed[0]
    raise ModelError(
        f"The models of {path} ({name}) were in {folder}, where there are none now. Bring them "
        "back there, or say where they lie: --models FOLDER. Any folder or set of the same models "
        f"({facts['fingerprint'][:12]}) will do."
    ) from failed[0]


def check(path: Path, facts: Mapping[str, Any], model_set: ModelSet) -> None:
    """Refuse a set that the library at a path was not made with.

    Raises:
        ModelMismatch: it has another fingerprint.
    """
    if facts["fingerprint"] == model_set.fingerprint:
        return
    here, before = came_from(model_set), facts.get(FOLDER)
    now = f"{model_set.name} ({model_set.fingerprint[:12]})"
    then = f"{facts['model_set']} ({facts['fingerprint'][:12]})"
    if here and here == before:
        wrong = f"{here} holds model set {now} now, but {path} was made with {then} from there"
    else:
        at, origin = (f" in {folder}" if folder else "" for folder in (here, before))
        wrong = f"{path} was made with model set {then}{origin}, which is not {now}{at}"
    raise ModelMismatch(
        f"{wrong}. Open it with the models it was made with (--models SET, or the FOLDER where "
        "they lie), or index into another library: --library NEW_FOLDER"
    )
