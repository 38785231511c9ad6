"""What the lessons say about what their cells show: each number stands here once, and in both places by a test."""

from __future__ import annotations

from dataclasses import dataclass

#: A cell's id, words that it must show, and the words of the prose if they are others.
_Row = tuple[str, str] | tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a lesson's prose says and one of its cells shows."""

    #: The two digits of its lesson.
    lesson: str
    cell_id: str
    #: As the cell shows it.
    text: str
    #: As the prose says it.
    told: str

    def __str__(self) -> str:
        """The name of its test."""
        return f"{self.lesson}-{self.cell_id}-{self.text[:30]}"


_ROWS: dict[str, tuple[_Row, ...]] = {
    "01": (
        ("broken-model", "One answer per position, but one label per image"),
        ("broken-model", "(batch, 5, 5, 10)"),
        ("broken-model", "(None, 5, 5, 64)", "`(batch, 5, 5, 64)`"),
        ("broken-model", "16,010 params", "16,010 parameters"),
        ("broken-model", "650 params", "650 parameters"),
        (
            "keras-words",
            "Argument `output` must have rank (ndim) `target.ndim - 1`",
            "whose rank is that of the target",
        ),
        ("never-crashes", "(1, 5, 5, 1)", "`(32, 5, 5, 1)`"),
        ("flatten", "34,826 params", "1,600 × 10 + 10 = 16,010 parameters"),
        ("exercise-1-answer", "Flatten: 8,010", "800 × 10 + 10 = 8,010 parameters"),
        ("exercise-1-answer", "Average: 90", "8 × 10 + 10 = 90"),
        ("exercise-1-answer", "right=5, asked=5, total=5", "The shapes of the quiz are in this answer"),
        ("exercise-2-answer", "✓", "shape_magic stays quiet"),
        ("exercise-3-answer", "✓", "joins the moments"),
    ),
    "02": (
        ("data", "recordings (480, 24, 1)  labels (480,)", "we draw 480 such recordings".capitalize()),
        ("variance", "variance of the labels 0.62", "near the variance, 0.62"),
        ("broadcast", "output (480, 20, 1)", "the output is `(batch, 20, 1)`"),
        ("broadcast", "This trains, but on the wrong comparison", "something is almost surely not meant"),
        ("broadcast", "GlobalMaxPooling1D()", "*Insert GlobalMaxPooling1D()*"),
        ("broadcast-shapes", "(32, 20, 32)", "compared (32, 20, 32)"),
        ("units-24", "[24], [24,32]"),
        ("softmax", "smallest answer 1.0000, largest answer 1.0000", "1.0 for every recording"),
        ("softmax", "right: 41%, and 41%", "exactly as often as the answer is yes: 41 %"),
        ("softmax", "UserWarning", "Keras did print a `UserWarning`"),
        ("logits", "ln 3 is 1.10", "near ln 3 = 1.10"),
        ("logits", "The loss wants probabilities and gets logits", "takes what it gets for probabilities"),
        ("sigmoid", "The labels lie where the output can't go", "A ceiling at 1"),
        ("swapped", "The labels stand in another order than the outputs", "in the other order"),
        ("by-hand", "(480, 480)", "480 × 480 pairs"),
        ("exercise-1-answer", "✓", "shape_magic shows its quiet line"),
        ("exercise-2-answer", "(32, 1, 1) (32,) → (32, 1, 32)", "*b* stretches to `(32, 1, 32)`"),
        ("exercise-2-answer", "(32, 20) (32,) → crash", "*d* crashes"),
    ),
    "03": (
        ("window", "a window of 3 in 8, stride 1, zeros 0: 6 places", "8 − (3 − 1) places"),
        ("stride", "a window of 3 in 8, stride 2, zeros 0: 3 places", "Three places"),
        ("padding", "zeros 1: 8 places", "as many places as numbers"),
        ("formula", "the formulas give what Keras gives", "held against Keras for every kernel and stride"),
        ("play", "Conv2D first", "Select `first`"),
        ("python", "kernel_size = 5: sizes [20, 10, 8, 4, 2], fits", "`first` gives 20, `half` 10 and `second` 8"),
        ("python", "strides = 2: sizes [10, 5, 3, 1], breaks", "Below, the sizes go 5, 3, 1"),
        ("python", "⌊(24 − 5) / 2⌋ + 1 = 10 · 1 at the end is not read", "⌊(24 − 5) / 2⌋ + 1 = 10"),
        ("python", "padding = same: sizes [24, 12", "The size stays 24 whatever the kernel is"),
        ("python", "(11 × 11 × 1 + 1) × 8 = 976", "(11 × 11 × 1 + 1) × 8 = 976 for a kernel of 11"),
        ("python", "= 2,336", "With 8 *filters* in `second` they are 2,336"),
        ("play", "4,640", "`third` has 4,640"),
        ("break", "kernel 9: fits, sizes [16, 8, 6, 3, 1", "24 − kernel + 1 = 16 for a kernel of 9"),
        ("break", "kernel 10: breaks, sizes [15, 7, 5, 2]", "Then come 7, 5 and 2"),
        ("quiz", "0 of 6 right", "All six shapes"),
        ("exercise-1-answer", "(None, 1, 1, 8)\n1 layers", "a convolution with a kernel of 3 makes 1 of 3"),
        ("exercise-1-answer", "2 layers reach 1 from at most 11", "two of at most 11"),
        ("exercise-1-answer", "3 layers reach 1 from at most 23", "three of at most 23"),
        ("exercise-1-answer", "4 layers reach 1 from at most 47", "four of at most 47"),
        ("exercise-2-answer", "[9, 10]", "a kernel of 10 or of 9"),
        ("exercise-3-answer", "(None, 22, 22, 16) 6,960", "3 × (3 × 3 × 16 × 16 + 16) = 6,960"),
        ("exercise-3-answer", "(None, 22, 22, 16) 12,560", "7 × 7 × 16 × 16 + 16 = 12,560"),
    ),
    "04": (
        ("rank", "rank 0  shape ()", "rank 0 and the shape `()`"),
        ("rank", "rank 1  shape (7,)", "its shape `(7,)`"),
        ("index", "(1, 32, 48, 3)", "an album of one photo"),
        ("move", "equal False", "only one of them is the picture"),
        ("broadcast", "(4,)         with (4, 7)           → error", "4 stands under 7"),
        ("broadcast", "(5, 1)       with (5,)             → (5, 5)", "give `(5, 5)`"),
        ("forgotten", "A layer gets too few axes", "without their channel axis"),
        ("exercise-1-answer", "(1, 224, 224, 3) (16, 64, 64, 3)", "`(16, 3, 64, 64)`"),
        ("exercise-2-answer", "(200, 6) (200, 6)", "`measured` holds 200 rows of 6 sensors"),
        ("exercise-3-answer", "1.0 0.0", "the numbers are not in their places"),
    ),
    "05": (
        ("three", "Flatten: 1,600 inputs, 4,803 parameters", "1,600 × 3 + 3 = 4,803 parameters"),
        ("three", "average:    16 inputs,    51 parameters", "16 × 3 + 3 = 51 parameters"),
        ("three", "largest:    16 inputs,    51 parameters", "16 numbers and 16 × 3 + 3 = 51 parameters"),
        ("one-channel", "(None, 10, 10, 16)", "`(batch, 10, 10, 16)`"),
        ("size", "'4,803', '23,235', '101,571', '424,131'", "From 4,803 to 23,235 and on to 424,131"),
        ("size", "average ['51', '51', '51', '51']", "With the average it is always 51"),
        ("any-size", "GlobalAveragePooling2D() instead of", "*Use GlobalAveragePooling2D() instead of …*"),
        ("any-size", "Shapes used to initialize variables", "a sentence about the shapes of its variables"),
        ("any-average", "100 → (1, 3)", "takes any size, trained as it is"),
        ("exercise-3-answer", "(None, 2, 2, 16) 195", "64 × 3 + 3 = 195 parameters"),
    ),
    "06": (
        ("data", "one label each (400, 1)", "`(400, 1)`"),
        ("data", "one per step (400, 64, 1)", "`(400, 64, 1)`"),
        ("keep", "LSTM(16)                           (None, 16)       steps gone", "**`LSTM(16)` gives up the steps**"),
        ("keep", "Dense(16)                          (None, 64, 16)   steps kept", "**`Dense(16)` keeps them**"),
        ("keep", "Conv1D(16, 5)                      (None, 60, 16)", "64 − 5 + 1 = 60 times"),
        ("two-lstms", "expected ndim=3, found ndim=2"),
        ("two-lstms", "give every step", "*Let lstm_… give every step*"),
        ("steps-lost", "One label per step, but the steps are gone"),
        ("steps", "output (None, 64, 1)", "the output is `(None, 64, 1)`, like the labels"),
        ("silent", "This trains, but on the wrong comparison", "shape_magic warns in both cases"),
        ("short", "(None, 60, 16)", "64 → 60 → 56"),
        ("short", "(batch, 56, 1)", "64 → 60 → 56"),
        ("exercise-1-answer", "(None, 20)", "(a) `(None, 20)`"),
        ("exercise-1-answer", "(None, 30, 20)", "(b) `(None, 30, 20)`"),
        ("exercise-1-answer", "(None, 14, 12)", "(c) `(None, 14, 12)`"),
        ("exercise-3-answer", "(None, 63, 1) (400, 63, 1)", "both `(400, 63, 1)`"),
    ),
    "07": (
        ("patient-2-code-told", "(None, 2, 2, 64)", "does not fit into 2 × 2"),
        ("patient-3-code-told", "1,568", "7 × 7 × 32 = 1,568"),
        ("patient-6-code-told", "(None, 66846976)", "66,846,976 numbers"),
        ("patient-6-code-told", "1,020 GiB", "over a terabyte"),
        ("patient-7-code-told", "(batch, 15, 15, 1)", "each of its 15 × 15 positions"),
        (
            "patient-10-code-told",
            "`x_train` holds 80 and `y_test` holds 20",
            "`x_train` has 80 of them, and `y_test` 20",
        ),
        ("patient-14-code-told", "(None, 15, 15, 8)", "30 → 15 → 8 → 16 → 32"),
        ("patient-14-code-told", "(None, 8, 8, 8)", "30 → 15 → 8 → 16 → 32"),
        ("patient-16-code-told", "from 0 to 3", "these labels run from 0 to 3"),
        ("patient-18-code-told", "(None, 10, 10, 32)", "makes 10 × 10 of 32 × 32"),
        ("patient-19-code-told", "height 3 with 32 channels", "a picture of 3 × 32 pixels with 32 channels"),
        ("patient-20-code-told", "(batch, 24, 24)", "`(batch, 24, 24)`"),
    ),
    "08": (
        ("hints", "%shapecheck --hint", "the line `%shapecheck --hint` does the same"),
        ("hint-3", "Hint 3 of 4", "the first three do not contain it"),
        ("quiz-answers", "forgot-kernel", "the first one forgot the kernel"),
        ("quiz-answers", "ignored-stride", "the last one the stride"),
        ("exercise-answers", "solved: True", "**any** repair"),
        ("record", '"misconception": "forgot-kernel"', "one line for each hint, answer and exercise"),
        ("grade", "One answer per position, but one label per image", "this text is all they get"),
        ("strip", "['answer = 42', 'print(answer)']", "a copy without our magics"),
        ("language", "Eine Antwort pro Position", "told in German"),
        ("questions", "11. (None, 15) into layers.Embedding(500, 8)", "eleven shapes each"),
        ("key", "Key: (None, 28, 28, 8) · tests forgot-kernel", "and the key names it"),
        ("exercise-2-answer", "passed", "Three assertions"),
    ),
}

#: Cells with a model that is right, by lesson: nothing but the quiet line may stand there.
RIGHT: dict[str, tuple[str, ...]] = {
    "01": ("flatten", "average", "never-crashes-mended", "legal"),
    "02": ("softmax-mended", "logits-mended", "swapped-mended"),
    "05": ("three", "train", "any-average"),
    "06": ("sequence", "steps"),
}

FACTS = [Fact(lesson, row[0], row[1], row[-1]) for lesson, rows in _ROWS.items() for row in rows]
