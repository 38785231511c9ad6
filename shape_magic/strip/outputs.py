"""Which outputs of a cell are ours: by what we tag them with, else by the class of our HTML, our errors and lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: The key in an output's metadata that we publish with.
TAG = "shape_magic"
_WIDGET = "application/vnd.jupyter.widget-view+json"
_STATIC = re.compile(r"\s*<div class=\"[^\"]*\bshapecheck-static\b")
_ERRORS = frozenset({"ShapeError", "WeightsTooLargeError", "BackendMissingError"})
_ANSI = r"(?:\x1b\[[0-9;]*m)*"
#: Lines that the magic prints, and what IPython says of it where it is not loaded or was called wrongly.
_LINE = re.compile(
    rf"{_ANSI}(?:UsageError:{_ANSI} )?(?:shapecheck: |(?:Line|Cell) magic (?:function )?`%{{1,2}}shapecheck`)"
)


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is left of a cell's outputs, and what went."""

    left: list[Any]
    widgets: int
    ours: int


def without_ours(outputs: Sequence[Any], *, ran_nothing: bool = False) -> Outputs:
    """The outputs without widgets and without ours; ``ran_nothing``: all of them are ours."""
    left: list[Any] = []
    widgets = ours = 0
    for output in outputs:
        if _WIDGET in output.get("data", ()):
            widgets += 1
        elif ran_nothing or _is_ours(output):
            ours += 1
        elif output.get("output_type") == "stream":
            text = _lines(output.get("text", ""))
            others = [line for line in text if not _LINE.match(line)]
            ours += len(others) < len(text)
            if others or not text:
                left.append(output if others == text else _with_text(output, others))
        else:
            left.append(output)
    return Outputs(left, widgets, ours)


def _is_ours(output: dict[str, Any]) -> bool:
    if output.get("output_type") == "error":
        missing = output.get("ename") == "ModuleNotFoundError" and "'shape_magic'" in str(output.get("evalue"))
        return output.get("ename") in _ERRORS or missing
    return TAG in output.get("metadata", ()) or bool(
        _STATIC.match(_joined(output.get("data", {}).get("text/html", "")))
    )


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def _lines(text: Any) -> list[str]:
    return _joined(text).splitlines(keepends=True)


def _with_text(output: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    text: Any = lines if isinstance(output.get("text"), list) else "".join(lines)
    return {**output, "text": text}
