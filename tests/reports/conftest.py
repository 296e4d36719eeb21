"""Each test writes its figures in English, whatever the one before it chose."""

from collections.abc import Iterator

import pytest

from analytics.reports import display


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    yield
    display.use_language("en")
