"""Dashboards' files, in the shapes and languages they come in."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook

from analytics.adapters import registry
from analytics.adapters.exports import Reading, definitions, read_export
from analytics.adapters.exports.cells import (
    Locale,
    as_figure,
    as_moment,
    as_seconds,
    date_order,
    decimal_mark,
)
from analytics.adapters.exports.columns import META_TITLES
from analytics.adapters.exports.formats import BY_DAY, FORMATS
from analytics.adapters.exports.formats import definitions as exported
from analytics.adapters.platforms.youtube import REPORT
from analytics.errors import DataFileError

AT = datetime(2026, 11, 20, 18, tzinfo=UTC)


def read(content, name="export.csv", **said):
    raw = content.encode() if isinstance(content, str) else content
    return read_export(raw, name, Reading(AT, **{"account": "acme", **said}))


def figures(export):
    return {(o.metric_type, o.content_id, o.observed_at.isoformat()): o.value for o in export.observations}


def zipped(**files):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("__", " ") + ".csv", content)
    return raw.getvalue()


def workbook(**sheets):
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def kept_figures():
    """(platform, metric, whether of a day) of each column that is neither a level nor a rate."""
    tables = [(f.platform, f.columns, bool(f.day)) for f in (*FORMATS, *BY_DAY.values()) if f.platform != "meta"]
    tables += [(platform, META_TITLES, True) for platform in ("facebook", "instagram")]
    for platform, columns, daily in tables:
        for column in columns.values():
            if not column.level and column.kind not in ("percent", "seconds"):
                yield platform, column.name(daily=daily), daily


def test_a_figure_of_a_day_and_a_total_are_never_one_metric():
    """Totals so far added up over exports would count everything again with every file."""
    of_days = {(platform, metric) for platform, metric, daily in kept_figures() if daily}
    totals = {(platform, metric) for platform, metric, daily in kept_figures() if not daily}
    found = {(d.platform, d.metric_type): d for d in (*exported(), *registry.definitions())}

    assert of_days & totals == set()
    assert {found[name].data_type for name in of_days} == {"gauge"}
    assert {found[name].aggregation for name in of_days} == {"sum", "mean"}
    assert {found[name].aggregation for name in totals} == {"increase", "last"}


def test_what_a_dashboard_gives_by_day_goes_on_with_the_apis_series():
    youtube = {metric for platform, metric, daily in kept_figures() if platform == "youtube" and daily}

    assert {*REPORT.values()} - {"average_view_duration_s"} <= youtube


STUDIO = (
    "Content,Video title,Video publish time,Duration,Views,Watch time (hours),Subscribers,Impressions,"
    "Impressions click-through rate (%)\n"
    "Total,,,,1500,62.5,12,40000,4.1\n"
    'dQw4w9WgXcQ,"A ""quoted"",\ntwo-line title","Oct 3, 2026",212,1200,50.25,10,31000,4.35\n'
    'abc_-123XYZ,Second,"Oct 10, 2026",61,300,12.25,2,9000,\n'
)


def test_youtube_videos_are_totals_so_far():
    """The total is a row of its own, titles hold newlines, an empty rate is unknown."""
    export = read(STUDIO)

    found = figures(export)
    at = AT.isoformat()
    assert export.tables == ("YouTube Studio, videos",)
    assert found["views", "dQw4w9WgXcQ", at] == 1200
    assert found["watch_time_minutes_total", "abc_-123XYZ", at] == 12.25 * 60
    assert found["impressions_ctr_pct", "dQw4w9WgXcQ", at] == 4.35
    assert found["impressions_ctr_pct", "abc_-123XYZ", at] is None
    assert {o.content_id for o in export.observations} == {"dQw4w9WgXcQ", "abc_-123XYZ"}
    assert {(o.platform, o.author_id, o.content_type) for o in export.observations} == {("youtube", "acme", "video")}


def test_a_youtube_zip_of_days_is_dated_by_pacific_midnight():
    raw = zipped(
        Table__data="Date,Views,Watch time (hours),Average view duration\nTotal,30,1,0:02:00\n"
        "2026-10-31,10,0.5,0:03:21\n2026-11-02,20,0.5,0:01:00\n",
        Totals="Date,Views\n2026-10-31,10\n2026-11-02,20\n",
    )

    export = read(raw, "Date 2026-10-31_2026-11-03 Acme.zip", platform="youtube")

    found = figures(export)
    assert found["views_per_day", "", "2026-10-31T07:00:00+00:00"] == 10
    assert found["views_per_day", "", "2026-11-02T08:00:00+00:00"] == 20
    assert found["average_view_duration_s", "", "2026-10-31T07:00:00+00:00"] == 201
    assert len(found) == len(export.observations) == 6


def test_tables_of_a_zip_that_nobody_knows_are_named():
    export = read(zipped(Table__data=STUDIO, Notes="a,b\n1,2\n"), "Content.zip")

    assert export.passed_over == ("Content.zip/Notes.csv",)


POST = "https://www.linkedin.com/feed/update/urn:li:share:"
LINKEDIN_NOTE = ["Aggregated engagement metrics for your organisation's posts."]


def test_a_linkedin_page_has_sheets_with_a_note_above():
    raw = workbook(
        Metrics=[
            LINKEDIN_NOTE,
            ["Date", "Impressions (organic)", "Impressions (total)", "Clicks (total)", "Engagement rate (total)"],
            ["10/30/2026", 90, 100, 7, 0.0712],
            ["10/31/2026", 80, 85, None, 0.05],
        ],
        All_posts=[
            ["All posts"],
            ["Post title", "Post link", "Created date", "Impressions", "Clicks", "Views"],
            ["Hi", "https://www.linkedin.com/feed/update/urn:li:activity:7123", "10/30/2026", 50, 3, None],
        ],
    )

    found = figures(read(raw, "acme_content.xlsx"))

    assert found["views_per_day", "", "2026-10-30T00:00:00+00:00"] == 100
    assert found["engagement_rate_by_impressions_pct", "", "2026-10-30T00:00:00+00:00"] == 7.12
    assert found["clicks_per_day", "", "2026-10-31T00:00:00+00:00"] is None
    assert found["views", "urn:li:activity:7123", AT.isoformat()] == 50
    assert found["video_views", "urn:li:activity:7123", AT.isoformat()] is None


def test_a_linkedin_member_has_tables_side_by_side_and_a_total_above():
    raw = workbook(
        ENGAGEMENT=[["Date", "Impressions", "Engagements"], ["11/13/2026", 40, 3]],
        TOP_POSTS=[
            ["Maximum of 50 posts available to include in this list"],
            [],
            ["Post URL", "Post publish date", "Engagements", None, "Post URL", "Post publish date", "Impressions"],
            [f"{POST}1", "11/13/2026", 3, None, f"{POST}2", "11/13/2026", 40],
        ],
        FOLLOWERS=[["Total followers on 11/19/2026:", 5432], [], ["Date", "New followers"], ["11/13/2026", 2]],
    )

    found = figures(read(raw, "Content_2026.xlsx", order="mdy"))

    at = AT.isoformat()
    assert found["engagement", "urn:li:share:1", at] == 3
    assert found["views", "urn:li:share:2", at] == 40
    assert found["followers", "", "2026-11-20T00:00:00+00:00"] == 5432
    assert found["new_followers_per_day", "", "2026-11-13T00:00:00+00:00"] == 2


IG_HEADER = (
    "Post ID,Account ID,Account username,Account name,Description,Duration (sec),Publish time,Permalink,Post type,"
    "Data comment,Date,Views,Reach,Likes,Shares,Follows,Comments,Saves\n"
)


def test_meta_names_the_account_in_each_row():
    row = '18012,1784,club,Club,"Two\nlines, 🎉",0,11/18/2026 06:08,https://www.instagram.com/p/x,IG image,,Lifetime,'
    export = read(IG_HEADER + row + '"1,234",--,61,2,,4,9\n', account="")

    assert {o.author_id for o in export.observations} == {"club"}
    assert figures(export)["views", "18012", AT.isoformat()] == 1234
    assert figures(export)["reach", "18012", AT.isoformat()] is None
    assert figures(export)["follows", "18012", AT.isoformat()] is None


def test_meta_overviews_are_utf16_with_a_table_a_figure():
    text = (
        'sep=,\r\n"Facebook reach"\r\n"Date","Primary"\r\n"2026-11-01T00:00:00","123"\r\n"2026-11-02T00:00:00","0"\r\n'
        '\r\n"Instagram reach"\r\n"Date","Primary"\r\n"2026-11-01T00:00:00","7"\r\n'
    )

    export = read(text.encode("utf-16"), "Reach.csv")

    assert [(o.platform, o.metric_type, o.value) for o in export.observations] == [
        ("facebook", "reach_per_day", 123),
        ("facebook", "reach_per_day", 0),
        ("instagram", "reach_per_day", 7),
    ]
    assert export.observations[0].observed_at.isoformat() == "2026-11-01T07:00:00+00:00"


X_DAYS = (
    "Date,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Unfollows,Replies,Reposts,Profile visits\n"
    '"Fri, Nov 20, 2026",156,3,6,0,0,1,0,1,0,2\n"Thu, Nov 19, 2026","1,204",9,88,5,0,0,2,,0,35\n'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_x_days_in_every_encoding(encoding, newline):
    found = figures(read(X_DAYS.replace("\n", newline).encode(encoding)))

    assert found["impressions_per_day", "", "2026-11-19T00:00:00+00:00"] == 1204
    assert found["followers_lost", "", "2026-11-19T00:00:00+00:00"] == 2
    assert found["replies_per_day", "", "2026-11-19T00:00:00+00:00"] is None


def test_x_posts_keep_their_long_numbers():
    text = (
        "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,URL Clicks\n"
        '2074000000000000001,"Tue, Jul 14, 2026","a, b",https://x.com/a/status/1,122978,12,40,7\n'
    )

    found = figures(read(text))

    assert found["impressions", "2074000000000000001", AT.isoformat()] == 122978
    assert found["link_clicks", "2074000000000000001", AT.isoformat()] == 7


def test_old_x_files_say_tweet():
    text = (
        '"Tweet id","Tweet permalink","Tweet text","time","impressions","engagements","engagement rate","retweets"\n'
        '"869","https://twitter.com/a/status/869","Hi","2026-05-30 19:01 +0000","100.0","7.0","0.07","-"\n'
    )

    found = figures(read(text))

    assert found["engagement_rate_by_impressions_pct", "869", AT.isoformat()] == 7
    assert found["reposts", "869", AT.isoformat()] is None


def test_medium_days_and_stories():
    days = "Date;Views;Reads;Followers\n01.11.2026;1.234;567;2.001\n02.11.2026;900;–;2.003\n"
    stories = (
        "Title,Link,Views,Reads,Read ratio,Fans\n"
        "A story,https://medium.com/@a/a-story-e1131f7c0355?source=x,1.2K,340,28%,9\n"
    )

    by_day, by_story = figures(read(days)), figures(read(stories))

    assert by_day["views_per_day", "", "2026-11-01T00:00:00+00:00"] == 1234
    assert by_day["followers", "", "2026-11-02T00:00:00+00:00"] == 2003
    assert by_day["reads_per_day", "", "2026-11-02T00:00:00+00:00"] is None
    assert by_story["views", "e1131f7c0355", AT.isoformat()] == 1200
    assert by_story["read_ratio_pct", "e1131f7c0355", AT.isoformat()] == 28


def test_a_substack_zip_is_counted_and_keeps_nobody():
    raw = zipped(
        posts="post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle,podcast_url\n"
        "11.first,2026-08-12T12:00:00.000Z,true,,newsletter,everyone,First,,\n"
        "12.draft,2026-08-13T12:00:00.000Z,false,,newsletter,everyone,Draft,,\n",
        email_list="email,active_subscription,expiry,plan,email_disabled,created_at\n"
        "a@x.com,true,2027-01-01,yearly,false,2026-01-01\nb@x.com,false,,free,false,2026-01-01\n"
        "c@x.com,false,,free,true,2026-01-01\n",
        **{
            "posts/11.opens": "post_id,timestamp,email\n11,2026-08-12T12:01:00Z,a@x.com\n"
            "11,2026-08-12T12:09:00Z,A@x.com\n11,2026-08-12T13:00:00Z,b@x.com\n",
            "posts/11.delivers": "post_id,timestamp,email\n11,2026-08-12T12:00:00Z,a@x.com\n",
        },
    )

    export = read(raw, "export.zip")

    at = AT.isoformat()
    assert figures(export) == {
        ("posts", "", "2026-08-12T12:00:00+00:00"): 1,
        ("subscribers", "", at): 2,
        ("paid_subscribers", "", at): 1,
        ("opens", "first", at): 3,
        ("unique_opens", "first", at): 2,
        ("delivered", "first", at): 1,
    }
    assert "@x.com" not in repr(export)


WRONG = {
    "unknown header": (
        "Datum,Aufrufe\n2026-11-01,3\n",
        r"export.csv: line 1: no known header: found 'Datum', 'Aufrufe'",
    ),
    "bad figure": (X_DAYS.replace('"1,204"', "many"), r"line 3: impressions: expected a number, found 'many'"),
    "fraction": (X_DAYS.replace("156", "15.65"), r"line 2: impressions: expected a count, found '15.65'"),
    "bad date": (X_DAYS.replace("Thu, Nov 19, 2026", "soon"), r"line 3: date: expected a date, found 'soon'"),
    "cut off": (X_DAYS[: X_DAYS.rindex(",0,35")], r"line 3: ends after 9 of 11 cells"),
    "stray": (X_DAYS.replace("0,35", "0,35,9"), r"line 3: has 12 cells, but the header on line 1 has 11"),
    "ambiguous": (X_DAYS.replace("Fri, Nov 20, 2026", "03/04/2026"), r"line 2: date: date '03/04/2026' is ambiguous"),
    "only a header": (X_DAYS.splitlines()[0] + "\n", "has a header but no rows"),
    "empty": (" \n", "is empty"),
    "page": ("<!DOCTYPE html><html></html>", "is a web page"),
    "old": (b"\xd0\xcf\x11\xe0\xa1", r"old Excel file"),
    "zip": (b"PK\x03\x04broken", "no readable zip"),
    "open quote": ('Date,Impressions\n"Fri', "line 2: cannot be read as CSV"),
    "twice": (X_DAYS + '"Fri, Nov 20, 2026",157,3,6,0,0,1,0,1,0,2\n', "on 2026-11-20 twice: 156 and 157"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_said_with_file_line_and_value(content, said):
    with pytest.raises(DataFileError, match=said):
        read(content)


def test_an_account_nobody_named_is_asked_for():
    with pytest.raises(DataFileError, match="does not say whose figures"):
        read(X_DAYS, account="")


@pytest.mark.parametrize(
    ("text", "decimal", "whole", "value"),
    [
        ("1,234", ".", True, 1234),
        ("1.234", ".", True, 1234),
        ("1.234", ".", False, 1.234),
        ("1.234", ",", False, 1234),
        ("1.234.567", ".", False, 1234567),
        ("1.234,5", ",", False, 1234.5),
        ("12,5 %", ",", False, 12.5),
        ("1 234", ",", True, 1234),
        ("1\u202f234\u00a0567", ".", True, 1234567),
        ("1'234", ".", True, 1234),
        ("12,34,567", ".", False, 1234567),
        ("\u22125", ".", True, -5),
        ("1.2M", ".", True, 1_200_000),
        ("3,4 Mio.", ",", True, 3_400_000),
        ("--", ".", True, None),
        ("\u2014", ".", True, None),
        ("N/A", ".", True, None),
    ],
)
def test_numbers_of_many_languages(text, decimal, whole, value):
    assert as_figure(text, Locale(decimal), whole=whole) == value


@pytest.mark.parametrize("text", ["1,2,3", "1.2.3", "12 34", "1e5x", "0x10", "1-2", "..", "١٢", "1,23,4.5.6"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="expected a number"):
        as_figure(text, Locale("."), whole=False)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-03", "2026-11-03"),
        ("2026/11/03", "2026-11-03"),
        ("2026-11-03 00:00:00", "2026-11-03"),
        ("20261103", "2026-11-03"),
        ("3.11.2026", "2026-11-03"),
        ("03.11.26", "2026-11-03"),
        ("Tue, Nov 3, 2026", "2026-11-03"),
        ("3 Nov 2026", "2026-11-03"),
        ("3. März 2026", "2026-03-03"),
        ("3 août 2026", "2026-08-03"),
        ("3 de marzo de 2026", "2026-03-03"),
        ("13/11/2026", "2026-11-13"),
        ("11/13/2026 06:08", "2026-11-13"),
        ("2026-11-03 19:01 +0200", "2026-11-03T17:01:00+00:00"),
        ("2026-11-03T19:01:00Z", "2026-11-03T19:01:00+00:00"),
    ],
)
def test_dates_of_many_languages(text, day):
    assert as_moment(text, Locale()).isoformat() == day


@pytest.mark.parametrize("text", ["2026-13-01", "31.02.2026", "Smarch 3, 2026", "13/13/2026", "2026", "", "Nov 2026"])
def test_what_is_no_date_is_refused(text):
    with pytest.raises(ValueError, match="expected a date"):
        as_moment(text, Locale())


def test_a_column_tells_what_a_cell_cannot():
    assert date_order(["01/11/2026", "02/11/2026", "03/11/2026"]) == "dmy"
    assert date_order(["11/03/2026", "11/02/2026", "11/01/2026"]) == "mdy"
    assert as_moment("03/04/2026", Locale(".", "dmy")) == date(2026, 4, 3)
    assert decimal_mark(["1,234", "12,5"], default=".") == ","
    assert decimal_mark(["1,234", "5,678"], default=",") == ","
    assert as_seconds("1:02:03", Locale()) == 3723


def test_every_figure_that_can_be_imported_has_a_meaning():
    known = {(d.platform, d.metric_type) for d in definitions()}
    raw = workbook(A=[["Date", "New followers"], ["2026-11-13", 2]])

    for export in (read(STUDIO), read(X_DAYS), read(raw, "a.xlsx")):
        assert {(o.platform, o.metric_type) for o in export.observations} <= known


X_POSTS = (
    "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements,Bookmarks,Shares,New follows,Profile visits\n"
    '2074000000000000001,"Tue, Jul 14, 2026","line one\nline two",https://x.com/o/status/2074000000000000001,'
    "122978,5,9,1,0,2,3\n"
)


def test_a_table_of_posts_is_no_table_of_days():
    """X's full file has every column of its days too."""
    found = read(X_POSTS)

    assert found.tables == ("X analytics, posts",)
    assert {o.content_id for o in found.observations} == {"2074000000000000001"}
    assert {o.observed_at for o in found.observations} == {AT}
    assert not any(o.metric_type.endswith("_per_day") for o in found.observations)


