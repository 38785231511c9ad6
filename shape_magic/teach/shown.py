"""How what is in a lesson displays itself."""

from __future__ import annotations

from typing import Any


def bundle_of(widget: Any) -> dict[str, Any]:
    """What a front end is given of a widget; some versions of anywidget give its metadata with it."""
    made = widget._repr_mimebundle_()
    return dict(made[0] if isinstance(made, tuple) else made or {})
