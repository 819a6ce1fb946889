"""The log-mel spectrogram that CLAP listens to, in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

FLOOR = 1e-10
"""Power below which a band counts as silent: -100 dB."""


@dataclass(frozen=True, eq=False)
class LogMel:
    """Power spectrogram in decibels on a mel scale.

    The same figures as `ClapFeatureExtractor` of transformers gives (Hann window, frames centred
    by reflection, power, mel filters, decibels), computed for all frames at once.
    """

    filters: npt.NDArray[np.float64]
    """`(fft bins, mel bands)` mel filter bank."""
    fft: int
    """Samples of a frame."""
    hop: int
    """Samples from one frame to the next."""

    def __call__(self, sound: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Spectrogram `(frames, mel bands)` float32 in dB of a sound `(samples,)`."""
        padded = np.pad(sound, self.fft // 2, mode="reflect")
        frames = sliding_window_view(padded, self.fft)[:: self.hop]
        window = np.hanning(self.fft + 1)[:-1]
        power = np.abs(np.fft.rfft(frames * window)) ** 2
        decibels: npt.NDArray[np.float64] = 10.0 * np.log10(np.maximum(power @ self.filters, FLOOR))
        return decibels.astype(np.float32)
