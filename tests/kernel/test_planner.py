"""What a pressed button means: only what was offered, as edits and cells to run."""

from __future__ import annotations

from typing import Any

import pytest

from shape_magic.kernel.planner import Planner
from shape_magic.kernel.plans import Applied
from tests import samples
from tests.kernel.shells import BROKEN, FIT, Shell


def planner(report: Any) -> tuple[Planner, list[Applied]]:
    """A planner, and what it says it has handed out."""
    heard: list[Applied] = []
    return Planner(report, heard.append), heard


@pytest.mark.parametrize("mode", ["run", "edit"])
def test_a_fix(shell: Shell, mode: str) -> None:
    report = shell.report_of(BROKEN + FIT)
    ask, heard = planner(report)
    fix = report.diagnostics[0].fixes[0]
    plan = ask({"fix": "0.0", "mode": mode})
    assert plan["ok"] is True
    assert plan["edits"] == [{"cell": fix.cell, "before": BROKEN + FIT, "after": fix.source}]
    assert plan["rerun"] == (list(fix.rerun) if mode == "run" else [])
    assert plan["message"] == "Inserted Flatten(), line 4"
    assert heard[0].after == {fix.cell: fix.source}
    back = ask({"fix": "", "mode": "undo"})
    assert back["edits"] == [{"cell": fix.cell, "before": fix.source, "after": BROKEN + FIT}]
    assert ask({"fix": "", "mode": "undo"})["ok"] is False


def test_what_a_fix_brings_is_known_whatever_keras_calls_it(shell: Shell) -> None:
    shell.must("_ = [layers.Flatten() for _ in range(3)]")
    report = shell.report_of(BROKEN.replace("Dense(10", "Flatten(), layers.Dense(10") + FIT + BROKEN + FIT)
    (number,) = [k for k, model in enumerate(report.models) if report.diagnostics[0].model == k]
    ask, heard = planner(report)
    ask({"fix": "0.0", "mode": "run"})
    assert (heard[0].done.model, heard[0].done.calls) == (report.models[number].name, (1,))


def test_keep(shell: Shell) -> None:
    report = shell.report_of(BROKEN)
    ask, _ = planner(report)
    plan = ask({"fix": "0.keep0", "mode": "keep"})
    assert plan["ok"] is True
    assert plan["rerun"] == []
    assert (
        "layers.Dense(10, activation='softmax'),  # shapecheck: keep dense-on-feature-map" in plan["edits"][0]["after"]
    )


@pytest.mark.parametrize(
    ("fix", "mode"),
    [("9.0", "run"), ("0.9", "run"), ("0", "run"), ("x", "run"), ("", "run"), ("-1.0", "run"), ("0.-1", "edit"),
     ("__import__('os')", "run"), ("0.0\n", "run")],
)  # fmt: skip
def test_what_was_not_offered_is_not_done(fix: str, mode: str) -> None:
    ask, heard = planner(next(iter(samples.ALL.values()))())
    plan = ask({"fix": fix, "mode": mode})
    assert plan["ok"] is False
    assert plan["why"]
    assert heard == []


@pytest.mark.parametrize(
    "request_", [{}, {"fix": "0.0"}, {"mode": "run"}, {"fix": None, "mode": None}, {"fix": "0.0", "mode": "erase"}]
)
def test_a_request_that_makes_no_sense_is_answered(request_: dict[str, Any]) -> None:
    ask, heard = planner(next(iter(samples.ALL.values()))())
    plan = ask(request_)
    assert plan["ok"] is False
    assert heard == []


def test_the_run_that_was_asked_for_says_what_was_done(shell: Shell) -> None:
    report = shell.report_of(BROKEN + FIT)
    notebook = shell.notebook
    ask = Planner(report, notebook.plans.note)
    plan = ask({"fix": "0.0", "mode": "run"})
    cell, text = plan["edits"][0]["cell"], plan["edits"][0]["after"]
    ran = shell.run(text, cell_id=cell)
    assert ran.error is None
    assert "✓ model" in ran.out
    assert notebook.plans.took_effect(cell) is None, "said once"


def test_a_plan_that_the_page_refused_to_write_did_not_take_effect(shell: Shell) -> None:
    shell.run(BROKEN, cell_id="make")
    shell.notebook.last_report = None
    shell.run(FIT, cell_id="use")
    plan = Planner(shell.notebook.last_report, shell.notebook.plans.note)({"fix": "0.0", "mode": "run"})
    assert (plan["edits"][0]["cell"], plan["rerun"]) == ("make", ["make", "use"])
    assert shell.notebook.plans.took_effect("use") is None
    shell.run(plan["edits"][0]["after"], cell_id="make")
    assert shell.notebook.plans.took_effect("use") is not None


def test_of_two_views_the_one_that_wrote_is_believed(shell: Shell) -> None:
    report, plans = shell.report_of(BROKEN + FIT), shell.notebook.plans
    first, second = (Planner(report, plans.note)({"fix": f"0.{k}", "mode": "run"}) for k in (0, 1))
    (edit,) = first["edits"]
    shell.notebook.files.enter(edit["cell"], edit["after"], 9)
    assert plans.took_effect(edit["cell"]).after == {edit["cell"]: edit["after"]}
    assert second["edits"][0]["after"] != edit["after"]
