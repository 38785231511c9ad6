"""The report as a figure: everything is on it, nothing covers anything, and matplotlib is left as it was."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

from shape_magic.display import figure as module
from shape_magic.display.figure import plot_report
from shape_magic.display.palette import BREAK, SWATCHES
from shape_magic.display.parts import State, shown
from shape_magic.display.view import build_view
from shape_magic.report import Report
from tests import samples

ROOT = Path(__file__).parents[2]


def drawn(figure: Figure) -> dict[Text, Bbox]:
    """Every text that is seen, with its place in pixels; drawing may not warn."""
    canvas = FigureCanvasAgg(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        canvas.draw()
    renderer = canvas.get_renderer()
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    return {text: text.get_window_extent(renderer) for text in texts if text.axes is None or _is_ours(text)}


def _is_ours(text: Text) -> bool:
    """Whether a text was drawn on purpose; the labels of axes that are switched off were not."""
    return text.axes is not None and text in text.axes.texts


def boxes(figure: Figure, label: str) -> list[FancyBboxPatch]:
    """The boxes with a label that starts so."""
    return [box for box in figure.findobj(FancyBboxPatch) if str(box.get_label()).startswith(label)]


def inside(places: dict[Text, Bbox], box: FancyBboxPatch) -> str:
    """The texts in a box, from left to right."""
    frame = box.get_window_extent()
    held = [(extent.x0, text.get_text()) for text, extent in places.items() if contains(frame, extent)]
    return " ".join(text for _, text in sorted(held))


def contains(outer: BboxBase, inner: BboxBase) -> bool:
    return bool(outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)


def png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def test_everything_of_the_ladder_and_the_finding_is_on_it() -> None:
    report = samples.seed_with_labels()
    (finding,) = report.diagnostics
    figure = plot_report(report)
    texts = [text.get_text() for text in drawn(figure)]
    everything = " ".join(texts)
    (model,) = build_view(report).models
    for row in model.rows:
        for part in (row.title, row.name, row.summary, row.shape, row.params):
            assert part in texts or not part
    assert f"✗ {finding.title}" in texts
    assert finding.message in everything
    assert "◀ breaks here" in texts
    assert "Fix 1: Insert Flatten() before dense" in texts
    for fix in finding.fixes[:2]:
        assert fix.note in texts


def test_the_rows_stand_in_the_order_of_the_view_labels_last() -> None:
    report = samples.seed_with_labels()
    figure = plot_report(report)
    places = drawn(figure)
    rows = sorted(boxes(figure, "row"), key=lambda box: -float(box.get_window_extent().y1))
    (model,) = build_view(report).models
    assert [inside(places, box).split()[0] for box in rows] == [item.title for _, item in shown(model.items)]
    assert inside(places, rows[-1]) == "labels y_train one-hot, 10 classes B F (60000, 10)"


@pytest.mark.parametrize(
    ("name", "label", "said"),
    [
        ("seed_with_labels", "row broken", "Dense dense 10 units, softmax B H W C (None, 5, 5, 10) 650"),
        ("not_reached", "row broken", "Conv2D conv2d_2 64 filters 3×3"),
        ("deep", "row warned", "Dense dense 128 units, relu B H W C (None, 14, 14, 128) 4,736"),
    ],
)
def test_the_framed_row_is_the_one_that_breaks(name: str, label: str, said: str) -> None:
    figure = plot_report(samples.ALL[name]())
    places = drawn(figure)
    (framed,) = boxes(figure, label)
    assert inside(places, framed) == said
    others = [box for box in boxes(figure, "row") if box is not framed]
    assert framed.get_linewidth() > max(box.get_linewidth() for box in others)
    if label == "row broken":
        assert to_hex(framed.get_edgecolor()) == BREAK


def test_rows_past_the_break_are_dashed() -> None:
    figure = plot_report(samples.not_reached())
    assert [box.get_linestyle() for box in boxes(figure, "row predicted")] == ["--"] * 3
    assert {box.get_linestyle() for box in boxes(figure, "row ok")} == {"-"}


def test_the_letters_have_the_colours_of_their_axes() -> None:
    figure = plot_report(samples.green())
    by_letter = {swatch.letter: swatch.fill for swatch in SWATCHES.values()}
    cells = boxes(figure, "axis")
    # Seven tensors from the input to the output, the labels, and the key.
    assert len(cells) == 5 * 4 + 2 * 2 + 1 + 5
    for cell in cells:
        assert to_hex(cell.get_facecolor()) == by_letter[str(cell.get_label())[-1]]


@pytest.mark.parametrize("name", samples.ALL)
def test_no_text_covers_another_or_leaves_the_page(name: str) -> None:
    figure = plot_report(samples.ALL[name]())
    places = drawn(figure)
    page = figure.bbox
    for text, extent in places.items():
        assert contains(page, extent), text.get_text()
    for (one, first), (two, second) in itertools.combinations(places.items(), 2):
        overlap = Bbox.intersection(first, second)
        # Lines of type may touch by a pixel.
        assert overlap is None or min(overlap.width, overlap.height) <= 1, (one.get_text(), two.get_text())


@pytest.mark.parametrize("name", samples.ALL)
def test_texts_of_a_row_stay_in_its_box(name: str) -> None:
    figure = plot_report(samples.ALL[name]())
    places = drawn(figure)
    for box in boxes(figure, "row"):
        frame = box.get_window_extent()
        for text, extent in places.items():
            if frame.y0 < (extent.y0 + extent.y1) / 2 < frame.y1 and frame.x0 <= extent.x0 < frame.x1:
                assert contains(frame, extent), text.get_text()


def test_hostile_strings_are_drawn_as_they_are() -> None:
    with mpl.rc_context({"text.usetex": True, "text.parse_math": True}):
        figure = plot_report(samples.hostile())
    places = drawn(figure)
    assert not any(text.get_usetex() or text.get_parse_math() for text in places)
    everything = " ".join(text.get_text() for text in places)
    for part in ("$\\frac{1$", "\\x1b[31mred", "<U+202E>layer", "<U+D800>", "[bold]x[/bold]", "<b>&'\"</b>"):
        assert part in everything
    assert all(char.isprintable() for char in everything)


def test_characters_without_a_glyph_are_shown_as_codes() -> None:
    report = samples.long_names()
    (model,) = report.models
    tibetan = "\N{TIBETAN LETTER KA}\N{SLICE OF PIZZA}"
    renamed = samples.model_of(tibetan, model.inputs[0], model.calls)
    places = drawn(plot_report(Report((renamed,), report.diagnostics)))
    assert any("<U+1F355>" in text.get_text() for text in places)


def test_the_same_report_gives_the_same_picture() -> None:
    assert png(plot_report(samples.branches())) == png(plot_report(samples.branches()))
    assert png(plot_report(samples.branches())) != png(plot_report(samples.seed_with_labels()))


def test_the_users_settings_do_not_change_the_picture() -> None:
    expected = png(plot_report(samples.seed_with_labels()))
    settings: dict[Any, Any] = {
        "font.family": "serif",
        "font.size": 30,
        "figure.figsize": (2, 2),
        "figure.dpi": 40,
        "lines.marker": "o",
    }
    dark: dict[Any, Any] = {
        "figure.facecolor": "black",
        "axes.facecolor": "black",
        "text.color": "white",
        "patch.linewidth": 9,
    }
    with mpl.rc_context({**settings, **dark}):
        figure = plot_report(samples.seed_with_labels())
    assert png(figure) == expected


def test_pyplot_the_backend_and_the_settings_are_left_alone() -> None:
    code = (
        "import sys, matplotlib\n"
        "from tests import samples\n"
        "before = dict(matplotlib.rcParams)\n"
        "samples.seed_with_labels().plot().savefig('/dev/null', format='png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "assert dict(matplotlib.rcParams) == before\n"
        "import matplotlib.pyplot\n"
        "assert matplotlib.pyplot.get_fignums() == []\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=120)


def test_the_page_grows_with_the_rows_and_keeps_about_the_form_of_a_slide() -> None:
    pages = [plot_report(samples.deep(layers)).get_size_inches() for layers in (8, 20, 50)]
    assert all(1.2 < width / height < 2.4 for width, height in pages)
    assert [height for _, height in pages] == sorted({height for _, height in pages})


def test_a_long_ladder_goes_on_beside_itself() -> None:
    figure = plot_report(samples.deep(30))
    drawn(figure)
    lefts = {round(float(box.get_window_extent().x0)) for box in boxes(figure, "row")}
    assert len(lefts) == 2
    assert len(boxes(figure, "row")) == 31


def test_equal_blocks_are_one_row() -> None:
    figure = plot_report(samples.repeated())
    texts = [text.get_text() for text in drawn(figure)]
    assert "12 × (Conv2D · BatchNormalization · ReLU · Add)" in texts
    assert len(boxes(figure, "row")) == 5


def test_several_models_stand_side_by_side() -> None:
    figure = plot_report(samples.two_broken())
    left, right = figure.subfigs
    first, second = ([text.get_text() for text in part.findobj(Text)] for part in (left, right))
    assert "✗ One answer per position, but one label per image." in first
    assert "✗ The window is larger than the image." in second
    assert left.bbox.x1 <= right.bbox.x0 + 1


def test_a_report_without_a_model_says_so() -> None:
    assert [text.get_text() for text in drawn(plot_report(samples.nothing()))] == ["No Keras model was found."]


def test_every_state_of_a_row_has_a_look() -> None:
    assert set(get_args(State)) <= module._LOOKS.keys()


def test_a_notebook_shows_it_where_nobody_imported_pyplot() -> None:
    shown = """
import sys
from IPython.core.formatters import DisplayFormatter
from shape_magic.display.figure import plot_report
from tests import samples
data, _ = DisplayFormatter().format(plot_report(samples.green()))
assert "matplotlib.pyplot" not in sys.modules
assert data["image/png"].startswith(b"\\x89PNG"), data
"""
    subprocess.run([sys.executable, "-c", shown], check=True, cwd=Path(__file__).parents[2])
