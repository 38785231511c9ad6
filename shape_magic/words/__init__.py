"""Every text that a person reads, by message id: one folder per language, ``en`` first.

A rule's texts, and those of the fixes that only it offers, stand in a file of their own. A message is a
``str.format`` template; whole numbers are written with the language's thousands separators, except where
``{name!s}`` takes them as they stand in code. What a language lacks is said in English.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from shape_magic.errors import UsageError

DEFAULT = "en"
_spoken = DEFAULT


class _Formatter(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and not format_spec:
            return number(value)
        return str(super().format_field(value, format_spec))


_FORMATTER = _Formatter()


@cache
def languages() -> tuple[str, ...]:
    """The languages that there is a folder for, by their codes: those of HTML's ``lang``."""
    return tuple(sorted(one.name for one in files(__package__).iterdir() if one.joinpath("common.toml").is_file()))


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
def texts(code: str) -> Mapping[str, str]:
    """The texts of one language by their ids, without what it lacks."""
    folder = files(__package__).joinpath(code)
    parts = [*folder.iterdir(), *(folder.joinpath("rules").iterdir() if folder.joinpath("rules").is_dir() else ())]
    read = (tomllib.loads(part.read_text(encoding="utf-8")) for part in parts if part.name.endswith(".toml"))
    return {key: text for table in read for key, text in flat("", table)}


def flat(prefix: str, node: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The texts of nested tables, by what their keys make with dots between them."""
    for key, value in node.items():
        if isinstance(value, dict):
            yield from flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", str(value)


@cache
def _catalogue(code: str) -> Mapping[str, str]:
    return {**texts(DEFAULT), **texts(code)}


def say(message_id: str, /, **values: object) -> str:
    """The text of a message with its values filled in.

    Raises KeyError for an id that no language has, or a value that the message needs and did not get.
    """
    return _FORMATTER.vformat(_catalogue(_spoken)[message_id], (), values)


def knows(message_id: str) -> bool:
    """Whether the catalogue has this message."""
    return message_id in _catalogue(_spoken)


def number(value: float, digits: int = 3) -> str:
    """A number as a person writes it: ``9``, ``1,600``, ``99.7``, ``0.004``; with a comma where the language has it."""
    # A whole number is taken as it is: it may be larger than any float.
    style = "," if isinstance(value, int) else ",.0f" if value.is_integer() else f".{digits}g"
    known = _catalogue(_spoken)
    return format(value, style).translate({ord(","): known["number.thousands"], ord("."): known["number.decimal"]})


def shape_text(shape: tuple[int | None, ...], *, batch: str | None = None) -> str:
    """A shape as Keras prints it, ``(None, 28, 28, 1)``; the open batch axis by a word if one is given."""
    parts = [str(d) for d in shape]
    if batch and parts and shape[0] is None:
        parts[0] = say(f"axis.{batch}")
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
