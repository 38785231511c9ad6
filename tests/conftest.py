"""What holds for every test: failures are never softened, and no hook outlives the cell that needed it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

# Before Keras or the package is imported; kernels and servers that tests start inherit them.
os.environ["SHAPE_MAGIC_STRICT"] = "1"
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["MPLBACKEND"] = "agg"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


# A runner in the background may have SIGINT ignored; tests that interrupt need Python's own handler,
# and the kernels and servers that they start inherit what is set here.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_hook_left() -> Iterator[None]:
    """After every test Keras is as it was: a hook that stays would change the user's later cells."""
    yield
    hooks = sys.modules.get("shape_magic.capture.hooks")
    if hooks is not None and "keras" in sys.modules:
        assert not hooks.installed(), "a hook of shape_magic is still in Keras"
