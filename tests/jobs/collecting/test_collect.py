"""One round from the simulated platforms into a real store."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pytest
import sqlalchemy as sa
from cronsim import CronSim
from pydantic import SecretStr

from analytics.adapters.base import Page
from analytics.adapters.http import Renewed
from analytics.adapters.vendor import Retry
from analytics.errors import AccessDenied, InputError, ParamsError
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collecting import collect as job
from analytics.jobs.collecting.harvest import Harvest
from analytics.jobs.collecting.replay import replay
from analytics.jobs.sync import sync_params
from analytics.model import MetricDefinition
from analytics.params.files import Params
from analytics.simulator import serve
from analytics.store import open_store, vault

NOW = datetime(2026, 11, 20, 12, 3, 41, tzinfo=UTC)
HURRIED = Retry(sleep=lambda _: None)


def params(**github) -> Params:
    entry = {"adapter": "github", "display_name": "GitHub", "metrics": ["stars", "views"], **github}
    entry.setdefault("accounts", [{"id": "acme/orchard", "credential": "GITHUB_TOKEN"}])
    return Params.model_validate({"platforms": {"github": entry}})


@pytest.fixture
def simulator():
    with serve(now=NOW) as running:
        yield running


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "a-token-of-mine")


def test_a_round_ends_in_the_store_once(settings, store, simulator):
    """The same poll run twice changes nothing: times are those of the poll slot."""
    first, second = (
        job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED) for _ in range(2)
    )

    assert [h.state for h in first.harvests] == ["ok"]
    assert first.written == 1 + 14
    assert (second.written, second.harvests[0].duplicate) == (0, 15)


def test_a_round_into_an_empty_store_says_what_its_metrics_mean(settings, store, simulator, monkeypatch):
    """Without `analytics sync` a reading once had no definition, and a change of meaning no break."""
    monkeypatch.setenv("YOUTUBE_TOKEN", "AIza-key")
    youtube = {
        "adapter": "youtube",
        "display_name": "YouTube",
        "accounts": [{"id": "@acme", "credential": "YOUTUBE_TOKEN"}],
        "metrics": ["views", "subscribers"],
        "definitions": [{"metric": "subscribers", "display_name": "Ours", "unit": "users", "valid_from": "2026-01-01"}],
    }
    one = Params.model_validate({"platforms": {"tube": youtube}})

    for _ in range(2):
        job.collect(
            settings, store, platforms=["tube"], base_url=None, at=NOW, params=_at(one, simulator), retry=HURRIED
        )

    with store.begin() as connection:
        ids = connection.execute(sa.text("SELECT DISTINCT definition_id FROM platform_metrics ORDER BY 1")).scalars()
        assert list(ids) == ["tube.subscribers@2026-01-01", "tube.views@2026-08-24"]
        assert connection.scalar(sa.text("SELECT count(*) FROM alert_rules")) == 0


def _at(params, simulator):
    """The params with the simulator's address in each entry: there the platforms have their own names."""
    entries = params.model_dump(mode="json")["platforms"]
    for entry in entries.values():
        entry["base_url"] = f"{simulator.url}/{entry['adapter']}"
    return Params.model_validate({"platforms": entries})


def test_meanings_of_other_platforms_stay_as_they_are(settings, store, simulator):
    """One platform's round must not switch off what another's readings mean."""
    other = MetricDefinition("elsewhere", "views", "Views", "views", "counter", "increase")
    store.define([other])

    job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    assert store.definitions[("elsewhere", "views")] == other
    assert store.define([other]) == 0


def test_an_unchanged_answer_is_free_in_the_next_round(settings, store, simulator):
    """GitHub counts no call that ends in 304: tags are kept on disk between rounds."""
    first, second = (
        job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED) for _ in range(2)
    )

    left = [h.pages[-1].rate_limit_remaining for made in (first, second) for h in made.harvests]
    assert left == [4998, 4998]
    assert second.harvests[0].state == "ok"


def test_a_refused_metric_costs_that_metric(settings, store, simulator, monkeypatch):
    """A token without push access: stars arrive, views are named with the platform's reason."""
    monkeypatch.setenv("GITHUB_TOKEN", "readonly")

    harvest = job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED).harvests[0]

    assert (harvest.state, harvest.written) == ("partial", 1)
    assert [r.metric for r in harvest.refused] == ["views"]
    assert "Resource not accessible" in harvest.problem


