"""The dependencies against what is publicly known of their vulnerabilities; a service that can't answer is no pass."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.running.checks import Bench, Outcome
from tests.running.machine import ROOT, CannotRun, backend_extra, environment

#: Asked one after another, until one answers.
SERVICES = ("pypi", "osv")
#: Known for vulnerabilities: a service that knows of none knows nothing.
CANARY = "pyyaml==5.3"

#: Prints what a plain install with a backend brings, each package with its version.
_CLOSURE = """
import importlib.metadata as m, re
from packaging.requirements import Requirement
seen, todo = {}, [Requirement("shape-magic[EXTRA]")]
while todo:
    r = todo.pop()
    d = m.distribution(r.name)
    key = re.sub(r"[-_.]+", "-", d.metadata["Name"]).lower()
    for inner in map(Requirement, d.requires or ()):
        if any(inner.marker is None or inner.marker.evaluate({"extra": e}) for e in (r.extras or {""}) | {""}):
            if (key, str(inner)) not in seen:
                seen[key, str(inner)] = d.version
                todo.append(inner)
    seen.setdefault((key, ""), d.version)
print(*sorted({f"{k}=={v}" for (k, _), v in seen.items() if k != "shape-magic"}), sep="\\n")
"""


def audit(bench: Bench) -> Outcome:
    """Look up every package that a user of the project gets, in the versions that the tests run with."""
    program = _CLOSURE.replace("EXTRA", backend_extra())
    listed = subprocess.run([str(bench.python), "-c", program], capture_output=True, text=True, check=True)
    pins = listed.stdout.split()
    python = environment(ROOT / ".venv-audit", str(bench.python), "pip-audit>=2.7,<3")
    reasons = []
    for service in SERVICES:
        try:
            if not vulnerable(ask(python, service, [CANARY]), 1):
                raise CannotRun(f"it knows no vulnerability of {CANARY}, which has some")
            found = vulnerable(ask(python, service, pins), len(pins))
        except CannotRun as reason:
            reasons.append(f"{service}: {reason}")
            continue
        print(f"{service} was asked about {len(pins)} packages.", *found, sep="\n", flush=True)
        return Outcome("audit", passed=len(pins) - len(found), failed=len(found))
    raise CannotRun(f"no service for vulnerabilities could be asked about {len(pins)} packages ({'; '.join(reasons)}).")


def ask(python: Path, service: str, pins: Sequence[str]) -> Mapping[str, Any]:
    """What a service says to some pinned packages; raises CannotRun when it can't be asked."""
    options = ("--vulnerability-service", service, "--format", "json", "--progress-spinner", "off")
    command = [str(python), "-m", "pip_audit", *options, "--no-deps", "--disable-pip", "--requirement", "/dev/stdin"]
    run = subprocess.run(command, input="\n".join(pins), capture_output=True, text=True, check=False)
    try:
        answer = json.loads(run.stdout)
    except ValueError:
        last = run.stderr.strip().rpartition("\n")[2]
        raise CannotRun(last[:200] or "it gave no answer") from None
    return answer if isinstance(answer, dict) else {}


def vulnerable(answer: Mapping[str, Any], asked: int) -> list[str]:
    """The packages with known vulnerabilities; raises CannotRun when the answer leaves any package out.

    pip-audit says "No known vulnerabilities found" of packages that the service never heard of, too.
    """
    packages = answer.get("dependencies", ())
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    if skipped or len(packages) != asked:
        raise CannotRun(f"it told nothing of {len(skipped) or asked - len(packages)} of {asked} packages")
    return [f"{p['name']} {p['version']}: {', '.join(v['id'] for v in p['vulns'])}" for p in packages if p["vulns"]]
