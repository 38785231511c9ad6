"""``shape_magic strip`` on notebooks that kernels really made, and on files that it has to refuse."""

from __future__ import annotations

import copy
import difflib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from shape_magic.__main__ import main
from shape_magic.strip.notebooks import strip
from shape_magic.strip.outputs import without_ours

ROOT = Path(__file__).parents[2]
#: For a kernel in which shape_magic is not installed.
ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "shape_magic":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
LESSON = [
    new_markdown_cell("# Mine\n%shapecheck on"),
    new_code_cell("%load_ext shape_magic\n%shapecheck on"),
    new_code_cell("%matplotlib inline\nimport keras, numpy as np\nfrom keras import layers\nprint('mine')"),
    new_code_cell(
        "model = keras.Sequential([\n    layers.Input((8, 8, 1)),\n    layers.Conv2D(4, 3),\n"
        "    layers.Dense(3),  # shapecheck: keep dense-on-feature-map\n])\nmodel.compile('adam', 'mse')\nprint('made')"
    ),
    new_code_cell(
        "model.fit(np.zeros((4, 8, 8, 1)), np.zeros((4, 1)), verbose=0)", metadata={"tags": ["raises-exception"]}
    ),
    new_code_cell("import ipywidgets\nipywidgets.IntSlider()"),
    new_code_cell("for size in [1, 2]:\n    %shapecheck model\n'end'"),
    new_code_cell("%%shapecheck\nflat = keras.Sequential([layers.Input((4,)), layers.Dense(2)])\nflat.count_params()"),
    new_code_cell("%shapecheck nowhere", metadata={"tags": ["raises-exception"]}),
    new_raw_cell("%shapecheck on"),
]


