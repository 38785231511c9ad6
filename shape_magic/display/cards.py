"""A finding as a card: its words, its fixes with what pressing does, and what else may be pressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shape_magic.display.parts import ActionView, Card, FixView, short, visible
from shape_magic.display.terms import terms_in
from shape_magic.report import Action, Diagnostic, Fix, Report, Severity
from shape_magic.spans import CellId
from shape_magic.untrusted import shortened
from shape_magic.words import say

#: A line of a change is cut in the middle, and a cell is not sent to be copied, when it is longer; in characters.
_LONGEST_LINE, _LONGEST_CELL = 1_000, 100_000


def numbered_fixes(report: Report) -> Iterator[tuple[int, str, Fix]]:
    """Every fix of a report with its number for ``--fix N`` (from 1) and its id (``"0.1"``)."""
    number = 0
    for d, diagnostic in enumerate(report.diagnostics):
        for f, fix in enumerate(diagnostic.fixes):
            number += 1
            yield number, f"{d}.{f}", fix


def tone(finding: Diagnostic) -> Severity:
    """How a finding is shown: a warning that is put as a question, with equal choices, doesn't look like a mistake."""
    return "info" if finding.severity == "warning" and finding.values.get("asks") else finding.severity


def build_card(report: Report, position: int, row: int | None) -> Card:
    """The card of ``report.diagnostics[position]``, opening under the row given."""
    finding = report.diagnostics[position]
    numbers = {fix_id: number for number, fix_id, _ in numbered_fixes(report)}
    return Card(
        diagnostic=position,
        rule=finding.rule,
        severity=tone(finding),
        word=say(f"ui.severity.{tone(finding)}"),
        icon=say(f"ui.icon.{tone(finding)}"),
        title=visible(finding.title, lines=True),
        message=visible(finding.message, lines=True),
        keras_message=visible(finding.keras_message or "", lines=True),
        row=row,
        fixes=tuple(_fix(report, f"{position}.{k}", fix, numbers) for k, fix in enumerate(finding.fixes)),
        actions=tuple(_action(report, finding, k, action) for k, action in enumerate(finding.actions)),
        hints=tuple(visible(hint, lines=True) for hint in finding.hints),
        terms=terms_in(f"{finding.title} {finding.message.replace(finding.keras_message or '`', '`')}"),
    )


def _fix(report: Report, fix_id: str, fix: Fix, numbers: dict[str, int]) -> FixView:
    editable = fix.source is not None and fix.cell is not None
    return FixView(
        id=fix_id,
        number=numbers[fix_id],
        title=visible(fix.title),
        label=short(fix.label or fix.title),
        note=visible(fix.note),
        diff=tuple((sign, visible(shortened(text.expandtabs(4), _LONGEST_LINE))) for sign, text in fix.diff),
        does=_does(report, fix) if editable else "",
        button=say("ui.button.run" if fix.rerun else "ui.button.edit") if editable else say("ui.button.copy"),
        editable=editable,
        why_not="" if editable else say("ui.why_not.no_cell"),
        runs=editable and bool(fix.rerun),
        trains=fix.trains and bool(fix.rerun),
        snippet=visible(fix.snippet or "", lines=True),
        paste=_paste(fix),
        remains="" if fix.complete else say("ui.remains"),
    )


def _paste(fix: Fix) -> str:
    """What is worth copying: the whole cell, else the snippet, else the new lines; without lone surrogates.

    A cell that holds data is left where it is.
    """
    whole = fix.source if fix.source is not None and len(fix.source) <= _LONGEST_CELL else None
    text = whole or fix.snippet or "\n".join(line for sign, line in fix.diff if sign == "+")
    text = text if len(text) <= _LONGEST_CELL else ""
    return text.encode("utf-8", "replace").decode("utf-8")


def _action(report: Report, finding: Diagnostic, k: int, action: Action) -> ActionView:
    position = report.diagnostics.index(finding)
    editable = action.source is not None and action.cell is not None
    why_not = "" if editable else say("ui.why_not.no_cell")
    return ActionView(f"{position}.{action.kind}{k}", action.kind, visible(action.title), editable, why_not)


def _does(report: Report, fix: Fix) -> str:
    """What pressing does: which cells are written and run, and whether that trains."""
    cells = [*(e.span.cell for e in fix.edits), fix.cell]
    edited = list(dict.fromkeys(cell for cell in cells if cell is not None))
    parts = []
    if len(report.sources) <= 1 and list(fix.rerun) in ([], edited):
        parts.append(say("ui.does.this_run" if fix.rerun else "ui.does.this_edit"))
    elif list(fix.rerun) == edited and len(edited) == 1:
        parts.append(say("ui.does.one_run", cell=cell_names(report, edited)))
    elif fix.rerun:
        parts.append(say("ui.does.run", edits=cell_names(report, edited), runs=cell_names(report, fix.rerun)))
    else:
        parts.append(say("ui.does.edit", edits=cell_names(report, edited)))
    if fix.trains and fix.rerun:
        how = "trains_once" if fix.epochs == 1 else "trains" if fix.epochs else "trains_unknown"
        parts.append(say(f"ui.does.{how}", n=fix.epochs))
    return " · ".join(parts)


def cell_names(report: Report, cells: Sequence[CellId]) -> str:
    """Cells as a person calls them: ``"cells 3, 4, 6"``, ``"In [4], In [5]"``."""
    names = [short(report.labels[c]) if c in report.labels else say("ui.cell.this") for c in cells]
    one, many = say("ui.cell.one"), say("ui.cell.many")
    if len(names) > 1 and all(name.startswith(f"{one} ") for name in names):
        return f"{many} " + ", ".join(name.removeprefix(f"{one} ") for name in names)
    return ", ".join(names)
