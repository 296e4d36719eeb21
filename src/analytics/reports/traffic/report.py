"""The monthly traffic report, section by section; `notebooks/reports/traffic.ipynb` calls one method a section.

Each method returns what the section shows. The figures are `TrafficData`; nothing is computed here that a
table or a sentence elsewhere would have to compute again.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from analytics.compute.cache import NOTHING, kept_in
from analytics.definitions import definitions_of
from analytics.model import period_of
from analytics.monitoring.watch import Watch
from analytics.params.files import load_params
from analytics.params.reports import Brand
from analytics.periods.choice import choose_series, competitors_of, names_of, require_other
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.periods.gather import gather
from analytics.periods.provenance import command, provenance_of, readings_sql
from analytics.reports.document import charts
from analytics.reports.document.display import (
    Block,
    Blocks,
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
from analytics.reports.sections.meanings import two_meanings
from analytics.reports.sections.method import below, method
from analytics.reports.sections.recommend import recommendations
from analytics.reports.traffic.charts import incident_grid, series_figure
from analytics.reports.traffic.further import Beyond, ahead, as_named, firmness, held, look_beyond, top
from analytics.reports.traffic.snapshot import snapshot_of
from analytics.reports.traffic.summary import missing, sentences, told_first
from analytics.reports.traffic.tables import (
    ACTION_COLUMNS,
    COVERAGE_COLUMNS,
    DEFINITION_COLUMNS,
    EVENT_COLUMNS,
    INCIDENT_COLUMNS,
    PLATFORM_COLUMNS,
    REMARK_COLUMNS,
    action_rows,
    coverage_rows,
    daily_rows,
    definition_rows,
    event_rows,
    incident_rows,
    most_of,
    of_series,
    platform_rows,
    remark_rows,
    trend_columns,
    trend_rows,
    week_columns,
    week_rows,
    weekday_rows,
)
from analytics.reports.traffic.tiles import headline, tile
from analytics.reports.traffic.verdicts import verdicts
from analytics.settings import load_settings
from analytics.store import open_store
from analytics.wording import formats
from analytics.wording.language import language, mark, say, use_language


def month(
    month: str,
    *,
    title: str = mark("Platform traffic report"),
    platforms: Sequence[str] = (),
    metrics: Sequence[str] = (),
    accounts: Sequence[str] = (),
    timezone: str = "UTC",
    algorithm: str = "profile",
    window_days: int = 30,
    compare: str = "",
    brand: str = "traffic",
    language: str = "",
    sources: bool = False,
) -> TrafficReport:
    """Gather one month from the store that the settings name.

    Args:
        month: calendar month, `YYYY-MM`, or two days, `YYYY-MM-DD--YYYY-MM-DD`, in `timezone`.
        platforms, metrics, accounts: names; empty means all that are stored.
        compare: period to compare with in place of the one a year before, written as `month` is.
        brand: report of `params/reports` whose name, logo, colour and language it has.
        language: en, de, fr or es; empty: the brand's.
        sources: set queries and commands of the figures at the PDF's end, not only in the file beside it.

    Raises:
        InputError: a name, month or time zone that does not exist, or a period compared with itself.
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
    shown = params.reports[brand].brand if brand in params.reports else Brand()
    use_language(language or shown.language)
    logo = logo_address(settings.params_dir / shown.logo) if shown.logo else None
    definitions = definitions_of(params)
    kept = kept_in(settings.kept_dir, now=time.time()) if settings.reuse else NOTHING
    require_other(period_of(month), period_of(compare) if compare else None)
    with open_store(settings) as store:
        data = gather(
            store,
            choose_series(store, platforms=platforms, metrics=metrics, accounts=accounts, params=params),
            month=period_of(month),
            watch=watch,
            definitions=definitions,
            compare_with=period_of(compare) if compare else None,
            names=names_of(params),
            competitors=competitors_of(params),
            baseline_params=params.baselines,
            kept=kept,
        )
        beyond = look_beyond(store, data, definitions, kept, asked=(platforms, metrics, accounts))
        data = replace(data, snapshot=snapshot_of(store, data, beyond))
    return TrafficReport(title, data, shown, beyond, logo, sources)


