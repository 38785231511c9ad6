"""Data and labels by their shape, and labels by a bounded sample of their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shape_magic.facts import Data, LabelFacts
from shape_magic.spans import Shape, Span
from shape_magic.untrusted import ask, module_of, named

#: Of larger sizes, in bits, even a few could not be multiplied into a number that Python writes.
_LARGEST = 256
#: How many numbers of an array are looked at, at most.
SAMPLE = 65_536
#: The same where only the smallest and the largest are wanted: the rarest word may stand anywhere.
_RANGED = 2**24
#: How many rows of Python objects are looked at, at most.
ROWS = 1_000
#: Whose arrays lie in memory; others may have to be read from a disk or computed first.
_IN_MEMORY = frozenset({"numpy", "pandas", "tensorflow", "jaxlib", "jax", "torch"})


class Spec:
    """Stands for an array of a batch: its shape with the batch axis open, and its dtype."""

    def __init__(self, asked: tuple[int | None, ...], dtype: str) -> None:
        self.shape = (None, *asked[1:]) if asked else ()
        self.dtype = dtype
        #: The shape that the array of the first batch had.
        self.asked = asked


def describe(
    value: Any, name: str, span: Span | None = None, *, sample: bool = False, ranged: bool = False
) -> tuple[Data, ...]:
    """Each array in a value that Keras would take for data; empty where nothing can be said without consuming it.

    ``sample``: labels, of whose values a sample is looked at; ``ranged``: numbers that are to be looked up.
    """
    if value is None:
        return ()
    parts: list[tuple[str, Any]] | None = None
    if isinstance(value, Mapping):
        parts = [(f"{name}[{_key(key)}]", value[key]) for key in value]
    elif isinstance(value, list | tuple) and any(hasattr(v, "shape") for v in value):
        parts = [(f"{name}[{i}]" if len(value) > 1 else name, v) for i, v in enumerate(value)]
    if parts is not None:
        return tuple(d for own, v in parts for d in describe(v, own, span, sample=sample, ranged=ranged))
    sizes = shape_of(value)
    if sizes is None:
        return ()
    asked = value.asked if isinstance(value, Spec) else None
    facts = _facts(value, sizes) if sample else None
    # A row of a table is such a thing, too: of data only their shape tells which it is.
    sizes = (*sizes, 1) if sample and _is_column(value) else sizes
    indices = ask(lambda: _range(value, sizes), None) if ranged else None
    return (Data(name, sizes, _dtype(value), facts, span, asked=asked, table=_is_table(value), indices=indices),)


def shape_of(value: Any) -> Shape | None:
    """The shape of an array, tensor or table, or of plain nested lists; None for anything else."""
    if type(value) in (list, tuple):
        return _nested_shape(value)
    # Anything may be handed on as data, and its shape may raise anything.
    return ask(lambda: _shape_of(value), None)


def uneven(value: Any) -> tuple[Shape, str] | None:
    """The shape of numbers in rows of different lengths, their axis open, and a dtype for them padded; else None."""
    return ask(lambda: _uneven(value), None)


def _uneven(value: Any) -> tuple[Shape, str] | None:
    import numpy as np

    is_list = isinstance(value, list | tuple)
    if not is_list and getattr(getattr(value, "dtype", None), "kind", None) != "O":
        return None
    held = value[:ROWS] if is_list else np.asarray(value[:ROWS])
    if not len(held) or not all(isinstance(row, list | tuple | np.ndarray) for row in held):
        return None
    rows = [np.asarray(row) for row in held]
    kinds, widths = {row.dtype.kind for row in rows if row.size}, {row.shape[1:] for row in rows if row.size}
    if len({len(row) for row in rows}) < 2 or len(widths) != 1 or not kinds <= set("biuf"):
        return None
    return (len(value), None, *widths.pop()), "float32" if "f" in kinds else "int32"


def _is_table(value: Any) -> bool:
    return bool(ask(lambda: callable(getattr(value, "to_numpy", None)), otherwise=False))


def _is_column(value: Any) -> bool:
    """Whether it is a ``Series`` of pandas, which Keras lays out as a table of one column."""
    return any(cls.__name__ == "Series" and module_of(cls).partition(".")[0] == "pandas" for cls in type(value).__mro__)


def _shape_of(value: Any) -> Shape | None:
    if isinstance(value, list | tuple):
        return _nested_shape(value)
    sizes = getattr(value, "shape", None)
    if sizes is None:
        return None
    told = tuple([None if d is None else size(d) for d in sizes])
    return None if any(d is not None and d < 0 for d in told) else told


def size(dimension: Any) -> int | None:
    """A dimension as a whole number; None where it is larger than anything that exists."""
    number = int(dimension)
    return number if number.bit_length() <= _LARGEST else None


def _key(key: object) -> str:
    return named(ask(lambda: repr(key), type(key).__name__))


def _nested_shape(value: Any) -> Shape | None:
    sizes: list[int] = []
    while isinstance(value, list | tuple):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(sizes) if isinstance(value, int | float | bool) else None


def _dtype(value: Any) -> str:
    if getattr(value, "dtype", None) is None:
        return "object" if has_no_numbers(value) else "float32"
    return "string" if is_read_as_text(value) else dtype_name(value.dtype)


#: NumPy's kinds of arrays that Keras makes no tensor of: Python objects, texts, dates and times between them.
_NO_NUMBERS = frozenset("OUSMm")


def has_no_numbers(value: Any) -> bool:
    """Whether an array, or a column of a table, is of a type that no tensor has, whatever it holds."""
    dtype, dtypes = getattr(value, "dtype", None), getattr(value, "dtypes", None)
    columns = [dtype] if dtype is not None else dtypes if hasattr(value, "columns") and dtypes is not None else ()
    return ask(lambda: any(getattr(one, "kind", None) in _NO_NUMBERS for one in columns), otherwise=False)


def is_text(value: Any) -> bool:
    """Whether an array, or a table's column, holds texts, in whatever way; of long ones the beginning is looked at."""
    import numpy as np

    if not has_no_numbers(value):
        return False
    array = np.asarray(value[:SAMPLE])
    return array.dtype.kind in "US" or (array.dtype.kind == "O" and all(isinstance(x, str) for x in array.reshape(-1)))


