"""Running edited statements in a copy of the namespace, in the worker, to see what would be."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shape_magic.capture.book import Book
from shape_magic.capture.hooks import observing
from shape_magic.capture.session import Session
from shape_magic.checker import Checker, Halt
from shape_magic.facts import Facts, Given
from shape_magic.interrupts import Deferred, put_back
from shape_magic.repair.copies import copied
from shape_magic.repair.halfway import Halfway, count_names_on
from shape_magic.repair.slices import Slice, Statement
from shape_magic.repair.snapshot import Opaque
from shape_magic.repair.stubs import stubbed
from shape_magic.repair.trail import Key, Original, Trail
from shape_magic.repair.world import World
from shape_magic.spans import CellId
from shape_magic.trace.worker import apart
from shape_magic.untrusted import goes_on, said

#: From how many layers on statements are run once for all; fewer are made again as fast as they are put back.
_WORTH = 8
#: How many states are kept, of runs that differ from the cells at different places.
_WORLDS = 3

Cells = Sequence[tuple[CellId, str]]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the run showed; ``error`` is an exception of the user's code that ended it."""

    facts: Facts
    error: str | None
    session: Session


def replay(part: Slice, cells: Cells, namespace: Mapping[str, Any], given: Given) -> Replayed:
    """Run the statements as a dry run in a copy of the namespace; nothing of the user's is changed."""
    return Runs((), namespace, given).run(part, cells)


class Runs:
    """The runs of several edited texts of the same cells, each in a copy of the namespace of its own.

    The statements that the runs have in common before the first edit are run once, where they make
    much, and each run goes on from there.
    """

    def __init__(
        self, cells: Cells, namespace: Mapping[str, Any], given: Given, session: Session | None = None
    ) -> None:
        self._original = Original(cells)
        self._halfway = Halfway(session, namespace, self._original.statements) if session is not None else None
        self._namespace = namespace
        self._given = given
        self._worlds: list[World] = []
        self._unshareable: set[tuple[Key, ...]] = set()
        self._done: dict[tuple[object, ...], Replayed] = {}

    def run(self, part: Slice, cells: Cells, renamed: Mapping[str, str] | None = None) -> Replayed:
        """Run the statements; what was run before in the same texts is known.

        ``renamed``: names that hold, for this run, what another one holds now.
        """
        names = renamed or {}
        places = tuple((s.cell, s.code.first, s.node.col_offset) for s in part.statements)
        asked = (tuple(cells), places, tuple(names.items()))
        if asked not in self._done:
            trail = self._original.trail(part) if not names else Trail((), part.statements)
            with Deferred(), stubbed() as stubs:
                self._done[asked] = apart(lambda: self._run(trail, cells, names, stubs))
        return self._done[asked]

    def _run(self, trail: Trail, cells: Cells, renamed: Mapping[str, str], stubs: Mapping[int, Any]) -> Replayed:
        keys = trail.keys
        world = max((w for w in self._worlds if keys[: len(w.keys)] == w.keys), key=lambda w: len(w.keys), default=None)
        run = _Run(cells)
        with put_back(run.forget_sources):
            start = self._halfway.start(trail, run.book) if self._halfway is not None and world is None else None
            if start is not None:
                run.begin({**copied(self._namespace, stubs), **start.names}, self._given, start.session)
                count_names_on(start.counters)
                run.through(trail.rest)
                return Replayed(run.checker.facts(), run.error, run.checker.session)
            if world is None:
                names = copied(self._namespace, stubs)
                names |= {new: names[old] for new, old in renamed.items()}
                run.begin(names, self._given)
            else:
                run.go_on(world, trail.shared[: len(world.keys)])
            if run.through(trail.shared[len(run.ran) :]):
                self._keep(world, keys, run)
                run.through(trail.rest)
            return Replayed(run.checker.facts(), run.error, run.checker.session)

    def _keep(self, world: World | None, keys: tuple[Key, ...], run: _Run) -> None:
        """Keep the state that the run has come to, if it is worth it, in the place of the one that it went on from."""
        if run.made < _WORTH or keys in self._unshareable:
            return
        try:
            deeper = World(keys, run.ran, run.checker, self._namespace)
        except Opaque:
            self._unshareable.add(keys)
            return
        # The objects of the one before are in it: there is no way back to that one.
        others = [w for w in self._worlds if w is not world]
        self._worlds = [*others[1 - _WORLDS :], deeper]


class _Run:
    """One run, statement by statement."""

    checker: Checker

    def __init__(self, cells: Cells) -> None:
        self.book = Book()
        for cell, source in cells:
            self.book.add(cell, source, str(cell))
        self._texts = dict(cells)
        #: The statements that are done, with the file names of their codes.
        self.ran: list[tuple[Statement, str]] = []
        self.error: str | None = None
        self._begun = 0
        #: File names whose text it has given to ``linecache``: those of the user's own cells are not among them.
        self._named: list[str] = []

    def begin(self, namespace: dict[str, Any], given: Given, session: Session | None = None) -> None:
        """Start from a namespace, and from what was seen so far."""
        session = session if session is not None else Session(book=self.book)
        self.checker = Checker(session, namespace, dry_run=True, given=given)

    def go_on(self, world: World, statements: Sequence[Statement]) -> None:
        """Start from where another run was; the statements are its own in this run's texts."""
        self.checker = world.enter(self.book, statements)
        for (old, filename), new in zip(world.ran, statements, strict=True):
            self._name(filename, new.cell, world.texts[new.cell], new.code.first - old.code.first)
        self.ran = list(world.ran)
        self._begun = len(self.checker.session.made)

    @property
    def made(self) -> int:
        """How many layers there are that were not there when the run began."""
        return len(self.checker.session.made) - self._begun

    def through(self, statements: Sequence[Statement]) -> bool:
        """Run these; False where the run ended in them."""
        codes = [(s, f"<shape_magic {len(self.ran) + i}>") for i, s in enumerate(statements)]
        with observing(self.checker):
            try:
                for s, filename in codes:
                    self._name(filename, s.cell, self._texts[s.cell])
                    exec(_compiled(s.node, filename), self.checker.namespace)  # type: ignore[arg-type]
                    self.ran.append((s, filename))
            except Halt:
                return False
            except BaseException as raised:
                if goes_on(raised):
                    raise
                if not self.checker.caused(raised):
                    self.checker.note_unmade(raised)
                self.error = f"{type(raised).__name__}: {said(raised)}"
                return False
        return True

    def forget_sources(self) -> None:
        """Take the texts of its statements out of ``linecache`` again."""
        for filename in self._named:
            linecache.cache.pop(filename, None)

    def _name(self, filename: str, cell: CellId, text: str, lines_above: int = 0) -> None:
        self.book.name_file(filename, cell, lines_above)
        self._named.append(filename)
        # Tracebacks, inspect and TensorFlow's AutoGraph look the source up by its file name.
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)


def _compiled(node: ast.stmt, filename: str) -> Any:
    return compile(ast.Module([node], []), filename, "exec", dont_inherit=True)
