"""A quiz as rows to draw: what is still to be found, and all that would give it away, is left out."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from shape_magic.display.parts import Row, short, visible
from shape_magic.display.view import build_view
from shape_magic.report import Report
from shape_magic.words import say

if TYPE_CHECKING:
    from shape_magic.teach.quizzes import Question, Quiz

#: How wide the columns of the text form get, in characters.
_NAME, _DOES = 34, 34


def quiz_rows(quiz: Quiz) -> list[tuple[Row, Question | None]]:
    """The ladder, top to bottom; rows below an open blank have no shape, and no weights to count back from."""
    (view,) = build_view(Report((quiz.model,), ())).models
    asked = {question.call.call: question for question in quiz.questions}
    rows: list[tuple[Row, Question | None]] = []
    hides = False
    for row in view.rows:
        question = asked.get(row.call) if row.call is not None else None
        solved = question is not None and question.state != "open"
        if row.kind in {"loss", "labels"} and hides:
            continue
        hides = hides or (question is not None and not solved)
        keep = row.kind == "input" or solved or not hides
        rows.append((row if keep else replace(row, glyph=(), shape="", params=""), question))
    return rows


def quiz_view(quiz: Quiz) -> dict[str, Any]:
    """The quiz as plain data for the front end: no shape that is not answered or shown is in it."""
    rows = []
    for row, question in quiz_rows(quiz):
        rows.append({**asdict(row), "mark": "", "state": "ok", "blank": question and _blank(question)})
    (view,) = build_view(Report((quiz.model,), ())).models
    done = all(question.state != "open" for question in quiz.questions)
    return {"title": view.title, "lanes": view.lanes, "rows": rows, "progress": progress(quiz), "done": done}


def _blank(question: Question) -> dict[str, Any]:
    state = "wrong" if question.wrong else question.state
    return {
        "layer": question.layer,
        "label": say("quiz.label", layer=short(question.layer), cls=short(question.call.class_name)),
        "show": say("quiz.show_label", layer=short(question.layer)),
        "state": question.state,
        "icon": {"right": "✓", "shown": "→", "wrong": "✗"}.get(state, ""),
        "word": "" if state == "open" else say(f"quiz.word.{state}"),
        "message": visible(question.message, lines=True),
    }


def progress(quiz: Quiz) -> str:
    """``"3 of 5 right"``, and at the end how many of them at the first try."""
    score = quiz.score
    if any(question.state == "open" for question in quiz.questions):
        return say("quiz.progress", right=score.right, total=score.total)
    return say("quiz.end", right=score.right, total=score.total, first=score.first_try)


def quiz_text(quiz: Quiz) -> str:
    """The quiz for a terminal: the ladder with ``?`` in its blanks, and how to answer."""
    lines = [say("quiz.text.title", title=say("quiz.title", name=short(quiz.model.name)), progress=progress(quiz))]
    for row, question in quiz_rows(quiz):
        name = f"{row.title} {row.name}"[:_NAME]
        open_ = question is not None and question.state == "open"
        sign = ">" if open_ else " "
        shape = "?" if open_ else row.shape or say("quiz.text.hidden")
        lines.append(f"{sign} {name:<{_NAME}}  {row.summary[:_DOES]:<{_DOES}}  {shape}".rstrip())
        if question is not None and question.message:
            lines.append(f"    {question.message.replace('`', '')}")
    first = next((q.layer for q in quiz.questions if q.state == "open"), None)
    if first is not None:
        lines.append(say("quiz.text.how", layer=short(first)))
    return visible("\n".join(lines), lines=True)
