"""What is known of a cell's models, as plain frozen data: the language between trace, rules, repair and display.

Nothing here knows Keras. A shape is a tuple of whole numbers with ``None`` for an axis that is
open (the batch axis nearly always is); axes are named by the field's words: batch, height, width,
depth, channels, time, features, or ``"?"`` where nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shape_magic.frozen import fills_slots
from shape_magic.misread import Crossing, Misread
from shape_magic.spans import Axes, CellId, Shape, Span
from shape_magic.summaries import summary

Masks = Literal["", "reads", "keeps", "drops"]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no output."""

    #: The exception's class, ``"ValueError"``.
    type: str
    #: Keras' own words, cleaned of its internals.
    message: str
    #: The layer that stood where a tensor belongs, by its name.
    handed: str | None = None
    #: Where in the user's own code it happened: what made a tensor that does not fit, then where that came to light.
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What a layer's real call does with a batch, where its shape formula says something else."""

    #: How many samples the batch had.
    batch: int
    #: The first output for this batch, where the batch axis is lost here and never comes back; None: it raised.
    output: Shape | None
    failure: Failure | None = None
    #: What the layer's weights were made for, where it was called on something else before.
    built_for: Shape | None = None


@fills_slots
@dataclass(frozen=True, slots=True)
class Call:
    """One layer, called once: a row of the ladder."""

    #: Position among all calls of the model, in the order in which they run.
    call: int
    #: Position among the layers that the user wrote; None for Keras' own (an implied InputLayer).
    index: int | None
    #: The layer's name in Keras, ``"conv2d_1"``.
    layer: str
    class_name: str
    #: The names that lead to the layer through nested models, the layer itself last.
    path: tuple[str, ...]
    #: The calls that it reads; ``-1 - k`` is the model's input k.
    inputs: tuple[int, ...]
    #: The constructor's arguments as far as they are plain values.
    arguments: Mapping[str, object]
    input_shapes: tuple[Shape, ...]
    #: Empty: not reached.
    output_shapes: tuple[Shape, ...]
    input_axes: tuple[Axes, ...]
    output_axes: tuple[Axes, ...]
    #: Weights in numbers and in bytes; of a layer used twice, counted at its first call.
    params: int
    bytes: int
    #: The constructor call in the user's source.
    span: Span | None
    #: Where the layer enters the model: the ``add``, the list's element, the functional call.
    placed: Span | None
    #: Whether the call at ``span`` names this very class, so that its text may be edited
    #: (not so under ``map``, ``partial``, or in a helper whose source is not a cell).
    exact: bool = False
    #: The constructor's arguments that were given by their position alone, as far as they are plain values.
    positional: Mapping[str, object] = field(default_factory=dict)
    #: The shape of the model's input, without the batch axis, that the constructor names; None: it names none.
    declares: Shape | None = None
    #: The names of the layer's class and of its bases in Keras, nearest first: what rules match.
    bases: tuple[str, ...] = ()
    #: The layer within a wrapper such as TimeDistributed: its class and bases, and its arguments.
    wrapped_bases: tuple[str, ...] = ()
    wrapped_arguments: Mapping[str, object] = field(default_factory=dict)
    #: How many axes Keras' own input check asks for, the batch axis counted; None: it asks for none.
    wants_rank: int | None = None
    failure: Failure | None = None
    #: Whether a layer that learns by ``adapt`` has learned; None: it does not learn so, or that can't be told.
    adapted: bool | None = None
    #: Only where the real call does not do what the shapes above promise.
    run: Run | None = None
    #: What the layer does with a mask on its input: it reads it, keeps it or drops it; empty where nobody knows.
    masks: Masks = ""
    #: The shape of the array that an Embedding's initializer puts into its matrix; None: it takes none.
    begins_with: Shape | None = None
    #: Of a whole model that refused what it was given: its own inputs.
    takes: tuple[Data, ...] = ()

    @property
    def output_shape(self) -> Shape | None:
        """The first output's shape; None where the call was not reached or failed."""
        return self.output_shapes[0] if self.output_shapes else None

    @property
    def input_shape(self) -> Shape | None:
        """The first input's shape."""
        return self.input_shapes[0] if self.input_shapes else None

    def name_axes(self, input_axes: tuple[Axes, ...], output_axes: tuple[Axes, ...]) -> None:
        """Fill in what the axes mean: a trace's last step, before anybody sees the call. A copy would cost as much."""
        object.__setattr__(self, "input_axes", input_axes)
        object.__setattr__(self, "output_axes", output_axes)

    @property
    def summary(self) -> str:
        """What it does in a few words: ``"32 filters 3×3, relu"``; a wrapper says what it wraps."""
        does = [summary(self.class_name, self.arguments)]
        for inner in self.wrapped_bases[:1]:
            does += [inner, summary(inner, self.wrapped_arguments)]
        return ", ".join(filter(None, does))

    def argument(self, name: str) -> object:
        """What the layer, or the one within a wrapper, was given; None where that is not known."""
        return self.arguments[name] if name in self.arguments else self.wrapped_arguments.get(name)

    def is_a(self, *names: str) -> bool:
        """Whether the layer's class is, or inherits from, a Keras class of one of these names."""
        return not set(names).isdisjoint(self.bases)


