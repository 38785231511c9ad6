"""All benchmarks, each group in a process of its own: ``python3 tests/run.py benchmarks``.

With names of groups only those are run and printed; README and figure stay as they are.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import rows

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "benchmarks"
#: In the table's order; each is a module here with a ``measure``.
GROUPS = (
    "diagnosis", "architectures", "floor", "healthy", "plain_cells", "growth", "edits", "proving", "memory", "start",
    "browser_side",
)  # fmt: skip
_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "MPLBACKEND": "agg",
    # A check that gave up would be a fast one.
    "SHAPE_MAGIC_STRICT": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def measure(name: str) -> None:
    """Measure one group in this process, and keep it."""
    group = importlib.import_module(f"tests.benchmarks.{name}").measure()
    rows.write(group, CACHE / f"{name}.json")
    print("\n".join(rows.lines(group)), flush=True)


def run(names: list[str]) -> bool:
    """Measure groups, each in a fresh process; whether all could be measured."""
    CACHE.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **_ENVIRONMENT}
    done = True
    for name in names:
        (CACHE / f"{name}.json").unlink(missing_ok=True)
        command = [sys.executable, "-m", "tests.benchmarks", "--measure", name]
        done &= subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    return done


def main(arguments: list[str]) -> int:
    """The exit status: 0 when everything was measured, whatever came out."""
    if arguments[:1] == ["--measure"]:
        measure(arguments[1])
        return 0
    if unknown := set(arguments) - set(GROUPS):
        print(f"no group is called {', '.join(sorted(unknown))}: there are {', '.join(GROUPS)}")
        return 2
    done = run(arguments or list(GROUPS))
    if done and not arguments:
        from tests.benchmarks.report import publish

        publish([rows.read(CACHE / f"{name}.json") for name in GROUPS])
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
