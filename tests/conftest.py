"""What holds for every test: failures are never softened, and the world is left as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.world.world import differences, glance, settle, stacks

# Before Keras or the package is imported; kernels and servers that tests start inherit them.
os.environ["SHAPE_MAGIC_STRICT"] = "1"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The width of the window that the tests are called from: pytest-xdist hands it to its workers.
os.environ.pop("COLUMNS", None)


# A runner in the background may have SIGINT ignored; tests that interrupt need Python's own handler,
# and the kernels and servers that they start inherit what is set here.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the mark means."""
    config.addinivalue_line("markers", "changes(*parts): parts of the world that the test's own code rightly changes")


@pytest.fixture(autouse=True)
def world_unchanged(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test the process is as it was: what stays would change the user's later cells.

    It is set up first and looks last: what a test changes on purpose it puts back by ``monkeypatch``, or
    names it in ``@pytest.mark.changes``. ``tests/world`` looks closer.
    """
    settle()
    before = glance()
    yield
    allowed = [part for mark in request.node.iter_markers("changes") for part in mark.args]
    left = differences(before, glance(), allowed)
    assert not left, "the world is not as it was:\n" + "\n".join([*left, *stacks()])


@pytest.fixture
def ipython() -> Iterator[Any]:
    """A bare IPython that is gone after the test."""
    from IPython.core.interactiveshell import InteractiveShell

    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()
