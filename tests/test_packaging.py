"""What is shipped: the wheel's contents, and Binder's pins against the project's bounds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import distribution, packages_distributions
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from shape_magic import backend
from shape_magic.errors import BackendMissingError
from tests.running import machine, versions

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "shape_magic"
OLDEST = "3.11"
SHIPPED = {".py", ".js", ".css", ".json", ".toml", ".md"}


def project() -> dict[str, Any]:
    """The project's table in pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def in_wheel(tmp_path_factory: pytest.TempPathFactory) -> list[PurePosixPath]:
    """The files of a wheel that is built from the tree as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return [PurePosixPath(name) for name in archive.namelist()]


def test_the_wheel_holds_the_package_and_nothing_else(in_wheel: list[PurePosixPath]) -> None:
    roots = {path.parts[0] for path in in_wheel}
    assert "shape_magic" in roots
    assert all(root == "shape_magic" or re.fullmatch(r"shape_magic-[\d.]+\.dist-info", root) for root in roots)
    strange = [p for p in in_wheel if p.parts[0] == "shape_magic" and p.suffix not in SHIPPED and p.name != "py.typed"]
    assert strange == []


@pytest.fixture(scope="module")
def in_sdist(tmp_path_factory: pytest.TempPathFactory) -> list[PurePosixPath]:
    """The files of a source archive that is built from the tree as it is, below its one folder."""
    folder = tmp_path_factory.mktemp("sdist")
    program = "import sys; from hatchling.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        paths = [PurePosixPath(member.name) for member in packed.getmembers() if member.isfile()]
    assert len({path.parts[0] for path in paths}) == 1
    return [PurePosixPath(*path.parts[1:]) for path in paths]


def test_the_source_archive_holds_what_is_under_version_control_and_nothing_else(in_sdist: list[PurePosixPath]) -> None:
    roots = {"shape_magic", "tests", "notebooks", "binder"}
    files = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "pyproject.toml", "PKG-INFO"}
    assert {path.parts[0] for path in in_sdist} == roots | files | {".gitignore"}
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0:  # an unpacked archive is no repository
        known = {PurePosixPath(line) for line in listed.stdout.splitlines()} | {PurePosixPath("PKG-INFO")}
        assert set(in_sdist) - known == set()
    assert {path for path in in_sdist if path.parts[0] == "shape_magic"} >= {
        PurePosixPath(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.suffix in SHIPPED
    }


def test_the_wheel_leaves_no_file_of_the_package_out(in_wheel: list[PurePosixPath]) -> None:
    tree = {PurePosixPath(path.relative_to(ROOT)) for path in PACKAGE.rglob("*") if path.suffix in SHIPPED}
    assert tree - set(in_wheel) == set()
    assert PurePosixPath("shape_magic/py.typed") in in_wheel


def test_the_package_holds_no_file_that_would_not_ship() -> None:
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    assert [p.name for p in files if p.suffix not in SHIPPED and p.name != "py.typed"] == []


def test_the_console_command_leads_to_a_function() -> None:
    (target,) = project()["scripts"].values()
    module, _, name = target.partition(":")
    assert callable(getattr(import_module(module), name))


def pins(path: str) -> dict[str, Requirement]:
    """The requirements of a file for the oldest Python by name, each held to one version."""
    lines = (ROOT / path).read_text().splitlines()
    every = [Requirement(line) for line in lines if line and not line.startswith("#")]
    found = {r.name: r for r in every if r.marker is None or r.marker.evaluate({"python_version": OLDEST})}
    assert {specifier.operator for r in found.values() for specifier in r.specifier} == {"=="}
    return found


def needed() -> list[Requirement]:
    """What the package needs to run, with the backend that its tests use."""
    return [Requirement(text) for text in [*project()["dependencies"], *project()["optional-dependencies"]["cpu"]]]


def test_binder_pins_every_dependency_within_its_bounds() -> None:
    binder = pins("binder/requirements.txt")
    for requirement in needed():
        (pin,) = binder[requirement.name].specifier
        assert pin.version in requirement.specifier, f"{requirement} is pinned to {pin.version}"


def imports(trees: Iterable[ast.AST]) -> set[str]:
    """The packages that modules or cells import, without the standard library and ourselves."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"shape_magic", "tests"}


