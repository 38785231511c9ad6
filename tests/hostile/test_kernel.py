"""What a real kernel sends for hostile names, and what lessons show of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
from keras import layers

from shape_magic import compare
from shape_magic.teach import Playground, quiz
from tests.hostile.displays import is_harmless, is_markup_of_ours, is_message, tags, texts
from tests.hostile.rows import EVIL, FIT, LITERAL, SHOWN, stack
from tests.kernel.real import kernel
from tests.kernel.shells import SETUP

_CELL = (
    f"Own = type({LITERAL}, (layers.Dense,), {{}})\n"
    + stack("layers.Conv2D(4, 3)", f"Own(4, name={LITERAL} + '\\ud800')", f"layers.Dense(10, name={LITERAL})")
    + FIT
)


def test_every_message_of_a_kernel_is_harmless() -> None:
    with kernel() as real:
        real.run("%load_ext shape_magic\n" + SETUP)
        answer = real.run("%%shapecheck\n" + _CELL)
    shown = answer.of("display_data")
    assert any("text/html" in one["data"] for one in shown)
    for one in shown:
        is_message(one)
        is_harmless(one["data"].get("text/plain", ""))
        if "text/html" in one["data"]:
            assert SHOWN in is_markup_of_ours(one["data"]["text/html"])
    states = [one["data"]["state"] for one in answer.of("comm_open") if "view" in one["data"].get("state", {})]
    assert states
    for state in states:
        is_message(state["view"])
        for card in (card for model in state["view"]["models"] for card in model["cards"]):
            for text in texts({key: value for key, value in card.items() if key != "fixes"}):
                is_harmless(text)
    assert answer.status == "error"
    (raised,) = answer.of("error")
    is_harmless("\n".join(raised["traceback"]))


@pytest.mark.parametrize("show", [quiz, lambda model: compare(a=model, b=model), Playground])
def test_what_lessons_show_is_harmless(
    show: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, ipython: Any
) -> None:
    model = keras.Sequential(
        [layers.Input((8, 8, 1)), layers.Conv2D(4, 3, name=EVIL), layers.Flatten(), layers.Dense(10, name=EVIL + "2")],
        name=EVIL,
    )
    sent: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda data, *_, **__: sent.append(data))
    shown = show(model)
    is_harmless(repr(shown))
    formatter: Any = ipython.display_formatter
    sent.append(formatter.format(shown)[0])
    assert any(sent)
    for data in sent:
        is_harmless(data.get("text/plain", ""))
        is_harmless(data.get("text/html", ""))
        assert not {"img", "script"} & tags(data.get("text/html", ""))
