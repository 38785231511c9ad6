"""The notebooks that we ship: stored clean, and executed from top to bottom as a reader would."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
FIRST = FOLDER / "01_dense_meets_feature_map.ipynb"
#: The tag with which Jupyter lets a cell fail without stopping.
FAILS_ON_PURPOSE = "raises-exception"


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Path:
    """Each notebook of the folder."""
    path: Path = request.param
    return path


def stored(path: Path) -> NotebookNode:
    """The notebook as it lies on disk."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


@cache
def executed(path: Path) -> NotebookNode:
    """The notebook after a run from top to bottom, with the last model's facts printed at its end.

    Raises CellExecutionError at a cell that fails and does not say so by its tag.
    """
    notebook = stored(path)
    notebook.cells.append(nbformat.v4.new_code_cell("print(model.output_shape, model.count_params())", id="facts"))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    return notebook


@pytest.fixture(scope="module", params=LESSONS, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest) -> NotebookNode:
    """Each notebook of the folder, executed."""
    return executed(request.param)


@pytest.fixture(scope="module")
def first_run() -> NotebookNode:
    """The first lesson, executed."""
    return executed(FIRST)


def code_cells(notebook: NotebookNode) -> Mapping[str, NotebookNode]:
    """The code cells by their id."""
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def shown(cell: NotebookNode) -> str:
    """All text that a cell shows, of whatever kind; of a message in several forms, every form."""
    texts: list[str] = []
    for output in cell.outputs:
        texts += [output.get("text", ""), output.get("evalue", "")]
        texts += [str(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def failed(cell: NotebookNode) -> bool:
    """Whether the cell ended with an error."""
    return any(output.output_type == "error" for output in cell.outputs)


def test_there_are_lessons() -> None:
    assert FIRST in LESSONS


def test_a_lesson_is_stored_without_outputs(lesson: Path) -> None:
    notebook = stored(lesson)
    nbformat.validate(notebook)
    assert [c.id for c in notebook.cells if c.cell_type == "code" and (c.outputs or c.execution_count)] == []


def test_a_lesson_runs_on_anyones_kernel(lesson: Path) -> None:
    assert stored(lesson).metadata.kernelspec.name == "python3"


@pytest.mark.notebooks
def test_exactly_the_tagged_cells_fail(run: NotebookNode) -> None:
    tagged = [i for i, cell in code_cells(run).items() if FAILS_ON_PURPOSE in cell.metadata.get("tags", [])]
    assert [i for i, cell in code_cells(run).items() if failed(cell)] == tagged


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("cell_id", "text"),
    [
        ("broken-model", "One answer per position, but one label per image"),
        ("broken-model", "(batch, 5, 5, 10)"),
        ("broken-model", "16,010 params"),
        ("broken-model", "650 params"),
        ("keras-words", "Argument `output` must have rank (ndim) `target.ndim - 1`"),
        ("flatten", "34,826 parameters"),
        ("average", "19,466 parameters"),
        ("never-crashes", "This trains, but on the wrong comparison"),
        ("never-crashes", "(1, 5, 5, 1)"),
        ("legal", "✓"),
    ],
)
def test_the_first_lesson_shows_what_its_prose_says(first_run: NotebookNode, cell_id: str, text: str) -> None:
    assert text in shown(code_cells(first_run)[cell_id])


@pytest.mark.notebooks
@pytest.mark.parametrize("cell_id", ["flatten", "average", "never-crashes-mended", "legal"])
def test_the_first_lessons_right_models_bring_no_widget(first_run: NotebookNode, cell_id: str) -> None:
    outputs = code_cells(first_run)[cell_id].outputs
    assert [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})] == []


@pytest.mark.notebooks
def test_the_first_lesson_ends_with_a_classifier(first_run: NotebookNode) -> None:
    assert "(None, 10) 34826" in shown(code_cells(first_run)["facts"]).splitlines()
