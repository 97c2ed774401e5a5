"""`stoicnet video`, on real files."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Pictures
from PIL import ImageSequence
from typer.testing import CliRunner, Result

from app.cli import cli
from tests.app.video.films import drifting, lay_on_side, read_film, write_film

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """Twelve frames, at uneven times."""
    frames = drifting(astronaut, 12)
    times = [0, 40, 80, 120, 160, 300, 340, 380, 420, 460, 500, 540]
    return write_film(tmp_path_factory.mktemp("films") / "in.mp4", frames, times)


def video(*arguments: Path | str) -> Result:
    return CliRunner().invoke(cli, ["video", *map(str, arguments), "--device", "cpu"])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".webm"])
def test_a_film(film: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    done = video(film, out)
    assert done.exit_code == 0, done.output
    before, times, sound, _ = read_film(film)
    if suffix == ".webm":
        assert "without its sound" in done.output
        with av.open(str(out)) as made:
            assert not made.streams.audio
            after = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    else:
        after, their_times, their_sound, said = read_film(out)
        assert their_times == pytest.approx(times, abs=0.001)
        assert their_sound == sound
        if suffix == ".mp4":
            assert "altered by a trained model" in said["comment"]
    assert len(after) == len(before)
    for old, new in zip(before, after, strict=True):
        difference = np.abs(old.astype(int) - new)
        assert difference[150:180, 195:265].mean() > 5, "the mouth"
        assert difference[350:].mean() < 4, "what encoding twice costs"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_film_that_lies_on_its_side(tmp_path: Path, astronaut: Image) -> None:
    lying = [np.ascontiguousarray(np.rot90(frame)) for frame in drifting(astronaut[:, :448], 3)]
    source = write_film(tmp_path / "lying.mp4", lying)
    lay_on_side(source)
    assert video(source, tmp_path / "out.mp4").exit_code == 0
    frames, *_ = read_film(tmp_path / "out.mp4")
    assert frames[0].shape == (512, 448, 3)
    assert np.abs(frames[0][350:].astype(int) - astronaut[350:, :448]).mean() < 6, "upright"


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_an_animation(tmp_path: Path, astronaut: Image, kind: str) -> None:
    alpha = np.full(astronaut.shape[:2], 255, np.uint8)
    alpha[:20] = 0
    pictures = [
        Pictures.fromarray(np.dstack([frame, alpha])) for frame in drifting(astronaut, 3, step=4)
    ]
    source, out = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    lossless = {"lossless": True} if kind == "webp" else {}
    pictures[0].save(
        source,
        save_all=True,
        append_images=pictures[1:],
        duration=[100, 250, 70],
        loop=3,
        disposal=2,
        **lossless,
    )
    done = video(source, out)
    assert done.exit_code == 0, done.output
    with Pictures.open(out) as made:
        assert made.n_frames == 3
        assert made.info["loop"] == 3
        said = made.info["comment"] if kind == "gif" else made.info["xmp"]
        assert b"StoicNet" in said
        # A WebP's frame says how long it lasts when it has been read.
        frames = [
            (np.asarray(each.convert("RGBA")), each.info["duration"])
            for each in ImageSequence.Iterator(made)
        ]
    assert [duration for _, duration in frames] == [100, 250, 70]
    for frame, _ in frames:
        assert (frame[:18, :, 3] == 0).all()
        assert (frame[40:, :, 3] == 255).all()


def test_a_film_becomes_an_animation_and_one_a_film(film: Path, tmp_path: Path) -> None:
    animation, again = tmp_path / "out.webp", tmp_path / "again.mp4"
    assert video(film, animation).exit_code == 0
    with Pictures.open(animation) as made:
        assert made.n_frames == 12
    assert video(animation, again, "--strength", "0").exit_code == 0
    with av.open(str(again)) as made:
        times = [float(frame.time or 0.0) for frame in made.decode(video=0)]
    _, wanted, *_ = read_film(film)
    assert times == pytest.approx(wanted, abs=0.002)


def test_what_is_wrong_is_said_and_leaves_nothing(
    film: Path, tmp_path: Path, astronaut: Image
) -> None:
    out = tmp_path / "out" / "neutral.mp4"
    out.parent.mkdir()
    text = tmp_path / "letter.mp4"
    text.write_text("Dear reader")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    still = tmp_path / "still.png"
    Pictures.fromarray(astronaut).save(still)
    for source, target, code in (
        (text, out, "not_a_video"),
        (cut, out, "not_a_video"),
        (tmp_path / "missing.mp4", out, "cannot_read_or_write"),
        (text, out.with_suffix(".gif"), "not_a_video"),
        (film, out.with_suffix(".avi"), "unsupported_video"),
    ):
        done = video(source, target)
        assert done.exit_code == 1
        assert code in done.output
    done = video(film, out, "--max-seconds", "0.3")
    assert done.exit_code == 1
    assert "too_long" in done.output
    assert not list(out.parent.iterdir())


def test_nothing_is_overwritten_unasked(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("mine")
    assert video(film, out).exit_code == 2
    assert out.read_text() == "mine"
    assert video(film, film).exit_code == 2
