"""How many examples there are: some on every run, always the same; many more where that is asked for."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

_COMMON = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False)
settings.register_profile("ci", _COMMON, derandomize=True)
settings.register_profile("long", _COMMON)
#: ``long``: other examples each time, ten times as many, and each step compiled; what ``tests.differential`` sets.
PROFILE = os.environ.get("SHAPE_MAGIC_DIFFERENTIAL", "ci")
settings.load_profile(PROFILE)


@pytest.fixture(autouse=True, scope="package")
def what_was_there_is_let_be() -> Iterator[None]:
    """What is loaded is not looked at again by each collection of garbage: Keras asks for many."""
    import keras  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
