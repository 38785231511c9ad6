"""What hostile names leave in Keras by themselves is gone before the next test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def scopes_closed() -> Iterator[None]:
    """Keras opens a name scope before TensorFlow refuses its name, and then never closes it."""
    from keras.src.backend.common import global_state

    yield
    global_state.get_global_attribute("name_scope_stack", [], set_to_default=True).clear()
