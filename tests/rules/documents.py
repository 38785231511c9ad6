"""The rules' documents as data: their cells with what is promised of each, and what is wrong with them.

A document is written as a person reads it. Below *Broken cell* and *Fixed cell* a heading names
each cell, and the same name stands in both; the ``text`` block after a broken cell holds its
diagnostic. Options stand behind the language of a block: ``by-hand`` for a fixed cell that no fix
writes, ``memory_budget=N`` for the check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt

from shape_magic.report import Diagnostic, Report

RULES = Path(__file__).resolve().parents[2] / "shape_magic" / "rules"
BROKEN, FIXED, QUIET = "Broken cell", "Fixed cell", "Not flagged"
SECTIONS = ("What it does", "Why is this bad", BROKEN, FIXED, QUIET, "Fix safety")
#: What the documents' cells find in their notebook.
IMPORTS = "import keras\nimport numpy as np\nfrom keras import layers\n"


@dataclass(frozen=True, slots=True)
class Cell:
    """A block of Python in a document, and what is promised of it."""

    rule: str
    section: str
    title: str
    source: str
    #: The lines of the document that the source stands on, from 0, the end exclusive.
    lines: tuple[int, int]
    by_hand: bool = False
    memory_budget: int | None = None
    #: Of a broken cell: the text of its diagnostic, and the lines that it stands on.
    text: str | None = None
    text_lines: tuple[int, int] = (0, 0)

    @property
    def id(self) -> str:
        """A name for the cell's tests: ``dense-on-feature-map/broken/a-grid``."""
        words = f"{self.section.split(maxsplit=1)[0]}/{self.title}"
        return f"{self.rule}/{re.sub(r'[^a-z0-9/]+', '-', words.lower()).strip('-')}"


@dataclass(frozen=True, slots=True)
class Document:
    """A rule's page."""

    name: str
    summary: str
    sections: tuple[str, ...]
    cells: tuple[Cell, ...]

    def of(self, section: str) -> tuple[Cell, ...]:
        """The cells of one section."""
        return tuple(cell for cell in self.cells if cell.section == section)

    def here(self, section: str) -> tuple[Cell, ...]:
        """The cells of one section that hold with the Keras that is here."""
        from tests.rules.keras_here import why_not

        return tuple(cell for cell in self.of(section) if not why_not(cell.id))

    def fixed(self, broken: Cell) -> Cell | None:
        """The fixed cell that belongs to a broken one."""
        return next((cell for cell in self.of(FIXED) if cell.title == broken.title), None)


def parse(text: str) -> Document:
    """Read a document; what it lacks is for ``lacks`` to say."""
    heads = text.split("\n", 3)
    name = heads[0].removeprefix("# ")
    sections: list[str] = []
    cells: list[Cell] = []
    title = ""
    tokens = MarkdownIt("commonmark").parse(text)
    for token, following in zip(tokens, [*tokens[1:], *tokens[:1]], strict=True):
        if token.type == "heading_open" and token.tag == "h2":
            sections.append(following.content)
            title = ""
        elif token.type == "heading_open":
            title = following.content
        elif token.type == "fence" and token.map is not None:
            lines = (token.map[0] + 1, token.map[1] - 1)
            language, *options = token.info.split() or [""]
            if language == "python":
                cell = Cell(name, sections[-1] if sections else "", title, token.content, lines)
                cells.append(with_options(cell, options))
            elif language == "text" and cells:
                cells[-1] = replace(cells[-1], text=token.content, text_lines=lines)
    return Document(name, heads[2] if len(heads) > 2 else "", tuple(sections), tuple(cells))


def with_options(cell: Cell, options: list[str]) -> Cell:
    """The cell with what its block's info string asks for; raises ValueError for anything unknown."""
    for option in options:
        key, _, value = option.partition("=")
        if option == "by-hand":
            cell = replace(cell, by_hand=True)
        elif key == "memory_budget":
            cell = replace(cell, memory_budget=int(value))
        else:
            raise ValueError(f"{cell.id}: nothing is known of the option {option!r}")
    return cell


def read(name: str) -> Document:
    """A rule's document as it is now."""
    return parse(path_of(name).read_text(encoding="utf-8"))


