"""Every setting, in one traitlets class: ``%config ShapeMagic…``, ``ipython_config.py``, hub-wide."""

from __future__ import annotations

import sys

from traitlets import Bool, Dict, Enum, Int, Unicode
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
    fixes = Enum(
        ["off", "hints", "on"],
        "on",
        help="What a card gives away. 'on': everything, with fixes to press. 'hints': one step at a time, by a button "
        "or `%shapecheck --hint`, and no fix to press. 'off': where it is and what arrives there, no repair. "
        "The setting guides, it does not secure: a learner can change it and read the source. For an exam leave "
        "shape_magic out of the kernel's environment.",
    ).tag(config=True)
    record = Unicode(
        "",
        help="The file to which hints, quiz answers and exercises are written, without names; empty: nothing is.",
    ).tag(config=True)

    #: No setting: how many hints were told of each finding, for as long as the extension is loaded.
    told: Dict[str, int] = Dict()


def current() -> ShapeMagic:
    """The settings in force: the loaded extension's, else those of IPython's configuration, else the defaults."""
    if ShapeMagic.initialized():
        return ShapeMagic.instance()
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return ShapeMagic(parent=shell)
