"""The form in which an open_clip model is shown a picture: scaled, cut and normalised.

The same pixels, bit for bit, as open_clip's own transform makes with torchvision, for whose import
alone a second goes by. So pictures can be read and prepared while torch is still on its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from retrieval.media.content import Content

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the pixels that OpenAI's CLIP was trained with: what open_clip takes where nothing is said."""
SCALING = ("bicubic", "bilinear")
"""What is known of the ways to scale, under the names that Pillow has for them, too."""


@dataclass(frozen=True, slots=True)
class PictureForm:
    """A square of some pixels, of which each channel is moved and divided."""

    side_px: int
    squashed: bool
    """Whether the whole picture is pressed into the square, or its middle cut out."""
    scaling: str
    """One of `SCALING`."""
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def pixels(self, content: Content) -> npt.NDArray[np.float32]:
        """Pixels `(3, side_px, side_px)` of an RGB picture `(height, width, 3)` of bytes."""
        from PIL import Image  # which a search for words can do without

        picture = Image.fromarray(cast("npt.NDArray[np.uint8]", content))
        scaling = Image.Resampling[self.scaling.upper()]
        picture = picture.resize(self._scaled(*picture.size), scaling)
        left, top = (round((length - self.side_px) / 2) for length in picture.size)
        cut = picture.crop((left, top, left + self.side_px, top + self.side_px))
        channels = np.asarray(cut).transpose(2, 0, 1).astype(np.float32, order="C")
        channels /= np.float32(255)
        channels -= np.array(self.mean, np.float32)[:, None, None]
        channels /= np.array(self.std, np.float32)[:, None, None]
        return channels

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        side = self.side_px
        if self.squashed:
            return side, side
        if width <= height:
            return side, int(side * height / width)
        return int(side * width / height), side


def picture_form(config: Mapping[str, Any]) -> PictureForm | None:
    """What an `open_clip_config.json` says of it; None for forms not known here."""
    side = config["model_cfg"]["vision_cfg"].get("image_size", 224)
    about: dict[str, Any] = {
        "mode": "RGB",
        "resize_mode": "shortest",
        "interpolation": "bicubic",
        "mean": CLIP_MEAN,
        "std": CLIP_STD,
    }
    about |= {k: v for k, v in config.get("preprocess_cfg", {}).items() if v is not None}
    known = about["mode"] == "RGB" and about["resize_mode"] in ("shortest", "squash")
    known &= about["interpolation"] in SCALING and isinstance(side, int)
    mean, std = about["mean"], about["std"]
    if not known or any(not isinstance(v, (list, tuple)) or len(v) != 3 for v in (mean, std)):
        return None
    return PictureForm(
        side,
        about["resize_mode"] == "squash",
        about["interpolation"],
        tuple(map(float, mean)),
        tuple(map(float, std)),
    )
