"""The field's words in a text, with the sentence that explains each: what a card's *Words* open.

The words and how texts write them stand in the catalogue, ``glossary.toml``, so each language has its own.
"""

from __future__ import annotations

import re
from functools import cache

from shape_magic.words import DEFAULT, language, say, texts


def terms_in(text: str) -> tuple[tuple[str, str], ...]:
    """The terms that a text uses, each with its sentence, in the order of their first use.

    Code between backticks is passed over. Of two that begin at one place the longer one stands:
    a *feature map* is no *feature*.
    """
    plain = re.sub(r"`[^`]*`", "`", text)
    used = dict.fromkeys(str(found.lastgroup) for found in _pattern(language()).finditer(plain))
    keys = [_keys()[int(group.removeprefix("t"))] for group in used]
    return tuple((say(f"term.{key}.word"), say(f"term.{key}.says")) for key in keys)


@cache
def _keys() -> tuple[str, ...]:
    return tuple(key.split(".")[1] for key in texts(DEFAULT, "term") if key.endswith(".word"))


@cache
def _pattern(spoken: str) -> re.Pattern[str]:
    """One pattern for all terms, each in a group of its own; longer words first. ``spoken`` is what it is kept by."""
    forms = [(form, k) for k, key in enumerate(_keys()) for form in _split(say(f"term.{key}.forms"))]
    groups: dict[int, list[str]] = {}
    longest = {k: max(len(form) for form, other in forms if other == k) for _, k in forms}
    for form, k in forms:
        groups.setdefault(k, []).append(form)
    ordered = sorted(groups, key=lambda k: -longest[k])
    inside = "|".join(f"(?P<t{k}>{'|'.join(groups[k])})" for k in ordered)
    return re.compile(rf"(?<!\w)(?<![^\W\d]-)(?:{inside})(?![\w-])", re.IGNORECASE)


def _split(forms: str) -> list[str]:
    """The alternatives of a pattern, but for those within brackets; longer ones first."""
    return sorted(re.split(r"\|(?![^(]*\))", forms), key=len, reverse=True)
