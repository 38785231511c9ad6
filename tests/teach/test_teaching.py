"""Teaching quality checks: no learner study has been done.

What can be known without one: simulated learners, one for each misconception, are told apart and named by the
quiz; somebody who guesses fails it; and for each misconception there is an explanation, an exercise and an
unseen item of another family, all of them executed. Whether people learn from it, these tests can't tell.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache
from math import prod
from random import Random

import pytest

from shape_magic import teach
from shape_magic.facts import Call
from shape_magic.rules import RULES
from shape_magic.spans import Shape
from shape_magic.teach.bench import dry_run
from shape_magic.teach.misconceptions import ALL, BY_ID, Item, Misconception
from shape_magic.teach.quizzes import Quiz
from tests.rules import documents, keras_here

#: Models as lessons have them; together they hold every kind of layer that a misconception is about.
STANDARD = {
    "digits": """\
model = keras.Sequential([
    keras.Input((28, 28, 3)),
    layers.Conv2D(8, 3, activation="relu"),
    layers.MaxPooling2D(2),
    layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
    layers.Conv2D(16, 3, strides=2, activation="relu"),
    layers.Flatten(),
    layers.Dense(10, activation="softmax"),
])
""",
    "wide windows": """\
model = keras.Sequential([
    keras.Input((63, 63, 3)),
    layers.Conv2D(8, 5, strides=2),
    layers.Conv2D(12, 3, dilation_rate=2),
    layers.AveragePooling2D(3),
    layers.Conv2D(20, 3),
    layers.GlobalAveragePooling2D(),
    layers.Dense(5),
])
""",
    "segmentation": """\
inputs = keras.Input((32, 32, 3))
x = layers.ZeroPadding2D(2)(inputs)
skip = layers.Conv2D(8, 5)(x)
x = layers.MaxPooling2D(2)(skip)
x = layers.Conv2DTranspose(8, 3, strides=2, padding="same")(x)
x = layers.Concatenate()([x, skip])
x = layers.Conv2D(8, 3, padding="same")(x)
x = layers.Add()([x, skip])
x = layers.UpSampling2D(2)(x)
model = keras.Model(inputs, layers.Dense(4, activation="softmax")(x))
""",
    "reviews": """\
model = keras.Sequential([
    keras.Input((40,)),
    layers.Embedding(1000, 16),
    layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
    layers.LSTM(12),
    layers.Dense(1, activation="sigmoid"),
])
""",
    "signals": """\
model = keras.Sequential([
    keras.Input((100, 6)),
    layers.Conv1D(8, 5, activation="relu"),
    layers.MaxPooling1D(4),
    layers.GRU(12, return_sequences=True),
    layers.TimeDistributed(layers.Dense(10)),
    layers.GlobalMaxPooling1D(),
    layers.Dense(3),
])
""",
}

Learner = Callable[[Call], Shape]


@cache
def traced(source: str) -> tuple[Call, ...]:
    """The calls of a cell's model."""
    return tuple(call for call in dry_run(source).models[-1].calls if call.output_shapes)


def taken(source: str, learner: Learner) -> Quiz:
    """A quiz that a learner has answered, each blank once."""
    quiz = teach.quiz(source)
    for question in quiz.questions:
        quiz.answer(question.layer, ", ".join(map(str, learner(question.call))))
    return quiz


def with_misconception(misconception: Misconception) -> Learner:
    """A learner who is right wherever the misconception makes no difference."""
    return lambda call: misconception.predict(call) or right(call)


def right(call: Call) -> Shape:
    assert call.output_shape is not None
    return call.output_shape


def guess(random: Random) -> Learner:
    """Somebody who writes a shape that could be one: the input's, a misconception's, or one with another size."""

    def guessed(call: Call) -> Shape:
        given, wanted = call.input_shape or (), right(call)
        near = {given, wanted, (None, prod(size or 1 for size in given[1:]))} | {m.predict(call) for m in ALL}
        for place in range(1, len(wanted)):
            size = wanted[place] or 2
            near |= {(*wanted[:place], n, *wanted[place + 1 :]) for n in (size + 1, size - 1, size * 2, size // 2)}
        return random.choice(sorted((shape for shape in near if shape), key=str))

    return guessed


def same_in(source: str, one: str, other: str) -> bool:
    """Whether two misconceptions give the same shapes throughout a model: nobody could tell them apart there."""
    return all(BY_ID[one].predict(call) == BY_ID[other].predict(call) for call in traced(source))


# -- simulated learners


@pytest.mark.parametrize("misconception", ALL, ids=lambda m: m.id)
def test_each_learner_is_named_by_the_quiz(misconception: Misconception) -> None:
    named = []
    for source in STANDARD.values():
        if not any(misconception.predict(call) for call in traced(source)):
            continue
        quiz = taken(source, with_misconception(misconception))
        assert quiz.score.first_try < quiz.score.total, "the quiz asks where the misconception shows"
        (most, _), *_ = quiz.misconceptions.most_common()
        assert quiz.diagnosis is not None
        assert quiz.diagnosis == most
        assert same_in(source, quiz.diagnosis, misconception.id), "told apart wherever anything tells them apart"
        named.append(quiz.diagnosis)
    assert misconception.id in named


@pytest.mark.parametrize("name", STANDARD)
def test_who_has_no_misconception_gets_everything(name: str) -> None:
    quiz = taken(STANDARD[name], right)
    assert (quiz.score.share, quiz.score.first_try) == (1.0, quiz.score.total)
    assert quiz.diagnosis is None
    assert not quiz.misconceptions


def test_who_guesses_fails_and_is_told_nothing_certain() -> None:
    shares, diagnoses = [], Counter[str | None]()
    for seed in range(60):
        quiz = taken(list(STANDARD.values())[seed % len(STANDARD)], guess(Random(seed)))
        shares.append(quiz.score.share)
        diagnoses[quiz.diagnosis] += 1
    assert sum(shares) / len(shares) < 0.25
    assert sum(share >= 0.4 for share in shares) <= len(shares) // 10, "below 40 %, nine times out of ten"
    assert all(times < len(shares) / 4 for name, times in diagnoses.items() if name is not None)


def test_the_standard_models_hold_every_misconception() -> None:
    shown = {m.id for m in ALL for source in STANDARD.values() for call in traced(source) if m.predict(call)}
    assert shown == set(BY_ID)


# -- the matrix: misconception × explanation × exercise × unseen item


@pytest.mark.parametrize("misconception", ALL, ids=lambda m: m.id)
def test_no_cell_of_the_matrix_is_empty(misconception: Misconception) -> None:
    learned, unseen = misconception.learned, misconception.unseen
    assert learned.family != unseen.family
    for item in (learned, unseen):
        explanation = misconception.explain(traced(item.source)[-1])
        assert re.search(r"\d", explanation), "with the layer's numbers"
        assert is_recognised(misconception, item)
    if not documents.read(misconception.rule).here(documents.BROKEN):
        keras_here.pass_over(cell.id for cell in documents.read(misconception.rule).cells)
    exercise = teach.exercise(misconception.rule)
    assert exercise.answer(repair=exercise.solution).repaired


def is_recognised(misconception: Misconception, item: Item) -> bool:
    """Whether a quiz on the item alone knows the learner's answer as this misconception's."""
    quiz = taken(item.source, with_misconception(misconception))
    return quiz.score.right < quiz.score.total and quiz.diagnosis == misconception.id


def test_exercises_of_the_matrix_are_rules() -> None:
    assert {m.rule for m in ALL} <= {rule.name for rule in RULES}
