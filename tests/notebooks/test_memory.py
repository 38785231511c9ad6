"""How much memory a lesson takes: Binder gives one gigabyte for certain, and restarts a kernel that wants too much."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.notebooks.lessons import LESSONS, PEAK, code_cells, executed, shown

#: Bytes of a kernel's process, at its highest, with all cells and all answers run.
BOUND = 1_000_000_000


@pytest.mark.notebooks
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the highest use of a process")
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_fits_into_binder(lesson: Path, record_property: Callable[[str, object], None]) -> None:
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", shown(code_cells(executed(lesson))[PEAK]), re.MULTILINE)
    peak = int(kilobytes) * 1024
    record_property("peak_bytes", peak)
    print(f"{lesson.stem}: {peak / 1e6:.0f} MB at its highest")
    assert peak < BOUND
