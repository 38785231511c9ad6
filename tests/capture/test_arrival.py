"""Keras is heard of when the user imports it, and nothing imports it before."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

config = Config()
config.HistoryManager.enabled = False
shell = InteractiveShell.instance(config=config, colors="nocolor")
finders = list(sys.meta_path)
run = lambda cell: shell.run_cell(cell, store_history=True)
ours = lambda: [f for f in sys.meta_path if type(f).__module__.startswith("shape_magic")]  # TensorFlow adds its own
"""


def in_a_new_python(code: str) -> str:
    """What a program prints in a Python of its own; fails with its error text."""
    done = subprocess.run(
        [sys.executable, "-c", SHELL + dedent(code)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_cell_imports_keras_and_is_observed() -> None:
    out = in_a_new_python("""
        run("%load_ext shape_magic")
        run("%shapecheck on")
        assert "keras" not in sys.modules and "tensorflow" not in sys.modules
        run("print('no keras yet')")
        assert "keras" not in sys.modules
        assert sys.meta_path == finders
        run('''
        import keras, numpy as np
        model = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.Dense(10)])
        model.compile("adam", "categorical_crossentropy")
        model.fit(np.zeros((4, 8, 8, 1)), np.eye(10)[:4], verbose=0)
        '''.replace("\\n        ", "\\n"))
        assert not ours()
        from shape_magic.capture import hooks
        assert not hooks.installed()
        assert type(keras_loader := sys.modules["keras"].__spec__.loader).__module__.startswith("_frozen"), keras_loader
        assert sys.modules["keras"].__loader__ is keras_loader
    """)
    assert "no keras yet" in out
    assert "One answer per position, but one label per image." in out
    assert "Insert Flatten() before dense" in out


def test_keras_by_way_of_tensorflow_is_heard_too() -> None:
    pytest.importorskip("tensorflow")
    out = in_a_new_python("""
        run("%load_ext shape_magic")
        run('''%%shapecheck
        import tensorflow as tf
        model = tf.keras.Sequential([tf.keras.layers.Input((8,)), tf.keras.layers.Dense(3)])
        '''.replace("\\n        ", "\\n"))
        assert not ours()
    """)
    assert "✓ model: (None, 8) → (None, 3)" in out


def test_a_failing_import_leaves_nothing() -> None:
    out = in_a_new_python("""
        import builtins, pathlib, tempfile
        folder = pathlib.Path(tempfile.mkdtemp())
        (folder / "keras").mkdir()
        (folder / "keras" / "__init__.py").write_text("raise ImportError('no backend')")
        sys.path.insert(0, str(folder))
        run("%load_ext shape_magic")
        result = run("%%shapecheck\\nimport keras")
        assert isinstance(result.error_in_exec, ImportError)
        assert sys.meta_path == finders
        from shape_magic.capture import hooks
        assert not hooks.installed()
    """)
    assert "ImportError: no backend" in out
