"""Every text that a person reads, by message id: one folder per language, ``en`` first.

A rule's texts, and those of the fixes that only it offers, stand in a file of their own. A message is a
``str.format`` template; whole numbers are written with thousands separators.
"""

from __future__ import annotations

import string
import tomllib
from functools import cache
from importlib.resources import files

LANGUAGE = "en"


class _Formatter(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and not format_spec:
            return f"{value:,}"
        return str(super().format_field(value, format_spec))


@cache
def _catalogue(language: str) -> dict[str, str]:
    folder = files(__package__).joinpath(language)
    flat: dict[str, str] = {}

    def walk(prefix: str, node: dict[str, object]) -> None:
        for key, value in node.items():
            name = f"{prefix}.{key}" if prefix else key
            if isinstance(value, dict):
                walk(name, value)
            else:
                flat[name] = str(value)

    for part in (*folder.iterdir(), *folder.joinpath("rules").iterdir()):
        if part.name.endswith(".toml"):
            walk("", tomllib.loads(part.read_text(encoding="utf-8")))
    return flat


def say(message_id: str, /, **values: object) -> str:
    """The text of a message with its values filled in.

    Raises KeyError for an unknown id or a value that the message needs and did not get.
    """
    return _Formatter().vformat(_catalogue(LANGUAGE)[message_id], (), values)


def knows(message_id: str) -> bool:
    """Whether the catalogue has this message."""
    return message_id in _catalogue(LANGUAGE)


def shape_text(shape: tuple[int | None, ...], *, batch: str | None = None) -> str:
    """A shape as Keras prints it, ``(None, 28, 28, 1)``; the open batch axis by a word if one is given."""
    parts = [str(d) for d in shape]
    if batch and parts and shape[0] is None:
        parts[0] = batch
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
