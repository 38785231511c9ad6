"""The report as text: what is said, that it fits, and that nothing of the user's is obeyed by a terminal."""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from typing import get_args

import pytest
from rich.cells import cell_len

from shape_magic.display import text
from shape_magic.display.parts import State
from shape_magic.display.text import render_details, render_text
from shape_magic.report import Report
from shape_magic.words import say
from tests import samples

SGR = re.compile(r"\x1b\[[0-9;]*m")


def squeezed(rendered: str) -> str:
    """The text with every run of blanks and line breaks as one blank."""
    return " ".join(rendered.split())


def line_with(rendered: str, *parts: str) -> str:
    """The one line that has all these parts."""
    (line,) = (line for line in rendered.splitlines() if all(part in line for part in parts))
    return line


def test_a_model_that_is_right_is_one_quiet_line() -> None:
    expected = "✓ model: (None, 28, 28, 1) → (None, 10) · fits y_train (60000,) · 34,826 params"
    assert render_text(samples.green(), width=100) == expected


def test_details_have_the_table_of_a_model_that_is_right() -> None:
    details = render_details(samples.green(), width=120)
    assert details.splitlines()[0] == render_text(samples.green(), width=120)
    row = line_with(details, "Conv2D conv2d_1", "64 filters 3×3, relu", "B H W C", "(None, 11, 11, 64)", "18,496")
    assert row.startswith("   ")
    assert "▶" not in details
    assert "sparse_categorical_crossentropy" in details


def test_the_row_that_breaks_is_marked() -> None:
    row = line_with(render_text(samples.seed_with_labels(), width=120), "breaks here")
    assert re.fullmatch(r"▶ +Dense dense +10 units, softmax ◀ breaks here +B H W C +\(None, 5, 5, 10\) +650", row)


def test_rows_past_the_break_are_those_of_the_first_fix() -> None:
    rendered = render_text(samples.seed_with_labels(), width=120)
    brought = line_with(rendered, "Flatten flatten")
    after = line_with(rendered, "16,010", "Dense dense")
    assert brought.startswith("+")
    assert "(with Flatten())" in brought
    assert after.startswith("┆")
    assert "(with Flatten())" in after
    assert "B F " in after


def test_the_ladder_runs_from_the_input_to_the_labels() -> None:
    rendered = render_text(samples.seed_with_labels(), width=120)
    parts = ["input", "conv2d ", "max_pooling2d ", "conv2d_1", "max_pooling2d_1", "breaks here", "flatten "]
    parts += ["(None, 10)", "categorical_crossentropy", "y_train", "One answer per position"]
    places = [rendered.index(f"   {part}" if part == "input" else part) for part in parts]
    assert places == sorted(places)


def test_sentences_fixes_and_keras_own_words_follow() -> None:
    report = samples.seed_with_labels()
    rendered = squeezed(render_text(report, width=80))
    (finding,) = report.diagnostics
    assert f"✗ {finding.title} {finding.message} 1 Insert Flatten() before dense {finding.fixes[0].note}" in rendered
    assert '+ layers.Flatten(), layers.Dense(10, activation="softmax"), 2 Insert GlobalAverage' in rendered
    assert "3 Insert GlobalMaxPooling2D()" in rendered
    assert f"Keras says: {finding.keras_message}" in rendered
    assert rendered.endswith(say("ui.how_to_write"))


def test_a_line_that_changes_is_shown_before_and_after() -> None:
    lines = [line.strip() for line in render_text(samples.not_reached(), width=80).splitlines()]
    place = lines.index("- model.add(Conv2D(64, 3))")
    assert lines[place + 1] == '+ model.add(Conv2D(64, 3, padding="same"))'


def test_a_question_says_how_to_keep_the_model() -> None:
    rendered = squeezed(render_text(samples.seed_without_labels(), width=80))
    assert "# shapecheck: keep dense-on-feature-map" in rendered
    assert "look here" in rendered
    assert "Keras says" not in rendered


def test_without_a_cell_there_is_a_snippet_and_no_command() -> None:
    rendered = squeezed(render_text(samples.long_names(), width=100))
    assert "predictions = layers.GlobalAveragePooling2D()(base_model.output)" in rendered
    assert say("ui.why_not.no_cell") in rendered
    assert say("ui.remains") in rendered
    assert "--fix" not in rendered


