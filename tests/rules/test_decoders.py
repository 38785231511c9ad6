"""A recurrent layer that gets a last step where it reads a sequence: it may be the next of a stack, or a decoder."""

from __future__ import annotations

from tests.rules import documents

_CELL = """\
x, y = np.random.rand(4, 10, 3), np.random.rand(4, {steps}, {width})
model = keras.Sequential()
model.add(layers.Input((10, 3)))
model.add(layers.LSTM(7))
model.add(layers.LSTM({units}, return_sequences={every}))
model.add(layers.Dense({width}))
model.compile("adam", "mse")
model.fit(x, y, epochs=1, verbose=0)
"""


def _steps(**values: object) -> list[tuple[str, list[str]]]:
    """The safety of each fix, and the lines that it writes anew."""
    cell = _CELL.format(**({"steps": 10, "width": 3, "units": 8, "every": True} | values))
    (told,) = documents.checked(cell).diagnostics
    assert told.rule == "layer-input-rank"
    lines = cell.splitlines()
    return [(f.safety, [one for one in (f.source or "").splitlines() if one not in lines]) for f in told.fixes]


_EVERY, _REPEAT = "model.add(layers.LSTM(7, return_sequences=True))", "model.add(layers.RepeatVector(10))"


def test_both_are_offered_where_the_layer_gives_every_step() -> None:
    assert _steps() == [("choice", [_EVERY]), ("choice", [_REPEAT])]


def test_as_many_numbers_as_the_input_has_are_a_decoders() -> None:
    assert _steps(units=3) == [("choice", [_REPEAT]), ("choice", [_EVERY])]


def test_a_layer_that_ends_the_sequence_is_no_decoder() -> None:
    offered = _steps(steps=1, every=False)
    assert offered[0] == ("safe", [_EVERY])
    assert not [written for _, written in offered if any("RepeatVector" in line for line in written)]


def test_no_argument_is_set_and_taken_back() -> None:
    offered = _steps(steps=5)
    assert ("choice", ["model.add(layers.RepeatVector(5))"]) in offered
    assert not [written for _, written in offered if any("return_sequences=False" in line for line in written)]
