"""Stages 1 and 2 also see the sources of pairs, and nobody of validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_training.classic.pair_images import with_pair_images
from model_training.classic.pair_sets import PairSet
from model_training.portraits.crops import CropCache
from tests.model_training.command_line import invoke, tiny_options
from tests.model_training.drawn_faces import draw_face, save

SIDE = 8


def crops(people: str, validation: str) -> CropCache:
    images = np.random.default_rng(1).integers(0, 256, (len(people), SIDE, SIDE, 3), np.uint8)
    keys = tuple(f"lfw/{p}/{k}.jpg" for k, p in enumerate(people))
    return CropCache(images, keys, tuple(people), np.array([p in validation for p in people]))


def pairs(people: str, held_out: str, side: int = SIDE, seed: int = 2) -> PairSet:
    shape = (2 * len(people), side, side, 3)
    images = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    rows = 2 * np.arange(len(people))
    out = np.array([p in held_out for p in people])
    return PairSet(images, rows + 1, rows, tuple(people), out)


def test_sources_follow_the_photographs_and_targets_stay_out(tmp_path: Path) -> None:
    cache, one, two = crops("abc", "c"), pairs("ad", "d"), pairs("ce", "", seed=3)
    joined = with_pair_images(cache, [one, two], tmp_path)
    assert joined.people == tuple("abcadce")
    assert joined.keys[3:] == ("pairs/0-1", "pairs/0-3", "pairs/1-1", "pairs/1-3")
    assert np.array_equal(joined.crops[:3], cache.crops)
    assert np.array_equal(joined.crops[3:5], one.images[one.source])
    # d is held out by its pairs, c by its photograph.
    assert joined.validation.tolist() == [False, False, True, False, True, True, False]


def test_larger_images_shrink_and_what_is_there_is_kept(tmp_path: Path) -> None:
    cache, large = crops("ab", ""), pairs("cd", "", side=2 * SIDE)
    joined = with_pair_images(cache, [large], tmp_path)
    mean = large.images[large.source].reshape(2, SIDE, 2, SIDE, 2, 3).mean((2, 4))
    assert np.abs(joined.crops[2:] - mean).max() <= 0.5
    written = (tmp_path / "crops.npy").stat().st_mtime_ns
    again = with_pair_images(cache, [large], tmp_path)
    assert (tmp_path / "crops.npy").stat().st_mtime_ns == written
    assert np.array_equal(again.crops, joined.crops)
    other = with_pair_images(cache, [pairs("cd", "", side=2 * SIDE, seed=9)], tmp_path)
    assert not np.array_equal(other.crops[2:], joined.crops[2:])


@pytest.mark.slow
def test_a_training_takes_them_with_a_wider_decoder_and_latent(tmp_path: Path) -> None:
    for person in range(4):
        for kind, amount in (("source", 1.0), ("target", 0.0)):
            save(
                draw_face(person, amount)[34:146, 34:146], tmp_path / f"pairs/{kind}/p{person}.png"
            )
    sizes = ("latent=10", "decoder_widths=(12,8,6,4)", "stage1_epochs=1", "stage2_epochs=1")
    options = tiny_options(tmp_path / "ck", tmp_path / "run", *sizes)
    options += ["--pairs", str(tmp_path / "pairs"), "--pair-images"]
    result = invoke(["train", "classic", *options])
    assert result.exit_code == 0, result.output
    assert "46 crops" in result.output
    without = invoke(
        ["train", "classic", *tiny_options(tmp_path / "ck", tmp_path / "x"), "--pair-images"]
    )
    assert without.exit_code != 0
    assert "--pair-images needs --pairs" in without.output
