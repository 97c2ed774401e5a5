"""How much a critic's opinion weighs while a network learns."""

import pytest

from model_training.photo.adversarial import grown


@pytest.mark.parametrize(
    ("step", "begins", "share"),
    [
        (500, 500, 0.0),
        (750, 500, 0.5),
        (1000, 500, 1.0),
        (4000, 500, 1.0),
        (0, 0, 0.0),
        (1, 0, 1.0),
    ],
)
def test_it_grows_over_as_many_steps_as_it_waited(step: int, begins: int, share: float) -> None:
    assert grown(step, begins) == share
