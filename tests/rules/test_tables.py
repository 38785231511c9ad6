"""Tables of pandas as data and labels, and texts in whatever they are kept: an error if and only if Keras raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import shape_magic

_TABLE = """
table = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8) % 3, "c": np.arange(8) % 2 == 0})
table["word"], table["label"] = ["good", "bad"] * 4, np.arange(8) % 2
"""
_NUMBERS = """
model = keras.Sequential([layers.Input(({width},)), layers.Dense(4, activation="relu"), layers.Dense({end})])
model.compile("sgd", "{loss}")
model.fit({x}, {y}, verbose=0)
"""
_TEXTS = """
vectorize = layers.TextVectorization(output_mode="multi_hot")
vectorize.adapt(["good", "bad"])
model = keras.Sequential([{start}vectorize, layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy")
model.fit({x}, table["label"], verbose=0)
"""
_YES = "1, activation='sigmoid'"
#: Data, labels, the last layer and the loss; how many columns the model reads.
NUMBERS = {
    "columns": ("table[['a', 'b']]", "table['label']", _YES, "binary_crossentropy", 2),
    "with yes and no": ("table[['a', 'b', 'c']]", "table['label']", _YES, "binary_crossentropy", 3),
    "one column": ("table['a']", "table['label']", "1", "mse", 1),
    "labels as a table": ("table[['a', 'b']]", "table[['label']]", "1", "mse", 2),
    "one-hot labels": (
        "table[['a', 'b']]",
        "pd.get_dummies(table['b'])",
        "3, activation='softmax'",
        "categorical_crossentropy",
        2,
    ),
    "class numbers": (
        "table[['a', 'b']]",
        "table['b']",
        "3, activation='softmax'",
        "sparse_categorical_crossentropy",
        2,
    ),
    "class numbers for the other loss": (
        "table[['a', 'b']]",
        "table['b']",
        "3, activation='softmax'",
        "categorical_crossentropy",
        2,
    ),
    "a column of words": ("table[['a', 'word']]", "table['label']", "1", "mse", 2),
    "words as labels": (
        "table[['a', 'b']]",
        "table['word']",
        "2, activation='softmax'",
        "sparse_categorical_crossentropy",
        2,
    ),
    "words as labels in a list": (
        "table[['a', 'b']]",
        "table['word'].tolist()",
        "2, activation='softmax'",
        "sparse_categorical_crossentropy",
        2,
    ),
    "categories as labels": (
        "table[['a', 'b']]",
        "table['word'].astype('category')",
        "2, activation='softmax'",
        "sparse_categorical_crossentropy",
        2,
    ),
    "the categories' numbers": (
        "table[['a', 'b']]",
        "table['word'].astype('category').cat.codes",
        "2, activation='softmax'",
        "sparse_categorical_crossentropy",
        2,
    ),
    "numbers kept as objects": ("table[['a', 'b']].astype(object)", "table['label']", "1", "mse", 2),
    "a column against several numbers": ("table[['a', 'b']]", "table['label']", "3", "mse", 2),
    "an array against several numbers": ("table[['a', 'b']]", "table['label'].to_numpy()", "3", "mse", 2),
    "a column too few": ("table[['a', 'b']]", "table['label']", "1", "mse", 3),
}
TEXTS = (
    "table['word']",
    "table['word'].to_numpy(dtype=object)",
    "table['word'].to_numpy().astype(str)",
    "table['word'].to_numpy().astype(bytes)",
    "table['word'].tolist()",
    "table[['word']]",
    "table[['word']].to_numpy(dtype=object)",
)


def names() -> dict[str, Any]:
    """What the cells find."""
    return {"keras": keras, "np": np, "pd": pd, "layers": layers}


def raises(cell: str) -> bool:
    """Whether plain Keras stops in a cell."""
    try:
        exec(cell, names())
    except Exception:  # noqa: BLE001 - each version has its own exceptions for data
        return True
    return False


def agreed(cell: str) -> shape_magic.Report:
    """The report on a cell; an error of it is one of Keras', and a repair that is called verified works there."""
    report = shape_magic.check_cells([cell], namespace=names(), dry_run=True)
    assert any(d.severity == "error" for d in report.diagnostics) == raises(cell)
    for diagnostic in report.diagnostics:
        for fix in diagnostic.fixes:
            assert not (fix.verified and fix.source and raises(fix.source)), fix.title
    return report


@pytest.mark.parametrize("name", NUMBERS)
def test_a_model_of_numbers(name: str) -> None:
    x, y, end, loss, width = NUMBERS[name]
    agreed(_TABLE + _NUMBERS.format(x=x, y=y, end=end, loss=loss, width=width))


#: How a model of texts may begin.
STARTS: Mapping[str, str] = {"declared": "layers.Input((1,), dtype='string'), ", "open": ""}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("x", TEXTS)
def test_a_model_of_texts(x: str, start: str) -> None:
    report = agreed(_TABLE + _TEXTS.format(x=x, start=STARTS[start]))
    fixes = [fix for diagnostic in report.diagnostics for fix in diagnostic.fixes]
    assert bool(fixes) == (not report.ok)
    assert all(fix.verified for fix in fixes)


def test_words_as_labels_are_numbered_in_the_order_of_the_alphabet() -> None:
    x, y, end, loss, width = NUMBERS["words as labels"]
    report = agreed(_TABLE + _NUMBERS.format(x=x, y=y, end=end, loss=loss, width=width))
    (fix,) = report.diagnostics[0].fixes
    assert fix.source is not None
    assert "np.unique(table['word'], return_inverse=True)[1]" in fix.source
    assert fix.safety == "choice"


#: Texts beside numbers, as ``x`` of a model with an input for each.
BOTH: Mapping[str, bool] = {
    "[table['word'].to_numpy(dtype=object), table[['a', 'b']]]": True,
    "{'words': table['word'].to_numpy(dtype=object), 'numbers': table[['a', 'b']]}": True,
    "[table['word'].to_numpy().astype(str), table[['a', 'b']]]": False,
    "{'words': table['word'].to_numpy().astype(str), 'numbers': table[['a', 'b']]}": False,
    "{'numbers': table[['a', 'b']], 'words': table['word'].to_numpy().astype(str)}": False,
    "[table['word'].to_numpy(dtype=object), table[['a', 'b']].to_numpy(dtype=object)]": False,
}


@pytest.mark.parametrize("x", BOTH)
def test_a_model_of_texts_and_numbers(x: str) -> None:
    report = agreed(
        _TABLE
        + "words, numbers = layers.Input((1,), dtype='string', name='words'), layers.Input((2,), name='numbers')\n"
        "looked_up = layers.Flatten()(layers.Embedding(9, 2)(layers.Hashing(num_bins=9)(words)))\n"
        "model = keras.Model([words, numbers], layers.Dense(1)(layers.Concatenate()([looked_up, numbers])))\n"
        f"model.compile('adam', 'mse')\nmodel.fit({x}, table['label'], verbose=0)\n"
    )
    assert report.ok == BOTH[x]
    assert all("<U" in d.message for d in report.diagnostics if "astype(str)" in x)
    fixes = [fix for diagnostic in report.diagnostics for fix in diagnostic.fixes]
    assert bool(fixes) == (not report.ok and x.startswith("["))
    assert all(fix.verified for fix in fixes)


#: What a model is given of a table, the shape of its input, and what it has to be given.
AXES = {
    "a row": ("table.iloc[3]", "(2,)", "table.iloc[3].to_numpy()[None]"),
    "rows as steps": ("table", "(1, 2)", "table.to_numpy()[:, None]"),
    "an array": ("table.to_numpy()", "(1, 2)", "table.to_numpy()[:, None]"),
    "numbers in a list": ("list(row)", "(2,)", "np.array(list(row))[None]"),
}


@pytest.mark.parametrize("kind", AXES)
def test_an_axis_for_what_takes_no_index_of_axes(kind: str) -> None:
    given, shape, wanted = AXES[kind]
    cell = (
        f"model = keras.Sequential([layers.Input({shape}), layers.Flatten(), layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        f"answer = model.predict({given}, verbose=0)\n"
    )
    names = {"keras": keras, "layers": layers, "np": np, "row": (1.0, 2.0)}
    names["table"] = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8.0)})
    report = shape_magic.check_cell(cell, dict(names), dry_run=True)
    fixes = [fix for d in report.diagnostics for fix in d.fixes if fix.verified]
    assert fixes
    assert f"predict({wanted}," in str(fixes[0].source)
    for fix in fixes:
        exec(str(fix.source), dict(names))


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf"])
def test_counted_words_have_no_axis_that_keras_foretells(mode: str) -> None:
    cell = f"""
import tensorflow as tf
texts = tf.constant(["a b", "b c", "c a", "a a"])
words = layers.TextVectorization(output_mode="{mode}")
words.adapt(texts)
model = keras.Sequential([keras.Input((1,), dtype="string"), words, layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy")
model.fit(texts[:, None], np.zeros(4), verbose=0)
"""
    assert agreed(cell).diagnostics == ()
