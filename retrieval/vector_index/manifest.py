"""What an index file says about itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from retrieval import checked_json
from retrieval.vector_index.damage import IndexDamaged

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 4
"""Of the files; another number means that another anyseek wrote them, and they are made anew."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lies in the files of an index."""

    dim: int
    change: int = 0
    """The change of the catalog up to which they are in step."""
    generation: int = 0
    """Number in the names of the sealed rows and ids."""
    count: int = 0
    """Sealed rows, removed ones too."""
    tail: str = ""
    """Name of the tail's file; empty if there is none."""
    tail_crc: int = 0
    reach: float = 0.0
    """No sealed row is longer than this."""
    codes: str = ""
    """Name of the file of codes; empty for exact search."""
    codes_crc: int = 0
    codes_bytes: int = 0
    recall: float = 0.0
    """What was asked for when the codes were chosen."""
    choice: dict[str, Any] | None = None
    """The kind of index and why; see `policy.Choice`."""
    effort: dict[str, Any] | None = None
    """What was measured; see `effort.Effort`."""
    format: int = FORMAT

    def write(self, path: Path) -> None:
        """Write to a file, which holds the old manifest or the new one at any time."""
        checked_json.write(path, asdict(self))

    @classmethod
    def read(cls, path: Path, dim: int) -> Self:
        """Read what `write` wrote.

        Raises:
            IndexDamaged: it is not there, incomplete, of another format or dimension.
        """
        try:
            fields = checked_json.read(path)
            if fields["format"] != FORMAT or fields["dim"] != dim:
                raise IndexDamaged(f"{path.name} is of another format or dimension")
            return cls(**fields)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(f"{path.name}: {error}") from error
