"""A repair as a line to paste, for models whose source can't be edited."""

from __future__ import annotations

from shape_magic import words
from shape_magic.facts import Data, Model
from shape_magic.repair.steps import (
    DropArgument,
    EndLoop,
    InsertLayer,
    JoinArguments,
    OwnLayer,
    RemoveLayer,
    RenameArgument,
    Reorder,
    ReplaceLayer,
    Rewrite,
    SetArgument,
    SetCompile,
    SetInputShape,
    Step,
    TrueButLast,
    Unwrap,
    Wrap,
    WrapData,
)
from shape_magic.source.writer.desk import plain

#: Steps that no line of code stands for, and what is said of them.
_SAID: dict[type[Step], str] = {EndLoop: "loop", RemoveLayer: "remove", Unwrap: "unwrap", OwnLayer: "own"}


def snippet(repair_steps: tuple[Step, ...], model: Model) -> str:
    """The repair as short lines of code, each with a comment that says where it belongs."""
    lines = []
    for step in repair_steps:
        code, place = _line(step, model)
        lines.append(f"{code}   # {place}" if code else f"# {place}")
    return "\n".join(lines)


def _line(step: Step, model: Model) -> tuple[str, str]:
    match step:
        case InsertLayer():
            layer = f"keras.layers.{step.class_name}({step.arguments})"
            layer = f"keras.layers.{step.inside}({layer})" if step.inside else layer
            return _entering(layer, model), _say(step.where, layer=model.calls[step.call].layer)
        case EndLoop() | RemoveLayer() | Unwrap() | OwnLayer():
            return "", _say(_SAID[type(step)], layer=model.calls[step.call].layer)
        case ReplaceLayer():
            layer = f"keras.layers.{step.class_name}({step.arguments})"
            return _entering(layer, model), _say("replace", layer=model.calls[step.call].layer)
        case Wrap():
            return "", _say("wrap", layer=model.calls[step.call].layer, wrapper=step.class_name)
        case SetArgument():
            return f"{step.name}={step.value}", _say("argument", layer=model.calls[step.call].layer)
        case TrueButLast():
            return f"{step.name}=True", _say("but_last", layer=model.calls[step.call].layer)
        case DropArgument():
            return "", _say("without", name=step.name, layer=model.calls[step.call].layer)
        case WrapData():
            method = model.contract.method if model.contract else "fit"
            return f"{step.argument}={step.template.replace('{}', _data_name(step, model))}", _say("of", method=method)
        case SetCompile():
            return f"{step.name}={step.value}", _say("of", method="compile")
        case SetInputShape():
            return f"keras.Input({step.value})", _say("of", method="Input")
        case RenameArgument() | JoinArguments() | Reorder() | Rewrite():
            return _rewritten(step), _say("rewrite", line=str(step.span.start_line))


def _rewritten(step: RenameArgument | JoinArguments | Reorder | Rewrite) -> str:
    """What stands at the place of a step that knows no layer."""
    match step:
        case RenameArgument():
            return f"{step.new}={step.value or '…'}" if step.new else ""
        case JoinArguments():
            return f"{step.brackets[0]}…, …{step.brackets[1]}"
        case Reorder():
            return ", ".join(step.after)
        case Rewrite():
            return step.template.replace("{}", "…")


def _entering(layer: str, model: Model) -> str:
    if model.kind == "Sequential":
        name = model.name if model.name.isidentifier() else "model"
        return f"{name}.add({layer})"
    return f"x = {layer}(x)"


def _data_name(step: WrapData, model: Model) -> str:
    given: tuple[Data, ...] = ()
    if model.contract and step.argument in ("x", "y"):
        given = model.contract.x if step.argument == "x" else model.contract.y
    place = step.item or 0
    name = given[place].name if place < len(given) else step.argument
    return name if name.isidentifier() else step.argument


def _say(message: str, **values: str) -> str:
    return words.say(f"source.snippet.{message}", **{name: plain(value) for name, value in values.items()})
