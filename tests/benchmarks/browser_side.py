"""What a reader waits for in JupyterLab; measured by ``lab.py`` in a real Chromium."""

from __future__ import annotations

from tests.benchmarks import lab
from tests.benchmarks.rows import Group, Row, row

#: A task over 50 ms is a long one by the W3C's definition.
_PAINT, _LONG_TASK, _TURN = 300.0, 50.0, 30.0


def measure() -> Group:
    """The rows of the group."""
    found = lab.figures()

    def milliseconds(what: str, name: str, goal: float | None = None) -> Row:
        return row(what, "", "ms", found[name], goal=goal)

    def size(what: str, name: str, goal: float | None = None) -> Row:
        return row(what, "", "bytes", found[name], goal=goal)

    bare = found["bare_round_trip_ms"]
    rows = (
        milliseconds("10 layers, until painted", "first_paint_10_ms", _PAINT),
        milliseconds("500 layers, until painted", "first_paint_500_ms", _PAINT),
        milliseconds("scrolling 500, longest task", "scroll_longest_task_ms", _LONG_TASK),
        milliseconds("slider, dragged over new values", "drag_ms", _TURN),
        milliseconds("slider, back over them", "drag_seen_ms", _TURN),
        milliseconds("slider, a leap to a new value", "drag_leap_ms"),
        row("a turn of the playground's slider", "a bare slider's turn", "×", found["drag_ms"] / bare),
        size("sent with each card", "payload_fixed_bytes"),
        size("sent for a layer", "payload_bytes_per_layer", 200),
        size("sent for a repeated layer", "payload_bytes_per_repeated_layer", 20),
    )  # fmt: skip
    return Group("browser_side", "In the browser", rows)
