"""Each row of the table, executed in a real shell without us and with us, and shown in every display."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from shape_magic.errors import ShapeMagicError
from shape_magic.report import Report
from tests.hostile.displays import is_harmless, shown_harmlessly
from tests.hostile.options import LINES, Line
from tests.hostile.rows import Row
from tests.hostile.table import ROWS
from tests.kernel.shells import SETUP, Ran, opened


@pytest.fixture(autouse=True)
def keras_forgets() -> Iterator[None]:
    """A call that is left by an exception of a layer's ``__eq__`` stays open in Keras: not for the next row."""
    from keras.src.backend.common import global_state

    yield
    global_state.set_global_attribute("current_call_ctx", None)


def ended(row: Row, *, watched: bool) -> tuple[Ran, Report | None, str]:
    """How the cell ends, what was reported, and what stands on the screen."""
    with opened(extension=watched) as shell:
        shell.must(SETUP)
        magic = f"%%shapecheck {row.line}\n" if watched else ""
        ran = shell.run(magic + row.cell)
        return ran, shell.notebook.last_report if watched else None, ran.out


def told(error: BaseException | None) -> tuple[str, str]:
    """An exception without what differs from run to run: counters of names, addresses, lines of the cell."""
    if error is None:
        return "", ""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - a row's exception may have none
        text = ""
    return type(error).__name__, re.sub(r"0x[0-9a-f]+|\d+", "#", re.sub(r"_\d+\b", "", text))[:2_000]


@pytest.mark.parametrize(
    "row", [row for _, rows in ROWS for row in rows], ids=lambda row: f"{row.what[:40]} in {row.enters}"
)
def test_a_row(row: Row) -> None:
    plain, *_ = ended(row, watched=False)
    keras_forgets_now()
    ran, report, screen = ended(row, watched=True)
    if isinstance(ran.error, ShapeMagicError):
        assert plain.error is not None, "a card stops a cell that runs without us"
    else:
        assert told(ran.error) == told(plain.error)
    found = [d.rule for d in report.diagnostics] if report is not None else []
    if row.finds is not None:
        assert found[:1] == ([row.finds] if row.finds else []), found
    if report is None:
        return
    text = shown_harmlessly(report, row.cell)
    for piece in row.shows:
        assert piece in text, text
    is_harmless(screen.partition("----")[0].expandtabs())  # what follows is IPython's own traceback


def keras_forgets_now() -> None:
    """The same between the two runs of a row."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("current_call_ctx", None)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.what[:50])
def test_a_line(line: Line) -> None:
    with opened() as shell:
        shell.must(SETUP, "touched = []\n" + line.before)
        shell.must("model = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)])")
        ran = shell.run(f"%shapecheck {line.line}")
        said = ran.out + ran.err
        is_harmless(said, longest=20_000)
        assert line.says in said
        assert shell.ns["touched"] == []
        assert "Traceback" not in said
        # The line of a cell is read by the same rules: the cell runs, or one sentence says why it does not.
        ran = shell.run(f"%%shapecheck {line.line.removeprefix('model ')}\ntouched.append(2)")
        assert shell.ns["touched"] in ([], [2])
        is_harmless(ran.out + ran.err, longest=20_000)
        assert "Traceback" not in ran.out + ran.err
