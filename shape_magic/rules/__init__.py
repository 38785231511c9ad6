"""The rules, most upstream first: pure functions from facts to findings.

Each is one module with its documentation beside it; the document's cells are its tests. To add
one, write the two files and enter it here.
"""

from __future__ import annotations

from pathlib import Path

from shape_magic.facts import Facts, Model
from shape_magic.rules import (
    activation_against_loss,
    argmax_of_one_number,
    arrays_of_different_length,
    axis_missing_in_silence,
    batch_axis_lost,
    batch_axis_misread,
    call_refused,
    channels_on_another_axis,
    data_and_labels_swapped,
    dense_on_feature_map,
    empty_axis,
    flatten_open_axes,
    ignored_input_shape,
    index_beyond_embedding,
    labels_against_loss,
    labels_missing,
    labels_out_of_reach,
    layer_input_rank,
    layer_not_adapted,
    layer_refuses_arguments,
    layer_refuses_input,
    list_in_batch,
    map_of_another_size,
    mask_without_reader,
    merge_by_broadcasting,
    merge_of_different_shapes,
    merge_over_the_batch,
    metric_against_labels,
    model_refuses_data,
    nested_model_input,
    no_layer_in_stack,
    not_compiled,
    number_as_input_shape,
    one_unit_as_classes,
    output_against_labels,
    outputs_and_losses,
    plain_lists_as_data,
    pooled_twice,
    reshape_size_mismatch,
    row_against_column,
    split_in_another_order,
    stateful_batch_size,
    steps_lost_before_labels,
    strides_by_position,
    time_distributed_without_time,
    unbatched_dataset,
    unknown_argument,
    unreduced_loss,
    validation_data_mismatch,
    weights_against_labels,
    weights_exceed_memory,
    window_larger_than_input,
)
from shape_magic.rules.finding import Finding, Found, Rule

#: In this order: of two findings on one topic the earlier rule's stands.
RULES: tuple[Rule, ...] = (
    weights_exceed_memory.RULE,
    number_as_input_shape.RULE,
    unknown_argument.RULE,
    no_layer_in_stack.RULE,
    layer_refuses_arguments.RULE,
    strides_by_position.RULE,
    pooled_twice.RULE,
    layer_input_rank.RULE,
    window_larger_than_input.RULE,
    flatten_open_axes.RULE,
    time_distributed_without_time.RULE,
    reshape_size_mismatch.RULE,
    merge_of_different_shapes.RULE,
    nested_model_input.RULE,
    layer_refuses_input.RULE,
    not_compiled.RULE,
    labels_missing.RULE,
    plain_lists_as_data.RULE,
    list_in_batch.RULE,
    split_in_another_order.RULE,
    arrays_of_different_length.RULE,
    call_refused.RULE,
    unbatched_dataset.RULE,
    data_and_labels_swapped.RULE,
    outputs_and_losses.RULE,
    model_refuses_data.RULE,
    weights_against_labels.RULE,
    validation_data_mismatch.RULE,
    stateful_batch_size.RULE,
    index_beyond_embedding.RULE,
    channels_on_another_axis.RULE,
    axis_missing_in_silence.RULE,
    ignored_input_shape.RULE,
    empty_axis.RULE,
    merge_over_the_batch.RULE,
    merge_by_broadcasting.RULE,
    layer_not_adapted.RULE,
    mask_without_reader.RULE,
    batch_axis_misread.RULE,
    batch_axis_lost.RULE,
    dense_on_feature_map.RULE,
    steps_lost_before_labels.RULE,
    map_of_another_size.RULE,
    output_against_labels.RULE,
    one_unit_as_classes.RULE,
    labels_against_loss.RULE,
    activation_against_loss.RULE,
    labels_out_of_reach.RULE,
    unreduced_loss.RULE,
    metric_against_labels.RULE,
    argmax_of_one_number.RULE,
    row_against_column.RULE,
)


def documentation(name: str) -> str:
    """A rule's page: what it does, why, broken and fixed cells, what is not flagged."""
    return Path(__file__).with_name(f"{name.replace('-', '_')}.md").read_text(encoding="utf-8")


_RANK = {"error": 0, "warning": 1, "info": 2}


def diagnose(facts: Facts) -> tuple[Found, ...]:
    """All findings, most serious and most upstream first; what the user keeps on purpose is left out.

    Of one topic a model has one finding: the most serious, and of several that are, that of the first rule.
    """
    found: dict[tuple[int, str], Found] = {}
    for rule in RULES:
        for number, model in enumerate(facts.models):
            for finding in rule.check(model, facts):
                if _is_kept(rule.name, number, finding, facts):
                    continue
                before = found.get((number, finding.topic))
                if before is None or _RANK[finding.severity] < _RANK[before.finding.severity]:
                    found[number, finding.topic] = Found(rule.name, number, finding)
    return tuple(sorted(found.values(), key=lambda one: _order(one, facts.models[one.model])))


#: Keras meets them in this order: the model itself, the call's arguments together, outputs against labels.
_STAGE = {"use": 1, "contract": 2, "values": 2, "metric": 2, "weights": 2, "validation": 3, "answers": 4}


def _order(found: Found, model: Model) -> tuple[int, int, int, float]:
    call, stage = found.finding.call, _STAGE.get(found.finding.topic, 0)
    at, used = found.finding.span, model.contract.span if model.contract is not None else None
    if found.finding.topic == "answers" and at is not None and used is not None and at.cell == used.cell:
        stage = stage if at.start_line > used.start_line else 0  # what it gives may be what the call is given
    return _RANK[found.finding.severity], found.model, stage, call if call is not None else float("inf")


def _is_kept(rule: str, number: int, finding: Finding, facts: Facts) -> bool:
    if finding.severity == "error" or not finding.keepable:
        return False
    span = finding.span if finding.call is None else facts.models[number].calls[finding.call].span
    if span is None or span.cell is None:
        return False
    return any((span.cell, line, rule) in facts.kept for line in range(span.start_line, span.end_line + 1))


__all__ = ["RULES", "Finding", "Found", "Rule", "diagnose", "documentation"]
