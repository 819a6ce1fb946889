"""Paths as people type them."""

from pathlib import Path

import typer


def typed_path(typed: str | Path) -> Path:
    """A path in which `~` is the home folder.

    An empty one is refused: it would be the folder one is in, and comes from a script in which a
    variable is not set.
    """
    from retrieval.user_path import user_path

    if typed == "":
        raise typer.BadParameter("the path is empty.")
    return user_path(typed)
