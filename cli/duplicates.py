"""`anyseek duplicates`: files that are alike."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from .choices import JsonOption, KindsOption
from .harmless import shown_path
from .place import LibraryOption, ModelsOption, existing
from .terminal import say, show

if TYPE_CHECKING:
    from retrieval.duplicates import Duplicates

ALIKE = {
    "content": "the same bytes",
    "form": "the same in another form",
    "near": "nearly the same",
}
"""In words what `retrieval.duplicates.Likeness` tells apart."""


def _cosine(least: float) -> float:
    if not 0 < least <= 1:
        raise typer.BadParameter("a cosine of near files is above 0, and 1 at most.")
    return least


def duplicates(
    kinds: KindsOption = None,
    near: Annotated[
        float,
        typer.Option(
            callback=_cosine,
            metavar="COSINE",
            help="How like each other near ones are at least, up to 1.",
        ),
    ] = 0.95,
    as_json: JsonOption = False,
    models: ModelsOption = None,
    library: LibraryOption = None,
) -> None:
    """Find files that are alike, told apart by how.

    The same bytes; the same picture or sound in another size, format or quality; others that are
    nearly the same. Pictures and sounds are compared unless --in says otherwise. Nothing is
    deleted.

    For example: anyseek duplicates --json
    """
    from retrieval.duplicates import duplicates as find

    with existing(library, models) as opened:
        groups = find(opened, near=near, **({"kinds": kinds} if kinds else {}))
    for group in groups:
        if as_json:
            show(_json(group))
        else:
            show(f"{ALIKE[group.likeness]}  {group.kind}  {group.cosine:.2f}")
            show("\n".join(f"    {shown_path(path)}" for path in group.paths))
    if not groups:
        say("No two files here are alike.")


def _json(group: "Duplicates") -> str:
    return json.dumps(
        {
            "likeness": group.likeness,
            "kind": group.kind,
            "cosine": round(group.cosine, 6),
            "paths": [str(path) for path in group.paths],
        }
    )