def test_branches_say_what_they_read() -> None:
    rendered = render_text(samples.branches(), width=120)
    assert "from pool + dense_meta ◀ breaks here" in line_with(rendered, "breaks here")
    assert "from table" in line_with(rendered, "Dense dense_meta", "32 units, relu", "from table ", "┆")


def test_of_several_models_only_the_broken_one_is_opened() -> None:
    rendered = render_text(samples.several(), width=100)
    lines = rendered.splitlines()
    assert lines[0].startswith("✓ teacher ×6:")
    assert lines[1].startswith("✗ model:")
    assert rendered.count("Conv2D conv2d_1") == 1


def test_equal_blocks_are_one_line() -> None:
    details = render_details(samples.repeated(), width=120)
    assert "48 layers" in line_with(details, "12 × (Conv2D · BatchNormalization · ReLU · Add)")
    assert "conv2d_5" not in details


def test_a_report_without_a_model_says_so() -> None:
    assert render_text(samples.nothing()) == say("text.nothing")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("name", samples.ALL)
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    rendered = render_details(samples.ALL[name](), width=width)
    assert max(cell_len(line) for line in rendered.splitlines()) <= width
    assert all(line == line.rstrip() for line in rendered.splitlines())


@pytest.mark.parametrize("width", [60, 120])
def test_narrow_tables_keep_layers_shapes_and_marks(width: int) -> None:
    rendered = render_text(samples.seed_with_labels(), width=width)
    for part in ("Conv2D conv2d_1", "(None, 11, 11, 64)", "18,496", "◀ breaks here", "(with Flatten())"):
        assert part in rendered
    assert ("64 filters" in rendered) is (width == 120)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [60, 100])
def test_hostile_strings_are_shown_and_not_obeyed(width: int, color: bool) -> None:
    rendered = SGR.sub("", render_details(samples.hostile(), width=width, color=color))
    rendered.encode("utf-8")
    assert {c for c in rendered if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == {"\n"}
    flat = squeezed(rendered)
    for part in ("␛[31mred", "<U+202E>layer", "<U+D800>", "[bold]x[/bold]", "$\\frac{1$", "<b>&'\"</b>"):
        assert part in flat


@pytest.mark.parametrize("name", samples.ALL)
def test_colour_changes_no_character(name: str) -> None:
    report = samples.ALL[name]()
    plain, coloured = render_text(report, width=100), render_text(report, width=100, color=True)
    assert [line.rstrip() for line in SGR.sub("", coloured).splitlines()] == plain.splitlines()
    assert bool(SGR.search(coloured)) is not report.ok
    assert not SGR.search(plain)


@pytest.mark.parametrize(
    ("name", "value"), [("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "9")]
)
def test_the_environment_changes_nothing_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    report = samples.seed_with_labels()
    expected = [render_text(report, width=100, color=color) for color in (False, True)]
    monkeypatch.setenv(name, value)
    assert [render_text(report, width=100, color=color) for color in (False, True)] == expected


def test_the_terminals_width_is_used_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    report = samples.seed_with_labels()
    for columns, width in (("20", 60), ("90", 90), ("400", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert render_text(report) == render_text(report, width=width)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437"])
@pytest.mark.parametrize("name", samples.ALL)
def test_what_an_old_terminal_cannot_write_is_replaced(name: str, encoding: str) -> None:
    rendered = render_details(samples.ALL[name](), width=100, encoding=encoding)
    rendered.encode(encoding)
    if name == "seed_with_labels":
        assert re.search(r"^> +Dense dense +10 units, softmax\n +< breaks here$", re.sub(" +B H.*", "", rendered), re.M)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("name", samples.ALL)
def test_printing_a_report_never_fails(monkeypatch: pytest.MonkeyPatch, name: str, encoding: str) -> None:
    report: Report = samples.ALL[name]()
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    print(report)
    sys.stdout.flush()
    assert written.getvalue().decode(encoding).rstrip("\n") == render_text(report, encoding=encoding)


def test_every_state_of_a_row_has_a_style() -> None:
    assert set(get_args(State)) <= text._STYLES.keys()


def test_in_a_notebook_nothing_is_displayed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = render_text(samples.seed_with_labels(), width=100)
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *_: pytest.fail("displayed"))
    assert render_text(samples.seed_with_labels(), width=100) == expected
