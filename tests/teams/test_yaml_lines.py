"""Strict YAML: one message with a line for everything that is not plain data."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from my_dagster_project.teams.yaml_lines import MAX_BYTES, YamlProblemError, parse_yaml

# text -> (line, part of the message)
REFUSED = {
    "empty": ("", 1, "is empty"),
    "only a comment": ("# nothing\n", 1, "is empty"),
    "a list": ("# teams\n- red\n- blue\n", 2, "must be a mapping"),
    "a word": ("red\n", 1, "must be a mapping"),
    "two documents": ("a: 1\n---\nb: 2\n", 2, "second document"),
    "a duplicate key": ("a: 1\nb: {c: 1,\n  c: 2}\n", 3, "c: this key is already there in line 2"),
    "an anchor": ("a: &x [1]\nb: 2\n", 1, "anchors and aliases"),
    "an alias": ("a: 1\nb: *x\n", 2, "anchors and aliases"),
    "a merge key": ("a:\n  <<: {b: 1}\n", 2, "merge keys"),
    "a python tag": ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "the tag tag:yaml.org,2002:python"),
    "a harmless tag": ("a: !!str 5\n", 1, "the tag"),
    "a tab": ("a:\n\tb: 1\n", 2, "a tab indents this line"),
    "a non-breaking space": ("a: 1\nb:\u00a0[IBM]\n", 2, "column 3 holds a no-break space (U+00A0)"),
    "one in an indent": ("a:\n \u00a0b: 1\n", 2, "column 2 holds a no-break space"),
    "nothing to be seen": ("a: 1\n# b\nc\u200b: 2\n", 3, "column 2 holds a zero width space"),
    "an unclosed bracket": ("a: [1, 2\nb: 3\n", 2, "is not valid YAML"),
    "an unclosed quote": ('a: "b\nc: 1\n', 2, "end of stream (in what begins on line 1)"),
    "a bad indent": ("a: 1\n  b: 2\n", 2, "is not valid YAML"),
    "a control character": ("a: 1\nb: \x07\n", 2, "control character"),
    "a bool key": ("on: 1\n", 1, "reads the key on as bool"),
    "a number key": ("a: {5: 1}\n", 1, "reads the key 5 as int"),
    "a list key": ("? [a, b]\n: 1\n", 1, "cannot be a key"),
    "base 60": ("a: 1\nat: 6:30\n", 2, "base-60"),
    "octal": ("a: 010\n", 1, "octal"),
    "infinity": ("a: .inf\n", 1, "not a finite number"),
    "no number": ("a: -.NaN\n", 1, None),
    "an overflow": ("a: 1.0e+999\n", 1, "not a finite number"),
    "a huge integer": ("a: " + "9" * 30 + "\n", 1, "too large"),
    "a huge hex": ("a: 0x" + "f" * 100_000 + "\n", 1, "too large"),
    "more digits than Python reads": ("a: " + "9" * 5000 + "\n", 1, "no valid date or number"),
    "no such day": ("a: 1\nb: 2012-13-45\n", 2, "2012-13-45 is no valid date"),
    "conflict markers": ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> red\n", 2, "merge conflict marker <<<<<<<"),
    "half a conflict": ("a: 1\n>>>>>>> red\n", 2, "merge conflict"),
    "not UTF-8": (b"a: 1\nb: M\xfcnchen\n", 2, "not UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "not UTF-8"),
    "a lone surrogate": ("a: \ud800\n", 1, "not UTF-8"),
    "too large": (b"#" * (MAX_BYTES + 1), 1, "is larger than 256 kB"),
    "too many items": ("a: 1\nb: [" + "1, " * 1000 + "1]", 2, "1001 entries in one list or mapping; 1000 are allowed"),
    "too many keys": ("".join(f"a{i}: 1\n" for i in range(1001)), 1, "1001 entries"),
    "too deep": ("a: " + "[" * 100_000, 1, "levels deep"),
    "too deep in blocks": ("\n".join("  " * i + "a:" for i in range(100)), 25, "levels deep"),
    "an equals sign": ("a: =\n", 1, "is not valid YAML"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_has_a_line_and_a_reason(text, line, message):
    if message is None:
        assert parse_yaml(text).data == {"a": "-.NaN"}  # YAML knows no negative NaN: it is text
        return
    with pytest.raises(YamlProblemError) as caught:
        parse_yaml(text)
    assert message in caught.value.message
    assert caught.value.line == line


def test_a_billion_laughs_cost_nothing():
    bomb = "a0: &a0 [lol]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
    )
    started = time.process_time()
    with pytest.raises(YamlProblemError, match="anchors"):
        parse_yaml(bomb)
    assert time.process_time() - started < 0.5


def test_a_base_60_number_that_fills_the_file_costs_nothing():
    started = time.process_time()
    with pytest.raises(YamlProblemError, match="base-60"):
        parse_yaml("a: " + "1:" * 100_000 + "1\n")
    assert time.process_time() - started < 1


def test_every_key_and_item_has_its_line():
    document = parse_yaml(
        "# top\nteam: red\nfeatures:\n  a: {kind: RSI,\n      lag: 1}\nsymbols:\n  - AAPL\n  - IBM\n"
    )
    assert document.lines[("team",)] == 2
    assert document.lines[("features", "a", "kind")] == 4
    assert document.lines[("features", "a", "lag")] == 5
    assert document.lines[("symbols", 1)] == 8


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem():
    assert parse_yaml(b"\xef\xbb\xbfa: 1\r\nb: x\r\n").data == {"a": 1, "b": "x"}


def test_a_comment_may_hold_any_space():
    assert parse_yaml("a: 1 # 60\u00a0% of all\n#\u00a0b\n").data == {"a": 1}


def problem_of(text):
    try:
        assert isinstance(parse_yaml(text).data, dict)
    except YamlProblemError as problem:
        return problem
    return None


@given(st.text(max_size=300) | st.binary(max_size=300))
def test_any_text_is_data_or_one_short_problem(text):
    problem = problem_of(text)
    assert problem is None or (
        problem.line >= 1 and "\n" not in problem.message and len(problem.message) < 250
    )


PIECES = [
    "a",
    ": ",
    "\n",
    "  ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&x ",
    "*x",
    "'",
    '"',
    "|",
    ">",
    "#",
    "!!int ",
    "---\n",
]
MORE_PIECES = [
    "...",
    "\t",
    "2012-01-01",
    "1e3",
    "?",
    "%",
    "@",
    "\r",
    "\x00",
    "\u2028",
    "<<",
    "=",
    "~",
    "0x",
    ":",
]


@given(st.lists(st.sampled_from(PIECES + MORE_PIECES), max_size=40).map("".join))
def test_any_yaml_like_text_is_data_or_a_problem_inside_the_file(text):
    problem = problem_of(text)
    assert problem is None or 1 <= problem.line <= len((text + ".").splitlines())
