"""Bringing a database's schema forward to this program's version, once, whoever comes first."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from analytics.errors import StoreError

HEAD = "0012"
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x616E616C79746963  # "analytic": one migration at a time in a database


def current_revision(connection: sa.Connection) -> str | None:
    """The schema version of the database; None for an empty one."""
    # to_regclass would remember that there is none, even after waiting for whoever makes it
    there = "SELECT count(*) FROM pg_class WHERE relname = 'alembic_version' AND pg_table_is_visible(oid)"
    if not connection.scalar(sa.text(there)):
        return None
    version: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return version


def upgrade(engine: sa.Engine, target: str = HEAD) -> str | None:
    """Run what is missing up to `target`, in one transaction; return the version found before.

    Raises:
        StoreError: the schema is newer than this program.
    """
    with engine.begin() as connection:
        before = current_revision(connection)
        if before == target:
            return before
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        before = current_revision(connection)
        if before == target:
            return before
        if before is not None and before > target:
            raise StoreError(
                f"the database has schema {before}, newer than this program's {target}: upgrade the program"
            )
        _run(connection, target)
    return before


def _run(connection: sa.Connection, target: str) -> None:
    # alembic takes a fifth of a second to import, and is needed once a version
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(
        config,
        scripts,
        fn=lambda revision, _: scripts._upgrade_revs(target, revision),
        destination_rev=target,
    ) as environment:
        environment.configure(connection=connection)
        environment.run_migrations()
