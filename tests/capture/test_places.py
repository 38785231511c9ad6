"""Where each layer was written, in every style of writing, and whether that text may be edited."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from shape_magic import check_cells
from shape_magic.capture import book as book_module
from shape_magic.capture.book import Book, Place
from shape_magic.facts import Model
from shape_magic.report import Report
from shape_magic.source.cells import text_of
from shape_magic.spans import Span

IMPORTS = "import functools\nimport keras\nfrom keras import layers\nfrom keras import layers as L\n"
HELPER = "def helper(n):\n    return layers.Dense(n)\n"
INPUT = "layers.Input((8,))"

#: The cell, then for each layer the text of its constructor call, and whether it may be edited.
STYLES: Mapping[str, tuple[str, list[tuple[str, bool]]]] = {
    "list": (
        f"m = keras.Sequential([{INPUT}, layers.Dense(3), layers.Dense(4)])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "add": (
        f"m = keras.Sequential()\nm.add({INPUT})\nm.add(layers.Dense(3))\nm.add(layer=layers.Dense(4))",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "loop": (
        f"m = keras.Sequential([{INPUT}])\nfor n in (3, 4):\n    m.add(layers.Dense(n))",
        [("layers.Dense(n)", True)] * 2,
    ),
    "comprehension": (
        f"m = keras.Sequential([{INPUT}] + [layers.Dense(n) for n in (3, 4)])",
        [("layers.Dense(n)", True)] * 2,
    ),
    "star": (
        f"rest = [layers.Dense(3), layers.Dense(4)]\nm = keras.Sequential([{INPUT}, *rest])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "nested": (
        f"m = keras.Sequential([{INPUT}, keras.Sequential([layers.Dense(3)]), layers.Dense(4)])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "tf.keras": (
        "import tensorflow as tf\nm = tf.keras.Sequential([tf.keras.layers.Input((8,)), tf.keras.layers.Dense(3), tf.keras.layers.Dense(4)])",
        [("tf.keras.layers.Dense(3)", True), ("tf.keras.layers.Dense(4)", True)],
    ),
    "alias": (
        f"D = layers.Dense\nm = keras.Sequential([{INPUT}, D(3), L.Dense(4)])",
        [("D(3)", True), ("L.Dense(4)", True)],
    ),
    "two statements on a line": (
        f"m = keras.Sequential([{INPUT}]); m.add(layers.Dense(3)); m.add(layers.Dense(4))",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "Unicode before it": (
        f"größe = '😀é'; m = keras.Sequential([{INPUT}, layers.Dense(3, activation='ré'[0] + 'elu'), layers.Dense(4)])",
        [("layers.Dense(3, activation='ré'[0] + 'elu')", True), ("layers.Dense(4)", True)],
    ),
    "several lines": (
        f"m = keras.Sequential([\n    {INPUT},\n    layers.Dense(\n        3,\n    ),\n    layers.Dense(4),\n])",
        [("layers.Dense(\n        3,\n    )", True), ("layers.Dense(4)", True)],
    ),
    "functional": (
        "i = keras.Input((8,))\no = layers.Dense(4)(layers.Dense(3)(i))\nm = keras.Model(i, o)",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "one layer called twice": (
        "i = keras.Input((8,))\nd = layers.Dense(8)\nm = keras.Model(i, d(d(i)))",
        [("layers.Dense(8)", True)] * 2,
    ),
    "lambda": (
        f"make = lambda n: layers.Dense(n)\nm = keras.Sequential([{INPUT}, make(3), make(4)])",
        [("layers.Dense(n)", True)] * 2,
    ),
    "conditional and walrus": (
        f"m = keras.Sequential([{INPUT}, layers.Dense(3) if True else None, (last := layers.Dense(4))])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "own subclass": (
        f"class Mine(layers.Dense):\n    pass\nm = keras.Sequential([{INPUT}, Mine(3), layers.Dense(4)])",
        [("Mine(3)", True), ("layers.Dense(4)", True)],
    ),
    "indented cell": (
        f"    m = keras.Sequential([{INPUT}, layers.Dense(3), layers.Dense(4)])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "magic and shell lines": (
        f"%config x\n!true\nfiles = !ls\nm = keras.Sequential([{INPUT}, layers.Dense(3), layers.Dense(4)])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "top-level await": (
        f"import asyncio\nawait asyncio.sleep(0)\nm = keras.Sequential([{INPUT}, layers.Dense(3), layers.Dense(4)])",
        [("layers.Dense(3)", True), ("layers.Dense(4)", True)],
    ),
    "partial": (
        f"P = functools.partial(layers.Dense, use_bias=False)\nm = keras.Sequential([{INPUT}, P(3), P(4)])",
        [("P(3)", False), ("P(4)", False)],
    ),
    "getattr and a table": (
        f"m = keras.Sequential([{INPUT}, getattr(layers, 'Dense')(3), {{'d': layers.Dense}}['d'](4)])",
        [("getattr(layers, 'Dense')(3)", False), ("{'d': layers.Dense}['d'](4)", False)],
    ),
    "from_config": (
        f"m = keras.Sequential([{INPUT}, layers.Dense.from_config({{'units': 3}}), layers.Dense(4)])",
        [("layers.Dense.from_config({'units': 3})", False), ("layers.Dense(4)", True)],
    ),
}


def only_model(report: Report) -> Model:
    """The model of a report that should have just one."""
    assert len(report.models) == 1
    return report.models[0]


def text(report: Report, span: Span | None) -> str | None:
    """The text at a span, with the indentation of following lines as it stands."""
    if span is None or span.cell is None:
        return None
    return text_of(report.sources[span.cell], span)


@pytest.mark.parametrize("style", STYLES)
def test_the_constructor_call_of_each_layer(style: str) -> None:
    cell, expected = STYLES[style]
    report = check_cells([IMPORTS, cell], dry_run=True)
    calls = only_model(report).calls
    assert [(text(report, call.span), call.exact) for call in calls] == expected
    assert {call.span.cell for call in calls if call.span} == {1}


def test_a_helper_of_an_earlier_cell_is_where_the_layer_is_written() -> None:
    report = check_cells(
        [IMPORTS + HELPER, f"m = keras.Sequential([{INPUT}, helper(3), layers.Dense(4)])"], dry_run=True
    )
    calls = only_model(report).calls
    assert [(text(report, c.span), c.exact, c.span.cell if c.span else None) for c in calls] == [
        ("layers.Dense(n)", True, 0),
        ("layers.Dense(4)", True, 1),
    ]
    assert [text(report, c.placed) for c in calls] == ["helper(3)", "layers.Dense(4)"]


def test_map_names_no_constructor_call() -> None:
    report = check_cells([IMPORTS, f"m = keras.Sequential([{INPUT}, *map(layers.Dense, (3, 4))])"], dry_run=True)
    assert [call.exact for call in only_model(report).calls] == [False, False]


def test_a_helper_in_a_file_is_not_edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "their_helpers.py").write_text(
        "from keras import layers\n\ndef dense(n):\n    return layers.Dense(n)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    cells = [
        IMPORTS + "import numpy as np, their_helpers\n",
        "m = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), their_helpers.dense(10)])\n"
        "m.compile('adam', 'categorical_crossentropy')\nm.fit(np.zeros((4, 8, 8, 1)), np.eye(10)[:4])\n",
    ]
    report = check_cells(cells, dry_run=True)
    sys.modules.pop("their_helpers", None)
    call = only_model(report).calls[-1]
    assert (text(report, call.span), call.exact) == ("their_helpers.dense(10)", False)
    assert report.diagnostics[0].rule == "dense-on-feature-map"
    for fix in report.diagnostics[0].fixes:  # inserting before it is fine: the list stands in the cell
        assert "their_helpers.dense(10)" in (fix.source or "their_helpers.dense(10)")
    assert "layers.Dense(n)" in (tmp_path / "their_helpers.py").read_text()


def test_layers_of_keras_own_helpers_stand_at_the_users_call() -> None:
    cell = "base = keras.applications.MobileNetV2((32, 32, 3), weights=None, include_top=False)"
    report = check_cells([IMPORTS, cell], dry_run=True)
    calls = only_model(report).calls
    assert len(calls) > 100
    assert not any(call.exact for call in calls)
    assert {text(report, call.span) for call in calls} == {cell.removeprefix("base = ")}


def test_where_a_layer_enters_the_model() -> None:
    cell = dedent("""\
        i = keras.Input((8,))
        first = layers.Dense(8)
        h = first(i)
        h = first(h)
        m = keras.Model(i, h)
    """)
    report = check_cells([IMPORTS, cell], dry_run=True)
    assert [text(report, c.placed) for c in only_model(report).calls] == ["first(i)", "first(h)"]
    added = check_cells([IMPORTS, f"m = keras.Sequential([{INPUT}])\nd = layers.Dense(3)\nm.add(d)"], dry_run=True)
    assert [text(added, c.placed) for c in only_model(added).calls] == ["m.add(d)"]
    listed = check_cells([IMPORTS, f"d = layers.Dense(3)\nm = keras.Sequential([{INPUT}, d])"], dry_run=True)
    assert [text(listed, c.placed) for c in only_model(listed).calls] == ["d"]


def test_the_call_and_its_arguments_have_places() -> None:
    cells = [
        IMPORTS + "import numpy as np\nx, y = np.zeros((4, 8)), np.zeros((4, 3))\n",
        f"größe = 'ü'; m = keras.Sequential([{INPUT}, layers.Dense(3)])\nm.compile(loss='mse')\n",
        "h = m.fit(\n    x * 1.0,\n    y=y,\n    epochs=2,\n)",
    ]
    report = check_cells(cells, dry_run=True)
    contract = only_model(report).contract
    assert contract is not None
    assert text(report, contract.span) == "m.fit(\n    x * 1.0,\n    y=y,\n    epochs=2,\n)"
    assert text(report, contract.compile_span) == "m.compile(loss='mse')"
    assert [(d.name, text(report, d.span)) for d in contract.x + contract.y] == [("x * 1.0", "x * 1.0"), ("y", "y")]
    assert (contract.method, contract.epochs) == ("fit", 2)


def test_the_name_is_the_variable_that_holds_the_model() -> None:
    named = check_cells([IMPORTS, f"net = keras.Sequential([{INPUT}, layers.Dense(3)], name='inside')"], dry_run=True)
    assert (only_model(named).name, only_model(named).keras_name) == ("net", "inside")
    broken = check_cells([IMPORTS, f"net = keras.Sequential([{INPUT}, layers.Conv2D(3, 3)])"], dry_run=True)
    assert only_model(broken).name == "net"
    made = check_cells(
        [IMPORTS, f"def build():\n    return keras.Sequential([{INPUT}, layers.Dense(3)])\nnet = build()"]
    )
    assert only_model(made).name == "net"


def place_of(book: Book, source: str, filename: str) -> Place | None:
    """The place of the call of ``mark()`` in code that was compiled under a file name."""
    found: list[Place | None] = []
    scope = {"mark": lambda: found.append(book.place(sys._getframe(1)))}
    exec(compile(source, filename, "exec"), scope)
    return found[0]


def test_the_book_knows_cells_and_nothing_else() -> None:
    book = Book()
    book.add(0, "é = 1; mark()\n", "cell 1", "<cell 0>")
    place = place_of(book, "é = 1; mark()\n", "<cell 0>")
    assert place is not None
    assert place.span == Span(0, 1, 7, 1, 13)
    assert place_of(Book(), "mark()\n", "<elsewhere>") is None


def test_a_changed_source_gives_no_place_instead_of_an_error() -> None:
    book = Book()
    book.add(0, "x", "cell 1", "<cell 0>")
    assert place_of(book, "\n\nmark()\n", "<cell 0>") is None


def test_a_call_in_a_loop_is_located_once_and_a_long_cell_is_read_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counter[str]()

    def counted(name: str, function: Any) -> Any:
        return lambda *args: (counts.update([name]), function(*args))[1]

    monkeypatch.setattr(Book, "_located", counted("located", Book._located))
    monkeypatch.setattr(book_module, "_Positions", counted("begun", book_module._Positions))
    book, source = Book(), "for _ in range(50):\n    mark()\n" + "mark()\n" * 50
    book.add(0, source, "cell 1", "<cell 0>")
    found: list[Place | None] = []
    exec(compile(source, "<cell 0>", "exec"), {"mark": lambda: found.append(book.place(sys._getframe(1)))})
    assert [place.span.start_line for place in found if place] == [2] * 50 + list(range(3, 53))
    assert counts == {"located": 51, "begun": 1}


def test_only_the_last_cells_keep_their_syntax() -> None:
    book = Book()
    for number in range(40):
        assert book.add(number, "mark()", f"cell {number}").syntax.tree is not None
    book.forget_old_syntax()
    assert sum("tree" in vars(cell.syntax) for cell in book.cells.values()) == 16
    assert all(cell.syntax.calls for cell in book.cells.values())