@dataclass(frozen=True)
class TrafficReport:
    """A gathered month, ready to be shown."""

    title: str
    data: TrafficData
    brand: Brand
    beyond: Beyond
    logo: str | None = None
    sources: bool = False

    def cover(self) -> Block:
        """Title, period, publisher, and what the figures rest on."""
        data, closed_at = self.data, self.beyond.standing.closed_at
        return cover(
            title=say(self.title),
            period=data.label,
            brand=self.brand.name,
            accent=self.brand.accent,
            language=language(),
            logo=self.logo,
            status="provisional" if self.beyond.standing.word == "provisional" else "final",
            issued=closed_at.astimezone(data.zone).date().isoformat() if closed_at else "",
            dated=data.newest.date().isoformat(),
            sources=self.sources,
            facts={
                say("Data to"): formats.moment(data.newest.astimezone(data.zone)),
                say("Figures"): say(self.beyond.standing.word),
                say("Time zone"): data.timezone,
                say("Data snapshot"): data.snapshot,
            },
        )

    def summary(self) -> Blocks:
        """The sentences for who reads one page, a verdict a platform, the one chart, then the headline figures."""
        text = "\n".join(f"- {sentence}" for sentence in sentences(self.data))
        told = self._provenance(say("figures kept when the period was closed"))
        firm = firmness(self.data, self.beyond.standing, told)
        said = prose(text, provenance=self._provenance(say("figures of this report's tables, in sentences")))
        first = told_first(self.data)
        source = provenance_of(self.data, readings_sql(first, self.data), of_one=first)
        return blocks(
            said,
            verdicts(self.data, self._provenance(say("figures of this report's tables, in sentences"))),
            series_figure(first, self.data, source, caption=mark("{series}, {period}: what mattered most")),
            tiles([tile(item, self.data) for item in headline(self.data)]),
            *firm,
        )

    def breakdown(self) -> Blocks:
        """A part for each platform: every series with its band, and a table of the month."""
        return blocks(*(block for name in self.data.platforms for block in self._platform(name)))

    def anomalies(self) -> Blocks:
        """The incidents, when and where, then the register of every event."""
        if not self.data.incidents:
            nothing = say("No reading stayed outside its usual range long enough to count as an incident.")
            return blocks(callout(nothing), self._remarks())
        return blocks(
            table(
                incident_rows(self.data),
                caption=say("The incidents of {period}", period=self.data.label),
                columns=INCIDENT_COLUMNS,
                note=say(
                    "Events of one series, of one platform within the hour, or of several platforms beyond coincidence "
                    "are one incident. Observed and expected are those of its largest event, of the series named "
                    "first. Causes are candidates: things that happened near the start."
                ),
                provenance=self._provenance(say("events of the series shown, grouped")),
            ),
            incident_grid(self.data, self._provenance(say("events of the series shown, grouped"))),
            table(
                event_rows(self.data),
                caption=say("Every event, by the rule that told it"),
                columns=EVENT_COLUMNS,
                note=say(
                    "Statistical: outside the usual range for more than 15 minutes. Trend: 30 % off for more than an "
                    "hour, beyond the series' own noise. Pattern: an expected peak or cycle is missing. Deviation is "
                    "in robust standard deviations of what the series usually strays."
                ),
                provenance=self._provenance(say("events of the series shown")),
            ),
            self._remarks(),
        )

    def _remarks(self) -> Block | None:
        if not self.data.remarks:
            return None
        return table(
            remark_rows(self.data),
            caption=say("What people said about these times"),
            columns=REMARK_COLUMNS,
            note=say("Confirmed incidents are not learned from; rejected ones raise the thresholds of their series."),
            provenance=self._provenance(say("remarks that overlap the month")),
        )

    def trends(self) -> Blocks:
        """Against other periods, per day and with the same weekdays; week by week; the week's own shape."""
        against = [found for item in self.data.items for found in (item.previous, item.year_before)]
        refused = sorted({found.refusal for found in against if found.refusal})
        text = say("{reasons}: no comparison is stated.", reasons="; ".join(refused))
        remark = callout(text) if refused else None
        return blocks(
            self._against_others(),
            remark,
            self._week_shape(),
            table(
                week_rows(self.data),
                caption=say("Week by week, {period}", period=self.data.label),
                columns=week_columns(self.data),
                note=say(
                    "Mean of each week's full days, of a level its gain a day; weeks begin on Monday; the period cuts "
                    "its first and last."
                ),
                provenance=self._provenance(say("daily amounts of full days, by week")),
            ),
        )

    def _week_shape(self) -> Block | None:
        rows = most_of(weekday_rows(self.data))
        if rows["index"].isna().all():
            return None
        return figure(
            charts.heatmap(
                rows,
                x="weekday",
                y="series",
                value="index",
                title=say("1 = the series' ordinary day"),
                x_order=formats.weekdays(),
                text_format=".2f",
            ),
            caption=of_series(
                rows, self.data, say("The shape of a week: each weekday's median against the series' median day")
            ),
            alt=say(
                "Grid of weekdays and series: each cell is the median full day of that weekday divided by the "
                "series' median full day."
            ),
            provenance=self._provenance(say("daily amounts of full days, by weekday")),
        )

    def _against_others(self) -> Block | None:
        if all(item.previous.refusal and item.year_before.refusal for item in self.data.items):
            return None
        return table(
            trend_rows(self.data),
            caption=say("{period} against other periods", period=self.data.label),
            columns=trend_columns(self.data),
            note=say(
                "Change on each period named. Per day compares the mean of full days (at least 80 % of their "
                "readings), so that periods of other length can be compared; weekdays compares each weekday with "
                "itself. Of a level, per day is its gain; what is compared is the level at the end, which has no "
                "weekdays. An en dash: not comparable."
            ),
            provenance=self._provenance(say("daily amounts of full days in both periods")),
        )

    def outlook(self) -> Blocks:
        """What the next period may bring."""
        return ahead(
            self.data, self.beyond.outlooks, self._provenance(say("days of up to 400 before the period's end"))
        )

    def recommendations(self) -> Blocks:
        """What to do, each with the finding behind it."""
        found = recommendations(self.data)
        if not found:
            return blocks(callout(say("The figures call for no action."), "good"))
        caption = say("Actions and the findings behind them")
        findings = self._provenance(say("figures of this report's tables, in sentences"))
        note = say("Note what you find with the incident: what is confirmed, the usual range does not learn.")
        return blocks(
            table(action_rows(found), caption=caption, columns=ACTION_COLUMNS, note=note, provenance=findings)
        )

    def coverage(self) -> Blocks:
        """How the figures were made, how often the band held, and what is missing."""
        lacking = "\n".join(f"- {sentence}" for sentence in missing(self.data))
        said = {below(text) for item in self.data.items for text in item.series.warnings}
        warnings = sorted(said.union(*(as_named(item, self.data.watch) for item in self.data.items)))
        return blocks(
            definition_list(method(self.data)),
            table(
                coverage_rows(self.data),
                caption=say("Coverage, and how often the band held"),
                columns=COVERAGE_COLUMNS,
                note=" ".join(f"{text[0].upper()}{text[1:]}." for text in warnings) or None,
                provenance=self._provenance(
                    say("readings received against readings due at the series' usual interval")
                ),
            ),
            prose(lacking) if lacking else None,
            held(self.data, self._provenance(say("readings against the band each was given before it came"))),
            table(
                definition_rows(self.data),
                caption=say("What each metric means"),
                columns=DEFINITION_COLUMNS,
                provenance=self._provenance(say("dated meanings of the metrics shown")),
            ),
        )

    def sections(self, names: Sequence[str] = ()) -> Blocks:
        """The sections named, in that order; `reports.sections` lists them."""
        from analytics.reports.sections.choice import chosen

        return chosen(self, names)

    def figures(self) -> Block:
        """The daily figures behind the report, for its data files; the pages do not show them."""
        return figures(daily_rows(self.data), title=say("Daily figures"))

    def _platform(self, name: str) -> list[Block | Blocks]:
        items, called = self.data.of(name), self.data.display_name(name)
        shown: list[Block | Blocks | None] = [prose(f"### {formats.literal(called)}")]
        shown += [
            series_figure(item, self.data, provenance_of(self.data, readings_sql(item, self.data), of_one=item))
            for item in items
        ]
        shown.append(
            table(
                platform_rows(items, self.data),
                caption=f"{called}, {self.data.label}",
                columns=PLATFORM_COLUMNS,
                note=" ".join(
                    [
                        say(
                            "Best and worst are full days. Of a level, the period's figure is its last reading; per "
                            "day, best and worst are its gain on the day before. In band: judged readings inside their "
                            "expected band."
                        ),
                        *filter(None, (two_meanings(item, item.full_name) for item in items)),
                    ]
                ),
                provenance=self._provenance(say("daily amounts of {platform}", platform=called), items),
            )
        )
        grew = self._provenance(say("increases of the contents of {platform} over the month", platform=called), items)
        grew["command"] = command(self.data, items, of_contents=True)
        shown.append(top(self.beyond.contents, name, self.data, grew))
        return [block for block in shown if block is not None]

    def _provenance(self, query: str, items: Sequence[SeriesMonth] | None = None) -> dict[str, Any]:
        return provenance_of(self.data, query, items)
