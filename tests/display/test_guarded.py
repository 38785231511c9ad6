"""All our widgets take nothing from a page on trust; what is typed into a lesson's fields is text."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import anywidget
import keras
import pytest

import shape_magic
from shape_magic import teach
from shape_magic.display.guarded import Guarded
from shape_magic.teach.exercise_widget import ExerciseWidget
from shape_magic.teach.playground import Playground
from shape_magic.teach.quiz_widget import QuizWidget
from shape_magic.teach.stage import Stage

CELL = """\
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(10)])
"""
#: What is no shape, or none that Python takes in.
TYPED = {
    "deep": "(" * 100_000,
    "long": "9" * 100_000,
    "signs": "-" * 5_000 + "1",
    "lists": "[" * 500 + "]" * 500,
    "surrogate": "\ud800",
    "escape": "\x1b[31m1",
    "right to left": "\u202e1",
    "infinite": "1e400",
    "nan": "nan",
    "code": "__import__('os').getpid()",
    "zero byte": "\0",
    "digits of others": "٣",
    "superscript": "²",
    "HTML": "<img src=x onerror=alert(1)>",
}
FORGED: tuple[Any, ...] = (
    None,
    [],
    "act",
    {"method": "update", "state": {"view": {}, "words": {}, "ladder": {}, "state": {}, "_esm": "x", "menu": []}},
    {"method": "update", "state": []},
    {"method": "custom", "content": {"kind": "anywidget-command", "id": "1", "name": "erase", "msg": {}}},
    {"method": "custom", "content": {"kind": "anywidget-command", "id": "1", "name": ["answer"], "msg": {}}},
    {"method": "custom", "content": {"kind": "anywidget-command"}},
)


def all_below(cls: type) -> list[type]:
    """The classes that are derived from one, however far down."""
    below: list[type] = cls.__subclasses__()
    return below + [deeper for one in below for deeper in all_below(one)]


def test_no_widget_of_ours_is_unguarded() -> None:
    for module in pkgutil.walk_packages(shape_magic.__path__, "shape_magic."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = [cls for cls in all_below(anywidget.AnyWidget) if cls.__module__.startswith("shape_magic")]
    assert len(ours) > 4
    assert [cls for cls in ours if not issubclass(cls, Guarded)] == []


def widgets() -> list[Guarded]:
    """One of each kind that a lesson shows."""
    ladder = Stage(played()).ladder
    return [QuizWidget(teach.quiz(CELL)), ExerciseWidget(teach.exercise("dense-on-feature-map")), ladder]


def played() -> Playground:
    """A playground with the cell's model."""
    return Playground(CELL, namespace={"keras": keras, "layers": keras.layers})


def test_forged_messages_change_nothing_in_a_lesson(capsys: pytest.CaptureFixture[str]) -> None:
    for widget in widgets():
        before = widget.get_state()
        for data in FORGED:
            widget._handle_msg({"content": {"data": data}, "buffers": []})
        assert widget.get_state() == before
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", TYPED.values(), ids=TYPED.keys())
def test_what_is_typed_into_a_blank_is_a_shape_or_is_told_to_be_none(text: str) -> None:
    quiz = teach.quiz(CELL, blanks=["conv2d"])
    widget = QuizWidget(quiz)
    assert widget.answer({"layer": "conv2d", "text": text}, [])[0] == {"ok": True}
    assert quiz.score.right == 0
    assert quiz.questions[0].message


@pytest.mark.parametrize("do", ["select", "insert", "\ud800", ""])
def test_what_a_page_names_in_a_playground_is_there_or_is_told_not_to_be(do: str) -> None:
    play = played()
    act = Stage(play).ladder.act
    before = play.source
    for text in TYPED.values():
        assert act({"do": do, "name": text, "names": [text, {}]}, []) == ({}, [])
        assert play.source == before
