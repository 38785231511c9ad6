"""The documents say what is there: links lead somewhere, and tables name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import run

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)\"""")


def links(document: str) -> set[str]:
    """The files of this project that a document links to or shows."""
    found = {first or second for first, second in LINK.findall((ROOT / document).read_text(encoding="utf-8"))}
    return {link for link in found if not link.startswith("https://")}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    assert [link for link in sorted(links(document)) if not (ROOT / link).exists()] == []


def test_the_readme_names_every_rule() -> None:
    rules = {str(path.relative_to(ROOT)) for path in (ROOT / "shape_magic" / "rules").glob("*.md")}
    assert {link for link in links("README.md") if link.startswith("shape_magic/rules/")} == rules


def test_the_readme_and_ci_run_the_same_command() -> None:
    assert "python3 tests/run.py\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert 'exec "$name" tests/run.py "$@"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_contributing_names_every_check() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert rows == list(run.CHECKS)


def test_contributing_names_every_package() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `shape_magic/(\w+)/` \|", text, flags=re.MULTILINE))
    assert named == {path.parent.name for path in (ROOT / "shape_magic").glob("*/__init__.py")}