@pytest.mark.parametrize(
    ("platform", "path", "fault"),
    [
        ("github", "/traffic/views", "403"),
        ("twitter", "/tweets", "403"),
        ("youtube", "/reports", "403"),
        ("reddit", "/new", "403"),
        ("linkedin", "networkSizes", "403"),
        ("instagram", "/media", "403"),
        ("facebook", "/posts", "403"),
        ("producthunt", "Rank", "403"),
    ],
)
def test_what_one_call_is_refused_costs_its_metrics_on_every_platform(
    settings, store, simulator, monkeypatch, platform, path, fault
):
    """The others land, the collection is partial, and each metric is named once with the platform's reason."""
    from analytics.adapters.registry import load_adapter
    from analytics.simulator import platforms

    monkeypatch.setenv("OWNER_TOKEN", "user-token-of-the-owner")
    account = {"id": platforms.load(platform).account, "credential": "OWNER_TOKEN"}
    metrics = sorted({d.metric_type for d in load_adapter(platform).DEFINITIONS}) if platform == "youtube" else []
    one = Params.model_validate(
        {"platforms": {platform: {"adapter": platform, "display_name": "P", "accounts": [account], "metrics": metrics}}}
    )
    simulator.fault(fault, platform, path=path, times=0)

    harvest = job.collect(
        settings, store, base_url=simulator.url, at=NOW, params=one, retry=HURRIED, contents=3
    ).harvests[0]

    assert harvest.state == "partial"
    assert harvest.written > 0
    names = [refused.metric for refused in harvest.refused]
    assert names
    assert len(names) == len(set(names))
    with store.begin() as connection:
        outcome, error = connection.execute(sa.text("SELECT outcome, error FROM collections")).one()
    assert outcome == "partial"
    assert all(name in error for name in names)


@pytest.mark.parametrize(("platform", "accounts"), [("medium", ("@acme", "@rival")), ("substack", ("acme", "rival"))])
def test_a_feed_that_is_refused_costs_its_posts_and_no_other_accounts(settings, store, simulator, platform, accounts):
    """The feed is one call and gives one metric: there is nothing beside it to land, and that is said."""
    entry = {"adapter": platform, "display_name": "P", "accounts": [{"id": account} for account in accounts]}
    simulator.fault("403", platform, path=accounts[0], times=0)

    refused, other = job.collect(
        settings,
        store,
        base_url=simulator.url,
        at=NOW,
        params=_with_keys(entry, platform),
        retry=HURRIED,
    ).harvests

    assert (refused.state, refused.written, other.state) == ("failed", 0, "ok")
    assert other.written > 0
    assert [r.metric for r in refused.refused] == ["posts"]
    with store.begin() as connection:
        assert set(connection.scalars(sa.text("SELECT method FROM collections"))) == {"feed"}
        query = sa.text("SELECT account, outcome, error FROM collections ORDER BY collection_id")
        outcomes = {account: (outcome, error) for account, outcome, error in connection.execute(query)}
    assert outcomes[accounts[0]][0] == "failed"
    assert "answered 403" in outcomes[accounts[0]][1]
    assert "posts" in outcomes[accounts[0]][1]
    assert outcomes[accounts[1]] == ("ok", None)


def _with_keys(entry, platform):
    """The simulated feeds ask for no key, and take any."""
    for account in entry["accounts"]:
        account["credential"] = "GITHUB_TOKEN"
    return Params.model_validate({"platforms": {platform: entry}})


def test_one_accounts_failure_stops_no_other(settings, store, simulator, monkeypatch):
    monkeypatch.setenv("OTHER_TOKEN", "revoked")
    accounts = [
        {"id": "acme/cellar", "credential": "OTHER_TOKEN"},
        {"id": "acme/pressing", "credential": "MISSING_TOKEN"},
        {"id": "acme/orchard", "credential": "GITHUB_TOKEN"},
    ]

    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(accounts=accounts), retry=HURRIED)

    assert [h.state for h in made.harvests] == ["failed", "failed", "ok"]
    assert [type(h.error) for h in made.failed] == [AccessDenied, AccessDenied]
    assert "no MISSING_TOKEN: set that environment variable" in str(made.failed[1].error)


