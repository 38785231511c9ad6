"""The notebooks that we ship: stored clean, executed from top to bottom as a reader would, and true in what they say."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.facts import FACTS, RIGHT, Fact
from tests.notebooks.lessons import FOLDER, LESSONS, code_cells, errors, executed, prose, shown, stored, tagged


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    """Each notebook of the folder."""
    path: Path = request.param
    return path


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest) -> NotebookNode:
    """Each notebook of the folder, executed."""
    return executed(request.param)


def named(lesson: str) -> Path:
    """The one notebook whose name begins with these two digits."""
    (path,) = (path for path in LESSONS if path.name.startswith(lesson))
    return path


def test_the_lessons_are_numbered_from_one() -> None:
    assert [path.name[:3] for path in LESSONS] == [f"{n:02}_" for n in range(1, len(LESSONS) + 1)]


def test_a_lesson_is_stored_without_outputs(lesson: Path) -> None:
    notebook = stored(lesson)
    nbformat.validate(notebook)
    assert [c.id for c in notebook.cells if c.cell_type == "code" and (c.outputs or c.execution_count)] == []


def test_a_lesson_runs_on_anyones_kernel(lesson: Path) -> None:
    assert stored(lesson).metadata.kernelspec.name == "python3"


def test_cells_have_ids_that_say_what_they_are(lesson: Path) -> None:
    ids = [cell.id for cell in stored(lesson).cells]
    assert [i for i in ids if not re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", i)] == []
    assert [i for i, times in Counter(ids).items() if times > 1] == []


def test_cells_that_fail_on_purpose_are_announced(lesson: Path) -> None:
    cells = stored(lesson).cells
    title, *_ = (cell.source for cell in cells if cell.cell_type == "markdown")
    for above, cell in pairwise(cells):
        if cell.cell_type == "code" and tagged(cell):
            assert "on purpose" in above.source or "fail on purpose" in title, cell.id


def test_links_lead_somewhere(lesson: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", prose(lesson))
    assert [link for link in links if "://" not in link and not (FOLDER / link).exists()] == []


@pytest.mark.notebooks
def test_exactly_the_tagged_cells_fail(run: NotebookNode) -> None:
    cells = code_cells(run)
    failed = {i: said for i, cell in cells.items() if (said := errors(cell)) or tagged(cell)}
    assert {i: said for i, said in failed.items() if bool(said) != tagged(cells[i])} == {}


@pytest.mark.parametrize("fact", FACTS, ids=str)
def test_a_fact_stands_in_the_prose(fact: Fact) -> None:
    assert fact.told in prose(named(fact.lesson))


@pytest.mark.notebooks
@pytest.mark.parametrize("fact", FACTS, ids=str)
def test_the_cell_shows_what_the_prose_says(fact: Fact) -> None:
    assert fact.text in shown(code_cells(executed(named(fact.lesson)))[fact.cell_id])


def test_every_lesson_is_held_to_its_facts(lesson: Path) -> None:
    assert len([fact for fact in FACTS if lesson.name.startswith(fact.lesson)]) >= 5


@pytest.mark.notebooks
@pytest.mark.parametrize(("number", "cell_id"), [(n, cell_id) for n, ids in RIGHT.items() for cell_id in ids])
def test_right_models_bring_a_quiet_line_and_no_widget(number: str, cell_id: str) -> None:
    cell = code_cells(executed(named(number)))[cell_id]
    assert "✓" in shown(cell)
    assert [o for o in cell.outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})] == []
