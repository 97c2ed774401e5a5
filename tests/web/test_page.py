"""What a visitor does with one photograph, in a real browser against a real service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.app.toy_graph import write_models
from tests.web.browser import Page
from tests.web.service import running_service


def folded(page: Page) -> bool:
    """Is nothing of the report open but its verdict and the advice, which comes a moment later?"""
    parts = page.all("#report details")
    return len(parts) > 1 and not any(part.get_attribute("open") for part in parts)


def test_drop_a_photograph_and_download_the_result(
    page: Page, photographs: Path, service: httpx.Client
) -> None:
    page.drop(photographs / "smile.png")
    page.wait_for_result()
    assert page.size_of("before") == page.size_of("after") == (512, 512)
    assert folded(page), "one verdict, the rest folded"
    assert page.find("#zoom-face").get_attribute("aria-pressed") == "true", (
        "the face is shown large"
    )
    page.unfold()
    report = page.text("report")
    assert "photo" in report
    assert "CPU" in report
    assert "Time on the server" in report
    assert "faces at rest read about 2" in report
    assert page.text("status").startswith("Expression ")
    assert "mouth closed" in page.text("report")
    assert all(bar.rect["width"] > 30 for bar in page.all("#report .track")), "bars can be seen"
    saved = page.download()
    assert saved.name in ("smile-neutral.png", "smile-unaltered.png")
    altered = saved.name == "smile-neutral.png"
    assert ("Altered\nyes" in report) == altered
    with Image.open(saved) as picture, Image.open(photographs / "smile.png") as photo:
        assert picture.text["Software"].startswith("StoicNet")  # type: ignore[attr-defined]
        xmp = picture.text["XML:com.adobe.xmp"]  # type: ignore[attr-defined]
        assert ("compositeWithTrainedAlgorithmicMedia" in xmp) == altered
        answer, given = np.asarray(picture), np.asarray(photo)
    assert answer.shape == given.shape
    assert np.array_equal(answer[400:], given[400:])
    direct = service.post("/neutralize", files={"file": (photographs / "smile.png").read_bytes()})
    assert saved.read_bytes() == direct.content


def test_the_slider_between_before_and_after_follows_keys_and_pointer(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()

    def split() -> float:
        return float(page.script("return document.getElementById('split').value"))

    def line() -> float:
        """Where the line is, in % of what is seen of the picture."""
        return float(
            page.script(
                """const box = document.getElementById('scroller');
                const s = box.getBoundingClientRect(),
                r = document.getElementById('compare').getBoundingClientRect(),
                d = document.getElementById('divider').getBoundingClientRect();
                const left = Math.max(s.left, r.left);
                const right = Math.min(s.left + box.clientWidth, r.right);
                return 100 * (d.left + d.width / 2 - left) / (right - left);"""
            )
        )

    middle_of_the_face = split()
    assert 40 < middle_of_the_face < 60, "the face is in the middle"
    assert line() == pytest.approx(split(), abs=0.7)
    page.find("#split").send_keys("\ue012" * 3)  # left arrow
    assert split() == middle_of_the_face - 3
    assert line() == pytest.approx(split(), abs=0.7)
    page.script("document.getElementById('scroller').scrollLeft += 40")
    page.wait(lambda: abs(line() - split()) < 0.7)
    page.find("#whole").click()
    assert line() == pytest.approx(split(), abs=0.7)
    width = page.find("#compare").rect["width"]
    page.drag("divider", round(width * 0.2))
    assert split() == pytest.approx(middle_of_the_face - 3 + 20, abs=2)
    assert line() == pytest.approx(split(), abs=0.7)
    page.find("#zoom").click()
    width = page.script("return document.getElementById('before').getBoundingClientRect().width")
    assert width * page.script("return devicePixelRatio") == pytest.approx(512, abs=1)
    page.find("#zoom-face").click()
    assert page.find("#zoom").get_attribute("aria-pressed") == "false"
    assert page.find("#before").rect == page.find("#after").rect, "one lies upon the other"
    [face] = page.all("#overlay rect")
    seen = page.find("#scroller").rect["height"]
    assert 0.4 < face.rect["height"] / seen < 0.9


def test_strength_answers_while_dragged_and_ends_at_the_last_wish(
    page: Page, photographs: Path
) -> None:
    page.choose(photographs / "smile.png")
    page.wait_for_result()
    for strength in (0.8, 0.6, 0.4, 0.2, 0):
        page.slide("strength", strength)
    assert page.text("strength-value") == "0 %"
    page.wait(lambda: page.text("status") == "At strength 0: Nothing was altered.")
    assert "At strength 0: Nothing was altered." in page.text("report")
    with (
        Image.open(page.download()) as picture,
        Image.open(photographs / "smile.png") as photo,
    ):
        assert np.array_equal(np.asarray(picture), np.asarray(photo))
    asked = (
        "return performance.getEntriesByType('resource').filter(e => e.name.includes('neutral'))"
    )
    strengths = [e["name"].split("strength=")[1].split("&")[0] for e in page.script(asked)]
    assert strengths[0] == "1"
    assert strengths[-1] == "0"
    page.slide("strength", 1)
    page.wait(lambda: page.text("status").endswith("Done."))
    assert len(page.script(asked)) == len(strengths), "full strength was known already"


def test_several_faces_are_marked_and_can_all_be_neutralized(page: Page, photographs: Path) -> None:
    page.choose(photographs / "two.png")
    text = page.wait_for_problem()
    assert "There is more than one face" in text
    assert "faces=" not in text, "the page's words, not the API's"
    assert len(page.all("#overlay rect")) == 2
    [button] = [b for b in page.all("#problem button") if b.text == "Neutralize all"]
    button.click()
    page.wait_for_result()
    assert not page.find("#problem").is_displayed()
    named = [t.text for t in page.all("#report-body > details > summary")]
    assert [text.split(":")[0] for text in named[:2]] == ["Face 1", "Face 2"]
    assert folded(page)
    page.unfold()
    assert [t.text for t in page.all("#report h3")].count("Expression") == 2
    assert len(page.all("#overlay rect")) == 2
    page.find("#boxes").click()
    assert page.all("#overlay rect") == []


def test_the_face_alone_beside_the_same_crop_of_the_photograph(
    page: Page, photographs: Path
) -> None:
    page.select("output", "face")
    page.paste(photographs / "smile.png")
    page.wait_for_result()
    assert page.size_of("after") == page.size_of("before") == (256, 256)
    # Crop contract: the same skin at the chin's side and the same hair in both.
    difference = page.script(
        """const draw = (id) => { const c = document.createElement('canvas');
          c.width = c.height = 256; const x = c.getContext('2d');
          x.drawImage(document.getElementById(id), 0, 0);
          return x.getImageData(0, 0, 256, 40).data };
        const a = draw('before'), b = draw('after');
        let sum = 0; for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
        return sum / a.length;"""
    )
    assert difference < 6, "the top rows of both crops show the same hair"


def test_the_sample(page: Page) -> None:
    page.find("#sample").click()
    page.wait_for_result()
    assert page.size_of("after") == (512, 512)


def test_a_kind_of_image_that_browsers_do_not_show(page: Page, photographs: Path) -> None:
    page.choose(photographs / "smile.tiff")
    page.wait_for_result()
    assert page.size_of("before") == page.size_of("after") == (512, 512)


def test_parts_of_the_face_where_the_model_can_tell_them_apart(
    page: Page, photographs: Path, tmp_path: Path
) -> None:
    models = write_models(tmp_path, regions=("brows", "eyes", "mouth"))
    with running_service(tmp_path, models_dir=str(models)) as other:
        replace(page, url=str(other.base_url)).open()
        page.choose(photographs / "smile.png")
        page.wait_for_result()
        whole = page.download().read_bytes()
        brows, eyes, mouth = page.all("#regions input")
        for box in (brows, eyes):
            box.click()
            page.wait_for_result()
        assert not mouth.is_enabled(), "the last one stays"
        part = page.download().read_bytes()
        direct = other.post(
            "/neutralize?regions=mouth", files={"file": (photographs / "smile.png").read_bytes()}
        )
        assert part == direct.content != whole
        eyes.click()
        page.wait_for_result()
        brows.click()  # everything again: that answer is known and takes no request
        page.wait(lambda: page.download().read_bytes() == whole)


def test_advice_is_about_what_is_left(page: Page, photographs: Path, service: httpx.Client) -> None:
    def sentences(data: bytes) -> list[str]:
        report = service.post("/analyze?faces=largest", files={"file": data}).json()
        return [each["sentence"] for each in report["faces"][0]["advice"]]

    page.drop(photographs / "smile.png")
    page.wait_for_result()
    of_photograph = sentences((photographs / "smile.png").read_bytes())
    of_result = sentences(page.download().read_bytes())
    assert "Relax your face: no smile, no raised brows." in of_photograph
    assert "Relax your face: no smile, no raised brows." not in of_result
    assert of_result, "what is left: the face is small, or turned, as it was"
    page.wait(lambda: [item.text for item in page.all("#advice li")] == of_result)
