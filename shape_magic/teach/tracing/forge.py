"""Making layers from their configuration, in the worker, where they cost nothing."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Mapping
from typing import Any

from shape_magic.capture.hooks import unobserved
from shape_magic.errors import UsageError
from shape_magic.teach.recipe import Config, Layer
from shape_magic.teach.tracing.spelling import shortest
from shape_magic.trace.failures import failure_of
from shape_magic.trace.stack import unbuilt
from shape_magic.trace.worker import apart
from shape_magic.words import say


class Forge:
    """Makes layers, Keras' own and those of ``classes``."""

    def __init__(self, classes: Mapping[str, type]) -> None:
        #: Classes that are not Keras' own, by their name in configurations.
        self.classes = classes
        #: The layers that Keras has made, by how they are made.
        self._made: set[str] = set()
        #: The layer that was checked last, still unused: the trace that follows wants one like it.
        self._spare: tuple[Layer, Any] | None = None
        self._arguments: dict[str, tuple[list[Any], dict[str, Any]]] = {}

    def make(self, layer: Layer) -> Any:
        """A fresh layer; raises what Keras raises for arguments that it refuses. Runs in the worker."""
        spare, self._spare = self._spare, None
        if spare is not None and spare[0] == layer:
            return spare[1]
        cls = self.class_of(layer)
        if layer.is_operation:
            return cls(**layer.config)
        return cls.from_config({**layer.config, "name": layer.name})

    def class_of(self, layer: Layer) -> Any:
        """The class of a layer."""
        own = self.classes.get(layer.class_name)
        return own if own is not None else getattr(importlib.import_module(layer.module), layer.class_name)

    def custom_scope(self) -> Any:
        import keras

        return keras.saving.custom_object_scope(dict(self.classes))

    def new_layer(self, class_name: str, name: str, arguments: Mapping[str, object]) -> Layer:
        """A layer of ``keras.layers`` with these arguments; raises ``UsageError`` in one sentence."""
        import keras

        found: Any = self.classes.get(class_name) or getattr(keras.layers, class_name, None)
        if not inspect.isclass(found) or not issubclass(found, keras.layers.Layer):
            raise UsageError(say("play.error.no_class", name=class_name))
        cls: Any = found
        module = "keras.layers" if class_name not in self.classes else cls.__module__

        def config() -> Config:
            with unobserved(), self.custom_scope():
                return dict(cls(**arguments).get_config())

        try:
            made = apart(config)
        except Exception as error:  # noqa: BLE001 - whatever a constructor says against its arguments
            raise UsageError(say("play.error.refused", name=class_name, why=why(error))) from None
        return Layer(name, class_name, module, plain_config(made, name))

    def has_made(self, layer: Layer) -> bool:
        """Whether it is known that there can be such a layer."""
        return layer.inside is not None or layer.is_input or made_of(layer) in self._made

    def check(self, layer: Layer) -> None:
        """Raise ``UsageError`` where Keras makes no such layer, whatever its input."""
        if self.has_made(layer):
            return

        def make() -> Any:
            with unobserved(), self.custom_scope():
                return self.make(layer)

        try:
            self._spare = layer, apart(make)
        except Exception as error:  # noqa: BLE001 - whatever a constructor says against its arguments
            raise UsageError(say("play.error.refused", name=layer.name, why=why(error))) from None
        self._made.add(made_of(layer))

    def written_arguments(self, layer: Layer) -> tuple[list[Any], dict[str, Any]]:
        """The arguments that make this layer as a person would write them: by position, and by name."""
        key = made_of(layer)
        if key not in self._arguments:

            def found() -> tuple[list[Any], dict[str, Any]]:
                with unobserved(), self.custom_scope():
                    return shortest(self.class_of(layer), layer.config)

            self._arguments[key] = apart(found)
        return self._arguments[key]


def made_of(layer: Layer) -> str:
    """What makes two layers the same but for their names."""
    return json.dumps([layer.module, layer.class_name, layer.config], sort_keys=True)


def plain_config(config: Mapping[str, Any], name: str) -> Config:
    """A configuration as JSON takes it, the layer's name left out; raises ``UsageError`` where it doesn't."""
    try:
        plain: dict[str, Any] = json.loads(json.dumps({k: unbuilt(v) for k, v in config.items() if k != "name"}))
    except (TypeError, ValueError):
        raise UsageError(say("play.error.no_copy", name=name)) from None
    return plain


def why(error: Exception) -> str:
    """Keras' own sentence, without the configuration that it repeats before it."""
    return failure_of(error).message.rpartition("Exception encountered: ")[2]
