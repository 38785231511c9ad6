"""The long run: ``python3 tests/run.py differential -- --minutes 60``, other examples each time.

Round after round of the tests of this folder with a new seed, each in a process of its own, so
that a crash of TensorFlow's ends a round and not the run. Each step is compiled, as it is by
default. A disagreement is shown with its cell; it belongs into ``samples.toml``, mended or with its
reason.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Run rounds until the time is over; 1 if a round failed."""
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="no round is started after these")
    parser.add_argument("--seed", type=int, help="of the first round: the one that a failed round named")
    options = parser.parse_args(arguments)
    end = time.monotonic() + 60 * options.minutes
    seed = options.seed if options.seed is not None else random.randrange(10**9)
    failed: list[int] = []
    count = 0
    while count == 0 or time.monotonic() < end:
        print(f"--- seed {seed}", flush=True)
        failed += [seed] if _round(seed) else []
        count, seed = count + 1, random.randrange(10**9)
    print(
        f"{count} rounds, {len(failed)} failed{': seeds ' if failed else ''}{', '.join(map(str, failed))}", flush=True
    )
    return int(bool(failed))


def _round(seed: int) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", "-k", "not by_itself", "tests/differential"]
    environment = os.environ | {"SHAPE_MAGIC_DIFFERENTIAL": "long"}
    return subprocess.run([*command, f"--hypothesis-seed={seed}"], cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
