"""Every setting, in one traitlets class: ``%config ShapeMagic…``, ``ipython_config.py``, hub-wide."""

from __future__ import annotations

from traitlets import Bool, Int
from traitlets.config import SingletonConfigurable


class ShapeMagic(SingletonConfigurable):
    """Checks of tensor shapes in Keras cells."""

    always = Bool(False, help="Check every cell; the same as `%shapecheck on`.").tag(config=True)
    raise_errors = Bool(
        True, help="Stop a call that can't work before its first step, with one line in place of Keras' traceback."
    ).tag(config=True)
    strict = Bool(False, help="Let warnings stop a call as errors do.").tag(config=True)
    static = Bool(False, help="Show text and tables only, never a widget.").tag(config=True)
    memory_budget = Int(
        0, help="Bytes that a model's weights may take; 0: what the machine and its container leave free."
    ).tag(config=True)
