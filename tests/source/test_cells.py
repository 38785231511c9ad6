"""Cells read as Python, places in them, edits and comments."""

from __future__ import annotations

import ast
import random
import sys

import pytest

from shape_magic.source.cells import (
    apply_edits,
    diff_lines,
    keep_edit,
    kept,
    mask,
    node_at,
    offset,
    parse,
    span_from_positions,
    text_of,
)
from shape_magic.spans import Edit, Span

# Masks.


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("%matplotlib inline\nx = 1", "\nx = 1"),
        ("!pip install \\\n  keras\nx = 1", "\n\nx = 1"),
        ("if a:\n    !ls 'it\n    %cd ..\nx", "if a:\n    pass\n    pass\nx"),
        ("if a:\r\n\t!ls \\\r\n -l\r\nx", "if a:\r\n\tpass\r\n\r\nx"),
        ("files = !ls *.py", "files = None"),
        ("a.b[0] = %time \\\n f()\nx", "a.b[0] = None\n\nx"),
        ("x?\nx.y??\n?x\n%time?\nx", "\n\n\n\nx"),
        ("/f a\n,f a b\n;f a b\nx", "\n\n\nx"),
        ("x = f(1,\n  2)?\ny", "\n\ny"),
        ("a = 1\n  \n%ls", "a = 1\n  \n"),
    ],
)
def test_what_is_not_python_is_masked(source: str, text: str) -> None:
    assert mask(source) == text
    assert parse(source) is not None


@pytest.mark.parametrize(
    "source",
    [
        "s = ('%s'\n% (a, b)\n!= c)",
        "s = '''\n%ls\n!ls\nx?\n'''",
        's = f"""\n%ls {x}\n"""',
        "x = 10 \\\n% 3",
        "x != y\nx = a % b\nx %= 2  # why?\ns = 'why?'",
        "x = [  # (\n%\n]".replace("%\n", "1 #%\n"),
        "d = {'a=!b': '=%c'}\nf(x = not y)",
        "s = 'a\\\n!b'\nt = 'c\\'!'",
        "r = r'\\'  # '\n".replace("r'\\'", "r'\\''"),
    ],
)
def test_python_is_never_touched(source: str) -> None:
    assert mask(source) == source
    assert parse(source) is not None


@pytest.mark.parametrize("magic", ["time", "timeit -n 3", "capture out", "shapecheck --fix 1", "prun"])
def test_cell_magics_that_run_python_keep_their_body(magic: str) -> None:
    assert mask(f"%%{magic}\nx = 1\n!ls") == "\nx = 1\n"
    assert mask(f"\n\n%%shapecheck\n%%{magic}\nx = 1") == "\n\n\n\nx = 1"


@pytest.mark.parametrize("magic", ["bash", "html", "writefile a.py", "script x", "unheard_of", ""])
def test_cell_magics_that_run_something_else_mask_the_cell(magic: str) -> None:
    assert mask(f"%%{magic}\nx = 'it\n  done\n") == "\n\n\n"


def test_a_timed_statement_is_python_at_its_columns() -> None:
    assert mask("%time h = f(x)\n  %time g()") == "None; h = f(x)\n  None; g()"
    assert mask("%time for x in y: pass\n%timeit f()") == "\n"


def test_a_mask_keeps_lines_and_a_future_import() -> None:
    source = "%%shapecheck\nfrom __future__ import annotations\n"
    tree = parse(source)
    assert tree is not None
    compile(tree, "cell", "exec")


def test_masks_of_random_cells_keep_their_lines() -> None:
    """Whatever the text, lines stay lines; what could be read is Python afterwards."""
    pieces = [
        "%ls",
        "!x",
        "x = ",
        "?",
        "(",
        ")",
        "'",
        '"""',
        "\\",
        "\n",
        "\r\n",
        "  ",
        "#",
        "=",
        "ü",
        "%%time",
        "if a:",
        "1",
    ]
    chance = random.Random(7)
    for _ in range(3000):
        source = "".join(chance.choices(pieces, k=chance.randint(1, 14)))
        text = mask(source)
        assert text.count("\n") == source.count("\n"), source
        if parse(source) is not None:
            assert mask(text) == text, source


# Trees.


def test_parse_takes_what_a_cell_may_hold() -> None:
    assert parse("await f()\nasync for x in y: pass") is not None
    assert parse("s = '\\d'  # no warning, it is the user's") is not None
    assert parse("x = (") is None
    assert parse("x = '\0'") is None
    assert parse("f" + "(" * 5000) is None


def test_parse_does_not_hand_on_our_own_future() -> None:
    tree = parse("x: int = 1")
    assert tree is not None
    annotated = tree.body[0]
    assert isinstance(annotated, ast.AnnAssign)
    assert isinstance(annotated.annotation, ast.Name)


def test_a_cell_that_is_indented_as_a_whole() -> None:
    tree = parse("%ls\n    x = 1\n    y = f(2)\n")
    assert tree is not None
    assert [(node.lineno, node.col_offset) for node in tree.body] == [(2, 4), (3, 4)]


# Places.


def test_spans_count_code_points_and_not_bytes() -> None:
    source = "é = '😀漢'; m = f('ü', Dense(10))"
    tree = parse(source)
    assert tree is not None
    call = next(n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "Dense")
    span = span_from_positions(
        source, call.lineno, call.end_lineno or 0, call.col_offset, call.end_col_offset or 0, "a"
    )
    assert text_of(source, span) == "Dense(10)"
    assert span.start_col == source.index("Dense")
    assert node_at(tree, source, span) is call
    assert node_at(tree, source, span, ast.Name) is None


