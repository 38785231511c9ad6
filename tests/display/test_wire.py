"""What a view weighs on its way to the page, and how texts are told once; that the page reads it: ``tests/browser``."""

from __future__ import annotations

import json

import pytest

from shape_magic.display.view import build_view
from shape_magic.display.wire import packed
from shape_magic.report import Report
from tests import samples


def weight(report: Report) -> int:
    return len(json.dumps(packed(build_view(report)), ensure_ascii=False).encode())


@pytest.mark.parametrize("broken", [None, 0.5], ids=["right", "broken"])
def test_a_layer_unlike_all_others_weighs_little(broken: float | None) -> None:
    at = {layers: None if broken is None else int(broken * layers) for layers in (100, 200, 500)}
    weights = {layers: weight(samples.unlike(layers, place)) for layers, place in at.items()}
    assert (weights[200] - weights[100]) / 100 < 120
    assert (weights[500] - weights[200]) / 300 < 120


def test_a_block_that_repeats_weighs_next_to_nothing() -> None:
    few, many = weight(samples.repeated(50)), weight(samples.repeated(200))
    assert (many - few) / (150 * 4) < 10


def items(report: Report) -> list[object]:
    found: list[object] = packed(build_view(report))["models"][0]["items"]["items"]
    return found


def test_a_text_goes_once() -> None:
    sent = json.dumps(items(samples.unlike(500)))
    assert sent.count('"Conv2D"') == 1
    assert sent.count('"BHWC"') == 1


def test_a_plain_row_is_six_texts() -> None:
    conv, pool = items(samples.green())[1:3]
    assert conv == ["Conv2D", "conv2d", "32 filters 3×3, relu", "(None, 26, 26, 32)", 3, "320"]
    assert pool == ["MaxPooling2D", "max_pooling2d", "pool 2×2", "(None, 13, 13, 32)", 3]


def test_a_repeated_block_goes_once_with_what_the_others_have_instead() -> None:
    (fold,) = (item for item in items(samples.stacked(5)) if isinstance(item, dict))
    assert fold["times"] == 5
    assert len(fold["items"]) == 1
    varies = dict(fold["varies"])
    assert varies[0] == ["stage_01", "stage_02", "stage_03", "stage_04"], (
        "numbers that JavaScript would write otherwise"
    )
    assert varies[7] == [[4, "block3", 2]]
    assert varies[15] == [[4, "conv_10a1", 1, 1]]
    assert varies[28] == [[2, "norm_1", 3], [2, "norm_9", 7]]
