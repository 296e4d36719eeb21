"""docs/platforms/ says what is so: its tables of metrics are the registry's, and what is asked for is what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analytics.adapters.exports.formats import definitions as exported
from analytics.adapters.http import Client
from analytics.adapters.registry import built_in, load_adapter
from analytics.adapters.signin_vendors import VENDORS, vendor_of
from analytics.errors import InputError
from analytics.ingest.webhooks import METRICS as COUNTED
from analytics.params.files import load_params
from analytics.simulator import platforms
from tests.adapters.conftest import OBSERVED_AT

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "platforms"
# beside the example account, accounts of the other kinds the page names
ACCOUNTS = {
    "facebook": ("@rival",),
    "github": ("acme",),
    "instagram": ("@rival",),
    "linkedin": ("me", "@acme"),
    "producthunt": ("@acme",),
    "reddit": ("u/acme",),
}


def rows_of(platform):
    """(metrics, from, meaning) of each row of a page's table of metrics."""
    text = (PAGES / f"{platform}.md").read_text("utf-8")
    table = re.search(r"^\| metric \| from \| meaning \|\n\| --- \| --- \| --- \|\n((?:\|.*\n)+)", text, flags=re.M)
    assert table, "no table of metrics"
    for line in table[1].splitlines():
        metrics, source, meaning = line.strip("| ").split(" | ")
        yield re.findall(r"[a-z_]+", metrics), source, meaning


def named(platform, fits):
    return {metric for metrics, source, meaning in rows_of(platform) if fits(source, meaning) for metric in metrics}


def is_brought(source, _meaning):
    """By a file, a mail or a webhook."""
    return re.match(r"(import|export|notification mails|the mail provider|the dashboard)", source)


def is_not_asked_for(source, meaning):
    return "not asked for" in meaning or is_brought(source, meaning)


def is_asked_for_if_named(_source, meaning):
    return "only if named" in meaning


def is_asked_for(source, meaning):
    return not is_not_asked_for(source, meaning) and not is_asked_for_if_named(source, meaning)


@pytest.fixture(params=built_in())
def platform(request):
    return request.param


@pytest.fixture
def asked(simulator, patient):
    """Pages of one round of every kind of account of a platform."""

    def run(name, metrics=()):
        adapter, options = load_adapter(name), {"token": "user-token", "base_url": simulator.base_url(name)}
        found = []
        with Client(adapter.VENDOR, retry=patient, **options) as client:
            for account in (platforms.load(name).account, *ACCOUNTS.get(name, ())):
                found += adapter.collect(client, account, metrics, observed_at=OBSERVED_AT, contents=20)
        return found

    return run


def test_every_platform_has_its_page():
    assert {page.stem for page in PAGES.glob("*.md")} == set(built_in())


def test_the_table_of_metrics_is_the_registrys(platform):
    listed = {metric for metrics, _, _ in rows_of(platform) for metric in metrics}

    assert listed == {definition.metric_type for definition in load_adapter(platform).DEFINITIONS}


def test_what_the_page_calls_asked_for_is_asked_for(platform, asked):
    pages = asked(platform)

    read = {o.metric_type for page in pages for o in page.observations}
    refused = {r.metric for page in pages for r in page.refused}
    assert read | refused == named(platform, is_asked_for)


def test_what_is_asked_for_only_if_named_is_then_asked_for(platform, asked):
    others = named(platform, is_asked_for)

    for metric in sorted(named(platform, is_asked_for_if_named) - others):
        assert asked(platform, (metric,)), metric


def test_what_is_not_asked_for_costs_no_call_even_if_named(platform, asked):
    others = named(platform, lambda *of: not is_not_asked_for(*of))

    for metric in sorted(named(platform, is_not_asked_for) - others):
        assert asked(platform, (metric,)) == [], metric


def test_what_comes_by_import_has_an_importer(platform):
    """A page that sends people to `analytics import-export` must not send them in vain."""
    by_file = {"posts", "delivered", "opens", "unique_opens", "subscribers", "paid_subscribers"}  # Substack's zip
    brought = {definition.metric_type for definition in exported() if definition.platform == platform}
    if platform == "substack":
        brought |= by_file | {metric for counted in COUNTED.values() for metric, _ in counted}

    assert named(platform, is_brought) <= brought


def test_the_scopes_a_sign_in_asks_for_are_named(platform):
    """A person who signs in, and one who makes a token by hand, need the same."""
    text = (PAGES / f"{platform}.md").read_text("utf-8")
    try:
        scopes = vendor_of(platform).scopes
    except InputError:
        assert platform not in {vendor.platform for vendor in VENDORS}
        return

    assert [scope for scope in scopes if f"`{scope.rpartition('/')[2]}`" not in text] == []


def test_what_params_ask_for_is_asked_for_or_brought(platform):
    """The metrics of the params that come with the package are those a round can bring."""
    metrics = load_params(ROOT / "params").platforms[platform].metrics

    assert set(metrics) <= named(platform, lambda *of: not is_not_asked_for(*of))


def test_the_policy_a_page_names_is_in_params():
    """YouTube's public counts may not be kept longer than 30 days."""
    policy = load_params(ROOT / "params").platforms["youtube"].policy

    assert "longer than 30 days" in (PAGES / "youtube.md").read_text("utf-8").replace("\n", " ")
    assert (policy.raw_days, policy.keep_cold) == (30, False)
