"""The benchmarks measure and report as they say; what they measure is not tested, it depends on the machine."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks import picture, report
from tests.benchmarks.rows import Curve, Group, read, row, write
from tests.benchmarks.side_by_side import Series, Side, Spread, exponent, in_turn, more, ratio, timed

OURS, THEIRS = Series("ours", (2.0, 3.0, 8.0)), Series("theirs", (1.0, 2.0, 4.0))
ROWS = (
    row("a model", "summary()", "×", ratio(OURS, THEIRS), OURS, THEIRS, goal=1.3),
    row("a cell", "the cell alone", "×", 1.2, goal=1.05, spared=True, note="+4 ms", otherwise="15 ms more"),
    row("%load_ext shape_magic", "", "ms more", 45.0, goal=60),
    row("time, written in a list", "", "exponent", 1.04, goal=1.1),
    row("sent", "", "bytes", 2000.0),
)
GROUP = Group("made_up", "Under %%shapecheck", ROWS, (Curve("in a list", "seconds", (10, 1000), (0.01, 1.2)),))


def test_rounds_turn_and_the_first_is_not_kept() -> None:
    order: list[str] = []

    def side(name: str) -> Side:
        def measure() -> float:
            order.append(name)
            return float(len(order))

        return Side(name, measure)

    a, b = in_turn(side("a"), side("b"), seconds=0, least=3)
    assert "".join(order) == "ab" + "ab" + "ba" + "ab"
    assert (a.values, b.values) == ((3, 6, 7), (4, 5, 8))


def test_what_is_prepared_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def passes(seconds: float) -> str:
        now[0] += seconds
        return "made"

    assert timed(lambda made: passes(2) + made, lambda: passes(50))() == 2


def test_ratios_are_those_of_neighbours() -> None:
    assert ratio(OURS, THEIRS) == Spread(2.0, 1.75, 2.0)
    assert more(OURS, THEIRS).median == 1.0


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_an_exponent_is_found(power: float) -> None:
    assert exponent((10, 100, 3000), [7 * n**power for n in (10, 100, 3000)]) == pytest.approx(power)


def test_goals() -> None:
    assert [one.met for one in ROWS] == [False, True, True, True, None]


def test_a_group_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(GROUP, tmp_path / "group.json")
    assert read(tmp_path / "group.json") == GROUP


def test_the_table() -> None:
    assert report.table([GROUP])[2:] == [
        "| **Under `%%shapecheck`** | | | | |",
        "| a model | `summary()` | 2.0× (1.75–2.0) | ≤ 1.30× | ✗ |",
        "| a cell | the cell alone | 1.20×; +4 ms | ≤ 1.05×, or 15 ms more | ✓ |",
        "| `%load_ext shape_magic` |  | 45 ms more | ≤ 60 ms more | ✓ |",
        "| time, written in a list |  | n¹·⁰⁴ | ≤ n¹·¹⁰ | ✓ |",
        "| sent |  | 2,000 bytes |  |  |",
    ]


def test_a_run_replaces_what_is_between_the_markers_of_the_readme() -> None:
    readme = report.README.read_text(encoding="utf-8")
    once = report.placed(readme, report.section([GROUP]))
    assert "3 of 4 goals met" in once
    assert report.placed(once, report.section([GROUP])) == once
    before, after = readme.split(report.START)
    assert once.startswith(before)
    assert once.endswith(after.split(report.END)[1])


def test_a_readme_without_its_markers_is_left_alone() -> None:
    with pytest.raises(ValueError, match="no single pair"):
        report.placed("# A README", "text")


def test_the_picture_is_drawn_in_both_themes_and_knows_no_machine(tmp_path: Path) -> None:
    drawn = {}
    for theme in picture.THEMES:
        for turn in ("first", "second"):
            picture.draw([GROUP], theme).savefig(tmp_path / f"{theme}-{turn}.png", metadata={"Software": None})
            drawn[theme, turn] = hashlib.sha256((tmp_path / f"{theme}-{turn}.png").read_bytes()).hexdigest()
    assert drawn["light", "first"] == drawn["light", "second"] != drawn["dark", "first"]


def test_each_group_is_a_module_that_measures() -> None:
    files = {path.stem for path in Path(command.__file__).parent.glob("*.py")}
    assert set(command.GROUPS) <= files
    assert all(callable(import_module(f"tests.benchmarks.{name}").measure) for name in command.GROUPS)


def test_a_group_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["speed"]) == 2
    assert "no group is called speed" in capsys.readouterr().out
