"""What a call hands to a model: its data, labels and weights, and how each of them was given."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import GeneratorType
from typing import Any

from shape_magic.capture.session import Use
from shape_magic.facts import Argument, ClassWeights, Data, Form, LabelFacts
from shape_magic.spans import Shape, Span
from shape_magic.trace.data import (
    ROWS,
    describe,
    dtype_name,
    has_no_numbers,
    is_read_as_text,
    is_text,
    shape_of,
    uneven,
)
from shape_magic.trace.sources import first_batch, is_sequence
from shape_magic.untrusted import ask, module_of, named
from shape_magic.words import say

_NEARBY = 40
#: Forms of numbers that may stand in rows of different lengths.
_IN_ROWS = frozenset({"plain", "rows", "objects"})


@dataclass(frozen=True, slots=True)
class Handed:
    """The parts of a call's data as Keras unpacks them: arrays, specs of tensors, or structures of them."""

    x: Any
    y: Any
    weights: Any
    #: Whether x brings the labels and the weights too: a data set or a generator.
    together: bool


@dataclass(frozen=True, slots=True)
class Names:
    """What a model calls its inputs and outputs, by which a dict gives their data; empty where it has no names."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    #: The shapes of the inputs; empty where they are not known yet.
    wanted: tuple[Shape, ...] = ()
    #: Whether the model has an Embedding, which looks numbers up, or a CategoryEncoding, which has a place for each.
    looked_up: bool = False


def handed(use: Use, namespace: Mapping[str, Any]) -> Handed:
    """The parts of a call's data; of what would have to be consumed nothing is said."""
    arguments = use.arguments
    x = arguments.get("x", arguments.get("inputs"))
    spec = getattr(x, "element_spec", None)
    if spec is None and (is_sequence(x) or isinstance(x, GeneratorType)):
        spec = first_batch(x, namespace)
        if spec is None:
            return Handed(None, None, None, True)
    if spec is None:
        return Handed(x, arguments.get("y"), arguments.get("sample_weight"), False)
    parts = tuple(spec) if isinstance(spec, tuple | list) else (spec,)
    x, y, weights = (*parts, None, None, None)[:3]
    return Handed(x, y, weights, True)


def data_of_use(
    use: Use, names: Names, namespace: Mapping[str, Any]
) -> tuple[tuple[Data, ...], tuple[Data, ...], tuple[Data, ...]]:
    """The data, the labels and the sample weights of a call, each array by itself.

    Dicts are read in the order of the model's names, as Keras does.
    """
    given = handed(use, namespace)
    text, span = text_of(use, "x"), span_of(use, "x")
    x = _in_order(given.x, names.inputs)
    if given.together:
        y = _in_order(given.y, names.outputs)
        labels = describe(y, say("given.labels", data=text), span)
        return (
            describe(x, text, span),
            _of_folders(use, labels),
            describe(given.weights, say("given.weights", data=text), span),
        )
    # Several arrays are the inputs, and not rows, however many samples each of them holds.
    rows = uneven(given.x) if form_of(given.x, names.wanted) in _IN_ROWS else None
    if rows is not None:
        x_data: tuple[Data, ...] = (Data(text, *rows, None, span),)
    elif is_rows(given.x, names.wanted):
        x_data = (Data(text, shape_of_rows(given.x) or (), "float32", None, span),)
    else:
        x_data = _described(x, text, span, ranged=names.looked_up)
    y = _in_order(given.y, names.outputs)
    y_data = _described(y, text_of(use, "y"), span_of(use, "y"), sample=True)
    w_text, w_span = text_of(use, "sample_weight"), span_of(use, "sample_weight")
    return x_data, y_data, _described(_in_order(given.weights, names.outputs), w_text, w_span)


def _of_folders(use: Use, labels: tuple[Data, ...]) -> tuple[Data, ...]:
    """Labels with what the names of their classes say of them, where a data set brings those.

    ``image_dataset_from_directory`` and its like do: with ``label_mode="int"`` the labels number the folders from 0.
    """
    source: Any = use.arguments.get("x")
    classes = ask(lambda: len(source.class_names), 0) if hasattr(source, "element_spec") else 0
    if classes < 2 or len(labels) != 1 or len(labels[0].shape) != 1 or not labels[0].dtype.startswith("int"):
        return labels
    return (replace(labels[0], facts=LabelFacts(0, classes - 1, integer=True, one_hot=False, distinct=classes)),)


def _described(
    value: Any, text: str, span: Span | None, *, sample: bool = False, ranged: bool = False
) -> tuple[Data, ...]:
    found = describe(value, text, span, sample=sample, ranged=ranged)
    written = elements_of(text)
    if written and len(written) == len(found) > 1 and not isinstance(value, Mapping):
        return tuple(replace(data, name=name) for data, name in zip(found, written, strict=True))
    return found


