"""How the outlook is shown: bounds beyond the picture are marked, and a level is told from its bounds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analytics.baselines.outlook import Outlook
from analytics.model import Month
from analytics.periods.facts import month_facts
from analytics.reports.document.tables import TABLE, table
from analytics.reports.sections.outlook import OUTLOOK_COLUMNS, SeriesOutlook, outlook_chart, outlook_rows, told_apart

SEEN = Outlook(10.0, 5.0, 12.0, 0.8, "weekday means", 0.1, 12, 28)


def entry(seen, *, start=0.0, aggregation="sum"):
    """A series of ten a day in March, or a level that gains ten, with a forecast."""
    times = pd.date_range("2026-02-28", "2026-03-31", freq="1D").to_numpy("datetime64[ns]")
    values = start + 10.0 * np.arange(times.size) if aggregation == "last" else np.full(times.size, 10.0)
    facts = month_facts(times, values, month=Month(2026, 3), timezone="UTC", aggregation=aggregation, step_s=86400.0)
    return SeriesOutlook(SimpleNamespace(facts=facts, full_name="acme stars"), seen)


def test_a_bound_beyond_the_picture_says_where_it_ends():
    """Plus 217 % was drawn, and told, as plus 200 %."""
    chart = outlook_chart([entry(replace(SEEN, upper=31.7))]).to_dict()

    row = next(rows[0] for rows in chart["datasets"].values() if "high" in rows[0])
    tips = [tip["field"] for layer in chart["layer"] for tip in layer["encoding"].get("tooltip", [])]
    assert row["high"] == pytest.approx(2.17)
    assert row["beyond"].replace("\xa0", " ") == "+217 % ▸"
    assert "high" in tips
    assert "high_drawn" not in tips


def test_a_level_is_told_from_its_bounds():
    """105 k, 105 k and 105 k say nothing; what is told apart by three figures keeps to them."""
    rows = outlook_rows([entry(SEEN, start=105_000.0, aggregation="last"), entry(replace(SEEN, per_day=400.0))], 30)

    shown = table(told_apart(rows), caption="Outlook", columns=OUTLOOK_COLUMNS).data[TABLE]

    texts = [[cell["text"].replace("\xa0", " ") for cell in row[1:4]] for row in shown["rows"]]
    assert texts == [["105.6 k", "105.5 k", "105.7 k"], ["12.0 k", "150", "360"]]
    assert shown["rows"][0][1]["sort"] == rows["expected"][0]


def test_the_range_of_a_signed_metric_goes_below_zero():
    """Net followers hover round zero: cut off there, the range could leave its own forecast outside."""
    around_zero = replace(SEEN, per_day=0.4, lower=-3.0, upper=3.8)
    signed = replace(entry(around_zero), is_signed=True)

    rows = outlook_rows([signed, entry(around_zero)], 30)

    assert rows["low"].tolist() == [-90.0, 0.0]
    assert (rows["low"] <= rows["expected"]).all()
