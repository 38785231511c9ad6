"""The second tier: the real calls of layers traced with a batch, where their shape formulas are known to lie.

A layer's formula is asked when a model is built; the batch axis is open then, and many formulas do
not look at all they should (attention, initial states, custom layers, shared weights). Here the call
itself is traced on symbols with a batch of a prime size, so that an axis that takes the place of the
batch can be told from it. Nothing is computed and nothing is allocated.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shape_magic.backend import shape_errors
from shape_magic.capture.blame import is_users_own
from shape_magic.capture.hooks import unobserved
from shape_magic.capture.session import Session
from shape_magic.facts import Failure, Run
from shape_magic.spans import Shape
from shape_magic.trace.culprits import culprits
from shape_magic.trace.exact import is_exact
from shape_magic.trace.failures import failure_of
from shape_magic.trace.known import known
from shape_magic.trace.layers import is_keras
from shape_magic.trace.reuse import Answer, Spec, keep, kept
from shape_magic.trace.rows import Step, is_layer, shape
from shape_magic.trace.untouched import as_they_were
from shape_magic.trace.worker import apart
from shape_magic.untrusted import asked

#: Batches that a program may have been written for: a call that works for one of them is not wrong by itself.
_USUAL = (32, 64, 16, 8, 4, 2, 128, 256, 100, 50, 20, 10, 12, 24)
_PRIMES = (7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)
#: Operations that put rows together by numbers that come with them: how many there are then, no batch tells.
_REGROUPING = frozenset({"SegmentMax", "SegmentReduction", "SegmentSum"})
#: A model with more doubtful calls than this is looked at as far as this.
_MOST_CALLS = 150
#: A subclassed model or wrapper with more layers than this is not traced again.
_MOST_LAYERS = 120


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor on its way with a batch."""

    shape: Shape
    dtype: str
    #: The row in which the batch axis was lost, while it has not come back.
    lost: int | None = None


