"""What stands in a stack and is no layer: all of it mended by one fix, and nothing told of what was made."""

from __future__ import annotations

import pytest

from shape_magic import check_cell
from shape_magic.report import Report
from shape_magic.source.cells import apply_edits


def checked(cell: str) -> Report:
    """The report of a cell that knows Keras."""
    return check_cell("import keras\nimport numpy as np\nfrom keras import layers\n" + cell, {}, dry_run=True)


@pytest.mark.parametrize(
    ("items", "mended", "safety"),
    [
        ("layers.Flatten, layers.Dense(2), layers.ReLU", "layers.Flatten(), layers.Dense(2), layers.ReLU()", "safe"),
        (
            "layers.Flatten, layers.Dense(2), 'relu'",
            "layers.Flatten(), layers.Dense(2), layers.Activation('relu')",
            "choice",
        ),
        (
            "layers.Dense(2, activaton='relu'), layers.Flatten",
            "layers.Dense(2, activation='relu'), layers.Flatten()",
            "choice",
        ),
    ],
    ids=["two classes", "a class and a word", "a name and a class"],
)
def test_one_fix_mends_all_of_them_and_is_as_safe_as_the_least_of_its_parts(
    items: str, mended: str, safety: str
) -> None:
    cell = f"model = keras.Sequential([layers.Input((4, 4)), {items}])"
    fix = checked(cell).diagnostics[0].fixes[0]
    assert (fix.verified, fix.safety) == (True, safety)
    source = "import keras\nimport numpy as np\nfrom keras import layers\n" + cell
    assert apply_edits(source, fix.edits).endswith(f"[layers.Input((4, 4)), {mended}])")


def test_what_is_added_is_named_by_its_own_line() -> None:
    report = checked("model = keras.Sequential()\nmodel.add(layers.Dense(2))\nmodel.add(layers.Dense)")
    (found,) = report.diagnostics
    assert (found.rule, found.span and found.span.start_line) == ("no-layer-in-stack", 6)


def test_what_a_list_holds_by_now_is_not_what_the_stack_was_made_of() -> None:
    found = checked(
        "stack = [layers.Input((8,)), layers.Dense(3)]\nmodel = keras.Sequential(stack)\nstack.append('later')\n"
        "model(np.zeros((2, 7)))"
    ).diagnostics
    assert [one.rule for one in found] == ["model-refuses-data"]


def test_an_element_that_is_not_written_out_is_named_by_its_place() -> None:
    (found,) = checked("stack = [layers.Dense(3), None]\nmodel = keras.Sequential(stack)").diagnostics
    assert "`stack[1]`" in found.message
    assert found.fixes == ()


def test_a_layer_that_reads_like_a_template_is_left_to_its_author() -> None:
    cell = "x = keras.Input((8,))\nmodel = keras.Sequential([x, layers.Lambda(lambda t: [t, {}][0])(x)])"
    (found,) = checked(cell).diagnostics
    assert (found.rule, found.fixes) == ("no-layer-in-stack", ())
