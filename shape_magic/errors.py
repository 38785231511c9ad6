"""The errors that shape_magic raises itself: one clear line each."""

from __future__ import annotations

import sys


class ShapeMagicError(Exception):
    """Base of all errors of our own."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        from shape_magic.display.parts import visible

        return [visible(f"{type(self).__name__}: {self}", lines=True)]


class ShapeError(ShapeMagicError, ValueError):
    """A call was stopped before its first step: Keras would have raised in it. A ValueError, as Keras' own."""


def shape_error(message: str, keras_type: str) -> ShapeError:
    """A ``ShapeError`` that is of the type that Keras would have raised too: the user's ``except`` takes it."""
    if keras_type == "InvalidArgumentError" and "tensorflow" in sys.modules:  # only TensorFlow raises its own errors
        import tensorflow as tf

        class InvalidShapeError(ShapeError, tf.errors.InvalidArgumentError):  # type: ignore[misc]
            """The shapes of a call do not work out."""

            def __init__(self, text: str) -> None:
                tf.errors.InvalidArgumentError.__init__(self, None, None, text)

        InvalidShapeError.__name__ = ShapeError.__name__
        error: ShapeError = InvalidShapeError(message)
        return error
    kinds = (TypeError, IndexError, KeyError, RuntimeError)
    base = next((kind for kind in kinds if kind.__name__ == keras_type), None)
    if base is None:
        return ShapeError(message)
    mixed: type[ShapeError] = type("ShapeError", (ShapeError, base), {})
    return mixed(message)


class WeightsTooLargeError(ShapeMagicError, MemoryError):
    """A weight was not allocated: the model's weights do not fit into memory."""


class BackendMissingError(ShapeMagicError, ImportError):
    """Keras or its backend is not installed."""


class UsageError(ShapeMagicError, ValueError):
    """shape_magic was called with something that it can't work with."""
