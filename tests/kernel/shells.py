"""A real IPython shell to run cells in, with what it prints kept."""

from __future__ import annotations

import atexit
import contextlib
import io
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult, InteractiveShell
from traitlets.config import Config

import shape_magic
from shape_magic.report import Report

_HOME = str(Path(shape_magic.__file__).parent)

#: What most cells of these tests begin with: 20 small images and one-hot labels.
SETUP = """\
import keras, numpy as np
from keras import layers
x = np.zeros((20, 8, 8, 1), "float32")
y = np.eye(10, dtype="float32")[np.arange(20) % 10]
"""
#: A model whose head answers at each position.
BROKEN = """\
model = keras.Sequential([
    layers.Input((8, 8, 1)),
    layers.Conv2D(4, 3),
    layers.Dense(10, activation='softmax'),
])
model.compile("adam", "categorical_crossentropy")
"""
#: The same model as it was meant.
SOUND = BROKEN.replace("    layers.Dense", "    layers.Flatten(),\n    layers.Dense")
FIT = "model.fit(x, y, verbose=0)\n"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a cell did."""

    out: str
    err: str
    result: Any

    @property
    def error(self) -> BaseException | None:
        """The exception that ended the cell, if one did."""
        found: BaseException | None = self.result.error_in_exec or self.result.error_before_exec
        return found


class Shell:
    """An IPython shell of its own; cells run as a person's do."""

    def __init__(self, *, extension: bool = True) -> None:
        InteractiveShell.clear_instance()
        config = Config()
        config.HistoryManager.enabled = False
        self.ip: Any = InteractiveShell.instance(config=config, colors="nocolor")
        if extension:
            self.ip.run_line_magic("load_ext", "shape_magic")

    def run(self, cell: str, **options: Any) -> Ran:
        """Run a cell."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                result = self.ip.run_cell(cell, store_history=True, **options)
            except UnicodeEncodeError as error:  # IPython 8.20 lets half of a surrogate pair through to the compiler
                if any(_HOME in frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)):
                    raise  # it is ours
                result = ExecutionResult(ExecutionInfo(cell, True, False, True, None))
                result.error_before_exec = error
        return Ran(out.getvalue(), err.getvalue(), result)

    def must(self, *cells: str) -> None:
        """Run cells that have to work."""
        for cell in cells:
            ran = self.run(cell)
            assert ran.error is None, f"{ran.error!r}\n{ran.out}"

    @property
    def notebook(self) -> Any:
        """The extension's watch."""
        return self.ip.magics_manager.registry["ShapeMagics"].notebook

    def report_of(self, cell: str) -> Report:
        """Run a cell and return the report that it showed."""
        self.notebook.last_report = None
        ran = self.run(cell)
        report = self.notebook.last_report
        assert isinstance(report, Report), f"no report\n{ran.out}\n{ran.err}"
        return report

    @property
    def ns(self) -> dict[str, Any]:
        """The user's namespace."""
        names: dict[str, Any] = self.ip.user_ns
        return names


@contextlib.contextmanager
def opened(*, extension: bool = True) -> Iterator[Shell]:
    """A fresh shell, gone without a trace at the end."""
    main = sys.modules["__main__"]
    hooks = sys.displayhook, sys.excepthook
    shell = Shell(extension=extension)
    try:
        yield shell
    finally:
        if "ShapeMagics" in shell.ip.magics_manager.registry:
            shell.ip.run_line_magic("unload_ext", "shape_magic")
        shell.ip.restore_sys_module_state()
        atexit.unregister(shell.ip.atexit_operations)
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
        sys.displayhook, sys.excepthook = hooks
