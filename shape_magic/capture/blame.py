"""Whose error it is: Keras' word on a shape, or the user's own exception that passes through Keras."""

from __future__ import annotations

import dis
import functools
import sys
from pathlib import Path
from types import CodeType, FrameType

from shape_magic.backend import shape_errors

#: What Keras and TensorFlow raise about shapes; anything else out of user code is the user's own.
_OF_SHAPES = ("ValueError", "InvalidArgumentError", "TypeError", "IndexError", "MemoryError", "WeightsTooLargeError")
_PACKAGES = ("/site-packages/", "/dist-packages/", "\\site-packages\\")
#: Keras and its backends are known wherever they were imported from.
_WITH_HOMES = ("keras", "tensorflow", "jax", "torch", "numpy")
_OURS = str(Path(__file__).parent.parent)
_RAISES = {dis.opmap[name] for name in ("RAISE_VARARGS", "RERAISE") if name in dis.opmap}


def is_users_own(error: BaseException) -> bool:
    """Whether an exception that came out of a call of Keras was raised by the user's code.

    User code runs inside Keras in callbacks, generators, losses and the ``call`` of layers. Its own
    ``raise`` is its own; so is every kind of error that says nothing of shapes.
    """
    last: tuple[CodeType, int] | None = None
    innermost = False
    tb = error.__traceback__
    while tb is not None:
        innermost = is_user_file(_file_of(tb.tb_frame))
        if innermost:
            last = tb.tb_frame.f_code, tb.tb_lasti
        tb = tb.tb_next
    if last is None:
        return False
    names = {cls.__name__ for cls in type(error).__mro__}
    code, at = last
    # A `raise` with more below it hands on what others raised, as the code that autograph writes does.
    return not names & {*_OF_SHAPES, *shape_errors()} or (innermost and code.co_code[at] in _RAISES)


def was_raised(error: BaseException) -> bool:
    """Whether a ``raise`` in Python code brought it, and not the interpreter or a signal."""
    tb = error.__traceback__
    while tb is not None and tb.tb_next is not None:
        tb = tb.tb_next
    return tb is not None and tb.tb_frame.f_code.co_code[tb.tb_lasti] == dis.opmap["RAISE_VARARGS"]


def _file_of(frame: FrameType) -> str:
    """The file of a frame's code; of code that autograph wrote anew, that of the module from which it took it."""
    name = frame.f_code.co_filename
    return str(frame.f_globals.get("__file__") or name) if "__autograph_generated_file" in name else name


def is_user_file(filename: str) -> bool:
    """Whether code of this file name is neither a library's nor ours: a cell, or a module of the user's."""
    files = (getattr(sys.modules.get(name), "__file__", None) for name in _WITH_HOMES)
    return _is_none_of(filename, tuple(file for file in files if file))


@functools.lru_cache(4096)
def _is_none_of(filename: str, imported: tuple[str, ...]) -> bool:
    """The same; ``imported``: the files of the packages whose folders are libraries too. Asked for each layer."""
    if filename.startswith((_OURS, "<frozen", "<__array_function__", "<__autograph", "<string>")):
        return False
    if filename.startswith((*_libraries(), *(str(Path(file).parent) for file in imported))):
        return False
    return not any(part in filename for part in _PACKAGES)


@functools.cache
def _libraries() -> tuple[str, ...]:
    """The folders of Python's own modules and of what is installed."""
    import sysconfig

    return tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
