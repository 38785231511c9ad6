"""Hints in a running notebook: one step at a time, kept from run to run, and no fix by another door."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shape_magic.kernel.planner import Planner
from tests.kernel.real import Kernel, kernel
from tests.kernel.shells import BROKEN, FIT, SETUP, Shell

#: Keras itself raises here, while the model is built.
REFUSED = "m = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Conv2D(3, 3), layers.Dense(2)])\n"
NEUTRAL = "Something does not fit here, and it can't run."
HELD = "shapecheck: fixes are not given here, but hints are: `%shapecheck --hint`."


@pytest.fixture
def hinting(shell: Shell) -> Shell:
    """A shell with hints on, in which every cell is checked."""
    shell.must(SETUP, '%config ShapeMagic.fixes = "hints"', "%shapecheck on")
    return shell


def hint(shell: Shell) -> str:
    """What ``%shapecheck --hint`` prints."""
    return shell.run("%shapecheck --hint").out.strip()


def test_hints_one_by_one(hinting: Shell) -> None:
    ran = hinting.run(BROKEN + FIT)
    assert NEUTRAL in ran.out
    assert not any(word in ran.out for word in ("breaks here", "Flatten", "position", "line 4", "Keras says"))
    finding = hinting.notebook.last_report.diagnostics[0]
    lines = [hint(hinting) for _ in range(4)]
    assert [line.partition(" · ")[0] for line in lines] == [f"Hint {k} of 4" for k in (1, 2, 3, 4)]
    assert all(text in line for text, line in zip(finding.hints, lines, strict=True))
    assert f"`%shapecheck --explain {finding.rule}`" in lines[2]
    assert hint(hinting) == f"That was the last hint. {lines[3]}"


def test_the_level_is_kept_when_the_cell_runs_again(hinting: Shell) -> None:
    """Although Keras names the layers anew, and the cell's number is another."""
    hinting.run(BROKEN + FIT)
    first = hinting.notebook.last_report.diagnostics[0].message
    hint(hinting)
    ran = hinting.run(BROKEN + FIT)
    assert hinting.notebook.last_report.diagnostics[0].message != first
    assert "breaks here" in ran.out
    assert "next hint (2 of 4)" in ran.out
    assert hint(hinting).startswith("Hint 2 of 4")


def test_another_finding_begins_at_the_beginning(hinting: Shell) -> None:
    hinting.run(BROKEN + FIT)
    hint(hinting)
    assert "next hint (1 of 4)" in hinting.run(REFUSED).out
    assert hint(hinting).startswith("Hint 1 of 4 · Where: Look at `flatten")
    assert "next hint (2 of 4)" in hinting.run(BROKEN + FIT).out


@pytest.mark.parametrize("cell", [BROKEN + FIT, REFUSED])
def test_the_red_line_says_no_more_than_the_card(hinting: Shell, cell: str) -> None:
    steps = []
    for _ in range(4):
        ran = hinting.run(cell)
        assert ran.error is not None
        rendered = ran.error._render_traceback_()  # type: ignore[attr-defined]
        steps.append(re.sub(r"In \[\d+\]", "In [n]", rendered[0].partition(": ")[2]))
        hint(hinting)
    finding = hinting.notebook.last_report.diagnostics[0]
    assert steps[0] == f"{NEUTRAL} `%shapecheck --hint` gives a hint; the call was stopped before its first step."
    assert steps[1] == steps[2]
    assert steps[1].startswith(f"{NEUTRAL} See In [n], line ")
    assert finding.title in steps[3] or "incompatible with the layer" in steps[3]


def test_no_fix_by_another_door(hinting: Shell) -> None:
    report = hinting.report_of(BROKEN + FIT)
    assert report.diagnostics[0].fixes
    ran = hinting.run(f"%%shapecheck --fix 1\n{BROKEN + FIT}")
    assert HELD in ran.err
    ask = Planner(report, lambda applied: None)
    assert ask({"fix": "0.0", "mode": "run"}) == {"ok": False, "why": HELD}
    hinting.must('%config ShapeMagic.fixes = "on"')
    assert ask({"fix": "0.0", "mode": "run"})["ok"] is True


def test_off(hinting: Shell) -> None:
    hinting.must('%config ShapeMagic.fixes = "off"')
    ran = hinting.run(BROKEN + FIT)
    assert "One answer per position, but one label per image." in ran.out
    assert "breaks here" in ran.out
    assert re.search(r"Look at `dense(_\d+)?`, line 4. It gets a 6×6 grid with 4 channels", ran.out)
    assert "Flatten" not in ran.out
    assert "--fix" not in ran.out
    assert "turned off here" in hinting.run("%shapecheck --hint").err
    assert "turned off here" in hinting.run(f"%%shapecheck --fix 1\n{BROKEN + FIT}").err


