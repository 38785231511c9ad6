"""Answers of Keras' layers, kept by (class, configuration, input): what was called once is not called again.

Only Keras' own layers without callables of the user's are answered for: equal configurations then give
equal shapes. What is kept is plain data, the same for every model of the process, and bounded.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from shape_magic.spans import Shape
from shape_magic.trace import known as what
from shape_magic.trace.rows import shape
from shape_magic.trace.table import Table

#: So many answers are kept, about a kilobyte each.
_MOST = 8192


@dataclass(frozen=True, slots=True)
class Spec:
    """A symbolic tensor's outside."""

    shape: Shape
    dtype: str
    #: The mask that goes with it, which later layers take as an argument.
    mask: Spec | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call gives: its outputs, nested as the layer nests them, and the weights that it made."""

    outputs: Any
    weights: tuple[int, int]


_answers: Table[Hashable, Answer] = Table(_MOST)


def kept(key: Hashable) -> Answer | None:
    """The answer to this question, if it was asked before."""
    return _answers.get(key)


def keep(key: Hashable, answer: Answer) -> None:
    """Keep an answer."""
    _answers.keep(key, answer)


def forget() -> None:
    """Keep nothing of what was asked so far."""
    _answers.forget()
    what.forget()


class Flow:
    """What goes from one layer to the next: its specs, and symbols once a layer has to be called on them."""

    __slots__ = ("_symbols", "specs")

    def __init__(self, specs: Any, symbols: Any = None) -> None:
        #: Nested as the tensors are; None where something in it has no spec.
        self.specs = specs
        self._symbols = symbols

    @classmethod
    def of(cls, symbols: Any) -> Flow:
        """The flow of a call's result."""
        return cls(_specs(symbols), symbols)

    @property
    def symbols(self) -> Any:
        """The symbolic tensors."""
        if self._symbols is None:
            self._symbols = _symbols(self.specs)
        return self._symbols

    @property
    def shapes(self) -> list[Shape]:
        """The shapes of the tensors in it, in Keras' order."""
        if isinstance(self.specs, Spec):
            return [self.specs.shape]
        from keras import tree

        return [
            shape(t) for t in tree.flatten(self._symbols if self.specs is None else self.specs) if hasattr(t, "shape")
        ]

    @property
    def key(self) -> Hashable | None:
        """Equal for flows on which equal layers answer alike; None where that can't be said."""
        return self.specs if isinstance(self.specs, Spec) else _hashable(self.specs)


def _hashable(specs: Any) -> Hashable | None:
    if not isinstance(specs, list | tuple) or not all(isinstance(s, Spec) for s in specs):
        return None
    return type(specs).__name__, *specs


def _specs(symbols: Any) -> Any:
    import keras

    if type(symbols) is keras.KerasTensor:
        return _spec(symbols)
    if not isinstance(symbols, list | tuple) or type(symbols) not in (list, tuple):
        return None
    parts = [_specs(one) for one in symbols]
    return None if any(part is None for part in parts) else type(symbols)(parts)


def _spec(symbol: Any) -> Spec | None:
    if getattr(symbol, "sparse", False) or getattr(symbol, "ragged", False):
        return None
    mask = getattr(symbol, "_keras_mask", None)
    if mask is None:
        return Spec(shape(symbol), str(symbol.dtype))
    return Spec(shape(symbol), str(symbol.dtype), Spec(shape(mask), str(mask.dtype)))


def _symbols(specs: Any) -> Any:
    import keras

    if not isinstance(specs, Spec):
        return type(specs)(_symbols(one) for one in specs)
    symbol = keras.KerasTensor(specs.shape, dtype=specs.dtype)
    if specs.mask is not None:
        symbol._keras_mask = _symbols(specs.mask)
    return symbol
