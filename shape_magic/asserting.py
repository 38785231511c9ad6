"""``assert report.ok`` says why it fails, also where nothing rewrites asserts: in nbgrader, otter and doctests."""

from __future__ import annotations

import dis
import sys
from functools import partial
from types import FrameType
from typing import Any

#: What the compiler puts between the steps of an assert.
_BETWEEN = frozenset({"CACHE", "EXTENDED_ARG", "NOT_TAKEN", "TO_BOOL"})
_ERROR = frozenset({"LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT"})


def fails_without_words(frame: FrameType, attribute: str) -> bool:
    """Whether a frame that is reading an attribute raises a bare AssertionError if it gets False.

    True for ``assert report.ok`` and ``assert x and report.ok``; not where the assert has a message of
    its own or goes on, and not for any other reader. Whatever can't be told is False.
    """
    try:
        return _fails(frame, attribute)
    except (ValueError, IndexError, TypeError, AttributeError, KeyError):
        return False  # bytecode that this was not made for


def _fails(frame: FrameType, attribute: str) -> bool:
    steps = [step for step in dis.get_instructions(frame.f_code) if step.opname not in _BETWEEN]
    # The place may lie in the caches behind the step that is running.
    at = max(k for k, step in enumerate(steps) if step.offset <= frame.f_lasti)
    read, jump = steps[at : at + 2]
    if read.opname != "LOAD_ATTR" or read.argval != attribute or not jump.opname.startswith("POP_JUMP"):
        return False
    if jump.opname.endswith("IF_TRUE"):
        following = at + 2
    elif jump.opname.endswith("IF_FALSE"):
        following = next(k for k, step in enumerate(steps) if step.offset >= jump.argval)
    else:
        return False
    error, end = steps[following : following + 2]
    is_error = error.opname in _ERROR and (error.opname == "LOAD_ASSERTION_ERROR" or error.argval is AssertionError)
    return is_error and end.opname == "RAISE_VARARGS" and end.arg == 1


def assertion_error(text: str) -> AssertionError:
    """The error of a bare assert, with a text; IPython shows it at the user's line, without the frame that raises."""
    error = AssertionError(text)
    if _shell() is not None:
        error._render_traceback_ = partial(_at_the_assert, error)  # type: ignore[attr-defined]
    return error


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _at_the_assert(error: AssertionError) -> list[str]:
    """The traceback as IPython draws it, up to the frame that asserts."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        if step.tb_next.tb_next is None and "__tracebackhide__" in step.tb_next.tb_frame.f_locals:
            step.tb_next = None  # IPython hides such frames itself, but never the last one
            break
        step = step.tb_next
    drawn: list[str] = _shell().InteractiveTB.structured_traceback(type(error), error, error.__traceback__, tb_offset=1)
    return drawn
