"""``Guarded``: a widget whose state is the kernel's, whatever a page sends.

A page may press (a command that there is) and set what is named here to a value that is named here.
Everything else that arrives, from an old page or a forged one, is passed over without a word.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar

import anywidget

_LOG = logging.getLogger("shape_magic")
#: Characters that the name of a request may have: it is sent back with the answer.
_LONGEST = 200


class Guarded(anywidget.AnyWidget):
    """An anywidget that takes nothing from the page on trust."""

    #: What a page may set, and to which values.
    _settable: ClassVar[Mapping[str, frozenset[str]]] = {}

    def _handle_msg(self, msg: Mapping[str, Any]) -> None:
        """Hand a message on that has the form of one; ipywidgets shows a traceback for any other."""
        data = msg["content"].get("data")
        fields = data if isinstance(data, dict) else {}
        method, state = fields.get("method"), fields.get("state")
        if method == "request_state":
            self.send_state()
        elif method == "update" and isinstance(state, dict):
            self.set_state(state)
        elif method == "custom" and self._is_command(fields.get("content")):
            self._handle_custom_msg(fields["content"], msg.get("buffers") or [])
        else:
            _LOG.debug("a message of no known form was passed over")

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take over what a page may set; a report, a text or a script never comes from there."""
        known = {name: value for name, value in sync_data.items() if self._may_set(name, value)}
        if known:
            super().set_state(known)

    def _may_set(self, name: str, value: object) -> bool:
        return isinstance(value, str) and value in self._settable.get(name, ())

    def _is_command(self, content: object) -> bool:
        if not isinstance(content, dict) or content.get("kind") != "anywidget-command":
            return False
        name, number = content.get("name"), content.get("id")
        known = getattr(type(self), "_anywidget_commands", {})
        is_named = isinstance(number, str) and len(number) <= _LONGEST
        return isinstance(name, str) and name in known and is_named and "msg" in content
