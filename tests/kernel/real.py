"""A real kernel in a process of its own, asked as a front end asks it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

from jupyter_client.manager import KernelManager

_SECONDS = 90


@dataclass
class Answer:
    """All that a kernel sent for one cell."""

    reply: dict[str, Any] = field(default_factory=dict)
    #: (type, content) of each message of the output channel, in order.
    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The contents of the messages of one type."""
        return [content for name, content in self.messages if name == kind]

    @property
    def printed(self) -> str:
        """What went to stdout."""
        return "".join(m["text"] for m in self.of("stream") if m["name"] == "stdout")

    @property
    def shown(self) -> list[str]:
        """The text of each display, in order."""
        return [m["data"].get("text/plain", "") for m in self.of("display_data")]

    @property
    def status(self) -> str:
        """``ok`` or ``error``."""
        return str(self.reply["status"])

    @property
    def traceback(self) -> str:
        """The error as it is drawn, without colours."""
        import re

        return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(line for m in self.of("error") for line in m["traceback"]))


class Kernel:
    """One kernel and its client."""

    def __init__(self) -> None:
        self.manager: Any = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client: Any = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=_SECONDS)

    def send(self, cell: str, cell_id: str | None = None) -> str:
        """Ask for a cell to be run; returns the request's id."""
        content = {"code": cell, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
                   "stop_on_error": True}  # fmt: skip
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def answer(self, request: str) -> Answer:
        """Wait for the cell to end."""
        found = Answer()
        while True:
            message = self.client.get_iopub_msg(timeout=_SECONDS)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            found.messages.append((kind, content))
        while True:
            reply = self.client.get_shell_msg(timeout=_SECONDS)
            if reply["parent_header"].get("msg_id") == request:
                found.reply = reply["content"]
                return found

    def run(self, cell: str, cell_id: str | None = None) -> Answer:
        """Run a cell and wait."""
        return self.answer(self.send(cell, cell_id))

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(Empty):
            self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@contextlib.contextmanager
def kernel() -> Iterator[Kernel]:
    """A kernel that is gone at the end."""
    made = Kernel()
    try:
        yield made
    finally:
        made.close()
