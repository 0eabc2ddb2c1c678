"""Pathfinder from a seed: reproducible and resumable."""

import numpy as np
import pytest

import data_prep.pathfinder.pieces as pieces_module
from data_prep import Request, ensure_prepared, prepare
from data_prep.pathfinder.pieces import IMAGES_PER_PIECE, Piece, draw_piece, keep_piece
from data_prep.pathfinder.settings import SETTINGS
from lru_tune.data.manifest import SPLITS
from lru_tune.data.store import PreparedTask
from lru_tune.data.verify import verify
from lru_tune.errors import ConfigError


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> PreparedTask:
    return prepare(Request("pathfinder", tmp_path_factory.mktemp("data"), limit=400))


def test_images_are_rows_of_pixels_and_the_splits_share_none(small):
    assert small.manifest.counts == {"train": 400, "val": 50, "test": 50}
    split = small.split("train")
    assert (split.inputs.shape, split.inputs.dtype) == ((400, 1024, 1), np.uint8)
    assert (split.inputs.max(axis=1) == 255).all()
    assert verify(small.folder.parent, "pathfinder").problems == []


def test_the_manifest_holds_what_decides_the_images(small):
    parameters = small.manifest.parameters
    assert parameters["distractors"] == 5
    assert parameters["contour_length"] == 14
    assert parameters["size"] == 32
    assert small.manifest.source == "generated"


@pytest.mark.slow
def test_workers_do_not_matter(small, tmp_path):
    assert prepare(Request("pathfinder", tmp_path, limit=400, workers=2)).manifest == small.manifest


def test_a_smaller_limit_gives_the_first_images_of_each_split(small, tmp_path):
    fewer = prepare(Request("pathfinder", tmp_path, limit=80))
    for split in SPLITS:
        count = fewer.manifest.counts[split]
        for ours, theirs in zip(fewer.split(split)[:2], small.split(split)[:2], strict=True):
            np.testing.assert_array_equal(ours, theirs[:count])


def test_distractors_are_an_option_that_growing_keeps(tmp_path, monkeypatch):
    monkeypatch.setattr("data_prep.on_demand.default_workers", lambda: 1)
    first = prepare(Request("pathfinder", tmp_path, limit=10, options={"distractors": 10}, seed=9))
    inputs = np.array(first.split("train").inputs)
    grown = ensure_prepared("pathfinder", tmp_path, reads={"train": 40, "val": 5, "test": 5})
    assert grown.manifest.counts["train"] == 40
    assert grown.manifest.parameters["distractors"] == 10
    np.testing.assert_array_equal(grown.split("train").inputs[:10], inputs)


def test_senseless_options_are_refused(tmp_path):
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.option-range"):
        prepare(Request("pathfinder", tmp_path, limit=10, options={"distractors": 101}))
    with pytest.raises(ConfigError, check=lambda e: e.code == "prep.unknown-option"):
        prepare(Request("pathfinder", tmp_path, limit=10, options={"distractor": 1}))


def test_a_killed_preparation_goes_on_with_the_pieces_it_finds(small, tmp_path, monkeypatch):
    drawn: list[Piece] = []

    def interrupted(settings, seed, piece):
        if len(drawn) == 2:
            raise KeyboardInterrupt
        drawn.append(piece)
        return draw_piece(settings, seed, piece)

    monkeypatch.setattr(pieces_module, "draw_piece", interrupted)
    with pytest.raises(KeyboardInterrupt):
        prepare(Request("pathfinder", tmp_path, limit=400))
    assert not (tmp_path / "pathfinder").exists()
    (parts,) = tmp_path.glob(".pathfinder.parts-*")
    assert len(list(parts.iterdir())) == 2
    again: list[Piece] = []

    def counted(settings, seed, piece):
        again.append(piece)
        return draw_piece(settings, seed, piece)

    monkeypatch.setattr(pieces_module, "draw_piece", counted)
    assert prepare(Request("pathfinder", tmp_path, limit=400)).manifest == small.manifest
    assert set(again).isdisjoint(drawn)
    assert not parts.exists()


def test_another_seed_or_option_takes_no_pieces_of_this_one(tmp_path, monkeypatch):
    def killed(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(pieces_module, "read_piece", killed)
    for arguments in ({}, {"seed": 1}, {"options": {"distractors": 0}}):
        with pytest.raises(KeyboardInterrupt):
            prepare(Request("pathfinder", tmp_path, limit=10, **arguments))
    assert len(list(tmp_path.glob(".pathfinder.parts-*"))) == 3


def test_a_piece_that_was_cut_short_is_made_again(tmp_path):
    piece = Piece("val", IMAGES_PER_PIECE, 2)
    path = keep_piece(tmp_path, SETTINGS[32], 1, piece)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert keep_piece(tmp_path, SETTINGS[32], 1, piece) == path
    assert path.read_bytes() == whole


def test_progress_counts_images(tmp_path):
    told: list[tuple[str, int, int]] = []
    prepare(Request("pathfinder", tmp_path, limit=10, progress=lambda *step: told.append(step)))
    assert told[0] == ("generating pathfinder", 0, 12)
    assert told[-1] == ("generating pathfinder", 12, 12)
