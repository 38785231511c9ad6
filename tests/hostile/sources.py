"""Cells whose text is no ordinary text."""

from __future__ import annotations

from tests.hostile.rows import FIT, POSITIONS, Row, stack

_NET = stack("layers.Conv2D(4, 3)", "layers.Dense(10)") + FIT
_CARD = "The card is as always, at its line."
_PYTHON = "Python's own exception comes through."

SOURCES = (
    Row("a null byte", "the cell", _PYTHON, "a = 1\0\n" + _NET, ""),
    Row("form feeds", "the cell", _CARD, "\fa = 1\n\f\n" + _NET, POSITIONS),
    Row("`\\r\\n` at the ends of lines", "the cell", _CARD, _NET.replace("\n", "\r\n"), POSITIONS),
    Row("tabs", "the cell", _CARD, "if True:\n\t" + _NET.strip().replace("\n", "\n\t") + "\n", POSITIONS),
    Row("a byte order mark", "the cell", "What IPython makes of it.", "\ufeff" + _NET, None),
    Row("half of a surrogate pair", "the cell", _PYTHON, "s = '\ud800'\n" + _NET, None),
    Row(
        "the name of another encoding",
        "the cell's first line",
        _CARD,
        "# -*- coding: latin-1 -*-\ns = '\xe9'\n" + _NET,
        POSITIONS,
    ),
    Row(
        "the name of no encoding",
        "the cell's first line",
        "What IPython makes of it.",
        "# -*- coding: no-such -*-\n" + _NET,
        None,
    ),
    Row(
        "marks that reorder text",
        "strings and comments of the cell",
        _CARD,
        "s = '\u202e\u2066'  # \u202e<script>\n" + _NET.replace("\n", "  # \u202e</script>\n"),
        POSITIONS,
    ),
    Row(
        "separators that other programs take for ends of lines",
        "strings of the cell",
        _CARD,
        "s = 'a\u2028b\u2029c\x85d\x1ce'\n" + _NET,
        POSITIONS,
    ),
    Row(
        "2 MB in a string",
        "the cell",
        "The card is as always; what can be copied are the lines that change.",
        "s = '" + "a" * 2_000_000 + "'\n" + _NET,
        POSITIONS,
    ),
    Row("5,000 lines", "the cell", _CARD, "s = 1\n" * 5_000 + _NET, POSITIONS),
    Row(
        "300 kB in one line",
        "the line that a fix changes",
        "The line is shown with its beginning and its end.",
        _NET.replace("layers.Dense(10)", f"layers.Dense(10, name='d' or '{'a' * 300_000}')"),
        POSITIONS,
    ),
    Row("400 operators", "an expression of the cell", _CARD, "s = " + "+".join(["1"] * 400) + "\n" + _NET, POSITIONS),
    Row(
        "90 brackets in each other",
        "an expression of the cell",
        _CARD,
        "s = " + "[" * 90 + "]" * 90 + "\n" + _NET,
        POSITIONS,
    ),
    Row(
        "10,000 characters",
        "a variable's name",
        "It is shown with its beginning, its end and an ellipsis between.",
        _NET.replace("model", "m" * 10_000),
        POSITIONS,
        ("mmm…mmm",),
    ),
)
