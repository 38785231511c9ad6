"""What is shipped: the wheel's contents, and Binder's pins against the project's bounds."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "shape_magic"
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
    """The requirements of a file by name, each held to one version."""
    lines = (ROOT / path).read_text().splitlines()
    found = {r.name: r for line in lines if line and not line.startswith("#") for r in [Requirement(line)]}
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


def lesson_imports() -> set[str]:
    """The packages that the lessons' cells import, without the standard library and ourselves."""
    trees = [
        ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.MULTILINE))
        for path in (ROOT / "notebooks").glob("*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"shape_magic"}


def test_binder_has_what_the_lessons_need_and_nothing_else() -> None:
    imported = {"tensorflow-cpu" if name == "tensorflow" else name for name in lesson_imports()}
    assert imported >= {"keras", "numpy", "matplotlib"}
    # The kernel, and the front end whose cells the cards edit.
    assert set(pins("binder/requirements.txt")) == imported | {r.name for r in needed()} | {"ipykernel", "jupyterlab"}


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    oldest = {name: Version(next(iter(r.specifier)).version) for name, r in pins("tests/oldest.txt").items()}
    bounds = {r.name: Version(s.version) for r in needed() for s in r.specifier if s.operator == ">="}
    assert oldest == bounds


def test_binder_installs_the_package_after_its_requirements() -> None:
    # The image layer with TensorFlow is kept only while the requirements do not name the project.
    assert "shape" not in (ROOT / "binder" / "requirements.txt").read_text().replace("_", "-")
    post_build = ROOT / "binder" / "postBuild"
    assert "pip install --no-deps ." in post_build.read_text()
    assert os.access(post_build, os.X_OK)
    assert (ROOT / "binder" / "runtime.txt").read_text().strip() == "python-3.11"


def test_the_same_python_stands_everywhere() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert metadata["project"]["requires-python"] == ">=3.11"
    assert metadata["tool"]["ruff"]["target-version"] == "py311"
    assert metadata["tool"]["mypy"]["python_version"] == "3.11"
