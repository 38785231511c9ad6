"""What is given away: one decision for every display, and nothing in any of them before its time."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from shape_magic.display.disclosure import STEPS, Disclosure, as_told, disclosures, tell_next, told
from shape_magic.display.figure import plot_report
from shape_magic.display.html import render_html
from shape_magic.display.text import render_text
from shape_magic.display.view import build_view
from shape_magic.display.widget import ShapeWidget
from shape_magic.report import Diagnostic, Report
from shape_magic.settings import ShapeMagic
from tests import samples

NAMES = sorted(samples.ALL)


@pytest.fixture
def settings() -> Iterator[ShapeMagic]:
    """The settings of a loaded extension, with hints on."""
    ShapeMagic.clear_instance()
    made = ShapeMagic.instance()
    made.fixes = "hints"
    yield made
    ShapeMagic.clear_instance()


def at(report: Report, mode: Any, level: int = 0) -> list[Disclosure]:
    """The same disclosure for every finding."""
    return [Disclosure(mode, level)] * len(report.diagnostics)


def drawn(report: Report, seen: list[Disclosure]) -> str:
    """The words in the figure."""
    figure = plot_report(report, seen)
    return "\n".join(text.get_text() for text in figure.findobj(Text))


def everything(report: Report, seen: list[Disclosure]) -> dict[str, str]:
    """All that a front end gets, by display."""
    return {
        "view": json.dumps(build_view(report, disclosures=seen).to_dict(), ensure_ascii=False),
        "text": render_text(report, width=400, disclosures=seen),
        "html": render_html(report, disclosures=seen),
        "figure": drawn(report, seen),
    }


def repairs(finding: Diagnostic) -> set[str]:
    """What tells the repair: message, fixes, and what a fix would make."""
    words = {finding.message}
    for fix in finding.fixes:
        words |= {fix.title, fix.note, fix.snippet or ""}
        words |= {text.strip() for sign, text in fix.diff if sign == "+"}
        words |= {fix.source or ""}
    words |= {action.title for action in finding.actions}
    return {word for word in words if len(word) > 3}


def untold(finding: Diagnostic, seen: Disclosure) -> set[str]:
    """What must not be found anywhere."""
    words = repairs(finding) if not seen.fixes else set()
    if seen.mode == "hints":
        words |= set(finding.hints[seen.level :])
    if seen.mode == "off":
        words |= set(finding.hints[2:])
    if not seen.verdict:
        words |= {finding.title, finding.keras_message or ""}
    if not seen.rule:
        words.add(finding.rule)
    return {word for word in words if word.strip()}


def leaks(report: Report, seen: list[Disclosure]) -> list[tuple[str, str]]:
    """What is found in a display before its time."""
    told_now = told(report, seen)
    # What may be said is no leak where the same words are to be kept back: a title that repeats a hint.
    allowed = " ".join(
        text for d in told_now.diagnostics for text in (d.title, d.message, *d.hints, d.keras_message or "")
    )
    kept = {
        word for d, one in zip(report.diagnostics, seen, strict=True) for word in untold(d, one) if word not in allowed
    }
    return [(name, word) for name, text in everything(report, seen).items() for word in kept if word in plain(text)]


def plain(text: str) -> str:
    """A display's text without its medium's escapes."""
    return html.unescape(text).replace("<code>", "`").replace("</code>", "`").replace("\\n", "\n").replace('\\"', '"')


@pytest.mark.parametrize("level", range(5))
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_in_a_display_before_its_hint(name: str, level: int) -> None:
    report = samples.ALL[name]()
    assert leaks(report, at(report, "hints", level)) == []


@pytest.mark.parametrize("name", NAMES)
def test_off_tells_what_is_wrong_and_no_repair(name: str) -> None:
    report = samples.ALL[name]()
    assert leaks(report, at(report, "off")) == []
    for finding, seen in zip(report.diagnostics, told(report, at(report, "off")).diagnostics, strict=True):
        assert (seen.title, seen.call, seen.span) == (finding.title, finding.call, finding.span)
        assert seen.message == " ".join(finding.hints[:2])


def test_a_leak_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    report = samples.seed_with_labels()
    monkeypatch.setattr("shape_magic.display.view.told", lambda report, disclosures: report)
    found = leaks(report, at(report, "hints", 0))
    assert {name for name, _ in found} == {"view", "text", "html", "figure"}
    assert (("view", report.diagnostics[0].fixes[0].title)) in found


@pytest.mark.parametrize("name", NAMES)
def test_with_everything_given_it_is_the_view_of_before(name: str) -> None:
    report = samples.ALL[name]()
    assert build_view(report, disclosures=at(report, "on")) == build_view(report)
    assert told(report, at(report, "on")) == report


# -- the steps


def states(report: Report, mode: str, level: int) -> list[str]:
    """How the rows look, those that look like any other left out."""
    (model,) = build_view(report, disclosures=at(report, mode, level)).models
    return [row.state for row in model.rows if row.state != "ok"]


def test_the_row_is_marked_with_the_first_hint_and_nothing_is_predicted() -> None:
    report = samples.seed_with_labels()
    assert states(report, "hints", 0) == []
    assert [states(report, "hints", level) for level in (1, 2, 3, 4)] == [["broken"]] * 4
    assert states(report, "off", 0) == ["broken"]


def test_a_ladder_that_ends_where_it_breaks_waits_for_the_first_hint() -> None:
    report = samples.not_reached()
    (before,) = build_view(report, disclosures=at(report, "hints", 0)).models
    (after,) = build_view(report, disclosures=at(report, "hints", 1)).models
    assert (before.items, before.cards[0].row) == ((), None)
    assert after.items
    assert after.cards[0].row is not None
    assert "<table" not in render_html(report, disclosures=at(report, "hints", 0))


def test_the_steps_of_a_card() -> None:
    report = samples.seed_with_labels()
    finding = report.diagnostics[0]
    cards = [build_view(report, disclosures=at(report, "hints", k)).models[0].cards[0] for k in range(5)]
    assert [len(card.hints) for card in cards] == [0, 1, 2, 3, 4]
    assert [card.next_hint for card in cards] == [*(f"Next hint ({k} of 4)" for k in (1, 2, 3, 4)), ""]
    assert cards[0].title == "Something does not fit here, and it can't run."
    assert cards[0].message == "Look for it yourself first; each hint gives away one step more."
    assert [card.message for card in cards[1:]] == [""] * 4
    assert [card.title == finding.title for card in cards] == [False, False, False, True, True]
    assert [card.rule for card in cards] == ["", "", "", finding.rule, finding.rule]
    assert cards[3].hints[2] == (
        f"{finding.hints[2]} The rule is {finding.rule}; `%shapecheck --explain {finding.rule}` shows it with examples."
    )
    assert not [card for card in cards if card.fixes or card.actions]


def test_models_with_different_findings_are_not_taken_together() -> None:
    for name in NAMES:
        report = samples.ALL[name]()
        counts = [m.count for m in build_view(report).models]
        assert [m.count for m in build_view(report, disclosures=at(report, "hints", 0)).models] == counts


@pytest.mark.parametrize("name", NAMES)
def test_findings_are_told_one_by_one(name: str) -> None:
    report = samples.ALL[name]()
    for k in range(len(report.diagnostics)):
        seen = at(report, "hints", 0)
        seen[k] = Disclosure("hints", 4)
        assert leaks(report, seen) == []


# -- the settings


def test_hints_are_counted_by_finding_and_kept(settings: ShapeMagic) -> None:
    report = samples.seed_with_labels()
    assert [d.level for d in disclosures(report)] == [0] * len(report.diagnostics)
    assert [tell_next(report, 0) for _ in range(6)] == [True] * 4 + [False] * 2
    assert disclosures(samples.seed_with_labels())[0] == Disclosure("hints", 4)
    assert disclosures(samples.not_reached())[0].level == 0


def test_off_gives_no_hints(settings: ShapeMagic) -> None:
    settings.fixes = "off"
    assert tell_next(samples.seed_with_labels(), 0) is False
    assert settings.told == {}


def test_a_hint_is_recorded_where_that_is_asked_for(settings: ShapeMagic, tmp_path: Path) -> None:
    report = samples.seed_with_labels()
    tell_next(report, 0)
    settings.record = str(tmp_path / "attempts.jsonl")
    tell_next(report, 0)
    (line,) = map(json.loads, (tmp_path / "attempts.jsonl").read_text().splitlines())
    assert {k: line[k] for k in ("what", "rule", "level")} == {
        "what": "hint",
        "rule": report.diagnostics[0].rule,
        "level": 2,
    }


def test_a_record_that_can_not_be_written_keeps_no_hint_back(settings: ShapeMagic, tmp_path: Path, caplog: Any) -> None:
    settings.record = str(tmp_path / "nowhere" / "attempts.jsonl")
    assert tell_next(samples.seed_with_labels(), 0)
    assert "an attempt was not recorded" in caplog.text


def test_print_and_plot_obey_and_the_data_stay_whole(settings: ShapeMagic) -> None:
    report = samples.seed_with_labels()
    assert str(report) == render_text(report, disclosures=at(report, "hints", 0))
    assert report.diagnostics[0].title not in drawn_words(report)
    assert report.to_dict()["diagnostics"][0]["fixes"]
    assert report.to_dict()["diagnostics"][0]["message"] == report.diagnostics[0].message
    settings.fixes = "on"
    assert str(report) == render_text(report)
    assert report.diagnostics[0].title in drawn_words(report)


def drawn_words(report: Report) -> str:
    """The words of ``report.plot()``."""
    return " ".join(text.get_text() for text in report.plot().findobj(Text)).removeprefix("✗ ")


# -- the widget


def state(widget: ShapeWidget) -> str:
    """All that is in the browser, but its script and style."""
    kept = {k: v for k, v in widget.get_state().items() if not k.startswith("_")}
    return plain(json.dumps(kept, default=str, ensure_ascii=False)) + repr(widget)


def ask(widget: ShapeWidget, message: object) -> dict[str, Any]:
    answer: dict[str, Any] = widget.hint(message, [])[0]
    return answer


def test_the_widget_tells_one_step_a_press(settings: ShapeMagic) -> None:
    report = samples.seed_with_labels()
    finding = report.diagnostics[0]
    widget = ShapeWidget(report, lambda request: {"ok": True})
    for level in range(5):
        text = state(widget)
        assert [hint in text for hint in finding.hints] == [k < level for k in range(4)]
        assert not [word for word in untold(finding, Disclosure("hints", level)) if word in text]
        assert ask(widget, {"finding": 0, "level": 4}) == (
            {"ok": True} if level < 4 else {"ok": False, "why": "There is no further hint on this card."}
        )


@pytest.mark.parametrize(
    "message",
    [None, "0", {}, {"finding": None}, {"finding": "0"}, {"finding": True}, {"finding": -1}, {"finding": 99}, {"finding": [0]},
     {"finding": "__import__('os')"}, {"finding": 0.0}],
)  # fmt: skip
def test_a_forged_message_tells_nothing(settings: ShapeMagic, message: object) -> None:
    widget = ShapeWidget(samples.seed_with_labels(), lambda request: {"ok": True})
    before = state(widget)
    assert ask(widget, message)["ok"] is False
    assert (state(widget), settings.told) == (before, {})


def test_no_fix_is_offered_to_a_forged_press(settings: ShapeMagic) -> None:
    asked: list[object] = []

    def planner(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {"ok": True}

    widget = ShapeWidget(samples.seed_with_labels(), planner)
    for mode in ("run", "edit"):
        assert widget.plan({"fix": "0.0", "mode": mode}, [])[0]["ok"] is False
    assert asked == []


def test_two_cards_of_one_finding_keep_in_step(settings: ShapeMagic) -> None:
    report = samples.seed_with_labels()
    first, second = (ShapeWidget(report, lambda request: {"ok": True}) for _ in range(2))
    assert ask(first, {"finding": 0})["ok"] is True
    assert len(second.view["models"][0]["cards"][0]["hints"]) == 0
    assert ask(second, {"finding": 0})["ok"] is True
    assert first.view == second.view
    ask(first, {"finding": 0})
    heard: list[Report] = []
    second.on_told = heard.append
    second.refresh()
    second.refresh()
    assert first.view == second.view
    assert heard == [report]


def test_the_setting_holds_from_the_next_display_on(settings: ShapeMagic) -> None:
    report = samples.seed_with_labels()
    widget = ShapeWidget(report, lambda request: {"ok": True})
    settings.fixes = "off"
    widget.update(report)
    assert ask(widget, {"finding": 0}) == {"ok": False, "why": "There is no further hint on this card."}
    settings.fixes = "on"
    widget.update(report)
    assert widget.view["models"][0]["cards"][0]["fixes"]
    assert as_told(report) == report


def test_every_step_has_its_name() -> None:
    report = samples.seed_with_labels()
    card = build_view(report, disclosures=at(report, "hints", 4)).models[0].cards[0]
    assert card.steps == ("Where", "What went in, and what was wanted", "Why", "How")
    assert len(STEPS) == len(card.steps)


@pytest.mark.parametrize("level", range(5))
def test_hostile_hints_stay_text(level: int) -> None:
    report = samples.hostile()
    page = render_html(report, disclosures=at(report, "hints", level))
    assert "<script" not in page
    assert "<img" not in page
    text = render_text(report, disclosures=at(report, "hints", level), color=False)
    assert not [char for char in text if ord(char) < 32 and char != "\n"]
