"""The rules by their documents: every cell is checked, repaired, run in plain Keras, and shown to the magic.

``SHAPE_MAGIC_REWRITE=1`` writes the diagnostics and the fixed cells anew; read the difference
before you commit it.
"""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from shape_magic.report import Report
from shape_magic.rules import RULES
from tests.rules import documents, keras_here
from tests.rules.documents import BROKEN, FIXED, QUIET, Cell, Document

NAMES = tuple(rule.name for rule in RULES)
if os.environ.get("SHAPE_MAGIC_REWRITE") == "1":
    for rewrite in NAMES:
        documents.path_of(rewrite).write_text(documents.rewritten(rewrite), encoding="utf-8")
#: Rules that explain and offer no fix: what was meant, the shapes do not tell.
EXPLAINED = {
    "batch-axis-lost",
    "call-refused",
    "empty-axis",
    "layer-not-adapted",
}
#: What these cells build leaves nothing behind a window that is too large by one.
BUILT_BY_AN_OLDER_KERAS = {
    "strides-by-position/broken/nothing-left-after-two-of-them",
    "window-larger-than-input/broken/a-short-sequence",
    "window-larger-than-input/broken/a-window-spread-out-by-dilation",
    "window-larger-than-input/broken/blocks-made-in-a-loop",
    "layer-input-rank/broken/a-window-after-a-pooled-base",
    "nested-model-input/broken/a-generator-for-another-size",
}
PAGES = {name: documents.read(name) for name in NAMES if documents.path_of(name).exists()}
# Of the mode in which plain_keras runs: it holds for what is not data, as it should.
pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
CELLS = tuple(cell for page in PAGES.values() for cell in page.cells)


def cells_of(section: str, *, budget: bool = True) -> pytest.MarkDecorator:
    """A parameter for every cell of a section, named after it; ``budget``: also where the memory is made up."""
    cells = [cell for cell in CELLS if cell.section == section and (budget or cell.memory_budget is None)]
    return pytest.mark.parametrize("cell", cells, ids=[cell.id for cell in cells])


@pytest.fixture(autouse=True)
def of_this_keras(request: pytest.FixtureRequest) -> None:
    """A cell about something that this Keras does otherwise is passed over, with the reason."""
    cell = request.node.callspec.params.get("cell") if hasattr(request.node, "callspec") else None
    if isinstance(cell, Cell):
        keras_here.pass_over([cell.id])


def raises_late(cell: Cell) -> bool:
    """Whether this Keras builds the broken model of a cell, which newer ones refuse to build."""
    return bool(keras_here.lacking("windows")) and cell.id in BUILT_BY_AN_OLDER_KERAS


# -- the pages


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_all_its_parts(name: str) -> None:
    assert name in PAGES, "there is no page"
    assert documents.lacks(PAGES[name], name) == []


def test_every_page_belongs_to_a_rule() -> None:
    assert {path.stem.replace("_", "-") for path in documents.RULES.glob("*.md")} == set(NAMES)


# -- what the pages promise


def holds(complaints: list[str]) -> None:
    """Fail with the complaints in full."""
    if complaints:
        pytest.fail("\n".join(complaints))


@cells_of(BROKEN)
def test_a_broken_cell_gets_this_diagnostic(cell: Cell) -> None:
    holds(documents.broken_promises(cell))


@cells_of(BROKEN)
def test_the_first_fix_writes_the_fixed_cell(cell: Cell) -> None:
    fixed = PAGES[cell.rule].fixed(cell)
    assert fixed is not None
    holds(documents.fixed_promises(cell, fixed))


@cells_of(QUIET)
def test_a_correct_cell_is_left_alone(cell: Cell) -> None:
    holds(documents.quiet_promises(cell))


# -- plain Keras: what is called broken breaks, what is called right runs, and fixes do what they promise


@pytest.fixture
def plain_keras() -> Iterator[None]:
    """Keras as it is, told to run step by step: the same shapes meet, and no graph is compiled for a batch of 8."""
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


def run(source: str) -> dict[str, Any]:
    """The names after a cell was run by nothing but Python."""
    names = documents.namespace()
    exec(compile(source, "<cell>", "exec"), names)
    return names


