"""What a moment holds before it is encoded."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
"""`(height, width, 3)` uint8 RGB."""
Sound: TypeAlias = npt.NDArray[np.float32]
"""`(samples,)` float32 mono in -1..1, one window at the model set's sample rate."""
Content: TypeAlias = Picture | Sound | str
