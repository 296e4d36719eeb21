"""A store on an empty database of the test's own, and frames to write into it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from analytics.store import Store
from analytics.store.engine import make_engine


@pytest.fixture
def store(database_url: URL) -> Iterator[Store]:
    with Store(make_engine(database_url)) as opened:
        yield opened
