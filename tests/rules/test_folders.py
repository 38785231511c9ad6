"""Labels of a data set that names its classes are held to the head and the loss, as those of arrays are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from shape_magic import check_cell

pytestmark = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="such sets are TensorFlow's")
_CELL = """\
model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense({head})])
model.compile("adam", "{loss}", metrics=["accuracy"])
model.fit(train, verbose=0{more})
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of three classes, in a folder each."""
    root = tmp_path_factory.mktemp("pictures")
    for name in ("cat", "dog", "fox"):
        (root / name).mkdir()
        for k in range(3):
            keras.utils.save_img(root / name / f"{k}.png", np.full((8, 8, 3), 20.0 * k))
    return root


def _said(folders: Path, head: str, loss: str, more: str = "", **given: Any) -> list[tuple[str, list[str]]]:
    read = keras.utils.image_dataset_from_directory
    names = {"keras": keras, "train": read(folders, image_size=(8, 8), batch_size=4, verbose=False, **given)}
    report = check_cell(_CELL.format(head=head, loss=loss, more=more), names, dry_run=True)
    return [(d.rule, [edit.text for fix in d.fixes[:1] for edit in fix.edits]) for d in report.diagnostics]


def test_a_yes_or_no_for_three_folders(folders: Path) -> None:
    ((rule, [edit]),) = _said(folders, "1, activation='sigmoid'", "binary_crossentropy")
    assert rule == "labels-against-loss"
    assert "3" in edit
    assert "softmax" in edit
    assert "sparse_categorical" in edit


@pytest.mark.parametrize(
    ("head", "loss", "edit"),
    [
        ("2, activation='softmax'", "sparse_categorical_crossentropy", "3"),
        ("3, activation='softmax'", "categorical_crossentropy", "sparse_"),
    ],
)
def test_class_numbers_that_do_not_fit(folders: Path, head: str, loss: str, edit: str) -> None:
    assert _said(folders, head, loss) == [("output-against-labels", [edit])]


@pytest.mark.parametrize(
    ("head", "loss", "more", "given"),
    [
        ("3, activation='softmax'", "sparse_categorical_crossentropy", "", {}),
        ("3, activation='softmax'", "sparse_categorical_crossentropy", ", validation_data=train", {}),
        ("3, activation='softmax'", "sparse_categorical_crossentropy", ", class_weight={0: 1, 1: 2, 2: 3}", {}),
        ("30, activation='softmax'", "sparse_categorical_crossentropy", "", {}),
        ("1", "mse", "", {}),
        ("3, activation='softmax'", "categorical_crossentropy", "", {"label_mode": "categorical"}),
        ("1, activation='sigmoid'", "binary_crossentropy", "", {"label_mode": "int", "labels": [0, 1] * 4 + [0]}),
    ],
)
def test_what_fits_is_left_alone(folders: Path, head: str, loss: str, more: str, given: dict[str, Any]) -> None:
    assert _said(folders, head, loss, more, **given) == []
