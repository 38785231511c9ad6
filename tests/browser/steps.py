"""What the lessons tell their reader to do, and what the reader must see then: ``(cell id, action, sights)``.

A step comes after its cell has run. A lesson that gains a button to press gains a step here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.browser.walk import (
    Accessible,
    AddCell,
    Below,
    Choose,
    Fill,
    Finds,
    Focused,
    Hides,
    Keys,
    Look,
    Mend,
    Press,
    Reads,
    Row,
    Select,
    Shows,
    Step,
    TakeAnswer,
    Unfold,
    Write,
)

_ONE_PER_IMAGE = "One answer per position, but one label per image."
_SENSOR = """\
readings, good = rng.normal(size=(60, 45, 3)), rng.integers(0, 2, (60, 1))
sensor = keras.Sequential([keras.Input((45, 3)), layers.Conv1D(16, 3), layers.Dense(1, activation="sigmoid")])
sensor.compile(optimizer="adam", loss="mse")
sensor.fit(readings, good, verbose=0);"""

DENSE_MEETS_FEATURE_MAP: tuple[Step, ...] = (
    ("data", Look(), [Shows("images (600, 28, 28, 1)  labels (600, 10)"), Finds("img")]),
    (
        "broken-model",
        Look(),
        [Shows(_ONE_PER_IMAGE), Shows("breaks here"), Shows("(None, 5, 5, 10)"), Accessible()],
    ),
    (
        "broken-model",
        Press("Fix and run: Insert Flatten() before dense"),
        [Row("arrived", "Flatten flatten"), Reads("layers.Flatten(),"), Focused("Undo"), Hides(_ONE_PER_IMAGE)],
    ),
    ("broken-model", Press("Undo"), [Shows(_ONE_PER_IMAGE), Shows("breaks here")]),
    (
        "broken-model",
        Press("Fix and run: Insert GlobalAveragePooling2D() before dense"),
        [Row("arrived", "GlobalAveragePooling2D"), Reads("layers.GlobalAveragePooling2D(),"), Hides(_ONE_PER_IMAGE)],
    ),
    (
        "flatten",
        Look(),
        [Shows(re.compile(r"✓ model: \(None, 28, 28, 1\) → \(None, 10\)")), Shows("34,826 parameters")],
    ),
    ("never-crashes", Look(), [Shows("This trains, but on the wrong comparison")]),
    ("never-crashes", Unfold("Hints"), [Finds(".sm-hints li")]),
    ("legal", Look(), [Shows("✓ pixels")]),
    ("predict", Look(), [Finds("input.sm-blank"), Hides("(None, 24, 24, 16)"), Accessible()]),
    ("predict", Fill("Output shape of wide", "28, 28, 16"), [Shows("Not yet"), Hides("(None, 24, 24, 16)")]),
    (
        "predict",
        Fill("Output shape of wide", "24, 24, 16"),
        [Shows("Right"), Shows("(None, 24, 24, 16)"), Shows("1 of ")],
    ),
    ("predict", Press("Show the answer for pool"), [Shows("The answer is (batch, 12, 12, 16)")]),
    ("exercise-1-code", TakeAnswer(), [Shows("8,010")]),
    ("exercise-1-code", AddCell("%shapecheck puzzle"), [Below("(None, 800)"), Below("8,010")]),
    ("exercise-2-code", TakeAnswer(), [Shows("✓ plain")]),
    ("exercise-3-code", Write(_SENSOR), [Shows("(batch, 43, 1)"), Shows("This trains, but on the wrong comparison")]),
)

WHAT_TRAINS_IN_SILENCE: tuple[Step, ...] = (
    ("good", Look(), [Finds("img")]),
    (
        "broadcast",
        Look(),
        [Shows("This trains, but on the wrong comparison"), Shows("output (480, 20, 1)"), Finds("img")],
    ),
    ("broadcast", Unfold("More fixes"), [Shows("Insert GlobalMaxPooling1D()")]),
    (
        "broadcast",
        Press("Fix and run: Insert GlobalMaxPooling1D()"),
        [
            Shows("Inserted GlobalMaxPooling1D(), line 4"),
            Row("arrived", "GlobalMaxPooling1D"),
            Reads("layers.GlobalMaxPooling1D(),"),
            Shows("output (480, 1)"),
        ],
    ),
    ("units", Look(), [Shows("look here")]),
    ("units-24", Look(), [Shows("[24,32]")]),
    ("exercise-1-code", TakeAnswer(), [Shows("✓"), Finds("img")]),
    ("exercise-2-code", TakeAnswer(), [Shows("(32, 20) (32,) → crash")]),
    ("exercise-3-code", TakeAnswer(), [Finds("img")]),
)

RANKS_AND_AXES: tuple[Step, ...] = (
    ("rank", Look(), [Shows("album        rank 4")]),
    ("broadcast", Look(), [Shows("(5, 1)       with (5,)             → (5, 5)")]),
    ("ladder", Look(), [Finds("img")]),
    (
        "forgotten",
        Press("Fix and run: "),
        [Reads("layers.Reshape((28, 28, 1)),"), Focused("Undo"), Hides("breaks here")],
    ),
    ("exercise-1-code", TakeAnswer(), [Shows("(1, 224, 224, 3) (16, 64, 64, 3)")]),
    ("exercise-2-code", TakeAnswer(), [Shows("(200, 6) (200, 6)")]),
    ("exercise-3-code", TakeAnswer(), [Shows("1.0 0.0")]),
)

FLATTEN_OR_POOL: tuple[Step, ...] = (
    ("three", Look(), [Shows("Flatten: 1,600 inputs, 4,803 parameters in Dense")]),
    ("one-channel", Look(), [Finds("img")]),
    ("train-picture", Look(), [Finds("img")]),
    (
        "any-size",
        Press("Fix and run: Use GlobalAveragePooling2D() instead of flatten"),
        [Reads("layers.GlobalAveragePooling2D(),"), Hides("breaks here")],
    ),
    ("any-average", Look(), [Shows("100 → (1, 3)")]),
    ("exercise-1-code", TakeAnswer(), [Shows("moved")]),
    ("exercise-2-code", TakeAnswer(), [Shows("GlobalAveragePooling2D:")]),
    ("exercise-3-code", TakeAnswer(), [Shows("(None, 2, 2, 16) 195")]),
)

SEQUENCES: tuple[Step, ...] = (
    ("data", Look(), [Finds("img")]),
    ("keep", Look(), [Shows("steps gone")]),
    (
        "two-lstms",
        Press("Fix and run: Let lstm"),
        [Reads("layers.LSTM(16, return_sequences=True),"), Hides("breaks here")],
    ),
    (
        "steps-lost",
        Press("Fix and run: Let lstm"),
        [Reads("layers.LSTM(16, return_sequences=True),"), Hides("breaks here")],
    ),
    ("silent", Look(), [Shows("look here"), Shows("one sequence gives (1, 64, 1)")]),
    ("short", Look(), [Shows("(None, 56, 1)")]),
    ("exercise-1-code", TakeAnswer(), [Shows("(None, 14, 12)")]),
    ("exercise-2-code", TakeAnswer(), [Shows("✓ double")]),
    ("exercise-3-code", TakeAnswer(), [Shows("(400, 63, 1)")]),
)

DRAG_UNTIL_IT_BREAKS: tuple[Step, ...] = (
    ("window", Look(), [Finds("img")]),
    ("formula", Look(), [Shows("42 layers tried")]),
    ("play", Select("first"), [Shows("(None, 22, 22, 8)"), Shows("⌊(24 − 3) / 1⌋ + 1 = 22")]),
    ("play", Keys("slider", "kernel_size", ("ArrowRight", "ArrowRight")), [Shows("⌊(24 − 5) / 1⌋ + 1 = 20")]),
    ("play", Press("Undo"), [Shows("⌊(24 − 3) / 1⌋ + 1 = 22")]),
    ("play", Press("Redo"), [Shows("⌊(24 − 5) / 1⌋ + 1 = 20")]),
    ("play", Keys("slider", "strides", ("ArrowRight",)), [Shows("⌊(24 − 5) / 2⌋ + 1 = 10"), Shows("breaks here")]),
    ("play", Press("Reset"), [Hides("breaks here")]),
    ("play", Select("first"), [Shows("⌊(24 − 3) / 1⌋ + 1 = 22")]),
    ("play", Keys("slider", "kernel_size", ("ArrowRight",) * 7), [Shows("+ 1 = 15"), Shows("breaks here")]),
    ("python", Look(), [Shows("second with 8 filters: third has parameters: (3 × 3 × 8 + 1) × 32 = 2,336")]),
    ("break", Look(), [Shows("kernel 9: fits"), Shows("kernel 10: breaks")]),
    ("break-picture", Look(), [Finds("img")]),
    ("code", Look(), [Shows("strides=")]),
    ("quiz", Fill("Output shape of a (", "32, 32, 16"), [Shows("Not yet")]),
    ("quiz", Fill("Output shape of a (", "28, 28, 16"), [Shows("Right"), Shows("1 of 6")]),
    ("quiz", Fill("Output shape of b (", "14, 14, 16"), [Shows("2 of 6")]),
    ("quiz", Fill("Output shape of c (", "7, 7, 32"), [Shows("3 of 6")]),
    ("quiz", Fill("Output shape of d (", "3, 3, 64"), [Shows("4 of 6")]),
    ("quiz", Fill("Output shape of e (", "64"), [Shows("5 of 6")]),
    ("quiz", Fill("Output shape of f (", "10"), [Shows("Done: 6 of 6 right, 5 of them at the first try.")]),
    ("exercise-1-code", TakeAnswer(), [Shows("4 layers reach 1 from at most 47")]),
    ("exercise-2-code", TakeAnswer(), [Shows("[9, 10]")]),
    ("exercise-3-code", TakeAnswer(), [Shows("6,960"), Shows("12,560")]),
)

_HIDDEN = "Something does not fit here, and it can't run."
THE_CLINIC: tuple[Step, ...] = (
    # What the lesson asks for at each patient, once in full: hint after hint, and then the repair.
    ("patient-1-code", Look(), [Shows(_HIDDEN), Hides("breaks here")]),
    (
        "patient-1-code",
        Press("Next hint (1 of 4)"),
        [Shows("Next hint (2 of 4)"), Shows("breaks here"), Hides("Fix and run")],
    ),
    ("patient-1-code", Press("Next hint (2 of 4)"), [Shows("Next hint (3 of 4)"), Hides("return_sequences=True")]),
    ("patient-1-code", Press("Next hint (3 of 4)"), [Shows("Next hint (4 of 4)"), Hides("return_sequences=True")]),
    ("patient-1-code", Press("Next hint (4 of 4)"), [Shows("return_sequences=True"), Hides("Fix and run")]),
    *((f"patient-{number}-code", TakeAnswer(), (Shows("✓"), Hides("look here"))) for number in range(1, 21)),
)

FOR_TEACHERS: tuple[Step, ...] = (
    ("hints", Press("Next hint (1 of 4)"), [Shows("Next hint (2 of 4)"), Shows("line 7")]),
    ("hint-4", Look(), [Shows("Flatten")]),
    ("quiz", Fill("Output shape of edges", "28, 28, 16"), [Shows("Not yet"), Hides("1 of 4 right")]),
    ("quiz", Fill("Output shape of edges", "26, 26, 16"), [Shows("1 of 4 right")]),
    ("quiz-answers", Look(), [Shows("parts: 11, 11, 32")]),
    ("exercise", Choose("Where is the mistake?", "dense"), [Shows("Check my repair")]),
    ("exercise", Press("Check my repair"), [Shows("is the right place"), Hides("The repaired cell traces clean")]),
    (
        "exercise",
        Mend("The cell, to be repaired", "    layers.Dense(4", "    layers.Flatten(),\n    layers.Dense(4"),
        [Shows("is the right place")],
    ),
    ("exercise", Press("Check my repair"), [Shows("Right."), Shows("The repaired cell traces clean, to the labels.")]),
    ("exercise-answers", Look(), [Shows("solved: True")]),
    ("grade", Look(), [Shows("AssertionError")]),
    ("compare", Look(), [Finds("img")]),
    ("exercise-1-code", TakeAnswer(), [Shows("|")]),
    ("exercise-2-code", TakeAnswer(), [Shows("passed")]),
    ("exercise-3-code", TakeAnswer(), [Shows("keras")]),
)

#: By the lesson's file name, without its ending.
STEPS: dict[str, Sequence[Step]] = {
    "01_dense_meets_feature_map": DENSE_MEETS_FEATURE_MAP,
    "02_what_trains_in_silence": WHAT_TRAINS_IN_SILENCE,
    "03_drag_until_it_breaks": DRAG_UNTIL_IT_BREAKS,
    "04_ranks_and_axes": RANKS_AND_AXES,
    "05_flatten_or_pool": FLATTEN_OR_POOL,
    "06_sequences": SEQUENCES,
    "07_the_clinic": THE_CLINIC,
    "08_for_teachers": FOR_TEACHERS,
}
