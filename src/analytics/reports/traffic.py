"""The monthly traffic report, section by section; `notebooks/reports/traffic.ipynb` calls one method a section.

Each method returns what the section shows. The figures are `TrafficData`; nothing is computed here that a
table or a sentence elsewhere would have to compute again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analytics.kept import NOTHING, kept_in
from analytics.model import period_of
from analytics.monitoring import Watch, definitions_of
from analytics.params import Brand, Params, load_params
from analytics.reports import charts, formats
from analytics.reports.display import (
    Block,
    Blocks,
    Tile,
    blocks,
    callout,
    cover,
    definition_list,
    figure,
    figures,
    logo_address,
    prose,
    table,
    tiles,
)
from analytics.reports.further import Beyond, ahead, as_named, firmness, held, look_beyond, top
from analytics.reports.recommend import COVERAGE_WANTED, recommendations
from analytics.reports.summary import sentences
from analytics.reports.traffic_charts import series_figure
from analytics.reports.traffic_data import SeriesMonth, TrafficData, choose_series, gather
from analytics.reports.traffic_tables import (
    ACTION_COLUMNS,
    COVERAGE_COLUMNS,
    DEFINITION_COLUMNS,
    EVENT_COLUMNS,
    INCIDENT_COLUMNS,
    PLATFORM_COLUMNS,
    REMARK_COLUMNS,
    TREND_COLUMNS,
    WEEKDAYS,
    action_rows,
    coverage_rows,
    daily_rows,
    definition_rows,
    event_rows,
    incident_rows,
    incidents_by_day,
    platform_rows,
    remark_rows,
    trend_rows,
    week_columns,
    week_rows,
    weekday_rows,
)
from analytics.reports.wording import change, plural, share
from analytics.settings import load_settings
from analytics.store import open_store

MAX_TILES = 6


def month(
    month: str,
    *,
    title: str = "Platform traffic report",
    platforms: Sequence[str] = (),
    metrics: Sequence[str] = (),
    accounts: Sequence[str] = (),
    timezone: str = "UTC",
    algorithm: str = "profile",
    window_days: int = 30,
    compare: str = "",
) -> TrafficReport:
    """Gather one month from the store that the settings name.

    Args:
        month: calendar month, `YYYY-MM`, or two days, `YYYY-MM-DD--YYYY-MM-DD`, in `timezone`.
        platforms, metrics, accounts: names; empty means all that are stored.
        compare: period to compare with in place of the one a year before, written as `month` is.

    Raises:
        InputError: a name, month or time zone that does not exist.
        NoDataError: no reading in that month.
    """
    settings = load_settings()
    params = load_params(settings.params_dir)
    watch = Watch(
        algorithm=algorithm,
        window_days=window_days,
        timezone=timezone,
        min_history_days=params.baselines.min_history_days,
        alerts_per_week=params.baselines.alerts_per_week,
    )
    definitions = definitions_of(params)
    kept = kept_in(settings.kept_dir, now=time.time()) if settings.reuse else NOTHING
    with open_store(settings) as store:
        data = gather(
            store,
            choose_series(store, platforms=platforms, metrics=metrics, accounts=accounts, params=params),
            month=period_of(month),
            watch=watch,
            definitions=definitions,
            compare_with=period_of(compare) if compare else None,
            names=names_of(params),
            baseline_params=params.baselines,
            kept=kept,
        )
        beyond = look_beyond(store, data, definitions, kept)
    brand = params.reports["traffic"].brand if "traffic" in params.reports else Brand()
    logo = logo_address(settings.params_dir / brand.logo) if brand.logo else None
    return TrafficReport(title, data, brand, beyond, logo)


def names_of(params: Params) -> dict[str, str]:
    """What platforms, and accounts as `platform id`, are called in text."""
    platforms = {name: entry.display_name for name, entry in params.platforms.items()}
    accounts = {
        f"{name} {account.id}": account.name
        for name, entry in params.platforms.items()
        for account in entry.accounts
        if account.name
    }
    return platforms | accounts


@dataclass(frozen=True)
class TrafficReport:
    """A gathered month, ready to be shown."""

    title: str
    data: TrafficData
    brand: Brand
    beyond: Beyond
    logo: str | None = None

    def cover(self) -> Block:
        """Title, period, publisher, and what the figures rest on."""
        data = self.data
        return cover(
            title=self.title,
            period=data.month.label,
            brand=self.brand.name,
            accent=self.brand.accent,
            language=self.brand.language,
            logo=self.logo,
            status="provisional" if self.beyond.standing.word == "provisional" else "final",
            issued=data.newest.date().isoformat(),
            facts={
                "Data to": formats.moment(data.newest.astimezone(data.zone)),
                "Figures": self.beyond.standing.word,
                "Time zone": data.timezone,
                "Data snapshot": data.snapshot,
            },
        )

    def summary(self) -> Blocks:
        """Headline figures, then the sentences made from them."""
        text = "\n".join(f"- {sentence}" for sentence in sentences(self.data))
        firm = firmness(self.data, self.beyond.standing, self._provenance("figures kept when the period was closed"))
        return blocks(tiles([self._tile(item) for item in headline(self.data)]), prose(text), *firm)

    def breakdown(self) -> Blocks:
        """A part for each platform: every series with its band, and a table of the month."""
        return blocks(*(block for name in self.data.platforms for block in self._platform(name)))

    def anomalies(self) -> Blocks:
        """The incidents, when and where, then the register of every event."""
        if not self.data.incidents:
            nothing = callout("No reading stayed outside its usual range long enough to count as an incident.")
            return blocks(nothing, self._remarks())
        counted = plural(len(self.data.incidents), "incident")
        return blocks(
            table(
                incident_rows(self.data),
                caption=f"The incidents of {self.data.month.label}",
                columns=INCIDENT_COLUMNS,
                note="Events of one series, of one platform within the hour, or of several platforms beyond "
                "coincidence are one incident. Observed and expected are those of its largest event. Causes are "
                "candidates: things that happened near the start.",
                provenance=self._provenance("events of the series shown, grouped"),
            ),
            figure(
                charts.heatmap(
                    incidents_by_day(self.data), x="day", y="series", value="incidents", title="Incidents that began"
                ),
                caption=f"Incidents by day, {self.data.month.label}",
                alt=f"Grid of days and series: {counted} in {self.data.month.label}, counted on the day each began.",
            ),
            table(
                event_rows(self.data),
                caption="Every event, by the rule that told it",
                columns=EVENT_COLUMNS,
                note="Statistical: outside the usual range for more than 15 minutes. Trend: 30 % off for more than an "
                "hour, beyond the series' own noise. Pattern: an expected peak or cycle is missing. Deviation is in "
                "robust standard deviations of what the series usually strays.",
                provenance=self._provenance("events of the series shown"),
            ),
            self._remarks(),
        )

    def _remarks(self) -> Block | None:
        if not self.data.remarks:
            return None
        return table(
            remark_rows(self.data),
            caption="What people said about these times",
            columns=REMARK_COLUMNS,
            note="Confirmed incidents are not learned from; rejected ones raise the thresholds of their series.",
            provenance=self._provenance("remarks that overlap the month"),
        )

    def trends(self) -> Blocks:
        """Against other months, per day and with the same weekdays; week by week; the week's own shape."""
        refused = sorted({item.previous.refusal for item in self.data.items if item.previous.refusal})
        remark = callout("; ".join(refused) + ": no comparison with that month is stated.") if refused else None
        return blocks(
            self._against_other_months(),
            remark,
            table(
                week_rows(self.data),
                caption=f"Week by week in {self.data.month.label}",
                columns=week_columns(self.data),
                note="Mean of each week's full days; weeks begin on Monday; the month cuts its first and last.",
                provenance=self._provenance("daily amounts of full days, by week"),
            ),
            figure(
                charts.heatmap(
                    weekday_rows(self.data),
                    x="weekday",
                    y="series",
                    value="index",
                    title="1 = the series' ordinary day",
                    x_order=WEEKDAYS,
                    text_format=".2f",
                ),
                caption="The shape of a week: each weekday's median against the series' median day",
                alt="Grid of weekdays and series: each cell is the median full day of that weekday divided by the "
                "series' median full day.",
            ),
        )

    def _against_other_months(self) -> Block | None:
        if all(item.previous.refusal and item.year_before.refusal for item in self.data.items):
            return None
        return table(
            trend_rows(self.data),
            caption=f"{self.data.month.label} against other months",
            columns=TREND_COLUMNS,
            note="Change on the month before and on the same month a year before. Per day compares the mean of full "
            "days (at least 80 % of their readings), so that months of 28 and 31 days can be compared; weekdays "
            "compares each weekday with itself. An en dash: not comparable.",
            provenance=self._provenance("daily amounts of full days in both months"),
        )

    def outlook(self) -> Blocks:
        """What the next period may bring."""
        return ahead(self.data, self.beyond.outlooks, self._provenance("days of up to 400 before the period's end"))

    def recommendations(self) -> Blocks:
        """What to do, each with the finding behind it."""
        found = recommendations(self.data)
        if not found:
            return blocks(callout("The figures call for no action this month.", "good"))
        caption = "Actions and the findings behind them"
        return blocks(table(action_rows(found), caption=caption, columns=ACTION_COLUMNS))

    def coverage(self) -> Blocks:
        """How the figures were made, how often the band held, and what is missing."""
        watch = self.data.watch
        items = self.data.items
        first = items[0].series.baseline
        warnings = sorted({text for item in items for text in (*item.series.warnings, *as_named(item, watch))})
        return blocks(
            definition_list(
                {
                    "Expected value and band": f"`{watch.algorithm}` over the {watch.window_days} days before each "
                    f"reading; the reading itself and later ones are never part of it. The band is meant to hold "
                    f"{share(first.coverage)} of normal readings.",
                    "Warm-up": f"Nothing is judged on less than {watch.min_history_days:g} days of history.",
                    "Incident": "Readings outside the usual range for more than 15 minutes, 30 % off for more than an "
                    "hour, or an expected peak that is missing; what belongs together is one incident.",
                    "Season": "Thirty days hold four weeks: time of day and day of the week are learned, "
                    "day of the month and month of the year are not.",
                    "Days": f"Days and months begin at midnight in {self.data.timezone}.",
                }
            ),
            table(
                coverage_rows(self.data),
                caption="Coverage, and how often the band held",
                columns=COVERAGE_COLUMNS,
                note=" ".join(f"{text[0].upper()}{text[1:]}." for text in warnings) or None,
                provenance=self._provenance("readings received against readings due at the series' usual interval"),
            ),
            held(self.data, self._provenance("readings against the band each was given before it came")),
            table(definition_rows(self.data), caption="What each metric means", columns=DEFINITION_COLUMNS),
        )

    def sections(self, names: Sequence[str] = ()) -> Blocks:
        """The sections named, in that order; `reports.sections` lists them."""
        from analytics.reports.sections import chosen

        return chosen(self, names)

    def figures(self) -> Block:
        """The daily figures behind the report, for its data files; the pages do not show them."""
        return figures(daily_rows(self.data), title="Daily figures")

    def _tile(self, item: SeriesMonth) -> Tile:
        year = item.year_before
        return Tile(
            label=self._tile_label(item),
            value=item.facts.total,
            unit=item.unit,
            delta=_delta(item.previous.adjusted_change_ratio, f"on {item.previous.other.label}"),
            delta_2=_delta(year.adjusted_change_ratio, f"on {year.other.label}"),
            sparkline=[None if np.isnan(v) else float(v) for v in item.facts.days["amount"]],
            note=self._tile_note(item),
            provenance=self._provenance(f"{item.facts.aggregation} of {item.series.key} over the month", item),
        )

    def _tile_note(self, item: SeriesMonth) -> str:
        incidents = plural(len(self.data.incidents_of(item)), "incident")
        if item.facts.coverage_ratio < COVERAGE_WANTED:
            return f"{incidents}; {share(item.facts.coverage_ratio)} of readings received"
        return incidents

    def _tile_label(self, item: SeriesMonth) -> str:
        """The account where only one metric is shown, else account and metric; the platform where there are several."""
        shown = headline(self.data)
        if len(self.data.platforms) > 1:
            metric = item.series.definition.display_name.lower()
            if item.facts.aggregation == "sum":  # the tile holds the month's sum of a daily figure
                metric = metric.removesuffix(" per day")
            return f"{self.data.display_name(item.series.key.platform)} {metric}"
        one_metric = len({other.series.key.metric_type for other in shown}) == 1
        return item.account if one_metric else item.name

    def _platform(self, name: str) -> list[Block | Blocks]:
        items = self.data.of(name)
        shown: list[Block | Blocks | None] = [prose(f"### {formats.literal(self.data.display_name(name))}")]
        shown += [
            series_figure(item, self.data, self._provenance(f"readings of {item.series.key}", item)) for item in items
        ]
        shown.append(
            table(
                platform_rows(items, self.data),
                caption=f"{self.data.display_name(name)} in {self.data.month.label}",
                columns=PLATFORM_COLUMNS,
                note="Best and worst are full days. In band: judged readings inside their expected band.",
                provenance=self._provenance(f"daily amounts of {name}"),
            )
        )
        shown.append(
            top(
                self.beyond.contents,
                name,
                self.data.display_name(name),
                self.data.month.label,
                self._provenance(f"increases of {name}'s contents over the month"),
            )
        )
        return [block for block in shown if block is not None]

    def _provenance(self, query: str, item: SeriesMonth | None = None) -> dict[str, Any]:
        data, watch = self.data, item.series.watch if item else self.data.watch
        found: dict[str, Any] = {
            "query": query,
            "snapshot": data.snapshot,
            "parameters": f"month {data.month}, {data.timezone}, {watch.algorithm} over {watch.window_days} days",
        }
        if item is not None:
            found["definition"] = item.series.definition.definition_id
            found["freshness"] = f"newest reading {formats.moment(item.newest.astimezone(self.data.zone))}"
        return found


def headline(data: TrafficData) -> list[SeriesMonth]:
    """One figure a platform; with a single platform, one a series; at most six."""
    if len(data.platforms) == 1:
        return list(data.items[:MAX_TILES])
    return [data.of(name)[0] for name in data.platforms[:MAX_TILES]]


def _delta(ratio: float, against: str) -> str:
    return f"{change(ratio)} {against}" if np.isfinite(ratio) else ""
