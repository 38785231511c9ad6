"""The page says what the rows say."""

from __future__ import annotations

from tests.hostile.table import README, ROWS, readme


def test_the_page_is_made_of_the_rows() -> None:
    assert README.read_text(encoding="utf-8") == readme()


def test_no_row_stands_there_twice() -> None:
    rows = [(row.what, row.enters, row.cell) for _, rows in ROWS for row in rows]
    assert len(set(rows)) == len(rows)
