"""What is written is run: the model must be the one that was meant, with one layer more, less or other.

Toy layers note where they were made and called, as the capture does with Keras' own; every step is
tried on every layer of every program, and is either refused or does exactly what it says.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Mapping
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from shape_magic.facts import Call, Model
from shape_magic.repair.steps import InsertLayer, RemoveLayer, ReplaceLayer, SetArgument, Step
from shape_magic.source.cells import apply_edits, mask, parse, span_from_positions, text_of
from shape_magic.source.writer import Refused, write
from shape_magic.spans import CellId, Span

#: Each with the numbers of the layers in front of which a new one must be possible.
PROGRAMS: dict[str, tuple[str, set[int]]] = {
    "list": ("model = Sequential([layers.A(1), layers.B(2),\n    layers.C(3)])", {0, 1, 2}),
    "list of a variable": (
        "s = [\n    layers.A(1),\n]\ns += [layers.B(2)]\ns.append(layers.C(3))\nmodel = Sequential(s)",
        {0, 1, 2},
    ),
    "list with variables": ("a = layers.A(1)\nb = layers.B(2)\nmodel = Sequential([a, b, layers.A(3)])", {0, 1, 2}),
    "starred": ("first = [layers.A(1), layers.B(2)]\nmodel = Sequential([*first, layers.C(3)])", {0, 1, 2}),
    "starred comprehension": (
        "model = Sequential([layers.A(0), *[layers.B(i) for i in range(3)], layers.C(1)])",
        {0, 1, 4},
    ),
    "starred conditional": (
        "wide = True\nmodel = Sequential([*([layers.A(1)] if wide else []), layers.B(1) if wide else layers.C(1)])",
        {0, 1},
    ),
    "add": (
        "model = Sequential()\nmodel.add(layers.A(1)); model.add(layers.B(2))\nmodel.add(\n  layers.C(3))  # c\n",
        {0, 1, 2},
    ),
    "add in branches": (
        "model = Sequential()\nif model: pass\nelse: model.add(layers.A(1))\nfor _ in [1]: model.add(layers.B(2))\n"
        "try:\n    model.add(layers.C(3))\nfinally:\n    model.add(layers.A(4))",
        {0, 1, 2, 3},
    ),
    "add in a loop": (
        "model = Sequential()\nmodel.add(layers.A(0))\nfor u in (1, 2):\n"
        "    model.add(layers.B(u))\n    model.add(layers.C(u))\n"
        "model.add(layers.A(9))",
        {0, 1, 5},
    ),
    "add in a loop in a loop": (
        "model = Sequential()\nfor u in (1, 2):\n    model.add(layers.A(u))\n"
        "    for v in (3, 4):\n        model.add(layers.B(v))\n",
        {0},
    ),
    "a model in each turn": (
        "for k in (1, 2):\n    model = Sequential()\n    for u in (1, 2):\n"
        "        model.add(layers.A(u))\n    model.add(layers.B(k))\n",
        {0, 2},
    ),
    "a loop in a function": (
        "def grow(m):\n    for u in (1, 2):\n        m.add(layers.A(u))\n"
        "model = Sequential()\ngrow(model)\ngrow(model)\n",
        set(),
    ),
    "a helper that adds": (
        "model = Sequential()\ndef put(layer):\n    model.add(layer)\nput(layers.A(1))\nput(layers.B(2))\n",
        set(),
    ),
    "a helper that makes": (
        "def a(n):\n    return layers.A(n)\nmodel = Sequential([layers.B(1)])\nmodel.add(a(2))\n",
        {0, 1},
    ),
    "a while loop": ("model = Sequential()\nwhile len(model.layers) < 3: model.add(layers.A(1))\n", set()),
    "map and partial": (
        "model = Sequential(map(layers.A, [1, 2]))\nb = partial(layers.B, 3)\nmodel.add(b())\nmodel.add(layers.C(1))",
        {2, 3},
    ),
    "chain": ("x = Input()\nh = layers.A(1)(x)\nh = layers.B(2)(h)\nmodel = layers.C(3)(h)", {0, 1, 2}),
    "chain on a line": (
        "x = Input()\nx = layers.A(1)(x); x = layers.B(2)(x)\nmodel = layers.C(3)(layers.B(1)(x))",
        {0, 1, 2, 3},
    ),
    "chain of variables": ("a = layers.A(1)\nb = layers.B(2)\nh = a(Input())\nmodel = b(h)", {0, 1}),
    "chain in a loop": (
        "h = layers.A(0)(Input())\nfor u in (1, 2):\n    h = layers.B(u)(h)\n    h = layers.C(u)(h)\nmodel = h",
        {0, 1},
    ),
    "chain in a loop from elsewhere": ("x = Input()\nfor u in (1, 2):\n    x = layers.B(u)(x + ())\nmodel = x", set()),
    "block": (
        "def block(h, u):\n    h = layers.A(u)(h)\n    return layers.B(u)(h)\n"
        "model = layers.C(1)(block(block(Input(), 1), 2))",
        {4},
    ),
    "block once": ("def block(h):\n    h = layers.A(1)(h)\n    return layers.B(2)(h)\nmodel = block(Input())", {0, 1}),
    "shared": ("a = layers.A(1)\nh = a(Input())\nh = layers.B(1)(h)\nmodel = a(h)", {0, 1, 2}),
    "shared in a loop": ("a = layers.A(1)\nh = Input()\nfor _ in range(3):\n    h = a(h)\nmodel = h", {0}),
    "lambda": ("f = lambda h: layers.A(1)(h)\nmodel = f(f(Input()))", set()),
    "walrus": ("model = (d := layers.A(1))(Input())\nmodel = Sequential([(e := layers.B(1))])", {0}),
    "class": (
        "class Net:\n    def __init__(self):\n        self.a = layers.A(1)\n        self.b = layers.B(2)\n"
        "    def call(self, x):\n        x = self.a(x)\n        return self.b(x)\nmodel = Net().call(Input())",
        {0, 1},
    ),
    "magics": (
        "%%time\n!ls\nmodel = Sequential()\n%time model.add(layers.A(1))\n"
        "if model:\n    !ls\n    model.add(layers.B(1))",
        {0, 1},
    ),
}


class Toy:
    """A run of a program with toy layers."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.made: dict[int, tuple[Span, bool]] = {}
        #: Every layer, so that no identity comes back.
        self.alive: list[object] = []
        self.placed: dict[int, list[Span]] = {}
        self.namespace: dict[str, Any] = {
            "layers": SimpleNamespace(**{name: self._layer_class(name) for name in ("A", "B", "C", "New")}),
            "Sequential": self._sequential_class(),
            "Input": tuple,
            "partial": functools.partial,
        }
        exec(compile(mask(source), "toy", "exec"), self.namespace)
        model = self.namespace["model"]
        self.layers: list[Any] = list(model) if isinstance(model, tuple) else model.layers

    def place(self, frame: FrameType | None) -> Span:
        while frame is not None and frame.f_code.co_filename != "toy":
            frame = frame.f_back
        assert frame is not None
        line, end_line, col, end_col = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
        return span_from_positions(self.source, line or 0, end_line or 0, col or 0, end_col or 0, 0)

    def _layer_class(self, name: str) -> type:
        toy = self

        def make(self: Any, *args: object, **kwargs: object) -> None:
            self.shown = f"{name}{args or ''}{kwargs or ''}"
            span = toy.place(sys._getframe(1))
            exact = text_of(toy.source, span).startswith(f"layers.{name}(")
            toy.made[id(self)] = (span, exact)
            toy.alive.append(self)

        def call(self: Any, tensor: tuple[object, ...]) -> tuple[object, ...]:
            assert isinstance(tensor, tuple)
            toy.placed.setdefault(id(self), []).append(toy.place(sys._getframe(1)))
            return (*tensor, self)

        return type(name, (), {"__init__": make, "__call__": call})

    def _sequential_class(self) -> type:
        toy = self

        def make(self: Any, layers: Any = ()) -> None:
            self.layers = list(layers)

        def add(self: Any, layer: Any) -> None:
            toy.placed.setdefault(id(layer), []).append(toy.place(sys._getframe(1)))
            self.layers.append(layer)

        return type("Sequential", (), {"__init__": make, "add": add, "__bool__": lambda self: bool(self.layers)})

    @property
    def shown(self) -> list[str]:
        return [layer.shown for layer in self.layers]

    def facts(self) -> Model:
        calls, times = [], dict.fromkeys(map(id, self.layers), 0)
        for number, layer in enumerate(self.layers):
            places = self.placed.get(id(layer), [])
            span, exact = self.made[id(layer)]
            placed = places[times[id(layer)]] if places else None
            times[id(layer)] += 1
            name = f"layer_{id(layer)}"
            kind = type(layer).__name__
            calls.append(
                Call(
                    number,
                    number,
                    name,
                    kind,
                    (name,),
                    (number - 1,),
                    {},
                    (),
                    (),
                    (),
                    (),
                    0,
                    0,
                    span,
                    placed,
                    exact,
                )
            )
        kind = "Functional" if isinstance(self.namespace["model"], tuple) else "Sequential"
        return Model("model", "model", kind, 0, 0, (), tuple(calls), (), None)  # type: ignore[arg-type]


