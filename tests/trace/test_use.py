"""What a call hands to a model: the first batch of what must be asked for it, and nothing of the user's moved on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shape_magic import check_cells

MODEL = """
import keras
import numpy as np
rng = np.random.default_rng(0)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""
BATCHES = """
def batches(width):
    while True:
        yield rng.random((2, width)), np.zeros((2, 1))
stream = batches({width})
"""


def rules_of(*cells: str) -> tuple[list[str], dict[str, Any]]:
    """What a dry run finds, and the names after it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    report = check_cells([MODEL, *cells], names, dry_run=True)
    return [d.rule for d in report.diagnostics], names


def test_a_generator_is_known_by_a_twin() -> None:
    rules, names = rules_of(BATCHES.format(width=5), "model.fit(stream, steps_per_epoch=1)")
    assert rules == ["model-refuses-data"]
    assert names["rng"].random() == np.random.default_rng(0).random()
    assert next(names["stream"])[0].shape == (2, 5)


def test_a_generator_that_fits_is_left_alone() -> None:
    assert rules_of(BATCHES.format(width=4), "model.fit(stream, steps_per_epoch=1)")[0] == []


def test_a_generator_that_reads_files_is_not_run() -> None:
    reads = "def batches():\n    yield np.array(open('no such file').read()), 0\n"
    assert rules_of(reads, "model.fit(batches(), steps_per_epoch=1)")[0] == []


def test_a_data_set_by_number_is_asked_on_a_copy() -> None:
    cell = """
class Data(keras.utils.PyDataset):
    asked = 0
    def __len__(self):
        return 2
    def __getitem__(self, at):
        self.asked += 1
        return rng.random((2, 5)), np.zeros((2, 1))
data = Data()
model.fit(data)
"""
    rules, names = rules_of(cell)
    assert rules == ["model-refuses-data"]
    assert names["data"].asked == 0
    assert names["rng"].random() == np.random.default_rng(0).random()


# -- lists in batches, and what stands beside the inputs

TWO = """
import keras
import numpy as np
a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
model = keras.Model([a, b], keras.layers.Dense(1)(keras.layers.concatenate([a, b])))
model.compile("sgd", "mse")
left, right, answers = np.zeros((8, 4)), np.zeros((8, 3)), np.zeros((8, 1))
"""
GENERATOR = "def batches():\n    while True:\n        yield {}\nmodel.fit(batches(), steps_per_epoch=2, verbose=0)\n"
PY_DATASET = """
class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2
    def __getitem__(self, number):
        return {}
model.fit(Batches(), verbose=0)
"""
DATA_SET = """
import tensorflow as tf
train = tf.data.Dataset.from_tensor_slices({})
model.fit(train, verbose=0)
"""


def keras_takes(cell: str) -> bool:
    """Whether Keras itself runs the cell."""
    try:
        exec(TWO + cell, {"__name__": "__main__"})
    except (TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("cell", "batch", "repaired"),
    [
        (GENERATOR, "[left, right], answers", "(left, right), answers"),
        (GENERATOR, "[left, right,], [answers]", "(left, right,), (answers,)"),
        (GENERATOR, "[[left, right], answers]", "((left, right), answers)"),
        (GENERATOR, "[left, right, answers]", "((left, right), answers)"),
        (GENERATOR, "left, right, answers", "((left, right), answers)"),
        (GENERATOR, "list((left, right)), answers", "tuple(list((left, right))), answers"),
        (PY_DATASET, "[left, right], answers", "(left, right), answers"),
        (PY_DATASET, "[left, right, answers]", "((left, right), answers)"),
        (DATA_SET, "(left, right, answers)).batch(2", "((left, right), answers)).batch(2"),
    ],
)
def test_a_batch_that_keras_takes_otherwise_is_grouped_anew(cell: str, batch: str, repaired: str) -> None:
    assert not keras_takes(cell.format(batch))
    report = check_cells([TWO, cell.format(batch)], {"__name__": "__main__"}, dry_run=True)
    fix = report.diagnostics[0].fixes[0]
    assert (fix.verified, fix.source) == (True, cell.format(repaired))
    assert keras_takes(cell.format(repaired))


@pytest.mark.parametrize(
    ("cell", "batch"),
    [
        (GENERATOR, "(left, right), answers"),
        (GENERATOR, '{"a": left, "b": right}, answers'),
        (PY_DATASET, "[(left, right), answers]"),
        (DATA_SET, "((left, right), answers)).batch(2"),
    ],
)
def test_a_batch_that_keras_takes_is_left_alone(cell: str, batch: str) -> None:
    assert check_cells([TWO, cell.format(batch)], {"__name__": "__main__"}, dry_run=True).diagnostics == ()


def test_a_batch_that_is_made_of_other_batches_is_told_and_not_rewritten() -> None:
    regrouped = DATA_SET.format("(left, right, answers)).batch(2).map(lambda a, b, y: (a, b, y)")
    report = check_cells([TWO, regrouped], {"__name__": "__main__"}, dry_run=True)
    assert [(d.rule, d.fixes) for d in report.diagnostics] == [("model-refuses-data", ())]


@pytest.mark.parametrize("batch", ['{"a": [left], "b": right}, answers', "(left, [right]), answers"])
def test_a_list_deeper_in_a_batch_is_told_and_not_rewritten(batch: str) -> None:
    assert not keras_takes(GENERATOR.replace("{}", batch))
    report = check_cells([TWO, GENERATOR.replace("{}", batch)], {"__name__": "__main__"}, dry_run=True)
    assert [(d.rule, d.fixes) for d in report.diagnostics] == [("list-in-batch", ())]


def test_lists_in_the_batches_to_validate_with_are_told() -> None:
    made, _ = GENERATOR.format("[left, right], answers").split("model.fit")
    cell = made + "model.fit([left, right], answers, validation_data=batches(), validation_steps=2, verbose=0)\n"
    report = check_cells([TWO, cell], {"__name__": "__main__"}, dry_run=True)
    assert [d.rule for d in report.diagnostics] == ["list-in-batch"]
    assert "(left, right), answers" in str(report.diagnostics[0].fixes[0].source)


def test_labels_that_come_with_the_data_under_another_name_are_not_missing() -> None:
    cell = """
import keras, numpy as np, tensorflow as tf
labels = {"kind": np.zeros(8, int), "box": np.zeros((8, 4))}
batches = tf.data.Dataset.from_tensor_slices((np.zeros((8, 6)), labels)).batch(4)
x = keras.Input((6,))
kind = keras.layers.Dense(3, activation="softmax", name="kind")(x)
box = keras.layers.Dense(4, name="corners")(x)
model = keras.Model(x, {"kind": kind, "corners": box})
model.compile("sgd", {"kind": "sparse_categorical_crossentropy", "corners": "mse"})
model.fit(batches, verbose=0)
"""
    report = check_cells([cell], {"__name__": "__main__"}, dry_run=True)
    told = [(d.rule, d.place) for d in report.diagnostics]
    assert told == ([] if keras_takes(cell) else [("outputs-and-losses", "labels")])  # an older one goes by the order
    assert all("labels for `kind` and `box`" in d.message for d in report.diagnostics)
    assert check_cells([cell.replace('"box"', '"corners"')], {"__name__": "__main__"}, dry_run=True).ok
