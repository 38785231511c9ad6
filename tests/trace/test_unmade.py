"""A layer whose constructor raises: what is known of it, and whose constructor it was."""

from __future__ import annotations

import pytest

from shape_magic import check_cell
from shape_magic.report import Report
from shape_magic.source.cells import apply_edits

PLAIN = "layers.Dense(4, batch_input_shape=(None, 3))"
OWN = """\
class Wide(layers.Dense):
    def __init__(self):
        super().__init__(8, batch_input_shape=(None, 3))
layer = Wide()"""
IN_A_HELPER = """\
def first(width):
    return layers.Dense(4, batch_input_shape=(None, width))
model = keras.Sequential([first(3), layers.Dense(1)])"""


def checked(cell: str) -> Report:
    """The report of a cell that knows Keras."""
    names: dict[str, object] = {}
    exec("import keras\nimport numpy as np\nfrom keras import layers", names)
    return check_cell(cell, names, dry_run=True)


def test_the_layer_itself_is_the_row_that_breaks() -> None:
    report = checked(PLAIN)
    (row,) = report.models[0].calls
    assert (row.class_name, row.layer.partition("_")[0], row.input_shapes, row.output_shapes) == (
        "Dense",
        "dense",
        (),
        (),
    )
    assert row.span is not None
    assert [d.rule for d in report.diagnostics] == ["layer-refuses-arguments"]


def test_the_outer_layer_is_told_and_not_the_cell_that_it_made() -> None:
    report = checked("layers.LSTM(4, batch_input_shape=(2, 5, 3))")
    assert [c.class_name for c in report.models[0].calls] == ["LSTM"]


def test_a_class_of_the_users_own_is_told_by_its_exception_alone() -> None:
    assert [d.rule for d in checked(OWN).diagnostics] == ["layer-refuses-input"]


@pytest.mark.parametrize(
    "cell", ["a = keras.Input((3,))\nkeras.Model(a, layers.Dense(2))", "keras.Sequential(layers.Dense(2))"]
)
def test_a_model_that_can_not_be_made_has_no_row(cell: str) -> None:
    report = checked(cell)
    assert [d.rule for d in report.diagnostics] == ["layer-refuses-input"]
    assert not [c for m in report.models for c in m.calls if c.class_name in ("Functional", "Sequential", "Model")]


def test_the_input_goes_where_the_layer_enters_the_model() -> None:
    cell = "model = keras.Sequential()\nmodel.add(layers.Dense(4, batch_input_shape=(None, 3)))"
    (fix,) = checked(cell).diagnostics[0].fixes
    assert fix.verified
    assert apply_edits(cell, fix.edits) == (
        "model = keras.Sequential()\nmodel.add(layers.Input(batch_shape=(None, 3)))\nmodel.add(layers.Dense(4))"
    )


def test_a_layer_of_a_helper_is_told_where_it_is_made() -> None:
    (found,) = checked(IN_A_HELPER).diagnostics
    assert found.rule == "layer-refuses-arguments"
    assert found.span is not None
    assert found.span.start_line == 2


@pytest.mark.parametrize(
    "cell", ["layers.Dropout(2.0)", "layers.Conv2D(4, (3, 3, 3))", "layers.Permute((2, 2))", "layers.Permute((1, 'a'))"]
)
def test_what_only_keras_knows_is_told_in_its_words(cell: str) -> None:
    (found,) = checked(cell).diagnostics
    assert (found.rule, found.fixes) == ("layer-refuses-input", ())


def test_the_line_of_a_model_without_inputs_has_no_gap() -> None:
    assert str(checked(PLAIN)).startswith("✗ model: breaks")
