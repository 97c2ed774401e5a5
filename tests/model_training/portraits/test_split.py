"""The split is by person, fixed by names."""

from model_training.portraits.split import (
    hashed_into_validation,
    london_validation_ids,
    person_of,
    validation_mask,
)


def test_every_fifth_london_person() -> None:
    ids = [f"{i:03d}" for i in range(1, 12)]
    assert london_validation_ids([*reversed(ids), *ids]) == {"001", "006", "011"}


def test_both_pictures_of_a_person_fall_on_the_same_side() -> None:
    paths = [f"london/{kind}/{i:03d}.jpg" for kind in ("neutral", "smiling") for i in range(1, 8)]
    mask = validation_mask(paths)
    assert mask[:7] == mask[7:]
    assert mask[:7] == [True, False, False, False, False, True, False]


def test_others_by_hash_of_the_person() -> None:
    names = [f"person-{i}" for i in range(2000)]
    share = sum(map(hashed_into_validation, names)) / len(names)
    assert 0.045 < share < 0.08
    assert person_of("lfw/Ann_Lee/Ann_Lee_0003.jpg") == "Ann_Lee"
    chosen = next(n for n in names if hashed_into_validation(n))
    assert validation_mask([f"fairface/{chosen}.jpg", f"lfw/{chosen}/{chosen}_0002.jpg"]) == [
        True,
        True,
    ]
