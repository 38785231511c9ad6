"""What the README shows of a run: a figure, and the table that it was drawn from, with the versions."""

from __future__ import annotations

import html
import os
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

import pyperf

from tests.benchmarks.picture import draw
from tests.benchmarks.rows import Group, Row, goal_of, in_words

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
IMAGES = ROOT / "notebooks" / "images"
RECORD = ROOT / ".cache" / "benchmarks.json"
#: What is between them is written by a run.
START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
_VERSIONS = ("keras", "tensorflow", "ipython", "numpy")


def publish(groups: Sequence[Group]) -> None:
    """Write the figure, the README's section and the record of all rounds."""
    for theme in ("light", "dark"):
        draw(groups, theme).savefig(IMAGES / f"benchmarks-{theme}.png", metadata={"Software": None})
    README.write_text(placed(README.read_text(encoding="utf-8"), section(groups)), encoding="utf-8")
    record(groups)
    rows = [row for group in groups for row in group.rows if row.met is not None]
    print(f"{sum(bool(row.met) for row in rows)} of {len(rows)} goals are met; {README.name} and the figure show it.")


def placed(readme: str, text: str) -> str:
    """The README with a section's text between the markers; raises ``ValueError`` where these are missing."""
    if readme.count(START) != 1 or readme.count(END) != 1:
        raise ValueError(f"README.md has no single pair of {START} and {END}")
    before, _, rest = readme.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n{text}\n{END}{after}"


def section(groups: Sequence[Group]) -> str:
    """The picture, with its words for those who don't see it, and the table folded beneath."""
    goals = [row.met for group in groups for row in group.rows if row.met is not None]
    alt = html.escape(in_a_sentence(groups), quote=False).replace('"', "&quot;")
    folder = IMAGES.relative_to(ROOT).as_posix()
    return "\n".join(
        (
            "<picture>",
            f'  <source media="(prefers-color-scheme: dark)" srcset="{folder}/benchmarks-dark.png">',
            f'  <img src="{folder}/benchmarks-light.png" alt="{alt}">',
            "</picture>",
            "",
            f"<details><summary>All figures: {sum(map(bool, goals))} of {len(goals)} goals met</summary>",
            "",
            *table(groups),
            "",
            ran_with(),
            "",
            "</details>",
        )
    )


def in_a_sentence(groups: Sequence[Group]) -> str:
    """What the picture shows, in words."""
    firsts = ((group.title, next((row for row in group.rows if row.unit == "×"), None)) for group in groups)
    said = [f"{title}: {row.what}, {in_words(row.value, row.unit)} {row.beside}" for title, row in firsts if row]
    return f"Times on a logarithmic axis, each beside its goal. {'. '.join(said)}."


def table(groups: Iterable[Group]) -> list[str]:
    """The lines of a Markdown table; in brackets the middle half of all rounds."""
    out = ["| what | beside | measured | goal | |", "|---|---|---|---|---|"]
    for group in groups:
        out.append(f"| **{_marked(group.title)}** | | | | |")
        out += [_line(row) for row in group.rows]
    return out


def _line(row: Row) -> str:
    value = in_words(row.value, row.unit)
    ends = in_words(row.low, row.unit), in_words(row.high, row.unit)
    if ends[0] != ends[1]:
        value += f" ({bare(ends[0])}–{bare(ends[1])})"
    if row.note:
        value += f"; {row.note}"
    sign = {True: "✓", False: "✗", None: ""}[row.met]
    return f"| {_marked(row.what)} | {_marked(row.beside)} | {value} | {goal_of(row)} | {sign} |"


def _marked(words: str) -> str:
    """What is code, as code."""
    return re.sub(r"%load_ext \w+|%%?shapecheck(?: on| off)?|model\(x\)|summary\(\)", r"`\g<0>`", words)


def bare(words: str) -> str:
    """A figure without its unit."""
    return words.removesuffix("×").split(" ")[0]


def ran_with() -> str:
    """The versions and the kind of machine, not which one."""
    found = ", ".join(f"{name} {version(_installed(name))}" for name in _VERSIONS)
    return (
        f"Run with Python {platform.python_version()}, {found}, on {os.cpu_count()} cores ({platform.machine()}), "
        "without a GPU. Measured in turn, round by round; a ratio is the median of those of neighbours, in brackets "
        "is the middle half of the rounds."
    )


def _installed(name: str) -> str:
    if name != "tensorflow":
        return name
    try:
        version(name)
    except ModuleNotFoundError:
        return "tensorflow-cpu"
    return name


def record(groups: Iterable[Group]) -> None:
    """Keep every round as pyperf keeps it, so that ``python -m pyperf compare_to`` sets two runs side by side."""
    found = [_benchmark(group, row, side) for group in groups for row in group.rows for side in row.series]
    RECORD.unlink(missing_ok=True)
    pyperf.BenchmarkSuite(found).dump(str(RECORD))


def _benchmark(group: Group, row: Row, side: str) -> pyperf.Benchmark:
    unit = "byte" if row.unit in ("MB", "bytes") else "second"
    metadata = {"name": f"{group.name}: {row.what}: {side}", "unit": unit}
    values = [max(value * (1e6 if row.unit == "MB" else 1), 1e-9) for value in row.series[side]]
    return pyperf.Benchmark([pyperf.Run(values, metadata=metadata, collect_metadata=False)])
