"""What a page sends is a wish, never a truth: forged, stale and malformed messages change and show nothing.

A real kernel is sent messages by hand over its own channels, as any page that is connected could.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kernel.real import Answer, Kernel, kernel
from tests.kernel.shells import BROKEN, FIT, SETUP

HTML = "<img src=x onerror=alert(1)>"
HUGE = "9" * 1_000_000


def each(*values: Any) -> tuple[Any, ...]:
    """Values of any types."""
    return values


def command(name: object, message: object = None, number: object = "1") -> dict[str, Any]:
    """The message that a pressed button sends."""
    content = {"kind": "anywidget-command", "id": number, "name": name, "msg": message}
    return {"method": "custom", "content": content}


def plan(fix: object, mode: object = "run") -> dict[str, Any]:
    """Asking for a fix."""
    return command("plan", {"fix": fix, "mode": mode})


#: Each asks for something that there is, in a form that passes, and must be told no.
REFUSED = {
    **{
        f"fix {fix!r:.20}": plan(fix)
        for fix in each("0.9", "-1.0", "0.-1", "1.0", "0", "", "0.0.0", "00.0", "0.0 ", "٠.٠")
    },
    **{
        f"fix {fix!r:.20}": plan(fix) for fix in each(0, 0.0, True, None, ["0.0"], {"0.0": 1}, float("nan"), HTML, HUGE)
    },
    **{
        f"mode {mode!r:.20}": plan("0.0", mode)
        for mode in each("erase", "RUN", "keep", "", None, ["run"], 1, HTML, HUGE)
    },
    "undo before anything": plan(None, "undo"),
    **{f"message {m!r:.20}": command("plan", m) for m in each(None, [], ["0.0", "run"], "0.0", 7, {})},
    **{
        f"hint {k!r:.20}": command("hint", {"finding": k})
        for k in each(-1, 1, 10**30, True, 0.0, float("nan"), float("inf"), "0", None, [0], HUGE)
    },
}
#: Each has no form that a page sends, and is passed over.
PASSED_OVER = {
    **{
        f"command {n!r:.20}": command(n)
        for n in each("erase", "close", "__init__", "update", "", None, 3, ["plan"], HUGE)
    },
    **{f"id {n!r:.20}": command("plan", {"fix": "0.0", "mode": "run"}, n) for n in each(None, 7, [], {}, HUGE)},
    "no name": {"method": "custom", "content": {"kind": "anywidget-command", "id": "1", "msg": {}}},
    "no message": {"method": "custom", "content": {"kind": "anywidget-command", "id": "1", "name": "plan"}},
    "another kind": {"method": "custom", "content": {"kind": "anywidget-command-response", "id": "1", "name": "plan"}},
    **{f"content {c!r:.20}": {"method": "custom", "content": c} for c in each(None, [], "plan", 1)},
    "no content": {"method": "custom"},
    **{f"method {m!r:.20}": {"method": m} for m in each("erase", "", None, 1, ["update"], {}, HUGE)},
    "no method": {},
    **{f"data {d!r:.20}": d for d in each(None, [], "update", 1)},
    **{f"state {s!r:.20}": {"method": "update", "state": s} for s in each(None, [], "view", 1)},
    "no state": {"method": "update"},
    "buffers": {"method": "update", "state": {}, "buffer_paths": [["view", 0], [], 7]},
    **{
        f"state of {name}": {"method": "update", "state": {name: value}, "buffer_paths": []}
        for name, value in {
            "view": {"models": [], "cards": [{"title": HTML}]},
            "words": {"undo": HTML},
            "identity": HTML,
            "_esm": "export default { render() { document.title = 'taken' } }",
            "_css": "* { display: none }",
            "_view_name": "Other",
            "_model_module": "elsewhere",
            "layout": "IPY_MODEL_0",
            "status": HTML,
            "_planner": "print",
            "_offered": [["run", "0.9"]],
            "no_such_trait": HUGE,
        }.items()
    },
    **{f"status {v!r:.20}": {"method": "update", "state": {"status": v}} for v in each(None, 7, ["applied"], {}, HUGE)},
}


class Page:
    """A page that is connected to a kernel and to one of its widgets."""

    def __init__(self, running: Kernel, comm: str) -> None:
        self.kernel, self.comm = running, comm

    def send(self, data: object, kind: str = "comm_msg") -> Answer:
        """Send one message, and give all that comes of it."""
        client = self.kernel.client
        message = client.session.msg(kind, {"comm_id": self.comm, "data": data})
        client.shell_channel.send(message)
        found = Answer()
        while True:
            heard = client.get_iopub_msg(timeout=60)
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                return found
            if heard["msg_type"] != "status":
                found.messages.append((heard["msg_type"], heard["content"]))

    def answer(self, data: object) -> Any:
        """What a command is answered with; None where it is passed over."""
        sent = self.send(data)
        assert {kind for kind, _ in sent.messages} <= {"comm_msg"}, f"something is shown: {sent.messages}"
        answers = [m["data"]["content"] for m in sent.of("comm_msg") if m["data"].get("method") == "custom"]
        assert len(answers) <= 1
        return answers[0]["response"] if answers else None

    def state(self) -> dict[str, Any]:
        """What the kernel says the widget's state is."""
        (update,) = self.send({"method": "request_state"}).of("comm_msg")
        return dict(update["data"]["state"])