def path_of(name: str) -> Path:
    """Where a rule's document is."""
    return RULES / f"{name.replace('-', '_')}.md"


def lacks(document: Document, name: str) -> list[str]:
    """What a document must have and has not."""
    found = [] if document.name == name else [f"the first line names {document.name!r}"]
    if not re.fullmatch(r"[A-Z].*[^.]\.", document.summary):
        found.append("the third line is no sentence that says what the rule finds")
    if document.sections != SECTIONS:
        found.append(f"the sections are {document.sections}")
    if not document.of(QUIET):
        found.append("no example of what is not flagged")
    if not document.of(BROKEN):
        found.append("no broken cell")
    for cell in document.of(BROKEN):
        found += [] if cell.text is not None else [f"no diagnostic after {cell.title!r}"]
        found += [] if document.fixed(cell) is not None else [f"no fixed cell for {cell.title!r}"]
    ids = [cell.id for cell in document.cells]
    return found + [f"two cells are {one}" for one in sorted(set(ids)) if ids.count(one) > 1]


# -- what is promised of a cell


@cache
def checked(source: str, memory_budget: int | None = None) -> Report:
    """The report of a cell, from a notebook in which nothing ran but the imports."""
    import keras

    from shape_magic import check_cell

    keras.utils.clear_session(free_memory=False)  # layers are counted from the start, as in a fresh notebook
    return check_cell(source, namespace(), dry_run=True, memory_budget=memory_budget)


def namespace() -> dict[str, Any]:
    """The names that the cells find."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(IMPORTS, names)
    return names


def golden(diagnostic: Diagnostic) -> str:
    """The diagnostic as the documents print it; Keras' own words differ between its versions."""
    message = diagnostic.message
    if diagnostic.keras_message:
        message = message.replace(diagnostic.keras_message, "…")
    return f"{diagnostic.severity}: {diagnostic.title}\n\n{message}\n"


def broken_promises(cell: Cell) -> list[str]:
    """What does not hold of a broken cell: exactly this rule's finding, in these words."""
    report = checked(cell.source, cell.memory_budget)
    rules = [d.rule for d in report.diagnostics]
    if rules != [cell.rule]:
        return [f"found: {rules}"]
    said = golden(report.diagnostics[0])
    return [] if said == cell.text else [f"the diagnostic is\n{said}"]


def fixed_promises(broken: Cell, fixed: Cell) -> list[str]:
    """What does not hold of a fixed cell: the first fix writes it, and nothing is found in it."""
    found = quiet_promises(fixed)
    fixes = [fix for d in checked(broken.source, broken.memory_budget).diagnostics for fix in d.fixes]
    if fixed.by_hand:
        return found + [f"there is a fix, so it must not be written by hand: {f.title}" for f in fixes[:1]]
    if not fixes:
        return [*found, "no fix is offered"]
    return found if fixes[0].source == fixed.source else [*found, f"the first fix writes\n{fixes[0].source}"]


def quiet_promises(cell: Cell) -> list[str]:
    """What does not hold of a correct cell: it has a model, and nothing is said of it."""
    report = checked(cell.source, cell.memory_budget)
    found = [f"{d.severity} {d.rule}: {d.message}" for d in report.diagnostics]
    return found if report.models else [*found, "no model was seen"]


def rewritten(name: str) -> str:
    """The document with the diagnostics and the fixed cells as they are now."""
    document = read(name)
    lines = path_of(name).read_text(encoding="utf-8").split("\n")
    news: list[tuple[tuple[int, int], str]] = []
    for cell in document.of(BROKEN):
        diagnostics = checked(cell.source, cell.memory_budget).diagnostics
        fixed = document.fixed(cell)
        if diagnostics and cell.text is not None:
            news.append((cell.text_lines, golden(diagnostics[0])))
        if fixed is not None and not fixed.by_hand and diagnostics and diagnostics[0].fixes:
            news.append((fixed.lines, diagnostics[0].fixes[0].source or ""))
    for (start, end), text in sorted(news, reverse=True):
        lines[start:end] = text.rstrip("\n").split("\n")
    return "\n".join(lines)
