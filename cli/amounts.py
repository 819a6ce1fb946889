"""Numbers in words: counts, sizes and times as people read and type them."""

import re

import typer

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def counted(n: int, noun: str) -> str:
    """`1 file`, `2 files`, `1,000 files`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def size(n_bytes: float) -> str:
    """Bytes in powers of 1000, as disks are sold: `1.2 MB`."""
    if n_bytes < 1000:
        return counted(int(n_bytes), "byte")
    for unit in ("kB", "MB", "GB"):
        n_bytes /= 1000
        if n_bytes < 1000:
            return f"{n_bytes:.1f} {unit}"
    return f"{n_bytes / 1000:.1f} TB"


def bytes_of(text: str) -> int:
    """A size as people type it, in powers of 1000: `2GB`, `1.5 g`, `800000`."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)b?", text.strip().lower())
    if not match or not float(match[1]):
        raise typer.BadParameter(f"{text!r} is no size such as 500MB or 2GB.")
    return int(float(match[1]) * UNITS[match[2]])


def clock(seconds: float) -> str:
    """A place in a sound or a video: `m:ss`, or `h:mm:ss`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
