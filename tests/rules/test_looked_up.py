"""Which numbers are held against an Embedding, by the way that they are given and that they go."""

from __future__ import annotations

import pytest

from tests.rules import documents

#: ``x`` runs to 9, and what follows ends in an Embedding for the numbers up to 7, or up to 9 where it is given ten.
_TABLE = "layers.Embedding(8, 4), layers.GlobalAveragePooling1D(), layers.Dense(1)"
_FIT = 'model.compile("adam", "mse")\nmodel.fit({x}, np.zeros(2), epochs=1, verbose=0)\n'
_WORDS = "x = np.array([[1, 2, 3], [4, 9, 0]])\n"

_TOLD = {
    "not built": f"model = keras.Sequential([{_TABLE}])\n" + _FIT.format(x="x"),
    "with an input": f"model = keras.Sequential([layers.Input((3,)), {_TABLE}])\n" + _FIT.format(x="x"),
    "fractions": f"model = keras.Sequential([{_TABLE}])\n" + _FIT.format(x='x.astype("float32")'),
    "a tensor": f"model = keras.Sequential([{_TABLE}])\n" + _FIT.format(x="keras.ops.convert_to_tensor(x)"),
    "a table": f"import pandas as pd\nmodel = keras.Sequential([{_TABLE}])\n" + _FIT.format(x="pd.DataFrame(x)"),
    "by name": 'words = keras.Input((3,), name="words")\n'
    "model = keras.Model(words, layers.Dense(1)(layers.Flatten()(layers.Embedding(8, 4)(words))))\n"
    + _FIT.format(x='{"words": x}'),
    "moved first": f"model = keras.Sequential([layers.Input((1, 3)), layers.Reshape((3,)), {_TABLE}])\n"
    + _FIT.format(x="x[:, None]"),
    "in a model within": f"inner = keras.Sequential([layers.Input((3,)), {_TABLE}])\n"
    "model = keras.Sequential([layers.Input((3,)), inner])\n" + _FIT.format(x="x"),
    "as places": "model = keras.Sequential([layers.Input((3,), dtype='int32'), layers.CategoryEncoding(8), layers.Dense(1)])\n"
    + _FIT.format(x="x"),
    "by predict": f"model = keras.Sequential([{_TABLE}])\nmodel.predict(x, verbose=0)\n",
}
_QUIET = {
    "cut by a class": "class Rated(keras.Model):\n"
    "    def __init__(self):\n"
    "        super().__init__()\n"
    "        self.first, self.last, self.out = layers.Embedding(5, 4), layers.Embedding(10, 4), layers.Dense(1)\n\n"
    "    def call(self, ids):\n"
    "        return self.out(keras.ops.concatenate([self.first(ids[:, 0]), self.last(ids[:, 1])], axis=-1))\n\n\n"
    "model = Rated()\n" + _FIT.format(x="x"),
    "changed by a function": "words = keras.Input((3,))\n"
    "model = keras.Model(words, layers.Dense(1)(layers.Flatten()(layers.Embedding(8, 4)(words % 8))))\n"
    + _FIT.format(x="x"),
    "a part alone": "words = keras.Input((3,))\n"
    "model = keras.Model(words, layers.Dense(1)(layers.Flatten()(layers.Embedding(8, 4)(words[:, :1]))))\n"
    + _FIT.format(x="x"),
    "scaled": f"model = keras.Sequential([layers.Input((3,)), layers.Rescaling(0.5), {_TABLE}])\n" + _FIT.format(x="x"),
    "true and false": f"model = keras.Sequential([{_TABLE}])\n" + _FIT.format(x="x > 2"),
    "the end of the table": f"model = keras.Sequential([{_TABLE}])\n" + _FIT.format(x="x - 2 * (x == 9)"),
}


def _rules(cell: str) -> list[str]:
    return [d.rule for d in documents.checked(_WORDS + cell).diagnostics]


@pytest.mark.parametrize("cell", _TOLD.values(), ids=_TOLD)
def test_a_number_beyond_the_table_is_told(cell: str) -> None:
    assert _rules(cell) == ["index-beyond-embedding"]


@pytest.mark.parametrize("cell", _QUIET.values(), ids=_QUIET)
def test_numbers_that_do_not_arrive_as_they_are_say_nothing(cell: str) -> None:
    assert _rules(cell) == []


def test_one_more_is_added_to_the_users_own_name() -> None:
    cell = f"known = 8\nmodel = keras.Sequential([{_TABLE.replace('8', 'known')}])\n" + _FIT.format(x="x - (x == 9)")
    [found] = documents.checked(_WORDS + cell).diagnostics
    assert [edit.text for fix in found.fixes for edit in fix.edits] == [" + 1"]
