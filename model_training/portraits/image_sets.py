"""Folders of face images: what each public set looks like, and who is on each picture.

Nothing is read here but names. A path given by the user may have any name; the `key` of an image
is the same everywhere (`lfw/NAME/NAME_0001.jpg`), so that a landmark table fits every copy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model_training.errors import InputError
from model_training.portraits.split import hashed_into_validation, london_validation_ids, person_of

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


class EmptyImageSetError(InputError):
    """A folder given for an image set holds no image of that set's layout."""


@dataclass(frozen=True)
class FaceImage:
    """One image of a set.

    Attributes:
        file: where it lies on this machine.
        key: set name and path within the set, `/`-separated, the same on every machine.
        person: who it shows; images of one person share it within a set.
        grey: colour, if there is any, is an accident of the camera and is dropped (CK+).
    """

    file: Path
    key: str
    person: str
    grey: bool = False

    @property
    def dataset(self) -> str:
        """The set's name: the first part of the key."""
        return self.key.split("/", 1)[0]


def image_files(root: Path) -> list[Path]:
    """All image files below `root`, sorted by path; hidden files are left out."""
    return sorted(
        p
        for p in root.rglob("*")
        if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
    )


def _found(images: list[FaceImage], root: Path, layout: str) -> list[FaceImage]:
    if not images:
        raise EmptyImageSetError(f"{root} holds no images laid out as {layout}")
    return images


def _keyed(root: Path, dataset: str, layout: str, depth: int) -> list[FaceImage]:
    images = []
    for file in image_files(root):
        relative = file.relative_to(root)
        if len(relative.parts) == depth:
            key = f"{dataset}/{relative.as_posix()}"
            images.append(FaceImage(file, key, person_of(key)))
    return _found(images, root, layout)


def lfw_images(root: Path) -> list[FaceImage]:
    """Labeled Faces in the Wild, funneled (Huang et al. 2007, 2012): NAME/NAME_0001.jpg."""
    return _keyed(root, "lfw", "NAME/NAME_0001.jpg", 2)


def london_images(root: Path) -> list[FaceImage]:
    """Face Research Lab London Set (DeBruine & Jones 2017, CC BY 4.0).

    Laid out as neutral/ID.jpg and smiling/ID.jpg.
    """
    return _keyed(root, "london", "neutral/ID.jpg, smiling/ID.jpg", 2)


def canada_images(root: Path) -> list[FaceImage]:
    """Neutral portraits of webmorphR.stim (DeBruine, CC BY), one person each: ID.jpg."""
    return _keyed(root, "canada", "ID.jpg", 1)


def fairface_images(root: Path) -> list[FaceImage]:
    """FairFace (Karkkainen & Joo 2021, CC BY 4.0), one person each: NAME.jpg."""
    return _keyed(root, "fairface", "NAME.jpg", 1)


def folder_images(root: Path) -> list[FaceImage]:
    """Any folder: an image in a subfolder shows the person the subfolder is named after.

    Images directly in the folder show one person each.
    """
    images = []
    for file in image_files(root):
        relative = file.relative_to(root)
        person = relative.parts[0] if len(relative.parts) > 1 else file.stem
        images.append(FaceImage(file, f"images/{relative.as_posix()}", person))
    return _found(images, root, "image files")


def in_validation(images: Iterable[FaceImage]) -> list[bool]:
    """For every image: does its person belong to validation (`data.split`)?"""
    listed = list(images)
    london = london_validation_ids(i.person for i in listed if i.dataset == "london")
    return [
        i.person in london if i.dataset == "london" else hashed_into_validation(i.person)
        for i in listed
    ]


LABELLED_SETS = {
    "london": london_images,
    "canada": canada_images,
    "fairface": fairface_images,
    "lfw": lfw_images,
}
"""The sets that the landmark table labels, by name: folder to images."""
