"""Numbers in words: counts, sizes and times as people read them."""


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


def clock(seconds: float) -> str:
    """A place in a sound or a video: `m:ss`, or `h:mm:ss`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
