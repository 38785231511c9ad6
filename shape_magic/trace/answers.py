"""What the code of cells does with a model's answers: a row set against a column, the largest of one number.

A training loop under a ``GradientTape``, or an accuracy worked out with NumPy, compares labels and answers
itself, and nobody else sees it.
"""

from __future__ import annotations

import ast
import os
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any, NamedTuple

from shape_magic.capture.session import Answer, Session, Tracked
from shape_magic.facts import Contract
from shape_magic.misread import Misread
from shape_magic.spans import CellId, Shape, Span
from shape_magic.trace.crossing import crossings_of_answers, located
from shape_magic.trace.data import shape_of
from shape_magic.trace.reading import Reading, behind, body_of, held_by, lines_of, parameters, written
from shape_magic.trace.reductions import Source, Value
from shape_magic.trace.training import STEP_OF


class Answers:
    """The places where the code of a cell misreads a model's answers."""

    def __init__(self, session: Session, namespace: Mapping[str, Any]) -> None:
        self._session = session
        self._namespace = namespace
        #: By ``Tracked.number``.
        self._misreads: dict[int, tuple[Misread, ...]] = {}
        #: The calls that have given an answer: in a loop each is looked at once.
        self._looked_at: set[Span] = set()
        #: Those of them behind which the code was read.
        self._followed: set[Span] = set()
        #: Of functions that TensorFlow makes graphs of, the models that were called in them. Weak, but for the names.
        self._graphs: dict[tuple[int, int], _InGraph] = {}
        #: The names of the cells that hold what was worked out from a model's answer.
        self._names: dict[str, Source] = {}
        self._is_read = False

    def branch(self, session: Session, relocated: Callable[[Any], Any]) -> Answers:
        """The same for a branch of the session; ``relocated``: facts in its texts."""
        other = Answers(session, self._namespace)
        other._misreads = {number: relocated(misreads) for number, misreads in self._misreads.items()}
        other._looked_at = {relocated(span) for span in self._looked_at}
        other._followed = {relocated(span) for span in self._followed}
        other._graphs, other._names, other._is_read = dict(self._graphs), dict(self._names), self._is_read
        return other

    def of(self, tracked: Tracked) -> tuple[tuple[Misread, ...], frozenset[Span]]:
        """Those of one model, and the calls behind which they were looked for, whosever these are."""
        return self._misreads.get(tracked.number, ()), frozenset(self._followed)

    def note(self, model: Any, answer: Any, frame: FrameType) -> None:
        """A model has given an answer to the user's own code, which goes on in this frame; maybe in each step."""
        place = self._session.book.place(frame)
        if place is None or place.span.cell is None:
            return
        is_in_graph, is_known = type(answer).__name__ == "SymbolicTensor", place.span in self._looked_at
        if is_known and not is_in_graph:
            return
        self._looked_at.add(place.span)
        shape, inside = _shape_of(answer), self._session.book.innermost(frame)
        if shape is None or inside is None:
            return
        if _is_called_by(inside, frame):
            if not is_known:
                self._followed.add(place.span)
                self._read_on(inside, Value(shape, Source(weakref.ref(model), place.span)))
        elif is_in_graph:  # TensorFlow has rewritten the code
            key = id(answer.graph), id(model)
            if key not in self._graphs:
                self._graphs[key] = _InGraph(weakref.ref(answer.graph), weakref.ref(model), [], place.span)
            self._graphs[key].names.append(answer.name)

    def _read_on(self, frame: FrameType, answer: Value) -> None:
        """Read on from the call that a frame of a cell is at, and has the answer from; a function may hand it on."""
        book = self._session.book
        place = book.place_in(frame) if book.innermost(frame) is frame else None
        if place is None or place.call is None or place.span.cell is None:
            return
        lines, is_function = behind(book, book.cells[place.span.cell], place.call)
        reading = Reading(book, frame.f_locals, frame.f_globals)
        reading.run(lines, {place.call: answer})
        self._keep(reading, self._session.cell if is_function else None)
        given = reading.returned
        if not is_function:
            values = {name: value for name, value in reading.names.items() if value is not None}
            self._names |= {name: value.source for name, value in values.items() if value.source is not None}
        elif given is not None and given.source is not None and frame.f_back is not None:
            self._read_on(frame.f_back, given)

    def note_step(self, model: Any, contract: Contract) -> None:
        """Read the step and the loss of a model's own class: Keras runs them, and only when it trains."""
        span, shapes = contract.span, [[data.shape for data in both] for both in (contract.x, contract.y)]
        outputs = contract.step_outputs or contract.outputs
        if span is None or len(outputs) != 1 or [len(both) for both in shapes] != [1, 1]:
            return
        self._followed.add(span)
        x, y = (Value((None, *both[0][1:]) if both[0] else ()) for both in shapes)
        answer = Value(outputs[0], Source(weakref.ref(model), span))
        for name in (STEP_OF.get(contract.method, ""), "compute_loss"):
            function = getattr(type(model), name, None)
            found = written(self._session.book, function)
            if found is None or not (names := parameters(found[1])):
                continue
            reading = Reading(self._session.book, getattr(function, "__globals__", {}))
            if name == "compute_loss":
                reading.names = dict.fromkeys(names) | {"x": x, "y": y, "y_pred": answer}
            else:
                reading.parts = dict.fromkeys(names[1:2], (x, y))
            calls = [node for node in ast.walk(found[1]) if isinstance(node, ast.Call)]
            own = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == names[0])
            given: dict[ast.expr, Value] = dict.fromkeys(own, answer)
            reading.run(body_of(*found), given)
            self._keep(reading, span.cell)

    def end_cell(self) -> None:
        """Look at what is complete only now: graphs, and what the cell does with what others have worked out.

        May be called more than once.
        """
        graphs, self._graphs = self._graphs, {}
        for one in graphs.values():
            graph, model = one.graph(), one.model()
            if graph is not None and model is not None:
                self._followed.add(one.span)
                found = located(self._session.book, crossings_of_answers(graph, one.names))
                self._note(model, tuple(replace(each, made=one.span, cell=one.span.cell) for each in found))
        session, namespace = self._session, self._namespace
        session.answers = {name: a for name, a in session.answers.items() if namespace.get(name) is a.value()}
        cell = session.running
        if cell is not None and session.works_with_answers and not self._is_read:
            reading = Reading(session.book, namespace)
            for name, kept in session.answers.items():
                held = held_by(kept.value())
                reading.names[name] = replace(held, source=Source(kept.model, kept.span)) if held else None
            reading.run(lines_of(cell))
            self._keep(reading)
        self._is_read = True
        for name, source in self._names.items():
            value = namespace.get(name)
            if _shape_for_each(value) is not None:
                session.answers[name] = Answer(weakref.ref(value), source.model, source.span)

    def _keep(self, reading: Reading, cell: CellId | None = None) -> None:
        """Note what was found; ``cell``: the one that runs it, where that is not the one that it was read in."""
        for reference, misread in reading.found:
            model = reference()
            if model is not None:
                self._note(model, (misread if cell is None else replace(misread, cell=cell),))

    def _note(self, model: Any, misreads: tuple[Misread, ...]) -> None:
        if misreads:  # else there is nothing to say of the model, which may be another cell's
            number = self._session.note_model(model, None).number
            self._misreads[number] = tuple(dict.fromkeys((*self._misreads.get(number, ()), *misreads)))


class _InGraph(NamedTuple):
    """A model that was called in a graph, and the names of its answers there."""

    graph: weakref.ref[Any]
    model: weakref.ref[Any]
    names: list[str]
    span: Span


def _shape_for_each(answer: object) -> Shape | None:
    """The shape of an answer with a number for each sample, (n,) or (n, 1); None for any other, and for Keras' own."""
    sizes = _shape_of(answer)
    return sizes if sizes and sizes[0] != 1 and sizes[1:] in ((), (1,)) else None


def _shape_of(answer: object) -> Shape | None:
    """The shape of an answer; None for several tensors, and for Keras' own."""
    if type(answer) in (list, tuple, dict) or type(answer).__name__ == "KerasTensor":
        return None
    return shape_of(answer) or None


def _is_called_by(inside: FrameType, frame: FrameType | None) -> bool:
    """Whether the cell's code itself has called the model, and no function of a file that it called."""
    between = f"{os.sep}keras{os.sep}src{os.sep}"
    while frame is not None and frame is not inside and between in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is inside
