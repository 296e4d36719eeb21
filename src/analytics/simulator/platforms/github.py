"""GitHub REST: repositories, owners, traffic, contributors. Token `readonly` may not read traffic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import EPOCH, Flow, dice
from analytics.simulator.platform import Platform
from analytics.simulator.world import World

FLOWS = {
    "stars": Flow(38, start=11_800, loss=0.06, sensitivity=1.0),
    "forks": Flow(5, start=1_450, sensitivity=0.7),
    "watchers": Flow(1.2, start=310, loss=0.2, sensitivity=0.5),
    "followers": Flow(4, start=2_100, loss=0.12, sensitivity=0.6),
    "contributions": Flow(9, start=6_400, sensitivity=0.0, amplitude=0.7, peak_hour=14),
    "views": Flow(2_400),
    "clones": Flow(310, sensitivity=0.4, amplitude=0.3),
}


def subject_of(account: str, metric: str) -> str:
    """Followers are the owner's, everything else the repository's."""
    return account.partition("/")[0] if metric == "followers" else account


def _daily(name: str, share: float = 1.0) -> Callable[[World, str, datetime, datetime], float]:
    def figure(world: World, account: str, start: datetime, end: datetime) -> float:
        return int(share * world.increments("github", account, name, start, end).sum())

    return figure


UNIQUE_SHARE = {"views": 0.38, "clones": 0.55}
DAILY = {
    "views": _daily("views"),
    "clones": _daily("clones"),
    "unique_visitors": _daily("views", UNIQUE_SHARE["views"]),
    "unique_cloners": _daily("clones", UNIQUE_SHARE["clones"]),
}


def _limit_headers(limit: int, used: int, reset_at: datetime, _now: datetime) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(max(0, limit - used)),
        "x-ratelimit-used": str(used),
        "x-ratelimit-reset": str(int(reset_at.timestamp())),
        "x-ratelimit-resource": "core",
    }


LIMIT = Limit(5000, timedelta(hours=1), _limit_headers)
MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    429: "API rate limit exceeded for user ID 1. If you reach out for help, please include the request ID.",
}


def token_of(call: Call) -> str | None:
    """GitHub answers without a token too."""
    return call.bearer or "anonymous"


def refusal(status: int, _call: Call) -> Reply:
    """Errors are `{message, documentation_url}`; a spent limit is a 403."""
    message = MESSAGES.get(status, "Server Error")
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Reply(body, 403 if status == 429 else status)


def repository(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}."""
    return (
        refusal(404, call)
        if _is_missing(call.path["owner"])
        else Reply(_repository(call, call.path["owner"], call.path["repo"]))
    )


def owner(call: Call) -> Reply:
    """GET /users/{username}."""
    name = call.path["username"]
    if _is_missing(name):
        return refusal(404, call)
    return Reply(
        {
            "login": name,
            "id": _id(name),
            "type": "Organization",
            "public_repos": len(REPOSITORIES),
            "followers": call.world.counter("github", name, "followers", call.at),
            "following": 0,
            "created_at": "2019-04-02T09:00:00Z",
        }
    )


REPOSITORIES = ("orchard", "pressing", "cellar")


def repositories(call: Call) -> Reply:
    """GET /users/{username}/repos, with `Link` paging."""
    if _is_missing(call.path["username"]):
        return refusal(404, call)
    per_page, page = call.number("per_page", 30, 100), call.number("page", 1, 1000)
    begin = (page - 1) * per_page
    items = [_repository(call, call.path["username"], name) for name in REPOSITORIES[begin : begin + per_page]]
    for item in items:
        del item["subscribers_count"]
    more = begin + per_page < len(REPOSITORIES)
    link = f'<{call.base_url}/user/1/repos?per_page={per_page}&page={page + 1}>; rel="next"'
    return Reply(items, headers={"link": link} if more else {})


def traffic(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/traffic/{views|clones}: 14 days, those without traffic left out."""
    if _is_missing(call.path["owner"]):
        return refusal(404, call)
    if call.bearer in {None, "readonly"}:
        return refusal(403, call)
    kind, account = call.path["kind"], f"{call.path['owner']}/{call.path['repo']}"
    days = [(day, count) for day, count in call.world.daily("github", account, kind, call.at, 14) if count]
    share = UNIQUE_SHARE[kind]
    rows = [{"timestamp": f"{d:%Y-%m-%dT%H:%M:%SZ}", "count": n, "uniques": int(share * n)} for d, n in days]
    total = sum(n for _, n in days)
    return Reply({"count": total, "uniques": int(0.21 * total), kind: rows})


def contributors(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}/stats/contributors: three people share the commits."""
    if _is_missing(call.path["owner"]):
        return refusal(404, call)
    account = f"{call.path['owner']}/{call.path['repo']}"
    total = call.world.counter("github", account, "contributions", call.at)
    first, second = int(total * 0.6), int(total * 0.3)
    shares = {"ada": first, "grace": second, "linus": total - first - second}
    return Reply([{"author": {"login": who, "id": _id(who)}, "total": n, "weeks": []} for who, n in shares.items()])


def _repository(call: Call, owner_name: str, name: str) -> dict[str, object]:
    account = f"{owner_name}/{name}"
    stars, forks, watchers = (
        call.world.counter("github", account, metric, call.at) for metric in ("stars", "forks", "watchers")
    )
    return {
        "id": _id(account),
        "name": name,
        "full_name": account,
        "private": False,
        "owner": {"login": owner_name, "id": _id(owner_name), "type": "Organization"},
        "description": None,
        "fork": False,
        "created_at": f"{EPOCH:%Y-%m-%dT%H:%M:%SZ}",
        "pushed_at": f"{call.at.replace(minute=0, second=0):%Y-%m-%dT%H:%M:%SZ}",
        "stargazers_count": stars,
        "watchers_count": stars,
        "forks_count": forks,
        "open_issues_count": 42,
        "subscribers_count": watchers,
    }


def _is_missing(name: str) -> bool:
    return name.lower().startswith("nobody")


def _id(name: str) -> int:
    return int(dice(0, "id", name).integers(10**6, 10**9))


PLATFORM = Platform(
    account="acme/orchard",
    flows=FLOWS,
    routes=(
        ("GET", "/repos/{owner}/{repo}", repository),
        ("GET", "/repos/{owner}/{repo}/traffic/{kind}", traffic),
        ("GET", "/repos/{owner}/{repo}/stats/contributors", contributors),
        ("GET", "/users/{username}", owner),
        ("GET", "/users/{username}/repos", repositories),
    ),
    token_of=token_of,
    refusal=refusal,
    limit=LIMIT,
    daily=DAILY,
    subject_of=subject_of,
)