@pytest.mark.parametrize("source", ["(m\n  .fit(1))", "f([\n  2]).fit(1)", "m.fit(\n1)"])
def test_a_method_call_is_found_where_running_code_says_that_it_is(source: str) -> None:
    code = compile(source, "cell", "eval")
    line, end_line, col, end_col = list(code.co_positions())[-2]
    assert line is not None
    span = span_from_positions(source, line, end_line or 0, col or 0, end_col or 0, 0)
    tree = parse(source)
    assert tree is not None
    found = node_at(tree, source, span)
    assert isinstance(found, ast.Call)
    assert isinstance(found.func, ast.Attribute)
    assert found.func.attr == "fit"


def test_lines_are_those_of_python() -> None:
    source = "a = '\x0b\x0c\u2028'\r\nb = f(a)\r"
    assert offset(source, 2, 0) == source.index("b")
    assert offset(source, 3, 0) == len(source)
    tree = parse(source)
    assert tree is not None
    assert tree.body[1].lineno == 2


@pytest.mark.parametrize(("line", "column"), [(0, 0), (3, 0), (1, 3), (1, -1), (2, 1)])
def test_places_outside_of_the_text_raise(line: int, column: int) -> None:
    with pytest.raises(ValueError, match=f"no line {line}, column {column} in a cell of 2 lines"):
        offset("ab\r\n", line, column)


# Edits.


def at(line: int, start: int, end: int, text: str, end_line: int | None = None) -> Edit:
    return Edit(Span(0, line, start, end_line or line, end), text)


def test_edits_apply_in_any_order_to_the_text_as_it_was() -> None:
    edits = [at(2, 0, 1, "BB"), at(1, 1, 1, "+"), at(1, 0, 1, "A")]
    for order in (edits, edits[::-1]):
        assert apply_edits("a1\nb\n", order) == "A+1\nBB\n"
    assert apply_edits("ab", [at(1, 1, 1, "1"), at(1, 1, 1, "2"), at(1, 1, 2, "B")]) == "a12B"
    assert apply_edits("a\nb", []) == "a\nb"


def test_edits_that_overlap_or_lie_outside_raise() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [at(1, 0, 2, ""), at(1, 1, 3, "")])
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abc", [at(1, 0, 2, ""), at(1, 1, 1, "x")])
    with pytest.raises(ValueError, match="no line 2"):
        apply_edits("abc", [at(1, 0, 0, "", end_line=2)])
    with pytest.raises(ValueError, match="ends before"):
        apply_edits("abc", [at(1, 2, 1, "")])
    with pytest.raises(ValueError, match="different cells"):
        apply_edits("abc", [at(1, 0, 0, ""), Edit(Span(1, 1, 0, 1, 0), "")])


def test_diff_lines_shows_what_goes_and_comes() -> None:
    assert diff_lines("a\nb\nc", "a\nB\nc\nd\n") == (("-", "b"), ("+", "B"), ("+", "d"))
    assert diff_lines("a\r\n", "a\r\nb\r\n") == (("+", "b"),)
    assert diff_lines("a", "a\n") == ()


# Comments that keep.


def test_kept_rules_are_found_in_comments_alone() -> None:
    source = (
        "%%shapecheck\n"
        "a = [\n"
        "  Dense(1),  # shapecheck: keep dense-on-feature-map\n"
        "  '# shapecheck: keep not-this',\n"
        "]  # noqa  #shapecheck:keep one, two because of both\n"
        "!ls # shapecheck: keep nor-this\n"
        "x = (  # shapecheck: keep even-if-unfinished\n"
    )
    assert kept(source) == {
        (3, "dense-on-feature-map"),
        (5, "one"),
        (5, "two"),
        (7, "even-if-unfinished"),
    }


RULE = "dense-on-feature-map"
KEEP = f"  # shapecheck: keep {RULE}"


@pytest.mark.parametrize(
    ("source", "after"),
    [
        ("m.add(Dense(1))", f"m.add(Dense(1)){KEEP}"),
        ("m = [a,\r\n  Dense(1),  \r\n  b]", f"m = [a,\r\n  Dense(1),{KEEP}  \r\n  b]"),
        ("m.add(Dense(\n  1))\n", f"m.add(Dense({KEEP}\n  1))\n"),
        ("m.add(Dense(1))  # head", f"m.add(Dense(1))  # head{KEEP}"),
        ("m.add(Dense(1))  # shapecheck: keep other", f"m.add(Dense(1))  # shapecheck: keep other, {RULE}"),
        ("m.add(Dense(1)) \\\n  .b() \\\n\nc", f"m.add(Dense(1)) \\\n  .b() \\\n{KEEP}\nc"),
        ("m.add(Dense(1, name='''a\n  b'''))\nc", f"m.add(Dense(1, name='''a\n  b''')){KEEP}\nc"),
        (f"m.add(Dense(1)){KEEP} # so", f"m.add(Dense(1)){KEEP} # so"),
    ],
)
def test_keep_is_written_where_a_comment_can_stand(source: str, after: str) -> None:
    start = source.index("Dense")
    line = source[:start].count("\n") + 1
    span = Span(0, line, start - source.rfind("\n", 0, start) - 1, line, start)
    span = Span(0, line, span.start_col, line, span.start_col + 5)
    written = apply_edits(source, [keep_edit(source, span, RULE)])
    assert written == after
    assert parse(written) is not None
    assert (line, RULE) in kept(written)


def test_keep_is_not_written_outside_of_the_cell() -> None:
    with pytest.raises(ValueError, match="line 3"):
        keep_edit("a\nb", Span(0, 3, 0, 3, 1), RULE)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="quotes within f-strings are new in Python 3.12")
def test_quotes_within_f_strings() -> None:
    source = "s = f'{d['a']}'\n%ls\n"
    assert mask(source) == "s = f'{d['a']}'\n\n"
