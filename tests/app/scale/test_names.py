from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.batch.names import key_of, result_name


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_no_name_leaves_the_folder_or_is_too_long(key: str) -> None:
    parts = result_name(key).split("/")
    assert all(part and not part.startswith(".") for part in parts)
    assert all(len(part.encode()) <= 210 for part in parts)
    assert "\0" not in result_name(key)


@given(st.lists(st.text(alphabet="a%./\\: 2E", max_size=8), unique=True, max_size=20))
def test_different_keys_have_different_names(keys: list[str]) -> None:
    assert len({result_name(key) for key in keys}) == len(keys)


def test_names_people_use_stay_as_they_are() -> None:
    assert result_name("holiday/Zoë 1.jpg") == "holiday/Zoë 1.jpg.png"
    assert result_name("../../etc/x.jpg") == "%2E./%2E./etc/x.jpg.png"
    assert result_name("/x.jpg") == "%/x.jpg.png"
    long = ["a" * 300 + ending for ending in ("1", "2")]
    assert result_name(long[0]) != result_name(long[1])


def test_bytes_that_are_no_utf8_become_text() -> None:
    raw = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    assert key_of(raw) == "caf%E9.jpg"
    key_of(raw).encode()