@pytest.mark.parametrize("text", ["1.85123E+18", "1,85123E+18", "1851230000000000000"])
def test_an_id_that_a_spreadsheet_rounded_comes_from_the_link_or_is_refused(text):
    link = "https://x.com/o/status/1851234567890123456"
    rows = [f'"{text}","Tue, Jul 14, 2026",first,{address},100,1,3\n' for address in (link, "")]
    head = "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements\n"

    assert {o.content_id for o in read(head + rows[0]).observations} == {"1851234567890123456"}
    with pytest.raises(DataFileError, match="was rounded by a spreadsheet"):
        read(head + rows[1])


def test_numbers_of_a_sheet_are_ids_as_far_as_they_are_exact():
    """Six digits were kept of every one."""
    head = ["Post ID", "Account username", "Permalink", "Publish time", "Date", "Reach"]
    row = [123456789012345, "acme", "https://www.instagram.com/p/abc/", "11/01/2026 10:00", "Lifetime", 5]

    found = read(workbook(a=[head, row]), "a.xlsx", platform="instagram")

    assert {o.content_id for o in found.observations} == {"123456789012345"}
    with pytest.raises(DataFileError, match="was rounded by a spreadsheet"):
        read(workbook(a=[head, [18012345678901230, *row[1:]]]), "a.xlsx", platform="instagram")


