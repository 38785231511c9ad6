"""The corners of what pyproject.toml promises, each an environment of its own in which the tests run."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.running.checks import IN_PARALLEL, PLAIN, Bench, Outcome, pytest
from tests.running.machine import (
    ROOT,
    backend_extra,
    ensure_axe,
    ensure_browser,
    environment,
    find_python,
    project,
    version_of,
)

#: Of the tests, those that ask Keras something: what a backend could change.
ASKING_KERAS = (
    *("tests/backends", "tests/trace", "tests/capture", "tests/repair", "tests/test_api.py", "tests/test_errors.py"),
)
#: What a log names of an environment.
NAMED = (
    *("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy", "ipython", "ipykernel"),
    *("ipywidgets", "anywidget", "matplotlib", "jupyterlab", "notebook"),
)


@dataclass(frozen=True, slots=True)
class Corner:
    """One environment: its Python, what pip installs, Keras' backend, and what pytest is to run in it."""

    python: str
    requirements: tuple[str, ...]
    backend: str = "tensorflow"
    selection: tuple[str, ...] = (*IN_PARALLEL, *PLAIN)


_WITHOUT_TENSORFLOW = (*IN_PARALLEL, "-p", "tests.running.without_tensorflow", *ASKING_KERAS)
#: A layer is a module of PyTorch's there, and is always made anew: what is spared elsewhere is not.
_AS_MODULES = ("--ignore=tests/trace/test_twins.py", "--ignore=tests/trace/test_reuse.py")
#: The newest of everything is ``tests`` itself; these are the others.
CORNERS = {
    "oldest": Corner("3.11", ("--constraint", "tests/oldest.txt", *project("test", backend_extra()))),
    "jax": Corner("3.13", (*project("test"), "jax"), "jax", _WITHOUT_TENSORFLOW),
    # Its smaller build has to be asked for by its full version; PyPI's is large on Linux.
    "torch": Corner("3.11", (*project("test"), "torch==2.13.0"), "torch", (*_WITHOUT_TENSORFLOW, *_AS_MODULES)),
}


def bench_of(name: str, bench: Bench) -> Bench:
    """A corner's environment; with the Python at hand where the machine has none of the corner's version."""
    corner = CORNERS[name]
    base = find_python(corner.python)
    if base is None:
        base = str(bench.python)
        print(f"There is no Python {corner.python} here: {name} runs with {version_of(base).split()[0]}.", flush=True)
    python = environment(ROOT / f".venv-{name}", base, *corner.requirements)
    print(contents(python), flush=True)
    return Bench(python, bench.pytest_arguments, corner.backend)


def contents(python: Path) -> str:
    """The versions that an environment really has: what is promised is what was run."""
    program = (
        "import platform, importlib.metadata as m\n"
        "have = {d.name.lower(): d.version for d in m.distributions()}\n"
        f"print('Python', platform.python_version(), *(f'· {{n}} {{have[n]}}' for n in {NAMED!r} if n in have))"
    )
    return subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def corner(name: str, bench: Bench) -> Outcome:
    """The tests in a corner."""
    return pytest(bench_of(name, bench), name, *CORNERS[name].selection)


def oldest(bench: Bench) -> Outcome:
    """Those of the tests that ask Keras or IPython something, with the oldest Python and the lowest versions promised.

    ``versions`` runs all tests so; this is the part that is worth its time after each change.
    """
    return pytest(bench_of("oldest", bench), "oldest", *IN_PARALLEL, *PLAIN, *ASKING_KERAS, "tests/kernel")


def front(bench: Bench) -> Outcome:
    """The browser tests once more, with the oldest JupyterLab and Notebook."""
    old = bench_of("oldest", bench)
    ensure_browser(old.python)
    ensure_axe(old.python)
    return pytest(old, "front", *IN_PARALLEL, "-m", "browser")


def jax(bench: Bench) -> Outcome:
    """Those of the tests that ask Keras something, on JAX, where there is no TensorFlow."""
    return corner("jax", bench)


def torch(bench: Bench) -> Outcome:
    """The same on PyTorch."""
    return corner("torch", bench)


def versions(bench: Bench) -> Outcome:
    """All of it: the newest of everything, the oldest of everything, and the other backends."""
    print(contents(bench.python), flush=True)
    parts = [pytest(bench, "newest", *IN_PARALLEL, *PLAIN), corner("oldest", bench), jax(bench), torch(bench)]
    return Outcome(
        "versions", sum(o.passed for o in parts), sum(o.failed for o in parts), sum(o.skipped for o in parts)
    )
