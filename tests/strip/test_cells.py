"""A cell's text without our magics and comments: the rest to the character, and still Python."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from shape_magic.strip.cells import bound_names, needs_us, without_ours

#: What a cell becomes, by the cell.
BECOMES = {
    "%load_ext shape_magic": "",
    "%reload_ext shape_magic\n": "",
    "%unload_ext shape_magic\n%shapecheck on\n\n": "",
    "shapecheck on": "",
    "%shapecheck?": "",
    "shapecheck": "",
    "load_ext shape_magic\nfoo = 1": "foo = 1",
    "%load_ext shape_magic\n%matplotlib inline\nimport x": "%matplotlib inline\nimport x",
    "%load_ext autoreload\n%load_ext shape_magic\n%config InlineBackend.figure_format = 'svg'\n": "%load_ext autoreload\n%config InlineBackend.figure_format = 'svg'\n",
    "%load_ext shape_magic_of_another": "%load_ext shape_magic_of_another",
    "%config ShapeMagic.fixes = 'off'\nx = 1": "x = 1",
    "%%shapecheck -n\n\nmodel = 3\n": "model = 3\n",
    "%%time\n%%shapecheck\nx = 1": "%%time\nx = 1",
    "%%capture\n%shapecheck model\nx": "%%capture\nx",
    "x = 1\n%shapecheck model": "x = 1",
    "x = 1\r\n%shapecheck model\r\ny\r\n": "x = 1\r\ny\r\n",
    "a = %shapecheck model": "a = None",
    "for i in y:\n    %shapecheck model\nz": "for i in y:\n    pass\nz",
    "for i in y:\n    i\n    %shapecheck model\nz": "for i in y:\n    i\nz",
    "if a:\n    %shapecheck model \\\n      x y\n    # why\n    %shapecheck on\nelse:\n    b": "if a:\n    pass\n    # why\nelse:\n    b",
    "try:\n    x\nexcept E:\n    %shapecheck\nfinally:\n    get_ipython().run_line_magic('shapecheck', 'on')": "try:\n    x\nexcept E:\n    pass\nfinally:\n    pass",
    "match a:\n    case 1:\n        %shapecheck on": "match a:\n    case 1:\n        pass",
    "with a:\n\t%time %shapecheck model\n": "with a:\n\tpass\n",
    "def f():\n    '''doc'''\n    %shapecheck model": "def f():\n    '''doc'''",
    "get_ipython().run_line_magic('load_ext', 'shape_magic'); a = 1": "pass; a = 1",
    "é = 'ü'; get_ipython().magic('shapecheck on')\n": "é = 'ü'; pass\n",
    "get_ipython().run_line_magic('config', 'ShapeMagic.strict = True')  # strict\na": "a",
    "get_ipython().run_line_magic('matplotlib', 'inline')": "get_ipython().run_line_magic('matplotlib', 'inline')",
    "'''\n%shapecheck on\n'''\n": "'''\n%shapecheck on\n'''\n",
    "s = '%shapecheck on'  # %shapecheck on": "s = '%shapecheck on'  # %shapecheck on",
    "a = (3\n%shapecheck)": "a = (3\n%shapecheck)",
    "%%bash\n%shapecheck on": "%%bash\n%shapecheck on",
    "Dense(10),  # shapecheck: keep dense-on-feature-map\nb": "Dense(10),\nb",
    "Dense(10)  # wide  # shapecheck: keep a, b": "Dense(10)  # wide",
    "Dense(10)  # shapecheck: keep a  # wide": "Dense(10)  # wide",
    "# shapecheck: keep dense-on-feature-map\nb": "b",
    "if a:\n    b\n    # shapecheck: keep x\nc": "if a:\n    b\nc",
    "s = '# shapecheck: keep x'": "s = '# shapecheck: keep x'",
    "# my shapecheck notes\nx": "# my shapecheck notes\nx",
    "  indented = 1\n  %shapecheck on\n": "  indented = 1\n",
    "x = await y\n%shapecheck on\n": "x = await y\n",
    "not python(\n": "not python(\n",
}


@pytest.mark.parametrize("source", BECOMES)
def test_a_cell_becomes(source: str) -> None:
    assert without_ours(source).text == BECOMES[source]


@pytest.mark.parametrize("source", [s for s in BECOMES if not s.startswith("not") and "(3" not in s])
def test_what_is_left_is_a_cell_that_ipython_can_run(source: str) -> None:
    manager = TransformerManager()
    assert manager.check_complete(without_ours(source).text)[0] in {"complete", "incomplete"}
    compile(manager.transform_cell(without_ours(source).text), "<cell>", "exec", 0x2000)


@pytest.mark.parametrize("source", BECOMES)
def test_a_second_time_takes_nothing(source: str) -> None:
    again = without_ours(without_ours(source).text)
    assert (again.text, again.magics, again.comments) == (BECOMES[source], 0, 0)


def test_it_counts_what_it_takes() -> None:
    found = without_ours("%load_ext shape_magic\n%shapecheck on\nDense(2)  # shapecheck: keep a\n")
    assert (found.magics, found.comments, found.ran_nothing) == (2, 1, False)


@pytest.mark.parametrize("option", ["--fix 1", "-x 3 --rules", "--explain a"])
def test_a_magic_that_runs_nothing_is_known(option: str) -> None:
    assert without_ours(f"%%shapecheck {option}\nx = 1").ran_nothing


IMPORTS = {
    "import shape_magic": {"shape_magic"},
    "import shape_magic as sm, os": {"sm"},
    "from shape_magic import teach, check as c": {"teach", "c"},
    "from shape_magic.teach import Playground": {"Playground"},
    "import shape_magics": set(),
    "import os": set(),
}


@pytest.mark.parametrize("source", IMPORTS)
def test_the_names_that_come_from_us(source: str) -> None:
    assert bound_names(source) == IMPORTS[source]
    assert needs_us(source, set()) == bool(IMPORTS[source])


def test_code_that_calls_us_is_known() -> None:
    assert needs_us("teach.quiz(model)", {"teach"})
    assert not needs_us("teach.quiz(model)", set())
    assert needs_us("get_ipython().run_cell_magic('shapecheck', '', 'x = 1')", set())
    assert needs_us("for x in\n  shape_magic.check(x)", set())
    assert not needs_us("print('shape_magic')  # shape_magic", {"shape_magic"})
