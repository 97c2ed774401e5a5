from __future__ import annotations

from pathlib import Path

from app.settings import Settings
from deploy.settings_table import markdown

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_is_what_the_settings_say() -> None:
    assert PAGE.read_text() == markdown(), "python -m deploy.settings_table > docs/configuration.md"


def test_every_setting_is_described() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `STOICNET_{name.upper()}` |" in markdown()
