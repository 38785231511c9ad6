"""The gallery and the badges: every lesson is there, with a picture that says in words what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.badges import LESSONS, ROOT, badge, number, repository, table, title

GALLERY = ROOT / "notebooks" / "gallery" / "README.md"
IMAGES = ROOT / "notebooks" / "images"
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*\)\]\(https://mybinder\.org/[^)]*\)")
PICTURE = re.compile(r'<img src="([^"]+)"(?: width="\d+")? alt="([^"]*)">')
#: Bytes: the whole page is to be there at once.
LARGEST = 250_000


def sections() -> dict[str, str]:
    """The gallery's parts by their headings."""
    _, *parts = GALLERY.read_text(encoding="utf-8").split("\n## ")
    return {part.split("\n", 1)[0]: part for part in parts}


def section(lesson: Path) -> str:
    return sections()[f"{number(lesson)} · {title(lesson)}"]


def sources() -> list[str]:
    """All pictures that the gallery shows, in light or in dark."""
    return re.findall(r'(?:src|srcset)="([^"]+)"', GALLERY.read_text(encoding="utf-8"))


def test_the_gallery_has_the_lessons_and_nothing_else() -> None:
    assert list(sections()) == [f"{number(lesson)} · {title(lesson)}" for lesson in LESSONS]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_has_its_picture_its_badge_and_a_way_to_its_file(lesson: Path) -> None:
    text = section(lesson)
    assert BADGE.findall(text) == [badge(lesson)]
    assert f"](../{lesson.name})" in text
    ((source, words),) = PICTURE.findall(text)
    assert Path(source).name.startswith(f"lesson-{number(lesson)}-")
    assert len(words.split()) >= 8, "a picture without words"


@pytest.mark.parametrize("source", sources())
def test_a_picture_is_there_and_small(source: str) -> None:
    assert (GALLERY.parent / source).stat().st_size < LARGEST


def test_no_picture_of_a_lesson_is_left_over() -> None:
    shown = {(GALLERY.parent / source).resolve() for source in sources()}
    assert {path for path in IMAGES.glob("lesson-*") if path.resolve() not in shown} == set()


def test_badges_are_the_same_everywhere() -> None:
    wanted = [badge(lesson) for lesson in LESSONS]
    for document in (GALLERY, ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        found = BADGE.findall(document.read_text(encoding="utf-8"))
        assert found in ([], wanted), document.name


def test_the_table_names_every_lesson() -> None:
    for lesson in LESSONS:
        assert f"(notebooks/{lesson.name}) | {badge(lesson)} |" in table()
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository())
