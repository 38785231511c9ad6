"""Each translation has every text, with the same places and the same code; what it lacks is found, and is said in English."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shape_magic import words
from shape_magic.words import DEFAULT, __main__, translation

TRANSLATED = [code for code in words.languages() if code != DEFAULT]
FOLDER = Path(words.__file__).parent


def test_there_is_a_full_translation() -> None:
    assert "de" in TRANSLATED


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_is_complete(code: str) -> None:
    assert [str(one) for one in translation.differences(code)] == []


@pytest.mark.parametrize("code", words.languages())
def test_every_text_can_be_filled_in(code: str) -> None:
    words.use(code)
    for key, text in words.texts(code).items():
        names = {place.strip("{}").partition("!")[0] for place in translation.places(text)}
        assert "{" not in words.say(key, **dict.fromkeys(names, "x")), key


def test_nothing_is_filled_in_by_position() -> None:
    texts = [text for code in words.languages() for text in words.texts(code).values()]
    assert [text for text in texts if "{}" in translation.places(text)] == []


# -- the tool finds what a translator forgets


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogue whose German file on one rule can be spoiled."""
    shutil.copytree(FOLDER, tmp_path / "words")
    monkeypatch.setattr(translation, "FOLDER", tmp_path / "words")
    return tmp_path / "words" / "de" / "rules" / "empty-axis.toml"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('why = "', 'warum = "', "missing: A slice that starts"),
        ('why = "', 'warum = "', "warum: left over"),
        ('what = "{input} geht hinein, {output} kommt heraus."', 'what = " "', "what: empty: {input} goes in"),
        ("{input} geht hinein", "Etwas geht hinein", "what: other places: lacks {input}"),
        ("{input} geht hinein", "{inptu} geht hinein", "what: other places: lacks {input}; adds {inptu}"),
        ("`{layer}`{in_line}", "{layer}{in_line}", "where: other code: lacks `{layer}`"),
        (
            "Die Grenzen des Ausschnitts mit der Größe der Achse vergleichen.",
            "Check the bounds of the slice against the size of the axis.",
            "how: not translated",
        ),
    ],
)
def test_a_mistake_is_found(broken: Path, old: str, new: str, said: str) -> None:
    text = broken.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert [one for one in translation.differences("de") if said in str(one)]


def test_a_text_in_another_file_is_found(broken: Path) -> None:
    broken.rename(broken.with_name("emptiness.toml"))
    found = list(translation.differences("de"))
    assert {one.kind for one in found} == {"in another file"}
    assert "rules/emptiness.toml: rule.empty-axis.nothing-left.title: in another file" in str(found[0])


def test_the_untouched_copy_has_no_mistake(broken: Path) -> None:
    assert list(translation.differences("de")) == []


def test_the_command_says_what_is_missing_and_fails(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["de"]) == 0
    broken.unlink()
    assert __main__.main(["de"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "rules/empty-axis.toml: rule.empty-axis.nothing-left.why: missing: " in lines[-3]
    assert lines[-1].endswith("6 to mend")
    assert __main__.main(["xx"]) == 1


def test_the_command_runs() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "shape_magic.words"], capture_output=True, text=True, check=False, cwd=FOLDER.parents[1]
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("de: ")
