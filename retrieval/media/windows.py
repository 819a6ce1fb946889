"""How files are cut into moments. The settings belong to a model set and to its library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Windows:
    """Sizes of moments; all windows are ours and deterministic, there is no random crop."""

    sample_rate_hz: int = 48_000
    """Every sound is resampled to this, mono."""
    window_s: float = 10.0
    """Length of a sound moment; shorter sounds are repeated to fill it."""
    hop_s: float = 5.0
    """From one sound moment to the next; the last one is right-aligned."""
    silence_dbfs: float = -60.0
    """Windows whose RMS lies below get no vector."""
    passage_chars: int = 280
    """Longest passage of a text; cut at sentence ends."""
    picture_px: int = 256
    """Side of the picture that the model sees; larger pictures may be decoded at a coarser
    scale, never below twice this."""
    frames_per_s: float = 1.0
    """Video frames that are looked at."""
    max_frames: int = 64
    """Most frames kept of one video."""