def repaired(toy: Toy, step: Step) -> list[str] | None:
    """The layers after a repair; None where it is refused."""
    cells: Mapping[CellId, str] = {0: toy.source}
    edits = write((step,), toy.facts(), cells, lambda name, class_name: False)
    if isinstance(edits, Refused):
        return None
    source = apply_edits(toy.source, edits)
    assert parse(source) is not None
    return Toy(source).shown


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_layer_comes_where_it_was_meant(title: str) -> None:
    source, possible = PROGRAMS[title]
    toy = Toy(source)
    before, written = toy.shown, set()
    for number in range(len(before)):
        after = repaired(toy, InsertLayer(number, "New"))
        if after is not None:
            assert after == [*before[:number], "New", *before[number:]], number
            written.add(number)
    assert written == possible


def _inserted_after(layers: list[str], number: int) -> list[str]:
    return [*layers[: number + 1], "New", *layers[number + 1 :]]


def _removed(layers: list[str], number: int) -> list[str]:
    return layers[:number] + layers[number + 1 :]


def _replaced(layers: list[str], number: int) -> list[str]:
    old = layers[number]
    return ["New(7,)" if layer == old else layer for layer in layers]


def _set(layers: list[str], number: int) -> list[str]:
    old = layers[number]
    return [f"{old}{{'wide': True}}" if layer == old else layer for layer in layers]


@pytest.mark.parametrize(
    ("step", "meant"),
    [
        (lambda n: InsertLayer(n, "New", "", "after"), _inserted_after),
        (RemoveLayer, _removed),
        (lambda n: ReplaceLayer(n, "New", "7"), _replaced),
        (lambda n: SetArgument(n, "wide", "True"), _set),
    ],
)
def test_other_steps_do_what_they_say_or_nothing(
    step: Callable[[int], Step], meant: Callable[[list[str], int], list[str]]
) -> None:
    written = 0
    for source, _ in PROGRAMS.values():
        toy = Toy(source)
        for number in range(len(toy.shown)):
            after = repaired(toy, step(number))
            assert after is None or after == meant(toy.shown, number), (source, number)
            written += after is not None
    assert written > 40
