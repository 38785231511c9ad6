"""What code of the user's misreads in a model's answers, as data: a row against a column, the largest of one number."""

from __future__ import annotations

from dataclasses import dataclass

from shape_magic.spans import CellId, Shape, Span


@dataclass(frozen=True, slots=True)
class Spot:
    """A line of code that made an operation of TensorFlow's, and which of those that it made."""

    filename: str
    line: int
    #: The function of a library's that was called for it.
    maker: str
    #: TensorFlow's name for the operation, ``"Sub"``.
    operation: str
    #: How many of the same kind the line made before.
    turn: int
    #: Which of its two inputs is the column.
    column: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where code of the user's, a loss or what works with answers, sets a row, (n,), against a column, (n, 1).

    With more axes behind those of the samples it is the same: (n, k) against (n, 1, k).
    """

    #: Where it is, until it is looked up in the cells.
    spot: Spot | None = None
    #: The operation, and in it the two of them; None where it is in no cell, or the text does not tell which.
    span: Span | None = None
    row_span: Span | None = None
    column_span: Span | None = None
    #: The operation as it is written.
    text: str = ""
    #: The call that gave the model's answer, or led to it; None for a loss or a metric.
    made: Span | None = None
    #: The cell whose run does it, if it is known; the code may be a function of another one.
    cell: CellId | None = None
    #: The sizes of the axes behind.
    rest: Shape = ()

    @property
    def row(self) -> Shape:
        """The one without the axis of size 1."""
        return (None, *self.rest)

    @property
    def column(self) -> Shape:
        """The one with it."""
        return (None, 1, *self.rest)


@dataclass(frozen=True, slots=True)
class PickOfOne:
    """Where code of the user's asks which of the numbers along an axis is the largest, and there is only one: 0."""

    #: The call, ``np.argmax(answers, axis=1)``, and in it what it looks through.
    span: Span
    answers: Span
    #: The call as it is written.
    text: str
    #: The shape that it looks through, and the axis, counted from the last; None: all axes.
    shape: Shape
    axis: int | None
    #: Whether an axis of size 1 stays in its place.
    keepdims: bool
    #: How the module that is asked is written where it has a ``cast``, ``"tf"``; empty where NumPy is asked, whose
    #: arrays have a method for that; None where neither is known.
    module: str | None
    #: The call that gave the model's answer.
    made: Span
    #: The cell whose run does it; the code may be a function of another one.
    cell: CellId | None


#: What is told of the code that works with answers.
Misread = Crossing | PickOfOne
