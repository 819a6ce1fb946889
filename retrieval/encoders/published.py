"""Which published models make up a model set, under which licences, and what of them is needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.encoders import clap, open_clip
from retrieval.encoders.clap import refuse
from retrieval.errors import ModelError
from retrieval.user_path import user_path

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_POINTS = "anyseek.model_sets"
"""Entry-point group by which other packages add model sets; each names a function that makes one.
It may take `device` and `precision`; one that does not runs where it likes."""
SHIPPED = "mini"
"""The set that lies in the package itself."""
KINDS = ("open_clip", "clap", "laion_clap")
"""What the id of a model can begin with."""
LAION_CHECKPOINTS = "lukewys/laion_clap"
"""Repository of the `.pt` files of the laion-clap package."""
LAION_TOKENIZER = "laion/clap-htsat-unfused"
"""Repository whose tokenizer (that of RoBERTa) goes with the `.pt` files."""


@dataclass(frozen=True)
class PublishedModel:
    """A model as its publisher offers it."""

    id: str
    """`open_clip:NAME/TAG`, `open_clip:hf-hub:OWNER/NAME`, `clap:OWNER/NAME`,
    `laion_clap:FILE.pt`, or `KIND:local-dir:NAME` of a folder that is so called."""
    repository: str | None = None
    """On the Hugging Face hub; None where open_clip's own table has to be asked."""
    licence: str | None = None
    """SPDX name; None if only the publisher's card says."""
    notice: str = ""
    """Who made it."""
    parameters: int | None = None
    """Numbers in its weights; four bytes each in the published files."""
    trained_on: str = ""
    """As its card or its paper says."""
    dim: int | None = None
    """Length of its vectors."""
    place: Path | None = None
    """A folder of this machine that holds it; None where it has to be fetched."""

    @property
    def kind(self) -> str:
        """`open_clip`, `clap` or `laion_clap`."""
        return self.id.split(":", 1)[0]

    @property
    def source(self) -> str:
        """The id without its kind."""
        return self.id.split(":", 1)[1]

    @property
    def wanted(self) -> tuple[tuple[str, ...], ...]:
        """Names of files: of each group the first that there is."""
        if self.kind == "laion_clap":
            return ((self.source,),)
        configs: tuple[str, ...]
        if self.kind == "clap":
            configs = (clap.CONFIG, clap.LISTENING)
            weights = clap.WEIGHTS
        else:
            configs, weights = (open_clip.CONFIG,), open_clip.WEIGHTS
        return (weights, *((name,) for name in (*configs, *open_clip.TOKENIZER)))


@dataclass(frozen=True)
class PublishedSet:
    """Published models that together cover text, image and audio."""

    name: str
    about: str
    models: tuple[PublishedModel, ...]

    @property
    def folder_name(self) -> str:
        """What its folder is called."""
        return re.sub(r"[^A-Za-z0-9._+-]+", "-", self.name)


SIGLIP2 = PublishedModel(
    "open_clip:ViT-B-32-SigLIP2-256/webli",
    repository="timm/ViT-B-32-SigLIP2-256",
    licence="Apache-2.0",
    notice="SigLIP 2 by Google (arXiv 2502.14786), weights for open_clip by timm",
    parameters=376_856_066,
    trained_on="WebLI: 10 billion pictures of the web with texts in 109 languages",
    dim=768,
)
CLIP = PublishedModel(
    "open_clip:ViT-B-32/laion2b_s34b_b79k",
    repository="laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    licence="MIT",
    notice="OpenCLIP trained on LAION-2B by LAION (arXiv 2212.07143)",
    parameters=151_277_313,
    trained_on="LAION-2B, the English part of LAION-5B: 2 billion pictures of the web with texts",
    dim=512,
)
PE_CORE = PublishedModel(
    "open_clip:PE-Core-L-14-336/meta",
    repository="timm/PE-Core-L-14-336",
    licence="Apache-2.0",
    notice="Perception Encoder by Meta (arXiv 2504.13181), weights for open_clip by timm",
    parameters=671_138_817,
    trained_on="pictures with texts, then videos with captions made by models",
    dim=1024,
)
CLAP = PublishedModel(
    "clap:laion/clap-htsat-unfused",
    repository="laion/clap-htsat-unfused",
    licence="Apache-2.0",
    notice="LAION-CLAP by LAION (arXiv 2211.06687)",
    parameters=153_492_890,
    trained_on="LAION-Audio-630K: 633,526 sounds of eight sources with texts",
    dim=512,
)
CLAP_GENERAL = PublishedModel(
    "clap:laion/larger_clap_general",
    repository="laion/larger_clap_general",
    licence="Apache-2.0",
    notice="LAION-CLAP by LAION (arXiv 2211.06687)",
    parameters=193_913_882,
    trained_on="general audio, music and speech with texts",
    dim=512,
)

SETS = {
    one.name: one
    for one in (
        PublishedSet("clip-clap", "the default, for laptops, 100 languages", (SIGLIP2, CLAP)),
        PublishedSet("clip-clap-light", "least memory, English", (CLIP, CLAP)),
        PublishedSet("clip-clap-large", "best found, for a GPU", (PE_CORE, CLAP_GENERAL)),
    )
}


def is_composed(name: str) -> bool:
    """Whether a name spells out its models: `open_clip:...+clap:...`."""
    return any(name.startswith(f"{kind}:") for kind in KINDS)


def published_set(name: str) -> PublishedSet:
    """The set of this name, or the one that a name like `open_clip:...+clap:...` spells out.

    Raises:
        ModelError: there is no such set, or it holds a model that is refused.
    """
    if name in SETS:
        return SETS[name]
    if name == SHIPPED:
        raise ModelError(f"{name} ships inside anyseek: there is nothing to pull.")
    if not is_composed(name):
        raise ModelError(
            f"There is no model set {name!r} to pull. Sets: {', '.join(SETS)}; "
            "or name the models, as in 'open_clip:ViT-B-32/laion2b_s34b_b79k+"
            "clap:laion/clap-htsat-unfused'."
        )
    models = tuple(_model(part) for part in re.split(r"\+(?=[a-z0-9_]+:)", name))
    return PublishedSet(name, "put together by you", models)


def _model(part: str) -> PublishedModel:
    known = {m.id: m for one in SETS.values() for m in one.models}
    if part in known:
        return known[part]
    kind, _, source = part.partition(":")
    if kind not in KINDS or not source:
        raise ModelError(f"{part!r} names no model; begin it with {', '.join(KINDS)} and a colon.")
    folder = source.removeprefix("local-dir:")
    if not folder:
        raise ModelError(f"{part!r} names no model: a folder goes after local-dir:")
    if folder != source and kind != "laion_clap":
        place = user_path(folder).resolve()
        return PublishedModel(f"{kind}:local-dir:{place.name}", place=place)
    if kind == "laion_clap" and source != re.split(r"[:/\\]", source)[-1]:
        raise ModelError(
            f"{part!r} is no file of {LAION_CHECKPOINTS}. A checkpoint of this machine has to be "
            "made a folder first, by retrieval.encoders.laion_clap.convert_laion_clap(FILE, "
            "TOKENIZER, FOLDER), which is then named as clap:local-dir:FOLDER"
        )
    refuse(part)
    repository: str | None = source.removeprefix("hf-hub:")
    if kind == "laion_clap":
        repository = LAION_CHECKPOINTS
    elif kind == "open_clip" and not source.startswith("hf-hub:"):
        repository = None
    return PublishedModel(part, repository=repository)
