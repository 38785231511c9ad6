"""Lines of the magic that would have something evaluated, and names whose objects do more than they should."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line of ``%shapecheck``, and the sentence that answers it; ``touched`` must stay empty in the notebook."""

    what: str
    line: str
    happens: str
    #: A piece of the answer.
    says: str = ""
    #: Run before it.
    before: str = ""


_NO_SHAPE = "It is refused in one sentence; nothing is evaluated."
_EVALS = (
    "__import__('os').system('x')",
    "touched.append(1)",
    "[touched.append(1)]",
    "(touched.append(1),)",
    "x.shape",
    "x[0]",
    "{x!r}",
    "$x",
    "{touched.append(1)}",
    "!touch",
    "lambda:1",
    "f'{x}'",
    "x;touched.append(1)",
    "x if x else y",
)
#: An object that notes whatever is done with it.
_WATCH = """\
class Watch:
    def __getattr__(self, name):
        {}
    def __len__(self):
        {}
d = Watch()
"""

LINES = (
    *(
        Line(f"`{text}`", f'model -x "{text}"', _NO_SHAPE, "is no shape and no name")
        for text in _EVALS
        if '"' not in text
    ),
    *(Line(f"`{text}`", f'model -y "{text}"', _NO_SHAPE, "is no shape and no name") for text in _EVALS[:4]),
    *(
        Line(f"`{text}`", f'"{text}"', "A model is a name of the notebook; nothing is evaluated.", "no ")
        for text in _EVALS[:4]
    ),
    *(
        Line(f"`{text}`", f'model --loss "{text}"', "A loss is a name of Keras'; nothing is evaluated.", "loss")
        for text in _EVALS[:4]
    ),
    Line("`(10**10**10,)`", "model -x (10**10**10,)", _NO_SHAPE, "is no shape and no name"),
    Line(
        "a number of 5,000 digits",
        "model -x " + "9" * 5_000,
        "It is refused: no axis is that long.",
        "is no shape and no name",
    ),
    Line(
        "a number of 30 digits",
        "model -x 8,8," + "9" * 30,
        "It is a size like any other; the card says that the data don't fit.",
    ),
    Line("digits of another script", "model -x ٨,٨,١", "They are read as Python reads them.", "✓"),
    Line("a negative size", "model -x -1,3", "It is refused in one sentence.", "shapecheck: "),
    Line("nothing but a comma", "model -x ,", _NO_SHAPE, "is no shape and no name"),
    Line("an option that there is none of", "--evil", "It is refused in one sentence.", "See `%%shapecheck?`"),
    Line(
        "markup and escapes as an option", "--<script>\x1b[31m\u202e", "It is quoted as text.", "<script>␛[31m<U+202E>"
    ),
    Line("markup and escapes as a name", "<script>\x1b[31m\u202e", "It is quoted as text.", "<script>␛[31m<U+202E>"),
    Line("1 MB as a name", "n" * 1_000_000, "It is quoted with its beginning and its end.", "nnn…nnn"),
    Line("a quote that is not closed", "model -x '8,8", "It is refused in one sentence.", "See `%%shapecheck?`"),
    Line("a number that is no hint", "--hint --fix 99999999999999999999999", "The hint is what is asked for.", ""),
    Line("no number", "--fix 1e3", "It is refused in one sentence.", "See `%%shapecheck?`"),
    Line(
        "a rule that there is none of",
        "--explain ../../secret",
        "Rules are looked up by their names, not as files.",
        "secret",
    ),
    *(
        Line(
            f"an object whose attributes raise `{error}`",
            "model -x d",
            "It has no shape: one sentence.",
            "d has no shape",
            _WATCH.format(f"raise {error}", f"raise {error}"),
        )
        for error in ("RuntimeError('no')", "SystemExit(3)", "KeyboardInterrupt()")
    ),
    Line(
        "an object with a shape that does something",
        "model -x d",
        "Its shape is read, which runs the user's own property.",
        "",
        "class D:\n    @property\n    def shape(self):\n        read.append(1)\n        return (20, 8, 8, 1)\nread, d = [], D()\n",
    ),
    *(
        Line(
            f"an object whose class raises `{error}`",
            "d",
            "It is no model: one sentence.",
            "not a Keras model",
            f"class D:\n    @property\n    def __class__(self):\n        raise {error}\nd = D()\n",
        )
        for error in ("RuntimeError('no')", "SystemExit(3)")
    ),
)
