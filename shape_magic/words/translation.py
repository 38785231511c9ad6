"""What a translation still needs: ``python -m shape_magic.words de`` says it, and a test holds every language to it."""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shape_magic.words import DEFAULT, FOLDER, flat

Kind = Literal["missing", "left over", "in another file", "empty", "other places", "other code", "not translated"]
#: A text of at most so many words may be the same in two languages.
_ALIKE = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a translation has to mend."""

    kind: Kind
    #: Where it stands in the language's folder, or has to: ``rules/pooled-twice.toml``.
    file: str
    id: str
    #: What is meant, in English; empty where the kind says it all.
    detail: str = ""

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.file}: {self.id}: {self.kind}{f': {self.detail}' if self.detail else ''}"


def differences(code: str) -> Iterator[Difference]:
    """Everything in which a language's texts don't go with the English ones, file by file."""
    english, other = read(DEFAULT), read(code)
    for key in sorted({**english, **other}, key=lambda one: (english.get(one) or other[one])[0]):
        if key not in other:
            yield Difference("missing", english[key][0], key, english[key][1])
        elif key not in english:
            yield Difference("left over", other[key][0], key)
        else:
            yield from _compared(key, english[key], other[key])


def _compared(key: str, english: tuple[str, str], other: tuple[str, str]) -> Iterator[Difference]:
    (home, text), (file, translated) = english, other
    if file != home:
        yield Difference("in another file", file, key, f"it stands in {home}")
    if not translated.strip():
        yield Difference("empty", file, key, text)
        return
    for kind, what in (("places", places), ("code", code_in)):
        here, there = what(text), what(translated)
        if here != there:
            lacks, has = sorted(here - there), sorted(there - here)
            detail = "; ".join(f"{word} {', '.join(some)}" for word, some in (("lacks", lacks), ("adds", has)) if some)
            yield Difference("other places" if kind == "places" else "other code", file, key, detail)
    if text == translated and len(words_in(text)) > _ALIKE:
        yield Difference("not translated", file, key)


def read(code: str) -> dict[str, tuple[str, str]]:
    """Every text of a language by its id, with the file that it stands in."""
    found: dict[str, tuple[str, str]] = {}
    for name, part in _parts(FOLDER / code, ""):
        found |= {key: (name, text) for key, text in flat("", tomllib.loads(part.read_text(encoding="utf-8")))}
    return found


def _parts(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for part in sorted(folder.iterdir(), key=lambda one: one.name):
        if part.is_dir():
            yield from _parts(part, f"{prefix}{part.name}/")
        elif part.name.endswith(".toml"):
            yield f"{prefix}{part.name}", part


def places(text: str) -> set[str]:
    """What is filled in, as it is written: ``{layer}``, ``{units!s}``."""
    parsed = string.Formatter().parse(text)
    return {f"{{{name}{f'!{how}' if how else ''}}}" for _, name, _, how in parsed if name is not None}


def code_in(text: str) -> set[str]:
    """What stands between backticks: code, the same in every language."""
    return {f"`{piece}`" for piece in re.findall(r"`([^`]*)`", text)}


def words_in(text: str) -> list[str]:
    """The words that a translator translates: without code and without what is filled in."""
    return re.findall(r"[^\W\d_]{2,}", re.sub(r"`[^`]*`|\{[^}]*\}", " ", text))
