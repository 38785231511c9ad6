"""The whole table, and ``README.md`` made of it: ``python -m tests.hostile.table`` writes it anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tests.hostile import objects, options, shapes, sources, texts
from tests.hostile.rows import Row

ROWS: Sequence[tuple[str, Sequence[Row]]] = (
    ("Names and texts", texts.NAMES),
    ("Exceptions and what Keras quotes", texts.ERRORS),
    ("Megabytes", texts.MEGABYTES),
    ("Layers that raise", objects.RAISING),
    ("Layers that lie", objects.LYING),
    ("Recursion", objects.RECURSION),
    ("Data, losses and metrics", objects.DATA),
    ("Sizes", shapes.SHAPES),
    ("The cell's own text", sources.SOURCES),
)
README = Path(__file__).parent / "README.md"

_HEAD = """\
# Hostile input

What is done to shape_magic on purpose, and what happens. Each row is executed: its cell in a real shell without
us and with us, which must end alike but where a card stops a call that fails anyway; what is reported is shown in
every display, and none may hold an escape, a mark that reorders text, markup that is not ours, or megabytes.
`python -m tests.hostile.table` writes this file from the rows beside it.
"""


def readme() -> str:
    """The table as a page."""
    parts = [_HEAD]
    for title, rows in ROWS:
        told = [(row.enters, row.happens, row.what) for row in rows]
        parts.append(_section(title, "Where it enters", told))
    lines = [("the line of the magic", line.happens, line.what) for line in options.LINES]
    parts.append(_section("Options", "Where it enters", lines))
    return "\n".join(parts)


def _section(title: str, where: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Rows that differ in what is hostile alone stand in one line."""
    lines = [f"## {title}", "", f"| {where} | What is hostile | What happens |", "|---|---|---|"]
    for (enters, happens), same in groupby(rows, key=lambda row: row[:2]):
        lines.append(f"| {_plain(enters)} | {_plain(', '.join(what for *_, what in same))} | {_plain(happens)} |")
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(readme(), encoding="utf-8")
