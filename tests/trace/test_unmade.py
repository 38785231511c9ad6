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
    "cell", ["layers.Dropout(2.0)", "layers.Conv2D(4, (3, 0))", "layers.Permute((2, 2))", "layers.Permute((1, 'a'))"]
)
def test_what_only_keras_knows_is_told_in_its_words(cell: str) -> None:
    (found,) = checked(cell).diagnostics
    assert (found.rule, found.fixes) == ("layer-refuses-input", ())


def test_the_line_of_a_model_without_inputs_has_no_gap() -> None:
    assert str(checked(PLAIN)).startswith("✗ model: breaks")


EARLY = """\
model = keras.Sequential()
model.add(layers.Conv2D(4, (3, 3), border_mode="same", input_shape=(8, 8, 1)))
model.add(layers.Conv2D(4, (3, 3), border_mode="same", subsample=(2, 2)))
model.add(layers.Dropout(p=0.5))
model.add(layers.Flatten())
model.add(layers.Dense(output_dim=3))"""


def test_a_cell_of_an_early_keras_is_brought_to_its_end_by_one_fix() -> None:
    (fix,) = checked(EARLY).diagnostics[0].fixes
    assert fix.verified
    now = apply_edits(EARLY, fix.edits)
    assert (now.count('padding="same"'), now.count("strides=(2, 2)"), now.count("rate=0.5")) == (2, 1, 1)
    report = checked(now)
    assert report.ok
    assert report.models[0].outputs == ((None, 3),)


def test_a_call_that_python_refuses_is_told_and_not_raised() -> None:
    (found,) = checked("layer = layers.LSTM()").diagnostics
    assert (found.rule, found.severity, found.fixes) == ("layer-refuses-input", "error", ())
    assert "units" in found.message


@pytest.mark.parametrize(
    "cell",
    [
        "def width(units):\n    return units\nlayers.Dense(width())",
        "class Own(layers.Layer):\n    def __init__(self, units):\n        super().__init__()\nOwn()",
        "layers.Dense(4)\nlen(5)",
        "try:\n    layers.Dense()\nexcept TypeError:\n    pass\nlen(5)",
    ],
)
def test_a_type_error_of_the_users_own_is_raised(cell: str) -> None:
    with pytest.raises(TypeError):
        checked(cell)


@pytest.mark.parametrize(
    ("shape", "call", "fixed"),
    [
        ("(9, 9, 1)", "layers.Conv2D(4, kernal_size=3)", "layers.Conv2D(4, kernel_size=3)"),
        ("(9, 2)", "layers.Conv1D(4, 3, border_mode='same')", "layers.Conv1D(4, 3, padding='same')"),
        (
            "(9, 9, 1)",
            "layers.Conv2D(nb_filter=4, nb_row=3, nb_col=5, dim_ordering='tf')",
            "layers.Conv2D(filters=4, kernel_size=(3, 5), data_format='channels_last')",
        ),
        ("(9, 2)", "layers.GRU(4, input_length=9, input_dim=2)", "layers.GRU(4, input_shape=(9, 2))"),
        (
            "(9,)",
            "layers.Embedding(5, 4, input_length=9, init='uniform')",
            "layers.Embedding(5, 4, input_length=9, embeddings_initializer='uniform')",
        ),
        ("(9, 2)", "layers.LSTM(4, consume_less='gpu', return_sequence=True)", "layers.LSTM(4, return_sequences=True)"),
        ("(9, 9, 1)", "layers.MaxPooling2D((2, 2), 'same')", "layers.MaxPooling2D((2, 2), padding='same')"),
        ("(9,)", "layers.Dense('relu', 8)", "layers.Dense(8, 'relu')"),
        ("(9, 9, 9, 1)", "layers.Conv3D(4, (3, 3))", "layers.Conv3D(4, (3, 3, 3))"),
        ("(9, 9, 1)", "layers.UpSampling2D(2, 2)", "layers.UpSampling2D((2, 2))"),
        ("(9, 2)", "layers.Permute(2, 1)", "layers.Permute((2, 1))"),
        ("(9,)", "layers.Dense(len('abcd') / 2)", "layers.Dense(int(len('abcd') / 2))"),
    ],
)
def test_a_call_is_written_as_keras_takes_it(shape: str, call: str, fixed: str) -> None:
    cell = f"model = keras.Sequential([layers.Input({shape}), {call}])"
    (fix,) = checked(cell).diagnostics[0].fixes
    assert fix.verified
    assert apply_edits(cell, fix.edits) == cell.replace(call, fixed)


@pytest.mark.parametrize(
    "call",
    [
        "layers.Dense(4, neurons=8)",
        "layers.Conv2D(4, 3, padding='same', border_mode='same')",
        "layers.Dense(4, **{'activaton': 'relu'})",
        "layers.LSTM(4, input_length=9)",
    ],
)
def test_a_name_that_can_not_be_told_or_written_has_no_fix(call: str) -> None:
    (found,) = checked(call).diagnostics
    assert found.fixes == ()


METHODS = """\
model = keras.Sequential([layers.Input((3,)), layers.Dense(1)])
model.compile(optimiser="adam", loss="mse")
model.fit(np.zeros((8, 3)), np.zeros((8, 1)), nb_epoch=1, workers=2, use_multiprocessing=True)"""


def test_methods_of_a_model_are_told_as_well() -> None:
    found = checked(METHODS).diagnostics[0]
    assert (found.rule, found.span and found.span.start_line) == ("unknown-argument", 2)
    fixed = apply_edits(METHODS, found.fixes[0].edits)
    assert 'compile(optimizer="adam", loss="mse")' in fixed
    assert fixed.endswith("np.zeros((8, 1)), epochs=1)")