def elements_of(text: str) -> tuple[str, ...]:
    """The elements of a list or tuple that is written out, as they are written; empty for anything else."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ()
    if not isinstance(tree, ast.List | ast.Tuple) or any(isinstance(e, ast.Starred) for e in tree.elts):
        return ()
    return tuple(ast.get_source_segment(text, e) or "" for e in tree.elts)


def text_of(use: Use, name: str) -> str:
    """An argument as the user wrote it; its name where the source is not known."""
    other = use.texts.get("inputs") if name == "x" else None
    return use.texts.get(name) or other or name


def span_of(use: Use, name: str) -> Span | None:
    """Where an argument stands."""
    return use.spans.get(name) or (use.spans.get("inputs") if name == "x" else None)


def _in_order(value: Any, names: Sequence[str]) -> Any:
    """A dict's arrays in the order of the model's names; None where a key is missing: then nothing is said."""
    if not isinstance(value, Mapping) or not names:
        return value
    return {name: value[name] for name in names} if all(name in value for name in names) else None


# -- how it was given


def named_labels(arguments: tuple[Argument, ...], given: Handed) -> tuple[Argument, ...]:
    """The arguments with the names of labels that came with the data, in a dict."""
    if not given.together or not isinstance(given.y, Mapping):
        return arguments
    keys = tuple(named(key) for key in given.y)
    return tuple(replace(one, keys=keys) if one.name == "y" else one for one in arguments)


def arguments_of(use: Use, wanted: Sequence[Shape] = (), *, reads_text: bool = False) -> tuple[Argument, ...]:
    """x, y and the sample weights by the way they were given; ``reads_text``: the model may take texts as x."""
    values = {
        "x": use.arguments.get("x", use.arguments.get("inputs")),
        "y": use.arguments.get("y"),
        "sample_weight": use.arguments.get("sample_weight"),
    }
    return tuple(
        _argument(name, value, text_of(use, name), wanted if name == "x" else (), reads_text and name == "x")
        for name, value in values.items()
    )


def _argument(name: str, value: Any, text: str, wanted: Sequence[Shape], reads_text: bool) -> Argument:
    form = form_of(value, wanted, reads_text=reads_text)
    keys = tuple(named(k) for k in value) if form == "named" else ()
    stacked = shape_of_rows(value) if form in ("plain", "rows") else None
    if form == "objects":
        stacked = _shape_of_objects(value)
    elif form in ("text", "words"):
        stacked = shape_of(value) or (len(value),)
    parts = tuple(_parts(name, value, text, reads_text)) if form in ("several", "named") else ()
    dtype = dtype_name(value.dtype) if getattr(value, "dtype", None) is not None else ""
    rows = uneven(value) if form in _IN_ROWS and stacked is None else None
    padded = rows[1] if rows is not None else ""
    return Argument(name, form, text, keys, _lengths(value, form), stacked, parts, dtype=dtype, padded=padded)


def _parts(name: str, value: Any, text: str, reads_text: bool) -> Iterator[Argument]:
    """Those of several arrays that hold no numbers, or texts that Keras does not read."""
    written, held = elements_of(text), text if text.isidentifier() else name
    keys = [named(key) for key in value] if isinstance(value, Mapping) else None
    for k, one in enumerate(value.values() if isinstance(value, Mapping) else value):
        if has_no_numbers(one):
            place: int | str = keys[k] if keys is not None else k
            own = written[k] if k < len(written) else f"{held}[{place!r}]"
            part = _argument(name, one, own, (), reads_text)
            if part.form in ("text", "words", "objects"):
                yield replace(part, item=place)


def form_of(value: Any, wanted: Sequence[Shape] = (), *, reads_text: bool = False) -> Form:
    """How data are given; ``wanted`` are the shapes of the model's inputs, where they are known.

    ``reads_text``: they are for a model that may take texts.
    """
    if value is None:
        return "absent"
    if hasattr(value, "element_spec"):
        return "dataset"
    if is_sequence(value):
        return "sequence"
    if isinstance(value, GeneratorType):
        return "generator"
    if isinstance(value, Mapping):
        return "named"
    if isinstance(value, list | tuple):
        if value and all(isinstance(one, str) for one in value[:ROWS]):
            return "text" if reads_text else "words"
        return _form_of_list(value, wanted)
    if isinstance(value, bool | int | float | complex):
        return "number"
    if reads_text and ask(lambda: is_text(value), otherwise=False):
        return "array" if is_read_as_text(value) else "text"
    if has_no_numbers(value):
        return "words" if ask(lambda: _holds_words(value), otherwise=False) else "objects"
    return "array" if shape_of(value) is not None else "other"


def _form_of_list(value: Sequence[Any], wanted: Sequence[Shape]) -> Form:
    first = value[0] if len(value) else None
    if is_rows(value, wanted):
        return "rows"
    inner = shape_of(first) if not isinstance(first, list | tuple) else None
    if inner == () or isinstance(first, bool | int | float | str):
        return "plain"
    if isinstance(first, list | tuple):
        within = form_of(first)
        return within if within in ("plain", "words") else "several"
    return "several"


def is_rows(value: Any, wanted: Sequence[Shape]) -> bool:
    """Whether a list holds one array for each sample: each has an axis less than the model's only input."""
    if not isinstance(value, list | tuple) or len(value) < 2 or len(wanted) != 1:
        return False
    first = value[0]
    inner = None if isinstance(first, list | tuple) else shape_of(first)
    return bool(inner) and len(inner or ()) == len(wanted[0]) - 1 and getattr(first, "dtype", None) is not None


