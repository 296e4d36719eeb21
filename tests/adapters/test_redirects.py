"""Redirects over real sockets: followed within the platform's own host, refused to any other, never with the token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from analytics.adapters import redirects
from analytics.adapters.http import Client, get_json, post_json
from analytics.adapters.registry import load_adapter
from analytics.adapters.vendor import Retry
from analytics.errors import MalformedResponse

ANSWER = b'{"fine": true}'


class Server(ThreadingHTTPServer):
    """Answers JSON; `/to?…` sends to what stands after the question mark. `asked` are the paths it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[tuple[str, str | None]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class _Answer(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        path, _, target = self.path.partition("?")
        status = int(path.removeprefix("/to/")) if path.startswith("/to/") else 200
        self.send_response(status)
        if status != 200:
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def servers() -> Iterator[tuple[Server, Server]]:
    pair = Server(), Server()
    yield pair
    for server in pair:
        server.shutdown()
        server.server_close()


@pytest.fixture
def client(servers: tuple[Server, Server]) -> Iterator[Client]:
    vendor = load_adapter("github").VENDOR
    retry = Retry(sleep=lambda _: None)
    with Client(vendor, token="a-secret-token", base_url=servers[0].url, retry=retry) as opened:
        yield opened


def test_a_redirect_within_the_host_is_followed(client, servers):
    """GitHub sends renamed repositories on so; the token goes along."""
    answer = get_json(client, f"to/301?{servers[0].url}/repositories/1")

    assert answer.payload == {"fine": True}
    assert servers[0].asked[-1] == ("/repositories/1", "Bearer a-secret-token")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [get_json, lambda client, path: post_json(client, path, body={})], ids=["GET", "POST"])
def test_a_redirect_to_another_place_on_this_machine_is_refused(
    client: Client, servers: tuple[Server, Server], status: int, call: Callable[[Client, str], object]
):
    """Its data were taken for the platform's."""
    with pytest.raises(MalformedResponse, match="redirects to another host"):
        call(client, f"to/{status}?{servers[1].url}/private")

    assert servers[1].asked == []


@pytest.mark.parametrize(
    "target",
    ["http://localhost:{port}/", "http://[::1]:{port}/", "http://2130706433:{port}/", "//127.0.0.2:{port}/",
     "http://ana@127.0.0.1:{port}/", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/"],
)  # fmt: skip
def test_other_spellings_are_refused_too(client, servers, target):
    with pytest.raises(MalformedResponse):
        get_json(client, "to/302?" + target.format(port=servers[1].server_port))

    assert servers[1].asked == []


def test_redirects_without_end_are_malformed():
    circle = httpx.MockTransport(lambda request: httpx.Response(302, headers={"Location": str(request.url)}))

    with (
        Client(load_adapter("github").VENDOR, transport=circle) as client,
        pytest.raises(MalformedResponse, match="more than 5 times"),
    ):
        get_json(client, "x")


def test_a_declared_host_is_followed_over_https_without_the_token():
    """Medium sends a feed on to a name below its own."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url), request.headers.get("authorization")))
        return httpx.Response(301, headers={"Location": "https://1.1.1.1/feed"}) if len(seen) == 1 else FEED

    vendor = load_adapter("medium").VENDOR
    allowed = type(vendor)(
        vendor.platform, vendor.base_url, read=vendor.read, redirect_hosts=(*vendor.redirect_hosts, "1.1.1.1")
    )
    with Client(allowed, token="a-secret-token", transport=httpx.MockTransport(answer)) as client:
        get_json(client, "feed/@ada")

    assert seen[1] == ("https://1.1.1.1/feed", None)


FEED = httpx.Response(200, content=b"<rss version='2.0'><channel><title>t</title></channel></rss>")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "[::1]"])
def test_a_declared_name_that_leads_into_a_private_network_is_refused(host):
    """A vendor's name that somebody has pointed elsewhere."""
    asked = httpx.URL("https://medium.com/feed/@ada")
    target = httpx.URL(f"https://{host}/feed")

    said = redirects.problem(asked, target, (), (target.host,))

    assert "private network" in said


def test_a_downgrade_to_plain_http_is_refused():
    asked = httpx.URL("https://medium.com/feed")

    assert redirects.problem(asked, httpx.URL("http://medium.com/feed"), (redirects.origin(asked),), ("medium.com",))


def test_the_feed_reader_follows_nowhere_else(servers):
    with (
        Client(load_adapter("substack").VENDOR, base_url=servers[0].url, retry=Retry(attempts=1)) as client,
        pytest.raises(MalformedResponse, match="redirects to another host"),
    ):
        get_json(client, f"to/302?{servers[1].url}/feed")

    assert servers[1].asked == []
