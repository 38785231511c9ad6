"""``assert shape_magic.check(…).ok`` where graders write it: the message is there, and ``ok`` stays a bool elsewhere."""

from __future__ import annotations

import builtins
import doctest
import os
import pickle
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.utils.capture import capture_output
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from shape_magic.report import Report
from shape_magic.settings import ShapeMagic
from tests import samples

ROOT = Path(__file__).parents[1]
TITLE = "✗ One answer per position, but one label per image."
PLACE = "At: Dense `dense`, line 6: (None, 5, 5, 64) → (None, 5, 5, 10)"
LABELS = "Labels: `y_train` (60000, 10), one-hot, 10 classes"
FIX = "Fix: Insert Flatten() before dense"
#: Of a model that has no cell, as a grader gets it.
SUBMITTED = """\
import keras, numpy as np, shape_magic
from keras import layers
model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(4, 3), layers.Dense(10, activation="softmax", name="dense")])
model.compile("adam", "categorical_crossentropy")
x, y = np.zeros((20, 8, 8, 1)), np.eye(10)[np.arange(20) % 10]
"""
ASSERT = "assert shape_magic.check(model, x, y).ok"
SUBMITTED_LINES = (TITLE, "At: Dense `dense`: (None, 6, 6, 4) → (None, 6, 6, 10)", "Labels: `y` (20, 10), one-hot")


@pytest.fixture
def broken() -> Report:
    return samples.seed_with_labels()


def run(source: str, **names: Any) -> dict[str, Any]:
    """Run code that pytest has not rewritten."""
    exec(compile(textwrap.dedent(source), "<test>", "exec"), names)
    return names


def message_of(source: str, **names: Any) -> str:
    """The text of the AssertionError that code raises."""
    with pytest.raises(AssertionError) as raised:
        run(source, **names)
    assert type(raised.value) is AssertionError
    return str(raised.value)


# -- the message


def test_a_bare_assert_says_what_is_wrong_where_and_with_which_labels(broken: Report) -> None:
    message = message_of("assert report.ok", report=broken)
    lines = [line.strip() for line in message.splitlines()]
    assert (lines[0], lines[-3:]) == (TITLE, [PLACE, LABELS, FIX])
    assert broken.diagnostics[0].message in " ".join(lines)
    assert len(lines) < 10
    assert "\x1b" not in message


@pytest.mark.parametrize("fixes", ["off", "hints"])
def test_no_line_gives_the_fix_away_where_fixes_are_not_on(broken: Report, fixes: str) -> None:
    ShapeMagic.instance(fixes=fixes)
    try:
        message = message_of("assert report.ok", report=broken)
    finally:
        ShapeMagic.clear_instance()
    (finding,) = broken.diagnostics
    for told in (TITLE, *finding.hints[1:3], PLACE, LABELS):
        assert told in re.sub(r"\s+", " ", message)
    for given in (finding.hints[3], finding.message, *(fix.title for fix in finding.fixes)):
        assert given not in re.sub(r"\s+", " ", message)


@pytest.mark.parametrize("name", samples.ALL)
def test_every_report_has_a_message_exactly_when_it_is_not_ok(name: str) -> None:
    report = samples.ALL[name]()
    if report.ok:
        run("assert report.ok", report=report)
        assert report.explain() == ""
        return
    message = message_of("assert report.ok", report=report)
    assert message == report.explain()
    assert message.isprintable() or all(line.isprintable() for line in message.split("\n"))
    told = [line for line in message.splitlines() if not line.startswith((" ", "("))]
    assert len(told) == min(3, sum(d.severity != "info" for d in report.diagnostics))


# -- every other reader gets a bool

