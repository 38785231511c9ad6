"""A report for terminals, ``print`` and the text beside every other output.

Everything that the other displays show is here in words: the row that breaks, the sentences, the
fixes with their lines and Keras' own message. Nothing is read as markup.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shape_magic.display.disclosure import Disclosure, told
from shape_magic.display.palette import SWATCHES, UNKNOWN
from shape_magic.display.parts import AxisCell, Card, FixView, Item, ModelView, Row, short, shown
from shape_magic.display.view import build_view, change_of
from shape_magic.report import Report
from shape_magic.words import say

#: A terminal's width is used between these, in characters.
_NARROWEST, _WIDEST = 60, 120
#: Where there is no terminal, as in a notebook: columns and lines.
_ELSEWHERE = (100, 25)
#: From this width on, the table says what each layer does.
_ROOMY = 80
#: From this width on, columns stand two blanks apart.
_AIRY = 100
#: A shape is not broken into lines before it is this long.
_SHAPE = 26
#: A blank at which rich breaks no line; a space again when all lines are made.
_GLUE = "\N{BRAILLE PATTERN BLANK}"
#: The first fix's name beside a row is cut when it is longer than this.
_LABEL = 40
_STYLES = {
    "ok": "",
    "broken": "bold red",
    "warned": "bold yellow",
    "asked": "bold cyan",
    "predicted": "dim",
    "new": "dim green",
    "arrived": "green",
    "unreached": "dim",
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold cyan",
    "+": "green",
    "-": "red",
    " ": "dim",
}
_FOUND = frozenset({"broken", "warned", "asked"})
_SIGNS = {"broken": "▶", "warned": "▶", "asked": "▶", "predicted": "┆", "new": "+", "arrived": "+", "unreached": "┆"}
#: What stands for our signs where they can't be written: one by one, so that columns stay in line.
_PLAIN = str.maketrans("✓✗▶◀┆×→·…", "vx><|x>-~")


def render_text(
    report: Report,
    *,
    width: int | None = None,
    color: bool = False,
    encoding: str | None = None,
    disclosures: Sequence[Disclosure] | None = None,
) -> str:
    """The report as text: one line for a model that is right, table and sentences for one that isn't.

    ``width`` is that of the terminal when None, ``encoding`` that of the standard output: what it
    can't write is replaced, so that printing never fails. ``disclosures`` say how much of each finding
    may be seen; None: all.
    """
    return _render(report, width, encoding, everything=False, color=color, disclosures=disclosures)


def render_details(
    report: Report, *, width: int | None = None, color: bool = False, encoding: str | None = None
) -> str:
    """The same with the table of every model, also of those that are right."""
    return _render(report, width, encoding, everything=True, color=color)


def _render(
    report: Report,
    width: int | None,
    encoding: str | None,
    *,
    everything: bool,
    color: bool,
    disclosures: Sequence[Disclosure] | None = None,
) -> str:
    columns = terminal_columns(width)
    parts = Group(*_report(report, disclosures, everything=everything, columns=columns))
    return printed(parts, columns, color=color, encoding=encoding)


def terminal_columns(width: int | None = None) -> int:
    """The columns to write in: those given, else the terminal's, between the narrowest and the widest."""
    return width or min(max(shutil.get_terminal_size(_ELSEWHERE).columns, _NARROWEST), _WIDEST)


def printed(parts: RenderableType, columns: int, *, color: bool = False, encoding: str | None = None) -> str:
    """What rich would print, as a text that the standard output (or ``encoding``) can write."""
    # In a notebook rich would display by itself instead of writing to the file.
    console = Console(
        file=StringIO(),
        width=columns,
        height=_ELSEWHERE[1],
        force_terminal=color,
        force_jupyter=False,
        color_system="256" if color else None,
        no_color=not color,
        legacy_windows=False,
        markup=False,
        highlight=False,
        emoji=False,
    )
    with console.capture() as capture:
        console.print(parts)
    lines = capture.get().replace(_GLUE, " ").split("\n")
    return _writable("\n".join(line.rstrip() for line in lines).strip("\n"), encoding)


def _writable(text: str, encoding: str | None) -> str:
    """The text with plain signs, where the encoding lacks ours."""
    encoding = encoding or getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text


def _report(
    report: Report, disclosures: Sequence[Disclosure] | None, *, everything: bool, columns: int
) -> Iterator[RenderableType]:
    view = build_view(report, disclosures=disclosures, lines_only=not everything)
    if disclosures is not None:
        report = told(report, disclosures)
    if not view.models and not view.cards:
        yield Text(say("text.nothing"))
    for model in view.models:
        yield Text(model.line, style=_STYLES.get(model.status, ""), overflow="fold")
        if model.items and (model.open or everything):
            yield Text()
            yield _ladder(model, _with_fix(report, model), columns)
        yield from _cards(model.cards, explained=everything)
        if model.open or everything:
            yield Text()
    yield from _cards(view.cards, explained=everything)
    fixes = [fix for model in view.models for card in model.cards for fix in card.fixes]
    fixes += [fix for card in view.cards for fix in card.fixes]
    if any(fix.editable for fix in fixes):
        yield Text(say("ui.how_to_write"), style="dim")


