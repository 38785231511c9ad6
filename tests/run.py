"""Run all checks of the project: ``python3 tests/run.py``, or one of them: ``python3 tests/run.py browser``.

It needs nothing but Python: what is missing (an environment, a Chromium, axe-core) is installed
first, where this machine allows it. All checks run to the end, whatever failed before; the exit
status is 0 only when every one of them passed. What stands after ``--`` goes to pytest.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.running import audits, checks, machine, versions
from tests.running.checks import Bench, Outcome
from tests.running.machine import CannotRun, heading, newest_python

CHECKS: dict[str, Callable[[Bench], Outcome]] = {
    "lint": checks.lint,
    "types": checks.types,
    "tests": checks.tests,
    "notebooks": checks.notebooks,
    "browser": checks.browser,
    "oldest": versions.oldest,
    "versions": versions.versions,
    "jax": versions.jax,
    "torch": versions.torch,
    "front": versions.front,
    "build": checks.build,
    "audit": audits.audit,
    "binder": checks.binder,
    "differential": checks.differential,
    "benchmarks": checks.benchmarks,
}
#: What ``python3 tests/run.py`` runs, in this order: with the newest of everything, and then the oldest.
DEFAULT = ("lint", "types", "tests", "notebooks", "browser", "oldest")


def run(name: str, bench: Bench) -> Outcome:
    """Run one check; one that can't run has failed, with the reason in the log."""
    heading(name)
    start = time.monotonic()
    try:
        outcome = CHECKS[name](bench)
    except CannotRun as reason:
        print(f"{name} can't run: {reason}", flush=True)
        outcome = Outcome(name, passed=0, failed=1)
    return Outcome(name, outcome.passed, outcome.failed, outcome.skipped, time.monotonic() - start)


def summary(outcomes: Sequence[Outcome]) -> str:
    """One line per check, and the totals last."""
    rows = [
        f"{'ok' if not o.failed else 'FAILED':8}{o.name:12}{o.passed:5} passed  {o.failed:4} failed  "
        f"{o.skipped:4} skipped  {o.seconds:6.0f} s"
        for o in outcomes
    ]
    totals = f"{sum(o.passed for o in outcomes)} passed, {sum(o.failed for o in outcomes)} failed"
    return "\n".join([*rows, totals])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line: which checks, with which Python, and what follows ``--`` for pytest."""
    own = list(arguments)
    for_pytest: list[str] = []
    if "--" in own:
        cut = own.index("--")
        own, for_pytest = own[:cut], own[cut + 1 :]
    parser = argparse.ArgumentParser(prog="tests/run.py", description=__doc__)
    parser.add_argument(
        "checks", nargs="*", metavar="check", help=f"of {', '.join(CHECKS)}; without: {', '.join(DEFAULT)}"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--python", help="the Python to make the environment from; without: the newest here")
    where.add_argument("--here", action="store_true", help="use this Python as it is: it has the test dependencies")
    options = parser.parse_args(own)
    unknown = sorted(set(options.checks) - set(CHECKS))
    if unknown:
        parser.error(f"no check is called {', '.join(unknown)}: there are {', '.join(CHECKS)}")
    options.pytest_arguments = tuple(for_pytest)
    return options


def main(arguments: Sequence[str]) -> int:
    """Run the checks that were asked for; the exit status."""
    options = parse(arguments)
    machine.CACHE.mkdir(exist_ok=True)
    try:
        python = Path(sys.executable) if options.here else machine.test_environment(options.python or newest_python())
    except CannotRun as reason:
        print(f"Nothing can run: {reason}\n0 passed, 1 failed", flush=True)
        return 1
    bench = Bench(python, options.pytest_arguments)
    outcomes = [run(name, bench) for name in options.checks or DEFAULT]
    heading("summary")
    print(summary(outcomes), flush=True)
    return int(any(outcome.failed for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
