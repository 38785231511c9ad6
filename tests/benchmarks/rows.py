"""A row of the table: what was measured, beside what, and what it was to be at most."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from tests.benchmarks.side_by_side import Series, Spread

#: ``×``: times as long as what stands beside it; the others are what they say.
Unit = Literal["×", "ms", "ms more", "MB", "bytes", "calls", "exponent"]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure."""

    what: str
    #: What it was measured beside; empty where it stands alone.
    beside: str
    unit: Unit
    value: float
    #: A quarter of the rounds is below, a quarter above.
    low: float
    high: float
    #: What it should be at most; None: there is nothing that it should be.
    goal: float | None = None
    #: Whether it is; None where there is no goal.
    met: bool | None = None
    #: A second reading of the same rounds: ``"4 ms more"``.
    note: str = ""
    #: What would meet the goal too: ``"15 ms more"``.
    otherwise: str = ""
    #: What was measured, by the side's name, in seconds unless the unit says otherwise.
    series: dict[str, tuple[float, ...]] = field(default_factory=dict)


def row(
    what: str,
    beside: str,
    unit: Unit,
    value: Spread | float,
    *series: Series,
    goal: float | None = None,
    spared: bool = False,
    note: str = "",
    otherwise: str = "",
) -> Row:
    """A figure beside its goal; ``spared``: the goal is met in the way that ``otherwise`` names."""
    spread = value if isinstance(value, Spread) else Spread(value, value, value)
    met = None if goal is None else spared or spread.median <= goal
    kept = {one.name: one.values for one in series}
    return Row(what, beside, unit, spread.median, spread.low, spread.high, goal, met, note, otherwise, kept)


@dataclass(frozen=True, slots=True)
class Curve:
    """How something grows with the number of layers, for the figure."""

    name: str
    unit: Literal["seconds", "bytes"]
    sizes: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """What one process has measured."""

    name: str
    #: What the group is about, as the table says it.
    title: str
    rows: tuple[Row, ...]
    curves: tuple[Curve, ...] = ()


def write(group: Group, path: Path) -> None:
    """Keep a group for the process that makes the report."""
    path.write_text(json.dumps(asdict(group), indent=1, ensure_ascii=False), encoding="utf-8")


def read(path: Path) -> Group:
    """A group as it was written."""
    said = json.loads(path.read_text(encoding="utf-8"))
    rows = tuple(Row(**{**one, "series": {k: tuple(v) for k, v in one["series"].items()}}) for one in said["rows"])
    curves = tuple(Curve(one["name"], one["unit"], tuple(one["sizes"]), tuple(one["values"])) for one in said["curves"])
    return Group(said["name"], said["title"], rows, curves)


_RAISED = str.maketrans("0123456789.-", "⁰¹²³⁴⁵⁶⁷⁸⁹·⁻")


def in_words(value: float, unit: Unit) -> str:
    """A figure with as many digits as it bears."""
    if unit == "×":
        return f"{value:.{0 if value >= 10 else 1 if value >= 2 else 2}f}×" if value >= 0.1 else f"{value:.3f}×"
    if unit == "exponent":
        return "n" + f"{value:.2f}".translate(_RAISED)
    number = f"{value:,.0f}" if unit == "calls" or value == int(value) else f"{value:,.{_digits(value)}f}"
    if unit == "calls":
        return number
    return f"{number} {unit}"


def _digits(value: float) -> int:
    return 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2


def goal_of(one: Row) -> str:
    """What a figure should be at most, in words; empty where there is no goal."""
    if one.goal is None:
        return ""
    return f"≤ {in_words(one.goal, one.unit)}" + (f", or {one.otherwise}" if one.otherwise else "")


def lines(group: Group) -> Sequence[str]:
    """A group for a terminal, where each side's least and median stand too: seconds are of this machine only."""
    sign = {True: "✓", False: "✗", None: " "}
    out = [group.title]
    for one in group.rows:
        spread = f" ({in_words(one.low, one.unit)} – {in_words(one.high, one.unit)})" if one.low != one.high else ""
        goal = f"  goal: {goal_of(one)}" if one.goal is not None else ""
        note = f"  [{one.note}]" if one.note else ""
        beside = f" / {one.beside}" if one.beside else ""
        out.append(f"  {sign[one.met]} {one.what}{beside}: {in_words(one.value, one.unit)}{spread}{note}{goal}")
        unit: Unit = "MB" if one.unit == "MB" else "ms"
        scale = 1 if unit == "MB" else 1000
        for name, values in one.series.items():
            least, median = (in_words(scale * v, unit) for v in (min(values), statistics.median(values)))
            out.append(f"      {name}: least {least}, median {median}, {len(values)} rounds")
    return out
