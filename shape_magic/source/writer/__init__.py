"""A repair written into the user's cells: edits that touch only the characters that must change."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from shape_magic.facts import Call, Model
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
from shape_magic.source.cells import apply_edits, parse, span_from_offsets
from shape_magic.source.writer.arguments import (
    Setting,
    argument,
    argument_removed,
    join_arguments,
    rename_argument,
    set_arguments,
    take_out,
)
from shape_magic.source.writer.branch import insert_on_branch
from shape_magic.source.writer.data import reorder, rewrite, set_compile, set_input_shape, wrap_data
from shape_magic.source.writer.desk import Desk, Refusal, Splice
from shape_magic.source.writer.imports import import_splices
from shape_magic.source.writer.insert import Insertion, insert_layers
from shape_magic.source.writer.loops import end_loop
from shape_magic.source.writer.places import made_with
from shape_magic.source.writer.remove import own_layer, remove_layers, replace_layer, unwrap_layer, wrap_layer
from shape_magic.source.writer.snippet import snippet
from shape_magic.source.writer.turns import true_but_last
from shape_magic.spans import CellId, Edit, Span

__all__ = ["Refused", "snippet", "write"]


@dataclass(frozen=True, slots=True)
class Refused:
    """The repair can't be written as edits."""

    #: The reason, for a person.
    why: str


def write(
    repair_steps: tuple[Step, ...],
    model: Model,
    cells: Mapping[CellId, str],
    bound: Callable[[str, str], bool],
) -> tuple[Edit, ...] | Refused:
    """The edits that make a repair, in the order of the text, or why there are none.

    ``bound(name, class_name)`` says whether the user's namespace has ``name`` for that Keras class, or for
    Keras itself.
    All steps refer to the cells as they are; of several layers that enter at one place, the tensor
    meets the first step's layer first.
    """
    desk = Desk(model, cells, bound)
    try:
        splices = [splice for work in _works(desk, repair_steps) for splice in work]
        return _edits(desk, splices)
    except Refusal as refusal:
        return Refused(str(refusal))


# Steps, in groups that are written together.


def _works(desk: Desk, steps: Sequence[Step]) -> list[list[Splice]]:
    """The splices of each group of steps; those of different groups must not meet."""
    shapes = [step for step in steps if isinstance(step, SetInputShape)]
    inserted = [step for step in steps if isinstance(step, InsertLayer)]
    taken_over = {i: s for i in inserted for s in shapes if _declares(desk, desk.model.calls[i.call], s)}
    works = _insertions(desk, inserted, {i.call: s.value for i, s in taken_over.items()})
    removed = [desk.model.calls[step.call] for step in steps if isinstance(step, RemoveLayer)]
    if removed:
        works.append(remove_layers(desk, removed))
    works += [end_loop(desk, desk.model.calls[step.call]) for step in steps if isinstance(step, EndLoop)]
    works += [true_but_last(desk, desk.model.calls[s.call], s.name) for s in steps if isinstance(s, TrueButLast)]
    works += [own_layer(desk, desk.model.calls[step.call]) for step in steps if isinstance(step, OwnLayer)]
    works += _constructors(desk, steps)
    renames = [step for step in steps if isinstance(step, RenameArgument)]
    works += [rename_argument(desk, step) for step in renames if step.new]
    if gone := [step for step in renames if not step.new]:
        works.append(take_out(desk, gone))
    works += [join_arguments(desk, step) for step in steps if isinstance(step, JoinArguments)]
    works += [reorder(desk, step) for step in steps if isinstance(step, Reorder)]
    works += [rewrite(desk, step) for step in steps if isinstance(step, Rewrite)]
    works += [wrap_data(desk, step) for step in steps if isinstance(step, WrapData)]
    works += [set_input_shape(desk, step) for step in shapes if step not in taken_over.values()]
    if compiled := [step for step in steps if isinstance(step, SetCompile)]:
        works.append(set_compile(desk, compiled))
    _check_apart(works)
    return [*works, list(import_splices(desk.imports))]


def _declares(desk: Desk, call: Call, step: SetInputShape) -> bool:
    """Whether a call's constructor says the shape of the input that the step means."""
    return call.span is not None and desk.declared_at(step) == call.span


def _insertions(desk: Desk, steps: Sequence[InsertLayer], shapes: Mapping[int, str]) -> list[list[Splice]]:
    groups: dict[tuple[object, str, int | None], list[InsertLayer]] = {}
    for step in steps:
        call = desk.model.calls[step.call]
        place: Span | int = call.placed or call.span or call.call
        groups.setdefault((place, step.where, step.input), []).append(step)
    works = []
    for group in groups.values():
        covered = {step.call for step in group}
        call = desk.model.calls[min(covered)]
        per_call = [tuple(replace(s, call=0) for s in group if s.call == number) for number in sorted(covered)]
        if any(layers != per_call[0] for layers in per_call):
            raise Refusal("several_layers", what=call.layer)
        insertion = Insertion(desk, call, group[0].where, per_call[0], covered, shapes.get(call.call, ""))
        works.append(insert_layers(insertion) if group[0].input is None else insert_on_branch(insertion))
    return works