def _with_fix(report: Report, model: ModelView) -> str:
    """``"(with Flatten())"``: what the rows past the break stand for."""
    first = [fix for card in model.cards for fix in report.diagnostics[card.diagnostic].fixes[:1] if fix.effect]
    return say("text.with", change=short(change_of(first[0]), _LABEL)) if first else ""


# The ladder ---------------------------------------------------------------------------------------


def _ladder(model: ModelView, with_fix: str, columns: int) -> Table:
    roomy, gap = columns >= _ROOMY, 2 if columns >= _AIRY else 1
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("", width=1)
    table.add_column(say("text.column.layer"), overflow="fold", min_width=12)
    if roomy:
        table.add_column(say("text.column.does"), overflow="fold")
    table.add_column(say("text.column.rank"), no_wrap=True)
    longest = max((len(row.shape) for row in model.rows), default=0)
    table.add_column(say("text.column.shape"), overflow="fold", min_width=min(longest, _SHAPE))
    table.add_column(say("text.column.params"), no_wrap=True, justify="right")
    for indent, item in shown(model.items):
        _add(table, item, indent, with_fix, roomy=roomy)
    return table


def _add(table: Table, item: Item, indent: int, with_fix: str, *, roomy: bool) -> None:
    style = _STYLES[item.state]
    faint = "dim" if "dim" in style else ""
    layer = Text(" " * indent + item.title, style=style)
    does = [item.summary]
    mark = ""
    if isinstance(item, Row):
        # Names of losses are long and say what the loss does.
        if item.kind == "loss" and roomy:
            does.insert(0, item.name)
        else:
            layer.append(f" {item.name}", style="" if item.state in _FOUND else "dim")
        does.append(item.source)
        mark = _mark(item, with_fix)
    said = Text(" · ".join(part for part in does if part), style=faint)
    place = said if roomy else layer
    if mark:
        place.append((" " if roomy else "\n") if place else "").append(mark.replace(" ", _GLUE), style=style)
    cells = [Text(_SIGNS.get(item.state, ""), style=style), layer, *([said] if roomy else [])]
    rank = _rank(item.glyph, " " if roomy else "")
    table.add_row(*cells, rank, Text(item.shape, style=style), Text(item.params, style=faint))


def _mark(row: Row, with_fix: str) -> str:
    if row.state in _FOUND:
        return say("text.here", mark=row.mark)
    return with_fix if row.state in {"predicted", "new"} and with_fix else row.mark


def _rank(cells: tuple[AxisCell, ...], gap: str) -> Text:
    """``B H W C``, each letter in the colours of its axis."""
    looks = [(cell.letter, SWATCHES.get(cell.axis, UNKNOWN)) for cell in cells]
    return Text(gap).join(Text(letter, style=f"{look.ink} on {look.fill}") for letter, look in looks)


# The cards ----------------------------------------------------------------------------------------


def _cards(cards: tuple[Card, ...], *, explained: bool) -> Iterator[RenderableType]:
    """The cards; with the sentence for each of the field's words where that is asked for."""
    for card in cards:
        yield Text()
        yield Text(f"{card.icon} {card.title.strip()}", style=_STYLES[card.severity], overflow="fold")
        if card.message:
            yield _indented(Text(card.message.strip()), 2)
        for step, hint in zip(card.steps, card.hints, strict=False):
            yield _indented(Text(f"{step}: {hint}"), 2)
        for fix in card.fixes:
            yield Text()
            yield _fix(fix)
        for action in card.actions:
            yield Text()
            yield _indented(Text(say("text.keep", title=action.title, rule=card.rule)), 2)
        if card.keras_message:
            yield Text()
            yield _indented(Text(say("text.keras", message=card.keras_message.strip()), style="dim"), 2)
        if card.ask_hint:
            yield Text()
            yield _indented(Text(card.ask_hint, style="dim"), 2)
        if explained and card.terms:
            yield Text()
            yield _indented(Text(f"{say('ui.terms')}:", style="dim"), 2)
            yield from (_indented(Text(f"{word}: {says}", style="dim"), 4) for word, says in card.terms)


def _fix(fix: FixView) -> Padding:
    """The number, and beside it the title, the note and the lines that go and come."""
    lines = [Text(fix.title), Text(fix.note, style="dim")]
    if fix.editable:
        code = textwrap.dedent("\n".join(text for _, text in fix.diff)).split("\n")
        lines += [Text(f"{sign} {text}", style=_STYLES[sign]) for (sign, _), text in zip(fix.diff, code, strict=False)]
    else:
        lines += [Text(fix.why_not), Text(textwrap.indent(fix.snippet, "  "), style=_STYLES["+"])]
    lines.append(Text(fix.remains))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(str(fix.number), style="bold"), Group(*filter(None, lines)))
    return Padding(grid, (0, 0, 0, 2))


def _indented(text: Text, left: int) -> Padding:
    text.overflow = "fold"
    return Padding(text, (0, 0, 0, left))