PLAIN = {
    "if": "got = 0 if report.ok else 1\nif report.ok: got = 2\nassert got == 1",
    "while": "while report.ok: break\nelse: got = 1\nassert got",
    "bool": "assert bool(report.ok) is False",
    "is": "assert report.ok is False",
    "equal": "assert report.ok == False",
    "not": "assert not report.ok",
    "not and": "assert not report.ok and True",
    "or": "assert report.ok or True",
    "first of or": "assert not (report.ok and True)",
    "own raise": "try:\n    if not report.ok: raise ValueError('mine')\nexcept ValueError: pass\nelse: raise SystemError",
    "getattr": "assert getattr(report, 'ok') is False",
    "eval": "assert eval('report.ok') is False",
    "lambda": "assert (lambda: report.ok)() is False",
    "all": "assert not all(r.ok for r in [report])",
    "any": "assert any(not r.ok for r in [report])",
    "name": "ok = report.ok\nassert ok is False",
    "walrus": "assert (ok := report.ok) is False",
    "format": "assert f'{report.ok}' == 'False'",
    "json": "assert report.to_dict()['ok'] is False",
    "print": "import io; print(report.ok, file=io.StringIO())",
    "operator": "import operator; assert operator.attrgetter('ok')(report) is False",
    "match": "match report.ok:\n    case False: pass\n    case _: raise SystemError",
}


@pytest.mark.parametrize("reader", PLAIN)
def test_every_other_reader_gets_a_plain_bool(broken: Report, reader: str) -> None:
    run(PLAIN[reader], report=broken)


@pytest.mark.parametrize(
    "source",
    ["assert report.ok, 'mine'", "assert report.ok, f'{3}'", "ok = report.ok\nassert ok, 'mine'"],
)
def test_a_message_of_ones_own_stays(broken: Report, source: str) -> None:
    assert message_of(source, report=broken) in {"mine", "3"}


def test_an_error_that_is_written_out_stays_as_it_is(broken: Report) -> None:
    assert message_of("if not report.ok: raise AssertionError", report=broken) == ""


@pytest.mark.parametrize(
    "source",
    [
        "assert x and report.ok",
        "assert report.ok and x",
        "assert not x or report.ok",
        "assert report.ok if x else 0",
        "def f():\n    assert report.ok\nf()",
        "[r for r in [report]]\nfor r in [report]:\n    assert r.ok",
        "holder = type('H', (), {'report': report})\nassert holder.report.ok",
        "assert (\n    report\n    .ok\n)",
    ],
)
def test_a_bare_assert_of_any_form_says_it(broken: Report, source: str) -> None:
    assert message_of(source, report=broken, x=True).startswith(TITLE)


def test_it_says_it_every_time(broken: Report) -> None:
    # Python rewrites its own bytecode after a few runs of it.
    names = run("def f():\n    assert report.ok\n", report=broken)
    for _ in range(50):
        with pytest.raises(AssertionError, match="One answer per position"):
            names["f"]()


def test_it_says_it_in_long_code(broken: Report) -> None:
    # Jumps and names beyond 255 take two instructions.
    lines = [f"name_{k} = {k}.5" for k in range(400)]
    source = "\n".join([*lines, "if name_0:", "    assert name_3 and report.ok", *lines])
    assert message_of(source, report=broken).startswith(TITLE)


def test_it_says_it_while_a_debugger_traces(broken: Report) -> None:
    def trace(*_: Any) -> Any:
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        message = message_of("assert report.ok", report=broken)
    finally:
        sys.settrace(before)
    assert message.startswith(TITLE)


def test_the_error_can_be_pickled(broken: Report) -> None:
    with pytest.raises(AssertionError) as raised:
        run("assert report.ok", report=broken)
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


# -- other Pythons: the bytecode is all that differs

STUB = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("asserting", sys.argv[1])
asserting = importlib.util.module_from_spec(spec); spec.loader.exec_module(asserting)
class Report:
    @property
    def ok(self):
        if asserting.fails_without_words(sys._getframe(1), "ok"):
            raise asserting.assertion_error("told")
        return False
def text(source):
    code = compile(source, "<test>", "exec")
    names = {"report": Report(), "x": True}
    texts = set()
    for _ in range(30):
        try: exec(code, names)
        except AssertionError as error: texts.add(str(error))
        else: texts.add(None)
    return texts
