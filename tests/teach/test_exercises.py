"""Exercises: one for every rule, proved before it is set; any repair to the labels is accepted, and no way around."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from functools import cache

import pytest

from shape_magic import teach
from shape_magic.errors import UsageError
from shape_magic.rules import RULES
from shape_magic.settings import ShapeMagic
from shape_magic.teach.documented import documented
from shape_magic.teach.exercise_widget import ExerciseWidget
from shape_magic.teach.exercises import Exercise
from shape_magic.teach.mistakes import MAKERS
from tests.rules import documents, keras_here

NAMES = tuple(rule.name for rule in RULES)


@cache
def made(rule: str, seed: int = 0) -> Exercise:
    """An exercise that several tests look at; what they answer must not depend on each other."""
    if not MAKERS.get(rule) and not documents.read(rule).here(documents.BROKEN):
        keras_here.pass_over(cell.id for cell in documents.read(rule).cells)
    return teach.exercise(rule, seed)


@pytest.mark.parametrize("rule", NAMES)
def test_every_rule_has_an_exercise_that_raises_it_alone(rule: str) -> None:
    exercise = made(rule)
    assert exercise.finding.rule == rule
    assert documents.checked(exercise.source, exercise._budget).diagnostics[0].rule == rule
    assert documents.checked(exercise.solution, exercise._budget).diagnostics == ()


@pytest.mark.parametrize("rule", NAMES)
def test_the_solution_and_every_fix_of_the_check_are_accepted(rule: str) -> None:
    exercise = made(rule)
    fixes = [fix.source for fix in exercise.finding.fixes if fix.source is not None and fix.complete]
    verdicts = [exercise.answer(repair=source) for source in [exercise.solution, *fixes]]
    assert [verdict.message for verdict in verdicts if not verdict.repaired] == []


@pytest.mark.parametrize("rule", NAMES)
def test_what_repairs_nothing_is_refused(rule: str) -> None:
    exercise = made(rule)
    without_use = re.sub(r"^.*\.(fit|evaluate|predict)\(.*$", "", exercise.source, flags=re.MULTILINE)
    tries = ["", "pass", "# nothing", exercise.source, f"{exercise.source}\nunrelated = 1\n"]
    tries += [without_use] if without_use != exercise.source else []
    assert [text for text in tries if exercise.answer(repair=text).repaired] == []


@pytest.mark.parametrize("rule", NAMES)
def test_a_place_is_right_and_another_is_not(rule: str) -> None:
    exercise = made(rule)
    right = [layer for layer in exercise.layers if exercise.answer(layer=layer).layer_right]
    assert right
    assert len(right) < len(exercise.layers)


@pytest.mark.parametrize(("rule", "k"), [(rule, k) for rule, makers in MAKERS.items() for k in range(len(makers))])
def test_cells_of_our_own_vary_with_the_seed(rule: str, k: int) -> None:
    kinds = len(MAKERS[rule])
    exercises = [made(rule, k + kinds * step) for step in range(3)]
    assert len({exercise.source for exercise in exercises}) == 3
    own = {draft.broken for draft in documented(rule)}
    assert not any(exercise.source in own for exercise in exercises), "a maker failed, and the document stepped in"


def test_the_same_seed_gives_the_same_cell() -> None:
    assert teach.exercise("layer-input-rank", 5).source == teach.exercise("layer-input-rank", 5).source


# -- the judge

MAP = "dense-on-feature-map"


def repaired(exercise: Exercise, text: str) -> bool:
    return bool(exercise.answer(repair=text).repaired)


def fixed_by_hand(exercise: Exercise) -> str:
    """A repair that no fix of the check's writes."""
    return exercise.source.replace("    layers.Dense(", "    layers.Reshape((-1,)),\n    layers.Dense(")


