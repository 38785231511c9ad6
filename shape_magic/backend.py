"""Keras and its backend: imported at the first use, and missed in one sentence."""

from __future__ import annotations

from shape_magic.errors import BackendMissingError
from shape_magic.words import say

#: What each backend raises about shapes, beside Keras' own ValueError.
_RAISES = {"tensorflow": "InvalidArgumentError", "jax": "TypeError", "torch": "RuntimeError"}


def shape_errors() -> frozenset[str]:
    """The names of the exceptions with which Keras and its backend refuse shapes."""
    import keras

    return frozenset({"ValueError", _RAISES.get(keras.backend.backend(), "ValueError")})


def require_keras() -> None:
    """Import Keras; raises ``BackendMissingError`` that says what to install."""
    try:
        import keras
    except ImportError as error:
        raise BackendMissingError(say("usage.no_keras", error=error)) from None
    version = tuple(int(p) for p in keras.__version__.split(".")[:2] if p.isdigit())
    if version < (3, 3):
        raise BackendMissingError(say("usage.keras_too_old", version=keras.__version__))
