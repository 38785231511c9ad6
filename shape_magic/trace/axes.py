"""What each axis of a tensor means, followed through the stack.

A layer that works on a grid or a sequence says what it reads and gives; the others pass the names
on. Where nothing says anything (a Dense on a table of rows) the middle axes stay ``"?"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from shape_magic.facts import Call
from shape_magic.spans import Axes, Shape
from shape_magic.trace.table import shared

GRIDS: Mapping[int, Axes] = {1: ("time",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_SEQUENCE_MAKERS = {"RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}
_ATTENTIONS = {"MultiHeadAttention", "Attention", "AdditiveAttention", "GroupedQueryAttention"}


def grid_rank(call: Call) -> int | None:
    """How many spatial axes a convolution, pooling, padding, cropping or resizing layer works on."""
    return _grid_rank(call.bases)


@lru_cache(1024)
def _grid_rank(bases: tuple[str, ...]) -> int | None:
    for base in bases:
        head = next((h for h in _GRID_LAYERS if base.startswith(h) or h in base), None)
        if head and base[-2:-1].isdigit() and base.endswith("D"):
            return int(base[-2])
        if head and base.endswith("Transpose") and base[-11:-10].isdigit():
            return int(base[-11])
    return None


_GRID_LAYERS = ("Conv", "Pooling", "UpSampling", "ZeroPadding", "Cropping", "SpatialDropout")


def with_axes(calls: tuple[Call, ...], inputs: tuple[Shape, ...]) -> tuple[Call, ...]:
    """The calls with ``input_axes`` and ``output_axes`` filled in: those of a trace that nobody else has seen yet."""
    wanted: dict[int, Axes] = {}
    kinds = [_kind(call) for call in calls]
    for call, kind in zip(calls, kinds, strict=True):  # the first reader that knows names the model's input
        for source, shape in zip(call.inputs, call.input_shapes, strict=False):
            if source < 0 and (said := _read_by(*kind, len(shape))):
                wanted.setdefault(source, said)
    axes: dict[int, Axes] = {-1 - k: wanted.get(-1 - k) or unnamed(len(s)) for k, s in enumerate(inputs)}
    for call, kind in zip(calls, kinds, strict=True):
        given = tuple(
            [
                _merge(_read_by(*kind, len(shape)), axes.get(source), len(shape))
                for source, shape in zip(call.inputs, call.input_shapes, strict=False)
            ]
        )
        gives = tuple([_given_by(*kind, given[0] if given else None, len(s)) for s in call.output_shapes])
        axes[call.call] = gives[0] if gives else ()
        call.name_axes(shared(given), shared(gives))
    _name_from_below(calls)
    return calls


def unnamed(rank: int) -> Axes:
    """Names for a tensor of which nothing is known but its rank."""
    if rank == 0:
        return ()
    return ("batch", *("?",) * max(rank - 2, 0), *(("features",) if rank > 1 else ()))


def _merge(said: Axes | None, known: Axes | None, rank: int) -> Axes:
    if known and len(known) == rank and "?" not in known:
        return known
    return said if said and len(said) == rank else (known if known and len(known) == rank else unnamed(rank))


def _kind(call: Call) -> tuple[tuple[str, ...], bool, bool]:
    """The bases of the layer that looks at the axes, whether channels come first to it, and whether each step does."""
    by_step = call.is_a("TimeDistributed")
    bases, arguments = (call.wrapped_bases, call.wrapped_arguments) if by_step else (call.bases, call.arguments)
    return bases, _grid_rank(bases) is not None and arguments.get("data_format") == "channels_first", by_step


@lru_cache(4096)
def _read_by(bases: tuple[str, ...], channels_first: bool, by_step: bool, rank: int) -> Axes | None:
    """What the axes of an input of this rank mean to a layer of this class; None where it doesn't say."""
    if by_step:
        each = _read_by(bases, channels_first, False, rank - 1) if rank > 1 else None
        return _over_time(each or unnamed(rank - 1)) if rank > 2 else None
    n = _grid_rank(bases)
    kinds = set(bases)
    if n is not None and rank == n + 2:
        return ("batch", "channels", *GRIDS[n]) if channels_first else ("batch", *GRIDS[n], "channels")
    if n is not None and kinds & _SEQUENCE_MAKERS:
        return _over_time(_read_by(bases, channels_first, False, n + 2) or ()) if rank == n + 3 else None
    if kinds & _SEQUENCE_MAKERS and rank == 3:
        return ("batch", "time", "features")
    if "Embedding" in kinds and rank == 2:
        return ("batch", "time")
    if kinds & _ATTENTIONS and rank == 3:
        return ("batch", "time", "features")
    return None


def _over_time(each: Axes) -> Axes:
    """The axes of what is done at each step, with those steps in the second place."""
    return (*each[:1], "time", *each[1:])


@lru_cache(4096)
def _given_by(bases: tuple[str, ...], channels_first: bool, by_step: bool, first: Axes | None, rank: int) -> Axes:
    """What the axes of an output of this rank mean; ``first``: what those of the first input do, if there is one."""
    first = unnamed(rank) if first is None else first
    if by_step:
        each = (*first[:1], *first[2:])
        return _over_time(_given_by(bases, channels_first, False, each, rank - 1)) if rank > 1 else unnamed(rank)
    n = _grid_rank(bases)
    kinds = set(bases)
    if n is not None and rank >= n + 2:
        return _read_by(bases, channels_first, False, rank) or unnamed(rank)
    if "Embedding" in kinds:
        return (*first, "features") if len(first) + 1 == rank else unnamed(rank)
    if kinds & _SEQUENCE_MAKERS:
        return ("batch", "time", "features") if rank == 3 else unnamed(rank)
    if "RepeatVector" in kinds:
        return ("batch", "time", "features")
    if kinds & {"Reshape", "Permute"}:
        return unnamed(rank)
    if kinds & {"Dense", "EinsumDense"} and len(first) == rank:
        return (*first[:-1], "features") if rank > 1 else first
    return first if len(first) == rank else unnamed(rank)


def _name_from_below(calls: tuple[Call, ...]) -> None:
    # A Reshape does not say what its axes mean; the layer that reads them does.
    known = {
        source: axes
        for call in reversed(calls)
        for source, axes in zip(call.inputs, call.input_axes, strict=False)
        if "?" not in axes
    }
    for call in calls:
        gives, said = call.output_axes, known.get(call.call, ())
        if gives and "?" in gives[0] and len(said) == len(gives[0]):
            call.name_axes(call.input_axes, (said, *gives[1:]))
