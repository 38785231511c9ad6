"""What holds for every test here: the next one is spoken to in English again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shape_magic import words


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Whatever a test has chosen ends with it."""
    yield
    words.use()
