"""The view says what the report says: rows in their order, breaks in words, fixes with what pressing does."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from shape_magic.display.parts import Done, Fold, Row, visible
from shape_magic.display.view import build_view, numbered_fixes
from shape_magic.repair.steps import without
from shape_magic.report import Place, Report
from tests import samples

every_report = pytest.mark.parametrize("make", samples.ALL.values(), ids=samples.ALL)


def rows_of(report: Report, model: int = 0) -> list[tuple[str, str, str, str]]:
    return [(row.title, row.shape, row.state, row.mark) for row in build_view(report).models[model].rows]


def test_broken_ladder_runs_from_the_input_to_the_labels() -> None:
    assert rows_of(samples.seed_with_labels()) == [
        ("input", "(None, 28, 28, 1)", "ok", ""),
        ("Conv2D", "(None, 26, 26, 32)", "ok", ""),
        ("MaxPooling2D", "(None, 13, 13, 32)", "ok", ""),
        ("Conv2D", "(None, 11, 11, 64)", "ok", ""),
        ("MaxPooling2D", "(None, 5, 5, 64)", "ok", ""),
        ("Dense", "(None, 5, 5, 10)", "broken", "breaks here"),
        ("Flatten", "(None, 1600)", "new", "new with Flatten()"),
        ("Dense", "(None, 10)", "predicted", "as it would be with Flatten()"),
        ("loss", "", "ok", ""),
        ("labels", "(60000, 10)", "ok", ""),
    ]


def test_one_line_for_a_model_that_is_right() -> None:
    (model,) = build_view(samples.green()).models
    line = "✓ model: (None, 28, 28, 1) → (None, 10) · fits y_train (60000,) · 34,826 params"
    assert (model.line, model.status, model.open) == (line, "ok", False)


def test_only_broken_models_are_open_and_equal_ones_stand_once() -> None:
    models = build_view(samples.several()).models
    assert [(m.title, m.count, m.open) for m in models] == [("teacher ×6", 6, False), ("model", 1, True)]
    assert models[0].names == ("teacher", "fold_0", "fold_1", "fold_2", "fold_3", "fold_4")


def test_glyph_has_one_lettered_cell_per_axis() -> None:
    row = build_view(samples.seed_with_labels()).models[0].rows[1]
    assert [(c.letter, c.axis, c.size) for c in row.glyph] == [
        ("B", "batch", "None"),
        ("H", "height", "26"),
        ("W", "width", "26"),
        ("C", "channels", "32"),
    ]


def test_labels_say_what_they_are() -> None:
    one_hot = build_view(samples.seed_with_labels()).models[0].rows[-1]
    numbers = build_view(samples.green()).models[0].rows[-1]
    assert one_hot.summary == "one-hot, 10 classes"
    assert numbers.summary == "one class number per image, 0…9"


def test_card_opens_under_the_row_that_breaks() -> None:
    (model,) = build_view(samples.seed_with_labels()).models
    (card,) = model.cards
    assert card.row is not None
    assert model.rows[card.row].name == "dense"
    assert (card.word, card.icon, len(card.fixes)) == ("Error", "✗", 3)


def test_fix_says_what_pressing_does() -> None:
    fix = build_view(samples.seed_with_labels()).models[0].cards[0].fixes[1]
    assert (fix.id, fix.number, fix.label) == ("0.1", 2, "GlobalAveragePooling2D")
    assert fix.does == "edits this cell and runs it · trains 3 epochs"
    assert fix.button == "Fix and run"


def test_fix_over_several_cells_names_them() -> None:
    report = samples.seed_with_labels()
    (finding,) = report.diagnostics
    fix = replace(finding.fixes[0], rerun=(0, 1, 2), epochs=10)
    report = replace(
        report,
        diagnostics=(replace(finding, fixes=(fix,)),),
        sources={0: samples.SEED, 1: "", 2: ""},
        labels={0: "cell 3", 1: "cell 4", 2: "cell 6"},
    )
    shown = build_view(report).models[0].cards[0].fixes[0]
    assert shown.does == "edits cell 3, then runs cells 3, 4, 6 · trains 10 epochs"


def test_fix_without_a_cell_says_why_and_gives_the_code() -> None:
    fix = build_view(samples.long_names()).models[0].cards[0].fixes[0]
    assert not fix.editable
    assert fix.why_not.startswith("There is no cell of this notebook to edit")
    assert fix.paste == "predictions = layers.GlobalAveragePooling2D()(base_model.output)"
    assert fix.remains == "Another finding remains after it."


def test_fixes_are_numbered_through_the_whole_report() -> None:
    assert [(n, name) for n, name, _ in numbered_fixes(samples.two_broken())] == [
        (1, "0.0"),
        (2, "0.1"),
        (3, "0.2"),
        (4, "1.0"),
    ]


def test_branches_are_named_and_drawn() -> None:
    (model,) = build_view(samples.branches()).models
    sources = {row.name: row.source for row in model.rows if row.source and row.state in {"ok", "broken"}}
    assert sources == {
        "conv2d": "from image",
        "dense_meta": "from table",
        "concatenate": "from pool + dense_meta",
    }
    by_name = {row.name: row for row in model.rows}
    assert by_name["image"].rails[0] == "start"
    assert by_name["conv2d"].rails[0] == "end"
    assert model.lanes == 3


def test_every_arc_starts_once_and_ends_once() -> None:
    (model,) = build_view(samples.repeated(2)).models
    for lane in range(model.lanes):
        states = [row.rails[lane] for row in model.rows if row.rails[lane] in {"start", "end"}]
        assert states == ["start", "end"] * (len(states) // 2)


def test_rows_that_were_not_reached_are_told_apart_unless_a_fix_reaches_them() -> None:
    report = samples.not_reached()
    assert ("Flatten", "(None, 64)", "predicted", "as it would be with padding") in rows_of(report)
    (finding,) = report.diagnostics
    unfixed = replace(report, diagnostics=(replace(finding, fixes=()),))
    assert ("Flatten", "", "unreached", "not reached") in rows_of(unfixed)


def test_repeated_blocks_fold_into_one_line_and_keep_their_rows() -> None:
    (model,) = build_view(samples.repeated(12)).models
    (fold,) = [item for item in model.items if isinstance(item, Fold)]
    assert fold.title == "12 × (Conv2D · BatchNormalization · ReLU · Add)"
    assert fold.summary == "48 layers"
    assert fold.params == f"{12 * (36928 + 256):,}"
    assert len(model.rows) == 1 + 1 + 48 + 2


def test_two_equal_blocks_do_not_fold() -> None:
    assert all(isinstance(item, Row) for item in build_view(samples.repeated(2)).models[0].items)


def test_nested_models_fold_and_open_only_where_they_break() -> None:
    report = samples.seed_with_labels()
    (model,) = report.models
    inside = tuple(replace(c, path=("base", c.layer)) for c in model.calls)
    closed = replace(report, models=(replace(model, calls=(*inside[:4], model.calls[4])),))
    opened = replace(report, models=(replace(model, calls=inside),))
    (fold,) = [item for item in build_view(closed).models[0].items if isinstance(item, Fold)]
    assert (fold.kind, fold.title, fold.open, fold.shape) == ("nested", "base", False, "(None, 5, 5, 64)")
    assert [i.open for i in build_view(opened).models[0].items if isinstance(i, Fold)] == [True]


@pytest.mark.parametrize(("count", "summary"), [(1, "1 layer"), (2, "2 layers")])
def test_a_fold_says_how_many_layers_it_holds(count: int, summary: str) -> None:
    report = samples.seed_with_labels()
    (model,) = report.models
    inside = tuple(replace(c, path=("base", c.layer)) for c in model.calls[:count])
    nested = replace(report, diagnostics=(), models=(replace(model, calls=(*inside, *model.calls[count:])),))
    (fold,) = [item for item in build_view(nested).models[0].items if isinstance(item, Fold)]
    assert fold.summary == summary


def test_long_ladder_shows_its_ends_and_its_break() -> None:
    (model,) = build_view(samples.deep(500)).models
    assert len(model.items) < 40
    assert len(model.rows) == 501
    shown = [item.name for item in model.items if isinstance(item, Row)]
    assert {"conv2d_0", "dense", "dense_1"} <= set(shown)


def test_short_ladder_is_shown_whole() -> None:
    assert all(isinstance(item, Row) for item in build_view(samples.deep(30)).models[0].items)


def test_a_fix_that_sets_an_argument_brings_nothing_and_keeps_the_names() -> None:
    report = samples.seed_with_labels()
    (finding,) = report.diagnostics
    fix = finding.fixes[0]
    assert fix.effect is not None
    # Keras counts on: the trace of the fix has a dense_5 in the place of dense.
    calls = report.models[0].calls
    other = samples.retold(calls[-1], "3 units", layer="dense_5", path=("dense_5",), output_shapes=((None, 5, 5, 3),))
    fix = replace(fix, label="units=3", effect=replace(fix.effect, layers=(*calls[:-1], other)))
    finding = replace(finding, fixes=(fix,))
    row = next(r for r in build_view(replace(report, diagnostics=(finding,))).models[0].rows if r.summary == "3 units")
    assert (row.name, row.path, row.state, row.mark) == (
        "dense",
        ("dense",),
        "predicted",
        "as it would be with units=3",
    )


def test_rows_behind_a_layer_that_goes_are_told_as_they_would_be_without_it() -> None:
    report = samples.not_reached()
    (finding,) = report.diagnostics
    gone = replace(finding.fixes[0], label=without("pool"))
    changed = replace(report, diagnostics=(replace(finding, fixes=(gone,)),))
    assert ("Flatten", "(None, 64)", "predicted", "as it would be without pool") in rows_of(changed)


def test_what_a_fix_has_brought_is_marked() -> None:
    view = build_view(samples.green(), Done("Inserted Flatten(), line 6", model="model", calls=(4,)))
    assert [(r.name, r.mark) for r in view.models[0].rows if r.state == "arrived"] == [("flatten", "new")]
    assert view.done is not None
    assert view.done.undo


@pytest.mark.parametrize(
    ("place", "shape"), [("input", "(None, 28, 28, 1)"), ("loss", "(None, 5, 5, 10)"), ("labels", "(60000, 10)")]
)
def test_finding_about_no_layer_opens_at_its_place(place: Place, shape: str) -> None:
    report = samples.seed_with_labels()
    finding = replace(report.diagnostics[0], call=None, place=place, fixes=())
    (model,) = build_view(replace(report, diagnostics=(finding,))).models
    (row,) = [row for row in model.rows if row.state == "broken"]
    assert (row.kind, row.shape) == (place, shape)
    assert model.cards[0].row == row.id
    assert model.rows[-1].kind == "labels"


def test_finding_whose_place_is_not_there_opens_at_the_next() -> None:
    report = samples.seed_with_labels()
    contract = report.models[0].contract
    assert contract is not None
    without = (
        replace(report.models[0], contract=replace(contract, y=())),
        replace(report.models[0], contract=replace(contract, losses=(), y=())),
    )
    finding = replace(report.diagnostics[0], call=None, place="labels", fixes=())
    views = (build_view(replace(report, models=(model,), diagnostics=(finding,))).models[0] for model in without)
    assert [[row.title for row in view.rows if row.state == "broken"] for view in views] == [["loss"], ["Dense"]]


def test_finding_of_no_model_stands_by_itself() -> None:
    report = samples.seed_with_labels()
    finding = replace(report.diagnostics[0], model=None, call=None)
    view = build_view(replace(report, diagnostics=(finding,)))
    assert [card.row for card in view.cards] == [None]
    assert [model.status for model in view.models] == ["ok"]


@every_report
def test_view_is_plain_data(make: Callable[[], Report]) -> None:
    view = build_view(make())
    assert json.loads(json.dumps(view.to_dict()))["ok"] == view.ok


@every_report
def test_every_card_has_a_row_and_every_row_its_own_number(make: Callable[[], Report]) -> None:
    for model in build_view(make()).models:
        assert [row.id for row in model.rows] == list(range(len(model.rows)))
        assert {card.row for card in model.cards} <= {row.id for row in model.rows}


def test_nothing_in_a_view_commands_a_terminal_or_hides() -> None:
    view = build_view(samples.hostile()).to_dict()
    for model in view["models"]:
        for card in model["cards"]:
            for fix in card["fixes"]:
                fix.pop("paste")  # to be pasted as it is, never shown
    text = json.dumps(view, ensure_ascii=False)
    assert not set(text) & {"\x1b", "\x07", "\u202e", "\u2066", "\ud800"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ×", "plain ×"),
        ("\x1b[31m", "␛[31m"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\nb", "a␊b"),
        ("\x7f", "␡"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_visible_keeps_line_breaks_where_lines_are_meant() -> None:
    assert visible("a\tb\nc\r", lines=True) == "a   b\nc␍"
