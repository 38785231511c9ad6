"""What a call hands to a model: the first batch of what must be asked for it, and nothing of the user's moved on."""

from __future__ import annotations

from typing import Any

import numpy as np

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
