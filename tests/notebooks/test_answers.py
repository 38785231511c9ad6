"""The folded answers: what they propose is run where a learner would run it, and does what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.notebooks.lessons import LESSONS, answers, code_cells, errors, executed, shown, stored, symptoms

ANSWERS = [(path, answer) for path in LESSONS for answer in answers(stored(path))]
SYMPTOMS = [(path, symptom) for path in LESSONS for symptom in symptoms(stored(path))]
CLINIC = [(path, answer) for path, answer in ANSWERS if path.name.startswith("07")]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_has_three_exercises_with_answers(path: Path) -> None:
    assert len([answer for where, answer in ANSWERS if where == path]) >= 3


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_an_empty_cell_to_fill_in_has_an_answer_that_fills_it(path: Path) -> None:
    with_code = {f"{answer.exercise}-code" for where, answer in ANSWERS if where == path and answer.code}
    empty = {i for i, cell in code_cells(stored(path)).items() if cell.source.startswith("# your")}
    assert empty - with_code == set()


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("path", "cell_id"),
    [pytest.param(path, a.cell_id, id=f"{path.stem}-{a.exercise}") for path, a in ANSWERS if a.code],
)
def test_an_answer_runs(path: Path, cell_id: str) -> None:
    assert errors(code_cells(executed(path))[cell_id]) == []


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("path", "told", "cell_id"),
    [pytest.param(path, s.words, s.cell_id, id=f"{path.stem}-{s.told_in}") for path, s in SYMPTOMS],
)
def test_keras_says_what_the_symptom_quotes(path: Path, told: str, cell_id: str) -> None:
    assert told in shown(code_cells(executed(path))[cell_id])


def test_the_clinic_has_twenty_patients() -> None:
    assert [answer.exercise for _, answer in CLINIC] == [f"patient-{n}" for n in range(1, 21)]


@pytest.mark.notebooks
@pytest.mark.parametrize("number", range(1, 21))
def test_a_repaired_patient_is_well_and_was_not_before(number: int) -> None:
    cells = code_cells(executed(CLINIC[0][0]))
    repaired = shown(cells[f"patient-{number}-answer"])
    assert "✓" in repaired
    assert "✗" not in repaired
    assert "runs, but look at this" not in repaired
    broken = shown(cells[f"patient-{number}-code-told"])
    assert "breaks" in broken or "runs, but look at this" in broken
