"""Keras is asked once for each kind of layer and input, and again when anything that bears on shapes has changed."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import keras
import pytest
from keras import layers

from shape_magic.capture.session import Session
from shape_magic.facts import Given, Model
from shape_magic.spans import Shape
from shape_magic.trace import reuse
from shape_magic.trace.known import known
from shape_magic.trace.models import model_facts
from shape_magic.words import use
from tests.trace.every_layer import ONE_INPUT


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    reuse.forget()
    yield
    reuse.forget()


@contextmanager
def calls_counted() -> Iterator[list[str]]:
    """The classes of the layers that Keras is called for, inner ones left out."""
    calls: list[str] = []
    depth = 0
    originals = {name: getattr(keras.Layer, name) for name in ("__call__", "compute_output_spec")}

    def counting(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal depth
            if depth == 0:
                calls.append(type(self).__name__)
            depth += 1
            try:
                return original(self, *args, **kwargs)
            finally:
                depth -= 1

        return call

    for name, original in originals.items():
        setattr(keras.Layer, name, counting(original))
    try:
        yield calls
    finally:
        for name, original in originals.items():
            setattr(keras.Layer, name, original)


def stack(n: int, changed: int | None = None) -> list[Any]:
    return [layers.Dense(99 if i == changed else 10 + i) for i in range(n)]


def trace(parts: list[Any], start: Shape = (None, 8)) -> Model:
    return model_facts(Session(), keras.Sequential(parts), {}, given=Given(inputs=(start,)))


def test_every_layer_is_asked_once() -> None:
    parts = stack(40)
    with calls_counted() as calls:
        first = trace(parts)
    assert len(calls) == 40
    with calls_counted() as calls:
        second = trace(parts)
    assert calls == []
    assert (first.calls, first.params) == (second.calls, second.params)


def test_other_layers_that_are_configured_alike_are_not_asked() -> None:
    before = trace(stack(40))
    with calls_counted() as calls:
        after = trace(stack(40))
    assert calls == []
    assert [c.output_shapes for c in before.calls] == [c.output_shapes for c in after.calls]
    assert [c.params for c in before.calls] == [c.params for c in after.calls]
    assert [c.layer for c in before.calls] != [c.layer for c in after.calls]


def test_an_edit_asks_what_changed_and_what_reads_it() -> None:
    trace(stack(40))
    with calls_counted() as calls:
        after = trace(stack(40, changed=20))
    assert len(calls) == 2
    assert after.calls[21].input_shapes == ((None, 99),)
    assert after.calls[21].params == (99 + 1) * 31


def test_blocks_that_repeat_are_asked_once() -> None:
    with calls_counted() as calls:
        model = trace([layers.Dense(8) for _ in range(30)])
    assert calls == ["Dense"]
    assert model.params == 30 * (8 + 1) * 8


@pytest.mark.parametrize("name", [n for n in ONE_INPUT if not n.startswith("Normalization")])
def test_what_was_kept_is_what_keras_says(name: str) -> None:
    make, start = ONE_INPUT[name]
    asked, kept = trace([make()], start), trace([make()], start)
    real = make()
    result = real(keras.KerasTensor(start))
    shapes = tuple(tuple(t.shape) for t in keras.tree.flatten(result))
    for model in (asked, kept):
        assert model.calls[0].output_shapes == shapes
        assert model.calls[0].params == real.count_params()


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda layer: setattr(layer, "filters", 6), (None, 14, 14, 6)),
        (lambda layer: setattr(layer, "kernel_size", (5, 5)), (None, 12, 12, 4)),
        (lambda layer: setattr(layer, "padding", "same"), (None, 16, 16, 4)),
    ],
)
def test_a_changed_attribute_is_seen(change: Callable[[Any], None], shape: Shape) -> None:
    layer = layers.Conv2D(4, 3)
    assert trace([layer], (None, 16, 16, 1)).outputs == ((None, 14, 14, 4),)
    change(layer)
    assert trace([layer], (None, 16, 16, 1)).outputs == (shape,)


def test_a_value_at_the_address_of_an_old_one_is_seen() -> None:
    def sized(k: int) -> tuple[int, ...]:
        return (k,) * 2  # made now: no constant of the code keeps it

    layer = layers.Conv2D(4, 3)
    layer.kernel_size = sized(3)
    assert trace([layer], (None, 16, 16, 1)).outputs == ((None, 14, 14, 4),)
    address = id(layer.kernel_size)
    gc.collect()  # the twin that was called goes, with its share in the tuple
    for _ in range(100):
        layer.kernel_size = sized(5)
        if id(layer.kernel_size) == address:
            break
    assert trace([layer], (None, 16, 16, 1)).outputs == ((None, 12, 12, 4),)


def test_a_list_is_no_tuple() -> None:
    one, other = layers.Reshape((4, 2)), layers.Reshape((4, 2))
    other.target_shape = [4, 2]
    assert known(one).key != known(other).key


def test_a_change_in_a_layer_inside_is_seen() -> None:
    inner = layers.Dense(3)
    outer = layers.TimeDistributed(inner)
    assert trace([outer], (None, 5, 8)).outputs == ((None, 5, 3),)
    inner.units = 4
    assert trace([outer], (None, 5, 8)).outputs == ((None, 5, 4),)


def test_a_change_in_a_list_is_seen() -> None:
    layer = layers.Reshape([4, 2])
    layer.target_shape = [4, 2]
    assert trace([layer]).outputs == ((None, 4, 2),)
    layer.target_shape[:] = [2, 4]
    assert trace([layer]).outputs == ((None, 2, 4),)


def test_a_layer_that_was_built_since_tells_its_own_weights() -> None:
    layer = layers.Dense(3)
    assert known(layer).weights == (0, 0)
    layer.build((None, 4))
    assert known(layer).weights == (15, 60)


def test_a_float_is_no_size_even_where_it_is_equal() -> None:
    assert trace([layers.Reshape((4, 2))]).outputs == ((None, 4, 2),)
    broken = layers.Reshape((4, 2))
    broken.target_shape = (4.0, 2)
    assert known(broken).key != known(layers.Reshape((4, 2))).key


class Sub(layers.Dense):
    """A class of the user's that inherits from Keras'."""


@pytest.mark.parametrize(
    "make",
    [
        lambda k: layers.Lambda(lambda x: x[:, :k]),
        lambda k: layers.Dense(3, activation=lambda x: x[:, :k]),
        Sub,
    ],
)
def test_code_of_the_users_is_asked_each_time(make: Callable[[int], Any]) -> None:
    for k in (2, 3):
        assert known(make(k)).key is None
    with calls_counted() as calls:
        trace([make(2)])
        trace([make(2)])
    assert len(calls) == 2


def test_a_mask_goes_on_where_layers_are_not_asked() -> None:
    words = [layers.Embedding(50, 6, mask_zero=True), layers.LSTM(4, return_sequences=True)]
    trace(words, (None, 9))
    seen: SimpleQueue[Any] = SimpleQueue()  # what a list holds is put back

    class Reader(layers.Layer):
        def call(self, x: Any, mask: Any = None) -> Any:
            seen.put(mask)
            return x

    trace([*words, Reader()], (None, 9))
    masks = [seen.get() for _ in range(seen.qsize())]
    assert [tuple(mask.shape)[1:] for mask in masks if mask is not None] == [(9,)]


def test_a_refusal_is_asked_again_and_names_its_own_layer() -> None:
    for name in ("one", "two"):
        failed = trace([layers.Conv2D(3, 3, name=name)]).calls[0]
        assert failed.failure is not None
        assert name in failed.failure.message


def test_what_is_kept_is_bounded_and_keeps_no_layer_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse._answers, "most", 20)
    parts = stack(60)
    gone = [weakref.ref(layer) for layer in parts]
    trace(parts)
    assert len(reuse._answers) == 20
    del parts
    gc.collect()
    assert not any(ref() for ref in gone)


def test_words_follow_the_language() -> None:
    (call,) = trace([layers.Dense(3)]).calls
    english = call.summary
    use("de")
    try:
        assert call.summary != english
    finally:
        use()
    assert call.summary == english


def test_the_users_layers_are_what_they_were() -> None:
    parts = [layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)]
    before = [dict(vars(layer)) for layer in parts]
    for _ in range(2):
        trace(parts, (None, 16, 16, 1))
    assert [dict(vars(layer)) for layer in parts] == before
