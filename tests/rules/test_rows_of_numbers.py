"""Data in rows: of different lengths, and of the numbers that a model wants along several axes."""

from __future__ import annotations

import pytest

from tests.rules import documents

_READER = "model = keras.Sequential([layers.Embedding(10, 4), layers.GRU(4), layers.Dense(1)])\n"
_STEPS = "model = keras.Sequential([layers.Input((None, 6)), layers.GRU(4), layers.Dense(1)])\n"
_FIT = 'model.compile("adam", "mse")\nmodel.fit({x}, np.zeros(3), epochs=1, verbose=0)\n'
_ROWS = "[[1, 2, 3], [4, 5], [6]]"
_MADE = "x = np.empty(3, dtype=object)\nfor i in range(3):\n    x[i] = np.random.rand(i + 2, 6)\n"

#: What is written around ``x`` first.
_UNEVEN = {
    "lists": (f"x = {_ROWS}\n{_READER}", "keras.utils.pad_sequences(x)"),
    "an array of lists": (f"x = np.array({_ROWS}, dtype=object)\n{_READER}", "keras.utils.pad_sequences(x)"),
    "a column": (f"import pandas as pd\nx = pd.Series({_ROWS})\n{_READER}", "keras.utils.pad_sequences(x)"),
    "a model of one length": (
        f"x = {_ROWS}\n{_READER.replace('[', '[layers.Input((5,)), ', 1)}",
        "keras.utils.pad_sequences(x, maxlen=5)",
    ),
    "fractions": (
        f"x = [[0.5, 1], [2], [3, 4, 5]]\n{_STEPS.replace('6', '1')}",
        'keras.utils.pad_sequences(x, dtype="float32")',
    ),
    "steps of several numbers": (f"{_MADE}{_STEPS}", 'keras.utils.pad_sequences(x, dtype="float32")'),
    "a list of such": (f"{_MADE}x = list(x)\n{_STEPS}", 'keras.utils.pad_sequences(x, dtype="float32")'),
}


@pytest.mark.parametrize(("cell", "padded"), _UNEVEN.values(), ids=_UNEVEN)
def test_rows_of_different_lengths_are_padded(cell: str, padded: str) -> None:
    (told,) = documents.checked(cell + _FIT.format(x="x")).diagnostics
    assert told.rule == "plain-lists-as-data"
    (fix,) = told.fixes
    assert fix.source is not None
    assert f"model.fit({padded}, " in fix.source


def test_keras_by_another_name_is_reached_too() -> None:
    told = documents.checked(
        f"import tensorflow as tf\ndel keras\nx = {_ROWS}\n{_READER.replace('keras', 'tf.keras')}{_FIT.format(x='x')}"
    ).diagnostics
    assert [len(d.fixes) for d in told] == [1]


@pytest.mark.parametrize("rows", ['[["a", "b"], ["c"], ["a"]]', '[["a", "b"], ["c", "d"], ["a", "b"]]'])
def test_words_in_rows_are_not_padded(rows: str) -> None:
    (told,) = documents.checked(f"x = {rows}\n{_READER}{_FIT.format(x='x')}").diagnostics
    assert told.rule == "plain-lists-as-data"
    assert not told.fixes


_IMAGES = "model = keras.Sequential([layers.Input((12, 12, 1)), layers.Flatten(), layers.Dense(1)])\n"
#: The data, the model, and how they are given first.
_PARTED = {
    "rows of pixels": ("x = np.random.rand(3, 144)\n", _IMAGES, "x.reshape(-1, 12, 12, 1)"),
    "a table of pixels": (
        "import pandas as pd\nx = pd.DataFrame(np.random.rand(3, 144))\n",
        _IMAGES,
        "x.to_numpy().reshape(-1, 12, 12, 1)",
    ),
    "an open number of parts": (
        "x = np.random.rand(3, 12)\n",
        _STEPS.replace("None, 6", "None, 2, 3").replace("layers.GRU", "layers.Reshape((-1, 6)), layers.GRU"),
        "x.reshape(-1, 2, 2, 3)",
    ),
}


@pytest.mark.parametrize(("data", "model", "given"), _PARTED.values(), ids=_PARTED)
def test_rows_are_parted_into_the_axes_that_hold_as_many_numbers(data: str, model: str, given: str) -> None:
    (told,) = documents.checked(data + model + _FIT.format(x="x")).diagnostics
    assert told.rule == "model-refuses-data"
    assert f"model.fit({given}, " in (told.fixes[0].source or "")


def test_one_row_is_a_batch_of_one() -> None:
    (told,) = documents.checked(f"x = np.random.rand(144)\n{_IMAGES}model.predict(x, verbose=0)\n").diagnostics
    assert "model.predict(x.reshape(1, 12, 12, 1), " in (told.fixes[0].source or "")


def test_rows_of_another_number_of_pixels_are_not_parted() -> None:
    (told,) = documents.checked(f"x = np.random.rand(3, 143)\n{_IMAGES}{_FIT.format(x='x')}").diagnostics
    assert not [fix for fix in told.fixes if "reshape" in fix.title]


def test_one_sample_in_a_list_becomes_an_array() -> None:
    cell = "state = np.zeros(6)\nmodel = keras.Sequential([layers.Input((6,)), layers.Dense(2)])\n"
    (told,) = documents.checked(f"{cell}model.predict([state], verbose=0)\n").diagnostics
    assert "`np.array([state])`, of shape (1, 6)" in told.message
    assert [f"{cell}model.predict(np.array([state]), verbose=0)\n"] == [fix.source for fix in told.fixes]


def test_inputs_of_different_length_are_no_rows() -> None:
    cell = "a, b = keras.Input((6,)), keras.Input((6,))\nmodel = keras.Model([a, b], layers.Dense(1)(layers.Add()([a, b])))\n"
    told = documents.checked(f"x = [np.zeros((3, 6)), np.zeros((4, 6))]\n{cell}{_FIT.format(x='x')}").diagnostics
    assert [d.rule for d in told] == ["arrays-of-different-length"]
