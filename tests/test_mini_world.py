"""The generated world: seeded, complete, within its ranges, and split without leaks."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from retrieval.encoders.mini.world import sentences
from retrieval.encoders.mini.world.concepts import CONCEPTS
from retrieval.encoders.mini.world.drawings import DRAWINGS
from retrieval.encoders.mini.world.folder import write_folder
from retrieval.encoders.mini.world.pictures import COLOURS, NUMBERS, Look, draw, scribble
from retrieval.encoders.mini.world.sentences import (
    Line,
    misspell,
    write_foreign,
    write_heard,
    write_seen,
)
from retrieval.encoders.mini.world.sounds import PACES, PITCHES, Ring, hubbub, play
from retrieval.encoders.mini.world.splits import is_held_out, looks, rings
from retrieval.encoders.mini.world.voices import VOICES
from retrieval.encoders.mini.world.voices.synth import RATE_HZ, Take, Wave
from retrieval.records import Kind

if TYPE_CHECKING:
    from pathlib import Path

NAMES = list(CONCEPTS)
any_concept = st.sampled_from(NAMES)
any_seed = st.integers(0, 2**32 - 1)
any_look = st.builds(Look, any_concept, st.sampled_from(list(COLOURS)), st.sampled_from(NUMBERS))
any_ring = st.builds(
    Ring, any_concept, st.sampled_from(list(PITCHES)), st.sampled_from(list(PACES))
)


def test_every_concept_can_be_seen_heard_and_written_about() -> None:
    assert len(CONCEPTS) >= 40
    assert set(DRAWINGS) == set(VOICES) == set(CONCEPTS)
    for name, concept in CONCEPTS.items():
        assert concept.name == name
        assert concept.things
        assert concept.doing
        assert concept.noises


def test_no_two_concepts_share_a_word_for_the_thing() -> None:
    words = [word for c in CONCEPTS.values() for pair in c.things for word in set(pair)]
    assert len(words) == len(set(words))


@settings(max_examples=40)
@given(any_look, any_seed, st.integers(40, 200), st.integers(40, 200))
def test_a_picture_has_its_size_and_one_box_for_each_thing(
    look: Look, seed: int, width_px: int, height_px: int
) -> None:
    drawn = draw(look, np.random.default_rng(seed), width_px=width_px, height_px=height_px)
    assert drawn.picture.shape == (height_px, width_px, 3)
    assert drawn.picture.dtype == np.uint8
    assert len(drawn.boxes) == look.number
    for left, top, right, bottom in drawn.boxes:
        assert 0 <= left < right <= width_px
        assert 0 <= top < bottom <= height_px


@pytest.mark.parametrize("name", NAMES)
def test_the_thing_is_inside_its_box(name: str) -> None:
    """The same picture with and without its thing differs inside the box and nowhere else."""
    look = Look(name, "red", 1)
    with_thing = draw(look, np.random.default_rng(5))
    (left, top, right, bottom) = with_thing.boxes[0]
    assert (right - left) * (bottom - top) > 300
    inside = with_thing.picture[top:bottom, left:right].reshape(-1, 3).astype(int)
    red = (inside[:, 0] > 140) & (inside[:, 1] < 120) & (inside[:, 2] < 120)
    assert red.mean() > 0.04
    outside = with_thing.picture.copy()
    outside[max(0, top - 2) : bottom + 2, max(0, left - 2) : right + 2] = 0
    pixels = outside.reshape(-1, 3).astype(int)
    strays = (pixels[:, 0] > 170) & (pixels[:, 1] < 80) & (pixels[:, 2] < 80)
    assert strays.mean() < 0.01


@settings(max_examples=20)
@given(any_look, any_seed)
def test_same_seed_same_picture(look: Look, seed: int) -> None:
    first = draw(look, np.random.default_rng(seed))
    again = draw(look, np.random.default_rng(seed))
    np.testing.assert_array_equal(first.picture, again.picture)
    assert first.boxes == again.boxes


def test_other_seeds_give_other_pictures_and_sounds() -> None:
    pictures = {draw(Look("dog", "red", 1), np.random.default_rng(k)).picture.tobytes()
                for k in range(8)}  # fmt: skip
    sounds = {play(Ring("dog", "low", "fast"), np.random.default_rng(k)).tobytes()
              for k in range(8)}  # fmt: skip
    assert len(pictures) == len(sounds) == 8


def test_bytes_do_not_depend_on_the_process() -> None:
    """Nothing rests on Python's own hash, whose seed differs from run to run."""
    code = (
        "import hashlib, numpy as np\n"
        "from retrieval.encoders.mini.world.pictures import Look, draw\n"
        "from retrieval.encoders.mini.world.sounds import Ring, play\n"
        "from retrieval.encoders.mini.world.sentences import write_seen\n"
        "rng = np.random.default_rng(9)\n"
        "h = hashlib.sha256(draw(Look('owl', 'blue', 2), rng).picture.tobytes())\n"
        "h.update(play(Ring('owl', 'high', 'slow'), rng).tobytes())\n"
        "h.update(write_seen(Look('owl', 'blue', 2), rng).text.encode())\n"
        "print(h.hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(digests) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_sound_is_audible_finite_and_in_range(name: str) -> None:
    rng = np.random.default_rng(3)
    for pitch, pace in (("low", "slow"), ("high", "fast")):
        sound = play(Ring(name, pitch, pace), rng, duration_s=4.0)
        assert sound.shape == (4 * RATE_HZ,)
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() < 1
        assert np.sqrt(np.mean(sound**2)) > 10 ** (-55 / 20)


def test_high_sounds_lie_higher_than_low_ones() -> None:
    """The middle of the spectrum rises with the pitch, for every concept."""
    for name in NAMES:
        low, high = (
            np.mean([_centroid_hz(VOICES[name](_take(pitch, 1.0, k))) for k in range(3)])
            for pitch in (0.6, 1.6)
        )
        assert high > 1.12 * low, name


def test_fast_sounds_change_more_often_than_slow_ones() -> None:
    faster = [
        np.mean([_flux(VOICES[name](_take(1.0, 1.8, k))) for k in range(3)])
        > np.mean([_flux(VOICES[name](_take(1.0, 0.55, k))) for k in range(3)])
        for name in NAMES
    ]
    assert np.mean(faster) > 0.9


def test_scribbles_and_hubbub_are_valid_contents() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        assert scribble(rng, width_px=70, height_px=50).shape == (50, 70, 3)
        noise = hubbub(rng)
        assert noise.shape == (4 * RATE_HZ,)
        assert noise.dtype == np.float32
        assert np.isfinite(noise).all()


@settings(max_examples=150)
@given(any_look, any_ring, any_seed, st.booleans())
def test_a_sentence_says_only_what_is_true(
    look: Look, ring: Ring, seed: int, held_out: bool
) -> None:
    rng = np.random.default_rng(seed)
    seen = write_seen(look, rng, held_out=held_out)
    heard = write_heard(ring, rng, held_out=held_out)
    assert seen.fits_look(look)
    assert heard.fits_ring(ring)
    for line in (seen, heard):
        assert line.text
        assert "{" not in line.text
    told = {w for w, synonyms in sentences.COLOUR_WORDS.items() if _says(seen.text, synonyms)}
    if seen.colour is not None:
        assert seen.colour in told


def test_lines_disagree_with_other_scenes() -> None:
    line = Line("two red bells", "bell", colour="red", number=2)
    assert line.fits_look(Look("bell", "red", 2))
    assert not line.fits_look(Look("bell", "blue", 2))
    assert not line.fits_look(Look("bell", "red", 1))
    assert not line.fits_look(Look("dog", "red", 2))
    high = Line("a high bell", "bell", pitch="high")
    assert high.fits_ring(Ring("bell", "high", "slow"))
    assert not high.fits_ring(Ring("bell", "low", "slow"))


def test_held_out_frames_and_words_are_not_in_training() -> None:
    assert not set(sentences.SEEN_FRAMES) & set(sentences.HELD_OUT_SEEN_FRAMES)
    assert not set(sentences.HEARD_FRAMES) & set(sentences.HELD_OUT_HEARD_FRAMES)
    known = {word for c in CONCEPTS.values() for pair in c.things for word in pair}
    trained = set(sentences._FOREIGN)
    unseen = set(sentences._HELD_OUT_FOREIGN)
    assert not trained & unseen
    assert not known & (trained | unseen)


def test_every_combination_is_on_exactly_one_side_of_the_split() -> None:
    for name in NAMES:
        trained, kept = looks(name, held_out=False), looks(name, held_out=True)
        assert set(trained) | set(kept) == {Look(name, c, n) for c, n in product(COLOURS, NUMBERS)}
        assert not set(trained) & set(kept)
        assert len(kept) >= 3
        assert {look.colour for look in trained} == set(COLOURS)
        assert {look.number for look in trained} == set(NUMBERS)
        played, spared = rings(name, held_out=False), rings(name, held_out=True)
        assert len(played) + len(spared) == 9
        assert spared
        assert {ring.pitch for ring in played} == set(PITCHES)
        assert {ring.pace for ring in played} == set(PACES)
        assert all(map(is_held_out, kept))
        assert all(map(is_held_out, spared))


def test_foreign_sentences_name_no_concept() -> None:
    rng = np.random.default_rng(0)
    words = {word for c in CONCEPTS.values() for pair in c.things for word in pair}
    for held_out in (False, True):
        for _ in range(200):
            line = write_foreign(rng, held_out=held_out)
            assert line.concept is None
            assert not words & set(line.text.lower().replace(",", " ").split())


@given(st.text(max_size=40), any_seed)
def test_a_misspelling_changes_at_most_two_letters(text: str, seed: int) -> None:
    wrong = misspell(text, np.random.default_rng(seed))
    assert abs(len(wrong) - len(text)) <= 1
    if len(wrong) == len(text):
        assert sum(a != b for a, b in zip(text, wrong, strict=True)) <= 2


def test_a_folder_is_written_twice_alike_and_can_be_read(tmp_path: Path) -> None:
    names = ["dog", "cat", "bell", "cow", "tap", "heart"]
    first = write_folder(tmp_path / "a", 5, concepts=names)
    again = write_folder(tmp_path / "b", 5, concepts=names)
    assert [_digest(e.path) for e in first] == [_digest(e.path) for e in again]
    assert len(first) == 3 * len(names)
    assert {entry.path.suffix for entry in first} >= {".png", ".jpg", ".webp", ".wav", ".mp3"}
    for entry in first:
        assert entry.concept in names
        if entry.kind is Kind.IMAGE:
            with Image.open(entry.path) as picture:
                assert min(picture.size) >= 160
            assert isinstance(entry.scene, Look)
            assert len(entry.boxes) == entry.scene.number
        elif entry.kind is Kind.AUDIO:
            sound, rate_hz = soundfile.read(entry.path)
            assert rate_hz == RATE_HZ
            assert len(sound) >= 2.4 * RATE_HZ
        else:
            assert isinstance(entry.scene, Line)
            assert entry.scene.text in entry.path.read_text(encoding="utf-8")


def test_a_folder_of_another_seed_differs(tmp_path: Path) -> None:
    first = write_folder(tmp_path / "a", 1, concepts=["dog"], per_concept=2)
    other = write_folder(tmp_path / "b", 2, concepts=["dog"], per_concept=2)
    assert len({e.path for e in first}) == 6
    assert {_digest(e.path) for e in first}.isdisjoint(_digest(e.path) for e in other)


def test_an_unknown_concept_is_a_key_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(KeyError):
        draw(Look("spoon", "red", 1), rng)
    with pytest.raises(KeyError):
        play(Ring("spoon", "low", "slow"), rng)


def test_the_world_imports_without_torch() -> None:
    code = (
        "import sys\n"
        "import retrieval.encoders.mini.world.folder\n"
        "import retrieval.encoders.mini\n"
        "print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"


def _take(pitch: float, pace: float, seed: int) -> Take:
    return Take(4.0, pitch, pace, np.random.default_rng(seed))


def _centroid_hz(wave: Wave) -> float:
    power = np.abs(np.fft.rfft(wave)) ** 2
    hz = np.fft.rfftfreq(len(wave), 1 / RATE_HZ)
    return float(np.exp(np.sum(power[1:] * np.log(hz[1:])) / power[1:].sum()))


def _flux(wave: Wave) -> float:
    """How much the spectrum's logarithm moves per second, rises only."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, 512)[::256]
    spectrum = np.log(np.abs(np.fft.rfft(frames * np.hanning(512), axis=1)) + 0.5)
    return float(np.maximum(0, np.diff(spectrum, axis=0)).sum())


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