def shape_of_rows(value: Any) -> Shape | None:
    """The shape that rows have as one array; None where they differ in length, or are no numbers."""
    shapes = {_row_shape(row) for row in value[:ROWS]} if hasattr(value, "__getitem__") else {None}
    only = next(iter(shapes)) if len(shapes) == 1 else None
    return None if only is None else (len(value), *only)


def _shape_of_objects(value: Any) -> Shape | None:
    """The shape of an array of Python objects as numbers; None where they are rows of different lengths."""
    array = _first_of(value)
    if not _holds_rows(array):
        return shape_of(value)
    rows = shape_of_rows(list(array))
    return None if rows is None else (len(value), *rows[1:])


def _holds_words(value: Any) -> bool:
    """Whether texts or other things in an array or a table can't be read as numbers."""
    array = _first_of(value)
    if _holds_rows(array):
        return False
    try:
        array.astype("float32")
    except (TypeError, ValueError):
        return True
    return False


def _first_of(value: Any) -> Any:
    import numpy as np

    return np.asarray(value[:ROWS])


def _holds_rows(array: Any) -> bool:
    import numpy as np

    return array.ndim == 1 and array.size > 0 and isinstance(array[0], np.ndarray | list | tuple)


def _row_shape(row: Any) -> Shape | None:
    if isinstance(row, bool | int | float):
        return ()
    if isinstance(row, list | tuple):
        return shape_of_rows(row) if row else (0,)
    return shape_of(row)


def _lengths(value: Any, form: Form) -> tuple[int, ...]:
    """The number of samples in each array, as Keras counts them."""
    if form == "rows":
        return (len(value),)
    if form in ("plain", "objects", "text", "words"):
        return (len(value),)
    if form not in ("array", "several", "named"):
        return ()
    sizes = [d.shape[0] for d in describe(value, "") if d.shape]
    return tuple(size for size in sizes if size is not None)


def class_weights(use: Use, y: Sequence[Data]) -> ClassWeights | None:
    """The weights of the classes, and the labels that have none."""
    import numpy as np

    given, text = use.arguments.get("class_weight"), text_of(use, "class_weight")
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return ClassWeights((), (), "row" if len(shape_of(given) or ()) == 1 else "other", text)
    numbers = tuple(int(k) for k in given if isinstance(k, int | np.integer) or (isinstance(k, float) and k == int(k)))
    facts = y[0].facts if len(y) == 1 else None
    if facts is None or not facts.integer:
        return ClassWeights(numbers, ())
    if facts.one_hot:
        present = set(range(y[0].shape[-1] or 0))
    elif use.arguments.get("y") is None:  # the classes' names have told it
        present = set(range(int(facts.max) + 1))
    else:
        present = {int(v) for v in np.unique(np.asarray(use.arguments["y"][:ROWS]))}
    return ClassWeights(numbers, tuple(sorted(present - set(numbers))))


def nearby(use: Use, namespace: Mapping[str, Any]) -> tuple[Data, ...]:
    """Arrays that the notebook holds and the call was not given."""
    used = {id(v) for v in use.arguments.values()}
    found = [
        Data(name, tuple(value.shape), dtype_name(value.dtype))
        for name, value in namespace.items()
        if not name.startswith("_") and _is_array(value) and value.shape and id(value) not in used
    ]
    return tuple(found[:_NEARBY])


def _is_array(value: Any) -> bool:
    root = module_of(type(value)).split(".")[0]
    return (
        root in ("numpy", "tensorflow", "pandas", "jax", "jaxlib", "torch")
        and isinstance(getattr(value, "shape", None), tuple)
        and hasattr(value, "dtype")
    )


def numpy_name(namespace: Mapping[str, Any]) -> str:
    """What the user calls NumPy; empty where it is not imported."""
    import numpy as np

    names = [name for name, value in namespace.items() if value is np and not name.startswith("_")]
    return "np" if "np" in names else (names[0] if names else "")


def validation_of(use: Use) -> Use | None:
    """The data that ``fit`` validates with, as an evaluation of their own; None where there are none."""
    value = use.arguments.get("validation_data")
    if use.method != "fit" or value is None:
        return None
    text, span = text_of(use, "validation_data"), span_of(use, "validation_data")
    parts = tuple(value) if isinstance(value, list | tuple) else (value,)
    names = ("x", "y", "sample_weight")
    written = elements_of(text)
    if len(written) != len(parts):
        written = tuple(f"{text}[{i}]" for i in range(len(parts))) if isinstance(value, list | tuple) else (text,)
    arguments: dict[str, Any] = dict(zip(names, parts, strict=False))
    size = use.arguments.get("validation_batch_size") or use.arguments.get("batch_size")
    spans = dict.fromkeys(names, span) if span is not None else {}
    return Use(
        use.model,
        "evaluate",
        arguments | {"batch_size": size},
        use.place,
        dict(zip(names, written, strict=False)),
        spans,
    )