def in_function(source): return text("def f():\\n" + "".join(f"    {line}\\n" for line in source.split("\\n")) + "f()")
for run in (text, in_function):
    for told in ("assert report.ok", "assert x and report.ok", "assert report.ok and x", "for r in [report]: assert r.ok"):
        assert run(told) == {"told"}, (run, told, run(told))
    for mine in ("assert report.ok, 'mine'", "r = report.ok\\nassert r, 'mine'"):
        assert run(mine) == {"mine"}, (run, mine, run(mine))
    for plain in ("assert not report.ok", "assert report.ok is False", "assert report.ok or x", "if report.ok: 1"):
        assert run(plain) == {None}, (run, plain, run(plain))
print("fine")
"""


def pythons() -> Iterator[str]:
    """This Python, and the others that are on this machine."""
    yield sys.executable
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from (str(python) for python in versions.glob("3.1[1-9]*/bin/python"))


@pytest.mark.parametrize("python", sorted(set(pythons())))
def test_the_bytecode_of_each_python_is_read(python: str) -> None:
    command = [python, "-c", STUB, str(ROOT / "shape_magic" / "asserting.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT.parent)
    assert (done.stdout.strip(), done.stderr) == ("fine", "")


# -- where graders write it


def test_in_a_script(tmp_path: Path) -> None:
    script = tmp_path / "grade.py"
    script.write_text(f"{SUBMITTED}{ASSERT}\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, encoding="utf-8"
    )
    assert done.returncode == 1
    told = done.stderr.partition("AssertionError: ")[2]
    assert all(line in told for line in SUBMITTED_LINES)


def test_in_a_doctest_as_otter_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtins, "_", None, raising=False)  # doctest sets it, and IPython then leaves its own alone
    names = run(SUBMITTED)
    test = doctest.DocTestParser().get_doctest(f">>> {ASSERT}\n", names, "q1", None, 0)
    said: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert result.failed == 1
    assert all(line in "".join(said) for line in SUBMITTED_LINES)


def test_in_a_cell_as_nbgrader_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    solution, grading = (
        nbformat.v4.new_code_cell(SUBMITTED),
        nbformat.v4.new_code_cell(f"### BEGIN HIDDEN TESTS\n{ASSERT}"),
    )
    grading.metadata["nbgrader"] = {"grade": True, "grade_id": "q1", "points": 2, "locked": True, "schema_version": 3}
    notebook = nbformat.v4.new_notebook(cells=[solution, grading])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with pytest.raises(CellExecutionError):
        NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    (error,) = [output for output in grading.outputs if output.output_type == "error"]
    assert error.ename == "AssertionError"
    assert all(line in error.evalue for line in SUBMITTED_LINES)
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback))
    assert ASSERT in drawn
    assert "report.py" not in drawn


def test_in_ipython_the_traceback_ends_at_the_users_line(broken: Report, ipython: Any) -> None:
    ipython.user_ns["report"] = broken
    with capture_output() as said:
        result = ipython.run_cell("def graded():\n    assert report.ok\ngraded()")
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", said.stdout)
    assert isinstance(result.error_in_exec, AssertionError)
    assert "----> 2     assert report.ok" in drawn
    assert TITLE in drawn
    assert "report.py" not in drawn


def test_under_pytest_the_failure_shows_the_report_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from tests import samples\ndef test_it():\n    report = samples.seed_with_labels()\n    assert report.ok\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "300"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "test_it.py"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, encoding="utf-8"
    )
    assert done.returncode == 1
    assert "assert False" in done.stdout
    assert f"where False = <Report not ok: {TITLE}" in done.stdout


# -- a report as a value


def test_a_report_in_one_line(broken: Report) -> None:
    assert repr(broken) == f"<Report not ok: {TITLE} {PLACE} · {LABELS}>"
    assert repr(samples.green()).startswith("<Report ok: ✓ model: (None, ")


@pytest.mark.parametrize("name", samples.ALL)
def test_no_report_takes_more_than_a_line(name: str) -> None:
    said = repr(samples.ALL[name]())
    assert said.isprintable()
    assert said.startswith("<Report ")


def test_a_report_as_a_cells_value_is_a_table(broken: Report, ipython: Any) -> None:
    formatter: Any = ipython.display_formatter
    data, _ = formatter.format(broken)
    assert data["text/plain"] == str(broken)
    assert "shapecheck-static" in data["text/html"]