def test_the_setting_holds_from_the_next_display_on(hinting: Shell) -> None:
    assert NEUTRAL in hinting.run(BROKEN + FIT).out
    hinting.must('%config ShapeMagic.fixes = "on"')
    assert "Insert Flatten() before" in hinting.run(BROKEN + FIT).out
    hinting.must('%config ShapeMagic.fixes = "hints"')
    assert NEUTRAL in hinting.run(BROKEN + FIT).out


def test_a_rules_page_shows_no_fixed_cell_where_fixes_are_not_given(hinting: Shell) -> None:
    page = hinting.run("%shapecheck --explain dense-on-feature-map").out
    assert "## Broken cell" in page
    assert "## Not flagged" in page
    assert "## Fix" not in page
    hinting.must('%config ShapeMagic.fixes = "on"')
    assert "## Fixed cell" in hinting.run("%shapecheck --explain dense-on-feature-map").out


def test_without_a_finding_there_is_no_hint(hinting: Shell) -> None:
    assert "there is no finding to give a hint on" in hinting.run("%shapecheck --hint").err


def test_after_a_crash_that_nobody_watched(shell: Shell) -> None:
    shell.must(SETUP, '%config ShapeMagic.fixes = "hints"')
    assert shell.run(BROKEN + FIT).error is not None
    assert hint(shell).startswith("Hint 1 of 4 · Where: Look at `dense")


def test_help_and_completion_know_it(hinting: Shell) -> None:
    assert "--hint" in hinting.ip.find_line_magic("shapecheck").__doc__
    assert "--hint" in hinting.ip.complete("--hi", "%shapecheck --hi")[1]


def test_unloading_forgets_the_hints(hinting: Shell) -> None:
    hinting.run(BROKEN + FIT)
    hint(hinting)
    hinting.must(
        "%unload_ext shape_magic", "%load_ext shape_magic", '%config ShapeMagic.fixes = "hints"', "%shapecheck on"
    )
    assert "next hint (1 of 4)" in hinting.run(BROKEN + FIT).out


# -- a hub's configuration, in a real kernel

CONFIG = """\
c.InteractiveShellApp.extensions = ["shape_magic"]
c.ShapeMagic.always = True
c.ShapeMagic.fixes = "hints"
c.ShapeMagic.record = {record!r}
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel whose students write nothing: all is in its ``ipython_config.py``."""
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(CONFIG.format(record=str(tmp_path / "attempts.jsonl")), encoding="utf-8")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with kernel() as made:
        yield made


def states(answer: Any) -> list[dict[str, Any]]:
    """The views that the kernel sent to the front end's widgets."""
    opened = [m["data"].get("state", {}) for m in answer.of("comm_open")]
    changed = [m["data"].get("state", {}) for m in answer.of("comm_msg")]
    return [state["view"] for state in (*opened, *changed) if state.get("view")]


def test_hub_wide_with_no_line_in_the_notebook(hub: Kernel, tmp_path: Path) -> None:
    hub.run(SETUP)
    answer = hub.run(BROKEN + FIT, "cell-1")
    assert answer.status == "error"
    assert answer.traceback.startswith(f"ShapeError: {NEUTRAL}")
    sent = json.dumps([states(answer), answer.of("display_data")])
    assert not [word for word in ("Flatten", "per position", "line 4", "breaks here") if word in sent]
    (card,) = states(answer)[0]["models"][0]["cards"]
    assert (card["next_hint"], card["fixes"], card["hints"]) == ("Next hint (1 of 4)", [], [])

    asked = hub.run("%shapecheck --hint")
    assert asked.printed.startswith("Hint 1 of 4 · Where: Look at `dense`, line 4.")
    (card,) = states(asked)[-1]["models"][0]["cards"]  # the card follows
    assert card["next_hint"] == "Next hint (2 of 4)"
    (static,) = asked.of("update_display_data")
    assert "Look at `dense`, line 4." in static["data"]["text/plain"]
    assert static["transient"]["display_id"] == answer.of("display_data")[-1]["transient"]["display_id"]
    (line,) = (tmp_path / "attempts.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["rule"] == "dense-on-feature-map"
    assert "next hint (2 of 4)" in hub.run(BROKEN + FIT, "cell-1").shown[-1]
