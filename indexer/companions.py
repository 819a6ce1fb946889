"""Companions: files of one folder that belong together by their names.

A sidecar says something about a file beside it: `a.xmp` or `a.jpg.xmp`, and, beside a picture, its
caption `a.txt` or `a.jpg.txt`. A RAW is the twin of the picture that the camera made of it. Names
only bring files together; what each of them is still comes from its content.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from retrieval.media.sidecar import CAPTION, MAX_CAPTION_BYTES, XMP
from retrieval.media.source_code import is_source_code

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

RAWS = frozenset({
    ".3fr", ".ari", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr",
    ".iiq", ".k25", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".ori", ".pef", ".raf",
    ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
})  # fmt: skip
LEADERS = (".jpg", ".jpeg", ".heic", ".heif", ".hif")
"""What cameras write beside a RAW, the most common first."""
PICTURES = RAWS | {
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2k", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".jxl", ".png", ".psd", ".svg", ".tga", ".tif", ".tiff", ".webp",
}  # fmt: skip
"""Suffixes beside which a text may be a caption."""
HINTS = frozenset(suffix[-4:] for suffix in RAWS | {XMP, CAPTION})
"""Ends of names without which a folder holds no companions."""


@dataclass(slots=True)
class Companions:
    """Who belongs to whom among the files of one folder."""

    sidecars: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """A file's name to those of its sidecars; the word of a later one counts."""
    leaders: dict[str, str] = field(default_factory=dict)
    """The name of a RAW to that of the picture that stands for it."""

    def of(self, name: str) -> set[str]:
        """Names of the files that are others by what becomes of this one."""
        together = {file for file, own in self.sidecars.items() if name in own}
        together |= set(self.sidecars.get(name, ()))
        together |= {raw for raw, leader in self.leaders.items() if leader == name}
        return together | ({self.leaders[name]} if name in self.leaders else set())


def companions(sizes: Mapping[str, int]) -> Companions:
    """Bring together the files of one folder.

    A text is a caption only if nothing but pictures bears its name: where a sound or a document
    does too, nobody can say whose words these are.

    Args:
        sizes: Name to size in bytes of every file in the folder.
    """
    if not any(name[-4:].lower() in HINTS for name in sizes):
        return Companions()
    parts = {name: _parts(name) for name in sizes if not is_source_code(name)}
    xmps = {name for name in sizes if _parts(name)[1] == XMP}
    texts = {n for n, (_, suffix) in parts.items() if suffix == CAPTION}
    media = _Names(parts, texts)
    captions = {
        text: named
        for text in texts
        if sizes[text] <= MAX_CAPTION_BYTES
        and (named := media.named(parts[text][0]))
        and all(parts[name][1] in PICTURES for name in named)
    }
    media = _Names(parts, captions)
    owners = captions | {xmp: media.named(_parts(xmp)[0]) for xmp in xmps}
    found = Companions(leaders=media.leaders())
    own: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for sidecar, names in owners.items():
        for name in names:
            exact = _parts(sidecar)[0].casefold() == name.casefold()
            own[name].add((exact, sidecar))
            if leader := found.leaders.get(name):
                own[leader].add((-exact, sidecar))
    found.sidecars = {name: tuple(s for _, s in sorted(by)) for name, by in own.items()}
    return found


def companions_on_disk(folder: str, name: str) -> set[str]:
    """Names of the files in a folder that are others by what becomes of one of them.

    Args:
        folder: Where they lie.
        name: The file; it need not be there any more.
    """
    sizes = {name: 0}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if may_be_companions(entry.name, name) and entry.is_file(follow_symlinks=False):
                    sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    except OSError:
        return set()
    return companions(sizes).of(name)


def may_be_companions(name: str, other: str) -> bool:
    """Whether two files may belong together, by how their names begin; cheap, and often wrong."""
    return name.casefold().startswith(other.partition(".")[0].casefold())


class _Names:
    """Names of files, found by what a sidecar's name says before its own suffix."""

    def __init__(self, parts: Mapping[str, tuple[str, str]], without: Collection[str]) -> None:
        self._parts = parts
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name, (stem, _) in parts.items():
            if name not in without:
                self._by_name[name.casefold()].append(name)
                self._by_stem[stem.casefold()].append(name)

    def named(self, text: str) -> list[str]:
        """The file of this name, or else all files that bear it before their suffix."""
        key = text.casefold()
        return self._by_name.get(key) or self._by_stem.get(key) or []

    def leaders(self) -> dict[str, str]:
        """For each RAW with a picture of the same stem that picture, the most common form first."""
        found: dict[str, str] = {}
        for names in self._by_stem.values():
            raws = [name for name in names if self._parts[name][1] in RAWS]
            ranks = [(LEADERS.index(s), n) for n in names if (s := self._parts[n][1]) in LEADERS]
            if raws and ranks:
                found |= dict.fromkeys(raws, min(ranks)[1])
        return found


def _parts(name: str) -> tuple[str, str]:
    """What stands before the last dot, and the suffix in lower case."""
    stem, _, suffix = name.rpartition(".")
    return (stem, f".{suffix.lower()}") if stem else (name, "")
