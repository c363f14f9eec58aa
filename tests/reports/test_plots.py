import time
import timeit
from datetime import date, timedelta

import pytest

from my_dagster_project.domain.targets import NEXT_DIRECTION, NEXT_RETURN
from my_dagster_project.reports.plots import equity_plot, prediction_plot, price_plot
from tests.reports.samples import sample_bars, sample_scored

CURVE = [(date(2012, 1, 2) + timedelta(days=i), 100_000.0 + 10 * i) for i in range(60)]


def pictures():
    bars = sample_bars()
    scored = sample_scored(bars)
    return {
        "price": lambda: price_plot(bars),
        "returns": lambda: prediction_plot(scored),
        "probabilities": lambda: prediction_plot(sample_scored(bars, NEXT_DIRECTION)),
        "one session": lambda: prediction_plot(sample_scored(bars, NEXT_RETURN, sessions=1)),
        "equity": lambda: equity_plot({"red": CURVE, "blue": CURVE[::2], "nobody": []}),
        "no equity": lambda: equity_plot({}),
        "no bars": lambda: price_plot(bars.iloc[:0]),
    }


@pytest.mark.parametrize("name", list(pictures()))
def test_a_plot_is_a_small_png_and_the_same_every_time(name):
    draw = pictures()[name]
    picture = draw()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 20_000
    assert draw() == picture


def test_a_warm_plot_is_cheap():
    draw = pictures()["returns"]
    draw()
    assert min(timeit.repeat(draw, timer=time.process_time, number=1, repeat=4)) < 0.5
