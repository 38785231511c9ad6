"""Loading the extension costs nothing that the user did not ask for: no Keras, no backend, no widget, no plotting."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Seconds of import time that only a cell with a model may spend.
HEAVY = ("keras", "tensorflow", "jax", "torch", "tf_keras", "anywidget", "ipywidgets", "matplotlib")
#: What only a model has to be checked with; the second line is for what is found.
OURS = (
    *("shape_magic.checker", "shape_magic.rules", "shape_magic.trace.models", "shape_magic.display.text", "numpy"),
    *("shape_magic.repair.prove", "shape_magic.source.writer", "shape_magic.display.widget"),
)

SHELL = "from IPython.core.interactiveshell import InteractiveShell; shell = InteractiveShell.instance()"
LOAD = "shell.run_line_magic('load_ext', 'shape_magic'); assert shell.find_magic('shapecheck')"
REPORT = f"import sys; print('heavy:', *sorted(set({HEAVY + OURS!r}) & set(sys.modules)))"


def heavy_modules_after(*statements: str) -> set[str]:
    """The heavy modules that a fresh Python holds after these statements."""
    program = "\n".join([*statements, REPORT])
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    last = run.stdout.splitlines()[-1]
    assert last.startswith("heavy:"), run.stdout
    return set(last.split()[1:])


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert heavy_modules_after("import shape_magic") == set()


@pytest.mark.parametrize("also", ["", "shell.run_line_magic('shapecheck', 'on')"])
def test_loading_the_extension_imports_nothing_heavy(also: str) -> None:
    assert heavy_modules_after(SHELL, LOAD, also, "shell.run_cell('1 + 1')") == set()


def test_a_model_that_is_right_needs_no_prover() -> None:
    cell = "import keras\nmodel = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])"
    heavy = heavy_modules_after(f"import shape_magic; assert shape_magic.check_cell({cell!r}).ok")
    assert "shape_magic.checker" in heavy
    assert not heavy & {"shape_magic.repair.prove", "shape_magic.source.writer", "anywidget"}


def test_the_check_itself_can_fail() -> None:
    assert {"keras", "numpy"} <= heavy_modules_after(SHELL, LOAD, "import keras")
