"""A notebook file and its copy for handing in, in which all that is not ours is as it was."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shape_magic.errors import UsageError
from shape_magic.strip import cells, outputs
from shape_magic.words import say


@dataclass(slots=True)
class Removed:
    """How much of each kind was taken out."""

    magics: int = 0
    comments: int = 0
    outputs: int = 0
    widgets: int = 0

    def __str__(self) -> str:
        """``"2 magics, 3 outputs of shape_magic, 1 widget"``."""
        counts = {kind: getattr(self, kind) for kind in ("magics", "comments", "outputs", "widgets")}
        parts = [say(f"strip.{kind}.{'one' if n == 1 else 'many'}", n=n) for kind, n in counts.items() if n]
        return ", ".join(parts) or say("strip.nothing")


@dataclass(frozen=True, slots=True)
class Stripped:
    """A notebook without what is ours."""

    notebook: dict[str, Any]
    removed: Removed
    #: The numbers, from 1, of the cells of ``notebook`` that still need shape_magic.
    needing: tuple[int, ...]


def strip(notebook: dict[str, Any]) -> Stripped:
    """The notebook without our magics, comments and outputs, and without widgets.

    A cell that held nothing else goes. The notebook that is given stays as it is.
    """
    removed = Removed()
    left = [cell for old in notebook["cells"] if (cell := _cell(old, removed)) is not None]
    metadata = {key: value for key, value in notebook.get("metadata", {}).items() if key != "widgets"}
    result = {key: {"cells": left, "metadata": metadata}.get(key, value) for key, value in notebook.items()}
    code = [(n, _source(cell)) for n, cell in enumerate(left, start=1) if cell.get("cell_type") == "code"]
    names = {name for _, source in code for name in cells.bound_names(source)}
    return Stripped(result, removed, tuple(n for n, source in code if cells.needs_us(source, names)))


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    return "".join(source) if isinstance(source, list) else str(source)


def _cell(cell: dict[str, Any], removed: Removed) -> dict[str, Any] | None:
    """The cell without what is ours; None where that was all of it."""
    if cell.get("cell_type") != "code":
        return cell
    source = _source(cell)
    code = cells.without_ours(source)
    shown = outputs.without_ours(cell.get("outputs", []), ran_nothing=code.ran_nothing)
    removed.magics += code.magics
    removed.comments += code.comments
    removed.widgets += shown.widgets
    removed.outputs += shown.ours
    if source.strip() and not code.text.strip():
        return None
    changes: dict[str, Any] = {}
    if code.text != source:
        changes["source"] = code.text.splitlines(keepends=True) if isinstance(cell["source"], list) else code.text
    if shown.widgets or shown.ours:
        changes["outputs"] = shown.left
    return {key: changes.get(key, value) for key, value in cell.items()}


# -- files


def read(path: Path) -> tuple[dict[str, Any], str]:
    """A notebook and the text of its file; raises ``UsageError`` for what is none or is of another format."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        notebook = json.loads(text)
    except FileNotFoundError:
        raise UsageError(say("strip.error.missing", path=path)) from None
    except OSError as error:
        raise UsageError(say("strip.error.unreadable", path=path, why=error.strerror or error)) from None
    except (ValueError, RecursionError):
        raise UsageError(say("strip.error.no_notebook", path=path)) from None
    form = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if not isinstance(form, int):
        raise UsageError(say("strip.error.no_notebook", path=path))
    if form != 4:
        raise UsageError(say("strip.error.format", path=path, form=form))
    entries = notebook.get("cells")
    if not isinstance(entries, list) or not all(isinstance(cell, dict) for cell in entries):
        raise UsageError(say("strip.error.no_notebook", path=path))
    return notebook, text


def written_like(notebook: dict[str, Any], text: str) -> bytes:
    """The notebook as JSON in the form of the file's text: its indent, separators, line breaks and ending."""
    start = re.match(r"\s*\{(?P<gap>\s*)\"(?:[^\"\\]|\\.)*\"(?P<colon>\s*:\s*)", text)
    gap, colon = (start["gap"], start["colon"]) if start else ("\n ", ": ")
    indent = gap.replace("\r", "").lstrip("\n") if "\n" in gap else None
    comma = "," if indent is not None or colon == ":" else ", "
    plain = text.isascii() and "\\u" in text
    new = json.dumps(notebook, indent=indent, ensure_ascii=plain, separators=(comma, colon))
    new += "\n" if text.endswith("\n") else ""
    if "\r\n" in text:
        new = new.replace("\n", "\r\n")
    try:
        return new.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can hold
        return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", new).encode("utf-8")


def default_target(source: Path) -> Path:
    """``notebook-stripped.ipynb`` beside ``notebook.ipynb``."""
    return source.with_name(f"{source.stem}-stripped{source.suffix}")


def strip_file(source: Path, target: Path, *, force: bool = False) -> Stripped:
    """Write a notebook's copy for handing in; raises ``UsageError`` where that would overwrite something."""
    notebook, text = read(source)
    if target.exists():
        if target.samefile(source):
            raise UsageError(say("strip.error.same", path=target))
        if not force:
            raise UsageError(say("strip.error.exists", path=target))
    done = strip(notebook)
    try:
        target.write_bytes(written_like(done.notebook, text))
    except OSError as error:
        raise UsageError(say("strip.error.unwritable", path=target, why=error.strerror or error)) from None
    return done
