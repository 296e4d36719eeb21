"""The schema comes forward by itself, once, and never backward."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import URL

from analytics.errors import StoreError
from analytics.settings import Settings
from analytics.store import migrate, open_store
from analytics.store.engine import make_engine
from analytics.store.partitions import ensure_days
from analytics.store.tables_config import metadata


def test_the_migrations_make_what_the_tables_say(empty_database_url: URL):
    """Also with partitions present, which a naive comparison would propose to drop."""
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine)
    ensure_days(engine, [date(2026, 10, 1)])

    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _ours}), metadata
        )

    assert differences == []
    engine.dispose()


VERSIONS = sorted(path.name[1:5] for path in (migrate.MIGRATIONS / "versions").glob("v[0-9]*.py"))
# at any version: one series, its collection and one reading
SOMETHING = """
INSERT INTO series (platform, metric_type) VALUES ('reddit', 'posts');
INSERT INTO collections (platform, method, started_at, outcome) VALUES ('reddit', 'import', now(), 'ok');
INSERT INTO points (series_id, collection_id, time, value) VALUES (1, 1, '2026-10-01T12:00Z', 42.5);
"""
PROMISED = {
    "platform_metrics",
    "platform_metrics_hourly",
    "baseline_history",
    "anomaly_events",
    "metric_hourly",
    "metric_daily",
    "aggregated_metrics",
    "platforms",
    "accounts",
    "baseline_configs",
    "metric_definitions",
    "alert_rules",
    "alert_history",
    "reports",
    "reports_archive",
    "contents",
    "collections",
    "quarantine",
    "restatements",
    "archive_log",
    "budget_ledger",
    "credentials",
}


@pytest.mark.parametrize("earlier", VERSIONS[:-1])
def test_every_earlier_version_comes_forward_with_its_readings(empty_database_url: URL, earlier: str):
    """A store of any age becomes the same schema as a new one, and still says what it said."""
    engine = make_engine(empty_database_url)
    migrate.upgrade(engine, earlier)
    ensure_days(engine, [date(2026, 10, 1)])
    with engine.begin() as connection:
        connection.execute(sa.text(SOMETHING))

    assert migrate.upgrade(engine) == earlier

    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": _ours}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
        row = connection.execute(sa.text("SELECT platform, metric_type, value FROM platform_metrics")).one()
        assert tuple(row) == ("reddit", "posts", 42.5)
        names = sa.inspect(connection)
        assert PROMISED - {*names.get_table_names(), *names.get_view_names()} == set()
    engine.dispose()


def _ours(_thing: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    return not (kind == "table" and name == "alembic_version")


def test_many_at_once_migrate_once(empty_database_url: URL):
    def run(_: int) -> str | None:
        engine = make_engine(empty_database_url)
        try:
            return migrate.upgrade(engine)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))

    assert sorted(str(version) for version in found) == [migrate.HEAD] * 3 + ["None"]


def test_the_head_is_the_newest_file():
    versions = sorted((migrate.MIGRATIONS / "versions").glob("v[0-9]*.py"))

    assert versions[-1].name.startswith(f"v{migrate.HEAD}_")


def test_a_newer_schema_is_refused_in_words(settings: Settings, database_url: URL):
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()

    with pytest.raises(StoreError, match="schema 9999, newer than this program's"), open_store(settings):
        pass


def test_a_database_that_is_not_there_is_an_error_of_the_store(settings: Settings, database_url: URL):
    gone = settings.model_copy(
        update={
            "database_url": type(settings.database_url)(f"{database_url.set(database='nobody')}".replace("***", ""))
        }
    )

    with pytest.raises(StoreError, match="nobody"), open_store(gone):
        pass


@pytest.mark.parametrize("url", ["sqlite:///x.db", "not a url"])
def test_another_databases_url_is_refused(url: str):
    with pytest.raises(StoreError):
        make_engine(url)