def executed(notebook: Any, **environment: str) -> Any:
    """The notebook after a kernel has run it."""
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", store_widget_state=True)
    client.execute(env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment})
    return notebook


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notebook that was run with the extension, as it is saved."""
    path = tmp_path_factory.mktemp("lesson") / "lesson.ipynb"
    notebook = executed(new_notebook(cells=copy.deepcopy(LESSON)), PYTHONPATH=str(ROOT))
    nbformat.write(notebook, path)
    return path


def stripped(path: Path, *options: str) -> Any:
    """The copy that the command writes beside a notebook."""
    assert main(["strip", str(path), "--force", *options]) == 0
    return nbformat.read(path.with_name(f"{path.stem}-stripped.ipynb"), as_version=4)


def outputs_of(cell: Any) -> list[str]:
    """The outputs by their type, and a stream by its text."""
    return [o.text if o.output_type == "stream" else o.output_type for o in cell.outputs]


def test_the_lesson_was_really_checked(lesson: Path) -> None:
    notebook = nbformat.read(lesson, as_version=4)
    text = json.dumps(notebook)
    assert "widget-view+json" in text
    assert notebook.metadata.widgets
    tagged = [o for c in notebook.cells for o in c.get("outputs", ()) if "shape_magic" in o.get("metadata", ())]
    assert {"application/vnd.jupyter.widget-view+json", "text/html"} <= {mime for o in tagged for mime in o.data}
    assert "ShapeError" in text


def test_nothing_of_ours_is_left(lesson: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = lesson.read_bytes()
    copied = stripped(lesson)
    nbformat.validate(copied)
    assert lesson.read_bytes() == before
    code = [cell for cell in copied.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code] == [
        "%matplotlib inline\nimport keras, numpy as np\nfrom keras import layers\nprint('mine')",
        LESSON[3].source.replace("  # shapecheck: keep dense-on-feature-map", ""),
        LESSON[4].source,
        LESSON[5].source,
        "for size in [1, 2]:\n    pass\n'end'",
        LESSON[7].source.partition("\n")[2],
    ]
    assert [outputs_of(cell) for cell in code] == [
        ["mine\n"],
        ["made\n"],
        [],
        [],
        ["execute_result"],
        ["execute_result"],
    ]
    assert "widgets" not in copied.metadata
    assert "shapecheck" not in json.dumps([cell for cell in copied.cells if cell.cell_type == "code"])
    said = capsys.readouterr()
    assert said.out.startswith("5 magics, 1 comment, ")
    assert said.out.rstrip().endswith(f"wrote {lesson.parent / 'lesson-stripped.ipynb'}")
    assert said.err == ""


def test_the_rest_is_byte_for_byte_as_it_was(lesson: Path) -> None:
    stripped(lesson)
    before = lesson.read_text(encoding="utf-8").splitlines()
    after = lesson.with_name("lesson-stripped.ipynb").read_text(encoding="utf-8").splitlines()
    # Lines go; those that are new are the changed lines of sources and the ends of lists that became shorter.
    new = [line[2:].strip() for line in difflib.unified_diff(before, after, n=0) if re.match(r"\+(?!\+)", line)]
    assert len(new) < 12
    assert [cell.id for cell in nbformat.read(lesson.with_name("lesson-stripped.ipynb"), 4).cells]


def test_the_copy_runs_where_shape_magic_is_not_installed(lesson: Path, tmp_path: Path) -> None:
    copied = stripped(lesson)
    (tmp_path / "sitecustomize.py").write_text(ABSENT, encoding="utf-8")
    copied.cells.append(new_code_cell("try:\n    import shape_magic\nexcept ImportError:\n    print('absent')"))
    ran = executed(copied, PYTHONPATH=str(tmp_path))
    failing = [c.source for c in ran.cells if any(o.output_type == "error" for o in c.get("outputs", ()))]
    assert outputs_of(ran.cells[-1]) == ["absent\n"]
    assert failing == [LESSON[4].source]  # the student's own mistake stays, with Keras' own words


# -- the form of the file


FORMS: dict[str, dict[str, Any]] = {
    "nbformat": {"indent": 1, "ensure_ascii": False},
    "two": {"indent": 2, "ensure_ascii": False},
    "tab": {"indent": "\t", "ensure_ascii": False},
    "ascii": {"indent": 1, "ensure_ascii": True},
    "one line": {"ensure_ascii": False},
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
}


def notebook_dict(*cells: dict[str, Any]) -> dict[str, Any]:
    """A notebook in an order of keys that nbformat would not choose."""
    return {
        "nbformat": 4,
        "metadata": {"ö": [], "widgets": {"a": 1}, "a": {}},
        "nbformat_minor": 4,
        "cells": list(cells),
    }


def code_cell(source: Any, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "outputs": list(outputs), "metadata": {}, "execution_count": 3, "cell_type": "code"}


@pytest.mark.parametrize("ending", ["", "\n"])
@pytest.mark.parametrize("breaks", ["\n", "\r\n"])
@pytest.mark.parametrize("form", FORMS)
def test_the_file_keeps_its_form(tmp_path: Path, form: str, breaks: str, ending: str) -> None:
    attached = {"cell_type": "markdown", "metadata": {}, "attachments": {"a.png": {"image/png": "x"}}, "source": ["ü"]}
    kept = code_cell(["x = 1.5\n", "y = '€'"])
    before = notebook_dict(code_cell("%shapecheck on"), kept, attached)
    after = notebook_dict(kept, attached)
    del after["metadata"]["widgets"]
    options = FORMS[form]

    def written(notebook: dict[str, Any]) -> bytes:
        return (json.dumps(notebook, **options).replace("\n", breaks) + ending.replace("\n", breaks)).encode()

    (tmp_path / "n.ipynb").write_bytes(written(before))
    assert main(["strip", str(tmp_path / "n.ipynb")]) == 0
    assert (tmp_path / "n-stripped.ipynb").read_bytes() == written(after)


def test_half_a_surrogate_pair_stays(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(notebook_dict(code_cell("x = 'é\ud800'")), indent=1).replace("\\u00e9", "é"), "utf-8")
    assert main(["strip", str(path)]) == 0
    copied = (tmp_path / "n-stripped.ipynb").read_text("utf-8")
    assert "é\\ud800" in copied
    assert json.loads(copied)["cells"][0]["source"] == "x = 'é\ud800'"


def test_a_source_keeps_its_form() -> None:
    done = strip(notebook_dict(code_cell(["%shapecheck on\n", "x = 1\n", "y"]), code_cell("%shapecheck on\nx\ny")))
    assert [cell["source"] for cell in done.notebook["cells"]] == [["x = 1\n", "y"], "x\ny"]


def test_empty_cells_of_the_user_stay() -> None:
    assert len(strip(notebook_dict(code_cell(""), code_cell([]), code_cell("# note"))).notebook["cells"]) == 3


def test_what_is_given_is_not_changed() -> None:
    notebook = notebook_dict(
        code_cell("%shapecheck on\nx", {"output_type": "stream", "name": "stdout", "text": "shapecheck: off"})
    )
    before = copy.deepcopy(notebook)
    strip(notebook)
    assert notebook == before


# -- outputs


def test_a_line_of_ours_leaves_the_users_lines() -> None:
    stream = new_output("stream", text="mine\nshapecheck: off. It is off.\nmine too\n")
    error = new_output("stream", name="stderr", text="UsageError: Line magic function `%shapecheck` not found.\n")
    found = without_ours([stream, error, new_output("stream", text="shapecheckers\n")])
    assert [output["text"] for output in found.left] == ["mine\nmine too\n", "shapecheckers\n"]
    assert found.ours == 2


def test_outputs_of_before_they_were_tagged_are_known() -> None:
    ours = new_output("display_data", data={"text/html": '<div class="shapecheck-static">…</div>'})
    quoted = new_output("display_data", data={"text/html": "<p>shapecheck-static</p>"})
    lists = {
        "output_type": "display_data",
        "metadata": {},
        "data": {"text/html": ['<div class="shapecheck-static"', ">"]},
    }
    picture = new_output("display_data", data={"image/png": "x", "text/plain": "<Figure>"})
    assert without_ours([ours, quoted, lists, picture]).left == [quoted, picture]


def test_the_users_own_errors_stay() -> None:
    mine = new_output("error", ename="ValueError", evalue="mine", traceback=["ValueError: mine"])
    ours = new_output("error", ename="ShapeError", evalue="ours", traceback=["ShapeError: ours"])
    absent = new_output("error", ename="ModuleNotFoundError", evalue="No module named 'shape_magic'", traceback=[])
    assert without_ours([mine, ours, absent]).left == [mine]


# -- the command


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.ipynb"
    path.write_text(json.dumps(notebook_dict(code_cell("%shapecheck on\nx = 1"))), encoding="utf-8")
    return path


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one sentence with which a call is refused."""
    assert main(["strip", *map(str, arguments)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_it_never_overwrites_what_is_there(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = small.with_name("out.ipynb")
    target.write_text("mine", encoding="utf-8")
    assert "is there already" in refused(capsys, small, "-o", target)
    assert target.read_text(encoding="utf-8") == "mine"
    assert main(["strip", str(small), "-o", str(target), "--force"]) == 0
    assert "shapecheck" not in target.read_text(encoding="utf-8")


def test_it_never_overwrites_the_notebook(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = small.read_bytes()
    other = small.with_name("link.ipynb")
    other.symlink_to(small)
    for target in (small, other):
        assert "is the notebook itself" in refused(capsys, small, "--force", "-o", target)
    assert small.read_bytes() == before


NO_NOTEBOOKS = {
    "text": "hello",
    "list": "[]",
    "object": "{}",
    "no cells": '{"nbformat": 4}',
    "cells of another kind": '{"nbformat": 4, "cells": [3]}',
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("name", NO_NOTEBOOKS)
def test_what_is_no_notebook_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = tmp_path / "n.ipynb"
    path.write_text(NO_NOTEBOOKS[name], encoding="utf-8")
    assert refused(capsys, path) == f"{path} is no Jupyter notebook.\n"
    assert [p.name for p in tmp_path.iterdir()] == ["n.ipynb"]


def test_other_files_are_refused_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], small: Path
) -> None:
    assert "There is no file" in refused(capsys, tmp_path / "nowhere.ipynb")
    assert "can't be read" in refused(capsys, tmp_path)
    assert "can't be written" in refused(capsys, small, "-o", tmp_path / "nowhere" / "out.ipynb")
    old = tmp_path / "old.ipynb"
    old.write_text('{"nbformat": 3, "worksheets": []}', encoding="utf-8")
    assert "format 3" in refused(capsys, old)


def test_it_says_which_cells_still_need_us(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "n.ipynb"
    widget = new_output(
        "display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Playground"}
    )
    cells = ["%shapecheck on", "from shape_magic import teach", "x = 1", "teach.Playground(x)"]
    notebook = notebook_dict(*(code_cell(cell, widget) for cell in cells))
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert main(["strip", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("1 magic, 4 widgets; wrote ")
    assert said.err == "Cells 1, 3 of the copy still need shape_magic: their code calls it.\n"


def test_a_notebook_without_us_is_copied_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "n.ipynb"
    notebook = new_notebook(cells=[new_code_cell("x = 1\n%time x", outputs=[new_output("stream", text="5e-05 €")])])
    nbformat.write(notebook, path)
    assert main(["strip", str(path)]) == 0
    assert (tmp_path / "n-stripped.ipynb").read_bytes() == path.read_bytes()
    assert capsys.readouterr().out.startswith("nothing of shape_magic was in it; wrote ")


def test_it_is_called_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["strip"], ["other"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert "usage: shape_magic" in capsys.readouterr().err


def test_python_m_is_the_same_command_and_imports_nothing_heavy(small: Path) -> None:
    heavy = "{'keras', 'tensorflow', 'IPython', 'ipywidgets', 'anywidget', 'matplotlib', 'numpy', 'rich'}"
    check = f"import runpy, sys; sys.argv = ['shape_magic', 'strip', {str(small)!r}]\ntry: runpy.run_module('shape_magic', run_name='__main__')\nexcept SystemExit as end: print(end.code, {heavy} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout.splitlines()[-1] == "0 set()", done.stderr
