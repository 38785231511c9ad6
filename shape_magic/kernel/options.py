"""The options of ``%shapecheck`` and ``%%shapecheck``: parsed, checked, never evaluated."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic_arguments import MagicArgumentParser

from shape_magic.spans import Shape
from shape_magic.untrusted import named
from shape_magic.words import say

#: Python refuses to read longer numbers, and nobody writes such a shape, in characters.
_LONGEST_SHAPE = 1_000
_SHAPE = re.compile(r"\(?\s*(?:None|\d+)\s*(?:,\s*(?:None|\d+)\s*)*,?\s*\)?")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for on the magic's line."""

    #: Words without a dash: ``on``, ``off``, a model, data.
    words: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    loss: str | None = None
    no_train: bool = False
    fix: int | None = None
    hint: bool = False
    no_raise: bool = False
    strict: bool = False
    static: bool = False
    rules: bool = False
    explain: str | None = None

    @property
    def runs_the_cell(self) -> bool:
        """Whether the cell is to be run and checked, and not only looked at."""
        asks = self.rules or self.explain is not None or self.hint
        return self.fix is None and not asks and not self.words


def refused(message: str, /, **values: object) -> UsageError:
    """The error of a line that can't be followed: it quotes the line in short, and nothing that a terminal obeys."""
    from shape_magic.display.parts import visible

    return UsageError(say(message, **{k: visible(named(v)) if isinstance(v, str) else v for k, v in values.items()}))


def parser() -> Any:
    """The options with their help."""
    made: Any = MagicArgumentParser("%shapecheck", description=say("magic.help"), add_help=False)  # type: ignore[no-untyped-call]
    made.add_argument("words", nargs="*", help=say("magic.option.words"))
    made.add_argument(
        "-x", "--input", dest="inputs", action="append", default=[], metavar="SHAPE", help=say("magic.option.input")
    )
    made.add_argument(
        "-y", "--target", dest="targets", action="append", default=[], metavar="SHAPE", help=say("magic.option.target")
    )
    made.add_argument("--loss", help=say("magic.option.loss"))
    made.add_argument("-n", "--no-train", action="store_true", help=say("magic.option.no_train"))
    made.add_argument("--fix", type=int, metavar="N", help=say("magic.option.fix"))
    made.add_argument("--hint", action="store_true", help=say("magic.option.hint"))
    made.add_argument("--no-raise", action="store_true", help=say("magic.option.no_raise"))
    made.add_argument("--strict", action="store_true", help=say("magic.option.strict"))
    made.add_argument("--static", action="store_true", help=say("magic.option.static"))
    made.add_argument("--rules", action="store_true", help=say("magic.option.rules"))
    made.add_argument("--explain", metavar="RULE", help=say("magic.option.explain"))
    return made


@lru_cache(maxsize=64)
def parse(line: str) -> Options:
    """The options of a line, each read once; raises ``UsageError`` with one clear sentence."""
    try:
        given: dict[str, Any] = vars(parser().parse_args(_split(line)))
    except UsageError as error:
        raise refused("magic.error.option", why=str(error)) from None
    except ValueError as error:
        raise refused("magic.error.option", why=str(error)) from None
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    return Options(**values)


_QUOTING = re.compile(r"[\"'\\]")


def _split(line: str) -> list[str]:
    """The words of a line; a shape's blanks do not part it."""
    joined = re.sub(r"\(([^()]*)\)", lambda m: "(" + re.sub(r"\s+", "", m.group(1)) + ")", line)
    # What shlex does with a line without quotes, but for its time, which grows with the square of the line.
    return shlex.split(joined) if _QUOTING.search(joined) else joined.split()


def shape_given(text: str, namespace: Mapping[str, Any]) -> Shape:
    """The shape that a word stands for, with the batch axis: ``28,28,1``, ``(28, 28, 1)`` or an array's name.

    Raises ``UsageError`` for anything else; nothing is evaluated.
    """
    word = text.partition("=")[2] if re.fullmatch(r"\w+=.*", text) else text
    if len(word) <= _LONGEST_SHAPE and _SHAPE.fullmatch(word):
        sizes = [None if p == "None" else int(p) for p in re.findall(r"None|\d+", word)]
        if 0 in sizes:
            raise refused("magic.error.zero", text=text)
        # Keras' own way to write it, (None, 28, 28, 1), has the batch axis already.
        return tuple(sizes) if word.startswith("(") and sizes[0] is None and len(sizes) > 1 else (None, *sizes)
    from shape_magic.trace.data import shape_of

    found = shape_of(array_given(word, namespace))
    if found is None:
        raise refused("magic.error.no_shape_name", name=word)
    return (None, *found[1:])


def array_given(name: str, namespace: Mapping[str, Any]) -> Any:
    """The object of this name; raises ``UsageError`` when there is none."""
    if not name.isidentifier():
        raise refused("magic.error.no_shape", text=name)
    if name not in namespace:
        raise refused("magic.error.unknown_name", name=name)
    return namespace[name]
