"""What is measured in a process of its own: ``python -m tests.benchmarks.fresh NAME`` prints one number."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _environment() -> dict[str, str]:
    """As where the package is installed: its modules are compiled once, whatever this environment says of that."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(ROOT / ".cache" / "benchmarks" / "pycache")}


def number_of(name: str) -> float:
    """What one of the functions here gives in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.fresh", name],
        cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{name} failed in a fresh process:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def ipython(*options: str) -> float:
    """The seconds of an IPython from its start to its end."""
    with tempfile.TemporaryDirectory() as home:
        words = [sys.executable, "-m", "IPython", "--quick", "--no-banner", *options]
        start = time.perf_counter()
        subprocess.run(
            [*words, "-c", "pass"],
            cwd=ROOT, env={**_environment(), "IPYTHONDIR": home}, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return time.perf_counter() - start


def keras_imported() -> float:
    """1 if the extension's load imports Keras or a backend, else 0."""
    from tests.kernel.shells import opened

    with opened():
        return float(bool({"keras", "tensorflow"} & set(sys.modules)))


def first_check() -> float:
    """The seconds of a cell under its first check in a process in which Keras has made and run a like model."""
    return _first("%%shapecheck\n")


def first_cell() -> float:
    """The same cell there, without a check."""
    return _first("")


def _first(magic: str) -> float:
    import numpy as np

    from tests.benchmarks import subjects
    from tests.kernel.shells import opened

    with opened() as shell:
        shell.ns.update(subjects.names(**subjects.images(64, 28, 28, 1)))
        shell.must(subjects.SMALL_CNN)
        shell.ns["model"].fit(np.zeros((64, 28, 28, 1), "float32"), shell.ns["y_train"], verbose=0)
        gc.collect()  # of all that TensorFlow is, whose turn would come at any moment: 170 ms
        start = time.perf_counter()
        shell.must(magic + subjects.SMALL_CNN)
        return time.perf_counter() - start


def peak_of_a_billion() -> float:
    """The bytes by which the process' peak grows while a billion weights are traced, Keras warm."""
    import keras

    from tests.benchmarks import ours, subjects

    ours.trace(keras.Sequential([keras.layers.Dense(8) for _ in range(5)]), (None, 8))
    model = keras.Sequential(subjects.billion())
    before = _peak_from_now()
    facts = ours.trace(model, (None, 16_384))
    assert facts.params > 1_000_000_000, "that is no billion"
    return float(_peak() - before)


def _peak_from_now() -> int:
    """Let the system count the peak anew; where it starts, in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


_NAMES: dict[str, Callable[[], float]] = {
    f.__name__: f for f in (keras_imported, first_check, first_cell, peak_of_a_billion)
}

if __name__ == "__main__":
    print(_NAMES[sys.argv[1]]())
