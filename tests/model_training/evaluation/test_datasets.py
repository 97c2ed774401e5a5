"""Data layouts, written small on disk and read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from model_training.errors import UsageError
from model_training.evaluation import datasets, layouts
from model_training.evaluation.cases import Dataset, FilePicture
from model_training.evaluation.choice import Data, load_dataset, recognise
from model_training.evaluation.config import DataConfig
from model_training.evaluation.traits import known_traits
from model_training.meter.labels import age_band, geometry, is_expression
from model_training.portraits.landmarks import LandmarkTable
from model_training.portraits.split import hashed_into_validation


def save(path: Path, level: int = 100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((8, 8, 3), level, np.uint8)).save(path)


def strangers_differ(dataset: Dataset) -> bool:
    return all(
        case.stranger is not None and case.neutral is not None
        and case.stranger.name != case.neutral.name
        for case in dataset.cases
    )  # fmt: skip


@pytest.fixture
def london(tmp_path: Path) -> Path:
    for k in range(1, 12):
        save(tmp_path / "neutral" / f"{k:03d}.jpg", k)
        save(tmp_path / "smiling" / f"{k:03d}.jpg", 100 + k)
    lines = ["id,age,gender,ethnicity", *(f"{k:03d},{20 + k},male,white" for k in range(1, 12))]
    (tmp_path / "people.csv").write_text("\n".join(lines))
    return tmp_path


def test_london_measures_every_fifth_person_and_nobody_twice(london: Path) -> None:
    held_out = datasets.london(london)
    assert [case.name for case in held_out.cases] == ["001", "006", "011"]
    assert strangers_differ(held_out)
    assert held_out.cases[2].labels["age"] == "30-39"
    assert held_out.cases[0].labels["sex"] == "male"
    training = datasets.london(london, "training")
    assert len(training.cases) == 8
    assert {c.person for c in training.cases}.isdisjoint(c.person for c in held_out.cases)
    assert len(held_out.neutral_pool) == 11
    assert int(held_out.cases[0].expressive.read()[0, 0, 0]) == pytest.approx(101, abs=2)


def test_strangers_are_the_same_on_every_run(london: Path) -> None:
    first, again = datasets.london(london), datasets.london(london)
    assert first == again


def test_lfw_pairs_the_loudest_with_the_calmest(tmp_path: Path) -> None:
    held_out = next(f"P{k}" for k in range(999) if hashed_into_validation(f"P{k}"))
    others = [name for k in range(40) if not hashed_into_validation(name := f"P{k}")]
    # (person, smile score x 4, lips apart in pixels, yaw)
    rows = [
        (held_out, 1.0, 4.0, 0.0), (held_out, 0.0, 0.0, 3.0), (held_out, 0.05, 9.0, 0.0),
        (others[0], 1.0, 4.0, 0.0), (others[0], 0.0, 0.0, 0.0),
        (others[1], 1.0, 4.0, 0.0), (others[1], 0.0, 0.0, 40.0),
    ]  # fmt: skip
    count: dict[str, int] = {}
    paths, points, scores, pose = [], [], [], []
    for person, score, gap, yaw in rows:
        count[person] = count.get(person, 0) + 1
        name = f"{person}_{count[person]:04d}.jpg"
        save(tmp_path / "lfw" / person / name)
        paths.append(f"lfw/{person}/{name}")
        face = np.zeros((478, 2))
        face[468], face[473], face[14] = (0, 0), (50, 0), (0, gap)
        points.append(face)
        scores.append([1.0, score, score, score, score, 1.0])
        pose.append([yaw, 0, 0])
    table = tmp_path / "landmarks.npz"
    np.savez(
        table,
        paths=paths,
        points_x16=(np.array(points) * 16).astype(np.int16),
        blendshapes=(np.array(scores) * 255).astype(np.uint8),
        blendshape_names=["_neutral", "a", "b", "c", "d", "eyeLookUpLeft"],
        pose_deg=np.array(pose, np.float16),
    )
    found = datasets.lfw(tmp_path / "lfw", table)
    assert [c.name for c in found.cases] == [f"{held_out}_0001"]
    assert found.cases[0].neutral is not None
    assert found.cases[0].neutral.name == f"{held_out}_0002"  # not the open mouth of 0003
    everybody = datasets.lfw(tmp_path / "lfw", table, people="all")
    assert {c.person for c in everybody.cases} == {held_out, others[0]}  # others[1] is turned away
    assert strangers_differ(everybody)


def test_pairs_come_with_their_labels(tmp_path: Path) -> None:
    array = np.zeros((3, 2, 8, 8, 3), np.uint8)
    array[:, 1] = 200
    np.save(tmp_path / "pairs.npy", array)
    (tmp_path / "labels.csv").write_text("person,expression\na,smile\na,anger\nb,smile\n")
    found = datasets.pairs(tmp_path)
    assert [c.person for c in found.cases] == ["a", "a", "b"]
    assert found.cases[1].labels == {"expression": "anger"}
    assert int(found.cases[1].expressive.read().max()) == 200
    assert strangers_differ(found)
    facts = tmp_path / "faces.csv"
    facts.write_text("file,age,gender,race\na.jpg,20-29,Female,Black\n")
    (tmp_path / "labels.csv").write_text("index,person,expression\n2,a,smile\n0,b,anger\n")
    first, second = datasets.pairs(tmp_path, facts=[facts]).cases
    assert first.name == "00002"
    assert first.labels == {"expression": "smile", "age": "18-29", "sex": "female", "skin": "black"}
    assert second.labels == {"expression": "anger"}
    (tmp_path / "labels.csv").write_text("person,source\nval_943,fairface/val_943.jpg\n")
    assert datasets.pairs(tmp_path).cases[0].labels == {"glasses": "clear", "beard": "yes"}
    (tmp_path / "labels.csv").write_text("index,person\n3,a\n")
    with pytest.raises(datasets.DataError, match="1 labels"):
        datasets.pairs(tmp_path)


def test_traits_were_seen_on_everybody_listed_and_reach_the_slices(london: Path) -> None:
    seen = known_traits()
    assert {key.split("/")[0] for key in seen} == {"london", "fairface"}
    assert {tuple(t) for t in seen.values()} == {("glasses", "beard")}
    assert {t["glasses"] for t in seen.values()} == {"no", "clear", "sunglasses"}
    assert {t["beard"] for t in seen.values()} == {"no", "yes"}
    listed = [key.partition("/")[2] for key in seen if key.startswith("fairface/")]
    assert all(hashed_into_validation(person) for person in listed)
    by_name = {case.name: case.labels for case in datasets.london(london, "all").cases}
    assert [by_name[i]["beard"] for i in ("004", "001")] == ["yes", "no"]


def test_manifest_reads_free_columns_and_names_missing_files(tmp_path: Path) -> None:
    for name in ("e1.png", "n1.png", "e2.png", "n2.png"):
        save(tmp_path / name)
    manifest = tmp_path / "set.csv"
    manifest.write_text(
        "person,expressive,neutral,stranger,glasses\n1,e1.png,n1.png,,yes\n2,e2.png,,e1.png,no\n"
    )
    first, second = datasets.manifest(manifest).cases
    assert first.labels == {"glasses": "yes"}
    assert first.stranger is None  # nobody else has a neutral
    assert second.neutral is None
    assert second.stranger is not None
    manifest.write_text("person,expressive\n1,gone.png\n")
    with pytest.raises(datasets.DataError, match=r"gone\.png"):
        datasets.manifest(manifest)
    manifest.write_text("name,file\n1,e1.png\n")
    with pytest.raises(datasets.DataError, match="columns person and expressive"):
        datasets.manifest(manifest)


def test_yale_takes_expressions_and_skips_its_corrupt_picture(tmp_path: Path) -> None:
    for name in ("01.normal", "01.happy", "01.glasses", "02.normal", "02.wink", "04.normal",
                 "04.sad"):  # fmt: skip
        save(tmp_path / f"subject{name}.png")
    (tmp_path / "subject02.wink.png").rename(tmp_path / "subject02.wink")  # as distributed
    found = layouts.yale(tmp_path)
    assert [c.name for c in found.cases] == ["subject01.happy", "subject02.wink"]
    assert found.cases[1].expressive.read().shape == (8, 8, 3)
    assert strangers_differ(found)


def test_ck_plus_pairs_peak_and_first_frame_of_labelled_sequences(tmp_path: Path) -> None:
    for subject, take, label in (("S005", "001", "3.0"), ("S006", "002", None)):
        for frame in (1, 2, 3):
            stem = f"{subject}_{take}_{frame:08d}"
            save(tmp_path / "cohn-kanade-images" / subject / take / f"{stem}.png", frame)
        if label:
            folder = tmp_path / "Emotion" / subject / take
            folder.mkdir(parents=True)
            (folder / f"{stem}_emotion.txt").write_text(f"   {label}000000e+00\n")
    (case,) = layouts.ck_plus(tmp_path, "all").cases
    assert case.name == "S005_001_00000003"
    assert case.labels == {"expression": "disgust"}
    assert case.neutral is not None
    assert int(case.neutral.read()[0, 0, 0]) == 1


def test_a_path_tells_its_layout(london: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert recognise(london) is Data.LONDON
    assert load_dataset(DataConfig(str(london), people="all")).name == "london-all"
    with pytest.raises(UsageError, match="none of london"):
        recognise(tmp_path_factory.mktemp("empty"))
    with pytest.raises(UsageError, match="needs --landmarks"):
        load_dataset(DataConfig("lfw", lfw=london, people="all"))


def test_pictures_are_upright_and_broken_ones_are_named(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(np.zeros((4, 8, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert FilePicture(tmp_path / "turned.jpg", "t").read().shape == (8, 4, 3)
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(ValueError, match="not a readable picture"):
        FilePicture(tmp_path / "text.jpg", "x").read()


def test_geometry_of_a_face_worked_out_by_hand() -> None:
    face = np.zeros((478, 2))
    face[468], face[473] = (0, 0), (60, 0)
    face[13], face[14] = (30, 50), (30, 53)
    face[33], face[133], face[159], face[145] = (-10, 0), (10, 0), (0, -4), (0, 4)
    face[362], face[263], face[386], face[374] = (50, 0), (70, 0), (60, -2), (60, 2)
    apart, gap, opening = geometry(face)
    assert apart == 60
    assert gap == pytest.approx(0.05)
    assert opening == pytest.approx((0.4 + 0.2) / 2)


def test_gaze_and_neutral_are_no_expression() -> None:
    names = ["_neutral", "jawOpen", "eyeLookUpLeft", "eyeBlinkLeft"]
    assert [is_expression(n) for n in names] == [False, True, False, True]
    # The one definition of the sum, here and in the training's landmark table.
    shapes = np.array([[1.0, 0.2, 1.0, 0.4]], np.float32)
    table = LandmarkTable(
        ("x",),
        np.zeros((1, 478, 2), np.float32),
        shapes,
        tuple(names),
        np.zeros((1, 3), np.float32),
    )
    assert table.expressiveness()[0] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("24", "18-29"),
        ("17", "0-17"),
        ("30", "30-39"),
        ("59.0", "50-59"),
        ("71", "60+"),
        ("", ""),
        ("20-29", "18-29"),
    ],
)
def test_age_bands(age: str, band: str) -> None:
    assert age_band(age) == band
