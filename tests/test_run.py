"""The runner counts honestly: what fails, in whatever way, is in its last line and in its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import run
from tests.running import checks, machine

BENCH = checks.Bench(Path(sys.executable), ())


def pytest_on(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> checks.Outcome:
    """What the runner makes of a folder with one test file."""
    (folder / "test_sample.py").write_text(source)
    monkeypatch.setattr(machine, "ROOT", folder)
    monkeypatch.setattr(machine, "CACHE", folder)
    return checks.pytest(BENCH, "sample", "-m", "not browser")


@pytest.mark.parametrize(
    ("source", "passed", "failed", "skipped"),
    [
        ("def test_a(): pass\ndef test_b(): pass", 2, 0, 0),
        ("def test_a(): pass\ndef test_b(): assert 0", 1, 1, 0),
        ("import pytest\n@pytest.mark.skip\ndef test_a(): pass\ndef test_b(): pass", 1, 0, 1),
        ("import no_such_module_anywhere", 0, 1, 0),
        ("import os\ndef test_a(): os._exit(3)", 0, 1, 0),
        ("", 0, 1, 0),
    ],
    ids=["all pass", "one fails", "one is skipped", "can't be imported", "pytest dies", "there are no tests"],
)
def test_counts_what_pytest_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, passed: int, failed: int, skipped: int
) -> None:
    outcome = pytest_on(tmp_path, monkeypatch, source)
    assert (outcome.passed, outcome.failed, outcome.skipped) == (passed, failed, skipped)


def test_the_last_line_has_the_totals() -> None:
    outcomes = [checks.Outcome("tests", 7, 0), checks.Outcome("browser", 3, 2, skipped=1)]
    *rows, last = run.summary(outcomes).splitlines()
    assert last == "10 passed, 2 failed"
    assert [row.split()[0] for row in rows] == ["ok", "FAILED"]


def test_a_check_that_cannot_run_has_failed(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def no_browser(bench: checks.Bench) -> checks.Outcome:
        raise machine.CannotRun("There is no Chromium.")

    monkeypatch.setitem(run.CHECKS, "browser", no_browser)
    assert run.run("browser", BENCH).failed == 1
    assert "browser can't run: There is no Chromium." in capfd.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["lnit"], 2, "no check is called lnit: there are lint, types"),
        (["--python", "/no/such/python"], 1, "/no/such/python can't be started"),
        (["--here", "--python", sys.executable], 2, "not allowed with argument"),
    ],
)
def test_wrong_use_gets_one_sentence(arguments: list[str], status: int, text: str) -> None:
    command = [sys.executable, run.__file__, *arguments]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    assert outcome.returncode == status
    assert text in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr
