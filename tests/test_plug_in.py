"""A model set from another package: found by its entry point, used from indexing to search."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import indexer
from retrieval import Library
from retrieval.encoders.model_set import load_model_set, model_set_names
from retrieval.errors import ModelMismatch

PLUG_IN = Path(__file__).parent / "plug_in"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What pip leaves in site-packages: the module and the metadata with its entry point."""
    site = tmp_path / "site-packages"
    about = site / "anyseek_thermal-1.0.dist-info"
    about.mkdir(parents=True)
    (site / "anyseek_thermal.py").write_text((PLUG_IN / "thermal.py").read_text())
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: anyseek-thermal\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[anyseek.model_sets]\nthermal = anyseek_thermal:model_set\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delitem(sys.modules, "anyseek_thermal", raising=False)


@pytest.mark.usefixtures("installed")
def test_it_is_known_by_its_name() -> None:
    assert "thermal" in model_set_names()
    assert load_model_set("thermal").name == "thermal"


@pytest.mark.usefixtures("installed")
def test_index_search_and_manifest(tmp_path: Path, media: Path) -> None:
    with Library.open(tmp_path / "lib", models="thermal") as library:
        indexer.index(library, media)
        best = {
            kind: library.search("warm", kinds=[kind], k=1)[0].path.name
            for kind in ("image", "audio")
        }
        assert best == {"image": "red.png", "audio": "low.wav"}
        assert library.search("icy", kinds=["image"], k=1)[0].path.name == "blue.png"
        found = library.search(media / "low.wav", kinds=["image"], k=1)
        assert found[0].path.name == "red.png"
        assert library.stats().models == "thermal"
    # The manifest names the set, so the next one to open it need not.
    with Library.open(tmp_path / "lib") as again:
        assert again.space.model_set.name == "thermal"
        assert again.search("warm", kinds=["image"], k=1)[0].path.name == "red.png"
    with Library.open(tmp_path / "lib", models="mini") as other, pytest.raises(ModelMismatch):
        other.search("warm")
