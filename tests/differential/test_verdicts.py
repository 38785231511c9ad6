"""The judges can tell: what differs is called so, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from shape_magic.report import Fix, Report
from tests.differential.fixes import unsound
from tests.differential.recipes import Graph, Made, Node, Recipe, Style, source_of
from tests.differential.truth import run
from tests.differential.verdicts import checked, compared, is_broadcast

_HEAD = "import keras\nimport numpy as np\nfrom keras import layers\n"


def cell(layer: str, units: int = 3) -> str:
    """A model that is trained on labels of three numbers."""
    return (
        f"{_HEAD}model = keras.Sequential([layers.Input((8, 4)), layers.Flatten(), {layer}])  # größer\n"
        f"model.compile('sgd', 'binary_crossentropy')\n"
        f"y = np.zeros((4, {units}))\n"
        f"model.fit(np.zeros((4, 8, 4)), y, verbose=0)\n"
    )


FITS, FAILS = cell("layers.Dense(3)"), cell("layers.Dense(3)", units=5)
#: What is run, what is checked, and how that differs.
APART: Mapping[str, tuple[str, str, str | None]] = {
    "nothing": (FITS, FITS, None),
    "both fail": (FAILS, FAILS, None),
    "a false alarm": (FITS, FAILS, "false alarm"),
    "a miss": (FAILS, FITS, "missed"),
    "another shape": (FITS, cell("layers.Dense(5)", units=5), "rows"),
    "other weights": (FITS, cell("layers.Dense(3, use_bias=False)"), "parameters"),
    "an error of ours": (FITS, _HEAD + "nobody\n", "crash"),
}


@pytest.mark.parametrize("name", APART)
def test_what_differs_is_named(name: str) -> None:
    ran, looked_at, kind = APART[name]
    found = compared(run(ran), checked(looked_at))
    assert (found.kind if found is not None else None) == kind


def test_a_step_on_broadcast_shapes_is_known() -> None:
    for units, is_so in ((1, True), (3, False)):
        cells = cell("layers.Dense(3)", units).replace("binary_crossentropy", "mse")
        assert is_broadcast(run(cells), "mse") is is_so


def _report() -> Report:
    report = checked(FAILS).report
    assert isinstance(report, Report)
    assert report.diagnostics[0].fixes
    assert list(unsound(FAILS, report)) == []
    return report


def _with(report: Report, fix: Fix) -> Report:
    return replace(report, diagnostics=(replace(report.diagnostics[0], fixes=(fix,)),))


def test_a_fix_that_changes_what_it_does_not_say_is_unsound() -> None:
    report = _report()
    fix = report.diagnostics[0].fixes[0]
    assert fix.source is not None
    for source, why in (
        (fix.source.replace("größer", "grosser"), "not what its edits make"),
        (FAILS, "it changes nothing"),
        (fix.source + "(", "does not parse"),
        (fix.source + "model.predict(np.zeros((4, 3, 3)))\n", "verified, and raises"),
    ):
        found = [str(one) for one in unsound(FAILS, _with(report, replace(fix, source=source)))]
        assert any(why in text for text in found), (why, found)


def test_a_fix_that_promises_another_model_is_unsound() -> None:
    report = _report()
    fix = report.diagnostics[0].fixes[0]
    assert fix.effect is not None
    lies = replace(fix, effect=replace(fix.effect, params=1, output_shape=(None, 1)))
    found = " ".join(str(one) for one in unsound(FAILS, _with(report, lies)))
    assert "promised 1" in found
    assert "promised (None, 1)" in found


def test_recipes_are_written_in_every_style() -> None:
    """The same model, whatever it looks like."""
    inner = Graph("list", (), (Node(Made("Dropout", (0.5,))),))
    nodes = (Node(Made("Dense", (3,))), Node(inner, (0,)), Node(0, (1,)), Node(Made("Add"), (0, 2)))
    graph = Graph("functional", (((3,), "float32"),), nodes)
    counts = set()
    for spelling in ("layers", "keras", "bare", "tf"):
        for style in (Style(spelling), Style(spelling, comments=("# é",), wide=True), Style(spelling, joined=True)):
            outcome = run(source_of(Recipe(graph, style=style)))
            assert outcome.raised == ""
            counts.add((outcome.model.count_params(), len(outcome.model.layers)))
    assert counts == {(12, 4)}
