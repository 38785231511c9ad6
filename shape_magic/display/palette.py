"""How an axis looks, everywhere: one letter and one colour per meaning, told apart by colour-blind readers too.

The colours are those of Okabe and Ito's set; its vermilion is kept for the place that breaks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Swatch:
    """The look of an axis: its letter, the colour behind it and the colour of the letter."""

    letter: str
    #: ``#RRGGBB``.
    fill: str
    ink: str


_DARK = "#14181d"
_LIGHT = "#ffffff"

UNKNOWN = Swatch("·", "#d3d7dd", _DARK)
#: By the names that ``Axes`` uses.
SWATCHES: dict[str, Swatch] = {
    "batch": Swatch("B", "#b4bac3", _DARK),
    "height": Swatch("H", "#56b4e9", _DARK),
    "width": Swatch("W", "#0072b2", _LIGHT),
    "depth": Swatch("D", "#f0e442", _DARK),
    "channels": Swatch("C", "#e69f00", _DARK),
    "time": Swatch("T", "#cc79a7", _DARK),
    "features": Swatch("F", "#009e73", _DARK),
}
#: Where the shapes stop making sense, and where a repair has put something new.
BREAK = "#d55e00"
NEW = "#009e73"


def swatch(axis: str) -> Swatch:
    """The look of an axis; that of an unknown one for every other word."""
    return SWATCHES.get(axis, UNKNOWN)
