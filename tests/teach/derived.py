"""What each value on a card has to be, worked out anew from the report's rows, its data and the cell's text.

A function for each name that a template has a place for; it gives every text that would be right there.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from shape_magic import words
from shape_magic.facts import Call
from shape_magic.spans import Shape
from tests.teach.arithmetic import sides
from tests.teach.cards import Card, arrays, steady


def written(shape: Shape) -> str:
    """A shape with its batch axis by that word."""
    parts = ["batch" if k == 0 and n is None else str(n) for k, n in enumerate(shape)]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def counted(value: float) -> str:
    """A number with thousands separators, or with three digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


def by(sizes: Iterable[int | None]) -> str:
    """Sizes as a person says them: ``5×5``."""
    return "×".join("?" if n is None else str(n) for n in sizes)


def size(number: float) -> str:
    """Bytes in the largest unit of which there is one."""
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= scale:
            return f"{counted(round(number / scale)) if number / scale >= 100 else counted(float(f'{number / scale:.3g}'))} {unit}"
    return f"{number} bytes"


# -- what a card is about


def calls(card: Card) -> list[Call]:
    """The layer of the finding, or all where it names none."""
    return [card.call] if card.call is not None else list(card.model.calls)


def inputs(card: Card) -> list[Shape]:
    """What goes into the layer, or into the model."""
    return [s for c in calls(card) for s in c.input_shapes] + [d.shape for d in card.model.inputs]


def outputs(card: Card) -> list[Shape]:
    """What comes out of the layer and of the model; of a run with real numbers too."""
    runs = [c.run.output for c in calls(card) if c.run and c.run.output is not None]
    return [*(s for c in calls(card) for s in c.output_shapes), *card.model.outputs, *runs]


def targets(card: Card) -> list[Shape]:
    """The shapes of the labels, from the arrays themselves where the cell makes them."""
    made = arrays(card.source)
    named = card.contract.y if card.contract else ()
    return [tuple(made[d.name].shape) if d.name in made else d.shape for d in named]


def given(card: Card) -> list[Shape]:
    """The shapes of the data of the call, from the arrays themselves where the cell makes them."""
    made = arrays(card.source)
    return [*(d.shape for d in card.data()), *(tuple(a.shape) for a in made.values()), *_asked(card)]


def _asked(card: Card) -> list[Shape]:
    return [d.asked for d in card.data() if d.asked is not None]


def everywhere(card: Card) -> list[Shape]:
    """All shapes of all rows of the model."""
    rows = [s for c in card.model.calls for s in (*c.input_shapes, *c.output_shapes)]
    return [*rows, *(d.shape for d in card.model.inputs), *card.model.outputs]


def values(card: Card) -> list[float]:
    """The smallest and the largest label, from the array itself where the cell makes it."""
    made, named = steady(card.source), card.contract.y if card.contract else ()
    found = [made[d.name] for d in named if d.name in made]
    told = [n for d in named if d.facts and d.name not in made for n in (d.facts.min, d.facts.max)]
    return [*(float(n) for a in found if a.dtype.kind in "iufb" for n in (np.nanmin(a), np.nanmax(a))), *told]


def units(card: Card) -> list[int]:
    """The sizes of last axes."""
    return [s[-1] for s in outputs(card) if s and s[-1] is not None]


def grids(card: Card) -> list[Shape]:
    """The axes between batch and channels, whichever side these are on."""
    return [g for s in (*everywhere(card), *targets(card)) if len(s) > 2 for g in (s[1:-1], s[2:], s[1:])]


# -- the places


def shapes_of(*sources: Callable[[Card], list[Shape]]) -> Callable[[Card], Iterator[str]]:
    """Any of these shapes, written."""
    return lambda card: (written(s) for source in sources for s in source(card))


def samples_of(*sources: Callable[[Card], list[Shape]]) -> Callable[[Card], Iterator[str]]:
    """Any of these shapes without its batch axis."""
    return lambda card: (written(s[1:]) for source in sources for s in source(card))


def declared(card: Card) -> list[Shape]:
    """The shapes of the inputs that the cell writes, and those of other models' inputs."""
    found = re.findall(r"Input\(\((\d[\d, ]*)\)", card.source)
    read: list[Shape] = [(None, *map(int, re.findall(r"\d+", text))) for text in found]
    return read + [d.shape for model in card.report.models for d in model.inputs]


