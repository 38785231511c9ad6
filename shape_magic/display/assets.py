"""The scripts and styles of our widgets: each carries all that it needs, because a page gives no way to share them."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def joined(*names: str) -> str:
    """Files of this folder one behind the other: a widget's script or style, the shared ones first."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in names)
