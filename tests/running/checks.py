"""The checks by their names: each runs one thing to its end and says how many parts of it passed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tests.running import machine
from tests.running.machine import AXE, call, ensure_axe, ensure_browser, make_venv, must

BINDER_VENV = machine.ROOT / ".venv-binder"
#: One process for each core, but no more than memory for Keras in each; a file's tests stay together.
IN_PARALLEL = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")
#: What needs neither a browser nor a notebook's kernel.
PLAIN = ("-m", "not browser and not notebooks")


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
    #: Keras' backend, by the name that KERAS_BACKEND takes.
    backend: str = "tensorflow"


def commands(name: str, *lines: Sequence[str | Path]) -> Outcome:
    """Run each command; each counts as one part."""
    results = [call(*line) for line in lines]
    return Outcome(name, passed=results.count(0), failed=len(results) - results.count(0))


def pytest(bench: Bench, name: str, *selection: str) -> Outcome:
    """Run the tests that pytest's arguments select, and count them from pytest's own record."""
    record = machine.CACHE / f"{name}.xml"
    record.unlink(missing_ok=True)
    status = call(
        bench.python, "-m", "pytest", *selection, f"--junitxml={record}", *bench.pytest_arguments,
        SHAPE_MAGIC_AXE=str(AXE), KERAS_BACKEND=bench.backend,
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
    return pytest(bench, "tests", *IN_PARALLEL, *PLAIN)


def notebooks(bench: Bench) -> Outcome:
    """The notebooks that the project ships, executed from top to bottom."""
    return pytest(bench, "notebooks", "-m", "notebooks")


def browser(bench: Bench) -> Outcome:
    """JupyterLab and Notebook in a real Chromium."""
    ensure_browser(bench.python)
    ensure_axe(bench.python)
    return pytest(bench, "browser", *IN_PARALLEL, "-m", "browser")


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


def binder(bench: Bench) -> Outcome:
    """What mybinder.org does with ``binder/``, in a fresh environment, and then every lesson in it."""
    python = make_venv(str(bench.python), BINDER_VENV)
    requirements = ("install", "--quiet", "--requirement", "binder/requirements.txt")
    must(python, "-m", "pip", *requirements, otherwise="binder/requirements.txt can't be installed.")
    path = os.pathsep.join([str(python.parent), os.environ["PATH"]])
    must(machine.ROOT / "binder" / "postBuild", otherwise="binder/postBuild failed.", PATH=path)
    with tempfile.TemporaryDirectory() as folder:
        run = (python, "-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", folder)
        lessons = sorted((machine.ROOT / "notebooks").glob("*.ipynb"))
        return commands("binder", (python, "-m", "pip", "check"), *((*run, lesson) for lesson in lessons))


def benchmarks(bench: Bench) -> Outcome:
    """What a check costs, beside plain Keras: a figure and a table for the README; groups may be named after ``--``."""
    ensure_browser(bench.python)
    return commands("benchmarks", (bench.python, "-m", "tests.benchmarks", *bench.pytest_arguments))


def differential(bench: Bench) -> Outcome:
    """Made-up models against plain Keras, other ones each time, for as long as ``-- --minutes N`` says."""
    return commands("differential", (bench.python, "-m", "tests.differential", *bench.pytest_arguments))