def test_any_repair_is_accepted() -> None:
    exercise = made(MAP)
    assert repaired(exercise, fixed_by_hand(exercise))
    one_hot = fixed_by_hand(exercise).replace("sparse_categorical", "categorical")
    classes = re.search(r"% (\d+)", exercise.source)
    assert classes is not None
    one_hot = one_hot.replace("fit(x_train, y_train", f"fit(x_train, keras.utils.to_categorical(y_train, {classes[1]})")
    assert repaired(exercise, one_hot), "class numbers may become rows"


def labels(exercise: Exercise, text: str) -> str:
    """The cell, repaired, with other labels."""
    return re.sub(r"y_train = .*", f"y_train = {text}", fixed_by_hand(exercise))


@pytest.mark.parametrize(
    "text",
    [
        "np.zeros(36)",
        "np.zeros(36, int)",
        "np.zeros((36, 10))",
        "np.ones(36, int)",
        "np.arange(36) % 2",
        "np.arange(12) % 10",
    ],
)
def test_other_labels_are_refused(text: str) -> None:
    exercise = made(MAP)
    assert "np.arange(36) % 10" in exercise.source
    assert not repaired(exercise, labels(exercise, text))


def test_rows_that_all_name_one_class_are_refused() -> None:
    exercise = made(MAP)
    rows = labels(exercise, "keras.utils.to_categorical(np.zeros(36, int), 10)").replace("sparse_", "")
    assert not repaired(exercise, rows)
    inline = (
        fixed_by_hand(exercise)
        .replace("sparse_", "")
        .replace("x_train, y_train", "x_train, np.eye(10)[np.zeros(36, int)]")
    )
    assert not repaired(exercise, inline)


def test_other_data_are_refused() -> None:
    exercise = made(MAP)
    text = fixed_by_hand(exercise)
    assert not repaired(exercise, text.replace("fit(x_train, y_train", "fit(x_train[:8], y_train[:8]"))


@pytest.mark.parametrize("method", ["fit", "compile"])
def test_a_lost_call_is_named(method: str) -> None:
    exercise = made(MAP)
    text = re.sub(rf"model\.{method}\(.*", "", fixed_by_hand(exercise))
    assert method in exercise.answer(repair=text).message or method == "compile"
    assert not repaired(exercise, text)


def test_a_call_that_is_never_reached_is_a_lost_one() -> None:
    exercise = made(MAP)
    assert not repaired(exercise, fixed_by_hand(exercise).replace("model.fit(", "False and model.fit("))


def test_a_loss_of_ones_own_compares_nothing() -> None:
    exercise = made(MAP)
    own = exercise.source.replace('loss="sparse_categorical_crossentropy"', "loss=lambda y, p: keras.ops.mean(p)")
    assert not repaired(exercise, own)


def test_a_keep_comment_is_no_repair() -> None:
    exercise = made("steps-lost-before-labels")
    text = exercise.solution.replace(
        "layers.Dense(", "layers.Dense(  # shapecheck: keep dense-on-feature-map\n        "
    )
    assert "silences" in exercise.answer(repair=text).message


def test_what_still_breaks_is_said() -> None:
    exercise = made(MAP)
    verdict = exercise.answer(layer="conv2d", repair=exercise.source + "\nx = 1\n")
    assert (verdict.layer_right, verdict.repaired) == (False, False)
    assert verdict.message.startswith("`conv2d` is not where it breaks.")
    assert exercise.finding.title in verdict.message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = (", "Python stopped in line 1: SyntaxError"),
        ("a = 1\nunknown", "Python stopped in line 2: NameError: name 'unknown'"),
        ("import nothing_of_that_name", "Python stopped in line 1: ModuleNotFoundError"),
        ("1 / 0", "Python stopped in line 1: ZeroDivisionError"),
        ("raise SystemExit", "Python stopped in line 1: SystemExit"),
    ],
)
def test_errors_of_the_learners_own_are_told_in_words(text: str, said: str) -> None:
    assert said in made(MAP).answer(repair=text).message


def test_a_repair_without_end_can_be_interrupted() -> None:
    exercise = made(MAP)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        exercise.answer(repair="while True:\n    pass\n")
    assert not [thread for thread in threading.enumerate() if thread.name == "shape_magic-lesson"]


