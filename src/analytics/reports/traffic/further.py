"""Sections of the traffic report that look beyond the period: how firm its figures are, the outlook, the backtest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analytics.compute.cache import NOTHING, Kept
from analytics.monitoring.breakouts import Known
from analytics.monitoring.watch import Watch
from analytics.periods.figures import SeriesMonth, TrafficData
from analytics.periods.standing import Standing, standing
from analytics.reports.document.display import Block, Blocks, Column, blocks, callout, figure, table
from analytics.reports.sections.outlook import (
    MOST_DRAWN,
    OUTLOOK_COLUMNS,
    SeriesOutlook,
    drawable,
    explained,
    outlook_chart,
    outlook_rows,
    outlooks,
    told_apart,
)
from analytics.reports.sections.recommend import verdict
from analytics.reports.sections.restated import RESTATED_COLUMNS, restated_rows
from analytics.reports.sections.top_contents import TOP_COLUMNS, top_contents
from analytics.store import closes
from analytics.wording import formats
from analytics.wording.language import mark, say
from analytics.wording.sentences import counted, listed, share

if TYPE_CHECKING:
    from analytics.store import Store

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Beyond:
    """What the report tells beyond its own readings: how firm they are, what may come, and the best contents."""

    standing: Standing
    outlooks: tuple[SeriesOutlook, ...]
    contents: pd.DataFrame


def look_beyond(
    store: Store, data: TrafficData, definitions: Known, kept: Kept = NOTHING, *, asked: Sequence[Sequence[str]] = ()
) -> Beyond:
    """Ask the store for what lies beyond the period's readings.

    Args:
        definitions: by platform and metric.
        asked: platforms, metrics and accounts the report was asked for; none named means all. Of contents only these
            metrics are looked at.
    """
    closed = [
        figure
        for figure in closes.select(store, str(data.month))
        if all(
            not names or name in names
            for names, name in zip(asked, (figure.platform, figure.metric_type, figure.author_id), strict=False)
        )
    ]
    firm = standing(data, store.series(platforms=list(data.platforms)), closed)
    contents = top_contents(store, data, definitions, metrics=asked[1] if asked else ())
    return Beyond(firm, outlooks(store, data, kept), contents)


def firmness(data: TrafficData, firm: Standing, told: Told) -> Blocks:
    """Provisional, settled or closed; and once closed, every figure that is no longer what it was."""
    rows = restated_rows(data, firm.closed)
    text = " ".join([*_closing(data, firm, rows), *_settling(data, firm)])
    firmly = firm.is_settled and rows.empty and (firm.is_closed or not firm.closed)
    said = callout(text, "good" if firmly else "warn")
    if rows.empty:
        return blocks(said)
    shown = table(
        rows,
        caption=say("Restated since the close of {period}", period=data.label),
        columns=RESTATED_COLUMNS,
        note=say("An en dash: not known, or no longer stored."),
        provenance=told,
    )
    return blocks(said, shown)


def _closing(data: TrafficData, firm: Standing, rows: pd.DataFrame) -> Iterator[str]:
    """What was closed, when and by whom, and how many figures have changed since."""
    if not firm.closed:
        return
    first = min(firm.closed, key=lambda figure: figure.closed_at)
    when = formats.moment(first.closed_at.astimezone(data.zone))
    somebody = formats.literal(first.closed_by)
    if firm.is_closed:
        yield say("Closed on {when} by {somebody}.", when=when, somebody=somebody)
    else:
        yield say(
            "{n} of {all} figures are closed, since {when} by {somebody}.",
            n=formats.number(len(firm.closed), decimals=0),
            all=formats.number(firm.figures, decimals=0),
            when=when,
            somebody=somebody,
        )
    changed = rows["series"].nunique()
    if changed:
        yield counted(changed, "{n} figure has changed since.", "{n} figures have changed since.")
    else:
        yield say("No figure has changed since.")


def _settling(data: TrafficData, firm: Standing) -> Iterator[str]:
    """Whether a source may still restate the period, and for which days else it was closed."""
    settles = formats.moment(firm.settles_at.astimezone(data.zone))
    if data.reached is not None:
        yield say(
            "{period} has not ended: its figures reach to {when} and will still change.",
            period=formats.period(data.month),
            when=formats.moment(data.reached.astimezone(data.zone)),
        )
    elif not firm.is_settled:
        yield say(
            "Not every source has settled: {series} may be restated by its platform until {when}, and its newest "
            "reading is of {newest}.",
            series=formats.literal(firm.slowest),
            when=settles,
            newest=formats.moment(firm.newest.astimezone(data.zone)),
        )
    elif not firm.closed:
        yield say("Every source has settled ({when}); the period is not closed yet.", when=settles)
    if firm.elsewhere and not firm.closed:
        zones = listed(sorted({figure.timezone for figure in firm.elsewhere}))
        yield say("It was closed for days of another time zone: {zones}.", zones=formats.literal(zones))


def ahead(data: TrafficData, found: Sequence[SeriesOutlook], told: Told) -> Blocks:
    """The forecast of the next period, its interval, and how it was chosen."""
    coming = data.month.following()
    label = formats.period(coming)
    some = [entry.found for entry in found if entry.found is not None]
    if not some:
        reasons = listed([f"{formats.literal(n)} ({formats.literal(why)})" for n, why in explained(found).items()])
        return blocks(callout(say("No outlook on {period} is given: {reasons}.", period=label, reasons=reasons)))
    chart = outlook_chart(found)
    drawn = (
        figure(
            chart,
            caption=_of_series(
                say(
                    "{coming} against {period}: expected change a day, with its range", coming=label, period=data.label
                ),
                len(drawable(found)),
            ),
            alt=say("For each series the expected change a day ({period}) and the range around it.", period=label),
            provenance=told,
        )
        if chart is not None
        else None
    )
    shown = table(
        told_apart(outlook_rows(found, coming.days)),
        caption=say("Outlook on {period}", period=label),
        columns=OUTLOOK_COLUMNS,
        note=say(
            "The range is meant to hold {share} of such figures; it comes from the model's errors on past dates of the "
            "same series. Of several models the default is kept unless another erred clearly less. Skill: how much "
            "less it erred than repeating the last week (0 %: no better). Levels: at the end of the period. No model "
            "knows what is planned.",
            share=share(some[0].coverage),
        ),
        provenance=told,
    )
    return blocks(drawn, shown)


def _of_series(caption: str, total: int) -> str:
    """The caption, which says where the chart does not show every series."""
    if total <= MOST_DRAWN:
        return caption
    return say("{caption} ({shown} of {total} series)", caption=caption, shown=MOST_DRAWN, total=total)


def held(data: TrafficData, told: Told) -> Block:
    """How often the band held in a backtest on the reader's own data: every judged reading was judged unseen."""
    rows = pd.DataFrame(
        {
            "series": item.full_name,
            "claimed": item.series.baseline.coverage,
            "held": item.in_band_ratio,
            "readings": item.judged_readings,
            "verdict": say(verdict(item)),
        }
        for item in data.items
        if item.judged_readings
    )
    return table(
        rows,
        caption=say("Backtest: how often the band held on these data"),
        columns=HELD_COLUMNS,
        note=say(
            "Each reading is foretold from earlier ones and then compared with what came: a rolling backtest of the "
            "period. Incidents are among the readings, so a troubled month holds less. The command analytics baseline "
            "backtest compares the algorithms on the same series."
        ),
        provenance=told,
        empty=mark("No reading had enough history to be judged."),
    )