def test_a_key_with_the_newline_of_its_file_is_a_key(settings, store, simulator, monkeypatch):
    """`GITHUB_TOKEN=$(<file)` cuts it off, a container's secret file does not."""
    monkeypatch.setenv("GITHUB_TOKEN", "a-token-of-mine\n")

    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    assert [h.state for h in made.harvests] == ["ok"]


@pytest.mark.parametrize("stored", [False, True])
def test_a_key_that_is_none_is_refused_by_its_name_alone(settings, store, simulator, monkeypatch, stored):
    """The transport would show it whole, and the store, the run's message and the alert after it."""
    keyed = settings.model_copy(update={"secret_key": SecretStr(base64.b64encode(b"k" * 32).decode())})
    if stored:
        monkeypatch.delenv("GITHUB_TOKEN")
        with store.begin() as connection:
            vault.put(connection, vault.Key(keyed.secret_key), "GITHUB_TOKEN", SecretStr("leaked\nsecret"))
    else:
        monkeypatch.setenv("GITHUB_TOKEN", "leaked\nsecret")

    made = job.collect(keyed, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    (harvest,) = made.failed
    with store.begin() as connection:
        kept = connection.scalar(sa.text("SELECT error FROM collections"))
    assert isinstance(harvest.error, AccessDenied)
    assert kept == "github acme/orchard: GITHUB_TOKEN holds a control character: it is no key"


def test_contents_are_kept_with_their_titles(settings, store, simulator):
    """Once: the same contents read again change nothing."""
    reddit = {
        "adapter": "reddit",
        "display_name": "Reddit",
        "accounts": [{"id": "r/acme", "credential": "GITHUB_TOKEN"}],
    }
    one = Params.model_validate({"platforms": {"reddit": reddit}})
    for _ in range(2):
        job.collect(settings, store, base_url=simulator.url, at=NOW, params=one, retry=HURRIED, contents=5)

    with store.begin() as connection:
        rows = connection.execute(sa.text("SELECT author_id, title, url, published_at FROM contents")).all()

    assert len(rows) == 5
    assert all(row.author_id == "r/acme" and row.title.startswith("Post number") for row in rows)
    assert all(row.published_at <= NOW for row in rows)


def test_a_broken_adapter_stops_no_other(settings, store, simulator, tmp_path, monkeypatch):
    """A third party's mistake, or an account named the wrong way, costs that account alone."""
    (tmp_path / "no_package").mkdir()
    (tmp_path / "no_package" / "broken.py").write_text(
        "from analytics.adapters.platforms.github import DEFINITIONS, VENDOR\n"
        "NAME = 'broken'\n"
        "def collect(client, account, metrics, *, observed_at, contents):\n"
        "    yield {}['nothing']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = params().model_dump(mode="json")["platforms"]
    broken = {"adapter": "no_package.broken", "display_name": "B", "accounts": [{"id": "x"}]}
    misnamed = {"adapter": "reddit", "display_name": "R", "accounts": [{"id": "acme", "credential": "GITHUB_TOKEN"}]}
    together = Params.model_validate({"platforms": {"broken": broken, "reddit": misnamed, **entries}})

    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=together, retry=HURRIED)

    assert [(h.platform, h.state) for h in made.harvests] == [
        ("broken", "failed"),
        ("reddit", "failed"),
        ("github", "ok"),
    ]
    assert "KeyError: 'nothing'" in made.harvests[0].problem
    assert "expected u/name or r/name" in made.harvests[1].problem


def test_an_outage_is_ridden_out(settings, store, simulator):
    simulator.fault("503", "github", times=2)

    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    assert made.harvests[0].state == "ok"


def test_a_replay_writes_only_what_differs(settings, store, simulator):
    """Answers are kept raw; reading them again with the same parser finds every point already there."""
    job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    again = replay(settings, store, "github", since=date(2026, 11, 20), params=params())

    assert (again.answers, again.written, again.corrected, again.unread) == (2, 0, 0, ())
    assert again.duplicate >= 15


def test_an_answer_that_could_not_be_read_is_replayed_later(settings, store, simulator):
    simulator.fault("wrong_types", "github", path="/repos/acme/orchard")
    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    again = replay(settings, store, "github", since=date(2026, 11, 20), params=params())

    assert [r.metric for r in made.harvests[0].refused] == ["stars"]
    assert len(again.unread) == 1
    assert "github" in again.unread[0]


def test_the_landing_holds_no_token(settings, store, simulator):
    job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(), retry=HURRIED)

    import gzip

    landed = [gzip.decompress(path.read_bytes()) for path in settings.landing_dir.rglob("*.gz")]
    assert landed
    assert all(b"a-token-of-mine" not in content for content in landed)


