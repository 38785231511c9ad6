"""Every text that a person reads, by message id: one folder per language, ``en`` first.

A rule's texts, and those of the fixes that only it offers, stand in a file of their own. A message is a
``str.format`` template; whole numbers are written with the language's thousands separators, except where
``{name!s}`` takes them as they stand in code. What a language lacks is said in English.
"""

from __future__ import annotations

import math
import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from shape_magic.errors import UsageError

DEFAULT = "en"
#: The languages' folders stand here. A path, for the modules that find resources inside archives take long to import.
FOLDER = Path(__file__).parent
#: The folder of the rules' files, in that of a language.
_RULES = "rules"
_spoken = DEFAULT
#: Whole numbers of more bits are not written out.
_READABLE = 128


class _Formatter(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and not format_spec:
            return number(value)
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()


@cache
def languages() -> tuple[str, ...]:
    """The languages that there is a folder for, by their codes: those of HTML's ``lang``."""
    return tuple(sorted(one.name for one in FOLDER.iterdir() if one.joinpath("common.toml").is_file()))


def language() -> str:
    """The language that is spoken."""
    return _spoken


def use(code: str = DEFAULT) -> None:
    """Speak another language from now on: what has been said stays as it is.

    Raises UsageError for one that there is no folder for.
    """
    global _spoken  # noqa: PLW0603 - one process speaks to one person
    if code not in languages():
        raise UsageError(say("setting.language", code=code, languages=", ".join(languages())))
    _spoken = code


@cache
def texts(code: str, topic: str = "") -> Mapping[str, str]:
    """The texts of one language by their ids, without what it lacks: all, or of one topic (an id's first word)."""
    return {key: text for name in _files(code) if _holds(code, name, topic) for key, text in _read(code, name).items()}


@cache
def _files(code: str) -> tuple[str, ...]:
    """The files of a language, those of the rules last."""
    folder = FOLDER / code
    rules = folder / _RULES
    own = [f"{_RULES}/{one.name}" for one in (rules.iterdir() if rules.is_dir() else ())]
    return tuple(name for name in (*(one.name for one in folder.iterdir()), *own) if name.endswith(".toml"))


@cache
def _source(code: str, name: str) -> str:
    return FOLDER.joinpath(code, name).read_text(encoding="utf-8")


@cache
def _read(code: str, name: str) -> Mapping[str, str]:
    """The texts of one file by their ids. Reading TOML is slow: only what is asked for is read."""
    return dict(flat("", tomllib.loads(_source(code, name))))


def _holds(code: str, name: str, topic: str) -> bool:
    """Whether a file may have texts of a topic, by the names of its tables."""
    return f"[{topic}" in _source(code, name)


def flat(prefix: str, node: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The texts of nested tables, by what their keys make with dots between them."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)


@cache
def _text(code: str, message_id: str) -> str | None:
    """One text of a language; None where it lacks it."""
    topic, _, rest = message_id.partition(".")
    own = f"{_RULES}/{rest.partition('.')[0]}.toml"
    if topic == "rule" and own in _files(code):
        return _read(code, own).get(message_id)
    shared = [name for name in _files(code) if "/" not in name and _holds(code, name, topic)]
    found = next((text for name in shared if (text := _read(code, name).get(message_id)) is not None), None)
    if found is not None or topic != "fix":
        return found
    # A fix that only one rule offers.
    table = ".".join(message_id.split(".")[:2])
    homes = [name for name in _files(code) if "/" in name and _holds(code, name, table)]
    return next((text for name in homes if (text := _read(code, name).get(message_id)) is not None), None)


def _spoken_text(message_id: str) -> str | None:
    text = _text(_spoken, message_id)
    return text if text is not None else _text(DEFAULT, message_id)


def say(message_id: str, /, **values: object) -> str:
    """The text of a message with its values filled in.

    Raises KeyError for an id that no language has, or a value that the message needs and did not get.
    """
    text = _spoken_text(message_id)
    if text is None:
        raise KeyError(message_id)
    parts = _names(text)
    if parts is None:
        return _FORMATTER.vformat(text, (), values)
    return "".join([literal + (_FORMATTER.format_field(values[name], "") if name else "") for literal, name in parts])


@cache
def _names(text: str) -> tuple[tuple[str, str], ...] | None:
    """The parts of a template with nothing but names in braces, each with the name behind it; None for another one."""
    parts = [(literal, name or "", spec, conversion) for literal, name, spec, conversion in _FORMATTER.parse(text)]
    if any(spec or conversion or (name and not name.isidentifier()) for _, name, spec, conversion in parts):
        return None
    return tuple((literal, name) for literal, name, _, _ in parts)


def knows(message_id: str) -> bool:
    """Whether the catalogue has this message."""
    return _spoken_text(message_id) is not None


def number(value: float, digits: int = 3) -> str:
    """A number as a person writes it: ``9``, ``1,600``, ``99.7``, ``0.004``; with a comma where the language has it."""
    # A whole number is taken as it is: it may be larger than any float. One that nobody reads is told by its length.
    if isinstance(value, int) and value.bit_length() > _READABLE:
        return f"{'-' if value < 0 else ''}10^{int(value.bit_length() * math.log10(2))}"
    style = "," if isinstance(value, int) else ",.0f" if value.is_integer() else f".{digits}g"
    marks = {ord(mark): _spoken_text(f"number.{name}") for mark, name in ((",", "thousands"), (".", "decimal"))}
    return format(value, style).translate(marks)


def shape_text(shape: tuple[int | None, ...], *, batch: str | None = None) -> str:
    """A shape as Keras prints it, ``(None, 28, 28, 1)``; the open batch axis by a word if one is given."""
    parts = [str(d) if d is None or d.bit_length() <= _READABLE else number(d) for d in shape]
    if batch and parts and shape[0] is None:
        parts[0] = say(f"axis.{batch}")
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
