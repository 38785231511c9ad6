"""How the sizes of a grid or a sequence go through a model, by the formulas of Keras' layers.

With them a rule can ask what would come out if a layer had another padding, before anything is
tried: the proof then runs only what the numbers already promise. Sizes are those of the axes
between batch and channels; channels-first layers are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shape_magic.facts import Call, Model
from shape_magic.spans import Shape

Sizes = tuple[int, ...]
#: Other values for arguments of some calls, by the call's number.
Changes = Mapping[int, Mapping[str, object]]

CONVOLUTIONS = ("BaseConv", "BaseDepthwiseConv", "BaseSeparableConv")
TRANSPOSED = "BaseConvTranspose"
POOLINGS = "BasePooling"


def sizes_of(shape: Shape | None) -> Sizes | None:
    """The sizes between batch and channels; None where one is open or there is none."""
    middle = shape[1:-1] if shape is not None else ()
    known = tuple(d for d in middle if d is not None)
    return known if known and len(known) == len(middle) else None


def sizes_at(model: Model, end: int, changes: Changes | None = None, removed: Sequence[int] = ()) -> Sizes | None:
    """The sizes at a call's output with these changes; None where the formulas do not tell."""
    at: dict[int, Sizes | None] = {-1 - k: sizes_of(d.shape) for k, d in enumerate(model.inputs)}
    for call in model.calls[: end + 1]:
        given = [at.get(number) for number in call.inputs]
        same = given[0] if given and all(sizes == given[0] for sizes in given) else None
        if call.call in removed:
            at[call.call] = same
        else:
            arguments = {**call.arguments, **(changes or {}).get(call.call, {})}
            at[call.call] = _after(call, arguments, same)
    return at[end]


def follows(model: Model, end: int) -> bool:
    """Whether the formulas give, without any change, what Keras gave."""
    return sizes_at(model, end) == sizes_of(model.calls[end].output_shape)


def window(call: Call) -> tuple[Sizes, Sizes] | None:
    """A window's size and its steps along each axis; None for a layer without one."""
    sizes = _numbers(call.arguments.get("kernel_size", call.arguments.get("pool_size")))
    if sizes is None:
        return None
    return sizes, _numbers(call.arguments.get("strides"), len(sizes)) or sizes


def _after(call: Call, arguments: Mapping[str, object], sizes: Sizes | None) -> Sizes | None:
    if call.is_a("RepeatVector"):
        count = arguments.get("n")
        return (count,) if isinstance(count, int) else None
    if call.is_a("Resizing"):
        return _numbers([arguments.get("height"), arguments.get("width")])
    before, after = sizes_of(call.input_shape), sizes_of(call.output_shape)
    if sizes is None or arguments.get("data_format") == "channels_first":
        return after if before is None else None
    formula = _formula(call, arguments, len(sizes))
    if formula is not None:
        found = tuple(formula(axis, size) for axis, size in enumerate(sizes))
        return found if all(size > 0 for size in found) else None
    if before == after:
        return sizes
    return after if sizes == before else None


def _formula(call: Call, arguments: Mapping[str, object], rank: int) -> Callable[[int, int], int] | None:
    """What a layer makes of one axis, by its number and size; None for a layer that has no formula here."""
    if call.is_a("UpSampling1D", "UpSampling2D", "UpSampling3D"):
        factors = _numbers(arguments.get("size"), rank)
        return (lambda axis, size: size * factors[axis]) if factors else None
    if call.is_a("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"):
        room = _both_sides(arguments.get("padding"), rank)
        return (lambda axis, size: size + room[axis]) if room else None
    if call.is_a("Cropping1D", "Cropping2D", "Cropping3D"):
        cut = _both_sides(arguments.get("cropping"), rank)
        return (lambda axis, size: size - cut[axis]) if cut else None
    if call.is_a(*CONVOLUTIONS, TRANSPOSED, POOLINGS):
        return _windowed(call, arguments, rank)
    return None


def _windowed(call: Call, arguments: Mapping[str, object], rank: int) -> Callable[[int, int], int] | None:
    given = arguments.get("kernel_size", arguments.get("pool_size"))
    kernel = _numbers(given, rank)
    strides = _numbers(arguments.get("strides"), rank) or kernel
    dilation = _numbers(arguments.get("dilation_rate"), rank) or (1,) * rank
    if kernel is None or strides is None or arguments.get("output_padding") is not None:
        return None
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    valid = arguments.get("padding") == "valid"
    if call.is_a(TRANSPOSED):
        return lambda axis, size: size * strides[axis] + (max(reach[axis] - strides[axis], 0) if valid else 0)
    if valid:
        return lambda axis, size: (size - reach[axis]) // strides[axis] + 1
    return lambda axis, size: -(-size // strides[axis])


def _numbers(value: object, rank: int = 0) -> Sizes | None:
    """Whole numbers, one per axis; a single one stands for all."""
    if isinstance(value, int):
        return (value,) * (rank or 1)
    if isinstance(value, list | tuple):
        found = tuple(v for v in value if isinstance(v, int))
        return found if found and len(found) == len(value) and rank in (0, len(found)) else None
    return None


def _both_sides(value: object, rank: int) -> Sizes | None:
    """How much is added or cut along each axis, both ends together."""
    if isinstance(value, list | tuple) and rank == 1 and all(isinstance(v, int) for v in value):
        value = [value]
    if not isinstance(value, list | tuple) or len(value) != rank:
        return None
    found = tuple(sum(ends) for ends in value if isinstance(ends, list | tuple) and _numbers(ends))
    return found if len(found) == rank else None
