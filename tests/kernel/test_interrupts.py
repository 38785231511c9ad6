"""An interrupt may strike between any two lines of ours: nothing stays patched, and the next cell is checked.

The signal is raised while a chosen line is about to run in the main thread, as the interrupt button
does it. What happens in the worker is in ``tests/trace/test_interrupts``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import pytest

import shape_magic
from shape_magic.capture import hooks
from shape_magic.repair.stubs import _STUBBED, _owner
from tests.capture.test_hooks import state
from tests.kernel.shells import BROKEN, FIT, SETUP, SOUND, Shell, opened

_OURS = str(Path(shape_magic.__file__).parent)
#: A line of ours that runs in the main thread, and the function that it is in.
Line = tuple[str, str, int]
#: What puts something in or takes it out: every line of these is struck. Of the others, some are.
_DELICATE = (
    *("capture/hooks", "capture/observer", "capture/wrappers", "capture/session", "kernel/notebook", "kernel/front"),
    *("interrupts", "swaps", "trace/worker", "repair/stubs", "repair/replay", "display/widget"),
)


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """A shell with the data, in which everything has been imported once."""
    with opened() as made:
        made.must(SETUP, "%shapecheck on")
        made.run(BROKEN + FIT)
        made.must(SOUND + FIT)
        yield made


@dataclass
class Strike:
    """Follows our lines in the main thread; raises the signal before one of them, once."""

    at: Line | None = None
    seen: dict[Line, None] = field(default_factory=dict)
    struck: bool = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_OURS):
            return None
        here = frame.f_code.co_filename[len(_OURS) + 1 :], frame.f_code.co_name, frame.f_lineno
        if self.at is None:
            self.seen[here] = None
        elif here == self.at and not self.struck:
            self.struck = True
            signal.raise_signal(signal.SIGINT)
        return self

    @contextlib.contextmanager
    def following(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(before)


def world() -> list[Any]:
    """What only an interrupt at the wrong moment would leave changed."""
    stubbed = [vars(owner).get(name) for place, names in _STUBBED if (owner := _owner(place)) for name in names]
    return [
        *state(),
        stubbed,
        list(sys.meta_path),
        (sys.stdout, sys.stderr, warnings.warn, warnings.warn_explicit),
        signal.getsignal(signal.SIGINT),
        dict(keras.saving.get_custom_objects()),
    ]


def lines(shell: Shell, cell: str) -> list[Line]:
    """The lines to strike, as they come: some of those that the cell makes run, or all delicate ones."""
    follow = Strike()
    with follow.following():
        shell.run(cell)
    every = int(os.environ.get("SHAPE_MAGIC_STRIKE_EVERY", "20"))
    delicate = [line for line in follow.seen if line[0].removesuffix(".py") in _DELICATE]
    others = [line for line in follow.seen if line not in set(delicate)]
    return [*delicate[::every], *others[:: every * 20]]


@pytest.mark.parametrize("cell", [BROKEN + FIT, SOUND], ids=["broken", "sound"])
def test_wherever_an_interrupt_strikes_the_next_cell_is_checked(shell: Shell, cell: str) -> None:
    targets = lines(shell, cell)
    assert len(targets) > 15
    before, wrong, struck = world(), [], 0
    for at in targets:
        strike = Strike(at)
        with strike.following(), contextlib.suppress(KeyboardInterrupt):
            shell.run(cell)
        struck += strike.struck
        changed = [k for k, (now, then) in enumerate(zip(world(), before, strict=True)) if now != then]
        workers = [t.name for t in threading.enumerate() if t.name.startswith("shape_magic")]
        after = shell.run("%%shapecheck\n" + SOUND)
        if changed or workers or after.error is not None or "✓ model" not in after.out:
            wrong.append((at, changed, workers, after))
            shell.must("%unload_ext shape_magic", "%load_ext shape_magic", "%shapecheck on")
    assert not wrong, "\n".join(map(str, wrong))
    assert not hooks.installed()
    assert struck > 0.9 * len(targets)  # what is known from the run before is not looked up again