def first_batch(model: Any) -> None:
    """Have a model predict for two samples, in a graph as ever: step by step, TensorFlow lets empty grids pass."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)
    inputs = model.inputs if model.built else model.layers[0].inputs
    model.predict(np.zeros((2, *inputs[0].shape[1:]), "float32"), verbose=0)


@pytest.mark.usefixtures("plain_keras")
@cells_of(QUIET)
def test_a_correct_cell_runs(cell: Cell) -> None:
    run(cell.source)


@pytest.mark.usefixtures("plain_keras")
@cells_of(FIXED)
def test_a_fixed_cell_runs(cell: Cell) -> None:
    run(cell.source)


@pytest.mark.usefixtures("plain_keras")
@cells_of(BROKEN, budget=False)
def test_an_error_raises_and_a_warning_does_not(cell: Cell) -> None:
    report = documents.checked(cell.source)
    if report.diagnostics[0].severity != "error":
        run(cell.source)
    elif raises_late(cell):
        model = run(cell.source)[report.models[report.diagnostics[0].model or 0].name]
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever Keras or its backend raises
            first_batch(model)
    else:
        with pytest.raises(Exception):  # noqa: B017, PT011
            run(cell.source)


@pytest.mark.usefixtures("plain_keras")
@cells_of(BROKEN)
def test_every_fix_trains_and_keeps_its_promise(cell: Cell) -> None:
    report = documents.checked(cell.source, cell.memory_budget)
    for diagnostic in report.diagnostics:
        for fix in diagnostic.fixes:
            assert fix.verified, fix.title
            assert fix.source is not None
            assert fix.effect is not None
            assert diagnostic.model is not None
            model = run(fix.source)[report.models[diagnostic.model].name]
            if not model.built:  # by an older Keras, of models that stand in a stack
                model.build(model.layers[0].inputs[0].shape)
            if len(model.outputs) == 1:  # of several outputs no single one is the model's
                assert model.output_shape[1:] == fix.effect.layers[-1].output_shapes[0][1:], fix.title
                assert fix.effect.output_shape in (None, model.output_shape), fix.title
            assert model.count_params() == fix.effect.params, fix.title


@pytest.mark.parametrize("name", NAMES)
def test_rules_with_fixes_show_one(name: str) -> None:
    by_hand = [cell.by_hand for cell in PAGES[name].of(FIXED)]
    assert all(by_hand) == (name in EXPLAINED)


# -- the other door: the same cells under the magic


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A fresh IPython with the extension loaded and the documents' imports done."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    config = Config()
    config.HistoryManager.hist_file = ":memory:"
    InteractiveShell.clear_instance()
    made: Any = InteractiveShell.instance(config=config)
    with capture_output():
        made.run_cell(f"%load_ext shape_magic\n{documents.IMPORTS}", store_history=True)
        yield made
        made.run_line_magic("unload_ext", "shape_magic")
    atexit.unregister(made.atexit_operations)  # hundreds of shells would each collect garbage at the end
    InteractiveShell.clear_instance()


def through_the_magic(shell: Any, source: str, memory_budget: int | None) -> tuple[Any, Any]:
    """What the magic shows for a cell, and how IPython says that the cell ended."""
    import keras

    keras.utils.clear_session(free_memory=False)  # layers are counted from the start
    notebook = shell.magics_manager.registry["ShapeMagics"].notebook
    notebook.settings.memory_budget = memory_budget or 0
    result = shell.run_cell(source, store_history=True)
    return notebook.last_report, result


def said(report: Report, *, below: int = 0) -> list[tuple[str, str, str, str, tuple[str, ...]]]:
    """What a person reads of a report; ``below`` lines stand above the cell that it was made of."""

    def lower(message: str) -> str:
        return re.sub(r"\(line (\d+)\)", lambda line: f"(line {int(line[1]) + below})", message)

    return [
        (d.rule, d.severity, d.title, lower(d.message), tuple(lower(f.title) for f in d.fixes))
        for d in report.diagnostics
    ]


#: A constructor that raises before there is a layer: in a notebook that stays Keras' own exception.
SAID_BY_KERAS = "layer-refuses-input/broken/an-argument-that-keras-can-t-use"


@pytest.mark.usefixtures("plain_keras")
@cells_of(BROKEN)
def test_the_magic_says_the_same_of_a_broken_cell(cell: Cell, shell: Any) -> None:
    wanted = documents.checked(cell.source, cell.memory_budget)
    report, result = through_the_magic(shell, f"%%shapecheck\n{cell.source}", cell.memory_budget)
    if cell.id == SAID_BY_KERAS:
        assert report is None
        assert type(result.error_in_exec) is ValueError
        return
    assert said(report) == said(wanted, below=1)
    stops = wanted.diagnostics[0].severity == "error" and not raises_late(cell)
    assert (result.error_in_exec is not None) == stops


@pytest.mark.usefixtures("plain_keras")
@cells_of(QUIET)
def test_the_magic_leaves_a_correct_cell_alone(cell: Cell, shell: Any) -> None:
    report, result = through_the_magic(shell, f"%%shapecheck -n\n{cell.source}", cell.memory_budget)
    result.raise_error()
    assert report.models
    assert said(report) == []


# -- this suite can fail

PAGE = """\
# dense-on-feature-map

