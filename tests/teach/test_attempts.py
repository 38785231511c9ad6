"""The record of attempts: off unless asked for, one readable line each, nothing that tells who it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shape_magic.settings import ShapeMagic
from shape_magic.teach import attempts


@pytest.fixture
def settings() -> Iterator[ShapeMagic]:
    """The settings as the loaded extension would hold them."""
    yield ShapeMagic.instance()
    ShapeMagic.clear_instance()


def test_nothing_is_kept_unless_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    attempts.note("quiz", right=True)
    assert list(tmp_path.iterdir()) == []


def test_each_attempt_is_one_line_of_json(tmp_path: Path, settings: ShapeMagic) -> None:
    settings.record = str(tmp_path / "attempts.jsonl")
    attempts.note("hint", rule="dense-on-feature-map", level=1)
    attempts.note("quiz", right=False, misconception="forgot-kernel")
    first, second = [json.loads(line) for line in (tmp_path / "attempts.jsonl").read_text().splitlines()]
    assert first.keys() == {"when", "what", "rule", "level"}
    assert (second["what"], second["right"], second["misconception"]) == ("quiz", False, "forgot-kernel")


def test_a_file_that_cannot_be_written_is_logged_and_stops_nobody(
    tmp_path: Path, settings: ShapeMagic, caplog: pytest.LogCaptureFixture
) -> None:
    settings.record = str(tmp_path / "no folder" / "attempts.jsonl")
    attempts.note("hint")
    assert "not recorded" in caplog.text
    assert "no folder" in caplog.text
