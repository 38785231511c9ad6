"""The live session: what the running cells did with Keras, kept as references to the live objects.

Owned by the pipeline. Nothing of it passes trace and prove: rules and displays see ``Facts`` only.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from shape_magic.capture.book import Book, Cell, Place
from shape_magic.spans import CellId, Shape, Span
from shape_magic.trace.table import shared
from shape_magic.untrusted import module_of, readable

T = TypeVar("T")
#: Where a span of one text of the cells is in another one.
Moved = Callable[["Span | None"], "Span | None"]


class _Item(weakref.ref[Any], Generic[T]):
    """One entry of a table: the object, and its value. One object for both, as each layer of a cell has several."""

    __slots__ = ("number", "value")
    number: int
    value: T


class ByIdentity(Generic[T]):
    """A table keyed by objects themselves, that keeps none of them alive."""

    def __init__(self) -> None:
        self._items: dict[int, _Item[T]] = {}
        items = self._items  # not the table itself, which would then keep itself alive

        def gone(item: _Item[T]) -> None:
            if items.get(item.number) is item:
                del items[item.number]

        self._gone = gone

    def __setitem__(self, key: object, value: T) -> None:
        item: _Item[T] = _Item(key, self._gone)
        item.number, item.value = id(key), value
        self._items[item.number] = item

    def get(self, key: object) -> T | None:
        """The value kept for this very object, or None."""
        item = self._items.get(id(key))
        return item.value if item is not None and item() is key else None

    def clear(self) -> None:
        """Forget all values."""
        self._items.clear()

    def mapped(self, change: Callable[[T], T]) -> ByIdentity[T]:
        """A table of its own for the same objects."""
        other: ByIdentity[T] = ByIdentity()
        for key, value in self.items():
            other[key] = change(value)
        return other

    def __len__(self) -> int:
        return len(self._items)

    def items(self) -> Iterator[tuple[Any, T]]:
        """The objects that are still alive, with their values."""
        for item in list(self._items.values()):
            key = item()
            if key is not None:
                yield key, item.value


@dataclass(slots=True)
class Made:
    """How a layer or model was constructed."""

    cls: type
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: The constructor call, or the call that led to it (a helper from a file, ``map``).
    span: Span | None
    #: Whether the call at the span names this very class, so that its text may be edited.
    exact: bool
    order: int

    def loosen(self) -> None:
        """Keep no object of the user's alive from now on: it may be what keeps this layer (its model, a closure)."""
        self.args, self.kwargs = _loose(self.args), _loose(self.kwargs)

    def given(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments; ``GONE`` for one that nobody has kept since its cell ended."""
        return _firm(self.args), _firm(self.kwargs)

    def moved(self, moved: Moved) -> Made:
        """The same in another text of the cell; nobody changes it any more."""
        span = moved(self.span)
        return self if span is self.span else replace(self, span=span)


#: Stands for an argument that is not there any more.
GONE = object()
#: Objects of these packages know nothing of the layers that they were given to.
_UNKNOWING = frozenset({"builtins", "keras", "numpy", "tensorflow"})


class _Loose(weakref.ref[Any]):
    """An argument that is kept alive by whoever else keeps it."""


#: What keeps nothing alive but itself, as nearly every argument.
_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})


def _loose(value: Any) -> Any:
    parts = value.values() if type(value) is dict else value if type(value) is tuple else (value,)
    return value if _PLAIN.issuperset(map(type, parts)) else _mapped(value, _let_go)


def _firm(value: Any) -> Any:
    return _mapped(value, lambda one: one if type(one) is not _Loose else GONE if (there := one()) is None else there)


def _let_go(value: Any) -> Any:
    kind = type(value)
    is_closure = getattr(value, "__closure__", None) is not None
    if not kind.__weakrefoffset__ or (module_of(kind).partition(".")[0] in _UNKNOWING and not is_closure):
        return value
    return _Loose(value)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """A value, or plain containers of some in each other, with each one changed."""
    if type(value) in (list, tuple):
        return type(value)(_mapped(one, change) for one in value)
    if type(value) is dict:
        return {key: _mapped(one, change) for key, one in value.items()}
    return change(value)


@dataclass(slots=True)
class Broken:
    """A call that raised: the innermost layer, what it was given, and Keras' exception."""

    #: From the outermost call to the one that raised.
    layers: tuple[Any, ...]
    args: tuple[Any, ...]
    error: BaseException
    span: Span | None
    #: The model that was being put together or called, if one was.
    model: Any = None
    #: Whether it was a call on symbolic tensors, by the user's code, of the outermost of the layers.
    is_symbolic: bool = False


@dataclass(slots=True)
class Use:
    """A call of fit, evaluate, predict, … or of the model itself."""

    model: Any
    method: str
    arguments: dict[str, Any]
    place: Place | None
    #: The source text of each argument, where it is a plain expression in the call.
    texts: dict[str, str] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    #: Whether the call is there; else someone asks what it would be.
    real: bool = True
    #: Whether Python can make the call; else it raises before anything is used.
    is_bound: bool = True


@dataclass(slots=True, eq=False)
class Tracked:
    """A model, and the cells that made it what it is."""

    #: Counts the models of the session: an id may be used again, this is not.
    number: int
    #: Weak: what is observed lives no longer than without us.
    ref: weakref.ref[Any]
    span: Span | None
    #: The cells in which it was created, grown and compiled; in the order in which that happened.
    cells: list[CellId] = field(default_factory=list)
    compile_span: Span | None = None
    compiled: dict[str, Any] = field(default_factory=dict)
    #: The source text of the arguments of ``compile``.
    compile_texts: dict[str, str] = field(default_factory=dict)
    #: Where they stand.
    compile_spans: dict[str, Span] = field(default_factory=dict)
    #: The input that a stack without one has from its first use, where a stand-in took that use's place.
    start: Shape | None = None

    def moved(self, moved: Moved) -> Tracked:
        """A twin in another text of the cells."""
        spans = moved(self.span), moved(self.compile_span)
        given = {name: at for name, span in self.compile_spans.items() if (at := moved(span)) is not None}
        return replace(self, span=spans[0], compile_span=spans[1], compile_spans=given, cells=list(self.cells))

    def touch(self, span: Span | None, cell: CellId | None) -> None:
        """Note that something happened to it in a cell."""
        for at in (span.cell if span else None, cell):
            if at is not None and at not in self.cells:
                self.cells.append(at)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a statement of a cell first called a layer: what the cell's names stood for, and how much there was."""

    cell: CellId
    line: int
    count: int
    #: The names that stood for symbolic tensors. Weak: these live no longer than without us.
    names: dict[str, weakref.ref[Any]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name of the notebook holds that a cell worked out from a model's answer. Weak: as all that is observed."""

    value: weakref.ref[Any]
    model: weakref.ref[Any]
    #: The call that gave the answer.
    span: Span


@dataclass(slots=True)
class Live:
    """The live model behind a model's facts, with the use that was checked."""

    model: Any
    use: Use | None
    tracked: Tracked | None


@dataclass
class Session:
    """Everything that was seen, from the first observed cell on."""

    book: Book = field(default_factory=Book)
    made: ByIdentity[Made] = field(default_factory=ByIdentity)
    #: Where a layer enters a model: one span for each time that it is added or called, in order.
    placed: ByIdentity[tuple[Span | None, ...]] = field(default_factory=ByIdentity)
    tracked: ByIdentity[Tracked] = field(default_factory=ByIdentity)
    #: Models that were made or used in the running cell, in order; the values say nothing.
    current: dict[Tracked, None] = field(default_factory=dict)
    #: The last of them, held so that a model without a name can still be looked at.
    latest: Any = None
    broken: Broken | None = None
    #: The last constructor that began.
    making: Made | None = None
    cell: CellId | None = None
    #: Symbolic tensors that the running cell's own calls gave, in order. Weak: they live no longer than without us.
    computed: list[weakref.ref[Any]] = field(default_factory=list)
    #: Of the running cell, one for each line of it that called layers.
    moments: list[Moment] = field(default_factory=list)
    #: By the names that hold them: what cells worked out from the answers of models, a number for each sample.
    answers: dict[str, Answer] = field(default_factory=dict)
    #: How deep the running code is in Keras' calls: only what the user's code calls itself is counted.
    depth: int = 0
    #: Whether a check of the running cell was given up, because the user's code took too long.
    gave_up: bool = False
    #: Layers on the way to a call that is running.
    stack: list[Any] = field(default_factory=list)
    #: The lines, by the ids of their code, whose first moment is noted or of no use.
    _lines: set[tuple[int, int] | None] = field(default_factory=set)
    _count: int = 0
    #: The count at the end of the last cell.
    _ended: int = 0

    @property
    def has_something(self) -> bool:
        """Whether the running cell made or used a model, or called layers on symbolic tensors."""
        return bool(self.current or self.computed)

    @property
    def running(self) -> Cell | None:
        """The running cell; None where several are run at once, or none."""
        return self.book.cells.get(self.cell) if self.cell is not None else None

    @property
    def works_with_answers(self) -> bool:
        """Whether the running cell names something that a cell before it has worked out from a model's answer."""
        cell = self.running
        return cell is not None and any(name in cell.source for name in self.answers)

    def branch(self, book: Book, moved: Moved) -> Session:
        """Another session that goes on from here, between two statements, in other texts of the same cells.

        What is noted in one of the two is not known to the other.
        """
        twins = {t.number: t.moved(moved) for t in [*self.current, *(t for _, t in self.tracked.items())]}
        return Session(
            book=book,
            made=self.made.mapped(lambda made: made.moved(moved)),
            placed=self.placed.mapped(lambda spans: tuple(map(moved, spans))),
            tracked=self.tracked.mapped(lambda tracked: twins[tracked.number]),
            current={twins[tracked.number]: None for tracked in self.current},
            latest=self.latest,
            cell=self.cell,
            computed=list(self.computed),
            _count=self._count,
            _ended=self._ended,
        )

    def end_cell(self) -> None:
        """Let go of what belongs to the cell that has ended."""
        if self.has_something:  # else no cell's syntax was asked for
            self.book.forget_old_syntax()
        if self._count > self._ended:
            for _, made in self.made.items():
                if made.order > self._ended:
                    made.loosen()
            self._ended = self._count
        self.current.clear()
        self.latest = None
        self.broken = None
        self.depth = 0  # an interrupt may have struck between a call's end and its count
        self.stack.clear()
        self.computed.clear()
        self.moments.clear()
        self._lines.clear()
        self.making = None
        self.gave_up = False
        self.book.forget_places()

    # -- what the hooks report

    def note_made(self, obj: Any, args: tuple[Any, ...], kwargs: dict[str, Any], frame: Any) -> Made:
        """A layer or model was constructed."""
        place, named = self.book.called(frame)
        exact = named is type(obj) or (inspect.isclass(named) and isinstance(obj, named) and self.depth == 0)
        self._count += 1
        self.making = made = Made(type(obj), args, kwargs, place.span if place else None, exact, self._count)
        self.made[obj] = made
        return made

    def note_model(self, model: Any, frame: Any) -> Tracked:
        """A model is there and belongs to the running cell."""
        tracked = self.tracked.get(model)
        if tracked is None:
            made = self.made.get(model)
            self._count += 1
            tracked = Tracked(self._count, weakref.ref(model), made.span if made else None)
            self.tracked[model] = tracked
        self.current[tracked] = None
        self.latest = model
        place = self.book.place(frame)
        tracked.touch(place.span if place else None, self.cell)
        return tracked

    def note_called(self, layer: Any, frame: Any) -> None:
        """A layer is about to be called on a symbolic tensor by the user's code."""
        inside = self.book.innermost(frame)
        self._note_moment(inside)
        self._note_at(layer, self.book.place_in(inside))

    def note_placed(self, layer: Any, frame: Any) -> None:
        """A layer was added to a model, or an operation that is no layer is about to be computed."""
        self._note_at(layer, self.book.place(frame))

    def _note_at(self, layer: Any, place: Place | None) -> None:
        span = place.span if place else None
        before = self.placed.get(layer)
        # Nearly always the first one, and many layers of a model that is made in one call share it.
        self.placed[layer] = shared((span,)) if before is None else (*before, span)

    def count_on(self, count: int) -> None:
        """Count what is made from here on behind so many."""
        self._count = self._ended = count

    def _note_moment(self, frame: Any) -> None:
        """Note what the statement that runs has before it; ``frame``: where the cell's code stands in it."""
        while frame is not None and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            frame = frame.f_back  # a function: the statement that runs is further up
        line = (id(frame.f_code), frame.f_lineno) if frame is not None else None
        if frame is None or line in self._lines or frame.f_locals is not frame.f_globals:
            return
        self._lines.add(line)
        if self.book.cell_of(frame.f_code.co_filename) is None:
            return  # a module that is being imported calls the cell's function
        place = self.book.place_in(frame)
        if place is not None and place.span.cell is not None:
            names = {n: weakref.ref(v) for n, v in frame.f_globals.items() if type(v).__name__ == "KerasTensor"}
            self.moments.append(Moment(place.span.cell, place.span.start_line, self._count, names))

    def note_computed(self, tensors: Iterable[Any]) -> None:
        """The user's code got symbolic tensors from a call of its own."""
        self.computed += [weakref.ref(t) for t in tensors if hasattr(t, "_keras_history")]

    def use(
        self,
        model: Any,
        method: str,
        signature: inspect.Signature,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        place: Place | None,
    ) -> Use:
        """A call that uses the model, with its arguments by name and by their source."""
        try:
            bound, is_bound = dict(signature.bind(model, *args, **kwargs).arguments), True
        except TypeError:
            bound, is_bound = dict(kwargs), False
        arguments = {name: readable(value) for name, value in bound.items()}
        use = Use(model, method, arguments, place, is_bound=is_bound)
        if place is not None:
            use.texts, use.spans = argument_sources(self.book, place, tuple(signature.parameters)[1:])
        return use


def argument_sources(book: Book, place: Place, names: tuple[str, ...]) -> tuple[dict[str, str], dict[str, Span]]:
    """The text and the span of every argument of a call, by the parameter's name; read once for a place in a loop."""
    if names not in place.arguments:
        call, cell = place.call, place.span.cell
        if call is None or cell is None:
            return {}, {}
        place.arguments[names] = book.cells[cell].syntax.arguments(call, names)
    return place.arguments[names]
