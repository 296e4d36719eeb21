"""Whose requests the Prefect server answers: programs', its own pages', nobody else's."""

import asyncio

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_API_URL, get_current_settings, temporary_settings
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from flows.server import NoStrangers, OwnPagesOnly, own_urls

HERE = "http://127.0.0.1:4200"


async def done(_request):
    return PlainTextResponse("done")


async def told(socket: WebSocket):
    await socket.accept()


@pytest.fixture
def guarded() -> OwnPagesOnly:
    """An application as open as Prefect's, behind the guard."""
    app = Starlette(routes=[Route("/", done, methods=["GET", "PATCH"]), WebSocketRoute("/out", told)])
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
    changed = {PREFECT_API_URL: "http://server:4200/api", PREFECT_UI_API_URL: "https://runs.example/api"}
    with temporary_settings(changed):
        return OwnPagesOnly(app, own_urls(get_current_settings()))


def answered(app, method: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
            return await client.request(method, "/", headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(ask())


def opened(app, **headers: str) -> str:
    """What the server says to a websocket that wants to open."""
    said: list[str] = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        said.append(message["type"])

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "websocket", "path": "/out", "headers": raw, "query_string": b"", "subprotocols": []}
    asyncio.run(app(scope, receive, send))
    return said[0]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:8888", "null"])
def test_a_foreign_page_may_neither_ask_whether_it_may_nor_do_it(guarded, origin):
    """A deployment's pull steps may be a shell script, and a browser reaches loopback for any page it shows."""
    preflight = answered(guarded, "OPTIONS", Origin=origin, Access_Control_Request_Method="PATCH")
    change = answered(guarded, "PATCH", Origin=origin)

    assert (preflight.status_code, change.status_code) == (403, 403)
    assert "access-control-allow-origin" not in preflight.headers
    assert opened(guarded, host="127.0.0.1:4200", origin=origin) == "websocket.close"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example:4200", ""])
def test_a_name_that_was_made_to_lead_here_is_refused(guarded, host):
    """To the browser such a page has the same origin as the server."""
    assert answered(guarded, "PATCH", Host=host, Origin=f"http://{host}").status_code == 403


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:4200", None),
        ("server:4200", None),
        ("127.0.0.1:4200", HERE),
        ("127.0.0.1:4200", "http://localhost:4200"),
        ("192.0.2.7:4200", "http://192.0.2.7:4200"),
        ("runs.example", "https://runs.example"),
        ("127.0.0.1:4200", "https://runs.example"),
    ],
)
def test_programs_and_the_servers_own_pages_are_answered(guarded, host, origin):
    """Workers, `analytics health`, the pages here, under another name of this machine and behind a proxy."""
    headers = {"host": host} | ({"origin": origin} if origin else {})

    assert answered(guarded, "PATCH", **headers).status_code == 200
    assert opened(guarded, **headers) == "websocket.accept"


@pytest.mark.slow
def test_the_running_server_has_the_guard(up):
    """As it was seen: pull steps changed from a page of another site."""
    address = f"/deployments/{up.deployment('collect/github')}"
    origin, host = {"Origin": "https://evil.example"}, {"Host": "evil.example"}
    script = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "true"}}]}

    answers = [
        up.api.options(address, headers=origin | {"Access-Control-Request-Method": "PATCH"}),
        up.api.patch(address, json=script, headers=origin),
        up.api.patch(address, json=script, headers=host),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert not up.api.get(address).json()["pull_steps"]


def test_every_answer_says_that_its_page_may_call_this_server_only(guarded):
    answer = answered(NoStrangers(guarded, guarded.urls), "GET")

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert {"http://127.0.0.1:4200", "ws://127.0.0.1:4200", "https://runs.example", "wss://runs.example"} <= set(
        policy["connect-src"].split()
    )
    assert "*" not in answer.headers["content-security-policy"]
