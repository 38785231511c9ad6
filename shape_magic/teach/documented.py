"""The broken and fixed cells of the rules' documents, as exercises for rules without cells of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shape_magic.rules import documentation
from shape_magic.teach.mistakes import Draft

_HEADING = re.compile(r"(#{2,3}) (.+)")
_FENCE = re.compile(r"```(\S*) ?(.*)")


def documented(rule: str) -> tuple[Draft, ...]:
    """Every broken cell of a rule's document that has its fixed one, in their order."""
    cells = {(section, title): (source, options) for section, title, source, options in _cells(documentation(rule))}
    drafts = []
    for (section, title), (broken, options) in cells.items():
        fixed = cells.get(("Fixed cell", title))
        if section == "Broken cell" and fixed is not None and broken != fixed[0]:
            budget = re.search(r"memory_budget=([\d_]+)", options)
            drafts.append(Draft(fixed[0], ((fixed[0], broken),), int(budget[1]) if budget else None))
    return tuple(drafts)


def _cells(page: str) -> Iterator[tuple[str, str, str, str]]:
    """The blocks of Python on a page: section, title, source and what stands behind the language.

    Only what the documents use of Markdown: headings, and blocks in fences that start a line.
    """
    section = title = language = options = ""
    inside: list[str] | None = None
    for line in page.split("\n"):
        fence, heading = _FENCE.fullmatch(line), _HEADING.fullmatch(line)
        if inside is not None:
            if line != "```":
                inside.append(line)
                continue
            if language == "python":
                yield section, title, "\n".join([*inside, ""]), options
            inside = None
        elif fence is not None:
            language, options = fence[1], fence[2]
            inside = []
        elif heading is not None and heading[1] == "##":
            section, title = heading[2], ""
        elif heading is not None:
            title = heading[2]