def as_named(item: SeriesMonth, usual: Watch) -> list[str]:
    """What of a series' judging is not as the report's, in a sentence."""
    own = item.series.watch
    if (own.algorithm, own.window_days) == (usual.algorithm, usual.window_days):
        return []
    said = say(
        "{series} is judged by {algorithm} over {days} days, as params ask",
        series=item.full_name,
        algorithm=own.algorithm,
        days=own.window_days,
    )
    return [said]


def top(rows: pd.DataFrame, name: str, data: TrafficData, told: Told) -> Block | None:
    """A platform's best contents; None where there are none."""
    part = rows[rows["platform"] == name]
    if part.empty:
        return None
    return table(
        part,
        caption=say("{platform}: what grew most, {period}", platform=data.display_name(name), period=data.label),
        columns=TOP_COLUMNS,
        note=say(
            "Increase within the period of the platform's widest content metric. Against earlier ones: how often the "
            "median of the account's earlier contents at that age; only of those far outside their spread."
        ),
        provenance=told,
    )


HELD_COLUMNS = (
    Column("series", "Series", wide=True),
    Column("claimed", "Band claims", "percent", decimals=0),
    Column("held", "Held", "percent"),
    Column("readings", "Judged readings", "number", decimals=0),
    Column("verdict", "Verdict", "badge"),
)