def _constructors(desk: Desk, steps: Sequence[Step]) -> list[list[Splice]]:
    """Changes of constructor calls: each call once, whatever number of layers it makes."""
    chosen = [step for step in steps if isinstance(step, ReplaceLayer | Wrap | Unwrap | SetArgument | DropArgument)]
    by_call = sorted(chosen, key=lambda step: step.call)
    per_call = [(desk.model.calls[number], list(group)) for number, group in groupby(by_call, key=lambda s: s.call)]
    works: list[list[Splice]] = []
    done: dict[Span | None, list[Any]] = {}
    for call, group in per_call:
        anonymous = [replace(step, call=0) for step in group]
        if call.span is not None and done.get(call.span) == anonymous:
            continue
        done[call.span] = anonymous
        covered = {other.call for other, steps_ in per_call if [replace(s, call=0) for s in steps_] == anonymous}
        works += [replace_layer(desk, call, step, covered) for step in group if isinstance(step, ReplaceLayer)]
        works += [wrap_layer(desk, call, step, covered) for step in group if isinstance(step, Wrap)]
        works += [unwrap_layer(desk, call, covered) for step in group if isinstance(step, Unwrap)]
        if settings := [Setting(s.name, s.value, s.position, s.computed) for s in group if isinstance(s, SetArgument)]:
            whole = any(s.whole for s in group if isinstance(s, SetArgument))
            works.append(_set_on_whole(desk, call, settings) if whole else _set_on_layer(desk, call, settings, covered))
        works += [_drop_on_layer(desk, call, step, covered) for step in group if isinstance(step, DropArgument)]
    return works


def _set_on_layer(desk: Desk, call: Call, settings: Sequence[Setting], covered: set[int]) -> list[Splice]:
    tree, made = desk.constructor(call)
    if made_with(desk, call, covered):
        raise Refusal("several_layers", what=call.layer)
    inner = [s for s in settings if s.name not in call.arguments and s.name in call.wrapped_arguments]
    own = [s for s in settings if s not in inner]
    splices = set_arguments(tree, made, own, call.layer) if own else []
    if inner:
        splices += set_arguments(tree, _wrapped(made, call), inner, call.layer)
    return splices


def _set_on_whole(desk: Desk, call: Call, settings: Sequence[Setting]) -> list[Splice]:
    """Arguments of the call that makes a whole model, such as ``MobileNet()``, with the layer in it."""
    tree, made = desk.node(call.span, call.layer, ast.Call)
    if call.exact or not isinstance(made, ast.Call):
        raise Refusal("no_constructor", what=call.layer)
    return set_arguments(tree, made, settings, call.layer)


def _wrapped(made: ast.Call, call: Call) -> ast.Call:
    """The constructor of the layer within a wrapper; raises Refusal where it is made elsewhere."""
    given = argument(made, "layer", 0, call.layer)
    named = given.func if isinstance(given, ast.Call) else None
    name = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else None
    if not isinstance(given, ast.Call) or name not in call.wrapped_bases[:1]:
        raise Refusal("no_constructor", what=call.layer)
    return given


def _drop_on_layer(desk: Desk, call: Call, step: DropArgument, covered: set[int]) -> list[Splice]:
    tree, made = desk.constructor(call)
    if made_with(desk, call, covered):
        raise Refusal("several_layers", what=call.layer)
    return [argument_removed(tree, made, step.name, step.position, call.layer)]


def _check_apart(works: Sequence[Sequence[Splice]]) -> None:
    """Refuse texts of different groups at one place: their order would be a guess."""
    taken: set[tuple[int, int]] = set()
    for work in works:
        here = {(id(splice.tree), splice.start) for splice in work if splice.start == splice.end}
        if here & taken:
            raise Refusal("conflict")
        taken |= here


# Splices to edits.


def _edits(desk: Desk, splices: Sequence[Splice]) -> tuple[Edit, ...]:
    edits: list[Edit] = []
    for cell in desk.cells:
        here = sorted(
            (splice for splice in splices if splice.tree.cell == cell), key=lambda s: (s.start, s.rank, s.end)
        )
        source = desk.cells[cell]
        found = [
            Edit(span_from_offsets(source, splice.start, splice.end, cell), splice.text) for splice in _merged(here)
        ]
        edits += found
        _check(source, found)
    return tuple(edits)


def _merged(splices: Sequence[Splice]) -> list[Splice]:
    """Splices that touch made one, so that the order in which edits are applied can't matter."""
    merged: list[Splice] = []
    for splice in splices:
        if any(start < splice.end and splice.start < end for start, end in splice.tree.hidden):
            raise Refusal("magic_line")
        last = merged[-1] if merged else None
        if last is not None and splice.start < last.end:
            raise Refusal("conflict")
        if last is not None and splice.start == last.end:
            merged[-1] = replace(last, end=splice.end, text=last.text + splice.text)
        else:
            merged.append(splice)
    return merged


def _check(source: str, edits: Sequence[Edit]) -> None:
    tree = parse(apply_edits(source, edits)) if edits else ast.Module([], [])
    if tree is None:
        raise Refusal("breaks")
