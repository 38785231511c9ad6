"""Keras' exceptions as plain text: what it says, without the scaffolding around it."""

from __future__ import annotations

import re

from shape_magic.facts import Failure
from shape_magic.untrusted import named, said

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PREFIX = re.compile(r"^Exception encountered when calling .*?\.call\(\)\.\s*", re.S)
_SUFFIX = "Arguments received by "
_INFERRED = re.compile(r"^Could not automatically infer the output shape.*?Error encountered:\s*", re.S)
#: The frames of a traced ``tf.function`` in front of the exception that they lead to.
_FRAMES = re.compile(r"^in user code:.*?\n\s*\n\s*\w+: ", re.S)
#: Where in a compiled step it happened: the operation's name, and the frames that made it, ours among them.
_COMPILED = re.compile(
    r'^Graph execution error:\s*(?:Detected at node [^\n]*\n(?:[ \t]*(?:File "[^\n]*|<stack traces [^\n]*)?\n)*)*'
)
#: The traceback of a function of the user's within such a step, in front of its exception.
_TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t]+[^\n]*\n|\n)*")
#: TensorFlow's operation, with the shapes that it was given.
_OPERATION = re.compile(
    r" for '[^']*?\b(\w+)(?:\[[^']*?\])?\([^']*\)' with input shapes: (.*?)(?: and with .*)?\.?$", re.S
)
#: A sentence is never longer, in characters.
_LONGEST = 2_000
_NODE = re.compile(r"\{\{(?:function_)?node [^}]*\}\}\s*|\[Op:[^\]]*\](?: name:[ \t]*)?|\[\[[^\]]*\]\]")


def failure_of(error: BaseException) -> Failure:
    """The exception's class and Keras' sentence."""
    return Failure(named(type(error).__name__), clean(said(error)))


def clean(message: str) -> str:
    """Keras' message without colours, call wrappers, argument dumps and graph nodes."""
    text = _ANSI.sub("", message)
    while True:
        shorter = _TRACEBACK.sub("", _COMPILED.sub("", text))
        shorter = _INFERRED.sub("", _PREFIX.sub("", _FRAMES.sub("", shorter))).partition(_SUFFIX)[0].strip()
        if shorter == text:
            break
        text = shorter
    text = _OPERATION.sub(r" (\1 of \2).", _NODE.sub("", text).strip())
    return " ".join(filter(None, (line.strip() for line in text.split("\n"))))[:_LONGEST]
