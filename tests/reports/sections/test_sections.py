"""A report of one's own names its sections."""

from types import SimpleNamespace

import pytest

from analytics.errors import InputError
from analytics.reports.document.display import blocks
from analytics.reports.sections.choice import chosen


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["sumary"], "section 'sumary': unknown; did you mean 'summary'"),
        (["summary", "summary"], "section 'summary': named twice"),
    ],
)
def test_a_section_that_cannot_be_shown_is_named(names, said):
    """With the nearest there is; none is left out in silence."""
    with pytest.raises(InputError, match=said):
        chosen(SimpleNamespace(summary=lambda: blocks()), names)
