"""What a row of the table says, and the pieces that cells of many rows are made of."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Something hostile, where it enters, and what happens: the cell is executed as the row's test."""

    #: What is hostile.
    what: str
    #: Where it enters, as code or in a few words.
    enters: str
    #: What happens, in one sentence.
    happens: str
    cell: str
    #: The rule of the first finding; "" for none, None where it does not matter what is found: the cell
    #: has to end as it does without us, or a card stops a call that fails without us.
    finds: str | None
    #: What the text display says of it.
    shows: tuple[str, ...] = ()
    #: What no display may hold as it stands.
    hides: tuple[str, ...] = ()
    #: The options of the ``%%shapecheck`` line.
    line: str = ""


#: What every name of the table holds: markup that would run, a colour, a window title, a bell, marks that reorder.
EVIL = "<img src=x onerror=window.pwned=1><script>window.pwned=1<script>\x1b[31m\x1b]0;t\x07\u202e\u2066"
#: The same as Python writes it.
LITERAL = ascii(EVIL)
#: And as a text display shows its beginning.
SHOWN = "<img src=x onerror=window.pwned=1>"

COMPILE = "model.compile('sgd', 'categorical_crossentropy')\n"
FIT = COMPILE + "model.fit(x, y, verbose=0)\n"


def stack(*layers: str) -> str:
    """A cell with a Sequential on the images of the setup."""
    return f"model = keras.Sequential([layers.Input((8, 8, 1)), {', '.join(layers)}])\n"


#: A model whose head answers at each position: every check of it has a finding, a fix and a card.
def head(layer: str) -> str:
    """A cell in which this layer stands before a head that answers at each position, and its fit."""
    return stack("layers.Conv2D(4, 3)", layer, "layers.Dense(10)") + FIT


def layer(body: str, *, base: str = "layers.Layer", call: str = "return x") -> str:
    """The class ``Own``: a layer that hands on what it gets, with this body."""
    lines = textwrap.dedent(body).strip("\n")
    if call:
        lines += f"\ndef call(self, x):\n    {call}"
    return f"class Own({base}):\n{textwrap.indent(lines, '    ')}\n"


def own(body: str, **options: str) -> str:
    """The same in front of the head, with its fit."""
    return layer(body, **options) + head("Own()")


POSITIONS = "dense-on-feature-map"