def elements(card: Card) -> Iterator[str]:
    """An element of a data set: an open axis for each ``.batch`` in front of a sample."""
    for declared_input in card.model.inputs:
        yield written((None,) * card.source.count(".batch(") + declared_input.shape[1:]).replace("batch", "None")


def ranks(card: Card) -> Iterator[str]:
    """How many axes arrive."""
    return (str(len(s)) for s in inputs(card))


#: How many axes each kind of layer reads, the batch axis counted: Keras' documentation of its input shapes.
RANKS = {
    "1D": 3,
    "2D": 4,
    "3D": 5,
    "LSTM": 3,
    "GRU": 3,
    "RNN": 3,
    "Attention": 3,
    "Bidirectional": 3,
    "Flatten": 2,
    "RepeatVector": 2,
}


def wants(card: Card) -> Iterator[str]:
    """How many axes the layer reads, by its class."""
    ends = [n for c in calls(card) for end, n in RANKS.items() if end in c.class_name]
    extra = [5 for c in calls(card) if c.class_name == "ConvLSTM2D"]  # the time counts, too
    return (str(n) for n in extra or ends)


def numbers_held(card: Card) -> Iterator[str]:
    """How many numbers of a sample arrive, and how many the target holds; as a product and by itself."""
    targets = [c.arguments.get("target_shape") for c in calls(card)]
    shapes = [s[1:] for s in inputs(card)] + [tuple(t) for t in targets if isinstance(t, list | tuple)]
    for shape in shapes:
        known = [n for n in shape if n is not None and n != -1]
        yield counted(math.prod(known))
        yield f"{' · '.join(map(str, known))} = {counted(math.prod(known))}"


def written_targets(card: Card) -> Iterator[str]:
    """The target shape of a reshape, and that without the batch."""
    for call in calls(card):
        target = call.arguments.get("target_shape")
        if isinstance(target, list | tuple):
            yield written(tuple(target))
            yield written(tuple(target[1:]))


def windows(card: Card) -> Iterator[str]:
    """The window of the layer; with gaps it is wider."""
    for call in calls(card):
        rank = len(call.input_shapes[0]) - 2
        window = sides(call.arguments.get("kernel_size") or call.arguments.get("pool_size") or 1, rank)
        gaps = sides(call.arguments.get("dilation_rate") or 1, rank)
        yield by(gap * (k - 1) + 1 for k, gap in zip(window, gaps, strict=True))


def maps(card: Card) -> Iterator[str]:
    """The grid or sequence that a head reads, in words."""
    for shape in inputs(card):
        grid, depth = by(shape[1:-1]), shape[-1]
        article = "an" if re.match(r"8|1[18](?!\d)", grid) else "a"
        for form in (f"{article} {grid} grid with", f"a sequence of {grid} steps with", f"{grid} rows of"):
            for kind in ("channel", "feature"):
                yield f"{form} {depth} {kind}{'' if depth == 1 else 's'}"


def positions(card: Card) -> Iterator[str]:
    """How many positions a head reads: the product of the axes between batch and last."""
    for shape in inputs(card):
        if None not in shape[1:-1]:
            count = math.prod(n or 0 for n in shape[1:-1])
            for place in ("positions", "steps", "rows"):
                yield from (f"each of the {count:,} {place}", f"the {count:,} {place}")


def lines(card: Card) -> Iterator[str]:
    """The lines of the cell on which something of the model is made or used."""
    spans = [s for c in card.model.calls for s in (c.span, c.placed)]
    spans += [card.finding.span, *(r.span for r in card.finding.related)]
    found = card.contract
    spans += [found.span, found.compile_span, found.unpacked.names.span if found.unpacked else None] if found else []
    for span in spans:
        if span is not None and card.source.splitlines()[span.start_line - 1].strip():
            yield from (str(span.start_line), f" (line {span.start_line})", f", line {span.start_line}")


def memory(factor: float) -> Callable[[Card], Iterator[str]]:
    """The bytes of the weights, four each, so many times; of the layer and of the whole model."""

    def texts(card: Card) -> Iterator[str]:
        for params in (*(c.params for c in calls(card)), card.model.params):
            yield size(params * 4 * factor)

    return texts


