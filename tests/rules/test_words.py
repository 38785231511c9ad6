"""The rules' and fixes' texts: all that is needed, nothing that is dead, and sentences that can be read."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from shape_magic import check, facts
from shape_magic.report import Diagnostic
from shape_magic.rules import RULES
from tests.rules import documents, keras_here
from tests.rules.documents import BROKEN

PARTS = ("title", "message", "where", "what", "why", "how")
PACKAGE = documents.RULES.parent
NAMES = tuple(rule.name for rule in RULES)


def catalogue() -> dict[str, str]:
    """The texts by their id."""
    flat: dict[str, str] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, value in node.items():
            if isinstance(value, dict):
                walk(f"{prefix}{key}.", value)
            else:
                assert f"{prefix}{key}" not in flat, "a text stands in two files"
                flat[f"{prefix}{key}"] = str(value)

    for path in sorted((PACKAGE / "words" / "en").rglob("*.toml")):
        walk("", tomllib.loads(path.read_text(encoding="utf-8")))
    return flat


TEXTS = catalogue()
#: ``rule.NAME.VARIANT``: what has a title or a message is one.
VARIANTS = sorted({key.rpartition(".")[0] for key in TEXTS if re.fullmatch(r"rule\..+\.(title|message)", key)})
#: One step of an id, where the code computes it.
WORD = "[a-z0-9_-]+"
#: What the pipeline's variables stand for.
NAMED = {"prefix": rf"rule\.{WORD}\.{WORD}", "hint": "(where|what|why|how)"}
#: ``fix.NAME`` of every repair and action.
FIXES = sorted(key.removesuffix(".title") for key in TEXTS if re.fullmatch(r"fix\.[^.]+\.title", key))


# -- the texts by themselves


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_diagnostic_has_all_its_texts_and_no_others(variant: str) -> None:
    assert {key.removeprefix(f"{variant}.") for key in TEXTS if key.startswith(f"{variant}.")} == set(PARTS)
    assert all(TEXTS[f"{variant}.{part}"].strip() for part in PARTS)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_message_has_two_sentences_at_most(variant: str) -> None:
    ours = TEXTS[f"{variant}.message"].removesuffix("Keras says: {keras}")
    assert 1 <= len(sentences(ours)) <= 2


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_text_is_a_sentence(variant: str) -> None:
    assert all(len(sentences(TEXTS[f"{variant}.{part}"])) == 1 for part in ("title", "where"))
    for part in PARTS:
        text = TEXTS[f"{variant}.{part}"]
        assert re.search(r"([.?]|\{keras\}|\{needs\})$", text), part


def sentences(text: str) -> list[str]:
    """The sentences of a text; what stands in code or will be filled in is none."""
    plain = re.sub(r"`[^`]*`|\{[^}]*\}", "x", text)
    return [part for part in re.split(r"[.?!]\s+|[.?!]$", plain) if part]


def test_sentences_are_counted() -> None:
    assert len(sentences("One: and on; two, `a. B` and {c}? Three. Keras says: {keras}")) == 3


# -- the texts and the code: none is dead, none is missing


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the package, parsed."""
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def patterns(tree: ast.Module) -> Iterator[str]:
    """What a module says, as regular expressions of message ids."""
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("say", "knows"):
            yield pattern(node.args[0], constants)


def pattern(node: ast.expr, constants: dict[str, Any]) -> str:
    """The ids that an expression can stand for."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value))
    if isinstance(node, ast.Name) and node.id in constants:
        return re.escape(str(constants[node.id]))
    if isinstance(node, ast.FormattedValue):
        return pattern(node.value, constants)
    if isinstance(node, ast.JoinedStr):
        return "".join(pattern(part, constants) for part in node.values)
    return NAMED.get(node.id, WORD) if isinstance(node, ast.Name) else WORD


def said() -> set[str]:
    """The patterns of the whole package that are about rules or fixes."""
    found = {text for _, tree in modules() for text in patterns(tree)}
    return {text for text in found if text.startswith((r"rule\.", r"fix\."))}


def test_every_text_is_used() -> None:
    uses = said()
    unused = [k for k in TEXTS if k.startswith(("rule.", "fix.")) and not any(re.fullmatch(use, k) for use in uses)]
    assert unused == []


def test_every_use_has_its_text() -> None:
    assert [use for use in sorted(said()) if not any(re.fullmatch(use, key) for key in TEXTS)] == []


def test_a_dead_text_would_be_found() -> None:
    uses = said()
    dead = ("rule.layer-input-rank.map.grid", "rule.layer-input-rank.too-few.who", "fix.flatten.footnote")
    assert not [key for key in dead if any(re.fullmatch(use, key) for use in uses)]


def test_every_variant_belongs_to_a_rule() -> None:
    assert {variant.split(".")[1] for variant in VARIANTS} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_rule_gives_only_variants_that_have_texts(name: str) -> None:
    tree = ast.parse((documents.RULES / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8"))
    given = set(variants_given(tree))
    assert given == {variant.split(".")[2] for variant in VARIANTS if variant.split(".")[1] == name}


def variants_given(tree: ast.Module) -> Iterator[str]:
    """The words that a rule's module gives as a finding's variant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_variant"):
            yield from (word for r in ast.walk(node) if isinstance(r, ast.Return) for word in words_of(r.value))
        elif isinstance(node, ast.keyword) and node.arg == "variant":
            yield from words_of(node.value)
            if ast.unparse(node.value) == "stray.kind":  # the trace tells them apart
                yield from get_args(get_type_hints(facts.Stray)["kind"])
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_finding", "warning"):
            yield from words_of(node.args[2])


