"""The worked example, run as users run it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "id_pipeline.py"


def run(
    service: httpx.Client, store: Path, *photos: Path, layout: str = "eyes"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            EXAMPLE,
            *photos,
            "--layout",
            layout,
            "--store",
            store,
            "--url",
            str(service.base_url),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_badge_with_its_record_and_provenance(service: httpx.Client, tmp_path: Path) -> None:
    portrait = Image.fromarray(np.asarray(data.astronaut(), np.uint8)[:320, 60:380])
    photo = tmp_path / "photo.png"
    portrait.resize((960, 960), Image.Resampling.LANCZOS).save(photo)
    store = tmp_path / "store"
    done = run(service, store, photo)
    assert done.returncode == 0, done.stderr
    [path] = store.glob("*.json")
    record = json.loads(path.read_text())
    assert (store / record["original"]).read_bytes() == photo.read_bytes()
    for name in (record["original"], record["badge"]):
        content = (store / name).read_bytes()
        assert name.startswith(hashlib.sha256(content).hexdigest())
    with Image.open(store / record["badge"]) as badge:
        assert badge.size == (413, 531)
        marked = "compositeWithTrainedAlgorithmicMedia" in badge.info.get("XML:com.adobe.xmp", "")
    assert marked == record["altered"]
    assert len(list(store.iterdir())) == 3


def eyes(service: httpx.Client, badge: Path) -> NDArray[np.float64]:
    """Both eyes, [2, 2] in the badge's pixels: the detector's mean over five sizes of the picture.

    At one size alone one of these eyes is four pixels higher as soon as the mouth is a little
    different.
    """
    found = []
    with Image.open(badge) as picture:
        for scale in (0.8, 1.0, 1.25, 1.5, 2.0):
            size = round(picture.width * scale), round(picture.height * scale)
            other = io.BytesIO()
            picture.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(other, "PNG")
            answer = service.post("/analyze", files={"file": other.getvalue()}).json()
            found.append(np.array(answer["faces"][0]["landmarks"][:2]) / scale)
    return np.asarray(np.mean(found, axis=0))


def test_the_badge_has_the_eyes_where_they_belong(service: httpx.Client, tmp_path: Path) -> None:
    portrait = Image.fromarray(np.asarray(data.astronaut(), np.uint8)[:320, 60:380])
    photo = tmp_path / "turned.png"
    portrait.resize((960, 960)).rotate(8, Image.Resampling.BICUBIC, fillcolor="grey").save(photo)
    store = tmp_path / "store"
    assert run(service, store, photo).returncode == 0
    [record] = [json.loads(path.read_text()) for path in store.glob("*.json")]
    right, left = eyes(service, store / record["badge"])
    assert abs(left[1] - right[1]) < 3
    assert abs(np.linalg.norm(left - right) / 413 - 0.22) < 0.02
    assert abs((right[1] + left[1]) / 2 / 531 - 0.42) < 0.02


def test_the_layout_of_hivisionidphotos(service: httpx.Client, tmp_path: Path) -> None:
    portrait = Image.fromarray(np.asarray(data.astronaut(), np.uint8)[:320, 60:380])
    photo = tmp_path / "photo.png"
    portrait.resize((960, 960), Image.Resampling.LANCZOS).save(photo)
    store = tmp_path / "store"
    assert run(service, store, photo, layout="hivision").returncode == 0
    [record] = [json.loads(path.read_text()) for path in store.glob("*.json")]
    assert record["layout"] == "hivision"
    seen = service.post("/analyze", files={"file": (store / record["badge"]).read_bytes()}).json()
    assert (seen["width"], seen["height"]) == (295, 413)
    _, y, width, height = seen["faces"][0]["box"]
    assert abs(width * height / (295 * 413) - 0.2) < 0.03
    assert abs((y + height / 2) / 413 - 0.45) < 0.03


def test_rejections_name_the_reason_and_store_nothing(
    service: httpx.Client, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear sir")
    small = tmp_path / "small.png"
    Image.fromarray(np.asarray(data.astronaut(), np.uint8)).save(small)
    store = tmp_path / "store"
    done = run(service, store, letter, small)
    assert done.returncode == 1
    assert "not_an_image" in done.stderr
    assert "pixels apart" in done.stderr
    assert list(store.iterdir()) == []