def test_old_raw_answers_are_removed_by_policy(settings, store, simulator):
    """Thirty days by default; YouTube's terms, for one, allow no more for public figures."""
    landing = Landing(settings.landing_dir)
    for days in (5, 20, 40):
        landing.append([Landed("github", "a/b", NOW - timedelta(days=days), "GET /x", "parse_owner", "", None, b"{}")])

    kept = []
    for policy in ({}, {"raw_days": 10}):
        job.collect(settings, store, base_url=simulator.url, at=NOW, params=params(policy=policy), retry=HURRIED)
        kept.append(len(landing.files("github")))

    assert kept == [3, 2]


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"platforms": ["myspace"]}, InputError, "platform 'myspace': not in params/platforms.yaml; it has github"),
        ({"account": "nobody"}, InputError, "no account 'nobody'"),
        ({"params": params(metrics=["applause"])}, ParamsError, "has no 'applause'"),
        ({"params": params(adapter="nothing")}, ParamsError, "adapter 'nothing': unknown"),
        ({"params": params(adapter="no.such.module")}, ParamsError, "cannot be imported"),
        ({"params": params(adapter="json.decoder")}, ParamsError, "has no NAME, VENDOR"),
    ],
)
def test_what_cannot_be_collected_is_said_before_anything_is_asked(settings, store, asked, error, said):
    with pytest.raises(error, match=said):
        job.collect(settings, store, **{"params": params(), "base_url": "http://127.0.0.1:9", **asked})


def test_a_stored_key_is_used_where_the_environment_has_none(settings, store, simulator):
    """What `analytics connect` or `analytics credentials` left in the store; this one may not read traffic."""
    keyed = settings.model_copy(update={"secret_key": SecretStr(base64.b64encode(b"k" * 32).decode())})
    with store.begin() as connection:
        vault.put(connection, vault.Key(keyed.secret_key), "STORED_TOKEN", SecretStr("readonly"))
    asked = params(accounts=[{"id": "acme/orchard", "credential": "STORED_TOKEN"}])

    with_key = job.collect(keyed, store, base_url=simulator.url, at=NOW, params=asked, retry=HURRIED).harvests[0]
    without = job.collect(settings, store, base_url=simulator.url, at=NOW, params=asked, retry=HURRIED).harvests[0]

    assert [r.metric for r in with_key.refused] == ["views"]
    assert isinstance(without.error, AccessDenied)


def test_a_sign_in_that_the_platform_ended_early_is_renewed_within_the_round(settings, store, simulator, monkeypatch):
    """By our clock the token lives; the platform says 401, and the round goes on with a fresh one."""
    monkeypatch.delenv("GITHUB_TOKEN")
    signed_in = settings.model_copy(update={"secret_key": SecretStr(vault.new_key())})
    given = []

    def renewal(_name):
        return lambda refused: (given.append(refused), Renewed("a-fresh-token", "sign in again"))[1]

    harvest = job.fetch_account(
        "github",
        _at(params(), simulator).platforms["github"],
        params().platforms["github"].accounts[0],
        observed_at=NOW,
        base_url=f"{simulator.url}/github",
        simulated=True,
        retry=HURRIED,
        stored=lambda _: SecretStr("revoked"),
        renewal=renewal,
    )

    assert (harvest.state, given) == ("ok", ["revoked"])
    assert job._renewal(settings, store, "GITHUB_TOKEN") is None
    assert job._renewal(signed_in, store, "GITHUB_TOKEN")("revoked") is None  # a plain key is not there to renew


