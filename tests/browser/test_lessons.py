"""The lessons, walked through in JupyterLab as their text says: see ``walk`` for how, and ``steps`` for what."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from tests.browser.conftest import ROOT, Desk
from tests.browser.steps import STEPS
from tests.browser.walk import Look, Step, Walk, go_through

LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def ids(lesson: Path) -> list[str]:
    """The ids of a lesson's cells, in their order."""
    return [str(cell.id) for cell in nbformat.read(lesson, as_version=4).cells]


def faults(steps: Sequence[Step], cells: Sequence[str]) -> list[str]:
    """What makes steps worthless: a cell that is not there, an order that nobody walks in, nothing to see or do."""
    found = [f"there is no cell {cell}" for cell, _, _ in steps if cell not in cells]
    if found:
        return found
    places = [cells.index(cell) for cell, _, _ in steps]
    found += [f"{cells[b]} comes after {cells[a]}" for a, b in pairwise(places) if b < a]
    found += [f"nothing to see at {cell}" for cell, _, sights in steps if not sights]
    if all(isinstance(action, Look) for _, action, _ in steps):
        found.append("nothing is done")
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_each_lesson_has_steps_at_its_own_cells(lesson: Path) -> None:
    assert faults(STEPS[lesson.stem], ids(lesson)) == []


def test_no_steps_without_a_lesson() -> None:
    assert set(STEPS) == {lesson.stem for lesson in LESSONS}


def test_worthless_steps_are_found() -> None:
    (step, *_) = STEPS[LESSONS[0].stem]
    _, _, sights = step
    assert faults([("nowhere", Look(), sights)], ["a"]) == ["there is no cell nowhere"]
    assert faults([("b", Look(), sights), ("a", Look(), [])], ["a", "b"]) == [
        "a comes after b",
        "nothing to see at a",
        "nothing is done",
    ]
    assert "nothing is done" in faults([], ["a"])


@pytest.mark.browser
@pytest.mark.parametrize("server", ["lab"], indirect=True)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_is_walked_as_its_text_says(desk: Desk, lesson: Path) -> None:
    shutil.copy(lesson, desk.server.root)
    desk.names.add(lesson.name)
    go_through(Walk(desk.open(lesson.name), lesson), STEPS[lesson.stem])
