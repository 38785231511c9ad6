"""Keras and its backend: imported at the first use, and missed in one sentence."""

from __future__ import annotations

from shape_magic.errors import BackendMissingError
from shape_magic.words import say


def require_keras() -> None:
    """Import Keras; raises ``BackendMissingError`` that says what to install."""
    try:
        import keras
    except ImportError as error:
        raise BackendMissingError(say("usage.no_keras", error=error)) from None
    version = tuple(int(p) for p in keras.__version__.split(".")[:2] if p.isdigit())
    if version < (3, 3):
        raise BackendMissingError(say("usage.keras_too_old", version=keras.__version__))
