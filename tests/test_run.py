"""The runner counts honestly: what fails, in whatever way, is in its last line and in its exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import run
from tests.running import audits, checks, machine, versions

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


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, []),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1"}, {"id": "X-2"}]}]}, ["a 1: X-1, X-2"]),
        ({"dependencies": [{"name": "a", "skip_reason": "Dependency not found"}]}, None),
        ({"dependencies": []}, None),
        ({}, None),
    ],
    ids=["sound", "vulnerable", "unknown to the service", "left out", "no answer"],
)
def test_an_audit_that_could_not_ask_has_not_passed(answer: dict[str, Any], said: list[str] | None) -> None:
    if said is None:
        with pytest.raises(machine.CannotRun, match="nothing of 1 of 1 packages"):
            audits.vulnerable(answer, 1)
    else:
        assert audits.vulnerable(answer, 1) == said


def test_an_audit_believes_no_service_that_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(python: Path, service: str, pins: list[str]) -> dict[str, Any]:
        return {"dependencies": [{"name": pin, "version": "1", "vulns": []} for pin in pins]}

    monkeypatch.setattr(audits, "environment", lambda *_: BENCH.python)
    monkeypatch.setattr(audits, "ask", ask)
    with pytest.raises(machine.CannotRun, match=r"it knows no vulnerability of pyyaml==5\.3, which has some"):
        audits.audit(BENCH)


def test_a_python_is_found_by_its_version_and_not_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "version_of", lambda base: "3.12.4 (main)")
    assert machine.find_python("3.12") == "python3.12"
    assert machine.find_python("3.13") is None
    assert machine.newest_python() == "python3.12"


def test_a_corner_without_its_python_runs_with_the_one_at_hand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(versions, "find_python", lambda minor: None)

    def environment(*given: Any) -> Path:
        asked.append(given)
        return BENCH.python

    monkeypatch.setattr(versions, "environment", environment)
    bench = versions.bench_of("oldest", BENCH)
    assert "There is no Python 3.11 here: oldest runs with " in capsys.readouterr().out
    assert asked == [(machine.ROOT / ".venv-oldest", str(BENCH.python), *versions.CORNERS["oldest"].requirements)]
    assert (bench.python, bench.backend) == (BENCH.python, "tensorflow")