def test_an_id_kept_as_text_by_a_formula_is_read_and_no_other_formula_is():
    head = "Post id,Date,Post text,Post Link,Impressions,Likes,Engagements\n"
    row = '"=""1851234567890123456""","Tue, Jul 14, 2026",first,,100,1,3\n'

    assert {o.content_id for o in read(head + row).observations} == {"1851234567890123456"}
    with pytest.raises(DataFileError, match="is a formula"):
        read(head + row.replace('=""1851234567890123456""', "=A2+1"))


@pytest.mark.parametrize("header", ["Geography", "Device type", "Content type", "Subscription status", "Zielgruppe"])
@pytest.mark.parametrize("parts", [("DE",), ("DE", "US")])
def test_parts_of_a_channels_days_are_refused_by_name(header, parts):
    rows = "".join(f"2026-10-0{day},{part},60,1.5\n" for day in (1, 2) for part in parts)

    with pytest.raises(DataFileError, match=f"(?i)column '{header}' splits the figures"):
        read(f"Date,{header},Views,Watch time (hours)\n{rows}", platform="youtube")


def test_parts_of_a_video_are_refused_by_name():
    rows = "".join(f"abc,Title,{device},{views},1.5\n" for device, views in (("phone", 6), ("desktop", 6)))

    with pytest.raises(DataFileError, match=r"(?i)column 'device type' splits the figures"):
        read(f"Content,Video title,Device type,Views,Watch time (hours)\n{rows}", platform="youtube")


@pytest.mark.parametrize(("days", "said"), [(("01", "08", "15"), "weeks"), (("01", "02", "03"), "")])
def test_weeks_and_months_are_no_days(days, said):
    rows = "".join(f"2026-10-{day},60,1.5\n" for day in days)
    content = f"Date,Views,Watch time (hours)\n{rows}"

    if said:
        with pytest.raises(DataFileError, match=f"rows are {said}"):
            read(content)
    else:
        assert len(read(content).observations) == 6
    months = "".join(f"2026-{month:02d}-01,60,1.5\n" for month in (7, 8, 9))
    with pytest.raises(DataFileError, match="rows are months"):
        read(f"Date,Views,Watch time (hours)\n{months}")
