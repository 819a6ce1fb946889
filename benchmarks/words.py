"""Words as they are written beside what they mean: does each find its own, does either hurt?

    python benchmarks/words.py              measure, write benchmarks/results/words.json

A generated folder of `mini`'s world gets names of four sorts: telling ones that are true
(`red-dog-3.png`), numbers of a camera (`IMG_2041.png`), nothing (`a8f3.png`), and ones that lie
(`dog.txt` about trains). Some files state a title, some texts hold a rare word. Two sorts of
queries: what is meant (right are all files of the concept, whatever they are called) and what is
written (right is the one file that says it). One half of all queries chooses the numbers of
`retrieval/word_evidence.py`, by --choose; the other half is measured.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from benchmarks.calibration_measures import ndcg_at_10
from benchmarks.record import record
from indexer import index
from retrieval import Library, word_evidence
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.folder import write_folder
from retrieval.encoders.mini.world.pictures import Look
from retrieval.encoders.mini.world.sentences import write_heard, write_seen
from retrieval.encoders.mini.world.sounds import Ring
from retrieval.records import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from retrieval.records import Hit

SEED = 46_000_001
PER_CONCEPT = 3
SYLLABLES = ("ba", "ko", "ri", "tu", "me", "lo", "sha", "ne", "vi", "du", "pa", "zo")
RRF = 60
"""The usual constant of reciprocal rank fusion."""
DEEP = 200
"""Hits of each list that are fused by rank."""


def build(folder: Path, rng: np.random.Generator) -> dict[str, str]:
    """Write the folder; file name to concept."""
    entries = write_folder(folder, SEED, per_concept=PER_CONCEPT)
    names = list(CONCEPTS)
    truth: dict[str, str] = {}
    for n, entry in enumerate(entries):
        suffix = entry.path.suffix
        at = names.index(entry.concept) + 1 + int(rng.integers(len(names) - 1))
        lie = CONCEPTS[names[at % len(names)]].things[0][0]
        stem = (
            f"{entry.path.stem}-{n}",
            f"IMG_{2000 + n}",
            f"{int(rng.integers(16**6)):06x}",
            f"{lie}-{n}" if rng.random() < 0.5 else lie,
        )[int(rng.choice(4, p=[0.25, 0.35, 0.25, 0.15]))]
        path = entry.path.with_name(f"{stem}{suffix}")
        if path.exists() or path.name in truth:
            path = path.with_name(f"{stem}_{n}{suffix}")
        entry.path.rename(path)
        truth[path.name] = entry.concept
        if suffix == ".flac":
            samples, rate_hz = soundfile.read(path)
            with soundfile.SoundFile(path, "w", rate_hz, channels=1) as sound:
                sound.title = rare(rng)
                sound.write(samples)
        if entry.kind is Kind.TEXT and rng.random() < 0.5:
            path.write_text(f"{path.read_text()} {rare(rng).capitalize()}.")
    return truth


def rare(rng: np.random.Generator) -> str:
    """Two words that nothing else says."""
    return " ".join("".join(rng.choice(SYLLABLES, 3)) for _ in range(2))


def meant(rng: np.random.Generator) -> list[tuple[str, str]]:
    """Words and the concept that they mean."""
    found = []
    for name in CONCEPTS:
        thing = CONCEPTS[name].things[0][0]
        seen = write_seen(Look(name, "red", 1), rng, tell=0.0, held_out=True).text
        heard = write_heard(Ring(name, "middle", "middle"), rng, tell=0.0, held_out=True).text
        found += [(seen, name), (heard, name), (thing, name), (f"a {thing}", name)]
    return found


def written(library: Library, rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """Sort, words, and the one name of a file that says them."""
    found = []
    for file in library.files():
        name = file.path.name
        if name.startswith("IMG_"):
            stem = file.path.stem
            found.append(("number", stem if rng.random() < 0.5 else stem.replace("_", ""), name))
    with library.catalog._engine.connect() as connection:
        stated = connection.exec_driver_sql(
            "SELECT CAST(f.path AS TEXT), json_extract(c.metadata, '$.title') FROM files f "
            "JOIN contents c ON c.id = f.content_id WHERE json_extract(c.metadata, '$.title') > ''"
        )
        found += [("title", title, Path(path).name) for path, title in stated]
        passages = connection.exec_driver_sql(
            "SELECT CAST(f.path AS TEXT), m.text FROM files f JOIN moments m "
            "ON m.content_id = f.content_id WHERE m.text IS NOT NULL"
        )
        for path, text in passages:
            last = text.rstrip(". ").split()[-2:]
            if len(last) == 2 and all(_is_rare(word) for word in last):
                found.append(("rare words", " ".join(last).lower(), Path(path).name))
    return [found[i] for i in rng.permutation(len(found))]


def _is_rare(word: str) -> bool:
    left = word.lower()
    for _ in range(3):
        left = next((left[len(s) :] for s in SYLLABLES if left.startswith(s)), "!")
    return left == ""


def by_rank(library: Library, query: str) -> list[Hit]:
    """Reciprocal rank fusion of the two lists."""
    lists = [library.search(query, k=DEEP, words=way) for way in ("no", "only")]
    score: dict[int, float] = {}
    hits: dict[int, Hit] = {}
    for found in lists:
        for rank, hit in enumerate(found, start=1):
            score[hit.file_id] = score.get(hit.file_id, 0.0) + 1 / (RRF + rank)
            hits[hit.file_id] = hit
    return [hits[i] for i in sorted(score, key=lambda i: -score[i])]


def ways(library: Library) -> dict[str, Callable[[str], list[Hit]]]:
    """Every way to make one list."""
    return {
        "vectors alone": lambda q: library.search(q, k=10, words="no"),
        "words alone": lambda q: library.search(q, k=10, words="only"),
        "reciprocal rank": lambda q: by_rank(library, q)[:10],
        "calibrated (shipped)": lambda q: library.search(q, k=10),
    }


def ask(
    find: Callable[[str], list[Hit]],
    truth: dict[str, str],
    semantic: list[tuple[str, str]],
    literal: list[tuple[str, str, str]],
) -> dict[str, float]:
    """NDCG@10 of what is meant, R@1 of each sort of what is written."""
    relevant = {c: sum(v == c for v in truth.values()) for c in CONCEPTS}
    found: dict[str, list[float]] = {"meant": []}
    for text, concept in semantic:
        concepts = [truth[hit.path.name] for hit in find(text)]
        found["meant"].append(ndcg_at_10(concepts, concept, relevant[concept]))
    for sort, text, name in literal:
        hits = find(text)
        found.setdefault(sort, []).append(float(bool(hits) and hits[0].path.name == name))
    return {sort: float(np.mean(values)) for sort, values in found.items()}


def choose(
    library: Library, truth: dict[str, str], semantic: Any, literal: Any
) -> list[dict[str, float]]:
    """Every setting of the numbers on the choosing half."""
    rows = []
    for values in itertools.product((0.5, 1.5), (0.5, 1.0, 2.0), (1.0, 2.0, 4.0), (2.0, 4.0)):
        chosen = dict(zip(("SURE", "DOUBT", "CHANCE", "MOST_DOUBT"), values, strict=True))
        for name, value in chosen.items():
            setattr(word_evidence, name, value)
        found = ask(ways(library)["calibrated (shipped)"], truth, semantic, literal)
        rows.append({**chosen, **found})
        print(rows[-1])
    return rows


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--choose", action="store_true")
    arguments = parser.parse_args()
    rng = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "world")
        folder.mkdir()
        truth = build(folder, rng)
        with Library.open(Path(place, "library"), models="mini") as library:
            index(library, folder)
            semantic, literal = meant(rng), written(library, rng)
            half = (semantic[1::2], literal[1::2]) if arguments.choose else None
            if half:
                rows = choose(library, truth, *half)
                record("words_choice", {"settings": rows, "files": len(truth)}, seed=SEED)
                return
            semantic, literal = semantic[::2], literal[::2]
            result = {
                "files": len(truth),
                "queries": {"meant": len(semantic)}
                | {s: sum(q[0] == s for q in literal) for s in ("number", "title", "rare words")},
                "ways": {
                    way: ask(find, truth, semantic, literal) for way, find in ways(library).items()
                },
            }
    print(record("words", result, seed=SEED), result)


def table(result: dict[str, Any]) -> str:
    """Each way to make one list, in Markdown."""
    sorts = ("meant", "number", "title", "rare words")
    counts = result["queries"]
    lines = [
        "| one list by | what is meant: NDCG@10 | number of a camera: R@1 | title: R@1 "
        "| rare words of a text: R@1 |",
        "|---|---|---|---|---|",
        f"| ({result['files']} files; queries) | "
        + " | ".join(str(counts[sort]) for sort in sorts)
        + " |",
    ]
    lines += [
        f"| {way} | " + " | ".join(f"{found[sort]:.3f}" for sort in sorts) + " |"
        for way, found in result["ways"].items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
