"""What is known of a cell's models, as plain frozen data: the language between trace, rules, repair and display.

Nothing here knows Keras. A shape is a tuple of whole numbers with ``None`` for an axis that is
open (the batch axis nearly always is); axes are named by the field's words: batch, height, width,
depth, channels, time, features, or ``"?"`` where nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Shape = tuple[int | None, ...]
Axes = tuple[str, ...]
#: The identity of a cell: its position in ``check_cells``' list, the notebook's cell id in a kernel.
CellId = int | str


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a cell's full text: lines from 1, columns from 0 in code points, the end exclusive."""

    cell: CellId | None
    start_line: int
    start_col: int
    end_line: int
    end_col: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no output."""

    #: The exception's class, ``"ValueError"``.
    type: str
    #: Keras' own words, cleaned of its internals.
    message: str


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
    #: What it does in a few words: ``"32 filters 3×3, relu"``.
    summary: str
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
    #: How many axes Keras' own input check asks for, the batch axis counted; None: it asks for none.
    wants_rank: int | None = None
    failure: Failure | None = None

    @property
    def output_shape(self) -> Shape | None:
        """The first output's shape; None where the call was not reached or failed."""
        return self.output_shapes[0] if self.output_shapes else None

    @property
    def input_shape(self) -> Shape | None:
        """The first input's shape."""
        return self.input_shapes[0] if self.input_shapes else None

    def is_a(self, *names: str) -> bool:
        """Whether the layer's class is, or inherits from, a Keras class of one of these names."""
        return any(name in self.bases for name in names)


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What a bounded sample of an array says about its values."""

    min: float
    max: float
    #: Whole numbers only.
    integer: bool
    #: Zeros and exactly one 1 along the last axis, which has at least two places.
    one_hot: bool
    #: Whether every number is one; where it is not so, the rest is told of those that are.
    finite: bool = True
    #: How many different numbers there are.
    distinct: int = 0
    #: How many numbers were looked at.
    seen: int = 0
    #: The smallest and the largest sum along the last axis; None where it has one place or there is none.
    sums: tuple[float, float] | None = None
    #: The most numbers along the last axis that are not 0.
    filled: int = 0


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
    #: Whether the model's class compares output and labels in a step of its own.
    own_step: bool = False
    #: What Keras raises when the model is given this x; None where it computes.
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Construct:
    """A constructor that raised."""

    class_name: str
    #: Its arguments as far as they are plain values.
    arguments: Mapping[str, object]


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
    #: The constructor that raised, where that is what stopped it.
    construct: Construct | None = None

    @property
    def failed_call(self) -> Call | None:
        """The call at which the trace stopped, if it did."""
        return next((call for call in self.calls if call.failure), None)


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
