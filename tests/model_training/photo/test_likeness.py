"""Lower faces are lent between people who are alike."""

from pathlib import Path

import numpy as np

from model_training.photo.likeness import MIN_DONORS, Likeness

FAIRFACE = """file,age,gender,race,near_neutral
a.jpg,20-29,Male,Indian,1
b.jpg,20-29,Male,Indian,0
c.jpg,30-39,Male,White,0
d.jpg,20-29,Female,Indian,0
e.jpg,more than 70,Male,Indian,0
"""


def _data(folder: Path, fairface: str = FAIRFACE) -> Path:
    (folder / "fairface").mkdir()
    (folder / "fairface" / "faces.csv").write_text(fairface)
    (folder / "london").mkdir()
    (folder / "london" / "people.csv").write_text("id,age,gender,ethnicity\n001,24,male,white\n")
    return folder


def test_sex_and_age_must_agree_as_far_as_they_are_known(tmp_path: Path) -> None:
    paths = [f"fairface/{name}.jpg" for name in "abcde"]
    paths += ["london/smiling/001.jpg", "canada/003f.jpg", "elsewhere/x.jpg"]
    likeness = Likeness(_data(tmp_path), paths)
    donors = np.arange(1, len(paths))
    # Not the woman (3, 6), not the old man (4), not somebody of whom nothing is known (7).
    assert likeness.choose(0, donors).tolist() == [1, 2, 5]
    assert likeness.choose(6, donors).tolist() == [3, 6]
    assert likeness.choose(7, donors).tolist() == donors.tolist(), "unknown: nobody is excluded"


def test_own_race_when_there_are_enough(tmp_path: Path) -> None:
    rows = [f"{k}.jpg,20-29,Male,{'Indian' if k % 2 else 'White'},0" for k in range(2 * MIN_DONORS)]
    likeness = Likeness(
        _data(tmp_path, "\n".join(["file,age,gender,race,near_neutral", *rows])),
        [f"fairface/{k}.jpg" for k in range(2 * MIN_DONORS)],
    )
    everybody = np.arange(2 * MIN_DONORS)
    assert likeness.choose(1, everybody).tolist() == everybody[1::2].tolist()
    assert likeness.choose(1, everybody[:6]).tolist() == everybody[:6].tolist()


def test_sets_without_facts_exclude_nobody(tmp_path: Path) -> None:
    likeness = Likeness(tmp_path, ["fairface/a.jpg", "fairface/b.jpg"])
    assert likeness.choose(0, np.array([1])).tolist() == [1]
