"""The language is one setting: it is chosen in four ways, missing texts are English, and numbers follow it."""

from __future__ import annotations

import timeit
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets import TraitError
from traitlets.config import Config

from shape_magic import settings, words
from shape_magic.errors import UsageError
from shape_magic.magic import load_ipython_extension, unload_ipython_extension
from shape_magic.settings import ShapeMagic


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """A shell of its own with the extension, in German by its configuration."""
    made = InteractiveShell(config=Config({"ShapeMagic": {"language": "de"}}))
    load_ipython_extension(made)
    yield made
    unload_ipython_extension(made)


def test_the_language_is_english_until_another_is_chosen() -> None:
    assert (words.language(), settings.current().language) == ("en", "en")
    assert words.say("ui.severity.error") == "Error"


def test_another_language_is_chosen_outside_of_ipython() -> None:
    words.use("de")
    assert words.say("ui.severity.error") == "Fehler"
    words.use()
    assert words.say("ui.severity.error") == "Error"


def test_a_configuration_chooses_it(shell: InteractiveShell) -> None:
    assert words.say("ui.severity.error") == "Fehler"
    assert settings.current().language == "de"


def test_the_magic_for_settings_changes_it(shell: InteractiveShell) -> None:
    shell.run_line_magic("config", 'ShapeMagic.language = "en"')
    assert words.say("ui.severity.error") == "Error"
    shell.run_line_magic("config", 'ShapeMagic.language = "de"')
    assert words.say("ui.severity.error") == "Fehler"


def test_unloading_the_extension_takes_the_choice_along(shell: InteractiveShell) -> None:
    unload_ipython_extension(shell)
    assert words.language() == "en"


def test_a_language_without_texts_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no texts in the language xx\. There are texts in: de, en\."):
        words.use("xx")
    with pytest.raises(TraitError, match=r"There are texts in: de, en\."):
        ShapeMagic(language="xx")
    with pytest.raises(UsageError):
        words.use("../rules")
    assert words.language() == "en"


def test_what_a_language_lacks_is_said_in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    known, german = words._text, {"ui.severity.error": "Fehler"}
    monkeypatch.setattr(words, "_text", lambda code, key: german.get(key) if code == "de" else known(code, key))
    words.use("de")
    assert (words.say("ui.severity.error"), words.say("ui.severity.warning")) == ("Fehler", "Warning")
    assert words.knows("ui.severity.warning")
    with pytest.raises(KeyError):
        words.say("ui.severity.disaster")


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [
        (9, "9", "9"),
        (1600, "1,600", "1.600"),
        (-1, "-1", "-1"),
        (34_826_000, "34,826,000", "34.826.000"),
        (2.0, "2", "2"),
        (99.7, "99.7", "99,7"),
        (0.0041, "0.0041", "0,0041"),
        (float("nan"), "nan", "nan"),
        (float("inf"), "inf", "inf"),
        (10**30, f"1{',000' * 10}", f"1{'.000' * 10}"),
        (10**309, "10^309", "10^309"),
        (-(10**4000), "-10^4000", "-10^4000"),
    ],
)
def test_numbers_are_written_as_the_language_writes_them(value: float, english: str, german: str) -> None:
    assert words.number(value) == english
    words.use("de")
    assert words.number(value) == german


def test_numbers_in_code_stay_code() -> None:
    for code in words.languages():
        words.use(code)
        assert "units=1600" in words.say("fix.units.title", layer="dense", units=1600)
        assert "filters=1024" in words.say("fix.filters.title", layer="conv2d", filters=1024)
        assert "Dense(1024)" in words.say("fix.same-depth-query.title", layer="attention", width=1024)
        assert words.shape_text((None, 1600)) == "(None, 1600)"


def test_saying_is_quick() -> None:
    words.use("de")
    seconds = min(timeit.repeat(lambda: words.say("place.at", line=6), number=1000, repeat=5))
    assert seconds < 0.1, "a text takes more than a tenth of a millisecond"


def test_a_text_is_found_in_the_one_file_that_may_hold_it() -> None:
    for code in words.languages():
        every = words.texts(code)
        assert {key: words._text(code, key) for key in every} == every
        assert words._text(code, "rule.dense-on-feature-map.no.such.text") is None


def test_only_what_is_said_is_read() -> None:
    words._read.cache_clear()
    words._text.cache_clear()
    read = []
    for key in ("magic.on", "magic.off", "rule.dense-on-feature-map.map.grid", "fix.from-logits.title"):
        assert words.knows(key)
        read.append(words._read.cache_info().currsize)
    assert read == [1, 1, 2, 4]  # a fix may stand in fixes.toml, and then in the file of a rule
