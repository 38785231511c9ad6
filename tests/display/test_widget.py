"""The kernel's side of the widget: what it tells the front end, and what it lets the front end ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shape_magic.display.parts import Done
from shape_magic.display.widget import ShapeWidget, widget_words
from tests import samples


class Planner:
    """Remembers what it was asked."""

    def __init__(self, plan: dict[str, Any] | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.given = plan or {"ok": True, "edits": [], "rerun": [], "message": ""}

    def __call__(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        return self.given


def ask(widget: ShapeWidget, message: object) -> dict[str, Any]:
    answer: dict[str, Any] = widget.plan(message, [])[0]
    return answer


def test_offered_fix_reaches_the_planner_as_two_plain_fields() -> None:
    planner = Planner()
    widget = ShapeWidget(samples.seed_with_labels(), planner)
    assert ask(widget, {"fix": "0.1", "mode": "run", "code": "import os"}) == planner.given
    assert planner.asked == [{"fix": "0.1", "mode": "run"}]


@pytest.mark.parametrize(
    "message",
    [
        None,
        "run",
        {},
        {"fix": "0.9", "mode": "run"},
        {"fix": "0.0", "mode": "delete"},
        {"fix": None, "mode": "undo"},
        {"fix": "__import__('os')", "mode": "run"},
        {"fix": ["0.0"], "mode": "run"},
        {"fix": {"a": 1}, "mode": ["run"]},
    ],
)
def test_nothing_else_reaches_the_planner(message: object) -> None:
    planner = Planner()
    answer = ask(ShapeWidget(samples.seed_with_labels(), planner), message)
    assert answer == {"ok": False, "why": "This fix is not among those that were offered."}
    assert planner.asked == []


def test_fix_without_a_cell_is_not_offered() -> None:
    planner = Planner()
    assert not ask(ShapeWidget(samples.long_names(), planner), {"fix": "0.0", "mode": "edit"})["ok"]
    assert planner.asked == []


def test_keep_is_offered_where_there_is_a_question() -> None:
    planner = Planner()
    assert ask(ShapeWidget(samples.seed_without_labels(), planner), {"fix": "0.keep0", "mode": "keep"})["ok"]


def test_undo_is_offered_after_something_was_done() -> None:
    planner = Planner()
    widget = ShapeWidget(samples.green(), planner, done=Done("Inserted Flatten(), line 6"))
    assert ask(widget, {"fix": None, "mode": "undo"})["ok"]


def test_update_offers_what_the_new_report_offers() -> None:
    widget = ShapeWidget(samples.seed_with_labels(), Planner())
    widget.update(samples.green())
    assert not ask(widget, {"fix": "0.0", "mode": "run"})["ok"]
    assert widget.view["models"][0]["status"] == "ok"


def test_failing_planner_is_a_sentence_for_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def planner(request: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("no such cell")

    monkeypatch.setenv("SHAPE_MAGIC_STRICT", "0")
    answer = ask(ShapeWidget(samples.seed_with_labels(), planner), {"fix": "0.0", "mode": "run"})
    assert answer == {"ok": False, "why": "The fix could not be prepared: no such cell"}
    monkeypatch.setenv("SHAPE_MAGIC_STRICT", "1")
    with pytest.raises(ValueError, match="no such cell"):
        ask(ShapeWidget(samples.seed_with_labels(), planner), {"fix": "0.0", "mode": "run"})


def test_ping_is_answered() -> None:
    assert ShapeWidget(samples.green(), Planner()).ping({}, []) == ({"ok": True}, [])


def test_text_in_its_place_says_what_is_wrong() -> None:
    bundle = ShapeWidget(samples.seed_with_labels(), Planner())._repr_mimebundle_()
    assert bundle is not None
    assert bundle[0]["text/plain"].splitlines() == [
        "✗ model: (None, 28, 28, 1) → (None, 5, 5, 10) · breaks",
        "✗ One answer per position, but one label per image.",
    ]


def test_state_is_json_even_with_hostile_names() -> None:
    state = ShapeWidget(samples.hostile(), Planner()).get_state(["view", "words", "identity"])
    json.dumps(state, ensure_ascii=False).encode("utf-8")


def test_script_and_style_are_small_and_load_nothing() -> None:
    script, style = str(ShapeWidget._esm), str(ShapeWidget._css)
    assert len(script.encode()) < 30_000
    assert len(style.encode()) < 30_000
    assert "://" not in script + style


def test_words_for_the_front_end_keep_their_places_open() -> None:
    words = widget_words()
    assert "{why}" in words["failed"]
    assert "{k}" in words["running"]
    assert all(words.values())
