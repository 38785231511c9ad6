"""The playground in a notebook: the ladder on the left, the selected layer's controls and pictures on the right.

The controls are plain ipywidgets; ladder and pictures are drawn by ``playground.js``. What the front
end asks for is one of the playground's own doings, by name; nothing that comes from it is evaluated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import ipywidgets
import traitlets
from anywidget import experimental

from shape_magic.display.assets import joined
from shape_magic.display.guarded import Guarded
from shape_magic.display.parts import Row, short
from shape_magic.display.view import build_view
from shape_magic.display.wire import packed_model
from shape_magic.report import Report
from shape_magic.teach.controls import has_axes, is_uneven
from shape_magic.teach.cost_picture import cost_picture
from shape_magic.teach.menu import MENU
from shape_magic.teach.sketch import Picture
from shape_magic.teach.window_picture import window_picture
from shape_magic.words import say

if TYPE_CHECKING:
    from shape_magic.teach.playground import Playground

_SCRIPT = joined("ladder.js", "wire.js", "../teach/playground.js")
_STYLE = joined("ladder.css", "../teach/playground.css")
_COLUMNS = ("layer", "does", "axes", "shape", "params")
_WORDS = (
    *("undo", "redo", "reset", "remove", "up", "down", "copy", "insert", "insert_what", "insert_after", "tools"),
    *("copied", "copy_by_hand", "no_answer", "arithmetic", "nothing", "window", "costs", "more", "keys"),
)


def stage_words() -> dict[str, str]:
    """The texts that the front end needs by key, with their ``{places}`` left open."""
    texts = {key: say(f"play.ui.{key}", name="{name}") for key in _WORDS}
    texts |= {key: say(f"ui.column.{key}") for key in _COLUMNS}
    return texts | {"caption": say("ui.caption", name="{name}"), "legend": say("ui.widget.legend")}


class Part(Guarded):
    """One of the two parts that are drawn: ``"ladder"``, or the selected layer's ``"sums"``."""

    _esm = _SCRIPT
    _css = _STYLE

    part = traitlets.Unicode().tag(sync=True)
    #: What ties it to the static form that it hides.
    identity = traitlets.Unicode().tag(sync=True)
    #: The ladder's model as ``wire.py`` packs it, the layer of each row, and the rows whose shape is new.
    ladder = traitlets.Dict().tag(sync=True)
    #: All else that changes.
    state = traitlets.Dict().tag(sync=True)
    #: What can be inserted, in its groups.
    menu: Any = traitlets.List().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    def __init__(self, part: str, identity: str, act: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        super().__init__(part=part, identity=identity, words=stage_words())
        self._act = act

    @experimental.command
    def act(self, message: object, buffers: list[bytes]) -> tuple[dict[str, Any], list[bytes]]:
        """Does what a button or a key stands for."""
        return self._act(message if isinstance(message, dict) else {}), []


class Stage:
    """A playground's widgets, kept up to date by ``show``."""

    def __init__(self, play: Playground) -> None:
        self._play = play
        self._before: dict[tuple[object, ...], str] = {}
        self._shown: Report | None = None
        self._pictured: object = None
        self._pictures_so_far = 0
        self.identity = uuid4().hex
        self.ladder = Part("ladder", self.identity, self._act)
        self.ladder.menu = [{"label": say(f"play.menu.{key}"), "classes": list(names)} for key, names in MENU.items()]
        self.sums = Part("sums", self.identity, self._act)
        self.heading = ipywidgets.HTML()
        self.by_axis = ipywidgets.Checkbox(description=say("play.ui.by_axis"), indent=False, layout={"width": "auto"})
        self.by_axis.observe(lambda change: self._play.by_axis(change["new"]), names="value")
        self.knobs = ipywidgets.VBox()
        self.panel = ipywidgets.VBox([self.heading, self.knobs, self.sums])
        self.box = ipywidgets.Box([self.ladder, self.panel])
        for widget, name in ((self.box, "sm-play"), (self.panel, "sm-panel"), (self.knobs, "sm-knobs")):
            widget.add_class(name)
        self.heading.add_class("sm-panel-head")

    def show(self) -> None:
        """Bring the widgets to what the playground is now. Controls that still fit stay: they may have the focus."""
        play = self._play
        layer = play.layer
        key = self._key()
        # One message for each widget that changes, and in it only what changed.
        with self.ladder.hold_sync():
            if self._shown is not play.report:
                self._shown = play.report
                self.ladder.ladder = self._ladder()
            self.ladder.state = {"selected": play.selected, "can": play.can, "status": play.status, "key": key}
        self.sums.state = {"lines": [line_parts(line) for line in play.lines], "key": key}
        title = say("play.ui.input") if layer.is_input else layer.class_name
        self.heading.value = f"<b>{escape(title)}</b> <code>{escape(short(layer.name))}</code>"
        children = list(play.shown_controls)
        if has_axes(layer):
            uneven = is_uneven(layer)
            self.by_axis.disabled = uneven
            if uneven and not self.by_axis.value:
                self.by_axis.value = True
            children.append(self.by_axis)
        if tuple(children) != tuple(self.knobs.children):
            self.knobs.children = children

    def _key(self) -> str:
        """What the pictures are of: they are asked for again when it changes."""
        calls = self._play.report.models[0].calls
        pictured = self._play.selected, self._play.call, [(c.layer, c.params, c.output_shapes) for c in calls]
        if pictured != self._pictured:
            self._pictured = pictured
            self._pictures_so_far += 1
        return str(self._pictures_so_far)

    def _ladder(self) -> dict[str, Any]:
        play = self._play
        model = build_view(play.report).models[0]
        rows = model.rows
        shapes = _shapes(rows)
        changed = [row.id for row, key in zip(rows, shapes, strict=True) if self._before.get(key) != row.shape]
        first, self._before = not self._before, shapes
        return {"model": packed_model(model), "names": play.rows(rows), "changed": [] if first else changed}

    def _act(self, message: dict[str, Any]) -> dict[str, Any]:
        """What the front end asked for; its answer."""
        play, name = self._play, str(message.get("name", ""))
        do = str(message.get("do"))
        if do == "pictures":
            return self._pictures(message.get("names"))
        if do == "source":
            return {"source": play.source}
        doings: dict[str, Callable[[], object]] = {
            "select": lambda: play.select(name),
            "insert": lambda: play.insert(name),
            "remove": lambda: play.remove(play.selected),
            "up": lambda: play.move(play.selected, -1),
            "down": lambda: play.move(play.selected, 1),
            "undo": play.undo,
            "redo": play.redo,
            "reset": play.reset,
        }
        if do in doings:
            play.told(doings[do])
        return {}

    def _pictures(self, names: object) -> dict[str, Any]:
        """The pictures of these names; they are drawn when they are asked for, because they take longest."""
        wanted = names if isinstance(names, list) else []
        call, pictures = self._play.call, dict[str, Picture | None]()
        if "window" in wanted:
            pictures["window"] = window_picture(call) if call is not None else None
        if "costs" in wanted:
            pictures["costs"] = cost_picture(self._play.report.models[0], self._play.selected)
        return {key: _sent(picture) for key, picture in pictures.items()}

    def bundle(self, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a front end is given to show the widgets; ``text`` is for those that can't."""
        made: Any = self.box._repr_mimebundle_()
        data, metadata = made if isinstance(made, tuple) else (made, {})
        return {**data, "text/plain": text}, metadata


def _shapes(rows: Sequence[Row]) -> dict[tuple[object, ...], str]:
    """The shape of each row, by what tells it from the others: a layer that is called twice has two."""
    shapes: dict[tuple[object, ...], str] = {}
    times: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        key = (row.kind, row.path, row.name)
        shapes[*key, times[key]] = row.shape
        times[key] += 1
    return shapes


def _sent(picture: Picture | None) -> dict[str, str] | None:
    return None if picture is None else {"svg": picture.svg, "alt": picture.alt}


def line_parts(line: Any) -> dict[str, str]:
    """A calculation in the pieces that are set apart."""
    result = say("play.arithmetic.open") if line.result is None else say("ui.number", n=line.result)
    bad = "yes" if line.result is not None and line.result < 1 else ""
    return {"label": line.label, "formula": line.formula, "result": result, "note": line.note, "bad": bad}