def lesson_imports() -> set[str]:
    """The packages that the lessons' cells import."""
    return imports(
        ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE))
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    )


@pytest.mark.parametrize(("folder", "extras"), [("shape_magic", ["cpu"]), ("tests", ["cpu", "test"])])
def test_what_is_imported_is_named_by_the_project(folder: str, extras: list[str]) -> None:
    # What comes along with another package may be missing with that package's older versions.
    required = project()["dependencies"] + [
        line for extra in extras for line in project()["optional-dependencies"][extra]
    ]
    names = {Requirement(line).name for line in required}
    brings = packages_distributions()
    imported = imports(ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / folder).rglob("*.py"))
    assert imported >= {"keras", "numpy"}
    assert {one for one in imported if not names & {_plainly(name) for name in brings.get(one, [])}} == set()


def _plainly(name: str) -> str:
    """A distribution's name as requirements write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_binder_has_what_the_lessons_need_and_nothing_else() -> None:
    imported = {"tensorflow-cpu" if name == "tensorflow" else name for name in lesson_imports()}
    assert imported >= {"keras", "numpy", "matplotlib"}
    # The kernel, and the front end whose cells the cards edit.
    assert set(pins("binder/requirements.txt")) == imported | {r.name for r in needed()} | {"ipykernel", "jupyterlab"}


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    oldest = {name: Version(next(iter(r.specifier)).version) for name, r in pins("tests/oldest.txt").items()}
    front_ends = [r for r in map(Requirement, project()["optional-dependencies"]["lab"]) if "shape" not in r.name]
    bounds = {r.name: Version(s.version) for r in (*needed(), *front_ends) for s in r.specifier if s.operator == ">="}
    assert oldest == bounds
    assert set(front_ends) <= set(map(Requirement, project()["optional-dependencies"]["test"]))


def test_the_pythons_of_the_environments_are_those_of_the_classifiers() -> None:
    classifiers = [c.rpartition(" ")[2] for c in project()["classifiers"] if re.search(r":: 3\.\d+$", c)]
    assert sorted(classifiers) == sorted(machine.PYTHONS)
    assert (min(machine.PYTHONS), max(machine.PYTHONS)) == (OLDEST, "3.13")
    assert {corner.python for corner in versions.CORNERS.values()} <= set(classifiers)


def test_keras_is_refused_below_its_bound_and_no_earlier(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    (bound,) = (Version(s.version) for r in needed() if r.name == "keras" for s in r.specifier if s.operator == ">=")
    before = f"{bound.major}.{bound.minor - 1}.9"
    monkeypatch.setattr(keras, "__version__", f"{bound.major}.{bound.minor}.0")
    backend.require_keras()
    monkeypatch.setattr(keras, "__version__", before)
    with pytest.raises(BackendMissingError, match=rf"{bound.major}\.{bound.minor} or newer; this is {before}"):
        backend.require_keras()


#: What a plain install must not touch: a backend that is there may be a vendor's own build.
BACKENDS = {"tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tf-keras", "tf-nightly", "jax", "jaxlib", "torch"}  # fmt: skip


def closure(names: set[str]) -> set[str]:
    """All that is installed because of these, without extras; by the metadata of what is installed here."""
    todo, seen = list(names), set()
    while todo:
        name = _plainly(todo.pop())
        if name not in seen:
            seen.add(name)
            required = map(Requirement, distribution(name).requires or ())
            todo += [r.name for r in required if r.marker is None or r.marker.evaluate({"extra": ""})]
    return seen


def test_installing_brings_and_replaces_no_backend() -> None:
    brought = closure({Requirement(text).name for text in project()["dependencies"]})
    assert {"keras", "numpy"} <= brought
    assert brought & BACKENDS == set()
