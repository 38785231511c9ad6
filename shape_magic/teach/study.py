"""Questions for teachers who run a study of their own: two parallel forms, to print, with their keys."""

from __future__ import annotations

import tomllib
from pathlib import Path

from shape_magic.errors import UsageError
from shape_magic.words import say, shape_text

_FORMS = ("A", "B")


def questions(form: str = "A", *, key: bool = False) -> str:
    """A form of the questions as text to print, one for before a lesson and the other for after it.

    With ``key`` the answers stand behind them, with what each item tests. Raises UsageError for an unknown form.
    """
    if form not in _FORMS:
        raise UsageError(say("study.no_form", form=form, forms=", ".join(_FORMS)))
    text = Path(__file__).with_name("questions.toml").read_text(encoding="utf-8")
    lines = [say("study.title", form=form), say("study.task"), ""]
    for number, item in enumerate(tomllib.loads(text)["item"], start=1):
        asked = item[form]
        lines.append(say("study.item", n=number, input=shape_text((None, *asked["input"])), layer=asked["layer"]))
        answer = shape_text((None, *asked["key"]))
        lines.append(say("study.key", answer=answer, tests=item["tests"]) if key else say("study.line"))
    return "\n".join(lines)
