"""Our own errors: one clear line each, and of the kind that Keras would have raised."""

from __future__ import annotations

import pickle
import sys
from typing import Any

import keras
import pytest

from shape_magic import errors

KINDS: list[tuple[type[errors.ShapeMagicError], type[Exception]]] = [
    (errors.ShapeError, ValueError),
    (errors.WeightsTooLargeError, MemoryError),
    (errors.BackendMissingError, ImportError),
    (errors.UsageError, ValueError),
]


@pytest.mark.parametrize(("kind", "base"), KINDS)
def test_each_is_ours_and_pythons(kind: type[errors.ShapeMagicError], base: type[Exception]) -> None:
    error = kind("what happened")
    assert isinstance(error, errors.ShapeMagicError)
    assert isinstance(error, base)
    assert str(error) == "what happened"
    assert error._render_traceback_() == [f"{kind.__name__}: what happened"]


@pytest.mark.parametrize(("kind", "base"), KINDS)
def test_each_survives_pickling(kind: type[errors.ShapeMagicError], base: type[Exception]) -> None:
    back = pickle.loads(pickle.dumps(kind("what happened")))
    assert (type(back), str(back)) == (kind, "what happened")
    assert isinstance(back, base)


def test_a_stopped_call_raises_what_tensorflow_would() -> None:
    import tensorflow as tf

    assert keras.backend.backend() == "tensorflow"
    error = errors.shape_error("stopped (In [3], line 1)", "InvalidArgumentError")
    assert isinstance(error, errors.ShapeError)
    assert isinstance(error, tf.errors.InvalidArgumentError)
    assert "stopped (In [3], line 1)" in str(error)
    assert error._render_traceback_() == ["ShapeError: stopped (In [3], line 1)"]


def test_without_tensorflow_its_errors_are_plain_shape_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.setattr(sys, "meta_path", [])  # and it can't be imported
    assert type(errors.shape_error("stopped", "InvalidArgumentError")) is errors.ShapeError


@pytest.mark.parametrize(("keras_type", "base"), [("ValueError", ValueError), ("TypeError", TypeError)])
def test_a_stopped_call_raises_what_keras_would(keras_type: str, base: type[Exception]) -> None:
    error: Any = errors.shape_error("stopped (In [3], line 1)", keras_type)
    assert isinstance(error, errors.ShapeError)
    assert isinstance(error, base)
    assert "stopped (In [3], line 1)" in str(error)
    assert error._render_traceback_() == ["ShapeError: stopped (In [3], line 1)"]


@pytest.mark.parametrize("name", ["", "NoSuchError", "KeyboardInterrupt", "SystemExit", "__import__", "Exception"])
def test_an_unknown_kind_is_a_plain_shape_error(name: str) -> None:
    error: Any = errors.shape_error("stopped", name)
    assert isinstance(error, errors.ShapeError)
    assert isinstance(error, ValueError)
    assert isinstance(error, Exception)
