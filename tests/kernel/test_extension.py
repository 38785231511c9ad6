"""Loading and unloading leave the shell as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from traitlets.config import Config

from shape_magic.capture import hooks
from shape_magic.settings import ShapeMagic
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND, Shell, opened


@pytest.fixture
def bare() -> Iterator[Shell]:
    """A shell without the extension."""
    with opened(extension=False) as made:
        made.must("%reset -f\n%unload_ext nothing\n%config")  # IPython registers its own magics at their first use
        yield made


def state(shell: Any) -> dict[str, Any]:
    """All that an extension can hang itself into."""
    magics = shell.magics_manager
    return {
        "events": {name: list(called) for name, called in shell.events.callbacks.items()},
        "cleanup": list(shell.input_transformers_cleanup),
        "post": list(shell.input_transformers_post),
        "manager": [list(shell.input_transformer_manager.cleanup_transforms)],
        "ast": list(shell.ast_transformers),
        "line": set(magics.magics["line"]),
        "cell": set(magics.magics["cell"]),
        "registry": set(magics.registry),
        "configurables": list(shell.configurables),
        "completers": {k: (set(v.strs), len(v.regexs)) for k, v in shell.strdispatchers.items() if v.strs or v.regexs},
        "custom": dict((shell.custom_exceptions and {"x": shell.custom_exceptions}) or {}),
        "handlers": set(shell.display_formatter.formatters["text/plain"].type_printers),
        "names": {k for k in shell.user_ns if not k.startswith("_")},
        "instance": ShapeMagic.initialized(),
    }


def test_unloading_leaves_the_shell_as_before(bare: Shell) -> None:
    bare.must("a = 1")
    before = state(bare.ip)
    bare.must("%load_ext shape_magic", "%shapecheck on", SETUP + SOUND + FIT)
    bare.run(BROKEN + FIT)
    assert state(bare.ip) != before
    bare.must("%unload_ext shape_magic", "%reset -f", "a = 1")
    assert state(bare.ip) == before
    assert not hooks.installed()
    assert "✓" not in bare.run(SETUP + SOUND + FIT).out
    assert "not found" in bare.run("%shapecheck on").err


def test_unloading_in_the_middle_of_an_observed_cell(bare: Shell) -> None:
    before = state(bare.ip)
    bare.must(
        "%load_ext shape_magic",
        "%shapecheck on",
        "import keras\nget_ipython().run_line_magic('unload_ext', 'shape_magic')",
    )
    assert not hooks.installed()
    bare.must("%reset -f")
    assert state(bare.ip) == before


def test_loading_in_the_middle_of_a_cell(bare: Shell) -> None:
    bare.must("a = 1\n%load_ext shape_magic\n%shapecheck on\nb = 2")
    assert "✓ model" in bare.run(SETUP + SOUND).out


def test_loading_twice_and_reloading(bare: Shell) -> None:
    bare.must("%load_ext shape_magic", "%load_ext shape_magic", "%shapecheck on")
    assert bare.run(SETUP + SOUND).out.count("✓ model") == 1
    bare.must("%reload_ext shape_magic")
    assert (
        len([f for f in bare.ip.events.callbacks["pre_run_cell"] if "shape_magic" in type(f.__self__).__module__]) == 1
    )
    bare.must("%shapecheck on")
    assert bare.run(SOUND).out.count("✓ model") == 1


def test_settings_of_the_configuration_file_hold(bare: Shell) -> None:
    bare.ip.update_config(Config({"ShapeMagic": {"always": True, "static": True}}))
    bare.must("%load_ext shape_magic")
    assert "✓ model" in bare.run(SETUP + SOUND).out
    assert "static" in bare.run("%config ShapeMagic").out


def test_the_settings_have_help(bare: Shell) -> None:
    bare.must("%load_ext shape_magic")
    out = bare.run("%config ShapeMagic").out
    for name in ("always", "raise_errors", "strict", "static", "memory_budget"):
        assert f"ShapeMagic.{name}" in out


def test_a_memory_budget_of_the_settings_holds(bare: Shell) -> None:
    bare.must("%load_ext shape_magic", "%config ShapeMagic.memory_budget = 1000000", SETUP)
    ran = bare.run("%%shapecheck\nmodel = keras.Sequential([layers.Input((1000,)), layers.Dense(1000)])")
    assert isinstance(ran.error, MemoryError)
    assert "3.82 MiB" in ran.out
    assert "Traceback" not in ran.out
