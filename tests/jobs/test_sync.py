"""What params name must be something that is collected: a rule for nothing would be silent for ever."""

import pytest

from analytics.errors import ParamsError
from analytics.jobs.sync import check_names
from analytics.params.files import Params

KNOWN = {("github", "stars"), ("github", "forks"), ("reddit", "karma"), ("shop", "orders")}


def params(rule=None, series=None):
    rules = {"r": {"condition": "anomaly", "channels": ["team"], **rule}} if rule else {}
    baselines = {"series": [series] if series else []}
    return Params.model_validate({"alerts": {"channels": {"team": "T"}, "rules": rules}, "baselines": baselines})


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"rule": {"platform": "githb"}}, r"rules\.r\.platform: 'githb' is unknown; did you mean 'github'"),
        ({"rule": {"metric": "starz"}}, r"rules\.r\.metric: 'starz' is unknown; did you mean 'stars'"),
        (
            {"rule": {"platform": "reddit", "metric": "stars"}},
            r"rules\.r\.metric: 'stars' is unknown; expected",
        ),
        ({"series": {"platform": "github", "metric": "fork"}}, r"series\.0\.metric: 'fork' is unknown; did you mean"),
    ],
)
def test_a_name_that_nothing_brings_is_refused_with_the_nearest(named, said):
    with pytest.raises(ParamsError, match=said):
        check_names(params(**named), KNOWN)


@pytest.mark.parametrize("rule", [{}, {"platform": "shop", "metric": "orders"}, {"metric": "karma"}])
def test_what_is_collected_or_stored_may_be_named(rule):
    """Also what was only ever imported."""
    check_names(params(rule), KNOWN)