def label_values(card: Card) -> Iterator[str]:
    """The ends of the labels' range."""
    return (counted(v) for v in values(card))


def looked_up(card: Card) -> Iterator[str]:
    """The ends of the range of the numbers that the cell's arrays of whole numbers hold."""
    whole = [a for a in arrays(card.source).values() if a.size and a.dtype.kind in "iu"]
    return (str(int(end)) for a in whole for end in (a.min(), a.max()))


def table_rows(card: Card) -> list[int]:
    """How many rows the tables of the Embeddings have, or places the encodings, and the numbers of their last ones."""
    sized = {"Embedding": "input_dim", "CategoryEncoding": "num_tokens"}
    rows = [call.arguments[name] for call in calls(card) for kind, name in sized.items() if call.is_a(kind)]
    return [n for size in rows if isinstance(size, int) for n in (size, size - 1)]


def counts(*sizes: Callable[[Card], Iterable[int]]) -> Callable[[Card], Iterator[str]]:
    """Any of these numbers."""
    return lambda card: (f"{n:,}" for source in sizes for n in source(card))


def samples(card: Card) -> list[int]:
    """How many samples the arrays hold."""
    lengths = [n for a in (card.contract.arguments if card.contract else ()) for n in a.lengths]
    return lengths + [s[0] for s in given(card) if s and s[0] is not None]


def fixed_batch(card: Card) -> list[int]:
    """The batch size that the model's input names."""
    return [d.shape[0] for d in card.model.inputs if d.shape and d.shape[0] is not None]


def batches(card: Card) -> list[int]:
    """The batch size of the call, or Keras' usual one."""
    return [int(n) for n in re.findall(r"batch_size=(\d+)", card.source)] or [32]