@pytest.mark.parametrize(
    ("schedule", "minutes"),
    [
        ("*/4 * * * *", [0, 4, 8, 12, 16, 20]),
        ("*/5 * * * *", [0, 5, 10, 15, 20, 25]),
        ("2-59/5 * * * *", [0, 5, 10, 15, 20, 25]),
        ("*/6 * * * *", [0, 6, 12, 18, 24, 30]),
        ("*/10 * * * *", [0, 10, 20, 30, 40, 50]),
    ],
)
def test_no_two_polls_share_a_reading(simulator, schedule, minutes):
    """At four minutes a slot of five once took two polls, and the second overwrote the first."""
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    entry = _at(params(schedule=schedule, metrics=["stars"]), simulator).platforms["github"]
    due = CronSim(schedule, noon - timedelta(seconds=1))

    dated = [
        job.fetch_account(
            "github",
            entry,
            entry.accounts[0],
            observed_at=at + timedelta(seconds=9),
            base_url=entry.base_url,
            simulated=True,
        )
        .observations[0]
        .observed_at
        for at in islice(due, 6)
    ]

    assert [(at - noon) // timedelta(minutes=1) for at in dated] == minutes


def test_a_slow_platform_holds_up_no_other(settings, store, simulator):
    """Sixteen accounts that do not answer once took the eight places of all; three healthy ones waited behind them."""
    let_go, waiting = threading.Event(), threading.Semaphore(0)
    seen = []

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self):
            waiting.release()
            let_go.wait(60)
            self.send_error(404)

        def log_message(self, *_): ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        github = params().model_dump(mode="json")["platforms"]["github"]
        entries = {
            "slow": {
                "adapter": "medium",
                "display_name": "Slow",
                "accounts": [{"id": f"@a{n}"} for n in range(16)],
                "base_url": f"http://127.0.0.1:{server.server_port}",
            },
            "github": {**github, "base_url": f"{simulator.url}/github"},
        }

        def progress(_step, done):
            seen.append(done)
            with store.begin() as connection:
                if connection.scalar(sa.text("SELECT count(*) FROM points")):
                    let_go.set()

        made = job.collect(
            settings,
            store,
            at=NOW,
            params=Params.model_validate({"platforms": entries}),
            retry=HURRIED,
            progress=progress,
        )
        server.shutdown()

    assert let_go.is_set()  # the healthy one was stored while every slow one still waited
    assert seen[0] == pytest.approx(1 / 17)
    assert [h.platform for h in made.harvests] == ["slow"] * 16 + ["github"]
    assert [h.state for h in made.harvests] == ["failed"] * 16 + ["ok"]


@pytest.mark.parametrize(
    "bad", ["acme\x00x", "acme\x1b[31m", "a\nb", "a\ud800b", "\x85", "..", "acme/../orchard", "a\\b", "x" * 5000]
)
def test_an_account_id_that_is_none_costs_itself_alone(settings, store, simulator, bad):
    """One with a control character stopped the round, and with it every other account of the platform."""
    entries = [{"id": bad, "name": f"name {bad}", "credential": "GITHUB_TOKEN"}]
    entries.append({"id": "acme/orchard", "credential": "GITHUB_TOKEN"})
    chosen = params(accounts=entries)

    made = job.collect(settings, store, base_url=simulator.url, at=NOW, params=chosen, retry=HURRIED)
    sync_params(store, chosen)

    wrong, well = made.harvests
    assert (wrong.state, well.state) == ("failed", "ok")
    assert well.written > 0
    assert "the account id" in str(wrong.error)
    assert wrong.pages == ()
    with store.begin() as connection:
        outcomes = dict(connection.execute(sa.text("SELECT account, outcome FROM collections")).fetchall())
    assert sorted(outcomes.values()) == ["failed", "ok"]


def test_answers_that_the_database_refuses_cost_their_account_alone(settings, store, simulator):
    """Whatever slips past the checks, the round goes on and the log names the account."""
    harvest = Harvest("github", "acme", NOW, (Page("repo", raw=b"{}", parser="x", api_version="v\x001"),))

    refused = job._kept(store, Landing(settings.landing_dir), harvest, NOW)

    assert refused.state == "failed"
    assert "refused" in str(refused.error)
