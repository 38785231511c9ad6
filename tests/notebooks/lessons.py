"""The lessons as their tests need them: read, and executed once, together with the answers that are folded in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(FOLDER.glob("*.ipynb"))
#: The tag with which Jupyter lets a cell fail without stopping.
FAILS_ON_PURPOSE = "raises-exception"
#: The cell that prints what Linux knows of the kernel's process, its highest use of memory among it.
PEAK = "peak-memory"
_STATUS = (
    "from pathlib import Path\nstatus = Path('/proc/self/status')\nprint(status.read_text() if status.exists() else '')"
)

_ANSWER = re.compile(r"<details><summary>Answer</summary>\n(.*?)</details>", re.DOTALL)
_PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SYMPTOM = re.compile(r"^```text\n(.*?)\n```$", re.DOTALL | re.MULTILINE)
_CELL_MAGIC = re.compile(r"%%shapecheck.*\n")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is folded under an exercise."""

    #: The id of the exercise's cell.
    exercise: str
    #: The code in it, under the magic of the cell that it answers; None where it is words alone.
    code: str | None

    @property
    def cell_id(self) -> str:
        """The id that its code has in the executed notebook."""
        return f"{self.exercise}-answer"


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a lesson says that Keras itself would have said about the cell below."""

    #: The id of the cell with that text.
    told_in: str
    words: str
    #: The cell below, without our magic.
    source: str

    @property
    def cell_id(self) -> str:
        """The id of that cell in the executed notebook, where it runs once more with the check off."""
        return f"{self.told_in}-unchecked"


def stored(path: Path) -> NotebookNode:
    """The notebook as it lies on disk."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def readers_environment() -> dict[str, str]:
    """What a reader's kernel inherits: the tests' own backend for figures would keep them out of the notebook."""
    return {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}


def prose(path: Path) -> str:
    """All text of a lesson, code cells left out."""
    return "\n\n".join(cell.source for cell in stored(path).cells if cell.cell_type == "markdown")


def answers(notebook: NotebookNode) -> Iterator[Answer]:
    """Every folded answer, in order; an exercise has one at most."""
    for cell, below in pairwise(notebook.cells):
        found = _ANSWER.search(cell.source) if cell.cell_type == "markdown" else None
        if found:
            code = "\n".join(_PYTHON.findall(found.group(1)))
            magic = _CELL_MAGIC.match(below.source)
            yield Answer(cell.id, f"{magic.group() if magic else ''}{code}" if code else None)


def symptoms(notebook: NotebookNode) -> Iterator[Symptom]:
    """Every error that a text quotes in a fence of its own, with the code cell that follows."""
    for cell, below in pairwise(notebook.cells):
        found = _SYMPTOM.search(cell.source) if cell.cell_type == "markdown" else None
        if found and below.cell_type == "code":
            yield Symptom(cell.id, found.group(1), _CELL_MAGIC.sub("", below.source))


@cache
def executed(path: Path) -> NotebookNode:
    """The notebook after a run from top to bottom, then its answers, then what shows its mistakes in full.

    Behind the answers a cell, ``PEAK``, prints what the kernel's process has used until then, on Linux.
    Cells under our magic run once more, now that no hint holds anything back, with ``-told`` at the end of
    their id; and those whose text quotes Keras run with the check off, as ``Symptom.cell_id``. A cell that
    fails stops nothing here: which ones may is a test of its own, and a run is never repeated.
    """
    notebook = stored(path)
    more = [_cell(answer.cell_id, answer.code) for answer in answers(notebook) if answer.code]
    more += [_cell(PEAK, _STATUS)]
    checked = [cell for cell in notebook.cells if _CELL_MAGIC.match(cell.source)]
    more += [_cell("hints-off", '%config ShapeMagic.fixes = "on"')] if checked else []
    more += [_cell(f"{cell.id}-told", cell.source, cell.metadata) for cell in checked]
    quoted = list(symptoms(notebook))
    more += [_cell("check-off-for-symptoms", "%shapecheck off")] if quoted else []
    more += [_cell(symptom.cell_id, symptom.source, {"tags": [FAILS_ON_PURPOSE]}) for symptom in quoted]
    notebook.cells += more
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=300, allow_errors=True, resources=where).execute(env=readers_environment())
    return notebook


def _cell(cell_id: str, source: str, metadata: Mapping[str, object] | None = None) -> NotebookNode:
    cell: NotebookNode = nbformat.v4.new_code_cell(source, id=cell_id, metadata=dict(metadata or {}))
    return cell


def code_cells(notebook: NotebookNode) -> Mapping[str, NotebookNode]:
    """The code cells by their id."""
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def shown(cell: NotebookNode) -> str:
    """All text that a cell shows, of whatever kind; of a message in several forms, every form."""
    texts: list[str] = []
    for output in cell.outputs:
        texts += [output.get("text", ""), output.get("evalue", "")]
        texts += [str(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return _COLOUR.sub("", "\n".join(texts))


def errors(cell: NotebookNode) -> list[str]:
    """The error that the cell ended with, if it did."""
    return [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]


def tagged(cell: NotebookNode) -> bool:
    """Whether the cell says that it fails on purpose."""
    return FAILS_ON_PURPOSE in cell.metadata.get("tags", [])
