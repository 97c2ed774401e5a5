"""CK+ (Lucey et al. 2010), the paper's paired set, as a licence-holder receives it.

    cohn-kanade-images/S005/001/S005_001_00000011.png    subject / sequence / frame
    Emotion/S005/001/S005_001_00000011_emotion.txt       one label for some sequences

Every sequence begins neutral and ends at the peak of an expression. CK+ needs a signed agreement;
no copy of it comes with this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from model_training.portraits.image_sets import EmptyImageSetError, FaceImage

EMOTIONS = (
    "neutral",
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happy",
    "sadness",
    "surprise",
)
"""Label 0 to 7 of the Emotion files."""


@dataclass(frozen=True)
class Sequence:
    """One recording of one subject.

    Attributes:
        frames: the frames in order; the first is neutral.
        emotion: the label of its peak (see `EMOTIONS`), or None where CK+ gives none.
    """

    frames: tuple[FaceImage, ...]
    emotion: str | None

    @property
    def subject(self) -> str:
        """The subject's id, for instance `S005`."""
        return self.frames[0].person


def read_emotion(file: Path) -> str:
    """The label in a CK+ emotion file, which holds one number such as `   3.0000000e+00`.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        return EMOTIONS[int(float(file.read_text().split()[0]))]
    except (IndexError, ValueError) as error:
        raise ValueError(f"{file} holds no CK+ emotion label") from error


def ck_plus_sequences(root: Path) -> list[Sequence]:
    """All sequences below `root`, the folder that holds `cohn-kanade-images`.

    Colour frames are marked to be turned grey, as the paper does: most of CK+ is grey, and colour
    would tell subjects apart.

    Raises:
        EmptyImageSetError: there is no sequence of that layout.
    """
    images = root / "cohn-kanade-images"
    sequences = []
    for folder in sorted(p for p in images.glob("S*/*") if p.is_dir()):
        subject, take = folder.parent.name, folder.name
        files = sorted(p for p in folder.glob(f"{subject}_{take}_*.png"))
        if not files:
            continue
        labels = sorted((root / "Emotion" / subject / take).glob("*_emotion.txt"))
        frames = tuple(
            FaceImage(f, f"ck_plus/{subject}/{take}/{f.name}", subject, grey=True) for f in files
        )
        sequences.append(Sequence(frames, read_emotion(labels[0]) if labels else None))
    if not sequences:
        layout = "cohn-kanade-images/S005/001/S005_001_00000001.png"
        raise EmptyImageSetError(f"{root} holds no sequence laid out as {layout}")
    return sequences


def ck_plus_images(root: Path) -> list[FaceImage]:
    """Every frame of every sequence, in order."""
    return [frame for sequence in ck_plus_sequences(root) for frame in sequence.frames]


def ck_plus_pairs(root: Path) -> list[tuple[FaceImage, FaceImage]]:
    """(source, target) for every frame: the frame itself and its sequence's first frame.

    The first frame is paired with itself, as in the authors' published list.
    """
    return [(f, s.frames[0]) for s in ck_plus_sequences(root) for f in s.frames]
