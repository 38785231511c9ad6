"""A pytest plugin for environments without TensorFlow: a test that is about TensorFlow itself is passed over.

Only where the test, or the cell in it, imports TensorFlow: when our own code does, that is a failure.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

_OURS = str(Path(__file__).resolve().parents[2] / "shape_magic")


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    """Run the test; skip it where it can't import TensorFlow."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        last = error.__traceback__
        while last is not None and last.tb_next is not None:
            last = last.tb_next
        ours = last is not None and last.tb_frame.f_code.co_filename.startswith(_OURS)
        if error.name is None or error.name.split(".")[0] != "tensorflow" or ours:
            raise
        pytest.skip("it is about TensorFlow, which is not here")