#: What an axis that is open in the model is taken to be where no data tell: no window is larger.
_OPEN_SIZE = 64


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a known use of the model says of its real calls."""

    #: The sizes of its batches; empty: not known, and what works for some usual batch is let be.
    batches: tuple[int, ...] = ()
    #: Whether a batch of it has more rows of one thing than of another: then its rows are no samples.
    is_uneven: bool = False
    #: The shapes of its data, by the id of the input's symbol.
    data: Mapping[int, Shape] = field(default_factory=dict)
    #: What the layers are told; None: nothing.
    training: bool | None = None


_UNKNOWN = Circumstances()


def runs(session: Session, steps: Sequence[Step], ends: Sequence[Any], use: Circumstances = _UNKNOWN) -> dict[int, Run]:
    """What the real calls do other than their formulas say, by row; empty nearly always."""
    return {} if are_exact(steps) else apart(lambda: _runs(session, steps, ends, use))


def are_exact(steps: Sequence[Step]) -> bool:
    """Whether the formulas of all these calls can be believed."""
    return all(_passes(step) if step.call is None else is_exact(step) for step in steps)


def _passes(step: Step) -> bool:
    return all(shape(a)[1:] == shape(b)[1:] for a, b in zip(step.args, step.outputs, strict=False))


def _runs(session: Session, steps: Sequence[Step], ends: Sequence[Any], use: Circumstances) -> dict[int, Run]:
    starts = [t for step in steps for t in _symbols((step.args, step.kwargs))]
    sizes = _sizes(steps)
    fixed = {shape(t)[0] for t in starts if t.shape and _is_start(t)} - {None}
    if len(fixed) > 1 or use.is_uneven:
        return {}
    batch = next(iter(fixed), None) or next((p for p in _PRIMES if p not in sizes), _PRIMES[-1])
    walk = _Walk(session, batch, use)
    walk.through(steps)
    if walk.failed is not None:
        return _confirmed(session, steps, ends, walk, use if not fixed else replace(use, batches=(batch,)))
    if fixed:
        return {}
    return dict(_lost(walk, ends, bool(use.batches)))


def _sizes(steps: Sequence[Step]) -> set[int | None]:
    return {d for step in steps for t in _symbols((step.args, step.kwargs)) for d in shape(t)}


def _is_start(tensor: Any) -> bool:
    history = getattr(tensor, "_keras_history", None)
    return history is None or history.operation is None or type(history.operation).__name__ == "InputLayer"


def _confirmed(
    session: Session, steps: Sequence[Step], ends: Sequence[Any], walk: _Walk, use: Circumstances
) -> dict[int, Run]:
    """The failure, if it is one for the batches that are used, or for all that may be."""
    failed = walk.failed
    assert failed is not None
    number, failure = failed
    # A batch as large as one of the sizes would hide what is wrong with the axes.
    for batch in use.batches or [b for b in _USUAL if b not in _sizes(steps)]:
        again = _Walk(session, batch, use, closed=True)
        again.through(steps)
        if use.batches and again.failed is not None:
            return {again.failed[0]: Run(batch, None, again.failed[1], _built_for(steps, again.failed[0]))}
        if not use.batches and again.failed is None and not _lost(again, ends, False):
            return {}
    return {} if use.batches else {number: Run(walk.batch, None, failure, _built_for(steps, number))}


def _built_for(steps: Sequence[Step], number: int) -> Shape | None:
    """What the failing layer was called on at first, if that was something else."""
    step = next(s for s in steps if s.call == number)
    symbols = _symbols((step.args, step.kwargs))
    if not is_layer(step.layer) or not step.layer.weights or not symbols or not step.layer._inbound_nodes:
        return None
    first = step.layer._inbound_nodes[0].input_tensors
    return shape(first[0]) if first and shape(first[0])[1:] != shape(symbols[0])[1:] else None


def _lost(walk: _Walk, ends: Sequence[Any], is_used: bool) -> list[tuple[int, Run]]:
    found = []
    for end in ends:
        tensor = walk.at.get(id(end))
        if tensor is None or tensor.lost is None or not tensor.shape:
            continue
        # A multiple or a part of the batch is a way to fold an axis into it, or rows into an axis: of a model that
        # is not used, no more is known.
        rows = tensor.shape[0] or 0
        if not is_used and (rows % walk.batch == 0 or (rows > 1 and walk.batch % rows == 0)):
            continue
        found.append((tensor.lost, Run(walk.batch, walk.gave[tensor.lost])))
    return found


class _Walk:
    """One way through the calls with one batch; ``closed``: with a size for every open axis of an input."""

    def __init__(self, session: Session, batch: int, use: Circumstances, *, closed: bool = False) -> None:
        self.batch = batch
        self._use = use
        self._closed = closed
        self.at: dict[int, _Tensor | None] = {}
        #: The first output of each row, as it was run.
        self.gave: dict[int, Shape] = {}
        self.failed: tuple[int, Failure] | None = None
        self._session = session
        self._count = 0

    def through(self, steps: Sequence[Step]) -> None:
        """Go on until a call fails."""
        refused: Failure | None = None
        for step in steps:
            if step.call is None:
                refused = refused or self._hand_over(step)
            elif refused is not None:
                self.failed = step.call, refused
                return
            elif not self._step(step, step.call):
                return

    def _hand_over(self, step: Step) -> Failure | None:
        """Hand tensors to a nested model; the failure where it takes none of that many axes."""
        for outside, inside in zip(step.args, step.outputs, strict=False):
            given = self._tensor(outside)
            fitted = _fitted(given, shape(inside)) if given is not None else None
            if fitted is not None and len(fitted.shape) != len(shape(inside)):
                return _refused(fitted.shape, shape(inside))
            self.at[id(inside)] = fitted
        return None

    def _tensor(self, symbol: Any) -> _Tensor | None:
        if id(symbol) not in self.at:
            start = self._expected(symbol)
            if self._closed and None in start.shape[1:]:
                start = replace(start, shape=(start.shape[0], *self._sizes_of(symbol)))
            self.at[id(symbol)] = start
        return self.at[id(symbol)]

    def _sizes_of(self, symbol: Any) -> Shape:
        """The axes of an input but the batch, the open ones in the size that the data have."""
        sizes = shape(symbol)[1:]
        data = self._use.data.get(id(symbol), ())[1:]
        known = data if len(data) == len(sizes) else sizes
        return tuple(a if a is not None else b or _OPEN_SIZE for a, b in zip(sizes, known, strict=True))

    def _expected(self, symbol: Any) -> _Tensor:
        sizes = shape(symbol)
        return _Tensor((self.batch, *sizes[1:]) if sizes and sizes[0] is None else sizes, str(symbol.dtype))

    def _step(self, step: Step, number: int) -> bool:
        symbols = _symbols((step.args, step.kwargs))
        given = [self._tensor(s) for s in symbols]
        if any(g is None for g in given) or type(step.layer).__name__ in _REGROUPING:
            self.at |= {id(t): None for t in step.outputs}
            return True
        known = [g for g in given if g is not None]
        plain = all(g.shape == self._expected(s).shape for g, s in zip(known, symbols, strict=True))
        if plain and (is_exact(step) or self._count >= _MOST_CALLS):
            outputs = [self._expected(t) for t in step.outputs]
        else:
            result = self._real(step, {id(s): g for s, g in zip(symbols, known, strict=True)})
            if isinstance(result, Failure):
                self.failed = number, result
                return False
            if result is None:
                self.at |= {id(t): None for t in step.outputs}
                return True
            outputs = result
        for symbol, output in zip(step.outputs, outputs, strict=False):
            self.at[id(symbol)] = _Tensor(output.shape, output.dtype, self._lost_at(known, output.shape, number))
        if outputs:
            self.gave[number] = outputs[0].shape
        return True

    def _lost_at(self, given: Sequence[_Tensor], output: Shape, number: int) -> int | None:
        if not output or output[0] is None or output[0] == self.batch:
            return None
        if any(g.shape and g.shape[0] == self.batch for g in given):
            return number
        return next((g.lost for g in given if g.lost is not None), None)

    def _real(self, step: Step, given: dict[int, _Tensor]) -> list[_Tensor] | Failure | None:
        """The real call's outputs; None where it can't be known."""
        question = _question(step, given, self._use.training)
        answer = kept(question) if question is not None else None
        if answer is not None:
            return [_Tensor(spec.shape, spec.dtype) for spec in answer.outputs]
        self._count += 1
        result = _called(self._session, step, given, self._use.training)
        if question is not None and isinstance(result, list):
            keep(question, Answer([Spec(t.shape, t.dtype) for t in result], (0, 0)))
        return result


def _refused(given: Shape, wanted: Shape) -> Failure:
    """What a graph says to an input of another rank, when it is called on values and not on symbols."""
    said = f"Invalid input shape for input with shape {given}. Expected shape {wanted}, but input has shape {given}"
    return Failure("ValueError", said)


def _fitted(given: _Tensor, wanted: Shape) -> _Tensor:
    """What a nested model does first: it adds or drops a last axis of 1."""
    sizes = given.shape
    if len(sizes) == len(wanted) + 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    elif len(sizes) == len(wanted) - 1 and wanted[-1] == 1:
        sizes = (*sizes, 1)
    return _Tensor(sizes, given.dtype, given.lost)


def _symbols(structure: Any) -> list[Any]:
    import keras

    return [t for t in keras.tree.flatten(structure) if isinstance(t, keras.KerasTensor)]


def _called(
    session: Session, step: Step, given: dict[int, _Tensor], training: bool | None
) -> list[_Tensor] | Failure | None:
    import keras
    from keras.src import backend

    layer = step.layer
    if not _may_run(layer):
        return None

    def symbol(tensor: Any) -> Any:
        if isinstance(tensor, keras.KerasTensor):
            known = given[id(tensor)]
            return keras.KerasTensor(known.shape, dtype=known.dtype)
        return tensor

    args, kwargs = keras.tree.map_structure(symbol, (step.args, step.kwargs))
    if training is not None and getattr(layer, "_call_has_training_arg", False):
        kwargs["training"] = training  # in a model, what a node was called with gives way to it
    try:
        with unobserved(), asked(), as_they_were(layer):
            result = backend.compute_output_spec(layer if is_layer(layer) else layer.call, *args, **kwargs)
    except Exception as error:  # noqa: BLE001 - what the real call raises is the finding
        return replace(failure_of(error), spans=culprits(session, error)) if _is_of_shapes(error, layer) else None
    return [_Tensor(shape(t), str(t.dtype)) for t in _symbols(result)]


def _is_of_shapes(error: Exception, layer: Any) -> bool:
    """Whether an exception is Keras' word on the input, and not on being traced."""
    if is_users_own(error):
        return False
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & shape_errors()) or (
        is_keras(layer) and not names & {"NotImplementedError", "AttributeError", "NotFoundError", "ImportError"}
    )


def _may_run(layer: Any) -> bool:
    if not is_layer(layer):
        return True
    inside = list(layer._flatten_layers())
    if len(inside) > _MOST_LAYERS or not layer.built:
        return False
    return all(one.built or is_keras(one) for one in inside) if is_keras(layer) else all(one.built for one in inside)


def _question(step: Step, given: dict[int, _Tensor], training: bool | None) -> Hashable | None:
    """What makes two calls the same; None where it can't be said (the user's own code, callables)."""
    import keras

    key = known(step.layer).key
    if key is None:
        return None
    return key, "with a batch", training, repr([_seen(t, given) for t in keras.tree.flatten((step.args, step.kwargs))])


def _seen(value: Any, given: dict[int, _Tensor]) -> object:
    known = given.get(id(value))
    if known is not None:
        return known.shape, known.dtype
    return ("array", tuple(value.shape)) if hasattr(value, "shape") else value