@pytest.fixture(scope="module")
def running() -> Iterator[Kernel]:
    with kernel() as made:
        assert made.run("%load_ext shape_magic\n" + SETUP).status == "ok"
        yield made


@pytest.fixture
def page(running: Kernel) -> Page:
    """A page with a fresh card, whose cell is ``cell``."""
    shown = running.run("%%shapecheck\n" + BROKEN + FIT, "cell")
    cards = [m["comm_id"] for m in shown.of("comm_open") if "_esm" in m["data"]["state"]]
    assert len(cards) == 1
    return Page(running, cards[0])


def test_whatever_is_sent_nothing_is_changed_and_nothing_is_shown(page: Page) -> None:
    before = page.state()
    wrong = {name: said for name, data in REFUSED.items() if (said := page.answer(data)) is None or said["ok"]}
    assert wrong == {}
    spoken = {name: said for name, data in PASSED_OVER.items() if (said := page.answer(data)) is not None}
    assert spoken == {}
    assert json.dumps(page.state(), sort_keys=True) == json.dumps(before, sort_keys=True)
    assert page.answer(command("ping")) == {"ok": True}
    planned = page.answer(plan("0.0"))
    assert planned["ok"]
    assert [edit["cell"] for edit in planned["edits"]] == ["cell"]
    assert page.answer(plan("0.0")) == planned, "the same again is the same"
    assert page.kernel.run("6 * 7").of("execute_result")[0]["data"]["text/plain"] == "42"


def test_a_page_says_what_became_of_a_plan_and_nothing_else(page: Page) -> None:
    for status in ("applied", "applied", "refused", "undone", "copied"):
        page.answer({"method": "update", "state": {"status": status, "view": {}}})
        assert page.state()["status"] == status
    assert page.state()["view"] != {}


def test_a_card_of_an_earlier_run_offers_what_it_offered_to_the_cell_as_it_was(page: Page) -> None:
    text = "%%shapecheck\n# another text\n" + BROKEN + FIT
    page.kernel.run(text, "cell")
    old = page.answer(plan("0.0"))
    assert old["edits"][0]["before"] == "%%shapecheck\n" + BROKEN + FIT  # which the page compares with the cell


def test_a_closed_card_answers_no_more_and_the_kernel_goes_on(page: Page) -> None:
    page.send({}, "comm_close")
    for data in (command("ping"), plan("0.0"), {"method": "update", "state": {"status": "applied"}}, None):
        heard = page.send(data).messages
        assert [(kind, m) for kind, m in heard if kind == "comm_msg"] == []
        assert [(kind, m) for kind, m in heard if kind == "error"] == []
    again = page.kernel.run("%%shapecheck\n" + BROKEN + FIT, "cell")
    assert again.reply["ename"] == "ShapeError"
    assert [m["text"] for m in again.of("stream") if m["name"] == "stderr"] == []


def test_a_card_whose_page_is_gone_is_updated_without_harm(running: Kernel) -> None:
    running.run("%shapecheck on")
    shown = running.run(BROKEN, "make")
    card = next(m["comm_id"] for m in shown.of("comm_open") if "_esm" in m["data"]["state"])
    Page(running, card).send({}, "comm_close")
    fitted = running.run(FIT, "use")
    running.run("%shapecheck off")
    assert fitted.reply["ename"] == "ShapeError"
    assert [m for m in fitted.of("stream") if m["name"] == "stderr"] == []


def test_a_message_for_no_widget_is_nothing(running: Kernel) -> None:
    heard = Page(running, "no-such-comm").send(plan("0.0")).messages
    assert [m for kind, m in heard if kind in ("comm_msg", "error")] == []
    assert running.run("1").status == "ok"
