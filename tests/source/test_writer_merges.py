"""Layers on one input of a merge, loops ended earlier, wrappers taken off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shape_magic.repair.steps import EndLoop, InsertLayer, Unwrap, Wrap
from shape_magic.source.cells import apply_edits
from shape_magic.source.writer import Refused, write
from tests.source.harness import assert_refused, assert_written, marked, model_of

POOL = InsertLayer(0, "Pool", "2", input=1)
PROJECT = InsertLayer(0, "Conv2D", "8, 1", input=1, repeated="{other}.shape[-1], 1")


def merged(before: str, step: InsertLayer, inputs: int = 2) -> str | Refused:
    """The cell, but for its imports, after a layer was put on one of the inputs of its merge."""
    cell = marked(before)
    model = model_of([cell], kind="Functional")
    call = replace(model.calls[0], inputs=tuple(-1 - k for k in range(inputs)))
    edits = write((step,), replace(model, calls=(call,)), {0: cell.source}, lambda _, __: False)
    if isinstance(edits, Refused):
        return edits
    lines = apply_edits(cell.source, edits).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("from keras"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = ‹«Add()»([x, skip])›", "y = Add()([x, Pool(2)(skip)])"),
        ("y = ‹«Add()»((x, skip))›", "y = Add()((x, Pool(2)(skip)))"),
        ("y = ‹«Add()»(inputs=[x, skip])›", "y = Add()(inputs=[x, Pool(2)(skip)])"),
        ("y = ‹«layers.Add()»([x, f(skip)])›", "y = layers.Add()([x, layers.Pool(2)(f(skip))])"),
        ("y = ‹concatenate([x, skip], axis=3)›", "y = concatenate([x, Pool(2)(skip)], axis=3)"),
        ("y = ‹x + skip›", "y = x + Pool(2)(skip)"),
        ("y = ‹x + (a * b)›", "y = x + (Pool(2)(a * b))"),
        ("‹x += skip›", "x += Pool(2)(skip)"),
    ],
)
def test_a_layer_on_one_input(before: str, after: str) -> None:
    text = before if "«" in before else before + "\n«Add()»"
    outcome = merged(text, POOL)
    assert not isinstance(outcome, Refused), outcome.why
    assert outcome.split("\n")[0] == after


@pytest.mark.parametrize(
    "before",
    [
        "y = ‹«Add()»(tensors)›",
        "y = ‹«Add()»([*tensors])›",
        "y = ‹«Add()»([x, a, b])›",
        "y = [‹«Add()»([x, s])› for s in skips]",
        "for s in skips:\n    y = ‹«Add()»([x, s])›",
    ],
)
def test_inputs_that_are_not_written_out_are_left(before: str) -> None:
    assert isinstance(merged(before, POOL), Refused)


def test_a_merge_in_a_function_gets_a_layer_where_its_inputs_differ() -> None:
    before = "def block(x, skip):\n  y = ‹«Add()»([x, skip])›\n  return y\na = block(b, c)\nd = block(a, c)"
    wanted = (
        "def block(x, skip):\n  if skip.shape != x.shape:\n    skip = Conv2D(x.shape[-1], 1)(skip)\n"
        "  y = Add()([x, skip])\n  return y\na = block(b, c)\nd = block(a, c)"
    )
    assert merged(before, PROJECT) == wanted
    called_in_a_loop = before.replace("a = block(b, c)\nd = block(a, c)", "for c in cs:\n  b = block(b, c)")
    assert "if skip.shape != x.shape" in str(merged(called_in_a_loop, PROJECT))
    called_once = before.replace("\nd = block(a, c)", "")
    assert "Add()([x, Conv2D(8, 1)(skip)])" in str(merged(called_once, PROJECT))


def test_a_merge_in_a_loop_is_compared_by_what_a_join_takes() -> None:
    before = "while more:\n    x = up(x)\n    x = ‹«{}()»([x, skips[level - 1]])›\n"
    resize = replace(PROJECT, class_name="Resize", input=0, repeated="{other}.shape[1], {other}.shape[2]")
    resized = "x = Resize(skips[level - 1].shape[1], skips[level - 1].shape[2])(x)\n    x = "
    joined = merged(before.replace("{}", "Concatenate"), resize)
    assert f"    if x.shape[1:-1] != skips[level - 1].shape[1:-1]:\n        {resized}Concatenate" in str(joined)
    added = merged(before.replace("{}", "Add"), resize)
    assert f"    if x.shape != skips[level - 1].shape:\n        {resized}Add" in str(added)
    assert isinstance(merged(before.replace("{}", "Add").replace("skips[level - 1]", "skips.pop()"), resize), Refused)


# Loops.


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "for f in w:\n    m.add(Conv(f))\n    # head\n    m.add(«Flatten()»)\n\n    m.add(Dense(2))\nm.fit()",
            "for f in w:\n    m.add(Conv(f))\n# head\nm.add(Flatten())\n\nm.add(Dense(2))\nm.fit()",
        ),
        (
            "def net(x):\n\tfor f in w:\n\t\tx = Conv(f)(x)\n\t\tx = «Flatten()»(x)\n\t\tif deep:\n\t\t\tx = a(x)\n\treturn x",
            "def net(x):\n\tfor f in w:\n\t\tx = Conv(f)(x)\n\tx = Flatten()(x)\n\tif deep:\n\t\tx = a(x)\n\treturn x",
        ),
    ],
)
def test_a_loop_ended_earlier(before: str, after: str) -> None:
    assert_written(before, after, EndLoop(0))


@pytest.mark.parametrize(
    "before",
    [
        "m.add(«Flatten()»)",
        "for f in w:\n    m.add(«Flatten()»)",
        "for f in w: m.add(Conv(f)); m.add(«Flatten()»)",
        "for f in w:\n    m.add(Conv(f))\n    m.add(«Flatten()»)\n    if f: break",
        "for f in w:\n    m.add(Conv(f))\n    m.add(«Flatten()»)\n    note = '''a\n    b'''",
        "for f in w:\n    m.add(Conv(f))\n    m.add(«Flatten()»)\nelse:\n    pass",
    ],
)
def test_a_loop_that_must_stay(before: str) -> None:
    assert_refused(before, "loop", EndLoop(0))


# Wrappers.


def test_a_wrapper_taken_off() -> None:
    assert_written("m.add(«TimeDistributed(Dense(3))»)", "m.add(Dense(3))", Unwrap(0))
    assert_written("y = «TimeDistributed(layer=Dense(3), name='t')»(x)", "y = Dense(3)(x)", Unwrap(0))
    assert_refused("m.add(«TimeDistributed(*given)»)", "more layers", Unwrap(0))


def test_a_wrapper_put_on() -> None:
    wrap = Wrap(0, "TimeDistributed")
    imported = "from keras.layers import Flatten{}\n"
    assert_written(
        imported.format("") + "m.add(«Flatten()»)",
        imported.format(", TimeDistributed") + "m.add(TimeDistributed(Flatten()))",
        wrap,
    )
    assert_written("y = «layers.Flatten(name='f')»(x)", "y = layers.TimeDistributed(layers.Flatten(name='f'))(x)", wrap)
