"""The badges that open the lessons on Binder, all made from one place: ``python tests/badges.py`` prints the table.

Owner and repository stand in pyproject.toml's ``[project.urls]``, the tag is the package's version,
the lessons are the files of ``notebooks/``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_PICTURE = "https://mybinder.org/badge_logo.svg"


def version() -> str:
    """The package's version, as its ``__init__`` has it."""
    (found,) = re.findall(r'^__version__ = "(.+)"$', (ROOT / "shape_magic" / "__init__.py").read_text(), re.MULTILINE)
    return str(found)


def repository() -> str:
    """``owner/name`` on GitHub."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    return str(urls["Repository"]).removeprefix("https://github.com/")


def address(lesson: Path) -> str:
    """Where Binder opens a lesson, in JupyterLab, at the version's tag."""
    return f"https://mybinder.org/v2/gh/{repository()}/v{version()}?urlpath=lab/tree/notebooks/{lesson.name}"


def number(lesson: Path) -> str:
    """``01`` and so on."""
    return lesson.stem.split("_", 1)[0]


def title(lesson: Path) -> str:
    """The lesson's own heading."""
    first = nbformat.read(lesson, as_version=4).cells[0].source
    return str(first.splitlines()[0]).removeprefix("# ")


def badge(lesson: Path) -> str:
    """A badge in Markdown, with words for those who do not see it."""
    return f"[![Open lesson {number(lesson)} on Binder]({_PICTURE})]({address(lesson)})"


def table() -> str:
    """All lessons for the README, one a line."""
    rows = [f"| [{number(path)} {title(path)}](notebooks/{path.name}) | {badge(path)} |" for path in LESSONS]
    return "\n".join(["| lesson | in your browser |", "|---|---|", *rows])


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
