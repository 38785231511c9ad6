"""The state that some statements leave, from which several runs go on without seeing one another.

Each run may do with the objects what it likes: they are put back as they were before the next one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.session import Moved
from shape_magic.checker import Checker
from shape_magic.repair.copies import left_shared
from shape_magic.repair.slices import Statement
from shape_magic.repair.snapshot import Snapshot
from shape_magic.repair.trail import Key, moves, unmoved
from shape_magic.spans import Span
from shape_magic.untrusted import module_of


class World:
    """What a run has made so far: its names, its objects, what was seen, and the worker's own state.

    Raises ``Opaque`` where not all of it can be put back. Made and entered in the worker.
    """

    def __init__(
        self,
        keys: tuple[Key, ...],
        ran: Sequence[tuple[Statement, str]],
        checker: Checker,
        theirs: Mapping[str, Any],
    ) -> None:
        self.keys = keys
        #: The statements, each with the file name of its code; and the texts that they were read from.
        self.ran = list(ran)
        session = checker.session
        self.texts = {cell.id: cell.source for cell in session.book.cells.values()}
        self._state = _worker_state()
        self._checker = checker.branch(session.branch(session.book, unmoved), unmoved)
        roots = [checker.namespace, session.latest, *(obj for obj, _ in session.made.items()), *self._state.values()]
        others = {number for name in theirs for number in left_shared(theirs[name])}
        self._objects = Snapshot(roots, others - {id(root) for root in roots})
        self._tables = [dict(table) for table in _registries()]
        self._random = random.getstate(), _numpy().get_state()

    def enter(self, book: Book, statements: Sequence[Statement]) -> Checker:
        """Go on from here in other texts of the cells, where the statements may stand on other lines."""
        self._objects.restore()  # whatever the run before did with them
        from keras.src.backend.common import global_state

        vars(global_state.GLOBAL_STATE_TRACKER).update(self._state)
        for table, kept in zip(_registries(), self._tables, strict=True):
            table.update(kept)
        random.setstate(self._random[0])
        _numpy().set_state(self._random[1])
        moved = moves([s for s, _ in self.ran], statements)
        relocate = unmoved if moved is None else _relocation(moved)
        return self._checker.branch(self._checker.session.branch(book, moved or unmoved), relocate)


def _worker_state() -> dict[str, Any]:
    """What Keras keeps for the running thread: how many layers had which name, and the like."""
    from keras.src.backend.common import global_state

    state = vars(global_state.GLOBAL_STATE_TRACKER)
    return {name: value for name, value in state.items() if name != "stateless_scope"}


def _registries() -> tuple[dict[Any, Any], dict[Any, Any]]:
    from keras.src.saving import object_registration

    return object_registration.GLOBAL_CUSTOM_OBJECTS, object_registration.GLOBAL_CUSTOM_NAMES


def _numpy() -> Any:
    import numpy as np

    return np.random  # the global state is the point: statements may draw from it


def _relocation(moved: Moved) -> Callable[[Any], Any]:
    """Facts and uses with all the spans in them moved."""

    def relocated(value: Any) -> Any:
        if isinstance(value, Span):
            return moved(value)
        if type(value) is tuple:
            new = tuple(relocated(v) for v in value)
            return new if any(a is not b for a, b in zip(new, value, strict=True)) else value
        if type(value) is dict:
            return {k: relocated(v) for k, v in value.items()}
        if is_dataclass(value) and module_of(type(value)).startswith(_OURS):
            now = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
            changed = {name: new for name, old in now.items() if (new := relocated(old)) is not old}
            return replace(value, **changed) if changed else value  # type: ignore[type-var]
        return value

    return relocated


_OURS = __name__.partition(".")[0] + "."