A sentence that says what it finds.

## What it does

## Why is this bad

## Broken cell

### A table

```python
model = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
```

```text
error: Something else.

Other words.
```

## Fixed cell

### A table

```python
model = keras.Sequential([layers.Input((4,)), layers.Dense(3)])
```

## Not flagged

### A grid

```python
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Dense(2)])
```

## Fix safety
"""


@pytest.fixture(scope="module")
def wrong() -> Document:
    """A document in which no cell is what it is said to be."""
    return documents.parse(PAGE)


def test_a_wrong_page_fails(wrong: Document) -> None:
    broken, fixed, quiet = wrong.cells
    assert documents.lacks(wrong, "dense-on-feature-map") == []
    assert documents.broken_promises(broken) == ["found: []"]
    assert documents.fixed_promises(broken, fixed) == ["no fix is offered"]
    assert [text.partition(":")[0] for text in documents.quiet_promises(quiet)] == ["warning dense-on-feature-map"]


def test_wrong_words_and_a_wrong_fix_fail(wrong: Document) -> None:
    _, fixed, quiet = wrong.cells
    [diagnosis] = documents.broken_promises(quiet)
    assert diagnosis.startswith("the diagnostic is\nwarning: One answer per image, or one per position?\n\n`dense`")
    [writes] = documents.fixed_promises(quiet, fixed)
    assert writes.startswith("the first fix writes\n")
    assert "layers.Flatten()" in writes


def test_a_cell_without_a_model_is_no_example(wrong: Document) -> None:
    assert documents.quiet_promises(with_source(wrong.cells[2], "x = 1\n")) == ["no model was seen"]


def with_source(cell: Cell, source: str) -> Cell:
    """The cell with another text."""
    return Cell(cell.rule, cell.section, cell.title, source, cell.lines)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# dense-on", "# dense-off", "the first line names 'dense-off-feature-map'"),
        ("A sentence", "a sentence", "the third line is no sentence that says what the rule finds"),
        ("## Fix safety\n", "", f"the sections are {documents.SECTIONS[:-1]}"),
        ("```text\n", "```\n", "no diagnostic after 'A table'"),
        ("### A grid\n\n", "### A grid\n\n```python\n```\n\n", "two cells are dense-on-feature-map/not/a-grid"),
    ],
)
def test_a_part_that_is_missing_is_missed(old: str, new: str, complaint: str) -> None:
    assert PAGE.count(old) == 1
    found = documents.lacks(documents.parse(PAGE.replace(old, new)), "dense-on-feature-map")
    assert found == [complaint]


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        (BROKEN, "no broken cell"),
        (FIXED, "no fixed cell for 'A table'"),
        (QUIET, "no example of what is not flagged"),
    ],
)
def test_a_section_without_cells_is_missed(section: str, complaint: str) -> None:
    cells = tuple(cell for cell in documents.parse(PAGE).cells if cell.section != section)
    page = Document("dense-on-feature-map", "A sentence that says it.", documents.SECTIONS, cells)
    assert complaint in documents.lacks(page, "dense-on-feature-map")


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing is known of the option 'budget=1'"):
        documents.parse(PAGE.replace("```python", "```python budget=1", 1))
