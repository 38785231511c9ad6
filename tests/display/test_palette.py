"""The colours: the same in Python and in CSS, told apart by colour-blind eyes, and dark or light enough to read on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from shape_magic.display.palette import SWATCHES, UNKNOWN

FOLDER = Path(__file__).resolve().parents[2] / "shape_magic" / "display"
LADDER, WIDGET = ((FOLDER / name).read_text(encoding="utf-8") for name in ("ladder.css", "widget.css"))
#: What the variables of JupyterLab's own themes stand for (theme-light-extension, theme-dark-extension).
THEMES = {"light": {"--ink": "#212121", "--paper": "#ffffff"}, "dark": {"--ink": "#ffffff", "--paper": "#212121"}}
#: WCAG 2.2, 1.4.3: the least contrast of text.
READABLE = 4.5
#: CIELAB units (ΔE*ab). About 2.3 is just noticeable (Mahy, Van Eycken, Oosterlinck 1994); small cells need more.
APART = 10.0
#: How an eye without one kind of cone sees linear RGB: Machado, Oliveira, Fernandes (2009), "A physiologically-based
#: model for simulation of color vision deficiency", IEEE TVCG 15 (6), at severity 1.0.
EYES: dict[str, npt.ArrayLike] = {
    "three kinds of cones": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
Vector = npt.NDArray[np.float64]


def rgb(colour: str) -> Vector:
    """Red, green and blue of ``#RGB`` or ``#RRGGBB``, 0 to 1."""
    digits = colour.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    return np.array([int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)])


def linear(colour: Vector) -> Vector:
    """sRGB without its gamma (IEC 61966-2-1)."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(first: Vector, second: Vector) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    dark, light = sorted(float(np.array([0.2126, 0.7152, 0.0722]) @ linear(colour)) for colour in (first, second))
    return (light + 0.05) / (dark + 0.05)


def lab(seen: Vector) -> Vector:
    """CIELAB of linear RGB, under D65."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = matrix @ seen / matrix.sum(axis=1)
    f = [t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(first: str, second: str, eye: str) -> float:
    """How far apart two colours are for an eye, ΔE*ab."""
    one, other = (lab(np.clip(np.array(EYES[eye]) @ linear(rgb(c)), 0, 1)) for c in (first, second))
    return float(np.linalg.norm(one - other))


def declarations(style: str, selector: str) -> dict[str, str]:
    """What the first rule that starts with a selector sets."""
    found = re.search(rf"^{re.escape(selector)}\s*(?:,[^{{]*)?\{{([^}}]*)\}}", style, flags=re.MULTILINE)
    assert found, selector
    return {name.strip(): value.strip() for name, _, value in (d.partition(":") for d in found[1].split(";")) if value}


def colours(theme: str) -> dict[str, Vector]:
    """The colour variables of a theme, as the CSS sets them."""
    texts = declarations(LADDER, ".sm")
    if theme == "dark":
        texts |= declarations(LADDER, 'body[data-jp-theme-light="false"] .sm')
    texts |= THEMES[theme]
    known: dict[str, Vector] = {}
    for name, text in texts.items():
        if name.startswith("--") and text.startswith("#"):
            known[name] = rgb(text)
    for name, text in texts.items():
        if name.startswith("--") and text.startswith("color-mix"):
            known[name] = value(text, known)
    return known


def value(text: str, known: Mapping[str, Vector]) -> Vector:
    """A colour as CSS writes it: a hexadecimal one, a variable, or a mix of two."""
    if mix := re.fullmatch(r"color-mix\(in srgb, (.+) (\d+)%, (.+)\)", text):
        share = int(mix[2]) / 100
        return share * value(mix[1], known) + (1 - share) * value(mix[3], known)
    if variable := re.fullmatch(r"var\((--[\w-]+)(?:, .+)?\)", text):
        return known[variable[1]]
    # Nothing behind a tint but the page itself.
    return known["--paper"] if text == "transparent" else rgb(text)


def tints(name: str) -> set[str]:
    """Every mix with a variable that stands as a background in the CSS, and not only while something arrives."""
    still = re.sub(r"@keyframes [\w-]+ \{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", LADDER + WIDGET)
    return set(re.findall(rf"background: (color-mix\(in srgb, var\({name}\) \d+%, [^;]+\));", still))


def test_css_and_python_have_the_same_axes() -> None:
    plain = declarations(LADDER, ".sm-axis")
    assert (plain["background"], plain["color"]) == (UNKNOWN.fill, UNKNOWN.ink)
    in_css = {
        name: (declarations(LADDER, f".sm-axis-{name}")["background"], declarations(LADDER, f".sm-axis-{name}"))
        for name in re.findall(r"^\.sm-axis-(\w+)", LADDER, flags=re.MULTILINE)
    }
    looks = {name: (fill, rgb(rule.get("color", plain["color"])).tolist()) for name, (fill, rule) in in_css.items()}
    assert looks == {name: (look.fill, rgb(look.ink).tolist()) for name, look in SWATCHES.items()}


def test_every_axis_has_a_letter_of_its_own() -> None:
    letters = [look.letter for look in (*SWATCHES.values(), UNKNOWN)]
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize("eye", EYES)
def test_axes_are_told_apart_by_colour_alone(eye: str) -> None:
    looks = {**SWATCHES, "unknown": UNKNOWN}
    pairs = {(a, b): distance(looks[a].fill, looks[b].fill, eye) for a, b in itertools.combinations(looks, 2)}
    assert {pair: round(apart, 1) for pair, apart in pairs.items() if apart < APART} == {}


def test_the_simulated_eyes_confuse_what_they_are_known_to_confuse() -> None:
    # The bound can fail: these differ widely for most people.
    assert distance("#a05030", "#506020", "three kinds of cones") > 3 * distance("#a05030", "#506020", "deuteranopia")
    assert distance("#b02040", "#303040", "three kinds of cones") > 2 * distance("#b02040", "#303040", "protanopia")
    assert distance("#56b4e9", "#50bec0", "three kinds of cones") > 2 * distance("#56b4e9", "#50bec0", "tritanopia")


@pytest.mark.parametrize("name", [*SWATCHES, "unknown"])
def test_an_axis_letter_is_readable(name: str) -> None:
    look = SWATCHES.get(name, UNKNOWN)
    assert contrast(rgb(look.fill), rgb(look.ink)) >= READABLE


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["--bad", "--warn", "--ask", "--good", "--go", "--quiet", "--ink"])
def test_words_in_a_states_colour_are_readable(theme: str, name: str) -> None:
    known = colours(theme)
    assert contrast(known[name], known["--paper"]) >= READABLE


@pytest.mark.parametrize("theme", THEMES)
def test_words_on_a_states_colour_are_readable(theme: str) -> None:
    known = colours(theme)
    assert contrast(known["--go-ink"], known["--go"]) >= READABLE
    for tone in ("--bad", "--warn", "--ask", "--good"):  # the marks "breaks here" and "new"
        assert contrast(known["--paper"], known[tone]) >= READABLE


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("tone", ["--bad", "--warn", "--ask", "--good"])
def test_words_on_a_tint_are_readable(theme: str, tone: str) -> None:
    known = colours(theme)
    known["--tone"] = known[tone]
    found = tints("--tone") | tints(tone) | tints("--ink")
    assert len(found) >= 3
    texts = {
        (tint, ink): contrast(known[ink], value(tint, known)) for tint in found for ink in ("--ink", "--quiet", tone)
    }
    assert {pair: round(ratio, 2) for pair, ratio in texts.items() if ratio < READABLE} == {}
