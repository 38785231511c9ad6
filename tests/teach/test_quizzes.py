"""The quiz: reads what people write, checks it against the trace, says what is behind it, and gives nothing away."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from shape_magic import teach
from shape_magic.errors import UsageError
from shape_magic.settings import ShapeMagic
from shape_magic.teach.answers import readings
from shape_magic.teach.quiz_view import quiz_view
from shape_magic.teach.quiz_widget import QuizWidget
from shape_magic.teach.quizzes import Quiz
from tests.rules.test_words import TEXTS, modules, patterns

CELL = """\
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    layers.Conv2D(32, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(64, 3, strides=2, padding="same"),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
"""


@pytest.fixture
def quiz() -> Quiz:
    """All blanks that the cell can have but the last."""
    return teach.quiz(CELL, blanks=["conv2d", "max_pooling2d", "conv2d_1", "flatten"])


@pytest.mark.parametrize(
    "text",
    [
        "26, 26, 32",
        "(26, 26, 32)",
        "26,26,32",
        "26x26x32",
        "26 x 26 x 32",
        "26×26×32",
        "26 26 32",
        "(None, 26, 26, 32)",
        "[None, 26, 26, 32]",
        "None x 26 x 26 x 32",
        "batch, 26, 26, 32",
        "Batch; 26; 26; 32",
        "?, 26, 26, 32",
        " ( none , 26 , 26 , 32 , ) ",
    ],
)
def test_every_way_to_write_a_shape_is_understood(quiz: Quiz, text: str) -> None:
    assert quiz.answer("conv2d", text).right


@pytest.mark.parametrize(
    "text",
    ["", "  ", "26.0, 26", "twenty-six", "26, -26, 32", "__import__('os')", "1" * 50, "1, " * 60, "²6, 26", "()"],
)
def test_what_is_no_shape_is_said_and_does_not_count(quiz: Quiz, text: str) -> None:
    answer = quiz.answer("conv2d", text)
    assert not answer.counted
    assert "(None, 4, 5, 6)" in answer.message
    assert quiz.score.asked == 0
    assert quiz.answer("conv2d", "26, 26, 32").right
    assert quiz.score.first_try == 1


def test_a_number_with_a_thousands_comma_is_that_number_too() -> None:
    assert readings("3,136") == ((3, 136), (3136,))
    quiz = teach.quiz(CELL, blanks=["flatten"])
    assert quiz.answer("flatten", "3,136").right


def test_a_wrong_answer_is_named_and_may_be_tried_again(quiz: Quiz) -> None:
    wrong = quiz.answer("conv2d", "28, 28, 32")
    assert (wrong.right, wrong.misconception) == (False, "forgot-kernel")
    assert "3×3 window" in wrong.message
    assert "? = ⌊(28 − 3) / 1⌋ + 1" in wrong.message
    right = quiz.answer("conv2d", "26, 26, 32")
    assert right.right
    assert "26 = ⌊(28 − 3) / 1⌋ + 1" in right.message
    assert (quiz.score.right, quiz.score.first_try, quiz.score.asked, quiz.score.total) == (1, 0, 1, 4)
    assert quiz.score.share == 0.25


def test_a_wrong_answer_without_a_name_gets_the_way(quiz: Quiz) -> None:
    answer = quiz.answer("conv2d", "9, 9, 9")
    assert answer.misconception is None
    assert answer.message.startswith("(9, 9, 9) is not the output.")
    assert "⌊(28 − 3) / 1⌋ + 1" in answer.message


def test_a_shown_answer_is_not_right(quiz: Quiz) -> None:
    assert "(batch, 26, 26, 32)" in quiz.show("conv2d")
    assert not quiz.answer("conv2d", "26, 26, 32").counted
    assert (quiz.score.right, quiz.score.asked) == (0, 1)


def test_an_answer_stands_once_it_is_right(quiz: Quiz) -> None:
    quiz.answer("conv2d", "26, 26, 32")
    again = quiz.answer("conv2d", "1, 2, 3")
    assert not again.counted
    assert quiz.score.right == 1


def test_a_blank_below_an_open_one_gives_nothing_away(quiz: Quiz) -> None:
    assert "26" not in quiz.show("max_pooling2d")
    wrong = quiz.answer("max_pooling2d", "25, 25, 32")
    assert wrong.misconception == "ignored-stride"
    assert "26" not in wrong.message
    right = quiz.answer("max_pooling2d", "13, 13, 32")
    assert right.right
    assert "26" not in right.message


def test_the_order_of_answers_is_free(quiz: Quiz) -> None:
    for layer, text in [
        ("flatten", "3136"),
        ("conv2d_1", "7,7,64"),
        ("max_pooling2d", "13,13,32"),
        ("conv2d", "26,26,32"),
    ]:
        assert quiz.answer(layer, text).right
    assert quiz.score.share == 1.0


def hidden(quiz: Quiz) -> str:
    """All that the front end is given."""
    return json.dumps(quiz_view(quiz), ensure_ascii=False)


def test_no_answer_is_in_the_page_before_it_is_given(quiz: Quiz) -> None:
    for k, (layer, shape) in enumerate(
        [("conv2d", "26, 26, 32"), ("max_pooling2d", "13, 13, 32"), ("conv2d_1", "7, 7, 64"), ("flatten", "3136")]
    ):
        assert shape not in hidden(quiz)
        assert all(
            row["params"] == "" for row in quiz_view(quiz)["rows"] if row["call"] is not None and row["call"] >= k
        )
        quiz.answer(layer, "1, 1, 1")
        assert shape not in hidden(quiz)
        quiz.answer(layer, shape)
        assert shape in hidden(quiz)
    assert "31,370" in hidden(quiz)
    assert "4 of 4 right, 0 of them at the first try" in hidden(quiz)


def test_what_was_typed_stays_text(quiz: Quiz) -> None:
    quiz.answer("conv2d", "<img src=x>")
    assert "<img" not in hidden(quiz)


def test_the_text_form_shows_the_blanks_and_how_to_answer(quiz: Quiz) -> None:
    text = repr(quiz)
    assert text.count("?") == 4
    assert 'q.answer("conv2d", "4, 5, 6")' in text
    assert "26" not in text
    quiz.answer("conv2d", "26, 26, 32")
    assert "(None, 26, 26, 32)" in repr(quiz)


def test_the_widget_checks_in_python(quiz: Quiz) -> None:
    widget = QuizWidget(quiz)
    quiz._widget = widget
    assert widget.answer({"layer": "conv2d", "text": "26, 26, 32"}, [])[0] == {"ok": True}
    assert quiz.score.right == 1
    assert next(row for row in widget.view["rows"] if row["name"] == "conv2d")["shape"] == "(None, 26, 26, 32)"
    assert widget.show({"layer": "max_pooling2d", "text": ""}, [])[0] == {"ok": True}
    assert quiz.questions[1].state == "shown"


@pytest.mark.parametrize(
    "message",
    [None, {}, {"layer": "nope", "text": "1"}, {"layer": ["conv2d"], "text": "1"}, {"layer": "conv2d", "text": 1}],
)
def test_nothing_else_reaches_the_quiz(quiz: Quiz, message: object) -> None:
    assert QuizWidget(quiz).answer(message, [])[0] == {"ok": False}
    assert quiz.score.asked == 0


def test_the_script_is_small() -> None:
    from shape_magic.display.assets import joined

    assert len(joined("../teach/common.js", "../teach/quiz.js", "../teach/exercise.js").encode()) < 30_000


def test_a_model_object_gets_no_weights_and_keeps_its_state() -> None:
    import keras

    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(32, 3), keras.layers.Dense(4)])
    unbuilt = keras.Sequential([keras.layers.Dense(4)])
    quiz = teach.quiz(model)
    assert quiz.answer(quiz.questions[0].layer, "28,28,32").misconception == "forgot-kernel"
    with pytest.raises(UsageError, match=r"begin it with keras\.Input"):
        teach.quiz(unbuilt)
    assert not unbuilt.weights
    with pytest.raises(UsageError, match="this cell makes no Keras model"):
        teach.quiz("x = 1")


def test_a_functional_model_with_branches_and_shared_layers() -> None:
    quiz = teach.quiz(
        "a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))\n"
        "shared = layers.Conv2D(4, 3)\n"
        "x = layers.Concatenate()([shared(a), shared(b)])\n"
        "model = keras.Model([a, b], layers.Flatten()(x))\n",
        blanks=["conv2d", "conv2d#2", "concatenate", "flatten"],
    )
    assert quiz.answer("conv2d", "6,6,4").right
    assert quiz.answer("conv2d#2", "6,6,4").right
    assert quiz.answer("concatenate", "6,6,4").misconception == "concatenate-as-add"
    assert quiz.answer("flatten", "288").right


def test_open_axes_may_be_written_in_any_way() -> None:
    quiz = teach.quiz("model = keras.Sequential([keras.Input((None, 6)), layers.LSTM(4, return_sequences=True)])")
    assert quiz.answer("lstm", "4").misconception == "expects-last-step"
    assert quiz.answer("lstm", "None, None, 4").right


def test_a_batch_that_is_fixed_is_part_of_the_shape() -> None:
    quiz = teach.quiz("model = keras.Sequential([keras.Input((6,), batch_size=32), layers.Dense(4)])", blanks=["dense"])
    assert quiz.answer("dense", "32, 4").right


def test_blanks_are_as_asked_for() -> None:
    assert [q.layer for q in teach.quiz(CELL, blanks=["flatten", "conv2d"]).questions] == ["conv2d", "flatten"]
    assert len(teach.quiz(CELL, blanks=2).questions) == 2
    assert len(teach.quiz(CELL, blanks=99).questions) == 5
    assert {q.layer for q in teach.quiz(CELL).questions} >= {"conv2d", "conv2d_1", "flatten"}
    with pytest.raises(UsageError, match="nope can't be a blank; these can: conv2d, max_pooling2d"):
        teach.quiz(CELL, blanks=["nope"])
    with pytest.raises(UsageError, match="the blanks are conv2d"):
        teach.quiz(CELL, blanks=["conv2d"]).answer("dense", "1")


def test_another_seed_may_ask_elsewhere_and_the_same_asks_the_same() -> None:
    asked = [tuple(q.layer for q in teach.quiz(CELL, blanks=1, seed=seed).questions) for seed in (3, 3)]
    assert asked[0] == asked[1]


def test_answers_are_noted_only_when_asked_for(quiz: Quiz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    quiz.answer("conv2d", "26, 26, 32")
    assert list(tmp_path.iterdir()) == []
    ShapeMagic.instance().record = "attempts.jsonl"
    try:
        quiz.answer("max_pooling2d", "25, 25, 32")
    finally:
        ShapeMagic.clear_instance()
    (line,) = (tmp_path / "attempts.jsonl").read_text().splitlines()
    noted: dict[str, Any] = json.loads(line)
    assert (noted["what"], noted["right"], noted["misconception"]) == ("quiz", False, "ignored-stride")


def test_every_text_of_a_lesson_is_used_and_none_is_missing() -> None:
    uses = {use for _, tree in modules() for use in patterns(tree)}
    own = tuple(f"{part}." for part in ("quiz", "exercise", "study"))
    texts = [key for key in TEXTS if key.startswith(own)]
    assert [key for key in texts if not any(re.fullmatch(use, key) for use in uses)] == []
    asked = [use for use in uses if use.replace("\\", "").startswith(own)]
    assert [use for use in asked if not any(re.fullmatch(use, key) for key in texts)] == []
