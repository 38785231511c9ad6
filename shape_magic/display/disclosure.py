"""What is given away of a finding: decided here, for the widget, the page, the text, the figure and the error alike.

``told`` makes of a report the one that may be seen. What is not in that one can't get into a view, so
nothing can be found in a widget's state that its card does not show yet. A ``Report`` itself is data and
stays whole; its ``print`` and ``plot`` are displays and obey the setting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from shape_magic.display.cards import tone
from shape_magic.report import Diagnostic, Report
from shape_magic.settings import current
from shape_magic.teach.attempts import note
from shape_magic.words import say

Mode = Literal["off", "hints", "on"]
#: The steps in which a finding is told when hints are on; a diagnostic's ``hints`` are its texts for them.
STEPS = ("where", "what", "why", "how")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """How much of one finding may be seen."""

    #: ``on``: all, with fixes. ``hints``: the first ``level`` steps. ``off``: what is wrong, not how to mend it.
    mode: Mode = "on"
    level: int = len(STEPS)

    @property
    def place(self) -> bool:
        """Where it is: the layer or call, and the mark on its row."""
        return self.mode != "hints" or self.level >= 1

    @property
    def facts(self) -> bool:
        """What went in and what was wanted."""
        return self.mode != "hints" or self.level >= 2

    @property
    def verdict(self) -> bool:
        """What is wrong, in the title's words and in Keras'."""
        return self.mode != "hints" or self.level >= 3

    @property
    def rule(self) -> bool:
        """The rule's name, under which its page can be read."""
        return self.mode == "on" or (self.mode == "hints" and self.level >= 3)

    @property
    def fixes(self) -> bool:
        """Everything that mends it: message, fixes, predicted rows."""
        return self.mode == "on"


def told(report: Report, disclosures: Sequence[Disclosure]) -> Report:
    """The report with nothing in its diagnostics that may not be seen yet; one disclosure for each of them."""
    pairs = zip(report.diagnostics, disclosures, strict=True)
    return replace(report, diagnostics=tuple(_told(d, disclosure) for d, disclosure in pairs))


def _told(finding: Diagnostic, disclosure: Disclosure) -> Diagnostic:
    if disclosure.fixes:
        return finding
    values = {key: finding.values[key] for key in ("asks",) if key in finding.values}
    return replace(
        finding,
        rule=finding.rule if disclosure.rule else "",
        call=finding.call if disclosure.place else None,
        span=finding.span if disclosure.place else None,
        related=(),
        title=finding.title if disclosure.verdict else say(f"hint.neutral.{tone(finding)}"),
        message=_message(finding, disclosure),
        values=values,
        hints=_hints(finding, disclosure),
        expected=finding.expected if disclosure.facts else None,
        actual=finding.actual if disclosure.facts else None,
        keras_message=finding.keras_message if disclosure.verdict else None,
        actions=(),
        fixes=(),
        place=finding.place if disclosure.place else "loss",
    )


def _message(finding: Diagnostic, disclosure: Disclosure) -> str:
    """In place of the message, which may hold the repair: the place and the facts, or where to begin."""
    if disclosure.mode == "off":
        return " ".join(finding.hints[:2])
    return "" if disclosure.level else say("hint.start")


def _hints(finding: Diagnostic, disclosure: Disclosure) -> tuple[str, ...]:
    if disclosure.mode == "off":
        return ()
    texts = zip(STEPS, finding.hints[: disclosure.level], strict=False)
    named = say("hint.rule", rule=finding.rule)
    return tuple(f"{text} {named}" if step == "why" else text for step, text in texts)


# What the settings say ----------------------------------------------------------------------------


def mode() -> Mode:
    """What the settings give away now."""
    return cast("Mode", current().fixes)


def disclosures(report: Report) -> tuple[Disclosure, ...]:
    """How much of each of a report's findings the settings, and the hints so far, let be seen."""
    settings = current()
    levels = (settings.told.get(_key(finding, report), 0) for finding in report.diagnostics)
    return tuple(Disclosure(mode(), level) for level in levels)


def as_told(report: Report) -> Report:
    """The report as it may be seen now."""
    return told(report, disclosures(report))


def tell_next(report: Report, position: int) -> bool:
    """Give one hint more of a finding, and record it where that is asked for; False where there is none to give."""
    settings, finding = current(), report.diagnostics[position]
    key = _key(finding, report)
    level = settings.told.get(key, 0) + 1
    if settings.fixes == "off" or level > len(finding.hints):
        return False
    settings.told[key] = level
    note("hint", rule=finding.rule, level=level)
    return True


def _key(finding: Diagnostic, report: Report) -> str:
    """What makes a finding the same when its cell is run again.

    Keras counts its layers up from run to run and an edit above moves lines, so neither is part of it;
    the cell is, where the front end gives it a name that stays.
    """
    model = report.models[finding.model].name if finding.model is not None else ""
    cell = finding.span.cell if finding.span is not None else None
    lasting = cell if cell is not None and not str(cell).startswith("In[") else None
    return "\n".join((finding.rule, _uncounted(model), str(lasting), _uncounted(finding.message)))


def _uncounted(text: str) -> str:
    """A text without the numbers at the end of layers' names and without its lines."""
    return re.sub(r"\(line [\d,]+\)|\bline [\d,]+", "", re.sub(r"(?<=[a-z\d])_\d+\b", "", text))
