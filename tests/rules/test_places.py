"""Findings that name no layer stand in the diagram at what they are about: the data, the loss or the labels."""

from __future__ import annotations

import pytest

from shape_magic.display.view import build_view
from tests.rules.documents import BROKEN, checked, read

#: Examples of the rules' documents, with the row that their finding opens at.
ROWS = {
    "arrays-of-different-length/labels-of-another-split": "labels",
    "data-and-labels-swapped/labels-first": "input",
    "labels-missing/none-as-data": "input",
    "labels-missing/an-evaluation-without-labels": "loss",  # there is no row of labels
    "list-in-batch/two-inputs-in-a-list": "input",
    "metric-against-labels/precision-of-class-numbers": "loss",
    "outputs-and-losses/another-key-for-an-input": "input",
    "outputs-and-losses/labels-in-another-order": "labels",
    "outputs-and-losses/a-loss-too-many": "loss",
    "plain-lists-as-data/lists-of-numbers": "input",
    "plain-lists-as-data/classes-by-their-names": "labels",
    "unbatched-dataset/samples-one-by-one": "input",
    "validation-data-mismatch/validation-images-that-were-not-flattened": "input",
    "validation-data-mismatch/data-alone": "labels",
    "weights-against-labels/weights-in-a-list": "loss",
}


@pytest.mark.parametrize(("example", "row"), ROWS.items(), ids=ROWS)
def test_a_finding_stands_at_what_it_is_about(example: str, row: str) -> None:
    rule, title = example.split("/")
    cell = next(c for c in read(rule).here(BROKEN) if c.id.endswith(title))
    view = build_view(checked(cell.source, cell.memory_budget))
    lines = [line for model in view.models for line in model.rows]
    assert [line.kind for line in lines if line.state in ("broken", "warned")] == [row]
