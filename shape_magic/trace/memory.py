"""How much memory weights may take: what the machine and the container leave."""

from __future__ import annotations

_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def available() -> int:
    """The bytes that can still be allocated: the smaller of what the machine and its control group leave."""
    import psutil

    free = int(psutil.virtual_memory().available)
    for limit, used in _LIMITS:
        allowed, taken = _number(limit), _number(used)
        if allowed is not None and taken is not None:
            free = min(free, max(allowed - taken, 0))
    return free


def _number(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123 - asked for each cell, and a Path takes twice as long
            text = file.read().strip()
    except (OSError, UnicodeError):
        return None
    return int(text) if text.isdigit() else None
