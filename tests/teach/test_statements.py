"""Teaching quality checks of the general statements: no learner study has been done.

A hint *why* says how Keras and NumPy work in general. Here each of them has a small program that shows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from shape_magic import words
from tests.rules import keras_here
from tests.teach import statements as s

#: What shows the *why* of a variant, ``rule.variant`` or all of a rule's.
SHOWN: dict[str, Callable[[], None]] = {
    "activation-against-loss.logits-as-probabilities": s.cross_entropy_is_a_logarithm,
    "activation-against-loss.not-probabilities": s.cross_entropy_is_a_logarithm,
    "activation-against-loss.probabilities-as-logits": s.probabilities_as_logits_hardly_differ,
    "activation-against-loss.sigmoid-over-classes": s.softmax_shares_a_whole,
    "activation-against-loss.binary-loss-over-classes": s.binary_losses_count_each_place,
    "activation-against-loss.softmax-over-several": s.softmax_shares_a_whole,
    "activation-against-loss.negative-rates": s.the_poisson_loss_takes_a_logarithm,
    "arrays-of-different-length": s.samples_lie_along_the_first_axis,
    "axis-missing-in-silence.picture": s.grid_layers_take_one_picture,
    "axis-missing-in-silence.grid": s.adaptive_pooling_takes_fixed_axes,
    "axis-missing-in-silence.steps": s.masks_look_at_all_features,
    "batch-axis-lost": s.the_first_axis_counts_samples,
    "batch-axis-misread": s.attention_mixes_the_axis_before_the_last,
    "call-refused": s.samples_lie_along_the_first_axis,
    "channels-on-another-axis": s.channels_stand_last,
    "data-and-labels-swapped": s.a_loss_compares_two_things,
    "dense-on-feature-map.labels": s.dense_works_on_the_last_axis,
    "dense-on-feature-map.silent": s.losses_broadcast,
    "dense-on-feature-map.question": s.dense_works_on_the_last_axis,
    "empty-axis": s.empty_slices_raise_nothing,
    "flatten-open-axes": s.dense_weighs_each_pair,
    "ignored-input-shape": s.input_shapes_count_on_the_first_layer,
    "index-beyond-embedding.larger": s.embedding_rows_are_counted_from_0,
    "index-beyond-embedding.negative": s.negative_numbers_are_counted_from_the_end,
    "index-beyond-embedding.no-place": s.encodings_have_a_place_from_0_on,
    "index-beyond-embedding.swapped": s.inputs_and_outputs_are_found_by_name_or_order,
    "labels-against-loss.classes-in-binary-loss": s.cross_entropy_is_a_logarithm,
    "labels-against-loss.classes-from-one": s.cross_entropy_is_a_logarithm,
    "labels-against-loss.signs-in-binary-loss": s.cross_entropy_is_a_logarithm,
    "labels-against-loss.pixels-in-binary-loss": s.cross_entropy_is_a_logarithm,
    "labels-against-loss.amounts-in-binary-loss": s.cross_entropy_is_a_logarithm,
    "labels-against-loss.fractions-as-classes": s.sparse_losses_take_class_numbers,
    "labels-against-loss.units-without-a-class": s.sparse_losses_take_class_numbers,
    "labels-against-loss.several-classes-at-once": s.categorical_losses_want_shares,
    "labels-against-loss.rows-that-are-no-shares": s.categorical_losses_want_shares,
    "labels-against-loss.negative-amounts": s.the_poisson_loss_takes_a_logarithm,
    "labels-against-loss.zeros-as-divisors": s.percentages_divide_by_the_label,
    "labels-against-loss.gaps": s.nan_spreads,
    "labels-missing.labels": s.a_loss_compares_two_things,
    "labels-missing.pair": s.only_data_sets_bring_labels_in_a_tuple,
    "labels-missing.without": s.only_data_sets_bring_labels_in_a_tuple,
    "labels-missing.data": s.functions_without_return_give_none,
    "labels-out-of-reach": s.activations_have_flat_ends,
    "layer-input-rank.last-step-only": s.recurrent_layers_give_their_last_step,
    "layer-input-rank.all-steps": s.recurrent_layers_give_their_last_step,
    "layer-input-rank.joined-above": s.joining_forgets_positions,
    "layer-input-rank.joined-in-loop": s.loops_repeat_what_stands_in_them,
    "layer-input-rank.too-few": s.layers_read_a_fixed_rank,
    "layer-input-rank.too-many": s.layers_read_a_fixed_rank,
    "layer-input-rank.one-step": s.layers_read_a_fixed_rank,
    "layer-input-rank.batch-or-steps": s.input_is_one_sample,
    "layer-input-rank.batch-in-input": s.input_is_one_sample,
    "layer-input-rank.embedded-vectors": s.embedding_adds_an_axis,
    "layer-input-rank.words-in-columns": s.embedding_adds_an_axis,
    "layer-not-adapted": s.preprocessing_learns_by_adapt,
    "layer-refuses-arguments.batch-input-shape": s.inputs_say_what_goes_in,
    "layer-refuses-arguments.axes-from-0": s.layers_count_axes_from_1,
    "layer-refuses-arguments.by-position": s.a_nameless_argument_is_told_by_its_place,
    "layer-refuses-arguments.fraction": s.what_is_counted_is_whole,
    "layer-refuses-arguments.numbers": s.a_window_reads_all_channels,
    "layer-refuses-arguments.one-by-one": s.a_tuple_has_brackets_of_its_own,
    "layer-refuses-arguments.one-number": s.a_window_reads_all_channels,
    "layer-refuses-arguments.table-of-another-size": s.an_embedding_begins_with_its_weights,
    "layer-refuses-input.when-run": s.building_works_out_shapes_only,
    "layer-refuses-input.states": s.states_hold_a_number_for_each_unit,
    "layer-refuses-input.several": s.a_list_of_tensors_goes_on_whole,
    "layer-refuses-input.shared": s.weights_belong_to_one_width,
    "layer-refuses-input.shared-refused": s.weights_belong_to_one_width,
    "layer-refuses-input.handed": s.layers_are_made_and_then_called,
    "layer-refuses-input.last-step-only": s.attention_mixes_the_axis_before_the_last,
    "map-of-another-size.size": s.windows_make_grids_smaller,
    "map-of-another-size.silent": s.losses_broadcast,
    "map-of-another-size.channels-first": s.channels_stand_last,
    "merge-by-broadcasting": s.missing_axes_are_repeated,
    "merge-of-different-shapes.channels": s.merging_goes_number_by_number,
    "merge-of-different-shapes.grid": s.one_way_alone_changes_the_grid,
    "merge-of-different-shapes.joined": s.merging_goes_number_by_number,
    "merge-of-different-shapes.ranks": s.merging_goes_number_by_number,
    "merge-of-different-shapes.no-such-axis": s.axes_are_counted_from_the_batch,
    "merge-of-different-shapes.dot": s.dot_products_pair_numbers,
    "merge-of-different-shapes.strides-by-position": s.the_third_number_is_the_stride,
    "merge-over-the-batch": s.axes_are_counted_from_the_batch,
    "mask-without-reader.dropped": s.masks_go_along_until_they_are_dropped,
    "metric-against-labels.refused": s.metrics_read_labels_in_one_form,
    "metric-against-labels.labels": s.not_every_metric_broadcasts,
    "metric-against-labels.class-numbers": s.metrics_read_labels_in_one_form,
    "metric-against-labels.one-hot-rows": s.metrics_read_labels_in_one_form,
    "metric-against-labels.threshold-over-classes": s.binary_losses_count_each_place,
    "metric-against-labels.exact-match": s.metrics_read_labels_in_one_form,
    "metric-against-labels.argmax-of-one": s.one_unit_has_no_largest,
    "metric-against-labels.every-pair": s.missing_axes_are_repeated,
    "metric-against-labels.table-of-pairs": s.missing_axes_are_repeated,
    "metric-against-labels.cut-to-zero": s.one_unit_has_no_largest,
    "metric-against-labels.accuracy-of-amounts": s.accuracy_of_amounts_is_nothing,
    "model-refuses-data.refused": s.weights_belong_to_one_width,
    "model-refuses-data.passed": s.a_sequential_needs_what_its_weights_were_made_for,
    "model-refuses-data.one-sample": s.the_first_axis_counts_samples,
    "model-refuses-data.count": s.lists_mean_several_arrays,
    "model-refuses-data.order": s.lists_mean_several_arrays,
    "model-refuses-data.whole-array": s.input_is_one_sample,
    "nested-model-input": s.inner_models_keep_their_input,
    "nested-model-input.width": s.weights_of_a_decoder_are_made_for_one_width,
    "nested-model-input.rank": s.a_model_takes_as_many_axes_as_its_input_has,
    "not-compiled": s.compiling_belongs_to_one_model,
    "no-layer-in-stack.class": s.a_class_is_called_to_make_a_layer,
    "no-layer-in-stack.function": s.a_stack_takes_layers_alone,
    "no-layer-in-stack.list": s.a_stack_looks_into_no_list,
    "no-layer-in-stack.loose": s.a_list_has_brackets_of_its_own,
    "no-layer-in-stack.none": s.a_function_without_return_gives_none,
    "no-layer-in-stack.tensor": s.a_stack_calls_its_layers,
    "no-layer-in-stack.tuple": s.a_comma_at_the_end_makes_a_tuple,
    "no-layer-in-stack.word": s.a_stack_takes_layers_alone,
    "number-as-input-shape.number": s.the_comma_makes_the_tuple,
    "number-as-input-shape.one-by-one": s.a_tuple_has_brackets_of_its_own,
    "one-unit-as-classes": s.softmax_shares_a_whole,
    "output-against-labels.one-hot-with-sparse-loss": s.sparse_losses_take_class_numbers,
    "output-against-labels.class-numbers-with-one-hot-loss": s.categorical_losses_want_shares,
    "output-against-labels.label-out-of-range": s.sparse_losses_take_class_numbers,
    "output-against-labels.width": s.categorical_losses_want_shares,
    "output-against-labels.shapes": s.sparse_losses_take_class_numbers,
    "output-against-labels.every-pair": s.missing_axes_are_repeated,
    "argmax-of-one-number.code": s.one_number_has_one_position,
    "row-against-column.code": s.missing_axes_are_repeated,
    "output-against-labels.silent": s.losses_broadcast,
    "outputs-and-losses.metrics-as-weights": s.compile_takes_the_metrics_fourth,
    "outputs-and-losses.loss-weights-count": s.the_total_loss_is_a_weighted_sum,
    "outputs-and-losses.loss-weights-names": s.the_total_loss_is_a_weighted_sum,
    "outputs-and-losses": s.inputs_and_outputs_are_found_by_name_or_order,
    "list-in-batch.inside": s.data_sets_have_no_lists,
    "list-in-batch.whole": s.batches_of_generators_are_tuples,
    "plain-lists-as-data.plain": s.lists_mean_several_arrays,
    "plain-lists-as-data.rows": s.lists_mean_several_arrays,
    "plain-lists-as-data.objects": s.tensors_are_boxes_of_one_type,
    "plain-lists-as-data.text": s.texts_of_numpy_are_no_tensors,
    "plain-lists-as-data.words": s.words_are_not_multiplied,
    "plain-lists-as-data.ragged": s.tensors_are_boxes_of_one_type,
    "plain-lists-as-data.number": s.samples_lie_along_the_first_axis,
    "pooled-twice.top-left-on": s.bases_bring_their_classifier,
    "pooled-twice": s.joining_forgets_positions,
    "reshape-size-mismatch.batch-in-target": s.input_is_one_sample,
    "reshape-size-mismatch": s.reshape_keeps_its_numbers,
    "split-in-another-order": s.names_get_values_by_position,
    "stateful-batch-size": s.states_belong_to_a_batch_of_one_size,
    "steps-lost-before-labels.labels": s.recurrent_layers_give_their_last_step,
    "steps-lost-before-labels.silent": s.losses_broadcast,
    "strides-by-position": s.the_third_number_is_the_stride,
    "time-distributed-without-time.last-step-only": s.recurrent_layers_give_their_last_step,
    "time-distributed-without-time": s.time_distributed_cuts_the_second_axis,
    "unbatched-dataset.batch-in-a-batch": s.the_first_axis_counts_samples,
    "unbatched-dataset": s.data_sets_give_batches,
    "unknown-argument.gone": s.how_the_work_is_done_is_no_argument,
    "unknown-argument.one": s.an_argument_is_found_by_its_name,
    "unknown-argument.several": s.an_argument_is_found_by_its_name,
    "unreduced-loss": s.unreduced_losses_are_for_own_loops,
    "validation-data-mismatch.data": s.validation_begins_after_an_epoch,
    "validation-data-mismatch.lengths": s.validation_begins_after_an_epoch,
    "validation-data-mismatch.labels": s.metrics_read_labels_in_one_form,
    "validation-data-mismatch.swapped": s.a_loss_compares_two_things,
    "validation-data-mismatch.without-labels": s.a_loss_compares_two_things,
    "validation-data-mismatch.lists": s.lists_mean_several_arrays,
    "validation-data-mismatch.split": s.streams_have_no_known_end,
    "weights-against-labels.list": s.lists_mean_several_arrays,
    "weights-against-labels.class-row": s.class_weights_are_looked_up,
    "weights-against-labels.class-other": s.class_weights_are_looked_up,
    "weights-against-labels.class-outputs": s.class_weights_need_one_output,
    "weights-against-labels.silent": s.missing_axes_are_repeated,
    "weights-against-labels": s.sample_weights_multiply_the_loss,
    "weights-exceed-memory.dense": s.dense_weighs_each_pair,
    "weights-exceed-memory.layer": s.weights_follow_from_arguments_and_last_axis,
    "window-larger-than-input.channels-first": s.channels_stand_last,
    "window-larger-than-input": s.windows_make_grids_smaller,
}
#: Hints *why* that say nothing in general, each with its reason.
QUOTED = {
    "layer-refuses-input.refused": "it is Keras' own sentence",
    "layer-refuses-input.whole": "it is Keras' own sentence",
    "output-against-labels.no-such-loss": "what a name means is no statement about shapes",
    "output-against-labels.refused": "it says what the check saw: the loss computed on these shapes and raised",
}
#: Statements about whole groups of losses: what is said of ``{loss}`` holds for each that the cards name.
VARIANTS = sorted(
    key.removeprefix("rule.").removesuffix(".why") for key in words.texts("en") if re.fullmatch(r"rule\..+\.why", key)
)
PROGRAMS = sorted({program.__name__ for program in SHOWN.values()})


def program_of(variant: str) -> Callable[[], None] | None:
    """What shows the statement of a variant: its own program, else that of its rule."""
    return SHOWN.get(variant) or SHOWN.get(variant.split(".", maxsplit=1)[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_general_statement_has_its_program(variant: str) -> None:
    assert (program_of(variant) is not None) != (variant in QUOTED)


def test_no_program_stands_for_a_statement_that_is_gone() -> None:
    rules = {variant.split(".")[0] for variant in VARIANTS}
    assert [name for name in (*SHOWN, *QUOTED) if name not in VARIANTS and name not in rules] == []
    assert [
        name for name in rules if name in SHOWN and all(v in SHOWN for v in VARIANTS if v.startswith(f"{name}."))
    ] == []


def test_each_program_is_used() -> None:
    made = {
        name for name, value in vars(s).items() if callable(value) and getattr(value, "__module__", "") == s.__name__
    }
    assert made - set(PROGRAMS) == {"rng", "out", "refused", "dense_model", "fitted"}


#: What Keras says of a few things since it has one of these features.
OF_A_NEWER_KERAS = {
    "attention_mixes_the_axis_before_the_last": ("attention on rows",),
    "inputs_and_outputs_are_found_by_name_or_order": ("names", "half of the labels"),
    "losses_broadcast": ("doubles",),
    "windows_make_grids_smaller": ("windows",),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_statement_is_true(name: str) -> None:
    for feature in OF_A_NEWER_KERAS.get(name, ()):
        keras_here.need(feature)
    getattr(s, name)()


def test_a_false_statement_would_be_found() -> None:
    with pytest.raises(BaseException, match="DID NOT RAISE"):
        s.refused(lambda: s.fitted(s.dense_model(), s.rng().random((2, 4)), s.rng().random((2, 3))))
