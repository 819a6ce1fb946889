"""FLAC files of any bit depth, uncompressed: encoders write 16 and 24 bits only."""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 4096
DEPTHS = {8: 0b001, 12: 0b010, 16: 0b100, 20: 0b101, 24: 0b110, 32: 0b111}


class Bits:
    """Numbers of some bits each, one after the other."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def add(self, value: int, width: int) -> None:
        """A number, in two's complement if it is negative."""
        self._bits.append(f"{value & ((1 << width) - 1):0{width}b}")

    def to_bytes(self) -> bytes:
        """All of them, filled up with zeros to a whole byte."""
        bits = "".join(self._bits)
        bits += "0" * (-len(bits) % 8)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def flac(samples: Sequence[int], bits: int, rate: int) -> bytes:
    """A FLAC of one channel with samples of so many bits (RFC 9639)."""
    about = Bits()
    for value, width in [
        (BLOCK, 16), (BLOCK, 16), (0, 24), (0, 24), (rate, 20), (0, 3), (bits - 1, 5),
        (len(samples), 36), (0, 128),
    ]:  # fmt: skip
        about.add(value, width)
    info = about.to_bytes()
    frames = [
        _frame(samples[at : at + BLOCK], bits, at // BLOCK) for at in range(0, len(samples), BLOCK)
    ]
    return b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info + b"".join(frames)


def _frame(samples: Sequence[int], bits: int, number: int) -> bytes:
    assert number < 0x80, "the number of a frame is written as one byte"
    head = Bits()
    for value, width in [
        (0b11111111111110, 14), (0, 2), (0b0111, 4), (0, 4), (0, 4), (DEPTHS[bits], 3), (0, 1),
        (number, 8), (len(samples) - 1, 16),
    ]:  # fmt: skip
        head.add(value, width)
    begun = head.to_bytes()
    body = Bits()
    body.add(0b0_000001_0, 8)  # samples as they are
    for sample in samples:
        body.add(sample, bits)
    whole = begun + _crc(begun, 8, 0x07) + body.to_bytes()
    return whole + _crc(whole, 16, 0x8005)


def _crc(data: bytes, width: int, polynomial: int) -> bytes:
    crc, top = 0, 1 << (width - 1)
    for byte in data:
        crc ^= byte << (width - 8)
        for _ in range(8):
            crc = (crc << 1) ^ polynomial if crc & top else crc << 1
        crc &= (1 << width) - 1
    return crc.to_bytes(width // 8, "big")
