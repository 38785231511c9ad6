"""``compare``: models side by side, the same in words, HTML, figure and data; nothing of them is built."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import keras
import matplotlib as mpl
import numpy as np
import pytest
from keras import layers
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

import shape_magic
from shape_magic import compare
from shape_magic.alignment import align, brought
from shape_magic.comparison import Comparison, differences
from shape_magic.display.compare_text import render_comparison
from shape_magic.display.compare_view import build_comparison, ratio
from shape_magic.errors import UsageError
from tests import samples


def net(*tail: Any, size: int = 28) -> Any:
    head = [layers.Input((size, size, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([*head, layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(), *tail])


def dense(units: int = 10) -> Any:
    return layers.Dense(units, activation="softmax")


def flatten_net() -> Any:
    return net(layers.Flatten(), dense())


def average_net() -> Any:
    return net(layers.GlobalAveragePooling2D(), dense())


@pytest.fixture(scope="module")
def pair() -> Comparison:
    return compare(flatten=flatten_net(), average=average_net())


@pytest.fixture(scope="module")
def four() -> Comparison:
    wide = net(layers.Flatten(), layers.Dropout(0.5), layers.Dense(128), dense(), size=32)
    small = keras.Sequential([layers.Input((28, 28, 1)), layers.Conv2D(8, 3), layers.GlobalMaxPooling2D(), dense()])
    return compare(flatten=flatten_net(), average=average_net(), wide=wide, small=small)


@pytest.fixture(scope="module")
def deep() -> Comparison:
    """A model of 155 layers, and two others."""
    half = keras.applications.MobileNetV2(weights=None, alpha=0.5)
    return compare(mobile=keras.applications.MobileNetV2(weights=None), half=half, average=average_net())


def rows_of(comparison: Comparison) -> list[tuple[str, ...]]:
    """The rows by the classes of their layers."""
    return [
        tuple(m.calls[at].class_name if at is not None else "-" for m, at in zip(comparison.models, row, strict=True))
        for row in comparison.rows
    ]


# -- what is compared


def test_two_models_side_by_side(pair: Comparison) -> None:
    assert rows_of(pair) == [
        ("Conv2D", "Conv2D"),
        ("MaxPooling2D", "MaxPooling2D"),
        ("Conv2D", "Conv2D"),
        ("MaxPooling2D", "MaxPooling2D"),
        ("Flatten", "GlobalAveragePooling2D"),
        ("Dense", "Dense"),
    ]
    assert [differences(pair, row) for row in pair.rows] == [(), (), (), (), ("layer", "shape"), ("params",)]


def test_the_numbers_are_those_of_keras() -> None:
    built = [flatten_net(), average_net()]
    comparison = compare(*built)
    for model, side in zip(built, comparison.models, strict=True):
        assert side.params == model.count_params()
        assert side.bytes == sum(w.numpy().nbytes for w in model.weights)
        outputs = keras.Model(model.inputs, [layer.output for layer in model.layers])(
            np.zeros((1, 28, 28, 1), "float32")
        )
        assert side.activations == sum(np.asarray(output).nbytes for output in outputs)


def test_activations_are_counted_in_the_type_that_layers_compute_in() -> None:
    half = keras.Sequential([layers.Input((8,)), layers.Dense(4, dtype="mixed_float16"), layers.Dense(2)])
    whole = keras.Sequential([layers.Input((8,)), layers.Dense(4), layers.Dense(2)])
    assert [m.activations for m in compare(half, whole).models] == [4 * 2 + 2 * 4, 6 * 4]


def test_an_open_axis_has_no_memory() -> None:
    open_time = keras.Sequential([layers.Input((None, 8)), layers.LSTM(4, return_sequences=True), layers.LSTM(2)])
    fixed = keras.Sequential([layers.Input((5, 8)), layers.LSTM(2)])
    comparison = compare(open_time, fixed)
    assert [m.activations for m in comparison.models] == [None, 8]
    assert "depends on an open axis" in str(comparison)


def test_nothing_is_built_or_changed() -> None:
    unbuilt = keras.Sequential([layers.Dense(4), layers.Dense(2)])
    other = average_net()
    before = other.get_config(), [w.copy() for w in other.get_weights()]
    comparison = compare(unbuilt, other, x=(None, 6))
    assert comparison.models[0].params == 6 * 4 + 4 + 4 * 2 + 2
    assert not unbuilt.built
    assert not unbuilt.layers[0].built
    assert other.get_config() == before[0]
    assert all((a == b).all() for a, b in zip(before[1], other.get_weights(), strict=True))


def test_weights_that_no_memory_holds_are_compared() -> None:
    huge = keras.Sequential([layers.Flatten(), layers.Dense(100_000)])
    small = keras.Sequential([layers.Dense(10)])
    assert compare(huge, small, x=(None, 1_000_000)).models[0].bytes > 3 * 10**11


def test_x_may_be_an_array() -> None:
    stack = keras.Sequential([layers.Dense(4)])
    assert compare(stack, average_net(), x=np.zeros((3, 6), "float32")).models[0].outputs == ((None, 4),)


def test_functional_and_sequential_models() -> None:
    start = keras.Input((8,))
    branch = layers.Add()([layers.Dense(4)(start), layers.Dense(4)(start)])
    functional = keras.Model(start, layers.Dense(2)(branch))
    stack = keras.Sequential([layers.Input((8,)), layers.Dense(4), layers.Dense(2)])
    comparison = compare(functional, stack)
    assert [m.kind for m in comparison.models] == ["Functional", "Sequential"]
    assert ("Add", "-") in rows_of(comparison)


def test_a_model_that_does_not_work_is_compared_and_named() -> None:
    bad = net(dense())
    bad.compile("adam", "categorical_crossentropy")
    broken = keras.Sequential([layers.Dense(4), layers.Conv2D(2, 3)])
    comparison = compare(broken, average_net(), x=(None, 6))
    assert comparison.models[0].broken
    assert "not reached" in str(comparison)
    assert f"✗ broken does not work: {comparison.models[0].broken}" in str(comparison)


# -- names


def test_they_are_called_by_the_callers_variables() -> None:
    flat, pooled = flatten_net(), average_net()
    assert [m.name for m in compare(flat, pooled).models] == ["flat", "pooled"]
    assert [m.name for m in compare(flat, other=pooled).models] == ["flat", "other"]
    models = [keras.Sequential([layers.Input((3,)), dense()], name=name) for name in ("one", "two")]
    assert [m.name for m in compare(*models).models] == ["one", "two"]


def test_the_same_name_twice_gets_a_number() -> None:
    models = [keras.Sequential([layers.Input((3,)), dense()], name="net") for _ in range(3)]
    assert [m.name for m in compare(*models).models] == ["net", "net (2)", "net (3)"]
    same = models[0]
    assert [m.name for m in compare(same, same).models] == ["same", "same (2)"]


# -- what is refused


@pytest.mark.parametrize("count", [0, 1])
def test_one_model_is_too_few(count: int) -> None:
    with pytest.raises(UsageError, match=f"two models or more, and got {count}"):
        compare(*[flatten_net()] * count)


@pytest.mark.parametrize("thing", [None, 3, "model", layers.Dense(2), keras.Model])
def test_what_is_no_model_is_named(thing: Any) -> None:
    with pytest.raises(UsageError, match="thing is none") as raised:
        compare(flatten_net(), thing)
    assert "\n" not in str(raised.value)


def test_a_model_without_an_input_asks_for_it() -> None:
    stack = keras.Sequential([layers.Dense(4)])
    with pytest.raises(UsageError, match=r"input of stack is not known yet.*x=\(None, 28, 28, 1\)"):
        compare(stack, flatten_net())


def test_a_model_with_a_call_of_its_own_is_refused_by_its_name() -> None:
    class Own(keras.Model):
        def call(self, x: Any) -> Any:
            return x

    own = Own()
    with pytest.raises(UsageError, match="input of own is not known"):
        compare(own, flatten_net())
    with pytest.raises(UsageError, match="own has a call of its own"):
        compare(own, flatten_net(), x=(None, 28, 28, 1))


# -- alignment


def calls_of(text: str) -> Any:
    """Calls by a letter each: equal letters are equal layers."""
    return samples.chain((None, 4), *((letter, letter, "", (None, 4), 0) for letter in text))


def lined_up(*models: str) -> list[str]:
    """Each model with a gap where others have a layer."""
    rows = align([calls_of(text) for text in models])
    return [
        "".join(text[row[k]] if row[k] is not None else "-" for row in rows)  # type: ignore[index]
        for k, text in enumerate(models)
    ]


@pytest.mark.parametrize(
    ("models", "wanted"),
    [
        (("CPCPFD", "CPCPGD"), ["CPCPFD", "CPCPGD"]),
        (("CPFD", "CPCPFD"), ["CP--FD", "CPCPFD"]),
        (("ABC", "ABC"), ["ABC", "ABC"]),
        (("", "AB"), ["--", "AB"]),
        (("AB", ""), ["AB", "--"]),
        (("ABC", "AC", "ABXC"), ["AB-C", "A--C", "ABXC"]),
        (("AC", "ABC", "AXC"), ["A-C", "ABC", "AXC"]),
    ],
)
def test_equal_layers_stand_beside_each_other(models: tuple[str, ...], wanted: list[str]) -> None:
    assert lined_up(*models) == wanted


@pytest.mark.parametrize(
    ("before", "after", "label", "wanted"),
    [
        ("CPCPD", "CPCPFD", "F()", [4]),
        ("CPCPD", "CPCPD", "padding='same'", []),
        ("CPD", "CPGD", "G", [2]),
        ("CP", "CPFDD", "F()", [2]),  # what stands past the break was never traced
        ("CFFD", "CFFFD", "F()", [3]),
        ("CAD", "CBD", "B(3)", [1]),
    ],
)
def test_a_repair_brings_layers_of_its_own_class(before: str, after: str, label: str, wanted: list[int]) -> None:
    assert list(brought(calls_of(before), calls_of(after), label)) == wanted


def test_every_layer_is_in_one_row_and_in_its_models_order(deep: Comparison) -> None:
    for k, model in enumerate(deep.models):
        column = [row[k] for row in deep.rows if row[k] is not None]
        assert column == list(range(len(model.calls)))
    assert all(any(at is not None for at in row) for row in deep.rows)


# -- data


def test_a_comparison_is_frozen_data(pair: Comparison) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.rows = ()  # type: ignore[misc]
    data = json.loads(json.dumps(pair.to_dict(), allow_nan=False))
    assert [m["name"] for m in data["models"]] == ["flatten", "average"]
    assert [m["params"] for m in data["models"]] == [34826, 19466]
    assert data["rows"][4] == {"layers": [4, 4], "differs": ["layer", "shape"]}
    assert data["models"][0]["layers"][0]["output_shape"] == [None, 26, 26, 32]


# -- text


def test_the_text_says_what_differs_and_by_how_much(pair: Comparison) -> None:
    text = str(pair)
    for said in ("Flatten", "GlobalAveragePooling2D", "differs: layer, shape", "differs: params", "34,826", "136 KiB"):
        assert said in text
    assert "average has 0.56 × the parameters of flatten, and its layers' outputs take 0.96 × the memory." in text
    marked = [line for line in text.splitlines() if line.startswith("≠")]
    assert [line.split()[1] for line in marked] == ["Flatten", "Dense"]


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_text_keeps_to_the_terminal_and_shows_all_models(four: Comparison, width: int) -> None:
    text = render_comparison(four, width=width)
    assert max(map(len, text.splitlines())) <= width
    for said in ("flatten", "average", "wide", "small", "only in wide", "295,040", "(None, 2304)"):
        assert said in text
    assert text.isprintable() or all(line.isprintable() for line in text.splitlines())


def test_the_text_can_be_written_anywhere(pair: Comparison) -> None:
    render_comparison(pair, encoding="ascii").encode("ascii")


def test_a_long_comparison_stays_readable_and_loses_no_layer(deep: Comparison) -> None:
    view = build_comparison(deep, 30)
    assert len(view.lines) <= 35
    for k, model in enumerate(deep.models):
        shown = [line.cells[k] for line in view.lines[1:]]
        counts = [int(c.title.split()[0]) if c.folded else 1 for c in shown if c]
        assert sum(counts) == len(model.calls)
        params = [int(c.params.replace(",", "")) for c in shown if c and c.params]
        assert sum(params) == model.params
    numbers = [int(n) for line in view.lines[1:] for n in line.number.split("–")]
    assert numbers == sorted(numbers)
    assert numbers[-1] == len(deep.rows)


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (56, 100, "0.56"),
        (1, 1, "1"),
        (999, 1000, "0.9990"),
        (1001, 1000, "1.0010"),
        (1, 400, "0.0025"),
        (12345, 1, "12,345"),
        (3, 2, "1.50"),
    ],
)
def test_a_ratio_is_rounded_to_what_is_true(part: int, whole: int, said: str) -> None:
    assert ratio(part, whole) == said


# -- HTML


def parsed(comparison: Comparison) -> ElementTree.Element:
    """The HTML, which is well-formed."""
    return ElementTree.fromstring(comparison._repr_html_().replace("<br>", "<br/>"))


def test_the_table_has_a_caption_and_headers(four: Comparison) -> None:
    (table,) = parsed(four).iter("table")
    assert [child.tag for child in table] == ["caption", "thead", "tbody", "tfoot"]
    assert [th.text for th in table.findall("thead/tr/th[@scope='col']")] == [
        "row",
        "flatten",
        "average",
        "wide",
        "small",
        "what differs",
    ]
    for row in [*table.findall("tbody/tr"), *table.findall("tfoot/tr")]:
        assert len(row) == 6
        assert row[0].tag == "th"
        assert row[0].get("scope") == "row"
        assert row[0].text
    notes = ["".join(row[-1].itertext()) for row in table.findall("tbody/tr")]
    assert "≠ only in wide" in notes


def test_without_styles_it_reads_the_same(pair: Comparison) -> None:
    plain = re.sub(r' style="[^"]*"', "", pair._repr_html_())
    text = " ".join(ElementTree.fromstring(plain.replace("<br>", "<br/>")).itertext())
    for said in ("≠ differs: layer, shape", "(None, 26, 26, 32)", "320 params", "34,826", "136 KiB", "0.56 ×"):
        assert said in text


def test_a_users_string_is_text_everywhere() -> None:
    hostile = "<img src=x onerror=alert(1)>\x1b[31m"
    comparison = compare(**{hostile: flatten_net(), "$x^2$": average_net()})
    html = comparison._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
    for text in (html, str(comparison)):
        assert "\x1b" not in text
    drawn(comparison.plot())


def test_a_cells_value_is_text_and_html_and_tagged_as_ours(pair: Comparison, ipython: Any) -> None:
    formatter: Any = ipython.display_formatter
    data, metadata = formatter.format(pair)
    assert data["text/plain"] == str(pair)
    assert data["text/html"] == pair._repr_html_()
    assert metadata["shape_magic"]
    assert repr(pair) == "<Comparison of flatten: 34,826, average: 19,466 params>"


# -- the figure


def drawn(figure: Figure) -> list[Text]:
    """Every text that is seen; drawing may not fail."""
    FigureCanvasAgg(figure).draw()
    return [text for axes in figure.axes for text in axes.texts if text.get_text()]


def boxes(figure: Figure, label: str) -> list[FancyBboxPatch]:
    return [box for box in figure.findobj(FancyBboxPatch) if str(box.get_label()).startswith(label)]


@pytest.mark.parametrize("name", ["pair", "four", "deep"])
def test_everything_is_on_the_figure_and_nothing_leaves_or_covers(name: str, request: pytest.FixtureRequest) -> None:
    comparison: Comparison = request.getfixturevalue(name)
    figure = comparison.plot()
    texts = drawn(figure)
    said = " ".join(text.get_text() for text in texts)
    for model in comparison.models:
        assert model.name in said
        assert f"{model.params:,}" in said
    places = [text.get_window_extent() for text in texts]
    page = figure.bbox
    assert all(page.x0 <= p.x0 and p.x1 <= page.x1 and page.y0 <= p.y0 and p.y1 <= page.y1 for p in places)
    for k, one in enumerate(places):
        for other in places[k + 1 :]:
            assert not (one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1)
    width, height = figure.get_size_inches()
    assert 1.2 < width / height < 2.4


def test_what_differs_is_framed_and_marked_in_words(pair: Comparison) -> None:
    figure = pair.plot()
    texts = [text.get_text() for text in drawn(figure)]
    assert "≠ differs: layer, shape" in texts
    assert "≠ differs: params" in texts
    assert len(boxes(figure, "row differs")) == 2
    assert len(boxes(figure, "row alike")) == 12


def test_the_bars_are_as_long_as_the_numbers(pair: Comparison) -> None:
    bars = boxes(pair.plot(), "bar")
    lengths = [float(bar.get_width()) for bar in bars]
    sums = [n for m in zip(*((m.params, m.bytes, m.activations) for m in pair.models), strict=True) for n in m]
    for (first, second), (a, b) in zip(list(pairwise(lengths))[::2], list(pairwise(sums))[::2], strict=True):
        assert second / first == pytest.approx(int(b or 0) / int(a or 0), rel=0.01)


def test_matplotlib_is_left_as_it_was(pair: Comparison) -> None:
    before = dict(mpl.rcParams)
    figure = pair.plot()
    assert isinstance(figure, Figure)
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_naming_it_imports_nothing_heavy() -> None:
    check = "import sys, shape_magic; shape_magic.compare; print({'keras', 'tensorflow', 'matplotlib', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert "compare" in shape_magic.__all__
