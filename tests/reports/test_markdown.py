import math
import re
from html import unescape

from markdown_it import MarkdownIt

from my_dagster_project.reports.markdown import direction, dollars, number, percent, table


def html(markdown: str) -> str:
    """Markdown as Dagit renders it: GitHub's, with tables and struck-out text."""
    return MarkdownIt("gfm-like", {"linkify": False}).render(markdown)


def test_a_missing_figure_is_a_dash():
    assert {
        number(math.nan),
        percent(math.nan),
        dollars(math.nan),
        direction(math.nan, math.nan, math.nan),
    } == {"\u2013"}


def test_figures_read_well():
    assert number(1.0) == "1.000"
    assert percent(0.0123, sign=True) == "+1.2%"
    assert dollars(100123.456) == "$100,123.46"
    assert (dollars(-0.17), dollars(-0.001)) == ("-$0.17", "$0.00")
    assert direction(0.5333, 0.409, 0.654) == "53.3% [40.9, 65.4]"


def test_no_text_marks_anything_up():
    written = "a|b\n*c* _d_ `e` <script> &lt; [f](http://g) ~~h~~ \\"
    shown = html(table(["x"], [[written]]))
    assert shown.count("<td>") == 1
    assert "<script" not in shown
    assert not re.search(r"<(em|strong|code|a|del|s)\b", shown)
    assert unescape(re.search(r"<td>(.*)</td>", shown)[1]) == written.replace("\n", " ")