def whole_batches(card: Card) -> list[int]:
    """How many samples fill batches of the size that the model's input names."""
    return [n // k * k for n in samples(card) for k in fixed_batch(card)]


def left_over(card: Card) -> list[int]:
    """How many samples do not."""
    return [n % k for n in samples(card) for k in fixed_batch(card)]


def how_many_outputs(card: Card) -> list[int]:
    """The number of the model's outputs."""
    return [len(card.model.outputs)]


def spread(card: Card) -> list[int]:
    """How many losses, weights, metrics or labels were given."""
    found, compiled = card.contract, card.contract.compiled if card.contract else None
    told = [s.count for s in (compiled.loss, compiled.loss_weights, compiled.metrics)] if compiled else []
    return [*told, *([len(found.y)] if found else [])]


def axes(card: Card) -> Iterator[str]:
    """The axis along which tensors are joined or multiplied, as the cell writes it, or Keras' last one."""
    yield from re.findall(r"ax[ei]s=\(?(-?\d+)", card.source)
    yield from (str(call.arguments.get("axis", -1)) for call in calls(card))


def in_the_cell(card: Card) -> Iterator[str]:
    """Numbers as the cell writes them."""
    return iter(re.findall(r"-?\d+(?:\.\d+)?", card.source))


def tuples(card: Card) -> Iterator[str]:
    """Rows of numbers as the cell writes them."""
    return (match.replace("None", "batch") for match in re.findall(r"\((?:-?\d+|None)(?:, \d+)+\)", card.source))


def held_columns(card: Card) -> list[Shape]:
    """The columns among the arrays that the cell makes."""
    return [(None, 1) for a in arrays(card.source).values() if a.ndim == 2 and a.shape[1] == 1]


def numbers_given(card: Card) -> Iterator[str]:
    """How many values the cell's calls are given by position, and how many numbers stand in its tuples."""
    for node in ast.walk(ast.parse(card.source)):
        if isinstance(node, ast.Call):
            yield str(len(node.args))
        if isinstance(node, ast.Tuple):
            yield str(len(node.elts))


def window_axes(card: Card) -> Iterator[str]:
    """The axes that the window of a layer moves along, by the name of its class."""
    return iter(re.findall(r"\w([123])D\b", card.source))


def quotients(card: Card) -> Iterator[str]:
    """What a division of the cell's numbers with one stroke gives."""
    numbers = dict(re.findall(r"^(\w+) = (\d+)$", card.source, re.M))
    for name, divisor in re.findall(r"(\w+) / (\d+)", card.source):
        if name in numbers:
            yield str(int(numbers[name]) / int(divisor))


def tables(card: Card) -> list[Shape]:
    """The matrices that the cell makes, and those of its Embeddings."""
    own = [tuple(c.arguments.get(name) for name in ("input_dim", "output_dim")) for c in calls(card)]
    return [a.shape for a in arrays(card.source).values() if a.ndim == 2] + [s for s in own if None not in s]


def products(card: Card) -> Iterator[str]:
    """A product that the cell writes, worked out."""
    yield from (text for n in in_the_cell(card) for text in (n, f"({n},)"))
    for factors in re.findall(r"\d+(?: \* \d+)+", card.source):
        yield counted(math.prod(map(int, factors.split(" * "))))
        yield f"({math.prod(map(int, factors.split(' * ')))},)"


def sized(card: Card) -> Iterator[str]:
    """Grids one after another, and single sizes: ``28×28``, ``12``."""
    return (by(g) for g in grids(card))


def last_axes(card: Card) -> Iterator[str]:
    """Sizes of the axes of what goes in."""
    return (f"{n:,}" for s in (*inputs(card), *everywhere(card)) for n in s[1:] if n is not None)


def features(card: Card) -> Iterator[str]:
    """What a layer's weights were made for."""
    yield from (written(s) for s in (*everywhere(card), *declared(card)))
    yield from (f"{s[-1]} features" for s in (*everywhere(card), *declared(card)) if s)


def class_range(card: Card) -> Iterator[str]:
    """The classes for which there are units, and those for which there are none."""
    for n in units(card):
        yield from (f"{n} units, for the classes 0 to {n - 1}", "1 unit, for the class 0 alone", str(n - 1), str(n))
    yield from (counted(v + 1) for v in values(card))


def params(card: Card) -> Iterator[str]:
    """A Dense layer's weights: one for each pair of input and unit, and a bias for each unit."""
    for call in calls(card):
        if call.is_a("Dense"):
            inputs_, units_ = call.input_shapes[0][-1] or 0, int(str(call.arguments["units"]))
            yield counted(inputs_ * units_ + units_)
        elif call.is_a("Embedding"):
            yield counted(int(str(call.arguments["input_dim"])) * int(str(call.arguments["output_dim"])))


def activation_range(card: Card) -> Iterator[str]:
    """The ends of the range of the activation that the layer ends in."""
    ends = {"sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "relu": (0,), "softplus": (0,)}
    for call in (*calls(card), *card.model.calls[-2:]):
        yield from map(str, ends.get(str(call.arguments.get("activation")), ()))


def turned(card: Card) -> Iterator[str]:
    """The model's input with its channels at the end."""
    return (written((s[0], *s[2:], s[1])) for s in inputs(card) if len(s) > 2)


def steps(card: Card) -> Iterator[str]:
    """One time step of what goes in."""
    return (written((s[0], *s[2:])) for s in inputs(card) if len(s) > 2)


def wanted(card: Card) -> Iterator[str]:
    """What the output would have to be for the labels, or the labels for the output."""
    for out in card.model.outputs:
        yield from (written(out), written(out[:-1]))
        yield from (written((None, *y[1:], out[-1])) for y in targets(card))
        yield from (written((None, *y[1:])) for y in targets(card))


def inputs_in_words(count: int) -> list[str]:
    """``"1 input"``, ``"2 inputs"``."""
    return [f"{count} input{'' if count == 1 else 's'}"]


def constants(card: Card) -> Iterator[str]:
    """The numbers of general statements, which are executed by themselves."""
    known = words.texts("en")
    for key in known:
        if key.startswith((f"rule.{card.finding.rule}.example.", f"rule.{card.finding.rule}.needs.")):
            yield from re.findall(r"\d+", known[key])


#: By the name of the place.
PLACES: dict[str, tuple[Callable[[Card], Iterable[str]], ...]] = {
    "at": (lines,),
    "in_line": (lines,),
    "at_cause": (lines,),
    "unpacked": (lines,),
    "input": (shapes_of(inputs, everywhere),),
    "output": (shapes_of(outputs),),
    "labels_shape": (shapes_of(targets),),
    "column": (shapes_of(outputs, held_columns),),
    "first_shape": (shapes_of(inputs),),
    "second_shape": (shapes_of(inputs),),
    "small_shape": (shapes_of(inputs),),
    "large_shape": (shapes_of(inputs),),
    "first": (features, counts(lambda c: [s[0] for s in outputs(c) if s and s[0]])),
    "second": (features,),
    "start": (shapes_of(lambda c: [d.shape for d in c.model.inputs]),),
    "before": (shapes_of(everywhere),),
    "does": (shapes_of(everywhere), last_axes),
    "given": (shapes_of(everywhere, given, tables), tuples, quotients),
    "own": (shapes_of(tables),),
    "axes": (window_axes,),
    "dims": (tuples,),
    "wanted": (wanted, numbers_held, shapes_of(declared, everywhere), turned),
    "wanted_labels": (wanted,),
    "turned": (turned,),
    "step": (steps,),
    "target": (written_targets,),
    "sample": (written_targets, samples_of(given, inputs)),
    "element": (samples_of(given), shapes_of(given), elements),
    "name": (in_the_cell,),
    "shape": (shapes_of(given, outputs), samples_of(given), products, tuples),
    "x_shape": (shapes_of(given),),
    "y_shape": (shapes_of(given),),
    "data": (shapes_of(given),),
    "labels": (shapes_of(given),),
    "trained": (shapes_of(given),),
    "pieces": (shapes_of(given),),
    "batched": (lambda c: (written((1, *s)) for s in given(c)),),
    "said": (in_the_cell, lambda c: (written(call.declares) for call in calls(c) if call.declares)),
    "rank": (ranks,),
    "wants": (wants,),
    "wanted_rank": (lambda c: (str(len(s)) for s in declared(c)),),
    "arrives": (numbers_held, last_axes),
    "asked": (numbers_held,),
    "have": (numbers_held, sized),
    "want": (sized,),
    "sizes": (sized, counts(samples)),
    "cause": (sized, lines, last_axes),
    "ends": (lines,),
    "map": (maps,),
    "each": (positions,),
    "all": (positions,),
    "grid": (sized,),
    "window": (windows,),
    "height": (in_the_cell,),
    "width": (
        in_the_cell,
        counts(lambda c: [s[-1] or 0 for s in inputs(c)]),
        lambda c: (str(s[-1]) for s in targets(c)),
    ),
    "units": (counts(units),),
    "units_words": (class_range,),
    "classes": (class_range,),
    "last": (class_range, last_axes, counts(table_rows)),
    "channels": (last_axes, lambda c: (str(s[-1]) for s in declared(c))),
    "axis": (axes,),
    "low": (label_values,),
    "high": (label_values,),
    "least": (activation_range, looked_up),
    "most": (activation_range, looked_up),
    "seen": (counts(lambda c: [math.prod(n or 1 for n in s) for s in targets(c)]),),
    "missing": (lambda c: (str(int(v)) for a in arrays(c.source).values() if a.dtype.kind in "iu" for v in a.ravel()),),
    "count": (counts(samples, how_many_outputs), numbers_given),
    "outputs": (counts(how_many_outputs),),
    "number": (counts(spread), counts(lambda c: [len(inputs(c)) - len(c.model.inputs)]), products, numbers_given),
    "data_count": (lambda c: inputs_in_words(len(c.contract.x) if c.contract else 0),),
    "wanted_count": (lambda c: inputs_in_words(len(c.model.inputs)),),
    "steps": (counts(lambda c: [s[1] or 0 for s in targets(c) if len(s) > 1]),),
    "size": (
        counts(lambda c: [call.run.batch for call in calls(c) if call.run and call.run.batch], fixed_batch, table_rows),
    ),
    "batch": (counts(lambda c: [call.run.batch for call in calls(c) if call.run and call.run.batch], batches),),
    "rows": (counts(samples),),
    "whole": (counts(whole_batches),),
    "left": (counts(left_over),),
    "inputs": (last_axes,),
    "params": (params,),
    "weights": (memory(1), in_the_cell),
    "model_weights": (memory(1),),
    "training": (memory(2),),
    "adam": (memory(4),),
    "budget": (lambda c: [size(c.model.memory_budget or 0)],),
    "example": (constants,),
    "needs": (constants,),
}