@dataclass(frozen=True, slots=True)
class Written:
    """An expression of the user's, by its text and its place."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Handed:
    """What the only call of a function of the user's gives one of its parameters."""

    #: The parameter's name.
    name: str
    argument: Written


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What a bounded sample of an array says about its values."""

    min: float
    max: float
    #: Whole numbers only.
    integer: bool
    #: Zeros and exactly one 1 along the last axis, which has at least two places.
    one_hot: bool
    #: Whether every number is one; where not, the rest is told of those that are, and of none as 0.
    finite: bool = True
    #: How many different numbers there are.
    distinct: int = 0
    #: How many numbers were looked at.
    seen: int = 0
    #: The smallest and the largest sum along the last axis; None where it has one place or there is none.
    sums: tuple[float, float] | None = None
    #: The most numbers along the last axis that are not 0.
    filled: int = 0
    #: The largest number below the maximum; None where there is one alone.
    second: float | None = None
    #: Whether every row has a 0 in its first place: of one-hot rows, whether their classes were counted from 1.
    first_idle: bool = False


@dataclass(frozen=True, slots=True)
class Data:
    """An array, tensor or data set that is handed to the model; the first axis is the batch."""

    #: As the user wrote it, ``"x_train"``; a word like ``"labels"`` where the source is not known.
    name: str
    shape: Shape
    dtype: str
    facts: LabelFacts | None = None
    #: The argument in the user's source; of a model's input, the call that says its shape.
    span: Span | None = None
    #: Of a model's input: the shape of one sample as that call writes it, ``"x_train.shape[1:]"``; empty: not known.
    declared: str = ""
    #: The statement that gave the variable its value, where it stands in a cell.
    assigned: Span | None = None
    #: Of a batch that a generator or a PyDataset was asked for: the shape that it had, the first axis too.
    asked: Shape | None = None
    #: Of a model's input: the argument that brings its shape, or one size of it, to the user's own function.
    handed: Handed | None = None
    #: Whether it is a table, as pandas has them: an array only by its ``to_numpy()``.
    table: bool = False
    #: Of numbers that an Embedding may look up: the smallest and the largest as whole numbers; None: not looked at.
    indices: tuple[int, int] | None = None

    @property
    def as_array(self) -> str:
        """A template for what takes ``[None]``, ``reshape`` and the like, with ``{}`` for what the user wrote."""
        return "{}.to_numpy()" if self.table else "{}"


@dataclass(frozen=True, slots=True)
class LossFacts:
    """A loss or a metric, as compiled."""

    #: Keras' function name, ``"sparse_categorical_crossentropy"``; the class name for the user's own.
    name: str
    #: Whether it is one of Keras', so that its rule is known.
    known: bool
    from_logits: bool | None = None
    #: Whether it was given by its name, or as an object with its arguments as they are by default.
    plain: bool = True
    #: Whether it lays the output and the labels in a row each, so that axes of size 1 don't matter to it.
    flattens: bool = False
    #: A label that the loss passes over.
    ignore_class: int | None = None
    #: The arguments of a loss or metric object as far as they are plain values; empty for a name.
    arguments: Mapping[str, object] = field(default_factory=dict)
    #: Of a metric, the class in Keras: ``"BinaryAccuracy"``, also where it was given by its name; ``"accuracy"``
    #: and ``"crossentropy"`` for what Keras chooses by the shapes. Empty for the user's own.
    kind: str = ""
    #: Of a metric, its element in the list that ``compile`` was given; empty where there is no such list.
    text: str = ""
    #: What Keras raises when it is given the output and the labels; None where it computes.
    failure: Failure | None = None
    #: Of a metric: the output that it looks at, by its position.
    item: int = 0
    #: False where None stands for an output that nothing is compared with.
    compares: bool = True
    #: Where one of the user's own gives a table of all pairs of samples.
    crossings: tuple[Crossing, ...] = ()


#: How an argument was given: not at all · one array · several arrays in a list or by their names · numbers in
#: plain lists · one number · a list with an array for each sample · an array or table of Python objects that may be
#: read as numbers · texts for a model that reads text, not as Keras reads them · texts and other things that are no
#: numbers, where numbers are needed · a data set that TensorFlow reads · a PyDataset · a generator · something else.
Form = Literal[
    "absent",
    "array",
    "several",
    "named",
    "plain",
    "number",
    "rows",
    "objects",
    "text",
    "words",
    "dataset",
    "sequence",
    "generator",
    "other",
]


@dataclass(frozen=True, slots=True)
class Argument:
    """Data in a call that uses a model, by the way it was given."""

    #: ``"x"``, ``"y"`` or ``"sample_weight"``.
    name: str
    form: Form
    #: As the user wrote it.
    text: str
    #: The names in a dict.
    keys: tuple[str, ...] = ()
    #: How many samples each of its arrays holds, where that is known.
    lengths: tuple[int, ...] = ()
    #: The shape that it has as one array; None where its rows have different lengths.
    stacked: Shape | None = None
    #: Of several arrays those that hold no numbers.
    parts: tuple[Argument, ...] = ()
    #: Of such a part, its place in the list or tuple, or its name in the dict.
    item: int | str | None = None
    #: The dtype of an array.
    dtype: str = ""
    #: Of numbers in rows of different lengths, the dtype in which they can be padded to one.
    padded: str = ""


@dataclass(frozen=True, slots=True)
class ClassWeights:
    """The weights that ``fit`` was given for the classes."""

    #: The classes that have one; empty where the keys are no whole numbers.
    classes: tuple[int, ...]
    #: Labels in the sample that have none.
    missing: tuple[int, ...]
    #: A row has one number for each class, in their order; Keras takes a dict alone.
    form: Literal["dict", "row", "other"] = "dict"
    #: As the user wrote it.
    text: str = ""


@dataclass(frozen=True, slots=True)
class Spread:
    """An argument of ``compile``, by how it is spread over the outputs."""

    form: Literal["none", "one", "list", "dict"] = "none"
    count: int = 0
    keys: tuple[str, ...] = ()
    #: As the user wrote it; empty where the source is not known.
    text: str = ""
    span: Span | None = None
    #: Whether it is a text, or a list of texts.
    words: bool = False


@dataclass(frozen=True, slots=True)
class Compiled:
    """What ``compile`` was given."""

    #: The names of the model's outputs.
    outputs: tuple[str, ...] = ()
    loss: Spread = Spread()
    loss_weights: Spread = Spread()
    metrics: Spread = Spread()
    #: Whether layers may bring losses of their own: regularizers, ``add_loss`` in a layer of the user's.
    own_losses: bool = False


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The results of one call, given to several names in one statement."""

    #: The names on the left.
    names: Written
    #: What each of them holds, in their order.
    values: tuple[Data, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What Keras raises about the call as a whole, where no single output is the reason."""

    #: The arguments that are to blame: of ``compile``, or ``"data"`` for those of the call.
    about: Literal["loss", "loss_weights", "metrics", "labels", "data"]
    failure: Failure


@dataclass(frozen=True, slots=True)
class Contract:
    """One call that uses the model: what went in, what came out, and what it is compared with."""

    #: ``"fit"``, ``"evaluate"``, ``"predict"``, ``"train_on_batch"``, … or ``"call"``.
    method: str
    x: tuple[Data, ...]
    y: tuple[Data, ...]
    #: The model's outputs for this x.
    outputs: tuple[Shape, ...]
    #: One per output; empty when none was compiled or given.
    losses: tuple[LossFacts, ...]
    metrics: tuple[LossFacts, ...]
    #: The call, and the compile, in the user's source.
    span: Span | None
    compile_span: Span | None
    epochs: int | None = None
    #: What Keras raises when the model is given this x; None where it computes.
    failure: Failure | None = None
    #: The sample weights.
    weights: tuple[Data, ...] = ()
    class_weight: ClassWeights | None = None
    #: How x, y and the sample weights were given; empty where no call was seen.
    arguments: tuple[Argument, ...] = ()
    #: How many samples a step takes, where that is known.
    batch: int | None = None
    #: What was compiled; None where the model was not compiled.
    compiled: Compiled | None = None
    #: Whether the model's class says itself what a step or the loss is.
    own_step: bool = False
    complaint: Complaint | None = None
    #: What the sample weights and the loss do: Keras' error; None where they can be multiplied.
    weights_failure: Failure | None = None
    #: The data that ``fit`` validates with, as a call of their own.
    validation: Contract | None = None
    #: ``validation_data`` as the user wrote it.
    validation_text: str = ""
    #: The share of the data that ``fit`` is told to validate with.
    validation_split: float = 0.0
    #: What the model calls its inputs; empty where it has no names for them.
    input_names: tuple[str, ...] = ()
    #: What the user calls NumPy; empty: it is not imported.
    numpy: str = ""
    #: Other arrays of the notebook, by their names.
    nearby: tuple[Data, ...] = ()
    #: The statement that gave both the data and the labels their values.
    unpacked: Unpacked | None = None
    #: Of a generator, a PyDataset or a data set: the parts of a batch, data first, where its code writes them.
    parts: tuple[Written, ...] = ()
    #: The tuple or list of these parts, as a whole.
    together: Written | None = None
    #: What such a batch holds as a list where Keras takes tuples alone: "batch", "x", "y", "sample_weight", or
    #: "within" one of them.
    lists: tuple[str, ...] = ()
    #: The outputs for x where a step of the class' own compares them: no rule judges them by the compiled loss.
    step_outputs: tuple[Shape, ...] = ()

    def argument(self, name: str) -> Argument | None:
        """How x, y or the sample weights were given."""
        return next((a for a in self.arguments if a.name == name), None)


@dataclass(frozen=True, slots=True)
class Construct:
    """A constructor that raised, or a method of a model's that was given what it does not take."""

    #: The class; of a method its name.
    class_name: str
    #: Its arguments as far as they are plain values.
    arguments: Mapping[str, object]
    #: The shapes of those that are arrays, or lists of some.
    shapes: Mapping[str, tuple[Shape, ...]] = field(default_factory=dict)
    #: The names that its arguments may have; empty: they are not known.
    accepted: tuple[str, ...] = ()
    #: Keywords that it was given and does not have.
    unknown: tuple[str, ...] = ()
    #: How many values it was given by position, where the call is written out.
    by_position: int = 0
    #: The call itself; None: no place in the cells.
    span: Span | None = None


#: "loose": layers, but in no list.
StrayKind = Literal["class", "function", "list", "loose", "none", "tensor", "tuple", "word"]


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that was to go into a stack of layers and is none."""

    kind: StrayKind
    #: As the user wrote it; empty where it is not written out at its place.
    text: str
    span: Span | None
    #: What the user writes in front of the name of a layer, ``"layers."``.
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its calls in order, and how it is used."""

    #: The variable that holds it, else its name in Keras.
    name: str
    keras_name: str
    kind: Literal["Sequential", "Functional", "Model"]
    params: int
    bytes: int
    inputs: tuple[Data, ...]
    calls: tuple[Call, ...]
    outputs: tuple[Shape, ...]
    span: Span | None
    contract: Contract | None = None
    #: The call that makes each output; empty where it is not known.
    ends: tuple[int, ...] = ()
    #: The memory that its weights may take, in bytes; None: not known.
    memory_budget: int | None = None
    #: What stopped it as a whole when no single call did.
    failure: Failure | None = None
    #: Layers called one after another that are in no model yet: whether an end of them is an output can't be told.
    unfinished: bool = False
    #: The constructor that raised, where that is what stopped it.
    construct: Construct | None = None
    #: Where the user's own code misreads the model's answers.
    misreads: tuple[Misread, ...] = ()
    #: The calls whose answers were followed for that.
    answered: frozenset[Span] = frozenset()
    #: What was to go into a stack and is no layer, where that is what stopped it.
    stray: Stray | None = None
    #: The call at which the trace stopped, if it did: what most rules ask first.
    failed_call: Call | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look for the failed call once."""
        object.__setattr__(self, "failed_call", next((call for call in self.calls if call.failure), None))

    @property
    def is_unmade(self) -> bool:
        """Whether the run ended where this could not be made, or called, as it is written: nothing behind is known."""
        return self.construct is not None or self.stray is not None

    def end(self, item: int = 0) -> Call | None:
        """The call that gives one of the outputs; None where that is an input, or not known."""
        if item < len(self.ends):
            number = self.ends[item]
            return self.calls[number] if 0 <= number < len(self.calls) else None
        return self.calls[-1] if self.calls and len(self.outputs) < 2 else None


@dataclass(frozen=True, slots=True)
class Given:
    """What a person said to the check beside the code: shapes (with the batch axis), a loss, the memory to keep to."""

    #: The model's inputs, where the code does not say them.
    inputs: tuple[Shape, ...] = ()
    #: The labels, where no call brings them.
    targets: tuple[Shape, ...] = ()
    #: A loss to check with where none is compiled.
    loss: str | None = None
    #: The bytes that weights may take; None: no limit.
    budget: int | None = None
    #: Whether the budget was set, and not read off the machine.
    budget_is_set: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the rules may know."""

    models: tuple[Model, ...]
    #: Rules that the user silenced with ``# shapecheck: keep RULE``, by cell and line.
    kept: frozenset[tuple[CellId, int, str]] = field(default_factory=frozenset)