def test_a_repair_runs_in_a_namespace_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "secret", 1, raising=False)
    assert "NameError" in made(MAP).answer(repair="secret").message


def test_layer_names_and_random_numbers_of_the_user_stay_as_they_are() -> None:
    import keras
    import numpy as np

    keras.utils.clear_session(free_memory=False)
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    exercise = teach.exercise(MAP, 2)
    exercise.answer(repair=exercise.solution)
    assert np.random.rand() == expected  # noqa: NPY002
    assert keras.layers.Dense(1).name == "dense"


# -- what it says and shows


def test_solved_by_place_and_repair_in_any_order() -> None:
    exercise = teach.exercise(MAP, 3)
    exercise.answer(repair=exercise.solution)
    assert not exercise.solved
    verdict = exercise.answer(layer="dense")
    assert (verdict.layer_right, verdict.repaired) == (True, None)
    assert exercise.solved


def test_hints_open_one_by_one_and_end() -> None:
    exercise = teach.exercise(MAP, 3)
    said = [exercise.next_hint() for _ in range(5)]
    assert said[0].startswith("Hint 1 of 4: ")
    assert said[4] == "There are no more hints."


def test_no_hint_is_given_where_they_are_switched_off() -> None:
    exercise = teach.exercise(MAP, 3)
    ShapeMagic.instance(fixes="off")
    try:
        answer, _ = ExerciseWidget(exercise).hint({}, [])
    finally:
        ShapeMagic.clear_instance()
    assert answer["text"].startswith("Hints are switched off here")
    assert exercise.hints_shown == 0


def test_another_one_takes_its_place() -> None:
    exercise = teach.exercise(MAP, 3)
    widget = ExerciseWidget(exercise)
    exercise._widget = widget
    exercise.next_hint()
    before = exercise.source
    assert exercise.another() is exercise
    assert (exercise.seed, exercise.hints_shown) == (4, 0)
    assert widget.view["source"] == exercise.source != before


def test_unknown_rules_and_places_are_said_with_those_that_are_known() -> None:
    with pytest.raises(UsageError, match="there is no rule nope; these have exercises: weights-exceed-memory, "):
        teach.exercise("nope")
    with pytest.raises(UsageError, match=r"say which rule to practise: .*dense-on-feature-map"):
        teach.exercise()
    with pytest.raises(UsageError, match="nope is no place in this cell; the places are conv2d"):
        made(MAP).answer(layer="nope")


def test_the_text_form_has_the_cell_and_the_places() -> None:
    text = repr(made(MAP))
    assert made(MAP).source.rstrip() in text
    assert "Places: conv2d, " in text


def test_the_widget_judges_in_python() -> None:
    exercise = teach.exercise(MAP, 3)
    widget = ExerciseWidget(exercise)
    answer = widget.answer({"layer": "dense", "repair": exercise.solution}, [])[0]
    assert (answer["kind"], answer["icon"], answer["word"]) == ("right", "✓", "Right.")
    assert exercise.solved
    assert widget.answer({"layer": None, "repair": None}, [])[0]["text"].startswith("Choose a place")
    for message in (None, {"layer": 3}, {"layer": "nope", "repair": None}, {"layer": None, "repair": ["x"]}):
        answer = widget.answer(message, [])[0]
        assert answer["ok"] is False or "Choose" in answer["text"]


def test_the_solution_is_not_in_the_page() -> None:
    exercise = made(MAP)
    assert exercise.solution not in str(ExerciseWidget(exercise).view)


def test_the_documents_are_read_as_the_tests_read_them() -> None:
    for rule in NAMES:
        document = documents.read(rule)
        pairs = {
            (broken.source, fixed.source) for broken in document.of("Broken cell") if (fixed := document.fixed(broken))
        }
        assert {(draft.broken, draft.correct) for draft in documented(rule)} == pairs
