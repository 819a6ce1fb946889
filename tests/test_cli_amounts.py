from __future__ import annotations

import pytest
import typer

from cli.amounts import bytes_of, clock, counted, size


@pytest.mark.parametrize(
    ("n", "told"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (12345, "12,345 files")]
)
def test_counted(n: int, told: str) -> None:
    assert counted(n, "file") == told


@pytest.mark.parametrize(
    ("n_bytes", "told"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5_000_000_000, "5.0 GB"),
        (7.5e15, "7500.0 TB"),
    ],
)
def test_size(n_bytes: int, told: str) -> None:
    assert size(n_bytes) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0:00"),
        (5.9, "0:05"),
        (65, "1:05"),
        (3599.9, "59:59"),
        (3600, "1:00:00"),
        (7384, "2:03:04"),
    ],
)
def test_clock(seconds: float, told: str) -> None:
    assert clock(seconds) == told


@pytest.mark.parametrize(
    ("typed", "n_bytes"),
    [
        ("2GB", 2 * 10**9),
        ("500 mb", 500 * 10**6),
        ("1.5g", 15 * 10**8),
        ("800000", 800_000),
        ("1 B", 1),
        ("3T", 3 * 10**12),
    ],
)
def test_bytes_as_people_type_them(typed: str, n_bytes: int) -> None:
    assert bytes_of(typed) == n_bytes


@pytest.mark.parametrize("typed", ["", "GB", "2 GHz", "-1GB", "0", "1e9", "1,5 GB", "9" * 20])
def test_what_is_no_size(typed: str) -> None:
    with pytest.raises(typer.BadParameter, match="no size"):
        bytes_of(typed)
