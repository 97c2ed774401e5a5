"""From the folders a user names to crops and pairs."""

from __future__ import annotations

from pathlib import Path

from model_training.classic.config import SourcesConfig
from model_training.classic.pair_images import with_pair_images
from model_training.classic.pair_sets import (
    PairSet,
    london_pairs,
    open_aligned_files,
    open_pair_store,
    pair_file_images,
    pairs_in_cache,
)
from model_training.portraits.ckplus import ck_plus_images, ck_plus_pairs
from model_training.portraits.crops import CropCache, build_crops
from model_training.portraits.image_sets import (
    FaceImage,
    canada_images,
    fairface_images,
    folder_images,
    lfw_images,
    london_images,
)
from model_training.portraits.locate import EyeLocator, make_locator


def list_images(sources: SourcesConfig) -> list[FaceImage]:
    """All images of all sets.

    Raises:
        EmptyImageSetError: a folder does not hold what it should.
        ValueError: no image folder was given.
    """
    named = (
        (sources.lfw, lfw_images),
        (sources.london, london_images),
        (sources.canada, canada_images),
        (sources.fairface, fairface_images),
        (sources.ck_plus, ck_plus_images),
    )
    found = [image for root, listing in named if root for image in listing(root)]
    found += [image for root in sources.images for image in folder_images(root)]
    if not found:
        raise ValueError(
            "no images given: name at least one of --images, --lfw, --london, --canada, "
            "--fairface, --ck-plus"
        )
    return found


def prepare(sources: SourcesConfig, size: int, out: Path) -> tuple[CropCache, list[PairSet]]:
    """Crop all images into `OUT/crops` and open or crop all pairs.

    Args:
        sources: the folders.
        size: side of the crops in pixels.
        out: folder of the run.

    Raises:
        EmptyImageSetError, ValueError, FileNotFoundError: a folder does not hold what it should.
    """
    images = list_images(sources)
    locator = make_locator(sources.landmarks)
    cache = build_crops(images, locator, size, out / "crops")
    pairs = []
    if sources.ck_plus:
        pairs.append(pairs_in_cache(cache, ck_plus_pairs(sources.ck_plus)))
    given = [
        open_pairs(folder, size, out / f"pairs-{number}", locator if sources.align_pairs else None)
        for number, folder in enumerate(sources.pairs)
    ]
    pairs += given
    if sources.london and (both := london_pairs(images)):
        pairs.append(pairs_in_cache(cache, both))
    if sources.pair_images:
        if not given:
            raise ValueError("--pair-images needs --pairs")
        cache = with_pair_images(cache, given, out / "crops-and-pairs")
    return cache, pairs


def open_pairs(folder: Path, size: int, cache: Path, locator: EyeLocator | None) -> PairSet:
    """Open a pair folder: `pairs.npy`, or image files, which `locator` aligns if it is given."""
    if (folder / "pairs.npy").exists():
        return open_pair_store(folder)
    if locator is None:
        return open_aligned_files(folder, size)
    listed = pair_file_images(folder)
    images = list({image.key: image for pair in listed for image in pair}.values())
    return pairs_in_cache(build_crops(images, locator, size, cache), listed)