def words_of(node: ast.expr | None) -> Iterator[str]:
    """The strings that an expression can be."""
    if isinstance(node, ast.IfExp):
        yield from words_of(node.body)
        yield from words_of(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


# -- the texts as they are seen in the documents' cells


def shown() -> Iterator[Diagnostic]:
    """Every diagnostic of the documents."""
    for name in NAMES:
        for cell in documents.read(name).here(BROKEN):
            yield from documents.checked(cell.source, cell.memory_budget).diagnostics


def made_from(template: str, text: str) -> bool:
    """Whether a text is a template with its values filled in."""
    return re.fullmatch(re.sub(r"\\\{\w+(!s)?\\\}", ".*", re.escape(template)), text, flags=re.DOTALL) is not None


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_has_its_broken_cell(variant: str) -> None:
    rule = variant.split(".")[1]
    found = any(
        made_from(TEXTS[f"{variant}.title"], d.title) and made_from(TEXTS[f"{variant}.message"], d.message)
        for d in shown()
        if d.rule == rule
    )
    if not found:
        keras_here.pass_over(cell.id for cell in documents.read(rule).of(BROKEN))
    assert found


@pytest.mark.parametrize("fix", FIXES)
def test_every_fix_is_offered_somewhere(fix: str) -> None:
    titles = [(f.title, f.note) for d in shown() for f in d.fixes] + [(a.title, "") for d in shown() for a in d.actions]
    note = TEXTS.get(f"{fix}.note", "")
    assert any(made_from(TEXTS[f"{fix}.title"], title) and made_from(note, text) for title, text in titles)


def texts_of(diagnostic: Diagnostic) -> list[str]:
    """Everything in it that a person reads and that is ours."""
    fixes = [text for fix in diagnostic.fixes for text in (fix.title, fix.note)]
    return [diagnostic.title, diagnostic.message, *diagnostic.hints, *fixes]


def test_what_is_filled_in_reads_well() -> None:
    odd = re.compile(
        r"\{\w*\}|  | [,.;]|(?<!,) :|, ,|\bline (0|None)\b|``|\b1 (units|channels|features|inputs|axes|steps|rows)\b"
    )
    found = [text for d in shown() for text in texts_of(d) if odd.search(text.replace(d.keras_message or "\0", "…"))]
    assert found == []


def test_without_a_cell_there_is_no_line() -> None:
    names = documents.namespace()
    exec(
        "model = keras.Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.Dense(4)])\n"
        "flat = keras.Sequential([layers.Input((6,)), layers.Dense(4)])\n"
        "images, rows = np.zeros((5, 8, 8, 1)), np.zeros((5, 6))\n"
        "labels = keras.utils.to_categorical(np.arange(5) % 4)\n",
        names,
    )
    reports = [
        check(names["model"]),
        check(names["model"], names["images"], names["labels"], loss="categorical_crossentropy"),
        check(names["flat"], names["rows"], names["labels"], loss="sparse_categorical_crossentropy"),
        check(names["flat"], names["images"]),
    ]
    rules = [d.rule for report in reports for d in report.diagnostics]
    assert rules == ["dense-on-feature-map", "dense-on-feature-map", "output-against-labels", "model-refuses-data"]
    assert [t for r in reports for d in r.diagnostics for t in texts_of(d) if re.search(r"\bline\b", t)] == []
