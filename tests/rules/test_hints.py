"""The hints of every rule: no step before the last names the repair, and each leaves fewer repairs plausible.

No learner study has been done: what is measured is what the sentences give away, as ``tests/rules/hints.py``
defines it.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from shape_magic.display.disclosure import Disclosure, Mode
from shape_magic.display.view import build_view
from shape_magic.rules import RULES
from tests.rules import documents, hints
from tests.rules.hints import Case

EARLY = ("where", "what", "why")


def told_too_early(case: Case) -> list[str]:
    """What the first three hints, or the title that comes with the third, name of what the fixes bring."""
    words = hints.brought(case.source, case.diagnostic.fixes)
    texts = (*zip(EARLY, case.diagnostic.hints, strict=False), ("title", case.diagnostic.title))
    return [
        f"{case.id} {part} names {sorted(named)}" for part, text in texts if (named := hints.given_away(text, words))
    ]


def says_nothing_new(case: Case) -> list[str]:
    """The hints without a word or number that the ones before them have not."""
    known: set[str] = set()
    empty = []
    for k, hint in enumerate(case.diagnostic.hints):
        words = set(re.findall(r"\w+", hint.lower()))
        empty += [f"{case.id} hint {k + 1}"] if words <= known else []
        known |= words
    return empty


def sizes(case: Case) -> list[int]:
    """How many repairs are plausible before the first hint and after each."""
    return [len(left) for left in hints.candidates(case, case.diagnostic.hints)]


def test_every_rule_is_measured() -> None:
    # A rule whose page is about a newer Keras finds nothing here.
    here = {rule.name for rule in RULES if documents.read(rule.name).here(documents.BROKEN)}
    assert {case.diagnostic.rule for case in hints.cases()} == here
    assert all(len(case.diagnostic.hints) == 4 for case in hints.cases())


def test_no_step_before_the_last_names_the_repair() -> None:
    assert [line for case in hints.cases() for line in told_too_early(case)] == []


def test_each_step_says_more_than_those_before() -> None:
    assert [line for case in hints.cases() for line in says_nothing_new(case)] == []


def test_each_step_leaves_fewer_repairs() -> None:
    """Never more, and fewer wherever it can be.

    *Where* and *what* have to narrow every single finding. *Why* names the rule: where all findings with the
    same facts are this rule's, nothing is left to narrow; so does *how* where all the rule's findings
    are repaired in the same ways. Those two have to narrow more than a third of them, and the repair that
    is offered is among what is left at the end.
    """
    counts = {case.id: sizes(case) for case in hints.cases()}
    assert [name for name, n in counts.items() if sorted(n, reverse=True) != n] == []
    assert [name for name, n in counts.items() if not n[0] > n[1] > n[2]] == []
    assert all(3 * sum(n[k] > n[k + 1] for n in counts.values()) > len(counts) for k in (2, 3))
    left = {case.id: {kind for kind, _ in hints.candidates(case, case.diagnostic.hints)[-1]} for case in hints.cases()}
    assert left == {case.id: set(map(hints.kind, case.diagnostic.fixes)) for case in hints.cases()}


def standing_out(case: Case, mode: Mode, level: int) -> set[str]:
    """How the rows of a case's ladders look that do not look like any other."""
    view = build_view(case.report, disclosures=[Disclosure(mode, level)] * len(case.report.diagnostics))
    return {row.state for model in view.models for row in model.rows if row.state != "ok" or row.mark}


def test_no_row_stands_out_before_the_first_hint_and_none_is_predicted_after() -> None:
    assert [case.id for case in hints.cases() if standing_out(case, "hints", 0)] == []
    after = [standing_out(case, "hints", level) for case in hints.cases() for level in (1, 4)]
    after += [standing_out(case, "off", 0) for case in hints.cases()]
    assert set().union(*after) == {"broken", "warned", "asked", "unreached"}
    assert "predicted" in set().union(*(standing_out(case, "on", 0) for case in hints.cases()))


# -- this suite can fail


def case_of(name: str) -> Case:
    """A case by its id."""
    return next(case for case in hints.cases() if case.id == name)


def with_hint(case: Case, step: int, text: str) -> Case:
    """The case with another text for one hint."""
    texts = list(case.diagnostic.hints)
    texts[step] = text
    return replace(case, diagnostic=replace(case.diagnostic, hints=tuple(texts)))


@pytest.fixture(scope="module")
def seed() -> Case:
    """A map where one answer is meant; its fixes bring Flatten and poolings."""
    return next(
        c
        for c in hints.cases()
        if c.diagnostic.rule == "dense-on-feature-map" and "Flatten" in str(c.diagnostic.fixes[0])
    )


@pytest.fixture(scope="module")
def window() -> Case:
    """A window that no longer fits; its fixes bring ``padding="same"``."""
    cases = (c for c in hints.cases() if c.diagnostic.rule == "window-larger-than-input")
    return next(c for c in cases if any(f.label.startswith("padding") for f in c.diagnostic.fixes))


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("text", ["Put a `Flatten` there.", "Put layers.Flatten() there."])
def test_a_hint_that_names_a_layer_is_found(seed: Case, step: int, text: str) -> None:
    assert told_too_early(seed) == []
    assert told_too_early(with_hint(seed, step, text)) == [f"{seed.id} {EARLY[step]} names ['Flatten']"]


@pytest.mark.parametrize("text", ["Without padding it shrinks.", "Set padding='same'.", 'Set `padding="same"`.'])
def test_a_hint_that_names_an_argument_is_found(window: Case, text: str) -> None:
    assert told_too_early(window) == []
    assert len(told_too_early(with_hint(window, 2, text))) == 1


def test_words_of_the_field_count_as_code_only() -> None:
    assert hints.given_away("Each batch has the same axis.", {"batch", "same", "axis"}) == set()
    assert hints.given_away("Write `train.batch(32)`, or axis=1.", {"batch", "axis"}) == {"batch", "axis"}


def test_a_hint_without_a_place_or_facts_is_found(seed: Case) -> None:
    before = sizes(seed)
    nowhere = sizes(with_hint(seed, 0, "Look at your code."))
    assert nowhere[1] == nowhere[0] == before[0]
    nothing = sizes(with_hint(seed, 1, "Something is odd."))
    assert nothing[2] == nothing[1]


def test_a_hint_that_repeats_is_found(seed: Case) -> None:
    assert says_nothing_new(with_hint(seed, 1, seed.diagnostic.hints[0])) == [f"{seed.id} hint 2"]
