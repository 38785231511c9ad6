"""What is sent to the page is read there as the view that it was: in a Chromium, without a notebook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser

from shape_magic.display.assets import joined
from shape_magic.display.view import build_view
from shape_magic.display.wire import packed
from shape_magic.report import Report
from tests import samples

pytestmark = pytest.mark.browser

REPORTS: dict[str, Callable[[], Report]] = {
    **samples.ALL,
    "long": lambda: samples.unlike(200),
    "broken": lambda: samples.unlike(200, 100),
    "stacked": samples.stacked,
}


def plain(value: Any) -> Any:
    """The view as JSON has it, without what isn't sent: the calls' positions, and how often a block repeats."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items() if key not in ("call", "times")}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", REPORTS)
def test_the_page_reads_what_was_sent(browser: Browser, name: str) -> None:
    view = build_view(REPORTS[name]())
    page = browser.new_page()
    read = page.evaluate(f"view => {{ {joined('wire.js')}; return unpacked(view); }}", packed(view))
    page.close()
    wanted = plain(view.to_dict())
    known = {key for model in wanted["models"] for row in model["items"] for key in row}
    assert plain(only(read, known)) == only(wanted, known)


def only(value: Any, known: set[str]) -> Any:
    """Rows and folds with these keys alone: the page's have some of the wire's beside them."""
    if isinstance(value, dict) and value.get("type") in ("row", "fold"):
        return {key: only(inner, known) for key, inner in value.items() if key in known}
    if isinstance(value, dict):
        return {key: only(inner, known) for key, inner in value.items()}
    return [only(inner, known) for inner in value] if isinstance(value, list) else value
