"""Keras and its backend: imported at the first use, and missed in one sentence."""

from __future__ import annotations

from shape_magic.errors import BackendMissingError


def require_keras() -> None:
    """Import Keras; raises ``BackendMissingError`` that says what to install."""
    try:
        import keras
    except ImportError as error:
        raise BackendMissingError(
            f'Keras could not be imported ({error}). Install it with a backend: pip install "shape-magic[tensorflow]"'
        ) from None
    version = tuple(int(p) for p in keras.__version__.split(".")[:2] if p.isdigit())
    if version < (3, 13):
        raise BackendMissingError(f"shape_magic needs Keras 3.13 or newer; this is {keras.__version__}")
