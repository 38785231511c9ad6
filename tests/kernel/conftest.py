"""Shells for the tests of the IPython side."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.shells import SETUP, Shell, opened


@pytest.fixture
def shell() -> Iterator[Shell]:
    """A fresh shell with the extension loaded, every cell checked, and the data of ``SETUP``."""
    with opened() as made:
        made.must(SETUP, "%shapecheck on")
        yield made


@pytest.fixture
def quiet_shell() -> Iterator[Shell]:
    """The same with only those cells checked that say ``%%shapecheck``."""
    with opened() as made:
        made.must(SETUP)
        yield made
