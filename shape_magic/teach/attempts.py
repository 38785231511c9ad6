"""The record of what learners tried: only where a setting names a file, on this machine alone, and without names."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from shape_magic.settings import current

_LOG = logging.getLogger("shape_magic")


def note(what: str, **facts: str | int | float | bool | None) -> None:
    """Add one line to the file that ``ShapeMagic.record`` names; without one nothing is kept.

    ``what`` is ``"hint"``, ``"quiz"`` or ``"exercise"``. ``facts`` are plain values of ours (a rule, a
    misconception, whether it was right), never a learner's text or anything that tells who it was. One JSON object
    a line. A file that can't be written is the teacher's matter: it is logged, and the learner goes on.
    """
    path = current().record
    if not path:
        return
    line = json.dumps({"when": datetime.now(UTC).isoformat(timespec="seconds"), "what": what, **facts})
    try:
        with Path(path).expanduser().open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        _LOG.warning("an attempt was not recorded: %s", error)
