"""``Playground``: a model whose layers can be turned, put in, taken out and moved, with every shape beside it at once.

Weights never exist: a change is an edit of a recipe, which is traced anew as far as it changed. All
that the buttons do can be done from Python.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from shape_magic.backend import require_keras
from shape_magic.display.parts import Row, visible
from shape_magic.errors import UsageError
from shape_magic.facts import Call, Facts, Model
from shape_magic.pipeline import told_report
from shape_magic.report import Report
from shape_magic.spans import Axes
from shape_magic.teach import controls as knobs_of
from shape_magic.teach.arithmetic import Line, arithmetic
from shape_magic.teach.code import source_of
from shape_magic.teach.menu import DEFAULTS
from shape_magic.teach.recipe import Edit, History, Layer, Recipe, free_name, inserted, moved, removed, with_argument
from shape_magic.words import say

_LOG = logging.getLogger("shape_magic")
#: Seconds within which turns of one control are one step of undo.
_ONE_DRAG = 1.0
#: Seconds that a turn may take for the one after it to be traced in advance: longer ones are not doubled.
_BRISK = 0.1


class Playground:
    """A model to play with: in a notebook a ladder with controls, in a terminal the same as text.

    ``model_or_cell`` is a Keras model (Sequential or functional; it is only read) or the source of a
    cell that makes one, which is run in a copy of ``namespace`` with stand-ins for all that trains.
    ``y``, an array or a shape with the batch axis, and ``loss`` are checked against as well; a
    compiled model's loss, and a cell's own labels, need not be said again. Raises ``UsageError`` for
    what can't be played with: a model with a ``call`` of its own, a layer that can't be copied.
    """

    def __init__(
        self, model_or_cell: Any, y: Any = None, loss: Any = None, namespace: Mapping[str, Any] | None = None
    ) -> None:
        require_keras()
        from shape_magic.teach.tracing import Tracer

        names = _caller_names() if namespace is None else namespace
        read = _read(model_or_cell, y, loss, names)
        self._tracer = Tracer(read.classes, read.answers)
        self._history = History(read.recipe)
        self._lock = threading.RLock()
        self._by_axis = False
        self._last_turn: tuple[str, str, float] = ("", "", 0.0)
        self._model: Model
        self._report: Report
        self._stage: Any = None
        self._controls: dict[str, Any] = {}
        self._shown_for: tuple[object, ...] = ()
        self._quiet = False
        self._status = ""
        self._selected = ""
        self._take(read.recipe)

    # -- what it is now

    @property
    def report(self) -> Report:
        """What a check finds in the model as it stands; no fixes are tried."""
        return self._report

    @property
    def source(self) -> str:
        """Keras code that makes the model as it stands."""
        with self._lock:
            return source_of(self._history.now, self._tracer.forge.written_arguments)

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in order; those of models within follow the model's own name."""
        return tuple(_names(self._history.now))

    @property
    def selected(self) -> str:
        """The name of the selected layer, or input."""
        return self._selected

    @property
    def controls(self) -> dict[str, Any]:
        """The controls of the selected layer, by argument: ipywidgets, whose ``value`` changes the model."""
        with self._lock:
            self._refresh_controls()
            return dict(self._controls)

    @property
    def lines(self) -> tuple[Line, ...]:
        """The arithmetic of the selected layer as data."""
        call = self.call
        return arithmetic(call) if call is not None else ()

    @property
    def arithmetic(self) -> tuple[str, ...]:
        """How the selected layer's shape and parameters come about, a line each, with its numbers."""
        return tuple(map(str, self.lines))

    @property
    def call(self) -> Call | None:
        """The first call of the selected layer, as traced; None for an input."""
        return next((c for c in self._model.calls if c.layer == self._selected), None)

    @property
    def layer(self) -> Layer:
        """The selected layer by how it is made."""
        return self._history.now.layer(self._selected)

    @property
    def shown_controls(self) -> tuple[Any, ...]:
        """The controls of the selected layer, in order."""
        return tuple(self._controls.values())

    @property
    def can(self) -> dict[str, bool]:
        """What can be done now, of what the buttons do."""
        is_layer = not self.layer.is_input
        history = self._history
        return {
            "undo": history.can_undo,
            "redo": history.can_redo,
            "reset": history.now != history.first,
            "remove": is_layer,
            "up": is_layer,
            "down": is_layer,
        }

    def rows(self, rows: Sequence[Row]) -> list[str]:
        """The name of the layer or input that each row of the ladder stands for; empty for loss and labels."""
        calls, inputs = self._model.calls, iter(self._inputs)
        found = []
        for row in rows:
            known = calls[row.call].layer if row.call is not None and row.kind == "layer" else ""
            found.append(next(inputs, "") if row.kind == "input" else known)
        return found

    def told(self, doing: Callable[[], object]) -> None:
        """Do what a button stands for; what goes wrong is said in the status line."""
        with self._lock, self._told():
            doing()

    @property
    def status(self) -> str:
        """What was said last in the status line."""
        return self._status

    @property
    def _inputs(self) -> tuple[str, ...]:
        return tuple(node.layer for node in self._history.now.inputs)

    # -- what can be done

    def select(self, name: str) -> None:
        """Turn to a layer, or to the input (by its name, or as ``"input"``)."""
        with self._lock:
            self._selected = self._history.now.layer(self._name(name)).name
            self._say("")
            self._show()

    def set(self, name: str, argument: str, value: object) -> None:
        """Give an argument of a layer a value; a layer that is called twice changes in both places.

        One number stands for every axis. An input has its ``"shape"``, and each axis by its word
        (``"height"``). A pooling's strides follow its ``pool_size`` while the two are equal.
        """
        with self._lock:
            name = self._name(name)
            self._go(self._turned(name, argument, value), turned=name)

    def insert(self, class_name: str, after: str | None = None, **arguments: object) -> str:
        """Put a new layer behind another (behind the selected one where none is named), and select it.

        What the layer needs and is not given is set to a usual value. Returns the layer's name.
        """
        with self._lock:
            recipe = self._history.now
            place = self._name(after if after is not None else self._selected)
            home = recipe.home_of(place)
            given = {**DEFAULTS.get(class_name, {}), **arguments}
            wanted = given.pop("name", None)
            if isinstance(wanted, str) and wanted in recipe.names:
                raise UsageError(say("play.error.name_taken", name=wanted))
            name = wanted if isinstance(wanted, str) else free_name(recipe, class_name)
            layer = self._tracer.forge.new_layer(class_name, name, given)
            self._go(inserted(layer, _in(home, place)), select=name)
            return name

    def remove(self, name: str) -> None:
        """Take a layer out."""
        with self._lock:
            name = self._name(name)
            home = self._history.now.home_of(name)
            order = [*(n.layer for n in home.inputs), *home.order]
            before = order[max(order.index(name) - 1, 0)]
            self._go(removed(name), select=before if self._selected == name else None)

    def move(self, name: str, by: int = 1) -> None:
        """Move a layer down (``by=1``) or up (``by=-1``) past its neighbours."""
        with self._lock:
            self._go(moved(self._name(name), by))

    def undo(self) -> bool:
        """Take the last change back; False where there is none."""
        return self._travel(self._history.undo)

    def redo(self) -> bool:
        """Make a change again that was taken back; False where there is none."""
        return self._travel(self._history.redo)

    def reset(self) -> None:
        """Go back to the model as it was at first; this can be undone too."""
        with self._lock:
            self._go(lambda _: self._history.first)

    def __repr__(self) -> str:
        """The ladder, and the arithmetic of the selected layer."""
        from shape_magic.display.text import render_details

        with self._lock:
            lines = [render_details(self._report), "", say("play.text.selected", name=self._selected)]
            return visible("\n".join([*lines, *(f"  {line}" for line in self.arithmetic)]), lines=True)

    def _ipython_display_(self) -> None:
        """The widget, and a table that stands in for it where none lives: in exports, on GitHub, in a reopened file."""
        from IPython.display import publish_display_data

        from shape_magic.display.html import render_html
        from shape_magic.teach.stage import Stage

        with self._lock:
            if self._stage is None:
                self._stage = Stage(self)
            self._show()
            text = repr(self)
            publish_display_data(*self._stage.bundle(text))  # type: ignore[no-untyped-call]
            static = render_html(self._report, identity=self._stage.identity)
            publish_display_data({"text/plain": text, "text/html": static})  # type: ignore[no-untyped-call]

    # -- how it goes about it

    def _name(self, name: str) -> str:
        """``"input"`` stands for the first input, where no layer is called so."""
        return self._inputs[0] if name == "input" and name not in self._history.now.names else name

    def _turned(self, name: str, argument: str, value: object) -> Edit:
        layer = self._history.now.layer(name)
        if layer.is_input and argument not in layer.arguments:
            argument, value = "shape", self._with_axis(layer, argument, value)
        if argument not in layer.arguments:
            return with_argument(name, argument, value)  # which says what there is
        like = layer.argument(argument)
        value = list(value) if isinstance(value, tuple) else value
        value = [list(v) if isinstance(v, tuple) else v for v in value] if isinstance(value, list) else value
        if isinstance(like, list) and type(value) is int:
            value = knobs_of.shaped([value], like, argument)
        return _following(with_argument(name, argument, value), name)

    def _with_axis(self, layer: Layer, axis: str, size: object) -> list[object]:
        sizes = layer.argument("shape")
        names = knobs_of.axis_names(len(sizes), self._axes(layer))
        if axis not in names:
            known = ", ".join(["shape", *names])
            raise UsageError(say("play.error.no_argument", name=layer.name, argument=axis, arguments=known))
        return [size if name == axis else old for name, old in zip(names, sizes, strict=True)]

    def _axes(self, layer: Layer) -> Axes:
        """What the axes of an input mean to the first layer that says so; layers that keep them are passed."""
        if layer.name not in self._inputs:
            return ()
        source = -1 - self._inputs.index(layer.name)
        axes: Axes = ()
        for call in self._model.calls:
            if source not in call.inputs or not call.input_axes:
                continue
            axes = call.input_axes[min(call.inputs.index(source), len(call.input_axes) - 1)]
            if "?" not in axes or call.output_shape != call.input_shape:
                break
            source = call.call
        return axes

    def _go(self, edit: Edit, *, turned: str = "", select: str | None = None, join: bool = False) -> None:
        recipe, before = edit(self._history.now), self._selected
        self._take(recipe, select, turned)  # which may fail, and then nothing has changed
        self._history.selected = before
        self._history.go(recipe, join=join)
        self._history.selected = self._selected
        self._last_turn = ("", "", 0.0)
        self._say("")
        self._show()

    def _travel(self, step: Callable[[], bool]) -> bool:
        with self._lock:
            self._history.selected = self._selected
            done = step()
            if done:
                self._last_turn = ("", "", 0.0)
                self._say("")
                self._take(self._history.now, self._history.selected)
                self._show()
            return done

    def _take(self, recipe: Recipe, select: str | None = None, turned: str = "") -> None:
        """Trace a recipe, and let it be what is shown; Keras is asked whether it makes the layer that was turned."""
        model = self._tracer.model(recipe, recipe.layer(turned) if turned else None)
        self._model, self._report = model, told_report(Facts((model,)))
        wanted = select or self._selected
        self._selected = wanted if wanted in recipe.names else next(iter(_names(recipe)), recipe.inputs[0].layer)

    def _show(self) -> None:
        if self._controls or self._stage is not None:
            self._refresh_controls()
        if self._stage is not None:
            self._stage.show()

    # -- the controls

    def _refresh_controls(self) -> None:
        """Let the controls be those of the selected layer, and keep those that still fit: they may have the focus."""
        layer = self._history.now.layer(self._selected)
        uneven = knobs_of.is_uneven(layer)
        knobs = knobs_of.knobs(layer, self._axes(layer), by_axis=self._by_axis or uneven)
        wanted = (self._selected, tuple((k.name, k.kind, k.options) for k in knobs))
        with self._quietly():
            if wanted != self._shown_for:
                self._shown_for = wanted
                self._controls = {knob.name: self._watched(knob) for knob in knobs}
            for knob in knobs:
                knobs_of.update(self._controls[knob.name], knob)

    def _watched(self, knob: knobs_of.Knob) -> Any:
        widget = knobs_of.widget_of(knob)
        name = self._selected
        widget.observe(lambda change: self._turn(name, knob, change["new"], change["old"]), names="value")
        return widget

    def _turn(self, name: str, knob: knobs_of.Knob, value: Any, before: Any) -> None:
        """A control was turned: by hand, or from Python."""
        if self._quiet:
            return
        with self._lock, self._told():
            layer = self._history.now.layer(name)
            argument = knob.name
            if knob.kind == "text":
                value = knobs_of.parsed(value, layer.argument(argument), argument)
            now = time.monotonic()
            last = self._last_turn
            join = last[:2] == (name, argument) and now - last[2] < _ONE_DRAG and knob.kind == "slider"
            self._go(self._turned(name, argument, value), turned=name, join=join)
            self._last_turn = (name, argument, now)
            if knob.kind == "slider" and time.monotonic() - now < _BRISK:
                self._foresee(name, argument, 2 * value - before)

    def _foresee(self, name: str, argument: str, value: int) -> None:
        """Trace where a drag leads next, while the front end draws where it is: a turn to it then is a known one."""
        slider = self._controls[argument]
        if slider.min <= value <= slider.max:
            with suppress(UsageError):  # what Keras does not make is told when it is asked for
                recipe = self._turned(name, argument, value)(self._history.now)
                self._tracer.foresee(recipe, recipe.layer(name))

    def by_axis(self, each: bool) -> None:
        """Whether windows take a number for each axis."""
        with self._lock:
            self._by_axis = each
            self._show()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong behind a control or a button is said in the status line, and leaves the model as it was."""
        try:
            yield
        except UsageError as error:
            self._say(str(error))
            self._show()
        except Exception as error:
            _LOG.exception("the playground failed")
            self._say(say("play.status.failed", why=f"{type(error).__name__}: {error}"))
            self._show()
            if os.environ.get("SHAPE_MAGIC_STRICT") == "1":
                raise

    def _say(self, text: str) -> None:
        self._status = visible(text, lines=True)


def _read(model_or_cell: Any, y: Any, loss: Any, namespace: Mapping[str, Any]) -> Any:
    import keras

    from shape_magic.teach.tracing.reading import read_cell, read_model
    from shape_magic.trace.models import Shaped

    if isinstance(y, tuple) and y and all(d is None or type(d) is int for d in y):
        y = Shaped(y)
    if isinstance(model_or_cell, str):
        return read_cell(model_or_cell, y, loss, namespace)
    if not isinstance(model_or_cell, keras.Model):
        raise UsageError(say("play.error.no_such_model", name=type(model_or_cell).__name__))
    return read_model(model_or_cell, y, loss, namespace)


def _caller_names() -> Mapping[str, Any]:
    """The names where the playground is asked for: in a notebook those of its cells."""
    frame = inspect.currentframe()
    asked = frame.f_back.f_back if frame is not None and frame.f_back is not None else None
    return dict(asked.f_globals) if asked is not None else {}


def _names(recipe: Recipe) -> Iterator[str]:
    for name in recipe.order:
        yield name
        inside = recipe.layers[name].inside
        if inside is not None:
            yield from _names(inside)


def _in(home: Recipe, name: str) -> str:
    """The layer behind which to insert: the input's own name where that is meant."""
    return name if name in home.layers else home.nodes[0].layer


def _following(edit: Edit, name: str) -> Edit:
    """The edit of a layer; a pooling's strides follow its size while the two are equal."""

    def following(recipe: Recipe) -> Recipe:
        result = edit(recipe)
        before, after = recipe.layer(name).config, result.layer(name).config
        pool = before.get("pool_size")
        if pool is None or pool != before.get("strides") or pool == after["pool_size"]:
            return result
        return with_argument(name, "strides", after["pool_size"])(result)

    return following