def is_read_as_text(value: Any) -> bool:
    """Whether Keras makes a tensor of texts of an array of Python strings: with TensorFlow, and along one axis.

    An older Keras, 3.3 for one, does so along several axes, too: its own converter is asked about two rows.
    """
    import numpy as np

    if type(value) is not np.ndarray or value.dtype.kind != "O" or not len(value) or not is_text(value):
        return False
    import keras
    from keras.src.trainers.data_adapters.array_slicing import convert_to_sliceable

    if keras.backend.backend() != "tensorflow":
        return False
    try:
        convert_to_sliceable(value[:2], target_backend="tensorflow")
    except ValueError:
        return False
    return True


def dtype_name(dtype: Any) -> str:
    """A dtype as NumPy, TensorFlow and JAX show it; PyTorch puts its own name before it.

    Of NumPy's texts the sign, ``<U5``: their name counts bits.
    """
    is_text = getattr(dtype, "kind", None) in {"U", "S"}
    return named(dtype if is_text else getattr(dtype, "name", dtype)).removeprefix("torch.")


def as_read(dtype: str) -> str:
    """The dtype in which a model gets data: floats of any size as Keras' own."""
    return "float32" if dtype.startswith("float") else computed(dtype)


def computed(dtype: str) -> str:
    """The dtype of a symbol for labels and weights: their own, or that of numbers where Keras has no name for it.

    Fractions have Keras' ``floatx``: that is what arrays become when ``fit`` takes batches of them.
    """
    import keras

    try:
        own = str(keras.backend.standardize_dtype(dtype))
        return str(keras.config.floatx()) if keras.backend.is_float_dtype(own) else own
    except ValueError:
        return "float32"


def _facts(value: Any, sizes: Shape) -> LabelFacts | None:
    import numpy as np

    rows = max(1, SAMPLE // max(1, _size(sizes[1:])))
    try:
        array = np.asarray(value[:rows] if hasattr(value, "__getitem__") and not hasattr(value, "iloc") else value)
        if array.size == 0 or array.dtype.kind not in "biuf":
            return None
        return _told(array.reshape(array.shape[0], -1)[:, :SAMPLE] if array.ndim > 2 and not sizes[-1] else array)
    except Exception:  # noqa: BLE001 - lazy and exotic arrays may refuse anything; their shape is enough
        return None


def _range(value: Any, sizes: Shape) -> tuple[int, int] | None:
    """The smallest and the largest number as an Embedding reads them, which cuts what stands behind the point."""
    import numpy as np

    if isinstance(value, Spec):
        return None
    is_held = module_of(type(value)).partition(".")[0] in _IN_MEMORY
    rows = max(1, (_RANGED if is_held else SAMPLE) // max(1, _size(sizes[1:])))
    array = np.asarray(value.iloc[:rows] if hasattr(value, "iloc") else value[:rows])
    if not array.size or array.dtype.kind not in "biuf":
        return None
    low, high = array.min(), array.max()
    return (int(low), int(high)) if np.isfinite(low) and np.isfinite(high) else None


def _told(array: Any) -> LabelFacts:
    import numpy as np

    finite = np.isfinite(array)
    numbers = array[finite]
    if not numbers.size:  # NaN and nothing else
        return LabelFacts(0.0, 0.0, integer=False, one_hot=False, finite=False)
    low, high, whole = float(numbers.min()), float(numbers.max()), bool(finite.all())
    integer = array.dtype.kind in "biu" or (whole and bool(np.all(np.mod(numbers, 1) == 0)))
    rows = array.ndim > 1 and array.shape[-1] > 1 and whole
    different = np.unique(numbers[:SAMPLE])
    below = different[different < high]
    sums = array.sum(-1, dtype="float64") if rows else None
    return LabelFacts(
        low,
        high,
        integer,
        one_hot=sums is not None and low == 0 and high == 1 and integer and bool(np.all(sums == 1)),
        finite=whole,
        distinct=len(different),
        seen=numbers.size,
        sums=(float(sums.min()), float(sums.max())) if sums is not None else None,
        filled=int(np.count_nonzero(array, axis=-1).max()) if rows else 0,
        second=float(below[-1]) if below.size else None,
        first_idle=rows and not bool(array[..., 0].any()),
    )


def _size(sizes: Shape) -> int:
    total = 1
    for d in sizes:
        total *= d or 1
    return total


def with_batch(data: Data, batch: int | None) -> Shape:
    """The shape of one batch of the data."""
    return (batch, *data.shape[1:])
