"""Once found, kept: what is mended stays mended, and what is listed is still so."""

from __future__ import annotations

import pytest

from tests.differential.fixes import unsound
from tests.differential.samples import SAMPLES, Sample
from tests.differential.verdicts import checked, disagreement
from tests.rules.keras_here import need

MENDED = [sample for sample in SAMPLES if not sample.reason]
LISTED = [sample for sample in SAMPLES if sample.reason]


@pytest.mark.parametrize("sample", MENDED, ids=[s.name for s in MENDED])
def test_what_was_mended_stays_so(sample: Sample) -> None:
    assert disagreement(sample.source) is None


@pytest.mark.parametrize("sample", MENDED, ids=[s.name for s in MENDED])
def test_its_repairs_are_sound(sample: Sample) -> None:
    report = checked(sample.source).report
    if isinstance(report, Exception):
        pytest.skip(f"there is nothing to repair: {report}")
    assert list(map(str, unsound(sample.source, report))) == []


@pytest.mark.parametrize("sample", LISTED, ids=[s.name for s in LISTED])
def test_what_is_listed_is_still_so(sample: Sample) -> None:
    if sample.needs:
        need(sample.needs)
    found = disagreement(sample.source)
    assert found is not None, "it is mended: take its reason out of the list"
    assert sample.explains(found), str(found)
