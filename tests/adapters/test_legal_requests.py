"""Each request an adapter makes stands in the vendor's own description: method, path, parameters, fields."""

from __future__ import annotations

import json
import re

import pytest

from analytics.adapters.http import Client
from analytics.adapters.platforms import producthunt
from analytics.adapters.registry import load_adapter
from analytics.simulator import platforms


@pytest.fixture
def requests(simulator, patient, observed_at):
    """Every request of one round of all metrics."""

    def run(name, account=None):
        adapter, made = load_adapter(name), []
        metrics = {definition.metric_type for definition in adapter.DEFINITIONS}
        base_url = simulator.base_url(name)
        with Client(adapter.VENDOR, token="user-token-of-mine", base_url=base_url, retry=patient) as client:
            client.event_hooks["request"].append(made.append)
            account = account or platforms.load(name).account
            list(adapter.collect(client, account, metrics, observed_at=observed_at, contents=120))
        assert made
        prefix = f"/{name}"
        return [(r.method, r.url.path.removeprefix(prefix), dict(r.url.params), r.content) for r in made]

    return run


def operation(description, path):
    """The GET operation whose path template fits, and the names of its parameters."""
    for template, methods in description["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            shared = description.get("components", {}).get("parameters", {})
            parameters = [
                shared[p["$ref"].rsplit("/", 1)[-1]] if "$ref" in p else p for p in methods["get"].get("parameters", [])
            ]
            return {p["name"]: p for p in parameters if p["in"] == "query"}
    return None


@pytest.mark.parametrize("account", ["acme/orchard", "acme"])
def test_github_requests(requests, contract, account):
    description = contract("github/openapi.json")

    for method, path, params, _ in requests("github", account):
        known = operation(description, path)
        assert method == "GET"
        assert known is not None, path
        assert set(params) <= set(known)
        assert all(params[n] in known[n]["schema"]["enum"] for n in params if "enum" in known[n].get("schema", {}))


@pytest.mark.parametrize(("version", "fields"), [("v2.166", "tweet.fields"), ("v2.167", "post.fields")])
def test_x_requests(requests, contract, version, fields):
    """Paths and parameters of both generations; the older field parameter is asked for first."""
    description = contract(f"x/openapi.{version}.json")

    for method, path, params, _ in requests("twitter"):
        known = operation(description, path)
        assert method == "GET"
        assert known is not None, path
        named = {fields if name == "tweet.fields" else name: value for name, value in params.items()}
        assert set(named) <= set(known)
        for name, value in named.items():
            schema = known[name].get("schema", {})
            allowed = schema.get("items", {}).get("enum")
            assert allowed is None or set(value.split(",")) <= set(allowed)
            assert schema.get("minimum", 0) <= int(value) <= schema["maximum"] if "maximum" in schema else True
        assert all(name in named for name, p in known.items() if p.get("required"))


def test_youtube_requests(requests, contract):
    methods = {}
    for name in ("youtube.v3", "youtubeAnalytics.v2"):
        description = contract(f"youtube/discovery.{name}.json")
        for resource in description["resources"].values():
            for method in resource["methods"].values():
                if method["httpMethod"] == "GET":
                    methods["/" + method["path"]] = method["parameters"] | description["parameters"]

    for _, path, params, _ in requests("youtube"):
        assert path in methods
        assert set(params) <= set(methods[path])
        assert all(name in params for name, p in methods[path].items() if p.get("required"))
        if "maxResults" in params and "maximum" in methods[path]["maxResults"]:
            assert int(params["maxResults"]) <= int(methods[path]["maxResults"]["maximum"])


def test_product_hunt_documents_name_only_fields_of_the_schema(requests, contract):
    """All but the rank, which the schema does not publish and which is therefore asked for apart."""
    schema = re.sub(r'"""[\s\S]*?"""', "", contract("producthunt/schema.graphql"))
    types = {
        name: set(re.findall(r"^\s*(\w+)\s*[(:]", body, flags=re.M))
        for name, body in re.findall(r"^type (\w+)[^{]*\{([\s\S]*?)^\}", schema, flags=re.M)
    }
    known = set.union(*types.values())

    for name, document in producthunt.QUERIES.items():
        body = document[document.index("{") :]
        fields = set(re.findall(r"\b([a-z]\w*)\b(?!\s*:)", re.sub(r"\$\w+|\w+:", "", body)))
        assert fields - known == ({"dailyRank"} if name == "Rank" else set()), name
    sent = [json.loads(content) for *_, content in requests("producthunt")]
    assert all(set(body) == {"query", "operationName", "variables"} for body in sent)
